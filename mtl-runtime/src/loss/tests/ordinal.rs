//! Levels: ordered thresholds.

use super::*;
use crate::ops::levels;

const STARS: TaskKind = TaskKind::Ordinal { levels: 4 };

/// A click, stars and a number: columns 0, 1, 2, and 3 and 4 for the further thresholds of the stars.
fn stars() -> Schema {
    schema(&[("click", BINARY, None), ("stars", STARS, None), ("watch", MSE, None)])
}

#[test]
fn further_thresholds_stand_behind_the_tasks() {
    assert_eq!(stars().logits(), [vec![0], vec![1, 3, 4], vec![2]]);
    assert_eq!(stars().logit_columns(), 5);
}

#[test]
fn the_loss_of_a_level_is_a_cross_entropy_for_each_threshold() {
    let logits = [0.0, 1.0, 0.0, 0.2, -0.7];
    let ln = |z: f32| -(1.0 / (1.0 + (-z).exp())).ln();
    for (level, sides) in [(1.0, [-1.0, -1.0, -1.0]), (2.0, [1.0, -1.0, -1.0]), (4.0, [1.0, 1.0, 1.0])] {
        let expected = ln(sides[0] * 1.0) + ln(sides[1] * 0.2) + ln(sides[2] * -0.7);
        let task = task_losses(&stars(), tensor(&logits, [1, 5]), &[0.0, level, 0.0], &[1.0; 3]);
        close("loss", &values(task)[1..2], &[expected], 1e-6);
    }
}

#[test]
fn levels_have_one_gradient_in_both_forms() {
    let labels = [1.0, 3.0, 0.5, 0.0, 1.0, 2.0, 1.0, f32::NAN, 1.0, 0.0, 4.0, -1.0];
    let weights = [1.0, 2.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 0.0];
    let logits = [noise(3, [1, 4, 5])];
    let kernel = |x: Vec<Tensor<3>>| task_losses(&stars(), x[0].clone().squeeze_dim::<2>(0), &labels, &weights);
    let masked = Masked::new(Objective::parts(&stars()), stars().tasks.len(), &labels, &weights, &[]);
    let plain = |x: Vec<Tensor<3>>| portable::losses(&masked, x[0].clone().squeeze_dim::<2>(0));
    check_gradient("levels", &logits, &kernel);
    check_same("levels", &logits, &kernel, &plain);
    // The third row has no stars.
    let slopes = gradient(&logits, &kernel);
    assert!([11, 13, 14].iter().all(|at| slopes[0][*at] == 0.0) && slopes[0][12] != 0.0, "{slopes:?}");
}

#[test]
fn the_expected_level_grows_with_the_logit_and_stays_within_the_levels() {
    let level = |z: f32| {
        let columns = levels(tensor(&[0.0, z, 0.0], [1, 3]), tensor(&[0.3, -2.0], [1, 1, 2]), 1);
        let columns = values(columns);
        assert!(columns[1] > columns[3] && columns[3] > columns[4], "thresholds in order: {columns:?}");
        predictions(&stars(), &columns)[1]
    };
    let found: Vec<f32> = [-30.0, -2.0, 0.0, 1.0, 30.0].map(level).to_vec();
    assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
    assert!((found[0] - 1.0).abs() < 1e-5 && (found[4] - 4.0).abs() < 1e-5, "{found:?}");
}
