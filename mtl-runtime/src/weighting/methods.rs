//! Weighting: how the losses of the tasks, or their gradients, become one step.
//!
//! Two families, both without tensors, in `f64`:
//!
//! - [`loss`]: weights from the values of the losses alone. One backward pass.
//! - [`gramian`]: weights from the inner products of the tasks' gradients, and [`vectors`]: the methods that need the
//!   gradients themselves. One backward pass per task to the place where the gradients are compared.
//!
//! Every method returns a [`Failure`] where its input or its solver has no answer; [`Guard`] turns it into equal
//! weights, and counts it.
//!
//! Whether the towers, which one task has to itself, take the weights too is left to the caller: the weights of losses do
//! so by nature, those of gradients are meant for what is shared.

pub mod gramian;
pub mod loss;
pub mod vectors;

mod failure;
mod guard;
mod matrix;
mod newton;
mod quadratic;
mod scalars;
mod simplex;
mod state;

#[cfg(test)]
mod tests;

pub use failure::Failure;
pub use guard::{Guard, Rules};
pub use matrix::{Matrix, Real};
pub use scalars::Rule;
pub use simplex::project as project_on_simplex;

/// The scale of a method's weights: what its step must be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// Weights near 1: the step is that of the sum of the losses.
    Sum,
    /// Weights that sum to about 1: the step is that of the mean of the losses.
    Mean,
    /// A scale of the method's own, which has no fixed relation to the sum or the mean.
    Own,
}

impl Convention {
    /// The weight of one of `tasks` tasks when all are equal.
    pub fn equal(self, tasks: usize) -> f64 {
        match self {
            Self::Sum | Self::Own => 1.0,
            Self::Mean => 1.0 / tasks.max(1) as f64,
        }
    }
}

/// The exponentials of the values over their sum, without overflow.
pub(crate) fn softmax(values: &[f64]) -> Vec<f64> {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = values.iter().map(|value| (value - top).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|x| x / sum).collect()
}
