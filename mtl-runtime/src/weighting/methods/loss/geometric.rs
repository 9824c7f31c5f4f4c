//! The geometric mean of the losses (GLS).
//!
//! **Equation.** `L = exp(mean_t ln(L_t + epsilon))`; the weight of a loss's gradient is `L / (T (L_t + epsilon))`,
//! with an `epsilon` of 1e-8.
//!
//! **Source.** Chennupati, Sistu, Yogamani and Rawashdeh, "MultiNet++: multi-stream feature aggregation and geometric
//! loss strategy for multi-task learning", CVPR workshops 2019.
//!
//! **Options.** None. Needs losses that cannot be negative.
//!
//! **Public implementations.** LibMTL takes the root of the product, which overflows or vanishes for many tasks, and
//! reports weights that are not those in effect.
//!
//! **Missing tasks.** The weight 0; `T` and the mean are those of the tasks that are there.

use super::{EPSILON, LossMethod, present_positive, spread};
use crate::weighting::methods::{Convention, Failure};

/// Weights that differentiate the geometric mean.
#[derive(Debug, Clone)]
pub struct Geometric {
    tasks: usize,
}

impl Geometric {
    /// The geometric mean of a number of tasks.
    pub fn new(tasks: usize) -> Self {
        Self { tasks }
    }
}

fn mean_logarithm(present: &[(usize, f64)]) -> f64 {
    present.iter().map(|(_, loss)| (loss + EPSILON).ln()).sum::<f64>() / present.len().max(1) as f64
}

impl LossMethod for Geometric {
    fn name(&self) -> &'static str {
        "gls"
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
        let (mean, count) = (mean_logarithm(&present), present.len() as f64);
        Ok(spread(&present, present.iter().map(|(_, loss)| (mean - (loss + EPSILON).ln()).exp() / count), self.tasks))
    }

    fn objective(&self, losses: &[Option<f64>]) -> Result<f64, Failure> {
        let present = present_positive(losses, self.tasks)?;
        Ok(if present.is_empty() { 0.0 } else { mean_logarithm(&present).exp() })
    }
}
