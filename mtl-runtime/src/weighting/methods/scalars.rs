//! Trained numbers, one per task, with their own optimizer.

use super::Failure;
use super::state::Reader;

/// The optimizer of a method's trained numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// `x <- x - rate * gradient`.
    Sgd {
        /// The learning rate.
        rate: f64,
    },
    /// Adam (Kingma and Ba, ICLR 2015) with the moments' factors 0.9 and 0.999, and `decay * x` added to the gradient.
    Adam {
        /// The learning rate.
        rate: f64,
        /// The weight decay, part of the gradient.
        decay: f64,
    },
}

impl Rule {
    /// A failure unless the learning rate is positive and the decay at least 0.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let (Self::Sgd { rate } | Self::Adam { rate, .. }) = self;
        Failure::unless(*rate > 0.0 && rate.is_finite(), || format!("a learning rate of {rate}: it must be positive"))?;
        let decay = if let Self::Adam { decay, .. } = self { *decay } else { 0.0 };
        Failure::unless(decay >= 0.0 && decay.is_finite(), || format!("a decay of {decay}: it must be at least 0"))
    }
}

/// One trained number per task.
#[derive(Debug, Clone)]
pub(crate) struct Scalars {
    pub(crate) values: Vec<f64>,
    rule: Rule,
    /// Adam's mean of gradients, mean of squares and count of steps.
    moments: Vec<[f64; 3]>,
}

impl Scalars {
    pub(crate) fn new(tasks: usize, start: f64, rule: Rule) -> Self {
        Self { values: vec![start; tasks], rule, moments: vec![[0.0; 3]; tasks] }
    }

    /// One step. A number without a gradient stays, and so do its moments.
    pub(crate) fn step(&mut self, gradients: &[Option<f64>]) {
        const FIRST: f64 = 0.9;
        const SECOND: f64 = 0.999;
        const EPSILON: f64 = 1e-8;
        for ((value, moments), gradient) in self.values.iter_mut().zip(&mut self.moments).zip(gradients) {
            let Some(gradient) = gradient.filter(|gradient| gradient.is_finite()) else { continue };
            match self.rule {
                Rule::Sgd { rate } => *value -= rate * gradient,
                Rule::Adam { rate, decay } => {
                    let gradient = gradient + decay * *value;
                    let [mean, square, steps] = moments;
                    *mean = FIRST * *mean + (1.0 - FIRST) * gradient;
                    *square = SECOND * *square + (1.0 - SECOND) * gradient * gradient;
                    *steps += 1.0;
                    let mean = *mean / (1.0 - FIRST.powf(*steps));
                    let square = *square / (1.0 - SECOND.powf(*steps));
                    *value -= rate * mean / (square.sqrt() + EPSILON);
                }
            }
        }
    }

    /// The numbers, kept within bounds.
    pub(crate) fn clamp(&mut self, low: f64, high: f64) {
        for value in &mut self.values {
            *value = value.clamp(low, high);
        }
    }

    pub(crate) fn state(&self) -> Vec<f64> {
        self.values.iter().copied().chain(self.moments.iter().flatten().copied()).collect()
    }

    pub(crate) fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        let tasks = self.values.len();
        let mut reader = Reader::new(state, 4 * tasks)?;
        self.values = reader.take(tasks);
        self.moments = (0..tasks).map(|_| [reader.one(), reader.one(), reader.one()]).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_each_rule() {
        let mut sgd = Scalars::new(2, 1.0, Rule::Sgd { rate: 0.5 });
        sgd.step(&[Some(2.0), None]);
        assert_eq!(sgd.values, [0.0, 1.0]);
        // The first step of Adam is the learning rate, whatever the size of the gradient.
        let mut adam = Scalars::new(2, 0.0, Rule::Adam { rate: 0.1, decay: 0.0 });
        adam.step(&[Some(1e-3), Some(-50.0)]);
        assert!((adam.values[0] + 0.1).abs() < 1e-5 && (adam.values[1] - 0.1).abs() < 1e-9, "{:?}", adam.values);
    }
}
