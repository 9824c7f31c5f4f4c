//! The bargaining solution (Nash-MTL).
//!
//! **Equation.** The positive weights with `(G a)_t = 1 / a_t`: the step that maximises the product of the gains of all
//! tasks. Before clipping its norm is the square root of the number of tasks, whatever the scales of the losses.
//!
//! **Source.** Navon et al., "Multi-task learning as a bargaining game", ICML 2022.
//!
//! **Options.** `max_norm`, 1: the norm above which the step is scaled down; none leaves it. `update_every`, 1: the
//! weights of a step are kept for the following ones.
//!
//! **Solution.** Newton's method on the convex `a' G a / 2 - sum_t ln a_t`. Where the gradients leave no direction that
//! serves all there is no solution: the last weights are kept, and counted in [`Nash::kept`]; without any, a failure.
//!
//! **Public implementations.** The authors solve up to 20 linearised problems to an error of 0.001, on a Gramian
//! divided by its Frobenius norm, and clip the gradient itself; with clipping the direction is the same.
//!
//! **Missing tasks.** Not in the bargain; their last weights stay.

use super::{Gram, Gramian};
use crate::weighting::methods::newton::bargain;
use crate::weighting::methods::state::{Reader, numbers};
use crate::weighting::methods::{Convention, Failure};

/// The options of [`Nash`].
#[derive(Debug, Clone, PartialEq)]
pub struct NashOptions {
    /// The greatest norm of the step.
    pub max_norm: Option<f64>,
    /// The number of steps for which weights are kept.
    pub update_every: u64,
}

impl Default for NashOptions {
    fn default() -> Self {
        Self { max_norm: Some(1.0), update_every: 1 }
    }
}

/// The weights of the bargain.
#[derive(Debug, Clone)]
pub struct Nash {
    options: NashOptions,
    step: u64,
    kept: u64,
    last: Vec<Option<f64>>,
}

impl Nash {
    /// The bargain of a number of tasks.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(tasks: usize, options: NashOptions) -> Result<Self, Failure> {
        Failure::unless(options.max_norm.is_none_or(|norm| norm > 0.0), || "a greatest norm must be positive".into())?;
        Failure::unless(options.update_every > 0, || "weights kept for 0 steps: it must be at least 1".into())?;
        Ok(Self { options, step: 0, kept: 0, last: vec![None; tasks] })
    }

    /// How often there was no solution and the last weights were kept.
    pub fn kept(&self) -> u64 {
        self.kept
    }

    fn remembered(&self, gram: &Gram) -> Option<Vec<f64>> {
        gram.tasks().iter().map(|&t| self.last[t]).collect()
    }

    fn clipped(&self, gram: &Gram, weights: Vec<f64>) -> Vec<f64> {
        let Some(max_norm) = self.options.max_norm else { return weights };
        let lengths: Vec<f64> = weights.iter().zip(gram.norms()).map(|(weight, norm)| weight * norm).collect();
        let norm = gram.cosines().quadratic(&lengths).max(0.0).sqrt();
        let factor = if norm > max_norm { max_norm / norm } else { 1.0 };
        weights.iter().map(|weight| weight * factor).collect()
    }
}

impl Gramian for Nash {
    fn name(&self) -> &'static str {
        "nash"
    }

    fn convention(&self) -> Convention {
        Convention::Own
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        if let Some(task) = gram.tasks().iter().find(|&&t| t >= self.last.len()) {
            return Err(Failure::Length { expected: self.last.len(), found: task + 1 });
        }
        let due = self.step.is_multiple_of(self.options.update_every);
        let remembered = self.remembered(gram);
        let weights = match remembered {
            Some(weights) if !due => weights,
            _ => match bargain(&gram.cosines(), gram.norms(), 1.0) {
                Some(logarithms) => logarithms.iter().map(|logarithm| logarithm.exp()).collect(),
                None => {
                    let weights = self.remembered(gram).ok_or(Failure::NoSolution)?;
                    self.kept += 1;
                    weights
                }
            },
        };
        for (&t, &weight) in gram.tasks().iter().zip(&weights) {
            self.last[t] = Some(weight);
        }
        self.step += 1;
        Ok(self.clipped(gram, weights))
    }

    fn state(&self) -> Vec<f64> {
        [self.step as f64, self.kept as f64].into_iter().chain(numbers(&self.last)).collect()
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        let mut reader = Reader::new(state, 2 + self.last.len())?;
        (self.step, self.kept, self.last) = (reader.count(), reader.count(), reader.options(self.last.len()));
        Ok(())
    }
}
