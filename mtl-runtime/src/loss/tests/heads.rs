//! Losses of one row: values from the equations, slopes, extremes, and where they are least.

use mtl_data::schema::BinaryLoss;

use super::*;

pub const fn regression(loss: RegressionLoss) -> TaskKind {
    TaskKind::Regression { transform: Transform::None, loss }
}

const SMOOTHED: TaskKind = TaskKind::Binary { loss: BinaryLoss::Bce { pos_weight: 3.0, smoothing: 0.2 } };
const FOCAL: TaskKind = TaskKind::Binary { loss: BinaryLoss::Focal { gamma: 2.0, alpha: 0.75 } };
const LOG_COSH: TaskKind = regression(RegressionLoss::LogCosh);
const QUANTILE: TaskKind = regression(RegressionLoss::Quantile { q: 0.9 });
const COUNT: TaskKind = regression(RegressionLoss::Poisson);
const TWEEDIE: TaskKind = regression(RegressionLoss::Tweedie { power: 1.5 });
const WATCH: TaskKind = regression(RegressionLoss::WeightedLogistic);

fn one(kind: TaskKind, z: f32, y: f32) -> f32 {
    losses(&schema(&[("a", kind, None)]), &[z], &[y], &[1.0])[0]
}

#[test]
fn values_of_the_equations() {
    close("smoothed", &[one(SMOOTHED, 0.8, 0.3)], &[1.1514491], 1e-5);
    let focal = [one(FOCAL, 0.8, 1.0), one(FOCAL, 0.8, 0.0), one(FOCAL, 0.8, 0.3)];
    close("focal", &focal, &[0.0267515, 0.1393799, 0.1055914], 1e-5);
    close("log-cosh", &[one(LOG_COSH, 2.0, 0.5), one(LOG_COSH, 0.1, 0.5)], &[0.8554402, 0.0779535], 1e-5);
    close("quantile", &[one(QUANTILE, 1.0, 3.0), one(QUANTILE, 3.0, 1.0)], &[1.8, 0.2], 1e-6);
    close("count", &[one(COUNT, 0.7, 3.0), one(COUNT, 0.7, 0.0)], &[0.2095896, 2.0137527], 1e-5);
    close("tweedie", &[one(TWEEDIE, 0.7, 3.0), one(TWEEDIE, 0.7, 0.0)], &[7.066_264, 2.838_135], 1e-5);
    close("watch time", &[one(WATCH, 0.7, 3.0), one(WATCH, 0.7, 0.0)], &[1.2095581, 1.1031861], 1e-5);
}

#[test]
fn focal_without_focus_is_half_the_cross_entropy() {
    let plain = TaskKind::Binary { loss: BinaryLoss::Focal { gamma: 0.0, alpha: 0.5 } };
    for (z, y) in [(0.7, 1.0), (-2.0, 0.0), (3.0, 0.4)] {
        close("half", &[2.0 * one(plain, z, y)], &[one(BINARY, z, y)], 1e-6);
    }
}

/// Each loss in rows of which one is masked, a chain of focal ones among them.
fn all() -> (Schema, Vec<f32>, Vec<f32>) {
    let schema = schema(&[
        ("click", SMOOTHED, None),
        ("like", FOCAL, None),
        ("buy", FOCAL, Some(1)),
        ("stars", LOG_COSH, None),
        ("late", QUANTILE, None),
        ("clicks", COUNT, None),
        ("spent", TWEEDIE, None),
        ("watch", WATCH, None),
    ]);
    let (mut labels, mut weights) = (Vec::new(), Vec::new());
    for row in 0..5 {
        let (click, amount) = ([0.0, 1.0, 0.3][row % 3], [0.0, 3.0, 0.0, 1.0, 0.5][row]);
        labels.extend([click, 1.0 - click, click, 1.0 - row as f32, 5.0 * row as f32 - 9.0, amount, amount, amount]);
        weights.extend([1.0, 2.0, 0.5, 1.5, 1.0, 1.0, 0.5, 2.0]);
    }
    labels[8] = f32::NAN;
    weights[15] = 0.0;
    (schema, labels, weights)
}

