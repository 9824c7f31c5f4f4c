use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use mtl_data::schema::{RegressionLoss, TaskKind, Transform};

use super::Weighting;
use crate::config::OptimizerConfig;
use crate::init::Init;
use crate::ops::tests::{close, tensor, values};
use crate::optim::DenseOptimizer;

const KINDS: [TaskKind; 2] =
    [TaskKind::binary(1.0), TaskKind::Regression { transform: Transform::None, loss: RegressionLoss::Mse }];

fn uncertainty() -> Weighting {
    Weighting::uncertainty(&Init::new(0, &Device::flex().autodiff()), &KINDS)
}

fn at(mut weighting: Weighting, s: [f32; 2]) -> Weighting {
    weighting.log_variances = weighting.log_variances.map(|s0| s0.map(|_| tensor(&s, [2]).require_grad()));
    weighting
}

fn combine(weighting: &Weighting, losses: [f32; 2], active: [bool; 2]) -> f32 {
    values(weighting.combine(tensor(&losses, [2]), &active))[0]
}

#[test]
fn equal_is_the_sum_and_fixed_is_weighted() {
    assert_eq!(combine(&Weighting::equal(2), [1.0, 2.5], [true, true]), 3.5);
    assert_eq!(combine(&Weighting::fixed(vec![2.0, 0.0]), [1.0, 2.5], [true, true]), 2.0);
    assert_eq!(Weighting::fixed(vec![2.0, 0.0]).weights(), [2.0, 0.0]);
}

#[test]
fn a_weight_of_zero_gives_a_gradient_of_zero() {
    let losses = tensor::<1>(&[1.0, 2.0], [2]).require_grad();
    let grads = Weighting::fixed(vec![3.0, 0.0]).combine(losses.clone(), &[true, true]).backward();
    assert_eq!(values(losses.grad(&grads).expect("a leaf")), [3.0, 0.0]);
}

#[test]
fn uncertainty_starts_at_the_plain_forms() {
    let weighting = uncertainty();
    // e^0 L + 0 for the binary task, e^0 L/2 + 0 for the regression.
    assert_eq!(combine(&weighting, [1.0, 2.0], [true, true]), 2.0);
    assert_eq!(weighting.weights(), [1.0, 0.5]);
    let s = -0.5f32;
    let expected = (-s).exp() * 1.0 + s / 2.0 + (-s).exp() * 2.0 / 2.0 + s / 2.0;
    close("s = -0.5", &[combine(&at(weighting, [s, s]), [1.0, 2.0], [true, true])], &[expected], 1e-6);
}

#[test]
fn an_inactive_task_adds_nothing_and_moves_nothing() {
    let weighting = at(uncertainty(), [0.3, 0.7]);
    let both = combine(&weighting, [1.0, 0.0], [true, false]);
    close("value", &[both], &[(-0.3f32).exp() + 0.15], 1e-6);
    let s = weighting.log_variances.as_ref().expect("learned").val();
    let grads = weighting.combine(tensor(&[1.0, 0.0], [2]), &[true, false]).backward();
    let grad = values(s.grad(&grads).expect("a leaf"));
    close("gradient", &grad, &[0.5 - (-0.3f32).exp(), 0.0], 1e-6);
}

/// Trains `s` alone on constant losses.
fn settle(losses: [f32; 2]) -> Weighting {
    let mut weighting = uncertainty();
    let mut optimizer = DenseOptimizer::new(&OptimizerConfig::sgd(0.5), None);
    for _ in 0..400 {
        let grads = weighting.combine(tensor(&losses, [2]), &[true, true]).backward();
        let grads = GradientsParams::from_grads(grads, &weighting);
        weighting = optimizer.step(weighting, grads);
    }
    weighting
}

#[test]
fn log_variances_settle_at_their_optimum() {
    let weighting = settle([0.08, 3.0]);
    let s = values::<1>(weighting.log_variances.as_ref().expect("learned").val());
    close("s", &s, &[(2.0f32 * 0.08).ln(), 3.0f32.ln()], 1e-4);
    // At the optimum a loss is worth 1/2 whatever its size.
    let worth: Vec<f32> = weighting.weights().iter().zip([0.08, 3.0]).map(|(w, l)| (w * l) as f32).collect();
    close("worth", &worth, &[0.5, 0.5], 1e-4);
}

#[test]
fn a_vanishing_loss_takes_no_infinite_weight() {
    let weighting = at(uncertainty(), [-40.0, 40.0]);
    assert!((weighting.weights()[0] - 10f64.exp()).abs() < 1e-6 * 10f64.exp());
    let s = weighting.log_variances.as_ref().expect("learned").val();
    let losses = Tensor::from_data([1.0, 1.0], &s.device());
    let grad = values(s.grad(&weighting.combine(losses, &[true, true]).backward()).expect("a leaf"));
    // Outside the bounds the slope still points back inside.
    assert!(grad[0] < 0.0 && grad[1] > 0.0, "{grad:?}");
}
