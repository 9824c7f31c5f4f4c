//! Random loss weights (RLW).
//!
//! **Equation.** In each batch, `w = softmax(x)` with `x` drawn from the standard normal distribution. The weights sum
//! to 1.
//!
//! **Source.** Lin, Ye, Zhang and Tsang, "Reasonable effectiveness of random weighting: a litmus test for multi-task
//! learning", TMLR 2022. A check on the claims of other methods more than a method.
//!
//! **Options.** The seed. The draw of a step depends on the seed and the number of the step alone.
//!
//! **Public implementations.** The same; the scale is that of the mean, so that a comparison with the sum needs `T`
//! times the learning rate, or [`Rules::normalize`](crate::weighting::methods::Rules::normalize).
//!
//! **Missing tasks.** The weight 0, and the others share the sum of 1. What is drawn for them does not depend on who is
//! missing.

use super::{LossMethod, present, spread};
use crate::weighting::methods::state::Reader;
use crate::weighting::methods::{Convention, Failure, softmax};
use mtl_data::Rng;

/// Weights drawn anew in each batch.
#[derive(Debug, Clone)]
pub struct RandomLoss {
    tasks: usize,
    seed: u64,
    step: u64,
}

impl RandomLoss {
    /// Random weights under a seed.
    pub fn new(tasks: usize, seed: u64) -> Self {
        Self { tasks, seed, step: 0 }
    }

    fn draw(&self, present: &[(usize, f64)]) -> Vec<f64> {
        let mut rng = Rng::keyed(self.seed, &format!("weighting.random.{}", self.step));
        let normals: Vec<f64> = (0..self.tasks).map(|_| rng.normal()).collect();
        let chosen: Vec<f64> = present.iter().map(|&(t, _)| normals[t]).collect();
        spread(present, softmax(&chosen), self.tasks)
    }
}

impl LossMethod for RandomLoss {
    fn name(&self) -> &'static str {
        "rlw"
    }

    fn tasks(&self) -> usize {
        self.tasks
    }

    fn convention(&self) -> Convention {
        Convention::Mean
    }

    fn weights(&mut self, losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        let weights = self.draw(&present(losses, self.tasks)?);
        self.step += 1;
        Ok(weights)
    }

    fn objective(&self, losses: &[Option<f64>]) -> Result<f64, Failure> {
        let present = present(losses, self.tasks)?;
        let weights = self.draw(&present);
        Ok(present.iter().map(|&(t, loss)| weights[t] * loss).sum())
    }

    fn state(&self) -> Vec<f64> {
        vec![self.step as f64]
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        self.step = Reader::new(state, 1)?.count();
        Ok(())
    }
}
