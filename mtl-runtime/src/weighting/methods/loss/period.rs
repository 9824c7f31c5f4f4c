//! Means of the losses over periods: epochs, or a number of steps where training passes once over the data.

use super::super::Failure;
use super::super::state::Reader;

/// The time between two updates of a method that compares means of losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// An epoch, whose means are given.
    Epochs,
    /// A number of steps, whose means the method takes itself.
    Steps(u64),
}

impl Period {
    pub(super) fn check(self) -> Result<(), Failure> {
        Failure::unless(self != Self::Steps(0), || "a period of 0 steps: it must be at least 1".into())
    }
}

/// The sums of a period that has not ended.
#[derive(Debug, Clone)]
pub(super) struct Means {
    period: Period,
    steps: u64,
    sums: Vec<f64>,
    counts: Vec<f64>,
}

impl Means {
    pub(super) fn new(tasks: usize, period: Period) -> Self {
        Self { period, steps: 0, sums: vec![0.0; tasks], counts: vec![0.0; tasks] }
    }

    /// Whether the means of epochs are wanted.
    pub(super) fn of_epochs(&self) -> bool {
        self.period == Period::Epochs
    }

    /// Adds the losses of a batch; at the end of a period, its means.
    pub(super) fn add(&mut self, losses: &[Option<f64>]) -> Option<Vec<Option<f64>>> {
        let Period::Steps(length) = self.period else { return None };
        for (t, loss) in losses.iter().enumerate() {
            if let Some(loss) = loss {
                self.sums[t] += loss;
                self.counts[t] += 1.0;
            }
        }
        self.steps += 1;
        if self.steps < length {
            return None;
        }
        let means =
            self.sums.iter().zip(&self.counts).map(|(sum, count)| (*count > 0.0).then(|| sum / count)).collect();
        *self = Self::new(self.sums.len(), self.period);
        Some(means)
    }

    pub(super) fn state(&self) -> Vec<f64> {
        std::iter::once(self.steps as f64).chain(self.sums.iter().copied()).chain(self.counts.iter().copied()).collect()
    }

    pub(super) fn state_length(&self) -> usize {
        1 + 2 * self.sums.len()
    }

    pub(super) fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        let tasks = self.sums.len();
        let mut reader = Reader::new(state, self.state_length())?;
        (self.steps, self.sums, self.counts) = (reader.count(), reader.take(tasks), reader.take(tasks));
        Ok(())
    }
}
