//! Multi-objective optimization with gradient correction (MoCo).
//!
//! **Equation.** In step `k`, with gradients brought to the length of their loss, `g = L g / |g|`: the tracked
//! gradients are `y <- y - beta_k (y - g)` with `beta_k = beta / k^0.5`, the weights
//! `w <- softmax(w - gamma_k (y y' + rho I) w)` with `gamma_k = gamma / k^0.5`, and the step is `sum_t w_t y_t`. `y`
//! starts from 0, the weights from equal shares.
//!
//! **Source.** Fernando et al., "Mitigating gradient bias in multi-objective learning: a provably convergent approach",
//! ICLR 2023.
//!
//! **Options.** `beta`, 0.5; `beta_power`, 0.5; `gamma`, 0.1; `gamma_power`, 0.5; `rho`, 0. Needs losses that cannot be
//! negative. Memory of one gradient per task.
//!
//! **Public implementations.** The length of the loss and the softmax, in place of a projection on the simplex, are
//! those of the code that the authors shared, as in LibMTL; the theory has neither. LibMTL adds 1e-8 to the norm.
//!
//! **Missing tasks.** Their tracked gradients stay, and take part in the step with their weights: they are estimates
//! over batches.

use super::squares;
use crate::weighting::methods::state::Reader;
use crate::weighting::methods::{Failure, Matrix, Real, softmax};

/// The options of [`Moco`].
#[derive(Debug, Clone, PartialEq)]
pub struct MocoOptions {
    /// The step size of the tracked gradients.
    pub beta: f64,
    /// The power of the number of steps by which it falls.
    pub beta_power: f64,
    /// The step size of the weights.
    pub gamma: f64,
    /// The power of the number of steps by which it falls.
    pub gamma_power: f64,
    /// The pull of the weights to 0 before the softmax.
    pub rho: f64,
}

impl Default for MocoOptions {
    fn default() -> Self {
        Self { beta: 0.5, beta_power: 0.5, gamma: 0.1, gamma_power: 0.5, rho: 0.0 }
    }
}

/// Tracked gradients and weights for their shortest sum.
#[derive(Debug, Clone)]
pub struct Moco<F> {
    options: MocoOptions,
    step: u64,
    weights: Vec<f64>,
    tracked: Vec<Vec<F>>,
}

impl<F: Real> Moco<F> {
    /// Tracked gradients of 0 for a number of tasks and of parameters.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(tasks: usize, parameters: usize, options: MocoOptions) -> Result<Self, Failure> {
        let MocoOptions { beta, beta_power, gamma, gamma_power, rho } = options;
        Failure::unless(beta > 0.0 && beta <= 1.0, || format!("a beta of {beta}: it must lie within 0 and 1"))?;
        let rest = [gamma, rho, beta_power, gamma_power];
        let valid = rest.iter().all(|value| *value >= 0.0 && value.is_finite());
        Failure::unless(valid, || "gamma, rho and the powers must be at least 0".into())?;
        let tracked = vec![vec![F::of(0.0); parameters]; tasks];
        Ok(Self { options, step: 0, weights: vec![1.0 / tasks.max(1) as f64; tasks], tracked })
    }

    /// Tracks the gradients of the losses in this batch; the weight of each tracked gradient in the step.
    ///
    /// # Errors
    /// A gradient or a loss that is not finite, a negative loss, or numbers that differ.
    pub fn weights(&mut self, gradients: &[Option<&[F]>], losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        let tasks = self.tracked.len();
        let squares = squares(gradients, tasks, self.tracked.first().map_or(0, Vec::len))?;
        super::losses_of(gradients, losses)?;
        self.step += 1;
        let k = self.step as f64;
        let MocoOptions { beta, beta_power, gamma, gamma_power, rho } = self.options;
        let (beta, gamma) = (beta / k.powf(beta_power), gamma / k.powf(gamma_power));
        for (t, (gradient, loss)) in gradients.iter().zip(losses).enumerate() {
            let (Some(gradient), Some(loss), Some(square)) = (gradient, loss, squares[t]) else { continue };
            let norm = square.sqrt();
            for (tracked, gradient) in self.tracked[t].iter_mut().zip(*gradient) {
                let unit = if norm > 0.0 { (*gradient).into() / norm } else { 0.0 };
                let value: f64 = (*tracked).into();
                *tracked = F::of(value - beta * (value - unit * loss));
            }
        }
        let products = Matrix::gram::<F>(&self.tracked).times(&self.weights);
        let moved = self.weights.iter().zip(&products).map(|(w, product)| w - gamma * (product + rho * w));
        let weights = softmax(&moved.collect::<Vec<_>>());
        Failure::unless_finite(&weights)?;
        self.weights.clone_from(&weights);
        Ok(weights)
    }

    /// The tracked gradients: what the weights are those of.
    pub fn tracked(&self) -> &[Vec<F>] {
        &self.tracked
    }

    /// The state as a list of numbers.
    pub fn state(&self) -> Vec<f64> {
        let tracked = self.tracked.iter().flatten().map(|&x| x.into());
        std::iter::once(self.step as f64).chain(self.weights.iter().copied()).chain(tracked).collect()
    }

    /// The method in a state that [`Moco::state`] gave.
    ///
    /// # Errors
    /// A list of another length.
    pub fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        let tasks = self.tracked.len();
        let mut reader = Reader::new(state, 1 + tasks + self.tracked.iter().map(Vec::len).sum::<usize>())?;
        (self.step, self.weights) = (reader.count(), reader.take(tasks));
        self.tracked.iter_mut().flatten().for_each(|x| *x = F::of(reader.one()));
        Ok(())
    }
}
