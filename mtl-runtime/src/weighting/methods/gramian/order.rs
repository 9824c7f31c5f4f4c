//! The order in which a gradient meets the others.

use mtl_data::Rng;

/// The order in which a method visits the partners of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// A new random order for each task and step, which depends on the seed, the step and the task alone.
    Random {
        /// The seed.
        seed: u64,
    },
    /// The order of the tasks.
    Index,
}

impl Order {
    /// The partners of row `i` among `n` rows.
    pub(super) fn partners(self, step: u64, i: usize, n: usize) -> Vec<usize> {
        let mut partners: Vec<usize> = (0..n).filter(|&j| j != i).collect();
        if let Self::Random { seed } = self {
            Rng::keyed(seed, &format!("weighting.order.{step}.{i}")).shuffle(&mut partners);
        }
        partners
    }
}
