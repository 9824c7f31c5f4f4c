//! Equal and fixed weights.
//!
//! **Equation.** `L = sum_t w_t L_t`; equal weights are 1 (the sum) or 1 over the number of tasks in the batch (the
//! mean), fixed weights are given.
//!
//! **Source.** Linear scalarisation. Well-chosen fixed weights are hard to beat.
//!
//! **Options.** Sum or mean, which have a method's name each, because they differ by a factor of the number of tasks in
//! the learning rate. LibMTL documents the mean of its equal weights and computes the sum.
//!
//! **Missing tasks.** The weight 0. The mean is that of the losses that are there.

use super::{LossMethod, present, spread};
use crate::weighting::methods::{Convention, Failure};

/// The sum or the mean of the losses.
#[derive(Debug, Clone)]
pub struct Equal {
    tasks: usize,
    convention: Convention,
}

impl Equal {
    /// The sum of the losses.
    pub fn sum(tasks: usize) -> Self {
        Self { tasks, convention: Convention::Sum }
    }

    /// The mean of the losses.
    pub fn mean(tasks: usize) -> Self {
        Self { tasks, convention: Convention::Mean }
    }
}

impl LossMethod for Equal {
    fn name(&self) -> &'static str {
        if self.convention == Convention::Mean { "equal_mean" } else { "equal" }
    }

    fn tasks(&self) -> usize {
        self.tasks
    }

    fn convention(&self) -> Convention {
        self.convention
    }

    fn weights(&mut self, losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        let present = present(losses, self.tasks)?;
        Ok(spread(&present, std::iter::repeat(self.convention.equal(present.len())), self.tasks))
    }

    fn objective(&self, losses: &[Option<f64>]) -> Result<f64, Failure> {
        let present = present(losses, self.tasks)?;
        Ok(present.iter().map(|(_, loss)| loss).sum::<f64>() * self.convention.equal(present.len()))
    }
}

/// The sum of the losses under fixed weights.
#[derive(Debug, Clone)]
pub struct Fixed {
    weights: Vec<f64>,
}

impl Fixed {
    /// Fixed weights, one per task, finite and at least 0.
    ///
    /// # Errors
    /// A weight that is negative or not finite.
    pub fn new(weights: Vec<f64>) -> Result<Self, Failure> {
        for (task, weight) in weights.iter().enumerate() {
            let valid = *weight >= 0.0 && weight.is_finite();
            Failure::unless(valid, || format!("the weight of task {task} is {weight}: it must be at least 0"))?;
        }
        Ok(Self { weights })
    }
}

impl LossMethod for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn tasks(&self) -> usize {
        self.weights.len()
    }

    fn convention(&self) -> Convention {
        Convention::Own
    }

    fn weights(&mut self, losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        let present = present(losses, self.tasks())?;
        Ok(spread(&present, present.iter().map(|&(t, _)| self.weights[t]), self.tasks()))
    }

    fn objective(&self, losses: &[Option<f64>]) -> Result<f64, Failure> {
        Ok(present(losses, self.tasks())?.iter().map(|&(t, loss)| self.weights[t] * loss).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_mean_and_fixed() {
        let losses = [Some(1.0), Some(3.0), None];
        assert_eq!(Equal::sum(3).weights(&losses), Ok(vec![1.0, 1.0, 0.0]));
        assert_eq!(Equal::sum(3).objective(&losses), Ok(4.0));
        assert_eq!(Equal::mean(3).weights(&losses), Ok(vec![0.5, 0.5, 0.0]));
        let mut fixed = Fixed::new(vec![2.0, 0.0, 5.0]).expect("valid");
        assert_eq!(fixed.weights(&losses), Ok(vec![2.0, 0.0, 0.0]));
        assert_eq!(fixed.objective(&losses), Ok(2.0));
        assert!(Fixed::new(vec![-1.0]).is_err() && Fixed::new(vec![f64::NAN]).is_err());
    }
}
