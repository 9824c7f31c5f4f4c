//! The loss balance of impartial multi-task learning (IMTL-L).
//!
//! **Equation.** With a trained `s_t`, the sum of `e^s L - s`. The weight of a loss's gradient is `e^s`; the gradient
//! of `s` is `e^s L - 1`. For a constant loss `s` goes to `-ln L`, where all weighted losses are 1.
//!
//! **Source.** Liu et al., "Towards impartial multi-task learning", ICLR 2021.
//!
//! **Options.** The start of `s`, 0; the optimizer of `s`, Adam with learning rate 0.001 and no decay. `s` is kept
//! within -10 and 10. Needs losses that cannot be negative.
//!
//! **Public implementations.** LibMTL always applies it together with the gradient balance, and trains `s` with the
//! optimizer of the model.
//!
//! **Missing tasks.** The weight 0, no `-s`, and `s` stays.

use super::{LOGARITHM_BOUND, LossMethod, present_positive, spread};
use crate::weighting::methods::scalars::Scalars;
use crate::weighting::methods::{Convention, Failure, Rule};

/// The options of [`ImpartialLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct ImpartialLossOptions {
    /// The start of each logarithm of a weight.
    pub start: f64,
    /// The optimizer of the logarithms.
    pub rule: Rule,
}

impl Default for ImpartialLossOptions {
    fn default() -> Self {
        Self { start: 0.0, rule: Rule::Adam { rate: 1e-3, decay: 0.0 } }
    }
}

/// Weights trained so that all weighted losses are 1.
#[derive(Debug, Clone)]
pub struct ImpartialLoss {
    logarithms: Scalars,
}

impl ImpartialLoss {
    /// One trained weight for each task.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(tasks: usize, options: ImpartialLossOptions) -> Result<Self, Failure> {
        options.rule.check()?;
        Failure::unless(options.start.abs() <= LOGARITHM_BOUND, || {
            format!("a start of {}: it must lie within -{LOGARITHM_BOUND} and {LOGARITHM_BOUND}", options.start)
        })?;
        Ok(Self { logarithms: Scalars::new(tasks, options.start, options.rule) })
    }

    /// The logarithm of each task's weight.
    pub fn log_weights(&self) -> &[f64] {
        &self.logarithms.values
    }
}

impl LossMethod for ImpartialLoss {
    fn name(&self) -> &'static str {
        "imtl_l"
    }

    fn tasks(&self) -> usize {
        self.logarithms.values.len()
    }

    fn convention(&self) -> Convention {
        Convention::Own
    }

    fn needs_positive_losses(&self) -> bool {
        true
    }

    fn weights(&mut self, losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        let present = present_positive(losses, self.tasks())?;
        let weights = spread(&present, present.iter().map(|&(t, _)| self.logarithms.values[t].exp()), self.tasks());
        let gradients: Vec<_> =
            losses.iter().zip(&weights).map(|(loss, weight)| loss.map(|loss| weight * loss - 1.0)).collect();
        self.logarithms.step(&gradients);
        self.logarithms.clamp(-LOGARITHM_BOUND, LOGARITHM_BOUND);
        Ok(weights)
    }

    fn objective(&self, losses: &[Option<f64>]) -> Result<f64, Failure> {
        let present = present_positive(losses, self.tasks())?;
        let term = |&(t, loss): &(usize, f64)| self.logarithms.values[t].exp() * loss - self.logarithms.values[t];
        Ok(present.iter().map(term).sum())
    }

    fn state(&self) -> Vec<f64> {
        self.logarithms.state()
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        self.logarithms.restore(state)
    }
}
