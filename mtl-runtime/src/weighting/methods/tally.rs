//! The means of weights, norms and cosines over an epoch: what a run reports.

use super::gramian::Gram;

/// A mean that may have no terms.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.sum += value;
            self.count += 1;
        }
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// The sums of an epoch that has not ended.
#[derive(Debug, Clone)]
pub struct Tally {
    tasks: usize,
    losses: Vec<Mean>,
    weights: Vec<Mean>,
    norms: Vec<Mean>,
    cosines: Vec<Mean>,
}

/// The means of an epoch. A task without a labelled row, and what was not measured, has none.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The mean loss of each task.
    pub losses: Vec<Option<f64>>,
    /// The mean weight of each task, over the batches in which it has a loss.
    pub weights: Vec<Option<f64>>,
    /// The mean norm of each task's gradient.
    pub norms: Vec<Option<f64>>,
    /// The mean cosine of each pair of gradients, row by row.
    pub cosines: Vec<Vec<Option<f64>>>,
}

impl Tally {
    /// The start of an epoch of a number of tasks.
    pub fn new(tasks: usize) -> Self {
        let none = |count| vec![Mean::default(); count];
        Self { tasks, losses: none(tasks), weights: none(tasks), norms: none(tasks), cosines: none(tasks * tasks) }
    }

    /// Adds the losses and weights of a batch. Values beyond the number of tasks are left out.
    pub fn add(&mut self, losses: &[Option<f64>], weights: &[f64]) {
        for (t, (loss, weight)) in losses.iter().zip(weights).enumerate().take(self.tasks) {
            if let Some(loss) = loss {
                self.losses[t].add(*loss);
                self.weights[t].add(*weight);
            }
        }
    }

    /// Adds the norms and cosines of a batch's gradients. A gradient of 0 has no cosine.
    pub fn add_gradients(&mut self, gram: &Gram) {
        let cosines = gram.cosines();
        for (i, &t) in gram.tasks().iter().enumerate().filter(|(_, t)| **t < self.tasks) {
            self.norms[t].add(gram.norms()[i]);
            for (j, &k) in gram.tasks().iter().enumerate().filter(|(_, k)| **k < self.tasks) {
                if gram.norms()[i] > 0.0 && gram.norms()[j] > 0.0 {
                    self.cosines[t * self.tasks + k].add(cosines[(i, j)]);
                }
            }
        }
    }

    /// The means, and the start of the next epoch.
    pub fn finish(&mut self) -> Summary {
        let values = |means: &[Mean]| means.iter().map(|mean| mean.value()).collect::<Vec<_>>();
        let summary = Summary {
            losses: values(&self.losses),
            weights: values(&self.weights),
            norms: values(&self.norms),
            cosines: self.cosines.chunks(self.tasks.max(1)).map(values).collect(),
        };
        *self = Self::new(self.tasks);
        summary
    }
}

impl Summary {
    /// The tasks whose mean weight is more than `factor` times the mean of the others' weights, with that ratio: what a
    /// method that divides by losses does to a rare label.
    pub fn raised(&self, factor: f64) -> Vec<(usize, f64)> {
        let known: Vec<(usize, f64)> =
            self.weights.iter().enumerate().filter_map(|(t, weight)| weight.map(|weight| (t, weight))).collect();
        let sum: f64 = known.iter().map(|(_, weight)| weight).sum();
        let ratio = |&(t, weight): &(usize, f64)| (t, weight * (known.len() as f64 - 1.0) / (sum - weight));
        known.iter().map(ratio).filter(|(_, ratio)| ratio.is_finite() && *ratio > factor).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weighting::methods::Matrix;

    #[test]
    fn means_over_the_batches_in_which_a_task_is() {
        let mut tally = Tally::new(2);
        tally.add(&[Some(1.0), None], &[2.0, 0.0]);
        tally.add(&[Some(3.0), Some(1.0)], &[4.0, 90.0]);
        let products = Matrix::from_fn(2, |i, j| [[4.0, -1.0], [-1.0, 1.0]][i][j]);
        tally.add_gradients(&Gram::of_all(products).expect("finite"));
        tally.add_gradients(&Gram::new(Matrix::from_fn(1, |_, _| 16.0), vec![1.0], vec![0]).expect("finite"));
        let summary = tally.finish();
        assert_eq!(summary.losses, [Some(2.0), Some(1.0)]);
        assert_eq!(summary.weights, [Some(3.0), Some(90.0)]);
        assert_eq!(summary.norms, [Some(3.0), Some(1.0)]);
        assert_eq!(summary.cosines, [[Some(1.0), Some(-0.5)], [Some(-0.5), Some(1.0)]]);
        assert_eq!(summary.raised(10.0), [(1, 30.0)]);
        assert_eq!(tally.finish().weights, [None, None]);
    }
}
