//! The shortest sum with floors (PE-LTR).
//!
//! **Equation.** `min a' G a` over weights with `a_t >= floor_t` and the sum 1. Floors of 0 give the multiple-gradient
//! descent algorithm; a floor keeps a task's weight up whatever its gradient.
//!
//! **Source.** Lin et al., "A Pareto-efficient algorithm for multiple objective optimization in e-commerce
//! recommendation", RecSys 2019.
//!
//! **Options.** `floors`, 0 for each task, with a sum below 1.
//!
//! **Solution.** With `a = floor + (1 - sum of floors) x`, the shortest combination, exactly, of the vectors
//! `sum_k floor_k g_k + (1 - sum of floors) g_t`.
//!
//! **Public implementations.** The paper and TorchEasyRec solve the equations without the bounds and then project on
//! the simplex, which is not the least under the bounds.
//!
//! **Missing tasks.** Not in the sum, and their floors fall away.

use super::{Gram, Gramian};
use crate::weighting::methods::quadratic::shortest_combination;
use crate::weighting::methods::{Convention, Failure, Matrix};

/// The options of [`Pareto`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParetoOptions {
    /// The least weight of each task; 0 where empty.
    pub floors: Vec<f64>,
}

/// The weights of the shortest sum above the floors.
#[derive(Debug, Clone)]
pub struct Pareto {
    floors: Vec<f64>,
}

impl Pareto {
    /// The method for a number of tasks.
    ///
    /// # Errors
    /// A negative floor, floors that sum to 1 or more, or another number of them than of tasks.
    pub fn new(tasks: usize, options: ParetoOptions) -> Result<Self, Failure> {
        let floors = if options.floors.is_empty() { vec![0.0; tasks] } else { options.floors };
        Failure::unless_length(tasks, floors.len())?;
        for (task, floor) in floors.iter().enumerate() {
            Failure::unless(*floor >= 0.0, || format!("the floor of task {task} is {floor}: it must be at least 0"))?;
        }
        let sum: f64 = floors.iter().sum();
        Failure::unless(sum < 1.0, || format!("the floors sum to {sum}: the sum must be below 1"))?;
        Ok(Self { floors })
    }
}

impl Gramian for Pareto {
    fn name(&self) -> &'static str {
        "pe_ltr"
    }

    fn convention(&self) -> Convention {
        Convention::Mean
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let floors = gram.pick(&self.floors)?;
        let free = 1.0 - floors.iter().sum::<f64>();
        let top = gram.norms().iter().copied().fold(0.0, f64::max);
        let lengths: Vec<f64> = gram.norms().iter().map(|norm| norm / top).collect();
        let unit = gram.cosines().scaled(&lengths);
        let products = unit.times(&floors);
        let square = unit.quadratic(&floors);
        let shifted = Matrix::from_fn(gram.len(), |i, j| {
            square + free * (products[i] + products[j]) + free * free * unit[(i, j)]
        });
        let shares = shortest_combination(&shifted).ok_or(Failure::NotFinite)?;
        Ok(floors.iter().zip(shares).map(|(floor, share)| floor + free * share).collect())
    }
}
