//! The same losses in tensor operations, for every other backend.

use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Int, Tensor, TensorData};
use mtl_data::schema::{RegressionLoss, TaskKind};

use super::Pairs;
use super::masked::Masked;
use super::transformed;

/// The loss of each task, `[T]`, from logits `[B, T]`.
pub(super) fn losses(masked: &Masked, logits: Tensor<2>) -> Tensor<1> {
    let (rows, tasks) = (logits.dims()[0], masked.objectives.len());
    let device = logits.device();
    let column = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [rows, 1]), &device);
    let logit = |t: usize| logits.clone().slice([0..rows, t..t + 1]);
    let loss = |t: usize| {
        if let Some((_, pairs)) = masked.pairs.iter().find(|(task, _)| *task == t) {
            return pairs_loss(pairs, logit(t));
        }
        let objective = &masked.objectives[t];
        let cells = (0..rows).map(|row| row * tasks + t);
        let share = |at: usize| masked.shares[at] as f32;
        let label = |at: usize| if masked.shares[at] == 0.0 { 0.0 } else { masked.labels[at] as f64 };
        let shares = column(cells.clone().map(share).collect());
        let each = match objective.kind {
            TaskKind::Binary { pos_weight } => {
                let (mut happens, mut fails) = (log_sigmoid(logit(t)), log_sigmoid(-logit(t)));
                for &task in &objective.chain[1..] {
                    fails = log_add(fails, happens.clone() + log_sigmoid(-logit(task)));
                    happens = happens + log_sigmoid(logit(task));
                }
                let positive = column(cells.clone().map(|at| (pos_weight * label(at)) as f32).collect());
                let negative = column(cells.map(|at| (1.0 - label(at)) as f32).collect());
                -(positive * happens + negative * fails)
            }
            TaskKind::Ordinal { .. } => {
                let sides = objective.logits.iter().zip(1..).map(|(&at, threshold)| {
                    let side = |at: usize| if label(at) > f64::from(threshold) { 1.0 } else { -1.0 };
                    -log_sigmoid(logit(at) * column(cells.clone().map(side).collect()))
                });
                sides.reduce(|a, b| a + b).unwrap_or_else(|| logit(t) * 0.0)
            }
            TaskKind::Pairwise => unreachable!("pairs have no rows"),
            TaskKind::Regression { transform, loss } => {
                let labels = column(cells.map(|at| transformed(transform, label(at)) as f32).collect());
                let error = logit(t) - labels;
                match loss {
                    RegressionLoss::Mse => error.clone() * error,
                    RegressionLoss::Huber { delta } => {
                        let inside = error.clone().clamp(-delta, delta);
                        inside.clone() * (error - inside / 2.0)
                    }
                }
            }
        };
        (each * shares).sum()
    };
    Tensor::cat((0..tasks).map(loss).collect(), 0)
}

/// The mean over the pairs of a column of scores.
fn pairs_loss(pairs: &Pairs, scores: Tensor<2>) -> Tensor<1> {
    let (mut better, mut worse, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    pairs.each(|first, second, share| {
        better.push(first as i64);
        worse.push(second as i64);
        shares.push(share as f32);
    });
    if shares.is_empty() {
        return scores.sum() * 0.0;
    }
    let (device, count) = (scores.device(), shares.len());
    let rows = |of: Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(of, [count]), &device);
    let difference = scores.clone().select(0, rows(better)) - scores.select(0, rows(worse));
    -(log_sigmoid(difference) * Tensor::<2>::from_data(TensorData::new(shares, [count, 1]), &device)).sum()
}

/// `log(e^a + e^b)`.
fn log_add(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    a.clone() - log_sigmoid(a - b)
}
