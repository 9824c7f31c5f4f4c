//! Methods that need the gradients themselves, or one norm for each tensor.
//!
//! Gradients are flat slices of `f32` or `f64`, one per task and always of the same parameters in the same order; sums
//! are taken in `f64`. A task without a labelled row in the batch has no slice.

mod dbmtl;
mod excess;
mod graddrop;
mod metabalance;
mod moco;

pub use dbmtl::{DbMtl, DbMtlOptions};
pub use excess::{Excess, ExcessOptions};
pub use graddrop::{GradDrop, GradDropOptions};
pub use metabalance::{BalanceStrategy, MetaBalance, MetaBalanceOptions};
pub use moco::{Moco, MocoOptions};

use super::matrix::dot;
use super::{Failure, Real};

/// The sum of vectors under weights.
///
/// # Errors
/// Numbers of weights or lengths that differ.
pub fn combine<F: Real>(vectors: &[impl AsRef<[F]>], weights: &[f64]) -> Result<Vec<F>, Failure> {
    Failure::unless_length(vectors.len(), weights.len())?;
    let length = vectors.first().map_or(0, |vector| vector.as_ref().len());
    for vector in vectors {
        Failure::unless_length(length, vector.as_ref().len())?;
    }
    let entry =
        |k: usize| F::of(vectors.iter().zip(weights).map(|(vector, weight)| weight * vector.as_ref()[k].into()).sum());
    Ok((0..length).map(entry).collect())
}

/// The squared norm of each gradient that is there; a failure where the numbers of tasks or the lengths are wrong, or a
/// norm is not finite.
fn squares<F: Real>(gradients: &[Option<&[F]>], tasks: usize, length: usize) -> Result<Vec<Option<f64>>, Failure> {
    Failure::unless_length(tasks, gradients.len())?;
    let square = |gradient: &Option<&[F]>| {
        let Some(gradient) = gradient else { return Ok(None) };
        Failure::unless_length(length, gradient.len())?;
        let square = dot(gradient, gradient);
        if square.is_finite() { Ok(Some(square)) } else { Err(Failure::NotFinite) }
    };
    gradients.iter().map(square).collect()
}

/// The losses of the tasks that have a gradient; a failure where one is missing, negative or not finite.
fn losses_of<F: Real>(gradients: &[Option<&[F]>], losses: &[Option<f64>]) -> Result<(), Failure> {
    Failure::unless_length(gradients.len(), losses.len())?;
    for (task, (gradient, loss)) in gradients.iter().zip(losses).enumerate() {
        match (gradient, loss) {
            (Some(_), Some(loss)) if !loss.is_finite() => return Err(Failure::NotFinite),
            (Some(_), Some(loss)) if *loss < 0.0 => return Err(Failure::NotPositive { task, loss: *loss }),
            (Some(_), None) => return Err(Failure::NotFinite),
            _ => {}
        }
    }
    Ok(())
}
