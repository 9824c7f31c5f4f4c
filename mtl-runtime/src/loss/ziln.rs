//! The zero-inflated lognormal loss of one row (Wang, Liu and Miao, 2019), and its derivatives.

use super::row::{log_sigmoid, sigmoid};

/// The least scale.
pub(super) const LEAST: f64 = 3.162_277_660_168_379_5e-4;

/// The half of `log 2 pi`.
pub(super) const HALF_LOG_TWO_PI: f64 = 0.918_938_533_204_672_7;

/// The three numbers of a row: whether there is an amount, the location of its logarithm, and the scale before its softplus.
fn numbers(columns: &[usize], logits: &[f32]) -> [f64; 3] {
    [0, 1, 2].map(|at| logits[columns[at]] as f64)
}

fn scale(k: f64) -> f64 {
    (-log_sigmoid(-k)).max(LEAST)
}

/// The loss of one row whose label is `y`.
pub(super) fn loss(columns: &[usize], logits: &[f32], y: f64) -> f64 {
    let [z, m, k] = numbers(columns, logits);
    if y <= 0.0 {
        return -log_sigmoid(-z);
    }
    let (scale, log) = (scale(k), y.ln());
    let error = (log - m) / scale;
    -log_sigmoid(z) + log + scale.ln() + HALF_LOG_TWO_PI + error * error / 2.0
}

/// Calls `add` with each column and the derivative of the row's loss along it.
pub(super) fn slopes(columns: &[usize], logits: &[f32], y: f64, mut add: impl FnMut(usize, f64)) {
    let [z, m, k] = numbers(columns, logits);
    if y <= 0.0 {
        return add(columns[0], sigmoid(z));
    }
    let scale = scale(k);
    let error = (y.ln() - m) / scale;
    add(columns[0], -sigmoid(-z));
    add(columns[1], -error / scale);
    if scale > LEAST {
        add(columns[2], (1.0 - error * error) / scale * sigmoid(k));
    }
}

/// The mean: `sigma(z) e^(m + scale^2 / 2)`.
pub(super) fn mean(columns: &[usize], logits: &[f32]) -> f64 {
    let [z, m, k] = numbers(columns, logits);
    let scale = scale(k);
    (log_sigmoid(z) + m + scale * scale / 2.0).exp().min(f64::from(f32::MAX))
}
