//! Gradient vaccine (GradVac).
//!
//! **Equation.** As gradient surgery, with a target `r` for the cosine of each pair: for each other task `j`, with
//! `c = cos(p, g_j)`, where `c < r`, `p` gains `g_j |p| (r sqrt(1 - c^2) - c sqrt(1 - r^2)) / (|g_j| sqrt(1 - r^2))`,
//! which makes the cosine `r`. The target is an exponential average, `r <- (1 - beta) r + beta c`, from 0.
//!
//! **Source.** Wang, Tsvetkov, Firat and Cao, "Gradient vaccine: investigating and improving multi-task optimization in
//! massively multilingual models", ICLR 2021.
//!
//! **Options.** `beta`, 0.01; `order`, random under a seed; `update`, always. One Gramian is one group of parameters: a
//! group per layer takes one instance each. A target is kept 1e-6 away from -1 and 1.
//!
//! **Public implementations.** `beta` is 0.5 in LibMTL. SamsungLabs, and LibMTL in some versions, average only the
//! cosines of pairs that were edited.
//!
//! **Missing tasks.** Neither changed nor met; their targets stay.

use super::{Gram, Gramian, Order};
use crate::weighting::methods::state::Reader;
use crate::weighting::methods::{Convention, Failure, Matrix};

/// When the target of a pair moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetUpdate {
    /// Whenever the pair meets.
    Always,
    /// Only where the gradient was changed.
    WhenEdited,
}

/// The options of [`Gradvac`].
#[derive(Debug, Clone, PartialEq)]
pub struct GradvacOptions {
    /// The share of a new cosine in the average.
    pub beta: f64,
    /// The order in which a gradient meets the others.
    pub order: Order,
    /// When a target moves.
    pub update: TargetUpdate,
}

impl Default for GradvacOptions {
    fn default() -> Self {
        Self { beta: 0.01, order: Order::Random { seed: 0 }, update: TargetUpdate::Always }
    }
}

/// The weights of gradients brought to the usual angles between them.
#[derive(Debug, Clone)]
pub struct Gradvac {
    options: GradvacOptions,
    step: u64,
    targets: Matrix,
}

/// How far a target stays from -1 and 1.
const NEAREST: f64 = 1e-6;

/// The length of a gradient, beside the one it began with, below which only rounding is left of it.
const SHORTEST: f64 = 1e-7;

impl Gradvac {
    /// Targets of 0 for the pairs of a number of tasks.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(tasks: usize, options: GradvacOptions) -> Result<Self, Failure> {
        let beta = options.beta;
        Failure::unless((0.0..=1.0).contains(&beta), || format!("a beta of {beta}: it must lie within 0 and 1"))?;
        Ok(Self { options, step: 0, targets: Matrix::from_fn(tasks, |_, _| 0.0) })
    }

    /// The same method with other targets: the row is the task that is changed, the column the one it meets.
    ///
    /// # Errors
    /// Targets of another number of tasks, or outside -1 and 1.
    pub fn with_targets(mut self, targets: Matrix) -> Result<Self, Failure> {
        Failure::unless_length(self.targets.len(), targets.len())?;
        let valid = targets.entries().iter().all(|target| (-1.0..=1.0).contains(target));
        Failure::unless(valid, || "a target cosine must lie within -1 and 1".into())?;
        self.targets = targets;
        Ok(self)
    }

    /// The present targets.
    pub fn targets(&self) -> &Matrix {
        &self.targets
    }
}

impl Gramian for Gradvac {
    fn name(&self) -> &'static str {
        "gradvac"
    }

    fn convention(&self) -> Convention {
        Convention::Sum
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let n = gram.len();
        if let Some(task) = gram.tasks().iter().find(|&&t| t >= self.targets.len()) {
            return Err(Failure::Length { expected: self.targets.len(), found: task + 1 });
        }
        let (cosines, norms) = (gram.cosines(), gram.norms());
        let mut weights = vec![0.0; n];
        for i in 0..n {
            // In multiples of unit vectors, for a gradient of norm 1.
            let mut unit = vec![0.0; n];
            unit[i] = 1.0;
            let mut products = cosines.times(&unit);
            for j in self.options.order.partners(self.step, i, n) {
                let norm = unit.iter().zip(&products).map(|(x, p)| x * p).sum::<f64>().max(0.0).sqrt();
                if norm <= SHORTEST {
                    continue;
                }
                let bound = 1.0 - NEAREST;
                let cosine = (products[j] / norm).clamp(-1.0, 1.0);
                let target = &mut self.targets[(gram.tasks()[i], gram.tasks()[j])];
                let aim = target.clamp(-bound, bound);
                let edited = cosine < aim;
                if edited {
                    let (sine, aim_sine) = ((1.0 - cosine * cosine).sqrt(), (1.0 - aim * aim).sqrt());
                    let share = norm * (aim * sine - cosine * aim_sine) / aim_sine;
                    unit[j] += share;
                    for (k, product) in products.iter_mut().enumerate() {
                        *product += share * cosines[(k, j)];
                    }
                }
                if edited || self.options.update == TargetUpdate::Always {
                    *target = (1.0 - self.options.beta) * *target + self.options.beta * cosine;
                }
            }
            for j in 0..n {
                weights[j] += if j == i { unit[i] } else { unit[j] * (norms[i] / norms[j]) };
            }
        }
        self.step += 1;
        Ok(weights)
    }

    fn state(&self) -> Vec<f64> {
        std::iter::once(self.step as f64).chain(self.targets.entries().iter().copied()).collect()
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        let tasks = self.targets.len();
        let mut reader = Reader::new(state, 1 + tasks * tasks)?;
        self.step = reader.count();
        let targets = reader.take(tasks * tasks);
        self.targets = Matrix::from_fn(tasks, |i, j| targets[i * tasks + j]);
        Ok(())
    }
}
