//! Zero-inflated lognormal: values, slopes, extremes, and the mean.

use super::heads::regression;
use super::*;

const SPENT: TaskKind = regression(RegressionLoss::Ziln);

/// Amounts, stars, amounts: columns 0 to 2, then two for each of the amounts, and the threshold of the stars.
fn spending() -> Schema {
    schema(&[("spent", SPENT, None), ("stars", TaskKind::Ordinal { levels: 3 }, None), ("saved", SPENT, None)])
}

/// Whose softplus is one half.
const HALF: f32 = -0.432_752_1;

#[test]
fn location_and_scale_stand_behind_the_tasks() {
    assert_eq!(spending().logits(), [vec![0, 3, 4], vec![1, 7], vec![2, 5, 6]]);
    assert_eq!(spending().logit_columns(), 8);
}

#[test]
fn values_of_the_equations() {
    let schema = schema(&[("spent", SPENT, None)]);
    let loss = |logits: [f32; 3], y: f32| values(task_losses(&schema, tensor(&logits, [1, 3]), &[y], &[1.0]))[0];
    // The density at 10 and the mean of a lognormal distribution with location 2 and scale 1/2.
    let ln_2 = std::f32::consts::LN_2;
    close("an amount", &[loss([0.0, 2.0, HALF], 10.0)], &[2.711492 + ln_2], 1e-6);
    close("none", &[loss([0.7, 2.0, HALF], 0.0)], &[1.1031861], 1e-6);
    close("the mean", &predictions(&schema, &[0.0, 2.0, HALF]), &[8.372897 / 2.0], 1e-6);
    // A density above 1 has a negative logarithm.
    assert!(loss([5.0, 0.0, -5.0], 1.0) < 0.0);
}

#[test]
fn slopes_in_both_forms() {
    let schema = spending();
    let labels = [0.0, 1.0, 2.5, 3.0, 3.0, 0.0, 0.2, 2.0, f32::NAN, 7.0, f32::NAN, 40.0];
    let weights = [1.0, 1.0, 2.0, 0.5, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0];
    let matrix = |x: &[Tensor<3>]| x[0].clone().squeeze_dim::<2>(0);
    let kernel = |x: Vec<Tensor<3>>| task_losses(&schema, matrix(&x), &labels, &weights);
    let masked = Masked::new(Objective::parts(&schema), schema.tasks.len(), &labels, &weights, &[]);
    let tensors = |x: Vec<Tensor<3>>| portable::losses(&masked, matrix(&x));
    let inputs = [noise(5, [1, 4, 8])];
    check_gradient("ziln", &inputs, &kernel);
    check_gradient("ziln, portable", &inputs, &tensors);
    check_same("ziln", &inputs, &kernel, &tensors);
    // Without an amount, location and scale learn nothing.
    let slopes = gradient(&inputs, &kernel);
    assert!(slopes[0][0] != 0.0 && slopes[0][3] == 0.0 && slopes[0][4] == 0.0, "{slopes:?}");
}

#[test]
fn extreme_numbers_are_finite() {
    let schema = schema(&[("spent", SPENT, None)]);
    for (at, y) in (0..27).flat_map(|at| [(at, 0.0), (at, 1e-3), (at, 1e5)]) {
        let number = |place: u32| [-1e4f32, 0.0, 1e4][at / 3usize.pow(place) % 3];
        let logits = tensor::<2>(&[number(0), number(1), number(2)], [1, 3]).require_grad();
        let loss = task_losses(&schema, logits.clone(), &[y], &[1.0]);
        let grads = loss.clone().sum().backward();
        let found = [values(loss), values(logits.clone().grad(&grads).expect("a leaf"))].concat();
        assert!(found.iter().all(|value| value.is_finite()), "{at} {y}: {found:?}");
        assert!(predictions(&schema, &values(logits)).iter().all(|value| value.is_finite() && *value >= 0.0));
    }
}