#[test]
fn slopes_in_both_forms() {
    let (schema, labels, weights) = all();
    let matrix = |x: &[Tensor<3>]| x[0].clone().squeeze_dim::<2>(0);
    let kernel = |x: Vec<Tensor<3>>| task_losses(&schema, matrix(&x), &labels, &weights);
    let masked = Masked::new(Objective::parts(&schema), schema.tasks.len(), &labels, &weights, &[]);
    let tensors = |x: Vec<Tensor<3>>| portable::losses(&masked, matrix(&x));
    let inputs = [noise(11, [1, 5, 8])];
    check_gradient("heads", &inputs, &kernel);
    check_gradient("heads, portable", &inputs, &tensors);
    check_same("heads", &inputs, &kernel, &tensors);
    // Beyond the limit of exponentials, and far on the other side.
    let far = [(vec![40.0, -40.0, 35.0, -35.0, 45.0, 38.0, 70.0, -80.0], [1, 1, 8])];
    let labels = [1.0, 1.0, 0.0, 2.0, 3.0, 4.0, 2.0, 1.0];
    let masked = Masked::new(Objective::parts(&schema), schema.tasks.len(), &labels, &[1.0; 8], &[]);
    let kernel = |x: Vec<Tensor<3>>| task_losses(&schema, matrix(&x), &labels, &[1.0; 8]);
    check_same("far", &far, &kernel, &|x| portable::losses(&masked, matrix(&x)));
}

#[test]
fn extreme_logits_give_finite_losses_and_slopes() {
    let (schema, ..) = all();
    for (z, y) in [(1e4, 0.0), (1e4, 1.0), (-1e4, 0.0), (-1e4, 1.0), (0.0, 0.0)] {
        let losses = losses(&schema, &[z; 8], &[y; 8], &[1.0; 8]);
        assert!(losses.iter().all(|loss| loss.is_finite() && *loss >= 0.0), "{z} {y}: {losses:?}");
        let slopes = slopes(&schema, &[z; 8], &[y; 8], &[1.0; 8]);
        assert!(slopes.iter().all(|slope| slope.is_finite()), "{z} {y}: {slopes:?}");
        let predictions = predictions(&schema, &[z; 8]);
        assert!(predictions.iter().all(|value| value.is_finite()), "{z}: {predictions:?}");
    }
}

/// The logit at which the mean loss of these labels is least.
fn least(kind: TaskKind, labels: &[f32]) -> f32 {
    let schema = schema(&[("a", kind, None)]);
    let mean = |z: f32| losses(&schema, &vec![z; labels.len()], labels, &vec![1.0; labels.len()])[0];
    let at = |n: i32| n as f32 * 0.01;
    let best = (-400..400).min_by(|a, b| mean(at(*a)).total_cmp(&mean(at(*b))));
    at(best.expect("a grid"))
}

#[test]
fn each_loss_is_least_at_what_is_predicted() {
    let amounts = [0.0, 0.0, 2.0, 6.0];
    for kind in [COUNT, TWEEDIE] {
        close("the mean", &[least(kind, &amounts).exp()], &[2.0], 0.02);
    }
    close("the odds", &[least(WATCH, &amounts).exp()], &[8.0 / 2.0], 0.04);
    let ten: Vec<f32> = (0..10).map(|n| n as f32 / 4.0).collect();
    let quantile = |q| least(regression(RegressionLoss::Quantile { q }), &ten);
    assert!((1.98..=2.02).contains(&quantile(0.85)) && (0.23..=0.27).contains(&quantile(0.15)));
    close("the middle", &[least(LOG_COSH, &[-1.0, 1.0])], &[0.0], 1e-6);
    // Without its constant the deviance of a count is a likelihood: it is 0 at the label.
    close("nothing left", &[one(COUNT, 3f32.ln(), 3.0)], &[0.0], 1e-6);
    // Half of the way to one half.
    let half = TaskKind::Binary { loss: BinaryLoss::Bce { pos_weight: 1.0, smoothing: 0.5 } };
    close("smoothed", &[1.0 / (1.0 + (-least(half, &[1.0])).exp())], &[0.75], 2e-3);
}

#[test]
fn amounts_are_predicted_in_their_unit() {
    let schema = schema(&[("clicks", COUNT, None), ("spent", TWEEDIE, None), ("late", QUANTILE, None)]);
    close("predictions", &predictions(&schema, &[1.0, -0.5, -0.5]), &[2.7182817, 0.6065307, -0.5], 1e-6);
}
