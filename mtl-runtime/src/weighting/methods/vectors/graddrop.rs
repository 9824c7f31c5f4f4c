//! Gradient sign dropout (GradDrop).
//!
//! **Equation.** On a representation `z` of rows and columns, with the gradients of the losses with respect to it:
//! `h_t` is the sum over the rows of `sign(z) g_t`; the purity of a column is `P = (1 + sum_t h_t / sum_t |h_t|) / 2`.
//! With a uniform `u` per column, a task's gradient in the column is kept where `P > u` and `h_t > 0`, or `P < u` and
//! `h_t < 0`; else it is multiplied by `leak`. The kept parts are summed.
//!
//! **Source.** Chen et al., "Just pick a sign: optimizing deep multitask models with gradient sign dropout", NeurIPS
//! 2020.
//!
//! **Options.** `leak`, 0 for each task: the share that is kept of what is dropped; the seed. A draw depends on the
//! seed and the number of the step alone.
//!
//! **Public implementations.** LibMTL adds 1e-7 to the sum of `|h_t|`; here a column in which all `h` are 0 has the
//! purity 1/2, at every scale. TorchJD works on parameters, without the sign of `z`.
//!
//! **Missing tasks.** Neither in the purity nor in the sum: the factors 0.

use crate::weighting::methods::state::Reader;
use crate::weighting::methods::{Failure, Real};
use mtl_data::Rng;

/// The options of [`GradDrop`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GradDropOptions {
    /// What each task keeps of a dropped gradient; 0 where empty.
    pub leak: Vec<f64>,
    /// The seed.
    pub seed: u64,
}

/// Columns of gradients kept by sign.
#[derive(Debug, Clone)]
pub struct GradDrop {
    leak: Vec<f64>,
    seed: u64,
    step: u64,
}

impl GradDrop {
    /// The method for a number of tasks.
    ///
    /// # Errors
    /// A leak outside 0 and 1, or another number of leaks than of tasks.
    pub fn new(tasks: usize, options: GradDropOptions) -> Result<Self, Failure> {
        let leak = if options.leak.is_empty() { vec![0.0; tasks] } else { options.leak };
        Failure::unless_length(tasks, leak.len())?;
        let valid = leak.iter().all(|leak| (0.0..=1.0).contains(leak));
        Failure::unless(valid, || "a leak must lie within 0 and 1".into())?;
        Ok(Self { leak, seed: options.seed, step: 0 })
    }

    /// What each task's gradient is multiplied by: one factor per column of the representation, the same for all rows.
    ///
    /// # Errors
    /// Lengths that are not that of the representation or no multiple of its columns, or a number that is not finite.
    pub fn factors<F: Real>(
        &mut self,
        z: &[F],
        columns: usize,
        gradients: &[Option<&[F]>],
    ) -> Result<Vec<Vec<f64>>, Failure> {
        Failure::unless_length(self.leak.len(), gradients.len())?;
        if columns == 0 || !z.len().is_multiple_of(columns) {
            return Err(Failure::Length { expected: columns, found: z.len() });
        }
        let mut signed = Vec::with_capacity(gradients.len());
        for gradient in gradients {
            let Some(gradient) = gradient else {
                signed.push(None);
                continue;
            };
            Failure::unless_length(z.len(), gradient.len())?;
            let mut h = vec![0.0; columns];
            for (at, (&z, &gradient)) in z.iter().zip(*gradient).enumerate() {
                let z: f64 = z.into();
                let sign = if z == 0.0 { 0.0 } else { z.signum() };
                h[at % columns] += sign * gradient.into();
            }
            Failure::unless_finite(&h)?;
            signed.push(Some(h));
        }
        let mut rng = Rng::keyed(self.seed, &format!("weighting.drop.{}", self.step));
        self.step += 1;
        let mut factors = vec![vec![0.0; columns]; gradients.len()];
        for column in 0..columns {
            let draw = rng.unit();
            // Divided by the greatest, so that a sum cannot overflow.
            let top = signed.iter().flatten().map(|h| h[column].abs()).fold(0.0, f64::max);
            let parts = || signed.iter().flatten().map(|h| if top > 0.0 { h[column] / top } else { 0.0 });
            let (sum, size) = (parts().sum::<f64>(), parts().map(f64::abs).sum::<f64>());
            let purity = if size > 0.0 { 0.5 * (1.0 + sum / size) } else { 0.5 };
            for (t, h) in signed.iter().enumerate() {
                let Some(h) = h else { continue };
                let kept = (purity > draw && h[column] > 0.0) || (purity < draw && h[column] < 0.0);
                factors[t][column] = if kept { 1.0 } else { self.leak[t] };
            }
        }
        Ok(factors)
    }

    /// The state as a list of numbers.
    pub fn state(&self) -> Vec<f64> {
        vec![self.step as f64]
    }

    /// The method in a state that [`GradDrop::state`] gave.
    ///
    /// # Errors
    /// A list of another length.
    pub fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        self.step = Reader::new(state, 1)?.count();
        Ok(())
    }
}
