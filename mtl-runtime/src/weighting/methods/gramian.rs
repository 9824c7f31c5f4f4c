//! Weights from the inner products of the tasks' gradients.
//!
//! The gradients are those of the losses with respect to one place that all tasks share: the representation that enters
//! the towers, over the batch and its columns together, or the shared parameters. A method sees their inner products
//! (the Gramian), the losses and which tasks they are; the step is the sum of the gradients under its weights.
//!
//! Rules for all methods, kept by [`Gramian::weights`]:
//!
//! - A task without a labelled row in the batch is not in the [`Gram`]. What a method remembers of it stays.
//! - A task whose gradient is 0 is left out of the solution. It takes the weight of [`Convention::equal`], which has no
//!   effect on the shared part and keeps its own tower trained where towers are weighted too.
//! - An input or a weight that is infinite or not a number is a failure.
//! - A gradient's length is meaningful between about 1e-150 and 1e150, where its square is a number in `f64`.

mod aligned;
mod cagrad;
mod fairgrad;
mod gradnorm;
mod gradvac;
mod imtl;
mod mgda;
mod nash;
mod order;
mod pareto;
mod pcgrad;
mod upgrad;

pub use aligned::{Aligned, AlignedOptions, AlignedScale};
pub use cagrad::{Cagrad, CagradOptions, Rescale};
pub use fairgrad::{Fairgrad, FairgradOptions};
pub use gradnorm::{GradNorm, GradNormOptions};
pub use gradvac::{Gradvac, GradvacOptions, TargetUpdate};
pub use imtl::Imtl;
pub use mgda::{Mgda, MgdaOptions, Normalize};
pub use nash::{Nash, NashOptions};
pub use order::Order;
pub use pareto::{Pareto, ParetoOptions};
pub use pcgrad::{Pcgrad, PcgradOptions};
pub use upgrad::{Upgrad, UpgradOptions};

use super::quadratic::unit_products;
use super::{Convention, Failure, Matrix};

/// The inner products of the gradients of the tasks that are in a batch, and their losses.
#[derive(Debug, Clone, PartialEq)]
pub struct Gram {
    matrix: Matrix,
    norms: Vec<f64>,
    losses: Vec<f64>,
    tasks: Vec<usize>,
}

impl Gram {
    /// Inner products and losses, one for each of `tasks`: the places, among all tasks of the model, of those in the
    /// batch.
    ///
    /// # Errors
    /// Numbers of losses or places that are not that of the rows, or a number that is not finite.
    pub fn new(matrix: Matrix, losses: Vec<f64>, tasks: Vec<usize>) -> Result<Self, Failure> {
        Failure::unless_length(matrix.len(), losses.len())?;
        Failure::unless_length(matrix.len(), tasks.len())?;
        Failure::unless_finite(matrix.entries())?;
        Failure::unless_finite(&losses)?;
        let squares = matrix.diagonal();
        if squares.iter().any(|square| *square < 0.0) {
            return Err(Failure::NotFinite);
        }
        Ok(Self { norms: squares.iter().map(|square| square.sqrt()).collect(), matrix, losses, tasks })
    }

    /// The inner products of all tasks, with losses of 1.
    ///
    /// # Errors
    /// A number that is not finite.
    pub fn of_all(matrix: Matrix) -> Result<Self, Failure> {
        let n = matrix.len();
        Self::new(matrix, vec![1.0; n], (0..n).collect())
    }

    /// The number of tasks in the batch.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether no task is in the batch.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The inner products.
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }

    /// The norms of the gradients.
    pub fn norms(&self) -> &[f64] {
        &self.norms
    }

    /// The losses.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// The places of the tasks among all.
    pub fn tasks(&self) -> &[usize] {
        &self.tasks
    }

    /// The cosines of the angles between the gradients; 0 beside a gradient of 0.
    pub fn cosines(&self) -> Matrix {
        unit_products(&self.matrix, &self.norms)
    }

    /// The tasks at the given rows.
    fn select(&self, rows: &[usize]) -> Self {
        Self {
            matrix: self.matrix.select(rows),
            norms: rows.iter().map(|&i| self.norms[i]).collect(),
            losses: rows.iter().map(|&i| self.losses[i]).collect(),
            tasks: rows.iter().map(|&i| self.tasks[i]).collect(),
        }
    }

    /// Some of a list over all tasks: the entries of those in the batch.
    pub(crate) fn pick(&self, all: &[f64]) -> Result<Vec<f64>, Failure> {
        let entry = |t: &usize| all.get(*t).copied().ok_or(Failure::Length { expected: t + 1, found: all.len() });
        self.tasks.iter().map(entry).collect()
    }
}

/// A method that weighs the tasks' gradients by their inner products.
pub trait Gramian {
    /// The name of the method, as in a specification.
    fn name(&self) -> &'static str;

    /// The scale of the weights.
    fn convention(&self) -> Convention;

    /// Whether the losses must be positive, so that a loss that can be negative is a mistake in the specification.
    fn needs_positive_losses(&self) -> bool {
        false
    }

    /// The weights of gradients of which none is 0, one per row, and one step of the method's state.
    ///
    /// # Errors
    /// No weights: see [`Failure`].
    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure>;

    /// The weights of the gradients, one per row, and one step of the method's state.
    ///
    /// # Errors
    /// No weights: see [`Failure`].
    fn weights(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let moving: Vec<usize> = (0..gram.len()).filter(|&i| gram.norms[i] > 0.0).collect();
        let mut weights = vec![self.convention().equal(gram.len()); gram.len()];
        if moving.is_empty() {
            return Ok(weights);
        }
        let solution = if moving.len() == gram.len() { self.solve(gram)? } else { self.solve(&gram.select(&moving))? };
        for (i, weight) in moving.into_iter().zip(solution) {
            weights[i] = weight;
        }
        Failure::unless_finite(&weights)?;
        Ok(weights)
    }

    /// The end of an epoch.
    fn epoch(&mut self) {}

    /// The state as a list of numbers.
    fn state(&self) -> Vec<f64> {
        Vec::new()
    }

    /// The method in a state that [`Gramian::state`] gave.
    ///
    /// # Errors
    /// A list of another length.
    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        Failure::unless_length(0, state.len())
    }
}

/// Preferences of tasks: positive weights that sum to 1; all equal where none are given.
pub(crate) fn checked_preferences(preferences: Option<Vec<f64>>, tasks: usize) -> Result<Vec<f64>, Failure> {
    let Some(preferences) = preferences else { return Ok(vec![1.0 / tasks.max(1) as f64; tasks]) };
    Failure::unless_length(tasks, preferences.len())?;
    let valid = preferences.iter().all(|p| *p >= 0.0 && p.is_finite()) && preferences.iter().sum::<f64>() > 0.0;
    Failure::unless(valid, || "preferences must be at least 0, and one above 0".into())?;
    let sum: f64 = preferences.iter().sum();
    Ok(preferences.iter().map(|p| p / sum).collect())
}

/// The preferences of the tasks in a batch, with the sum 1.
pub(crate) fn present_preferences(gram: &Gram, preferences: &[f64]) -> Result<Vec<f64>, Failure> {
    let picked = gram.pick(preferences)?;
    let sum: f64 = picked.iter().sum();
    let equal = 1.0 / picked.len().max(1) as f64;
    Ok(picked.iter().map(|p| if sum > 0.0 { p / sum } else { equal }).collect())
}
