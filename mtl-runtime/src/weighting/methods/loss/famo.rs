//! Fast adaptive multitask optimization (FAMO).
//!
//! **Equation.** With trained `u`, `z = softmax(u)` and `D_t = L_t - minimum_t + 1e-8`: the objective is
//! `sum_t z_t ln(D_t) / c` with the constant `c = sum_t z_t / D_t`, so the weight of a loss's gradient is
//! `z_t / (c D_t)` and the weights sum to 1. After the step the losses of the same batch are taken again; with
//! `delta_t = ln D_t(before) - ln D_t(after)`, Adam moves `u` along `z_t (delta_t - sum_k z_k delta_k)`: a task that
//! improves more than the others loses weight.
//!
//! **Source.** Liu, Feng, Stone and Liu, "FAMO: fast adaptive multitask optimization", NeurIPS 2023.
//!
//! **Options.** `rate`, 0.025; `decay`, 0.001 as in the authors' runs (their class says 0.01); `every`, 1: of so many steps
//! the losses are taken again after the last alone, and the logits move there alone; `minima`, the least each loss can be,
//! 0. Needs losses that stay above their minima: the minimum of a loss that can be negative must be given.
//!
//! **Public implementations.** The authors clip the norm of the shared gradient to 1, LibMTL does not; clipping is left
//! to the trainer.
//!
//! **Missing tasks.** The weight 0; the others share the sum of 1. A task that is missing before or after the step
//! keeps its `u` and its moments, and does not enter the mean of `delta`.

use super::{EPSILON, LossMethod, present, spread};
use crate::weighting::methods::scalars::Scalars;
use crate::weighting::methods::state::Reader;
use crate::weighting::methods::{Convention, Failure, Rule, softmax};

/// The options of [`Famo`].
#[derive(Debug, Clone, PartialEq)]
pub struct FamoOptions {
    /// The learning rate of the logits.
    pub rate: f64,
    /// The weight decay of the logits.
    pub decay: f64,
    /// Losses are taken again after each `every`-th step.
    pub every: u64,
    /// The least that each loss can be; 0 where empty.
    pub minima: Vec<f64>,
}

impl Default for FamoOptions {
    fn default() -> Self {
        Self { rate: 0.025, decay: 1e-3, every: 1, minima: Vec::new() }
    }
}

/// Weights under which all logarithms of losses fall alike.
#[derive(Debug, Clone)]
pub struct Famo {
    minima: Vec<f64>,
    logits: Scalars,
    every: u64,
    /// Steps so far.
    steps: u64,
}

impl Famo {
    /// Equal logits for a number of tasks.
    ///
    /// # Errors
    /// An option outside its range, or minima of another number than the tasks.
    pub fn new(tasks: usize, options: FamoOptions) -> Result<Self, Failure> {
        let rule = Rule::Adam { rate: options.rate, decay: options.decay };
        rule.check()?;
        Failure::unless(options.every > 0, || "losses are taken again after at least one step".into())?;
        let minima = if options.minima.is_empty() { vec![0.0; tasks] } else { options.minima };
        Failure::unless_length(tasks, minima.len())?;
        Failure::unless_finite(&minima)?;
        Ok(Self { minima, logits: Scalars::new(tasks, 0.0, rule), every: options.every, steps: 0 })
    }

    /// The trained logits.
    pub fn logits(&self) -> &[f64] {
        &self.logits.values
    }

    /// How far the losses that are there lie above their minima.
    fn distances(&self, losses: &[Option<f64>]) -> Result<Vec<(usize, f64)>, Failure> {
        let mut present = present(losses, self.tasks())?;
        for (task, loss) in &mut present {
            let distance = *loss - self.minima[*task];
            if distance < 0.0 {
                return Err(Failure::NotPositive { task: *task, loss: distance });
            }
            *loss = distance + EPSILON;
        }
        Ok(present)
    }

    fn shares(&self, tasks: impl Iterator<Item = usize>) -> Vec<f64> {
        softmax(&tasks.map(|t| self.logits.values[t]).collect::<Vec<_>>())
    }
}

impl LossMethod for Famo {
    fn name(&self) -> &'static str {
        "famo"
    }

    fn tasks(&self) -> usize {
        self.minima.len()
    }

    fn convention(&self) -> Convention {
        Convention::Mean
    }

    fn needs_positive_losses(&self) -> bool {
        self.minima.iter().any(|minimum| *minimum >= 0.0)
    }

    fn weights(&mut self, losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        let present = self.distances(losses)?;
        let shares = self.shares(present.iter().map(|&(t, _)| t));
        let parts: Vec<f64> = shares.iter().zip(&present).map(|(z, (_, d))| z / d).collect();
        let c: f64 = parts.iter().sum();
        self.steps += 1;
        Ok(spread(&present, parts.iter().map(|part| part / c), self.tasks()))
    }

    fn objective(&self, losses: &[Option<f64>]) -> Result<f64, Failure> {
        let present = self.distances(losses)?;
        if present.is_empty() {
            return Ok(0.0);
        }
        let shares = self.shares(present.iter().map(|&(t, _)| t));
        let c: f64 = shares.iter().zip(&present).map(|(z, (_, d))| z / d).sum();
        Ok(shares.iter().zip(&present).map(|(z, (_, d))| z * d.ln()).sum::<f64>() / c)
    }

    fn after_step(&mut self, before: &[Option<f64>], after: &[Option<f64>]) {
        if !self.needs_losses_after() {
            return;
        }
        let (Ok(before), Ok(after)) = (self.distances(before), self.distances(after)) else { return };
        let mut deltas = Vec::new();
        for (task, first) in before {
            if let Some((_, second)) = after.iter().find(|(t, _)| *t == task) {
                deltas.push((task, first.ln() - second.ln()));
            }
        }
        let shares = self.shares(deltas.iter().map(|&(t, _)| t));
        let mean: f64 = shares.iter().zip(&deltas).map(|(z, (_, delta))| z * delta).sum();
        let mut gradients = vec![None; self.tasks()];
        for (z, (task, delta)) in shares.iter().zip(deltas) {
            gradients[task] = Some(z * (delta - mean));
        }
        self.logits.step(&gradients);
    }

    fn needs_losses_after(&self) -> bool {
        self.steps.is_multiple_of(self.every)
    }

    fn state(&self) -> Vec<f64> {
        let mut state = self.logits.state();
        state.push(self.steps as f64);
        state
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        Failure::unless_length(4 * self.tasks() + 1, state.len())?;
        let (logits, steps) = state.split_at(4 * self.tasks());
        self.logits.restore(logits)?;
        self.steps = Reader::new(steps, 1)?.count();
        Ok(())
    }
}
