//! Dual balancing (DB-MTL).
//!
//! **Equation.** With the gradient of the logarithm of a loss, `g_t / (L_t + 1e-8)`, remembered as
//! `h_t <- g + beta_k (h_t - g)` with `beta_k = beta / k^sigma` in step `k` and from 0: the step is `sum_t a_t h_t`
//! with `a_t = max_k |h_k| / |h_t|`.
//!
//! **Source.** Lin et al., "Dual-balancing for multi-task learning", 2023.
//!
//! **Options.** `beta`, 0.9; `sigma`, 0. Needs losses that cannot be negative. Memory of one gradient per task.
//!
//! **Public implementations.** LibMTL adds 1e-8 to `|h_t|`. As there, the first steps are shorter by `1 - beta`, since
//! the memory starts from 0.
//!
//! **Missing tasks.** Their memory stays and takes no part in the step. A task remembered as 0 has the weight 0.

use super::squares;
use crate::weighting::methods::loss::EPSILON;
use crate::weighting::methods::matrix::dot;
use crate::weighting::methods::state::Reader;
use crate::weighting::methods::{Failure, Real};

/// The options of [`DbMtl`].
#[derive(Debug, Clone, PartialEq)]
pub struct DbMtlOptions {
    /// The share of the past in the memory at the first step.
    pub beta: f64,
    /// The power of the number of steps by which that share falls.
    pub sigma: f64,
}

impl Default for DbMtlOptions {
    fn default() -> Self {
        Self { beta: 0.9, sigma: 0.0 }
    }
}

/// Remembered gradients of logarithms, brought to one length.
#[derive(Debug, Clone)]
pub struct DbMtl<F> {
    options: DbMtlOptions,
    step: u64,
    memory: Vec<Vec<F>>,
}

impl<F: Real> DbMtl<F> {
    /// Memories of 0 for a number of tasks and of parameters.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(tasks: usize, parameters: usize, options: DbMtlOptions) -> Result<Self, Failure> {
        let DbMtlOptions { beta, sigma } = options;
        Failure::unless((0.0..1.0).contains(&beta), || format!("a beta of {beta}: it must be at least 0 and below 1"))?;
        Failure::unless(sigma >= 0.0, || format!("a sigma of {sigma}: it must be at least 0"))?;
        Ok(Self { options, step: 0, memory: vec![vec![F::of(0.0); parameters]; tasks] })
    }

    /// Remembers the gradients of the losses in this batch; the weight of each task's memory in the step.
    ///
    /// # Errors
    /// A gradient or a loss that is not finite, a negative loss, or numbers that differ.
    pub fn weights(&mut self, gradients: &[Option<&[F]>], losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        let parameters = self.memory.first().map_or(0, Vec::len);
        squares(gradients, self.memory.len(), parameters)?;
        super::losses_of(gradients, losses)?;
        self.step += 1;
        let beta = self.options.beta / (self.step as f64).powf(self.options.sigma);
        let mut norms = vec![None; self.memory.len()];
        for (t, (gradient, loss)) in gradients.iter().zip(losses).enumerate() {
            let (Some(gradient), Some(loss)) = (gradient, loss) else { continue };
            for (memory, gradient) in self.memory[t].iter_mut().zip(*gradient) {
                let gradient: f64 = (*gradient).into() / (loss + EPSILON);
                *memory = F::of(gradient + beta * ((*memory).into() - gradient));
            }
            norms[t] = Some(dot(&self.memory[t], &self.memory[t]).sqrt());
        }
        let greatest = norms.iter().flatten().copied().fold(0.0, f64::max);
        let weight = |norm: &Option<f64>| norm.filter(|norm| *norm > 0.0).map_or(0.0, |norm| greatest / norm);
        let weights: Vec<f64> = norms.iter().map(weight).collect();
        Failure::unless_finite(&weights)?;
        Ok(weights)
    }

    /// The remembered gradients: what the weights are those of.
    pub fn memory(&self) -> &[Vec<F>] {
        &self.memory
    }

    /// The state as a list of numbers.
    pub fn state(&self) -> Vec<f64> {
        std::iter::once(self.step as f64).chain(self.memory.iter().flatten().map(|&x| x.into())).collect()
    }

    /// The method in a state that [`DbMtl::state`] gave.
    ///
    /// # Errors
    /// A list of another length.
    pub fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        let mut reader = Reader::new(state, 1 + self.memory.iter().map(Vec::len).sum::<usize>())?;
        self.step = reader.count();
        self.memory.iter_mut().flatten().for_each(|x| *x = F::of(reader.one()));
        Ok(())
    }
}
