//! Gradient normalisation (GradNorm).
//!
//! **Equation.** With the norm `n_t` of a task's gradient and its weight `w_t`, `G_t = w_t n_t`; with
//! `r_t = (L_t / L_t(0))` over the mean of these ratios, the target of `G_t` is `mean(G) r_t^alpha`, a constant. The
//! weights descend along `sum_t |G_t - target_t|`, whose gradient is `n_t sign(G_t - target_t)`, and are scaled to the
//! sum of the tasks' number. The step of the model takes the weights from before this update.
//!
//! **Source.** Chen, Badrinarayanan, Lee and Rabinovich, "GradNorm: gradient normalization for adaptive loss balancing
//! in deep multitask networks", ICML 2018, on the last shared layer.
//!
//! **Options.** `alpha`, 1.5; `rate`, 0.025; `initial_steps`, 20: `L_t(0)` is the mean of a task's first losses, and
//! its weight stays until it is known; `least`, 0.001, the least weight; `update_every`, 1. Needs positive losses.
//!
//! **Public implementations.** LibMTL trains `u` with `w = T softmax(u)` by the optimizer of the model, takes the norms
//! over all shared parameters and `L_t(0)` from the first epoch. SamsungLabs has `alpha` at 2 and `L_t(0)` from the
//! first batch. Another starts its optimizer anew at each step. None needs a second derivative here.
//!
//! **Missing tasks.** Their weights do not descend and do not enter the mean; the scaling is over all tasks.

use super::{Gram, Gramian};
use crate::weighting::methods::state::Reader;
use crate::weighting::methods::{Convention, Failure};

/// The options of [`GradNorm`].
#[derive(Debug, Clone, PartialEq)]
pub struct GradNormOptions {
    /// How strongly a task that trains slowly is favoured.
    pub alpha: f64,
    /// The learning rate of the weights.
    pub rate: f64,
    /// The number of a task's losses whose mean is its first loss.
    pub initial_steps: u64,
    /// The least weight.
    pub least: f64,
    /// The number of steps from one update to the next.
    pub update_every: u64,
}

impl Default for GradNormOptions {
    fn default() -> Self {
        Self { alpha: 1.5, rate: 0.025, initial_steps: 20, least: 1e-3, update_every: 1 }
    }
}

/// Trained weights under which gradients have lengths that fit the rates of training.
#[derive(Debug, Clone)]
pub struct GradNorm {
    options: GradNormOptions,
    step: u64,
    weights: Vec<f64>,
    first: Vec<f64>,
    counts: Vec<f64>,
}

impl GradNorm {
    /// Weights of 1 for a number of tasks.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(tasks: usize, options: GradNormOptions) -> Result<Self, Failure> {
        let GradNormOptions { alpha, rate, initial_steps, least, update_every } = options;
        Failure::unless(alpha >= 0.0 && alpha.is_finite(), || format!("an alpha of {alpha}: it must be at least 0"))?;
        Failure::unless(rate > 0.0 && rate.is_finite(), || format!("a rate of {rate}: it must be positive"))?;
        Failure::unless(least > 0.0 && least < 1.0, || {
            format!("a least weight of {least}: it must lie within 0 and 1")
        })?;
        Failure::unless(initial_steps > 0 && update_every > 0, || "a number of steps must be at least 1".into())?;
        Ok(Self { options, step: 0, weights: vec![1.0; tasks], first: vec![0.0; tasks], counts: vec![0.0; tasks] })
    }

    /// The same method with known first losses.
    ///
    /// # Errors
    /// Another number of losses than of tasks, or a loss that is not positive.
    pub fn with_first_losses(mut self, losses: &[f64]) -> Result<Self, Failure> {
        Failure::unless_length(self.weights.len(), losses.len())?;
        Failure::unless_finite(losses)?;
        if let Some(task) = losses.iter().position(|loss| *loss <= 0.0) {
            return Err(Failure::NotPositive { task, loss: losses[task] });
        }
        self.first = losses.to_vec();
        self.counts = vec![self.options.initial_steps as f64; losses.len()];
        Ok(self)
    }

    /// The present weights of all tasks.
    pub fn current(&self) -> &[f64] {
        &self.weights
    }

    /// The rows of tasks whose first loss is known, after the losses of this batch.
    fn observe(&mut self, gram: &Gram) -> Vec<usize> {
        let mut known = Vec::new();
        for (row, &t) in gram.tasks().iter().enumerate() {
            if self.counts[t] >= self.options.initial_steps as f64 {
                known.push(row);
                continue;
            }
            self.counts[t] += 1.0;
            self.first[t] += (gram.losses()[row] - self.first[t]) / self.counts[t];
        }
        known
    }

    fn update(&mut self, gram: &Gram, rows: &[usize]) {
        let ratio = |row: &usize| gram.losses()[*row] / self.first[gram.tasks()[*row]].max(f64::MIN_POSITIVE);
        let ratios: Vec<f64> = rows.iter().map(ratio).collect();
        let lengths: Vec<f64> = rows.iter().map(|&row| self.weights[gram.tasks()[row]] * gram.norms()[row]).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (mean_ratio, mean_length) = (mean(&ratios), mean(&lengths));
        if mean_ratio <= 0.0 || !mean_ratio.is_finite() || !mean_length.is_finite() {
            return;
        }
        for ((&row, ratio), length) in rows.iter().zip(&ratios).zip(&lengths) {
            let target = mean_length * (ratio / mean_ratio).powf(self.options.alpha);
            let difference = length - target;
            // What only rounding tells from the target is at the target.
            if difference.abs() > 1e-12 * length.max(target) {
                let weight = &mut self.weights[gram.tasks()[row]];
                *weight =
                    (*weight - self.options.rate * gram.norms()[row] * difference.signum()).max(self.options.least);
            }
        }
        let scale = self.weights.len() as f64 / self.weights.iter().sum::<f64>();
        self.weights.iter_mut().for_each(|weight| *weight *= scale);
    }
}

impl Gramian for GradNorm {
    fn name(&self) -> &'static str {
        "gradnorm"
    }

    fn convention(&self) -> Convention {
        Convention::Sum
    }

    fn needs_positive_losses(&self) -> bool {
        true
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let weights = gram.pick(&self.weights)?;
        if let Some(row) = gram.losses().iter().position(|loss| *loss < 0.0) {
            return Err(Failure::NotPositive { task: gram.tasks()[row], loss: gram.losses()[row] });
        }
        let known = self.observe(gram);
        if !known.is_empty() && self.step.is_multiple_of(self.options.update_every) {
            self.update(gram, &known);
        }
        self.step += 1;
        Ok(weights)
    }

    fn state(&self) -> Vec<f64> {
        let lists = [&self.weights, &self.first, &self.counts];
        std::iter::once(self.step as f64).chain(lists.into_iter().flatten().copied()).collect()
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        let tasks = self.weights.len();
        let mut reader = Reader::new(state, 1 + 3 * tasks)?;
        self.step = reader.count();
        (self.weights, self.first, self.counts) = (reader.take(tasks), reader.take(tasks), reader.take(tasks));
        Ok(())
    }
}
