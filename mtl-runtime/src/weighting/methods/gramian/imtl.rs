//! The gradient balance of impartial multi-task learning (IMTL-G).
//!
//! **Equation.** Weights with the sum 1, of either sign, under which the step has equal projections on all gradients:
//! `a = v / sum v` with `v = G^+ n` and the norms `n`.
//!
//! **Source.** Liu et al., "Towards impartial multi-task learning", ICLR 2021, on gradients of the representation.
//!
//! **Options.** None.
//!
//! **Public implementations.** Others invert a matrix of differences, with 1e-8 on its diagonal where it is singular.
//! Where gradients oppose each other so that no step has equal positive projections, the limit of the solutions is
//! taken, the step of projections 0; TorchJD gives weights of 0. A sum of `v` of 0 is a failure.
//!
//! **Missing tasks.** Not in the system.

use super::{Gram, Gramian};
use crate::linalg::eigen;
use crate::weighting::methods::{Convention, Failure};

/// The weights of equal projections.
#[derive(Debug, Clone, Default)]
pub struct Imtl;

/// The eigenvalue, per row of cosines, below which a direction is none.
const SMALLEST: f64 = 1e-12;

/// The part of the right side outside the range from which on it has no solution.
const OUTSIDE: f64 = 1e-6;

impl Gramian for Imtl {
    fn name(&self) -> &'static str {
        "imtl_g"
    }

    fn convention(&self) -> Convention {
        Convention::Mean
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let n = gram.len();
        let (values, vectors) = eigen(gram.cosines().entries(), n);
        // C y = 1 in the eigenvectors, and the part of 1 that no y reaches.
        let (mut solution, mut outside) = (vec![0.0; n], vec![0.0; n]);
        for (k, value) in values.iter().enumerate() {
            let part: f64 = (0..n).map(|i| vectors[i * n + k]).sum();
            let inside = *value > SMALLEST * n as f64;
            let target = if inside { &mut solution } else { &mut outside };
            let scale = if inside { part / value } else { part };
            for (i, entry) in target.iter_mut().enumerate() {
                *entry += scale * vectors[i * n + k];
            }
        }
        let unreached = outside.iter().map(|x| x * x).sum::<f64>().sqrt();
        let y = if unreached > OUTSIDE { outside } else { solution };
        // Lengths beside the shortest, so that nothing overflows.
        let least = gram.norms().iter().copied().fold(f64::INFINITY, f64::min);
        let v: Vec<f64> = y.iter().zip(gram.norms()).map(|(y, norm)| y * (least / norm)).collect();
        let (sum, size) = (v.iter().sum::<f64>(), v.iter().map(|v| v.abs()).sum::<f64>());
        if sum.abs() <= 1e-12 * size {
            return Err(Failure::NoSolution);
        }
        Ok(v.iter().map(|v| v / sum).collect())
    }
}
