//! One of several classes.

use super::*;

const GENRE: TaskKind = TaskKind::Multiclass { classes: 3, smoothing: 0.2 };

/// A click and a genre: columns 0, 1, and 2 and 3 for the further classes.
fn genre() -> Schema {
    schema(&[("click", BINARY, None), ("genre", GENRE, None)])
}

#[test]
fn the_loss_is_a_cross_entropy_with_smoothed_labels() {
    assert_eq!(genre().logits(), [vec![0], vec![1, 2, 3]]);
    let logits = [0.0, 1.0, 0.2, -0.7];
    let all = (1f32.exp() + 0.2f32.exp() + (-0.7f32).exp()).ln();
    let log: Vec<f32> = logits[1..].iter().map(|z| z - all).collect();
    for class in 0..3 {
        let expected = -0.8 * log[class] - 0.2 / 3.0 * log.iter().sum::<f32>();
        let found = task_losses(&genre(), tensor(&logits, [1, 4]), &[0.0, class as f32], &[1.0; 2]);
        close("loss", &values(found)[1..], &[expected], 1e-6);
    }
    assert_eq!(prediction_names(&genre()), ["click", "genre_0", "genre_1", "genre_2"]);
    let predicted = predictions(&genre(), &logits);
    close("predictions", &predicted[1..], &log.iter().map(|log| log.exp()).collect::<Vec<_>>(), 1e-6);
}

#[test]
fn classes_have_one_gradient_in_both_forms() {
    let labels = [1.0, 2.0, 0.5, 0.0, 1.0, f32::NAN, 0.0, 1.0];
    let weights = [1.0, 2.0, 1.0, 0.5, 1.0, 1.0, 1.0, 0.0];
    let logits = [noise(3, [1, 4, 4])];
    let kernel = |x: Vec<Tensor<3>>| task_losses(&genre(), x[0].clone().squeeze_dim::<2>(0), &labels, &weights);
    let masked = Masked::new(Objective::parts(&genre()), 2, &labels, &weights, &[]);
    let plain = |x: Vec<Tensor<3>>| portable::losses(&masked, x[0].clone().squeeze_dim::<2>(0));
    check_gradient("classes", &logits, &kernel);
    check_same("classes", &logits, &kernel, &plain);
    let slopes = gradient(&logits, &kernel);
    assert!(slopes[0][9..12].iter().chain(&slopes[0][13..]).all(|slope| *slope == 0.0), "{slopes:?}");
    assert!((slopes[0][1..4].iter().sum::<f32>()).abs() < 1e-6 && slopes[0][1] != 0.0, "{slopes:?}");
    for z in [1e4, -1e4] {
        let found = task_losses(&genre(), tensor(&[0.0, z, 0.0, -z], [1, 4]), &[0.0, 2.0], &[1.0; 2]);
        assert!(values(found).iter().all(|loss| loss.is_finite()));
    }
}
