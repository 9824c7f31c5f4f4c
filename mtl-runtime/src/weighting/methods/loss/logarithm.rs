//! The sum of the losses' logarithms, which is invariant to their scales.
//!
//! **Equation.** `L = sum_t ln(L_t + epsilon)`; the weight of a loss's gradient is `1 / (L_t + epsilon)`, with an
//! `epsilon` of 1e-8.
//!
//! **Source.** The scale-invariant baseline of Navon et al., "Multi-task learning as a bargaining game", ICML 2022.
//!
//! **Options.** None. Needs losses that cannot be negative. A rare label's small loss takes a large weight: at a log
//! loss of 0.008, 60 times that of a loss of 0.5.
//!
//! **Public implementations.** The Nash-MTL code has no `epsilon`.
//!
//! **Missing tasks.** The weight 0.

use super::{EPSILON, LossMethod, present_positive, spread};
use crate::weighting::methods::{Convention, Failure};

/// Weights of one over the loss.
#[derive(Debug, Clone)]
pub struct Logarithm {
    tasks: usize,
}

impl Logarithm {
    /// The sum of logarithms of a number of losses.
    pub fn new(tasks: usize) -> Self {
        Self { tasks }
    }
}

impl LossMethod for Logarithm {
    fn name(&self) -> &'static str {
        "log"
    }

    fn tasks(&self) -> usize {
        self.tasks
    }

    fn convention(&self) -> Convention {
        Convention::Own
    }

    fn needs_positive_losses(&self) -> bool {
        true
    }

    fn weights(&mut self, losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        let present = present_positive(losses, self.tasks)?;
        Ok(spread(&present, present.iter().map(|(_, loss)| 1.0 / (loss + EPSILON)), self.tasks))
    }

    fn objective(&self, losses: &[Option<f64>]) -> Result<f64, Failure> {
        Ok(present_positive(losses, self.tasks)?.iter().map(|(_, loss)| (loss + EPSILON).ln()).sum())
    }
}
