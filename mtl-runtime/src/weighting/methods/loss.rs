//! Weights from the values of the losses: one backward pass, no gradients of single tasks.
//!
//! A method is asked once per batch for the weights of the losses' gradients, [`LossMethod::weights`]. The losses are
//! means over the rows with a label; a task without a labelled row in the batch has none, takes the weight 0 and moves
//! no state. Weights are constants: no gradient passes through them.

mod dwa;
mod famo;
mod geometric;
mod impartial;
mod logarithm;
mod period;
mod random;
mod tchebycheff;

pub use dwa::{Dwa, DwaOptions};
pub use famo::{Famo, FamoOptions};
pub use geometric::Geometric;
pub use impartial::{ImpartialLoss, ImpartialLossOptions};
pub use logarithm::Logarithm;
pub use period::Period;
pub use random::RandomLoss;
pub use tchebycheff::{Tchebycheff, TchebycheffOptions};

use super::{Convention, Failure};

/// What is added to a loss before its logarithm or a division by it.
pub(crate) const EPSILON: f64 = 1e-8;

/// The bound of a trained logarithm, so that a loss near zero takes no infinite weight.
pub(crate) const LOGARITHM_BOUND: f64 = 10.0;

/// A method that weighs losses by their values.
pub trait LossMethod {
    /// The name of the method, as in a specification.
    fn name(&self) -> &'static str;

    /// The number of tasks.
    fn tasks(&self) -> usize;

    /// The scale of the weights.
    fn convention(&self) -> Convention;

    /// Whether the losses must be positive, so that a loss that can be negative is a mistake in the specification.
    fn needs_positive_losses(&self) -> bool {
        false
    }

    /// The weight of each loss's gradient in this batch, and one step of the method's state. A failure leaves the state
    /// as it was.
    ///
    /// # Errors
    /// A loss that is not finite, or not positive where it must be; a number of losses that is not that of the tasks.
    fn weights(&mut self, losses: &[Option<f64>]) -> Result<Vec<f64>, Failure>;

    /// The value of the objective in this batch, under the present state: what is differentiated, with its constants.
    ///
    /// # Errors
    /// As [`LossMethod::weights`].
    fn objective(&self, losses: &[Option<f64>]) -> Result<f64, Failure>;

    /// The end of an epoch, with the mean of each task's loss over it; a task without a labelled row has none.
    fn epoch(&mut self, means: &[Option<f64>]) {
        let _ = means;
    }

    /// The losses of one batch before and after the step on it, for a method that compares them.
    fn after_step(&mut self, before: &[Option<f64>], after: &[Option<f64>]) {
        let _ = (before, after);
    }

    /// Whether [`LossMethod::after_step`] is needed after this step: one more forward pass on the batch.
    fn needs_losses_after(&self) -> bool {
        false
    }

    /// The state as a list of numbers.
    fn state(&self) -> Vec<f64> {
        Vec::new()
    }

    /// The method in a state that [`LossMethod::state`] gave.
    ///
    /// # Errors
    /// A list of another length.
    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        Failure::unless_length(0, state.len())
    }
}

/// The losses that are there, with their places; a failure where one is not finite or their number is wrong.
pub(crate) fn present(losses: &[Option<f64>], tasks: usize) -> Result<Vec<(usize, f64)>, Failure> {
    Failure::unless_length(tasks, losses.len())?;
    let present: Vec<_> = losses.iter().enumerate().filter_map(|(t, loss)| loss.map(|loss| (t, loss))).collect();
    if present.iter().all(|(_, loss)| loss.is_finite()) { Ok(present) } else { Err(Failure::NotFinite) }
}

/// The same, where losses must be at least 0.
pub(crate) fn present_positive(losses: &[Option<f64>], tasks: usize) -> Result<Vec<(usize, f64)>, Failure> {
    let present = present(losses, tasks)?;
    match present.iter().find(|(_, loss)| *loss < 0.0) {
        Some(&(task, loss)) => Err(Failure::NotPositive { task, loss }),
        None => Ok(present),
    }
}

/// One weight for each task: those of the tasks that are there, and 0 for the others.
pub(crate) fn spread(present: &[(usize, f64)], weights: impl IntoIterator<Item = f64>, tasks: usize) -> Vec<f64> {
    let mut all = vec![0.0; tasks];
    for (&(t, _), weight) in present.iter().zip(weights) {
        all[t] = weight;
    }
    all
}
