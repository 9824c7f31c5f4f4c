//! The softmax cross-entropy of one row over the classes of a task, and its derivatives.

use super::lists::{log_sum, softmax};

fn numbers(columns: &[usize], logits: &[f32]) -> Vec<f64> {
    columns.iter().map(|&column| f64::from(logits[column])).collect()
}

/// What a label asks of a class.
pub(super) fn target(class: usize, y: f64, classes: usize, smoothing: f64) -> f64 {
    let hit = if y == class as f64 { 1.0 - smoothing } else { 0.0 };
    hit + smoothing / classes as f64
}

/// The loss of one row whose label is the class `y`.
pub(super) fn loss(columns: &[usize], logits: &[f32], y: f64, smoothing: f64) -> f64 {
    let numbers = numbers(columns, logits);
    let all = log_sum(&numbers);
    let term = |(class, z): (usize, &f64)| target(class, y, numbers.len(), smoothing) * (all - z);
    numbers.iter().enumerate().map(term).sum()
}

/// Calls `add` with each column and the derivative of the row's loss along it.
pub(super) fn slopes(columns: &[usize], logits: &[f32], y: f64, smoothing: f64, mut add: impl FnMut(usize, f64)) {
    let shares = softmax(&numbers(columns, logits));
    for (class, (&column, share)) in columns.iter().zip(shares).enumerate() {
        add(column, share - target(class, y, columns.len(), smoothing));
    }
}

/// The probability of each class.
pub(super) fn probabilities(columns: &[usize], logits: &[f32]) -> impl Iterator<Item = f64> {
    softmax(&numbers(columns, logits)).into_iter()
}
