//! Homoscedastic uncertainty weights.
//!
//! **Equation.** With a trained `s_t = ln sigma_t^2`, the sum of `e^-s L / 2 + s / 2` over regressions and of
//! `e^-s L + s / 2` over classifications. The weight of a loss's gradient is `e^-s / 2` or `e^-s`; the gradient of `s`
//! is `1/2` less `weight * L`. For a constant loss `s` goes to `ln L` or `ln 2L`, and the weight to `1 / 2L` in both
//! forms.
//!
//! **Source.** Kendall, Gal and Cipolla, "Multi-task learning using uncertainty to weigh losses for scene geometry and
//! semantics", CVPR 2018.
//!
//! **Options.** The form of each task; the start of `s`, 0; the optimizer of `s`, Adam with learning rate 0.001 and no
//! decay, for a decay would pull the weights to 1. `s` is kept within -10 and 10.
//!
//! **Public implementations.** LibMTL takes the form of regressions for all tasks and starts at -0.5; the Nash-MTL code
//! the same form from 0; the SamsungLabs code the form of classifications for all tasks; the authors' notebook leaves
//! the halves out.
//!
//! **Missing tasks.** The weight 0, no `s / 2`, and `s` stays.

use super::{LOGARITHM_BOUND, LossMethod, present, spread};
use crate::weighting::methods::scalars::Scalars;
use crate::weighting::methods::{Convention, Failure, Rule};

/// The likelihood under a task's loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A Gaussian likelihood: `e^-s L / 2 + s / 2`.
    Regression,
    /// A tempered softmax or sigmoid: `e^-s L + s / 2`.
    Classification,
}

impl Form {
    fn factor(self) -> f64 {
        match self {
            Self::Regression => 0.5,
            Self::Classification => 1.0,
        }
    }
}

/// The options of [`Uncertainty`].
#[derive(Debug, Clone, PartialEq)]
pub struct UncertaintyOptions {
    /// The start of each logarithm of a variance.
    pub start: f64,
    /// The optimizer of the logarithms.
    pub rule: Rule,
}

impl Default for UncertaintyOptions {
    fn default() -> Self {
        Self { start: 0.0, rule: Rule::Adam { rate: 1e-3, decay: 0.0 } }
    }
}

/// Weights from trained variances.
#[derive(Debug, Clone)]
pub struct Uncertainty {
    forms: Vec<Form>,
    logarithms: Scalars,
}

impl Uncertainty {
    /// One variance for each task.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(forms: Vec<Form>, options: UncertaintyOptions) -> Result<Self, Failure> {
        options.rule.check()?;
        Failure::unless(options.start.abs() <= LOGARITHM_BOUND, || {
            format!("a start of {}: it must lie within -{LOGARITHM_BOUND} and {LOGARITHM_BOUND}", options.start)
        })?;
        Ok(Self { logarithms: Scalars::new(forms.len(), options.start, options.rule), forms })
    }

    /// The logarithm of each task's variance.
    pub fn log_variances(&self) -> &[f64] {
        &self.logarithms.values
    }

    fn weight(&self, task: usize) -> f64 {
        self.forms[task].factor() * (-self.logarithms.values[task]).exp()
    }
}

impl LossMethod for Uncertainty {
    fn name(&self) -> &'static str {
        "uncertainty"
    }

    fn tasks(&self) -> usize {
        self.forms.len()
    }

    fn convention(&self) -> Convention {
        Convention::Own
    }

    fn weights(&mut self, losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        let present = present(losses, self.tasks())?;
        let weights = spread(&present, present.iter().map(|&(t, _)| self.weight(t)), self.tasks());
        let gradients: Vec<_> =
            losses.iter().zip(&weights).map(|(loss, weight)| loss.map(|loss| 0.5 - weight * loss)).collect();
        self.logarithms.step(&gradients);
        self.logarithms.clamp(-LOGARITHM_BOUND, LOGARITHM_BOUND);
        Ok(weights)
    }

    fn objective(&self, losses: &[Option<f64>]) -> Result<f64, Failure> {
        let present = present(losses, self.tasks())?;
        Ok(present.iter().map(|&(t, loss)| self.weight(t) * loss + 0.5 * self.logarithms.values[t]).sum())
    }

    fn state(&self) -> Vec<f64> {
        self.logarithms.state()
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        self.logarithms.restore(state)
    }
}
