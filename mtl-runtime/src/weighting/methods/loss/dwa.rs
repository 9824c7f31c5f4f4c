//! Dynamic weight average (DWA).
//!
//! **Equation.** `r_t = mean_t(last period) / mean_t(period before)`,
//! `w_t = T exp(r_t / temperature) / sum_k exp(r_k / temperature)`; `w_t = 1` until two periods have passed. A task
//! whose loss falls more slowly takes more weight.
//!
//! **Source.** Liu, Johns and Davison, "End-to-end multi-task learning with attention", CVPR 2019.
//!
//! **Options.** `temperature`, 2; `period`, epochs, or a number of steps for training that passes once over the data;
//! `ratio_bounds`, 0.1 and 10, within which a ratio is kept.
//!
//! **Public implementations.** LibMTL and the authors use epochs. The Nash-MTL and the SamsungLabs code use two windows
//! of 25 steps that start from 1, and the mean of the weighted losses in place of their sum.
//!
//! **Missing tasks.** The weight 0 in the batch. A task without a labelled row in a whole period keeps its ratio and
//! its last means.

use super::period::Means;
use super::{EPSILON, LossMethod, Period, present, spread};
use crate::weighting::methods::state::{Reader, numbers};
use crate::weighting::methods::{Convention, Failure, softmax};

/// The options of [`Dwa`].
#[derive(Debug, Clone, PartialEq)]
pub struct DwaOptions {
    /// The softness of the weights: a high one brings them to 1.
    pub temperature: f64,
    /// The time between two updates.
    pub period: Period,
    /// The least and the greatest ratio of two means.
    pub ratio_bounds: [f64; 2],
}

impl Default for DwaOptions {
    fn default() -> Self {
        Self { temperature: 2.0, period: Period::Epochs, ratio_bounds: [0.1, 10.0] }
    }
}

/// Weights from the rate at which losses fall.
#[derive(Debug, Clone)]
pub struct Dwa {
    options: DwaOptions,
    means: Means,
    /// The mean of each task's last period.
    last: Vec<Option<f64>>,
    /// The last ratio of each task; none until two periods have passed.
    ratios: Vec<Option<f64>>,
}

impl Dwa {
    /// Dynamic weights for a number of tasks.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(tasks: usize, options: DwaOptions) -> Result<Self, Failure> {
        let DwaOptions { temperature, period, ratio_bounds: [low, high] } = options;
        Failure::unless(temperature > 0.0, || format!("a temperature of {temperature}: it must be positive"))?;
        Failure::unless(low > 0.0 && low <= 1.0 && high >= 1.0 && high.is_finite(), || {
            format!("ratio bounds of {low} and {high}: the first must lie within 0 and 1, the second above 1")
        })?;
        period.check()?;
        Ok(Self { options, means: Means::new(tasks, period), last: vec![None; tasks], ratios: vec![None; tasks] })
    }

    fn current(&self) -> Vec<f64> {
        let tasks = self.tasks() as f64;
        let ratios: Vec<f64> =
            self.ratios.iter().map(|ratio| ratio.unwrap_or(1.0) / self.options.temperature).collect();
        softmax(&ratios).iter().map(|share| tasks * share).collect()
    }

    fn update(&mut self, means: &[Option<f64>]) {
        let [low, high] = self.options.ratio_bounds;
        for (t, mean) in means.iter().enumerate().take(self.last.len()) {
            let Some(mean) = mean.filter(|mean| mean.is_finite()) else { continue };
            if let Some(before) = self.last[t] {
                let floor = EPSILON * before.abs().max(mean.abs()).max(f64::MIN_POSITIVE);
                let ratio = if mean == before { 1.0 } else { mean / before.max(floor) };
                self.ratios[t] = Some(ratio.clamp(low, high));
            }
            self.last[t] = Some(mean);
        }
    }
}

impl LossMethod for Dwa {
    fn name(&self) -> &'static str {
        "dwa"
    }

    fn tasks(&self) -> usize {
        self.last.len()
    }

    fn convention(&self) -> Convention {
        Convention::Sum
    }

    fn weights(&mut self, losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        let present = present(losses, self.tasks())?;
        let current = self.current();
        let weights = spread(&present, present.iter().map(|&(t, _)| current[t]), self.tasks());
        if let Some(means) = self.means.add(losses) {
            self.update(&means);
        }
        Ok(weights)
    }

    fn objective(&self, losses: &[Option<f64>]) -> Result<f64, Failure> {
        let weights = self.current();
        Ok(present(losses, self.tasks())?.iter().map(|&(t, loss)| weights[t] * loss).sum())
    }

    fn epoch(&mut self, means: &[Option<f64>]) {
        if self.means.of_epochs() {
            self.update(means);
        }
    }

    fn state(&self) -> Vec<f64> {
        numbers(&self.last).chain(numbers(&self.ratios)).chain(self.means.state()).collect()
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        let tasks = self.tasks();
        let mut reader = Reader::new(state, 2 * tasks + self.means.state_length())?;
        (self.last, self.ratios) = (reader.options(tasks), reader.options(tasks));
        self.means.restore(&reader.take(self.means.state_length()))
    }
}
