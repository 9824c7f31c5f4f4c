//! Losses and predictions of the tasks, from their logits.
//!
//! A chained task (`buy given click`) is trained on the probability of the whole chain, `p = prod sigma(z_i)`, in the log domain:
//! `log p` is the sum of the log-sigmoids, and `log(1 - p)` the log of the sum over `k` of "all before `k` happened, and `k`
//! did not" (Ma et al., SIGIR 2018, eq. 3, without the cancellation in `1 - p`).

use burn::tensor::{Tensor, TensorData};
use mtl_data::schema::{BinaryLoss, RegressionLoss, Schema, TaskKind, Transform};

use crate::ops::{on_cpu, unary};

mod classes;
mod distill;
mod focal;
mod lists;
mod masked;
mod pairs;
mod portable;
mod regression;
mod row;
mod term;
#[cfg(test)]
mod tests;
mod ziln;

pub(crate) use distill::said;
pub use distill::{Distill, Known, Lesson};
use lists::Lists;
use masked::Masked;
pub(crate) use pairs::Pairs;
pub use term::{Estimator, Term};

/// What the losses and predictions need of a schema.
#[derive(Debug, Clone)]
pub(crate) struct Objective {
    /// The task.
    task: usize,
    kind: TaskKind,
    /// The tasks whose probabilities multiply to this task's: itself first. A regression stands alone.
    chain: Vec<usize>,
    /// The columns of its logits.
    logits: Vec<usize>,
}

impl Objective {
    /// That of each task.
    fn of(schema: &Schema) -> Vec<Objective> {
        let objective = |((t, task), logits): ((usize, &mtl_data::schema::Task), Vec<usize>)| {
            Self::new(schema, t, task.kind, logits)
        };
        schema.tasks.iter().enumerate().zip(schema.logits()).map(objective).collect()
    }

    /// Those of the summands of each task's loss, task by task.
    fn parts(schema: &Schema) -> Vec<Objective> {
        let parts = |((t, task), logits): ((usize, &mtl_data::schema::Task), Vec<usize>)| {
            let part = |kind| Self::new(schema, t, kind, logits.clone());
            task.kinds().into_iter().map(part).collect::<Vec<_>>()
        };
        schema.tasks.iter().enumerate().zip(schema.logits()).flat_map(parts).collect()
    }

    fn new(schema: &Schema, task: usize, kind: TaskKind, logits: Vec<usize>) -> Objective {
        let chain = match kind {
            TaskKind::Binary { .. } => schema.chain(task),
            TaskKind::Regression { .. }
            | TaskKind::Ordinal { .. }
            | TaskKind::Pairwise
            | TaskKind::Listwise { .. }
            | TaskKind::Multiclass { .. } => vec![task],
        };
        Objective { task, kind, chain, logits }
    }

    /// The two numbers of a row that lists compare, from its logits: a score alone, or the logits of the two classes.
    fn listed(&self, logits: &[f32]) -> [f64; 2] {
        let z = f64::from(logits[self.logits[0]]);
        match self.kind {
            TaskKind::Binary { loss: BinaryLoss::Jrc { .. } } => {
                let level = f64::from(logits[self.logits[self.logits.len() - 1]]);
                [level + z / 2.0, level - z / 2.0]
            }
            _ => [z, 0.0],
        }
    }
}

/// The share of a joint loss that is its lists', beside that of its rows.
fn listed_share(kind: TaskKind) -> f64 {
    match kind {
        TaskKind::Binary { loss: BinaryLoss::Jrc { alpha } } => 1.0 - alpha,
        _ => 1.0,
    }
}

/// The loss of each task, `[T]`: the weighted mean over the rows whose label is neither missing (NaN) nor of weight 0. A task
/// without such a row has loss 0 and no gradient.
///
/// `logits` is `[B, T]` with the columns of [`Schema::logits`] behind, maybe with more that are no task's; `labels`, in their own unit, and `weights` are `[B, T]` in row-major order. Binary labels may be soft,
/// in `[0, 1]`; the losses are those of [`TaskKind`]. Exact for logits of any size, but for the exponentials of a log link, which go on
/// as lines. All rows are one group for
/// losses that compare rows; [`grouped_losses`] tells groups apart.
pub fn task_losses(schema: &Schema, logits: Tensor<2>, labels: &[f32], weights: &[f32]) -> Tensor<1> {
    grouped_losses(schema, logits, labels, weights, &[])
}

