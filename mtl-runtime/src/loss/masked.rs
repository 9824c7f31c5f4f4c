//! Masked weighted means of the tasks' losses: the kernel of the CPU backend.

use burn::backend::flex::FlexTensor;
use mtl_data::schema::{BinaryLoss, RegressionLoss, TaskKind};

use super::{Objective, Pairs, focal, regression, row, transformed, ziln};
use crate::ops::{Kernel, from_vec, to_vec};

/// The losses of a batch as a function of its logits.
#[derive(Debug)]
pub(super) struct Masked {
    pub objectives: Vec<Objective>,
    /// `[B, T]`, in row-major order.
    pub labels: Vec<f32>,
    /// `[B, T]`: each row's share in its task's mean; 0 where masked, so that a task's sum to one or to zero.
    pub shares: Vec<f64>,
    /// For each pairwise task its pairs; its rows have no shares.
    pub pairs: Vec<(usize, Pairs)>,
}

impl Masked {
    pub fn new(objectives: Vec<Objective>, labels: &[f32], weights: &[f32], groups: &[u64]) -> Self {
        let tasks = objectives.len();
        let weight = |at: usize| if labels[at].is_nan() { 0.0 } else { weights[at] as f64 };
        let mut totals = vec![0.0; tasks];
        (0..labels.len()).for_each(|at| totals[at % tasks] += weight(at));
        let compares = |t: &usize| objectives[*t].kind == TaskKind::Pairwise;
        let pairs = (0..tasks).filter(compares).map(|t| {
            let column = |of: &'_ [f32]| of.iter().copied().skip(t).step_by(tasks).collect::<Vec<f32>>();
            let (labels, weights) = (column(labels), column(weights));
            (t, Pairs::of(labels.into_iter(), weights.into_iter(), groups, usize::MAX))
        });
        let pairs: Vec<_> = pairs.collect();
        (0..tasks).filter(compares).for_each(|t| totals[t] = 0.0);
        let share = |at: usize| if totals[at % tasks] > 0.0 { weight(at) / totals[at % tasks] } else { 0.0 };
        let shares = (0..labels.len()).map(share).collect();
        Self { objectives, labels: labels.to_vec(), shares, pairs }
    }

    /// The columns of the logits.
    fn columns(&self) -> usize {
        self.objectives.iter().map(|objective| objective.logits.len()).sum()
    }

    /// Calls `visit` with each unmasked cell: its task, that task's objective, its row's logits, its label and its share.
    fn cells(&self, logits: &[f32], mut visit: impl FnMut(usize, usize, &Objective, &[f32], f64, f64)) {
        let tasks = self.objectives.len();
        for (row, logits) in logits.chunks_exact(self.columns().max(1)).enumerate() {
            for (t, objective) in self.objectives.iter().enumerate() {
                let share = self.shares[row * tasks + t];
                if share != 0.0 {
                    visit(row, t, objective, logits, self.labels[row * tasks + t] as f64, share);
                }
            }
        }
    }
}

impl Kernel<1> for Masked {
    type Saved = Vec<f32>;

    fn forward(&self, [logits]: [FlexTensor; 1]) -> (FlexTensor, Vec<f32>) {
        let logits = to_vec(&logits);
        let mut losses = vec![0.0; self.objectives.len()];
        self.cells(&logits, |_, t, objective, logits, y, share| {
            losses[t] += share
                * match objective.kind {
                    TaskKind::Binary { loss: BinaryLoss::Bce { pos_weight, smoothing } } => {
                        row::loss(&objective.chain, logits, row::smoothed(y, smoothing), pos_weight)
                    }
                    TaskKind::Binary { loss: BinaryLoss::Focal { gamma, alpha } } => {
                        focal::loss(&objective.chain, logits, y, gamma, alpha)
                    }
                    TaskKind::Ordinal { .. } => row::ordinal(&objective.logits, logits, y),
                    TaskKind::Pairwise => 0.0,
                    TaskKind::Regression { loss: RegressionLoss::Ziln, .. } => ziln::loss(&objective.logits, logits, y),
                    TaskKind::Regression { transform, loss } => {
                        regression::loss(loss, logits[t] as f64, transformed(transform, y)).0
                    }
                };
        });
        let columns = self.columns();
        for (t, pairs) in &self.pairs {
            let score = |row: usize| f64::from(logits[row * columns + t]);
            pairs.each(|better, worse, share| losses[*t] -= share * row::log_sigmoid(score(better) - score(worse)));
        }
        let losses: Vec<f32> = losses.into_iter().map(|loss: f64| loss as f32).collect();
        (from_vec(losses, &[self.objectives.len()]), logits)
    }

    fn backward(&self, logits: Vec<f32>, grad: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let grad = to_vec(&grad);
        let columns = self.columns();
        let mut slopes = vec![0.0f32; logits.len()];
        self.cells(&logits, |row, t, objective, logits, y, share| {
            let factor = share * grad[t] as f64;
            let mut add = |task: usize, slope: f64| slopes[row * columns + task] += (factor * slope) as f32;
            match objective.kind {
                TaskKind::Binary { loss: BinaryLoss::Bce { pos_weight, smoothing } } => {
                    row::slopes(&objective.chain, logits, row::smoothed(y, smoothing), pos_weight, add)
                }
                TaskKind::Binary { loss: BinaryLoss::Focal { gamma, alpha } } => {
                    focal::slopes(&objective.chain, logits, y, (gamma, alpha), add)
                }
                TaskKind::Ordinal { .. } => row::ordinal_slopes(&objective.logits, logits, y, add),
                TaskKind::Pairwise => {}
                TaskKind::Regression { loss: RegressionLoss::Ziln, .. } => {
                    ziln::slopes(&objective.logits, logits, y, add)
                }
                TaskKind::Regression { transform, loss } => {
                    add(t, regression::loss(loss, logits[t] as f64, transformed(transform, y)).1)
                }
            }
        });
        for (t, pairs) in &self.pairs {
            // Summed in `f64`: a row may be in many pairs.
            let mut sums = vec![0.0; logits.len() / columns.max(1)];
            let score = |row: usize| f64::from(logits[row * columns + t]);
            pairs.each(|better, worse, share| {
                let slope = share * f64::from(grad[*t]) * row::sigmoid(score(worse) - score(better));
                sums[better] -= slope;
                sums[worse] += slope;
            });
            sums.iter().enumerate().for_each(|(row, sum)| slopes[row * columns + t] += *sum as f32);
        }
        [Some(from_vec(slopes, &[logits.len() / columns.max(1), columns]))]
    }
}
