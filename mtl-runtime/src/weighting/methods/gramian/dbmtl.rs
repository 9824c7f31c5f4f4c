//! Dual balancing (DB-MTL) without memory, from norms and losses.
//!
//! **Equation.** With the gradient of the logarithm of a loss, `g_t / (L_t + 1e-8)`, and its norm `m_t`: each such
//! gradient is scaled to the greatest of all `m`, and they are summed. The weight of `g_t` is `max_k m_k / |g_t|`.
//!
//! **Source.** Lin et al., "Dual-balancing for multi-task learning", 2023, with its factor of memory `beta` at 0. With
//! memory, which needs the gradients themselves, it is [`DbMtl`](crate::weighting::methods::vectors::DbMtl).
//!
//! **Options.** None. Needs losses that cannot be negative.
//!
//! **Public implementations.** LibMTL has it with memory and for parameters only. It adds 1e-8 to the norm that it
//! divides by.
//!
//! **Missing tasks.** Not in the greatest norm.

use super::{Gram, Gramian};
use crate::weighting::methods::loss::EPSILON;
use crate::weighting::methods::{Convention, Failure};

/// The weights of gradients of one length.
#[derive(Debug, Clone, Default)]
pub struct DbMtlNorms;

impl Gramian for DbMtlNorms {
    fn name(&self) -> &'static str {
        "db_mtl"
    }

    fn convention(&self) -> Convention {
        Convention::Own
    }

    fn needs_positive_losses(&self) -> bool {
        true
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        if let Some(row) = gram.losses().iter().position(|loss| *loss < 0.0) {
            return Err(Failure::NotPositive { task: gram.tasks()[row], loss: gram.losses()[row] });
        }
        let lengths = gram.norms().iter().zip(gram.losses()).map(|(norm, loss)| norm / (loss + EPSILON));
        let greatest = lengths.fold(0.0, f64::max);
        Ok(gram.norms().iter().map(|norm| greatest / norm).collect())
    }
}
