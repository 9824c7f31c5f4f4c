//! Unconflicting projections (UPGrad).
//!
//! **Equation.** Each gradient is projected on the cone of the vectors that conflict with no gradient, and the
//! projections are summed under the preferences: with `u = w_t e_t`, the least `v' G v` over `v >= u`, and `a` is the
//! sum of all `v`.
//!
//! **Source.** Quinton and Rey, "Jacobian descent for multi-objective optimization", 2024.
//!
//! **Options.** `preferences`, equal, with the sum 1: the mean of the projections.
//!
//! **Solution.** Exact, by an active-set algorithm of non-negative least squares on cosines.
//!
//! **Public implementations.** TorchJD and LibMTL divide the Gramian by its trace and add 1e-4 to its diagonal, which
//! changes weights by a few parts in ten thousand.
//!
//! **Missing tasks.** Neither projected nor avoided; the preferences of the others are scaled to the sum 1.

use super::{Gram, Gramian, checked_preferences, present_preferences};
use crate::weighting::methods::quadratic::without_conflict;
use crate::weighting::methods::{Convention, Failure};

/// The options of [`Upgrad`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UpgradOptions {
    /// The preferences of the tasks; equal where there are none.
    pub preferences: Option<Vec<f64>>,
}

/// The weights of projections that conflict with no task.
#[derive(Debug, Clone)]
pub struct Upgrad {
    preferences: Vec<f64>,
}

impl Upgrad {
    /// The method for a number of tasks.
    ///
    /// # Errors
    /// Preferences that are negative or of another number.
    pub fn new(tasks: usize, options: UpgradOptions) -> Result<Self, Failure> {
        Ok(Self { preferences: checked_preferences(options.preferences, tasks)? })
    }
}

impl Gramian for Upgrad {
    fn name(&self) -> &'static str {
        "upgrad"
    }

    fn convention(&self) -> Convention {
        Convention::Mean
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let n = gram.len();
        let preferences = present_preferences(gram, &self.preferences)?;
        let (cosines, norms) = (gram.cosines(), gram.norms());
        let mut weights = vec![0.0; n];
        for i in 0..n {
            // In multiples of unit vectors, for a gradient of norm 1.
            for (j, share) in without_conflict(&cosines, i).into_iter().enumerate() {
                let length = if i == j { 1.0 } else { norms[i] / norms[j] };
                weights[j] += preferences[i] * share * length;
            }
        }
        Ok(weights)
    }
}
