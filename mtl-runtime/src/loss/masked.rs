//! Masked weighted means of the tasks' losses: the kernel of the CPU backend.

use burn::backend::flex::FlexTensor;
use mtl_data::schema::{BinaryLoss, RegressionLoss, TaskKind};

use super::{Lists, Objective, Pairs, classes, focal, listed_share, regression, row, transformed, ziln};
use crate::ops::{Kernel, from_vec, to_vec};

/// The losses of a batch as a function of its logits.
#[derive(Debug)]
pub(super) struct Masked {
    /// Those of the summands of the tasks' losses.
    pub objectives: Vec<Objective>,
    pub tasks: usize,
    /// `[B, T]`, in row-major order.
    pub labels: Vec<f32>,
    /// `[B, T]`: each row's share in its task's mean; 0 where masked, so that a task's sum to one or to zero.
    pub shares: Vec<f64>,
    /// The weight of each task's rows.
    totals: Vec<f64>,
    /// Whether the summands that compare rows are there.
    compared: bool,
    /// The pairs of each pairwise summand.
    pub pairs: Vec<(usize, Pairs)>,
    /// The lists of each listwise summand.
    pub lists: Vec<(usize, Lists)>,
}

impl Masked {
    pub fn new(objectives: Vec<Objective>, tasks: usize, labels: &[f32], weights: &[f32], groups: &[u64]) -> Self {
        Self::within(objectives, tasks, labels, weights, Some(groups), usize::MAX)
    }

    /// As [`new`](Self::new); without groups the summands that compare rows are 0, and a group of pairs is cut after `limit` rows.
    pub fn within(
        objectives: Vec<Objective>,
        tasks: usize,
        labels: &[f32],
        weights: &[f32],
        groups: Option<&[u64]>,
        limit: usize,
    ) -> Self {
        let weight = |at: usize| if labels[at].is_nan() { 0.0 } else { weights[at] as f64 };
        let mut totals = vec![0.0; tasks];
        (0..labels.len()).for_each(|at| totals[at % tasks] += weight(at));
        let (mut pairs, mut lists) = (Vec::new(), Vec::new());
        for (part, objective) in objectives.iter().enumerate() {
            let Some(groups) = groups else { break };
            let column = |of: &[f32]| of.iter().copied().skip(objective.task).step_by(tasks).collect::<Vec<f32>>();
            match objective.kind {
                TaskKind::Pairwise => {
                    let (labels, weights) = (column(labels).into_iter(), column(weights).into_iter());
                    pairs.push((part, Pairs::of(labels, weights, groups, limit)));
                }
                TaskKind::Listwise { temperature } => {
                    lists.push((part, Lists::graded(&column(labels), &column(weights), groups, temperature)));
                }
                TaskKind::Binary { loss: BinaryLoss::Jrc { .. } } => {
                    lists.push((part, Lists::classed(&column(labels), &column(weights), groups)));
                }
                _ => {}
            }
        }
        let share = |at: usize| if totals[at % tasks] > 0.0 { weight(at) / totals[at % tasks] } else { 0.0 };
        let shares = (0..labels.len()).map(share).collect();
        let (labels, compared) = (labels.to_vec(), groups.is_some());
        Self { objectives, tasks, labels, shares, totals, compared, pairs, lists }
    }

    /// Whether a summand is a mean over rows, and there.
    pub fn of_rows(&self, objective: &Objective) -> bool {
        match objective.kind {
            TaskKind::Pairwise | TaskKind::Listwise { .. } => false,
            kind => self.compared || !kind.compares_rows(),
        }
    }

    /// What each summand is a mean of: the weight of its rows, of its pairs or of its lists.
    pub fn counted(&self) -> Vec<f64> {
        let of = |(part, objective): (usize, &Objective)| match objective.kind {
            TaskKind::Pairwise => self.pairs.iter().find(|(of, _)| *of == part).map_or(0.0, |(_, of)| of.weight()),
            TaskKind::Listwise { .. } => {
                self.lists.iter().find(|(of, _)| *of == part).map_or(0.0, |(_, of)| of.weight())
            }
            _ if self.of_rows(objective) => self.totals[objective.task],
            _ => 0.0,
        };
        self.objectives.iter().enumerate().map(of).collect()
    }

    /// The columns of the logits.
    fn columns(&self) -> usize {
        let last = self.objectives.iter().flat_map(|objective| &objective.logits).max();
        last.map_or(0, |last| last + 1)
    }

    /// Calls `visit` with each unmasked cell: its row, the summand, its objective, its row's logits, its label and its share.
    fn cells(&self, logits: &[f32], mut visit: impl FnMut(usize, usize, &Objective, &[f32], f64, f64)) {
        for (row, logits) in logits.chunks_exact(self.columns().max(1)).enumerate() {
            for (part, objective) in self.objectives.iter().enumerate() {
                let at = row * self.tasks + objective.task;
                let share = self.shares[at];
                if share != 0.0 && self.of_rows(objective) {
                    visit(row, part, objective, logits, self.labels[at] as f64, share);
                }
            }
        }
    }

