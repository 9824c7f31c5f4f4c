//! The focal loss of one row (Lin et al., ICCV 2017), and its derivatives.

use super::row::{log_sigmoid, logs, sigmoid};

/// `-(a y (1 - p)^g log p + (1 - a) (1 - y) p^g log(1 - p))`, with `p` the product of a chain.
pub(super) fn loss(chain: &[usize], logits: &[f32], y: f64, gamma: f64, alpha: f64) -> f64 {
    let (happens, fails) = logs(chain, logits);
    -(alpha * y * (gamma * fails).exp() * happens + (1.0 - alpha) * (1.0 - y) * (gamma * happens).exp() * fails)
}

/// Calls `add` with each task of the chain and the derivative of the row's loss along its logit.
pub(super) fn slopes(
    chain: &[usize],
    logits: &[f32],
    y: f64,
    (gamma, alpha): (f64, f64),
    mut add: impl FnMut(usize, f64),
) {
    let (happens, fails) = logs(chain, logits);
    let (missed, hit) = ((gamma * fails).exp(), (gamma * happens).exp());
    let along_happens = alpha * y * missed + (1.0 - alpha) * (1.0 - y) * gamma * hit * fails;
    let along_fails = alpha * y * gamma * missed * happens + (1.0 - alpha) * (1.0 - y) * hit;
    for &task in chain {
        let z = logits[task] as f64;
        // d log p = 1 - sigma;  d log(1 - p) = -p (1 - sigma) / (1 - p)
        let odds = (happens + log_sigmoid(-z) - fails).exp();
        add(task, along_fails * odds - along_happens * sigmoid(-z));
    }
}
