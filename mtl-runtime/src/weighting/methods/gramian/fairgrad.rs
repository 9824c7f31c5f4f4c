//! Fair resource allocation (FairGrad).
//!
//! **Equation.** The positive weights with `(G w)_t = w_t^(-1 / alpha)`: the step of alpha-fair gains. `alpha` of 1 is
//! the bargaining solution; a greater one serves the task that gains least.
//!
//! **Source.** Ban and Ji, "Fair resource allocation in multi-task learning", ICML 2024.
//!
//! **Options.** `alpha`, 1.
//!
//! **Solution.** Newton's method on the convex `w' G w / 2 - sum_t w_t^(1 - 1/alpha) / (1 - 1/alpha)`. Where the
//! gradients leave no direction that serves all, a failure.
//!
//! **Public implementations.** LibMTL and the authors use a bounded least-squares solver from equal weights, which ends
//! where its tolerance lets it, and have no answer to gradients without a solution.
//!
//! **Missing tasks.** Not in the equations.

use super::{Gram, Gramian};
use crate::weighting::methods::newton::bargain;
use crate::weighting::methods::{Convention, Failure};

/// The options of [`Fairgrad`].
#[derive(Debug, Clone, PartialEq)]
pub struct FairgradOptions {
    /// The fairness.
    pub alpha: f64,
}

impl Default for FairgradOptions {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

/// The weights of a fair step.
#[derive(Debug, Clone)]
pub struct Fairgrad {
    options: FairgradOptions,
}

impl Fairgrad {
    /// The method under its options.
    ///
    /// # Errors
    /// An `alpha` outside 0.05 and 20: beyond them the equations are those of no or of the worst task alone, and the
    /// weights leave the range of numbers.
    pub fn new(options: FairgradOptions) -> Result<Self, Failure> {
        let alpha = options.alpha;
        Failure::unless((0.05..=20.0).contains(&alpha), || {
            format!("an alpha of {alpha}: it must lie within 0.05 and 20")
        })?;
        Ok(Self { options })
    }
}

impl Gramian for Fairgrad {
    fn name(&self) -> &'static str {
        "fairgrad"
    }

    fn convention(&self) -> Convention {
        Convention::Own
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let logarithms = bargain(&gram.cosines(), gram.norms(), 1.0 / self.options.alpha).ok_or(Failure::NoSolution)?;
        Ok(logarithms.iter().map(|logarithm| logarithm.exp()).collect())
    }
}
