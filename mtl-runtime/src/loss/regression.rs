//! The loss of one row of a regression, and its derivative.

use mtl_data::schema::RegressionLoss;

use super::row::{log_sigmoid, sigmoid};

/// Where exponentials go on as lines, so that no logit makes a step without bounds.
pub(super) const LIMIT: f64 = 30.0;

/// The loss of the network's number `z` for a label `y` in the loss's unit, and its slope along `z`.
pub(super) fn loss(loss: RegressionLoss, z: f64, y: f64) -> (f64, f64) {
    let error = z - y;
    match loss {
        RegressionLoss::Mse => (error * error, 2.0 * error),
        RegressionLoss::Huber { delta } => {
            let inside = error.clamp(-delta, delta);
            (inside * (error - inside / 2.0), inside)
        }
        RegressionLoss::LogCosh => {
            let size = error.abs();
            (size + (-2.0 * size).exp().ln_1p() - std::f64::consts::LN_2, error.tanh())
        }
        RegressionLoss::Quantile { q } => {
            let slope = if error > 0.0 { 1.0 - q } else { -q };
            if error == 0.0 { (0.0, 0.0) } else { (slope * error, slope) }
        }
        RegressionLoss::Poisson => {
            let (mean, slope) = growth(z);
            (mean - y * z - poisson_least(y), slope - y)
        }
        RegressionLoss::Tweedie { power } => {
            let (up, down) = (2.0 - power, power - 1.0);
            let ((rise, rises), (fall, falls)) = (growth(up * z), growth(-down * z));
            (rise / up + y * fall / down, rises - y * falls)
        }
        RegressionLoss::WeightedLogistic if y > 0.0 => (-y * log_sigmoid(z), -y * sigmoid(-z)),
        RegressionLoss::WeightedLogistic => (-log_sigmoid(-z), sigmoid(z)),
        RegressionLoss::Ziln => unreachable!("a loss of three numbers"),
    }
}

/// The prediction of a log link.
pub(super) fn mean(z: f64) -> f64 {
    z.exp().min(f64::from(f32::MAX))
}

/// The least value of `e^z - y z`, at `z = log y`.
pub(super) fn poisson_least(y: f64) -> f64 {
    if y > 0.0 { y - y * y.ln() } else { 0.0 }
}

/// `e^x`, above [`LIMIT`] its tangent there, and its slope.
fn growth(x: f64) -> (f64, f64) {
    let slope = x.min(LIMIT).exp();
    (slope * (1.0 + (x - LIMIT).max(0.0)), slope)
}
