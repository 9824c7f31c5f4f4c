//! Gradient surgery (PCGrad).
//!
//! **Equation.** For each task, `p = g_t`; for each other task `j` in a random order, where `<p, g_j> < 0`, `p` loses
//! its part along `g_j`. The step is the sum of all `p`.
//!
//! **Source.** Yu et al., "Gradient surgery for multi-task learning", NeurIPS 2020.
//!
//! **Options.** `order`, random under a seed: the result depends on it with three tasks or more. `mean`, false: the sum
//! of all `p`, or their mean.
//!
//! **Public implementations.** The authors' code keeps a fixed order, because the result of its shuffle is dropped;
//! SamsungLabs draws one order for all tasks; LibMTL and the Nash-MTL code let a task meet itself, and LibMTL adds 1e-8
//! to the squared norm. LibMTL has it for parameters only; at the representation it is a heuristic.
//!
//! **Missing tasks.** Neither changed nor met.

use super::{Gram, Gramian, Order};
use crate::weighting::methods::state::Reader;
use crate::weighting::methods::{Convention, Failure};

/// The options of [`Pcgrad`].
#[derive(Debug, Clone, PartialEq)]
pub struct PcgradOptions {
    /// The order in which a gradient meets the others.
    pub order: Order,
    /// Whether the step is the mean of the changed gradients, and not their sum.
    pub mean: bool,
}

impl Default for PcgradOptions {
    fn default() -> Self {
        Self { order: Order::Random { seed: 0 }, mean: false }
    }
}

/// The weights of gradients without their parts against others.
#[derive(Debug, Clone)]
pub struct Pcgrad {
    options: PcgradOptions,
    step: u64,
}

impl Pcgrad {
    /// The method under its options.
    pub fn new(options: PcgradOptions) -> Self {
        Self { options, step: 0 }
    }
}

impl Gramian for Pcgrad {
    fn name(&self) -> &'static str {
        "pcgrad"
    }

    fn convention(&self) -> Convention {
        if self.options.mean { Convention::Mean } else { Convention::Sum }
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let n = gram.len();
        let cosines = gram.cosines();
        let norms = gram.norms();
        let mut weights = vec![0.0; n];
        for i in 0..n {
            // In multiples of unit vectors, for a gradient of norm 1.
            let mut unit = vec![0.0; n];
            unit[i] = 1.0;
            for j in self.options.order.partners(self.step, i, n) {
                let product = cosines.row_times(j, &unit);
                if product < 0.0 {
                    unit[j] -= product;
                }
            }
            for j in 0..n {
                weights[j] += if j == i { unit[i] } else { unit[j] * (norms[i] / norms[j]) };
            }
        }
        self.step += 1;
        if self.options.mean {
            weights.iter_mut().for_each(|weight| *weight /= n as f64);
        }
        Ok(weights)
    }

    fn state(&self) -> Vec<f64> {
        vec![self.step as f64]
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        self.step = Reader::new(state, 1)?.count();
        Ok(())
    }
}
