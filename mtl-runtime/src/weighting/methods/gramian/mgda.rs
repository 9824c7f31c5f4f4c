//! The multiple-gradient descent algorithm (MGDA).
//!
//! **Equation.** The weights of at least 0 with the sum 1 under which the sum of the gradients is shortest:
//! `min a' G a`. The step descends for every task, `<d, g_t> >= |d|^2`, and is 0 exactly where none does.
//!
//! **Source.** Désidéri, Comptes rendus Mathématique 2012; Sener and Koltun, "Multi-task learning as multi-objective
//! optimization", NeurIPS 2018, who take the gradients of the representation (MGDA-UB).
//!
//! **Options.** `normalize`, none: gradients divided by their norm (`L2`), their loss (`Loss`) or both (`LossPlus`)
//! before the search. The shortest sum favours the task with the smallest gradient, so a rare task takes nearly all
//! weight without it. `combine_normalized`, false: the weights found are those of the gradients as they are; true:
//! those of the normalised gradients.
//!
//! **Public implementations.** The authors end at 0.999 in place of 1 and combine gradients as they are. LibMTL
//! combines the normalised ones at parameters and the others at the representation, and sums over the batch before its
//! inner products there. TorchJD takes 100 steps of the Frank-Wolfe algorithm; here the solution is exact.
//!
//! **Missing tasks.** Not in the sum.

use super::{Gram, Gramian};
use crate::weighting::methods::quadratic::shortest_combination;
use crate::weighting::methods::{Convention, Failure};

/// What a gradient is divided by before the search for the shortest sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Normalize {
    /// Nothing.
    #[default]
    None,
    /// Its norm.
    L2,
    /// Its loss.
    Loss,
    /// Its loss and its norm.
    LossPlus,
}

impl Normalize {
    /// What each gradient is multiplied by.
    fn factors(self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let by_loss = matches!(self, Self::Loss | Self::LossPlus);
        let by_norm = matches!(self, Self::L2 | Self::LossPlus);
        let mut factors = vec![1.0; gram.len()];
        for (i, factor) in factors.iter_mut().enumerate() {
            let loss = gram.losses()[i];
            if by_loss {
                if loss <= 0.0 {
                    return Err(Failure::NotPositive { task: gram.tasks()[i], loss });
                }
                *factor /= loss;
            }
            if by_norm {
                *factor /= gram.norms()[i];
            }
        }
        Ok(factors)
    }
}

/// The options of [`Mgda`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MgdaOptions {
    /// What a gradient is divided by before the search.
    pub normalize: Normalize,
    /// Whether the weights are those of the normalised gradients.
    pub combine_normalized: bool,
}

/// The weights of the shortest sum.
#[derive(Debug, Clone, Default)]
pub struct Mgda {
    options: MgdaOptions,
}

impl Mgda {
    /// The method under its options.
    pub fn new(options: MgdaOptions) -> Self {
        Self { options }
    }
}

impl Gramian for Mgda {
    fn name(&self) -> &'static str {
        "mgda"
    }

    fn convention(&self) -> Convention {
        Convention::Mean
    }

    fn needs_positive_losses(&self) -> bool {
        matches!(self.options.normalize, Normalize::Loss | Normalize::LossPlus)
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let factors = self.options.normalize.factors(gram)?;
        let scaled = gram.matrix().scaled(&factors);
        let shares = shortest_combination(&scaled).ok_or(Failure::NotFinite)?;
        if !self.options.combine_normalized {
            return Ok(shares);
        }
        Ok(shares.iter().zip(factors).map(|(share, factor)| share * factor).collect())
    }
}