/// As [`task_losses`], of rows in these groups, `[B]`. The loss of a pairwise task is the mean over the pairs of a positive and a
/// negative row of one group, each with the product of its rows' weights; without a pair it is 0 and has no gradient. A loss that
/// is a sum is that of its summands under their weights.
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
    let masked = Masked::new(Objective::parts(schema), tasks, labels, weights, groups);
    let parts = if on_cpu(&logits) { unary(logits, masked) } else { portable::losses(&masked, logits) };
    sums(schema, parts)
}

/// The losses of the tasks `[T]` from those of their summands `[P]`.
fn sums(schema: &Schema, parts: Tensor<1>) -> Tensor<1> {
    if schema.tasks.iter().all(|task| task.losses.is_empty()) {
        return parts;
    }
    let (tasks, count) = (schema.tasks.len(), parts.dims()[0]);
    let mut weights = vec![0.0f32; count * tasks];
    for (at, (task, weight)) in part_weights(schema).into_iter().enumerate() {
        weights[at * tasks + task] = weight as f32;
    }
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [count, tasks]), &parts.device());
    parts.reshape([1, count]).matmul(weights).reshape([tasks])
}

/// The task and the weight of each summand, task by task.
pub(crate) fn part_weights(schema: &Schema) -> Vec<(usize, f64)> {
    let parts = |(t, task): (usize, &mtl_data::schema::Task)| match task.losses.is_empty() {
        true => vec![(t, 1.0)],
        false => task.losses.iter().map(|of| (t, of.weight)).collect(),
    };
    schema.tasks.iter().enumerate().flat_map(parts).collect()
}

/// The loss of each summand of the tasks' losses, and what it is a mean of: the weight of its rows, of its pairs or of its lists. `logits`
/// is row-major with the columns of [`Schema::logits`]. Those that compare rows are left out without groups, and with them a
/// group of pairs is cut after `limit` rows.
pub(crate) fn part_losses(
    schema: &Schema,
    logits: &[f32],
    labels: &[f32],
    weights: &[f32],
    groups: Option<&[u64]>,
    limit: usize,
) -> Vec<(f64, f64)> {
    let masked = Masked::within(Objective::parts(schema), schema.tasks.len(), labels, weights, groups, limit);
    masked.values(logits).into_iter().zip(masked.counted()).collect()
}

/// What the losses of a batch are means of: the weight of each task's rows, or of its pairs or lists; of a sum, that of the first
/// summand that has any.
pub(crate) fn counted(schema: &Schema, labels: &[f32], weights: &[f32], groups: &[u64]) -> Vec<f64> {
    if !schema.compares_rows() {
        let of = |t| weights.iter().skip(t).step_by(schema.tasks.len()).map(|&weight| f64::from(weight)).sum();
        return (0..schema.tasks.len()).map(of).collect();
    }
    let masked = Masked::new(Objective::parts(schema), schema.tasks.len(), labels, weights, groups);
    let mut counted = vec![0.0; schema.tasks.len()];
    for ((task, _), weight) in part_weights(schema).into_iter().zip(masked.counted()) {
        if counted[task] == 0.0 {
            counted[task] = weight;
        }
    }
    counted
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
                TaskKind::Multiclass { .. } => {
                    out.extend(classes::probabilities(&objective.logits, logits).map(|p| p as f32))
                }
                TaskKind::Pairwise
                | TaskKind::Listwise { .. }
                | TaskKind::Regression { transform: Transform::None, .. } => out.push(logits[t]),
                TaskKind::Regression { transform: Transform::Log1p, .. } => {
                    out.push((logits[t] as f64).exp_m1() as f32)
                }
            }
        }
    }
    out
}

/// The names of a row's predictions: each task's, followed for a chained task by its conditional probability's, `buy | click`. A
/// task of several classes has one for each, `genre_0`, `genre_1` and so on.
pub fn prediction_names(schema: &Schema) -> Vec<String> {
    let mut names = Vec::new();
    for task in &schema.tasks {
        match task.kind {
            TaskKind::Multiclass { classes, .. } => {
                names.extend((0..classes).map(|class| format!("{}_{class}", task.name)));
            }
            _ => names.push(task.name.clone()),
        }
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
