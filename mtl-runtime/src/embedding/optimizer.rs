//! The row optimisers: each moves the rows of a batch in place, from one gradient sum a row.
//!
//! ```text
//! rowwise_adagrad   a += mean(g^2)                              w -= lr g / (sqrt(a) + epsilon)          one `a` a row
//! adagrad           a += g^2                                    w -= lr g / (sqrt(a) + epsilon)
//! lazy_adam, adam   m = b1 m + (1-b1) g, v = b2 v + (1-b2) g^2  w -= lr/(1-b1^t) m / (sqrt(v/(1-b2^t)) + epsilon)
//! sgd                                                           w -= lr g
//! ```
//!
//! `t` counts training steps. `lazy_adam` leaves a row outside the batch where it is. `adam` is dense Adam on the whole table:
//! there a row without a gradient still decays its moments and moves, so a row makes up for the steps it missed before it is
//! read ([`RowOptimizer::settle`]). Its moves shrink by about `b1 / sqrt(b2)` a step; once the next one would not change any
//! value of the row in f32, none after it would either, and only the decay of the moments is left, which has a closed form. So
//! a row costs at most some 200 steps of arithmetic, however long it was not read.

use super::adam::{self, Coefficients, Rule};
use crate::config::RowOptimizerConfig;

/// A row optimiser with its coefficients.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowOptimizer(RowOptimizerConfig);

/// The coefficients of Adam's steps so far, the same for every table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    /// For step `t` (from 1), at `t - 1`.
    coefficients: Vec<Coefficients>,
}

/// How many steps a table has taken, and the factor on its learning rate; with 0 it stands still.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub step: u32,
    pub factor: f64,
}

impl Clock {
    /// Knows the coefficients of the steps up to this one.
    pub fn reach(&mut self, step: u32, optimizer: &RowOptimizer) {
        if let RowOptimizerConfig::Adam { lr, beta1, beta2, .. }
        | RowOptimizerConfig::LazyAdam { lr, beta1, beta2, .. } = optimizer.0
        {
            for step in self.coefficients.len() as u32 + 1..=step {
                let t = f64::from(step);
                let rate = (lr / (1.0 - beta1.powf(t))) as f32;
                let root = (1.0 / (1.0 - beta2.powf(t)).sqrt()) as f32;
                self.coefficients.push(Coefficients { rate, root });
            }
        }
    }
}

impl RowOptimizer {
    /// The optimiser of a configuration.
    pub fn new(config: RowOptimizerConfig) -> Self {
        Self(config)
    }

    /// Numbers of state a row of this width needs.
    pub fn state_width(&self, dim: usize) -> usize {
        match self.0 {
            RowOptimizerConfig::RowwiseAdagrad { .. } => 1,
            RowOptimizerConfig::Adagrad { .. } => dim,
            RowOptimizerConfig::Adam { .. } | RowOptimizerConfig::LazyAdam { .. } => 2 * dim,
            RowOptimizerConfig::Sgd { .. } => 0,
        }
    }

    /// Whether a row that a batch does not read misses a step that it has to make up for.
    pub fn catches_up(&self) -> bool {
        matches!(self.0, RowOptimizerConfig::Adam { .. })
    }

    /// Makes up for the zero-gradient steps that these rows missed, up to the table's step.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub fn settle(
        &self,
        dim: usize,
        values: &mut [f32],
        state: &mut [f32],
        settled: &mut [u32],
        clock: &Clock,
        pace: Pace,
        rows: impl Iterator<Item = u32>,
    ) {
        let RowOptimizerConfig::Adam { beta1, beta2, epsilon, .. } = self.0 else { return };
        let rule = Rule::new(beta1, beta2, epsilon, pace.factor);
        for row in rows {
            let row = row as usize;
            let from = std::mem::replace(&mut settled[row], pace.step);
            if from < pace.step {
                let missed = &clock.coefficients[from as usize..pace.step as usize];
                let (first, second) = state[2 * row * dim..2 * (row + 1) * dim].split_at_mut(dim);
                let values = &mut values[row * dim..(row + 1) * dim];
                adam::make_up(values, first, second, missed, rule);
            }
        }
    }

    /// Moves these rows by their gradient sums, `dim` numbers a row in the order of `rows`. The rows are settled up to the step
    /// before the table's.
    #[allow(clippy::too_many_arguments)]
    #[inline(always)]
    pub fn update(
        &self,
        dim: usize,
        values: &mut [f32],
        state: &mut [f32],
        settled: &mut [u32],
        clock: &Clock,
        pace: Pace,
        rows: &[u32],
        sums: &[f32],
    ) {
        let width = self.state_width(dim);
        for (&row, gradient) in rows.iter().zip(sums.chunks_exact(dim)) {
            let row = row as usize;
            let values = &mut values[row * dim..(row + 1) * dim];
            let state = &mut state[row * width..(row + 1) * width];
            match self.0 {
                RowOptimizerConfig::Sgd { lr } => {
                    for (w, g) in values.iter_mut().zip(gradient) {
                        *w -= (lr * pace.factor) as f32 * g;
                    }
                }
                RowOptimizerConfig::RowwiseAdagrad { lr, epsilon } => {
                    state[0] += gradient.iter().map(|g| g * g).sum::<f32>() / dim as f32;
                    let rate = (lr * pace.factor) as f32 / (state[0].sqrt() + epsilon as f32);
                    for (w, g) in values.iter_mut().zip(gradient) {
                        *w -= rate * g;
                    }
                }
                RowOptimizerConfig::Adagrad { lr, epsilon } => {
                    for ((w, a), g) in values.iter_mut().zip(state).zip(gradient) {
                        *a += g * g;
                        *w -= (lr * pace.factor) as f32 * g / (a.sqrt() + epsilon as f32);
                    }
                }
                RowOptimizerConfig::Adam { beta1, beta2, epsilon, .. }
                | RowOptimizerConfig::LazyAdam { beta1, beta2, epsilon, .. } => {
                    let (first, second) = state.split_at_mut(dim);
                    let now = clock.coefficients[pace.step as usize - 1];
                    let rule = Rule::new(beta1, beta2, epsilon, pace.factor);
                    adam::step(values, first, second, gradient, now, rule);
                    if let Some(settled) = settled.get_mut(row) {
                        *settled = pace.step;
                    }
                }
            }
        }
    }
}
