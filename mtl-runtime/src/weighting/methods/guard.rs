//! What surrounds every method: warm-up, one scale, bounds, and equal weights where a method fails.

use super::gramian::{Gram, Gramian};
use super::loss::LossMethod;
use super::{Convention, Failure, Matrix};

/// What is done with the weights of any method.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// The scale to which the weights of a method with another are brought: those of the mean times the number of tasks
    /// in the batch give those of the sum. None leaves them; a method with a scale of its own is always left.
    pub normalize: Option<Convention>,
    /// The least weight of each task; none where empty.
    pub floors: Vec<f64>,
    /// The greatest weight of each task; none where empty.
    pub caps: Vec<f64>,
    /// The number of first epochs with equal weights, in which the method is not asked.
    pub warm_up: u64,
}

/// The rules around a method, and the count of its failures.
#[derive(Debug, Clone)]
pub struct Guard {
    rules: Rules,
    tasks: usize,
    epochs: u64,
    steps: u64,
    fallbacks: u64,
    last: Option<Failure>,
}

impl Guard {
    /// The rules for a number of tasks.
    ///
    /// # Errors
    /// Bounds of another number than the tasks, negative, or with a floor above a cap.
    pub fn new(tasks: usize, rules: Rules) -> Result<Self, Failure> {
        for bounds in [&rules.floors, &rules.caps] {
            if !bounds.is_empty() {
                Failure::unless_length(tasks, bounds.len())?;
            }
            Failure::unless(bounds.iter().all(|b| *b >= 0.0), || "a bound of a weight must be at least 0".into())?;
        }
        for (task, (floor, cap)) in rules.floors.iter().zip(&rules.caps).enumerate() {
            Failure::unless(floor <= cap, || format!("the floor of task {task} is {floor}, above its cap of {cap}"))?;
        }
        Ok(Self { rules, tasks, epochs: 0, steps: 0, fallbacks: 0, last: None })
    }

    /// How many batches took equal weights because the method failed.
    pub fn fallbacks(&self) -> u64 {
        self.fallbacks
    }

    /// How many batches there were.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The last failure of the method.
    pub fn last_failure(&self) -> Option<&Failure> {
        self.last.as_ref()
    }

    /// Whether equal weights hold because the warm-up has not ended.
    pub fn warming_up(&self) -> bool {
        self.epochs < self.rules.warm_up
    }

    /// The number of epochs that have ended, for a run that goes on from a checkpoint.
    pub fn resume(&mut self, epochs: u64) {
        self.epochs = epochs;
    }

    /// The end of an epoch.
    pub fn epoch(&mut self) {
        self.epochs += 1;
    }

    /// The weight of each loss in this batch. A task without a loss takes 0.
    pub fn weigh_losses(&mut self, method: &mut dyn LossMethod, losses: &[Option<f64>]) -> Vec<f64> {
        let present: Vec<bool> = (0..self.tasks).map(|t| losses.get(t).is_some_and(Option::is_some)).collect();
        let convention = method.convention();
        let found = if self.warming_up() { None } else { Some(method.weights(losses)) };
        self.finish(found, convention, &present)
    }

    /// The weight of each task's gradient in this batch, from the inner products of the gradients of all tasks and
    /// their losses. A task without a loss takes 0, and its row and column are not looked at.
    pub fn weigh_gradients(&mut self, method: &mut dyn Gramian, products: &Matrix, losses: &[Option<f64>]) -> Vec<f64> {
        let present: Vec<bool> = (0..self.tasks).map(|t| losses.get(t).is_some_and(Option::is_some)).collect();
        let convention = method.convention();
        let found = if self.warming_up() { None } else { Some(self.solve(method, products, losses)) };
        self.finish(found, convention, &present)
    }

    fn solve(&self, method: &mut dyn Gramian, products: &Matrix, losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        Failure::unless_length(self.tasks, products.len())?;
        Failure::unless_length(self.tasks, losses.len())?;
        let (places, values): (Vec<usize>, Vec<f64>) =
            losses.iter().enumerate().filter_map(|(t, loss)| loss.map(|loss| (t, loss))).unzip();
        let gram = Gram::new(products.select(&places), values, places.clone())?;
        let solution = method.weights(&gram)?;
        let mut weights = vec![0.0; self.tasks];
        for (t, weight) in places.into_iter().zip(solution) {
            weights[t] = weight;
        }
        Ok(weights)
    }

    pub(crate) fn finish(
        &mut self,
        found: Option<Result<Vec<f64>, Failure>>,
        convention: Convention,
        present: &[bool],
    ) -> Vec<f64> {
        self.steps += 1;
        let count = present.iter().filter(|present| **present).count();
        let equal = || present.iter().map(|&there| if there { convention.equal(count) } else { 0.0 }).collect();
        let found = found.map(|found| {
            found.and_then(|weights| {
                Failure::unless_finite(&weights)?;
                Failure::unless_length(self.tasks, weights.len())?;
                Ok(weights)
            })
        });
        let mut weights: Vec<f64> = match found {
            None => equal(),
            Some(Ok(weights)) => weights,
            Some(Err(failure)) => {
                self.fallbacks += 1;
                self.last = Some(failure);
                equal()
            }
        };
        let factor = match (convention, self.rules.normalize) {
            (Convention::Mean, Some(Convention::Sum)) => count as f64,
            (Convention::Sum, Some(Convention::Mean)) => 1.0 / count.max(1) as f64,
            _ => 1.0,
        };
        for (t, weight) in weights.iter_mut().enumerate().filter(|(t, _)| present[*t]) {
            *weight *= factor;
            if let Some(floor) = self.rules.floors.get(t) {
                *weight = weight.max(*floor);
            }
            if let Some(cap) = self.rules.caps.get(t) {
                *weight = weight.min(*cap);
            }
        }
        weights
    }
}
