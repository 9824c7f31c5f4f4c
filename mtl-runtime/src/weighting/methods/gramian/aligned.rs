//! Aligned gradients (Aligned-MTL).
//!
//! **Equation.** With the eigenvalues `l` and eigenvectors `V` of the Gramian, `a = s V l^(-1/2) V' w`: the gradients
//! are turned into orthogonal ones of equal length `s`, the nearest such, and these are summed under the preferences
//! `w`. `s` is the square root of the least, the median or the mean eigenvalue.
//!
//! **Source.** Senushkin, Patakin, Kuznetsov and Konushin, "Independent component alignment for multi-task learning",
//! CVPR 2023.
//!
//! **Options.** `scale`, the least; `preferences`, equal, with the sum 1. Directions whose eigenvalue is below
//! `1e-12 T` of the greatest are left out: two tasks with one gradient have one direction.
//!
//! **Public implementations.** LibMTL sums (preferences of 1), TorchJD takes the mean. They leave out directions at the
//! rounding of `f32`, which also leaves out a task with a gradient 2000 times shorter than another's. The median of an
//! even number is the lower of the two in the middle, as in the authors' code.
//!
//! **Missing tasks.** Not in the Gramian; the preferences of the others are scaled to the sum 1.

use super::{Gram, Gramian, checked_preferences, present_preferences};
use crate::linalg::eigen;
use crate::weighting::methods::{Convention, Failure};

/// The eigenvalue whose root is the common length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AlignedScale {
    /// The least.
    #[default]
    Least,
    /// The median.
    Median,
    /// The mean.
    RootMeanSquare,
}

/// The options of [`Aligned`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlignedOptions {
    /// The common length of the aligned gradients.
    pub scale: AlignedScale,
    /// The preferences of the tasks; equal where there are none.
    pub preferences: Option<Vec<f64>>,
}

/// The weights of aligned gradients.
#[derive(Debug, Clone)]
pub struct Aligned {
    scale: AlignedScale,
    preferences: Vec<f64>,
}

/// The eigenvalue, per task and beside the greatest, below which a direction is none.
const SMALLEST: f64 = 1e-12;

impl Aligned {
    /// The method for a number of tasks.
    ///
    /// # Errors
    /// Preferences that are negative or of another number.
    pub fn new(tasks: usize, options: AlignedOptions) -> Result<Self, Failure> {
        Ok(Self { scale: options.scale, preferences: checked_preferences(options.preferences, tasks)? })
    }
}

impl Gramian for Aligned {
    fn name(&self) -> &'static str {
        "aligned"
    }

    fn convention(&self) -> Convention {
        Convention::Mean
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let n = gram.len();
        let preferences = present_preferences(gram, &self.preferences)?;
        // The weights do not change when all gradients are scaled.
        let top = gram.norms().iter().copied().fold(0.0, f64::max);
        let lengths: Vec<f64> = gram.norms().iter().map(|norm| norm / top).collect();
        let (values, vectors) = eigen(gram.cosines().scaled(&lengths).entries(), n);
        let greatest = values.iter().copied().fold(0.0, f64::max);
        let mut kept: Vec<usize> = (0..n).filter(|&k| values[k] > SMALLEST * n as f64 * greatest).collect();
        kept.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
        let (Some(&least), Some(&median)) = (kept.first(), kept.get((kept.len().max(1) - 1) / 2)) else {
            return Err(Failure::NoSolution);
        };
        let square = match self.scale {
            AlignedScale::Least => values[least],
            AlignedScale::Median => values[median],
            AlignedScale::RootMeanSquare => kept.iter().map(|&k| values[k]).sum::<f64>() / kept.len() as f64,
        };
        let mut weights = vec![0.0; n];
        for &k in &kept {
            let part: f64 = (0..n).map(|i| vectors[i * n + k] * preferences[i]).sum();
            let factor = part * (square / values[k]).sqrt();
            for (i, weight) in weights.iter_mut().enumerate() {
                *weight += factor * vectors[i * n + k];
            }
        }
        Ok(weights)
    }
}