    /// The loss of each summand.
    pub fn values(&self, logits: &[f32]) -> Vec<f64> {
        let mut losses = vec![0.0; self.objectives.len()];
        self.cells(logits, |_, part, objective, logits, y, share| {
            losses[part] += share
                * match objective.kind {
                    TaskKind::Binary { loss: BinaryLoss::Bce { pos_weight, smoothing } } => {
                        row::loss(&objective.chain, logits, row::smoothed(y, smoothing), pos_weight)
                    }
                    TaskKind::Binary { loss: BinaryLoss::Focal { gamma, alpha } } => {
                        focal::loss(&objective.chain, logits, y, gamma, alpha)
                    }
                    TaskKind::Binary { loss: BinaryLoss::Jrc { alpha } } => {
                        alpha * row::loss(&objective.chain, logits, y, 1.0)
                    }
                    TaskKind::Ordinal { .. } => row::ordinal(&objective.logits, logits, y),
                    TaskKind::Multiclass { smoothing, .. } => classes::loss(&objective.logits, logits, y, smoothing),
                    TaskKind::Pairwise | TaskKind::Listwise { .. } => 0.0,
                    TaskKind::Regression { loss: RegressionLoss::Ziln, .. } => ziln::loss(&objective.logits, logits, y),
                    TaskKind::Regression { transform, loss } => {
                        regression::loss(loss, logits[objective.task] as f64, transformed(transform, y)).0
                    }
                };
        });
        let columns = self.columns();
        for (part, pairs) in &self.pairs {
            let score = |row: usize| f64::from(logits[row * columns + self.objectives[*part].task]);
            pairs.each(|better, worse, share| losses[*part] -= share * row::log_sigmoid(score(better) - score(worse)));
        }
        for (part, lists) in &self.lists {
            let objective = &self.objectives[*part];
            let listed = |row: usize| objective.listed(&logits[row * columns..(row + 1) * columns]);
            losses[*part] += listed_share(objective.kind) * lists.loss(listed);
        }
        losses
    }
}

impl Kernel<1> for Masked {
    type Saved = Vec<f32>;

    fn forward(&self, [logits]: [FlexTensor; 1]) -> (FlexTensor, Vec<f32>) {
        let logits = to_vec(&logits);
        let losses: Vec<f32> = self.values(&logits).into_iter().map(|loss| loss as f32).collect();
        (from_vec(losses, &[self.objectives.len()]), logits)
    }

    fn backward(&self, logits: Vec<f32>, grad: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let grad = to_vec(&grad);
        let columns = self.columns();
        let mut slopes = vec![0.0f32; logits.len()];
        self.cells(&logits, |row, part, objective, logits, y, share| {
            let factor = share * grad[part] as f64;
            let mut add = |column: usize, slope: f64| slopes[row * columns + column] += (factor * slope) as f32;
            match objective.kind {
                TaskKind::Binary { loss: BinaryLoss::Bce { pos_weight, smoothing } } => {
                    row::slopes(&objective.chain, logits, row::smoothed(y, smoothing), pos_weight, add)
                }
                TaskKind::Binary { loss: BinaryLoss::Focal { gamma, alpha } } => {
                    focal::slopes(&objective.chain, logits, y, (gamma, alpha), add)
                }
                TaskKind::Binary { loss: BinaryLoss::Jrc { alpha } } => {
                    row::slopes(&objective.chain, logits, y, 1.0, |column, slope| add(column, alpha * slope))
                }
                TaskKind::Ordinal { .. } => row::ordinal_slopes(&objective.logits, logits, y, add),
                TaskKind::Multiclass { smoothing, .. } => classes::slopes(&objective.logits, logits, y, smoothing, add),
                TaskKind::Pairwise | TaskKind::Listwise { .. } => {}
                TaskKind::Regression { loss: RegressionLoss::Ziln, .. } => {
                    ziln::slopes(&objective.logits, logits, y, add)
                }
                TaskKind::Regression { transform, loss } => {
                    let task = objective.task;
                    add(task, regression::loss(loss, logits[task] as f64, transformed(transform, y)).1)
                }
            }
        });
        for (part, pairs) in &self.pairs {
            let task = self.objectives[*part].task;
            // Summed in `f64`: a row may be in many pairs.
            let mut sums = vec![0.0; logits.len() / columns.max(1)];
            let score = |row: usize| f64::from(logits[row * columns + task]);
            pairs.each(|better, worse, share| {
                let slope = share * f64::from(grad[*part]) * row::sigmoid(score(worse) - score(better));
                sums[better] -= slope;
                sums[worse] += slope;
            });
            sums.iter().enumerate().for_each(|(row, sum)| slopes[row * columns + task] += *sum as f32);
        }
        for (part, lists) in &self.lists {
            let objective = &self.objectives[*part];
            let factor = f64::from(grad[*part]) * listed_share(objective.kind);
            let listed = |row: usize| objective.listed(&logits[row * columns..(row + 1) * columns]);
            lists.slopes(listed, |row, [first, second]| {
                let slopes = &mut slopes[row * columns..(row + 1) * columns];
                if let TaskKind::Binary { .. } = objective.kind {
                    slopes[objective.logits[0]] += (factor * (first - second) / 2.0) as f32;
                    slopes[objective.logits[objective.logits.len() - 1]] += (factor * (first + second)) as f32;
                } else {
                    slopes[objective.logits[0]] += (factor * first) as f32;
                }
            });
        }
        [Some(from_vec(slopes, &[logits.len() / columns.max(1), columns]))]
    }
}
