//! Losses and predictions of the tasks, from their logits.
//!
//! A chained task (`buy given click`) is trained on the probability of the whole chain, `p = prod sigma(z_i)`, in the log domain:
//! `log p` is the sum of the log-sigmoids, and `log(1 - p)` the log of the sum over `k` of "all before `k` happened, and `k`
//! did not" (Ma et al., SIGIR 2018, eq. 3, without the cancellation in `1 - p`).

use burn::tensor::Tensor;
use mtl_data::schema::{RegressionLoss, Schema, TaskKind, Transform};

use crate::ops::{on_cpu, unary};

mod distill;
mod focal;
mod masked;
mod pairs;
mod portable;
mod regression;
mod row;
mod term;
#[cfg(test)]
mod tests;
mod ziln;

pub use distill::{Distill, Lesson};
use masked::Masked;
pub(crate) use pairs::Pairs;
pub use term::{Estimator, Term};

/// What the losses and predictions need of a schema.
#[derive(Debug, Clone)]
pub(crate) struct Objective {
    kind: TaskKind,
    /// The tasks whose probabilities multiply to this task's: itself first. A regression stands alone.
    chain: Vec<usize>,
    /// The columns of its logits.
    logits: Vec<usize>,
}

impl Objective {
    fn of(schema: &Schema) -> Vec<Objective> {
        let objective = |((t, task), logits): ((usize, &mtl_data::schema::Task), Vec<usize>)| Objective {
            kind: task.kind,
            chain: match task.kind {
                TaskKind::Binary { .. } => schema.chain(t),
                TaskKind::Regression { .. } | TaskKind::Ordinal { .. } | TaskKind::Pairwise => vec![t],
            },
            logits,
        };
        schema.tasks.iter().enumerate().zip(schema.logits()).map(objective).collect()
    }
}

/// The loss of each task, `[T]`: the weighted mean over the rows whose label is neither missing (NaN) nor of weight 0. A task
/// without such a row has loss 0 and no gradient.
///
/// `logits` is `[B, T]` with the columns of [`Schema::logits`] behind, maybe with more that are no task's; `labels`, in their own unit, and `weights` are `[B, T]` in row-major order. Binary labels may be soft,
/// in `[0, 1]`; the losses are those of [`TaskKind`]. Exact for logits of any size, but for the exponentials of a log link, which go on
/// as lines. All rows are one group for
/// pairwise tasks; [`grouped_losses`] tells groups apart.
pub fn task_losses(schema: &Schema, logits: Tensor<2>, labels: &[f32], weights: &[f32]) -> Tensor<1> {
    grouped_losses(schema, logits, labels, weights, &[])
}

/// As [`task_losses`], of rows in these groups, `[B]`. The loss of a pairwise task is the mean over the pairs of a positive and a
/// negative row of one group, each with the product of its rows' weights; without a pair it is 0 and has no gradient.
pub fn grouped_losses(
    schema: &Schema,
    logits: Tensor<2>,
    labels: &[f32],
    weights: &[f32],
    groups: &[u64],
) -> Tensor<1> {
    let ([rows, columns], tasks, wanted) = (logits.dims(), schema.tasks.len(), schema.logit_columns());
    assert!(columns >= wanted, "the logits of each task");
    let logits = if columns > wanted { logits.slice([0..rows, 0..wanted]) } else { logits };
    assert!(labels.len() == rows * tasks && weights.len() == rows * tasks, "a label and a weight for each logit");
    let masked = Masked::new(Objective::of(schema), labels, weights, groups);
    if on_cpu(&logits) { unary(logits, masked) } else { portable::losses(&masked, logits) }
}

/// What the losses of a batch are means of: the weight of each task's rows, or of its pairs.
pub(crate) fn counted(schema: &Schema, labels: &[f32], weights: &[f32], groups: &[u64]) -> Vec<f64> {
    let tasks = schema.tasks.len();
    let column = |of: &'_ [f32], t: usize| of.iter().copied().skip(t).step_by(tasks).collect::<Vec<f32>>();
    let count = |(t, task): (usize, &mtl_data::schema::Task)| match task.kind {
        TaskKind::Pairwise => {
            let (labels, weights) = (column(labels, t), column(weights, t));
            Pairs::of(labels.into_iter(), weights.into_iter(), groups, usize::MAX).weight()
        }
        _ => weights.iter().skip(t).step_by(tasks).map(|&weight| f64::from(weight)).sum(),
    };
    schema.tasks.iter().enumerate().map(count).collect()
}

/// The mean loss of the pairs of a column of scores; none without a pair. A group is cut after `limit` rows.
pub(crate) fn pairs_loss(
    scores: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
    groups: &[u64],
    limit: usize,
) -> Option<f64> {
    let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
    let pairs = Pairs::of(labels.iter().copied(), (0..labels.len()).map(weight), groups, limit);
    let mut loss = 0.0;
    pairs.each(|better, worse, share| {
        loss -= share * row::log_sigmoid(f64::from(scores[better]) - f64::from(scores[worse]));
    });
    (pairs.weight() > 0.0).then_some(loss)
}

/// The predictions of each row, `[B, P]` in row-major order with the columns of [`prediction_names`], from its logits `[B, C]`, the columns
/// of [`Schema::logits`].
pub fn predictions(schema: &Schema, logits: &[f32]) -> Vec<f32> {
    let objectives = Objective::of(schema);
    let columns = schema.logit_columns().max(1);
    let mut out = Vec::with_capacity(logits.len() / columns * prediction_names(schema).len());
    for logits in logits.chunks_exact(columns) {
        for (t, objective) in objectives.iter().enumerate() {
            match objective.kind {
                TaskKind::Binary { .. } => {
                    out.push(row::probability(&objective.chain, logits) as f32);
                    if objective.chain.len() > 1 {
                        out.push(row::probability(&[t], logits) as f32);
                    }
                }
                TaskKind::Ordinal { .. } => out.push(row::level(&objective.logits, logits) as f32),
                TaskKind::Regression { loss: RegressionLoss::Ziln, .. } => {
                    out.push(ziln::mean(&objective.logits, logits) as f32)
                }
                TaskKind::Regression { loss, .. } if loss.log_link() => {
                    out.push(regression::mean(logits[t] as f64) as f32)
                }
                TaskKind::Pairwise | TaskKind::Regression { transform: Transform::None, .. } => out.push(logits[t]),
                TaskKind::Regression { transform: Transform::Log1p, .. } => {
                    out.push((logits[t] as f64).exp_m1() as f32)
                }
            }
        }
    }
    out
}

/// The names of a row's predictions: each task's, followed for a chained task by its conditional probability's, `buy | click`.
pub fn prediction_names(schema: &Schema) -> Vec<String> {
    let mut names = Vec::new();
    for task in &schema.tasks {
        names.push(task.name.clone());
        if let (Some(given), TaskKind::Binary { .. }) = (task.given, task.kind) {
            names.push(format!("{} | {}", task.name, schema.tasks[given].name));
        }
    }
    names
}

/// The label as the loss sees it.
fn transformed(transform: Transform, label: f64) -> f64 {
    match transform {
        Transform::None => label,
        Transform::Log1p => label.ln_1p(),
    }
}
