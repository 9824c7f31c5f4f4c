//! Smooth Tchebycheff scalarisation (STCH).
//!
//! **Equation.** In the first `warm_up` periods `L = sum_t ln(L_t + epsilon)`, and so in the next one, in which the
//! means of the losses are taken as `nadir`. Then, with `l_t = ln((L_t + epsilon) / nadir_t)`,
//! `L = T mu ln sum_t exp(l_t / mu)`, whose weights are `T softmax(l / mu)_t / (L_t + epsilon)`. A small `mu` serves
//! the worst task alone, a large one all alike.
//!
//! **Source.** Lin, Zhang, Yang, Liu, Wang and Zhang, "Smooth Tchebycheff scalarization for multi-objective
//! optimization", ICML 2024.
//!
//! **Options.** `mu`, 1; `warm_up`, 4 periods; `period`, epochs, or a number of steps. Needs losses that cannot be
//! negative.
//!
//! **Public implementations.** The authors subtract the greatest `l` and do not add it again: their gradients are
//! right, their value is too small. They add 1e-20 inside the logarithm.
//!
//! **Missing tasks.** The weight 0; `T` and the softmax are those of the tasks that are there. A task without a row in
//! the period of the nadir takes the mean of the first later period in which it has one; until then it keeps its weight
//! `1 / L_t`.

use super::period::Means;
use super::{EPSILON, LossMethod, Period, present_positive, spread};
use crate::weighting::methods::state::{Reader, numbers};
use crate::weighting::methods::{Convention, Failure, softmax};

/// The options of [`Tchebycheff`].
#[derive(Debug, Clone, PartialEq)]
pub struct TchebycheffOptions {
    /// The smoothness of the maximum.
    pub mu: f64,
    /// The number of periods before that in which the nadir is taken.
    pub warm_up: u64,
    /// What a period is.
    pub period: Period,
}

impl Default for TchebycheffOptions {
    fn default() -> Self {
        Self { mu: 1.0, warm_up: 4, period: Period::Epochs }
    }
}

/// Weights for the task that is worst beside its own loss after the warm-up.
#[derive(Debug, Clone)]
pub struct Tchebycheff {
    options: TchebycheffOptions,
    means: Means,
    periods: u64,
    nadir: Vec<Option<f64>>,
}

impl Tchebycheff {
    /// The start of the warm-up of a number of tasks.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(tasks: usize, options: TchebycheffOptions) -> Result<Self, Failure> {
        let mu = options.mu;
        Failure::unless(mu > 0.0 && mu.is_finite(), || format!("a mu of {mu}: it must be positive"))?;
        options.period.check()?;
        Ok(Self { means: Means::new(tasks, options.period), options, periods: 0, nadir: vec![None; tasks] })
    }

    /// The losses that later ones are compared with.
    pub fn nadir(&self) -> &[Option<f64>] {
        &self.nadir
    }

    fn update(&mut self, means: &[Option<f64>]) {
        if self.periods >= self.options.warm_up {
            for (nadir, mean) in self.nadir.iter_mut().zip(means) {
                if nadir.is_none() {
                    *nadir = mean.filter(|mean| mean.is_finite() && *mean >= 0.0);
                }
            }
        }
        self.periods += 1;
    }

    /// The tasks that are there and have a nadir, with `ln((L_t + epsilon) / nadir_t) / mu`.
    fn compared(&self, present: &[(usize, f64)]) -> Vec<(usize, f64)> {
        let ratio = |&(t, loss): &(usize, f64)| {
            let nadir = self.nadir[t]?;
            Some((t, ((loss + EPSILON).ln() - (nadir + EPSILON).ln()) / self.options.mu))
        };
        present.iter().filter_map(ratio).collect()
    }
}

impl LossMethod for Tchebycheff {
    fn name(&self) -> &'static str {
        "stch"
    }

    fn tasks(&self) -> usize {
        self.nadir.len()
    }

    fn convention(&self) -> Convention {
        Convention::Own
    }

    fn needs_positive_losses(&self) -> bool {
        true
    }

    fn weights(&mut self, losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        let present = present_positive(losses, self.tasks())?;
        let compared = self.compared(&present);
        let shares = softmax(&compared.iter().map(|&(_, l)| l).collect::<Vec<_>>());
        let mut weights = spread(&present, present.iter().map(|(_, loss)| 1.0 / (loss + EPSILON)), self.tasks());
        for (share, &(t, _)) in shares.iter().zip(&compared) {
            weights[t] *= compared.len() as f64 * share;
        }
        if let Some(means) = self.means.add(losses) {
            self.update(&means);
        }
        Ok(weights)
    }

    fn objective(&self, losses: &[Option<f64>]) -> Result<f64, Failure> {
        let present = present_positive(losses, self.tasks())?;
        let compared = self.compared(&present);
        let free = present.iter().filter(|(t, _)| self.nadir[*t].is_none());
        let mut value: f64 = free.map(|(_, loss)| (loss + EPSILON).ln()).sum();
        if !compared.is_empty() {
            let top = compared.iter().map(|&(_, l)| l).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = compared.iter().map(|(_, l)| (l - top).exp()).sum();
            value += compared.len() as f64 * self.options.mu * (top + sum.ln());
        }
        Ok(value)
    }

    fn epoch(&mut self, means: &[Option<f64>]) {
        if self.means.of_epochs() {
            self.update(means);
        }
    }

    fn state(&self) -> Vec<f64> {
        std::iter::once(self.periods as f64).chain(numbers(&self.nadir)).chain(self.means.state()).collect()
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        let tasks = self.tasks();
        let mut reader = Reader::new(state, 1 + tasks + self.means.state_length())?;
        (self.periods, self.nadir) = (reader.count(), reader.options(tasks));
        self.means.restore(&reader.take(self.means.state_length()))
    }
}
