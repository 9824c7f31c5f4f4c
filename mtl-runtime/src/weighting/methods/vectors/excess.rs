//! Robust weights by excess risks (ExcessMTL).
//!
//! **Equation.** With the sums of squared gradients `S_t <- S_t + g_t^2`, entry by entry, the excess of a task is
//! `e_t = sum_p g_tp^2 / sqrt(S_tp + 1e-7)` over that of its first step, and `w_t <- w_t exp(eta e_t)`, scaled to the
//! sum of the tasks' number. Weights are those of the losses, and 1 in the first step.
//!
//! **Source.** He et al., "Robust multi-task learning with excess risks", ICML 2024.
//!
//! **Options.** `eta`, 0.01. Memory of one squared gradient per task.
//!
//! **Public implementations.** LibMTL multiplies the weights, which leaves the range of numbers at a large excess; here
//! their logarithms are kept.
//!
//! **Missing tasks.** Their sums and weights stay, but for the scaling; the weight in the batch is 0. A task's first
//! step is the first one with a gradient other than 0.

use super::squares;
use crate::weighting::methods::state::{Reader, numbers};
use crate::weighting::methods::{Failure, Real, softmax};

/// The options of [`Excess`].
#[derive(Debug, Clone, PartialEq)]
pub struct ExcessOptions {
    /// The step size of the weights.
    pub eta: f64,
}

impl Default for ExcessOptions {
    fn default() -> Self {
        Self { eta: 1e-2 }
    }
}

/// Weights for the tasks farthest from their optimum.
#[derive(Debug, Clone)]
pub struct Excess<F> {
    options: ExcessOptions,
    logarithms: Vec<f64>,
    first: Vec<Option<f64>>,
    sums: Vec<Vec<F>>,
}

impl<F: Real> Excess<F> {
    /// Weights of 1 for a number of tasks and of parameters.
    ///
    /// # Errors
    /// An `eta` that is not positive.
    pub fn new(tasks: usize, parameters: usize, options: ExcessOptions) -> Result<Self, Failure> {
        let eta = options.eta;
        Failure::unless(eta > 0.0 && eta.is_finite(), || format!("an eta of {eta}: it must be positive"))?;
        let sums = vec![vec![F::of(0.0); parameters]; tasks];
        Ok(Self { options, logarithms: vec![0.0; tasks], first: vec![None; tasks], sums })
    }

    /// The weights of the losses in this batch, after the gradients of the losses have been taken into account.
    ///
    /// # Errors
    /// A gradient that is not finite, or numbers that differ.
    pub fn weights(&mut self, gradients: &[Option<&[F]>]) -> Result<Vec<f64>, Failure> {
        let tasks = self.sums.len();
        squares(gradients, tasks, self.sums.first().map_or(0, Vec::len))?;
        for (t, gradient) in gradients.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            let mut excess = 0.0;
            for (sum, gradient) in self.sums[t].iter_mut().zip(*gradient) {
                let gradient: f64 = (*gradient).into();
                let total = (*sum).into() + gradient * gradient;
                *sum = F::of(total);
                excess += gradient * (gradient / (total + 1e-7).sqrt());
            }
            match self.first[t] {
                Some(first) => self.logarithms[t] += self.options.eta * excess / first,
                None if excess > 0.0 => self.first[t] = Some(excess),
                None => {}
            }
        }
        let shares = softmax(&self.logarithms);
        let weights: Vec<f64> = shares.iter().map(|share| tasks as f64 * share).collect();
        Failure::unless_finite(&weights)?;
        // Only differences count: kept small.
        let top = self.logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.logarithms.iter_mut().for_each(|logarithm| *logarithm -= top);
        Ok(weights
            .iter()
            .zip(gradients)
            .map(|(weight, gradient)| if gradient.is_some() { *weight } else { 0.0 })
            .collect())
    }

    /// The state as a list of numbers.
    pub fn state(&self) -> Vec<f64> {
        let sums = self.sums.iter().flatten().map(|&x| x.into());
        self.logarithms.iter().copied().chain(numbers(&self.first)).chain(sums).collect()
    }

    /// The method in a state that [`Excess::state`] gave.
    ///
    /// # Errors
    /// A list of another length.
    pub fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        let tasks = self.sums.len();
        let mut reader = Reader::new(state, 2 * tasks + self.sums.iter().map(Vec::len).sum::<usize>())?;
        (self.logarithms, self.first) = (reader.take(tasks), reader.options(tasks));
        self.sums.iter_mut().flatten().for_each(|x| *x = F::of(reader.one()));
        Ok(())
    }
}
