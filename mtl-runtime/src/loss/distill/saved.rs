//! A saved model as the teacher (Hinton, Vinyals and Dean, 2015).
//!
//! What it says of a row is a logit, that of the whole chain for a task with a condition, or a number in the unit of the loss.

use mtl_data::schema::{Schema, TaskKind};

use super::{Distill, Known, Rows, log_sigmoid, sigmoid};
use crate::loss::row::logs;
use crate::loss::term::{Sum, entropy};

/// What a model says of these of its tasks, `[rows, tasks]`, from its logits `[rows, C]`.
pub(crate) fn said(schema: &Schema, tasks: &[usize], logits: &[f32], columns: usize) -> Vec<f32> {
    let rows = logits.chunks_exact(columns.max(1));
    rows.flat_map(|logits| tasks.iter().map(move |&task| value(schema, task, logits) as f32)).collect()
}

/// The logit of a probability, or a number.
fn value(schema: &Schema, task: usize, logits: &[f32]) -> f64 {
    match schema.tasks[task].kind {
        TaskKind::Binary { .. } => odds(&schema.chain(task), logits).0,
        _ => f64::from(logits[task]),
    }
}

/// The logarithm of the odds of a chain, and that of the probability that it fails.
fn odds(chain: &[usize], logits: &[f32]) -> (f64, f64) {
    if let [task] = chain {
        let z = f64::from(logits[*task]);
        return (z, log_sigmoid(-z));
    }
    let (happens, fails) = logs(chain, logits);
    (happens - fails, fails)
}

impl Distill {
    /// `weight` times the mean distance between what the saved model says of the task at this place among those it teaches, and the
    /// task's prediction: for a probability the cross-entropy under the temperature times its square, so that slopes are as large
    /// under any; for a number the square.
    pub(super) fn pupil(&self, at: usize, weight: f64, rows: &Rows<'_>, known: &Known<'_>) -> Sum {
        let (task, tau) = (self.taught[at], self.temperature);
        let chain = match known.schema.tasks[task].kind {
            TaskKind::Binary { .. } => known.schema.chain(task),
            _ => Vec::new(),
        };
        let mut sum = rows.sum();
        for row in rows.labelled(task) {
            let (said, share) = (f64::from(known.said[row.at * self.taught.len() + at]), weight * row.share);
            if chain.is_empty() {
                let error = f64::from(row.logits[task]) - said;
                sum.add(share * error * error);
                sum.slope(row.at, task, share * 2.0 * error);
                continue;
            }
            let (z, fails) = odds(&chain, row.logits);
            let target = sigmoid(said / tau);
            sum.add(share * tau * tau * entropy(target, z / tau));
            let slope = share * tau * (sigmoid(z / tau) - target);
            for &link in &chain {
                // d log p = 1 - sigma, and the log-odds move by 1 / (1 - p) of that.
                let moves = (log_sigmoid(-f64::from(row.logits[link])) - fails).exp();
                sum.slope(row.at, link, slope * moves);
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests;
