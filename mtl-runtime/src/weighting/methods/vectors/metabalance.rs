//! MetaBalance: auxiliary gradients brought to the length of the target's.
//!
//! **Equation.** For each shared tensor, with averages `m_i` of the norms of the tasks' gradients,
//! `m <- beta m + (1 - beta) |g|`: an auxiliary gradient becomes `r g m_target / m + (1 - r) g`, where the strategy
//! says so, and all are summed. The target's is never changed.
//!
//! **Source.** He et al., "MetaBalance: improving multi-task recommendations via adapting gradient magnitudes of
//! auxiliary tasks", WWW 2022.
//!
//! **Options.** `target`, task 0; `relax`, 0.7: 0 is the plain sum, 1 full balance; `beta`, 0.9; `strategy`, both:
//! shrink gradients longer than the target's, enlarge shorter ones, or both. One tensor number for each shared tensor
//! balances tensor by tensor; a single one, and the norms of the representation's gradients, is the balance at the
//! representation, which is also a [`Gramian`] method.
//!
//! **Public implementations.** The authors' optimizer has the strategy of both alone, refuses a `relax` of 1, gives
//! numbers that are none where a gradient is 0, ends at the first tensor without a gradient, and refuses row-sparse
//! gradients. The norm of an embedding table's gradient is that of the touched rows.
//!
//! **Missing tasks.** The factor 0, and their averages stay. Averages are corrected for their start at 0,
//! `m / (1 - beta^count)`, so that a task with fewer batches is not taken for one with shorter gradients; without
//! missing tasks this changes nothing. Before the target has been seen, and where a ratio is beyond 1e12, a gradient is
//! left as it is.

use crate::weighting::methods::gramian::{Gram, Gramian};
use crate::weighting::methods::state::Reader;
use crate::weighting::methods::{Convention, Failure};

/// Which auxiliary gradients are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BalanceStrategy {
    /// Those longer than the target's: they shrink.
    Shrink,
    /// Those shorter than the target's: they grow.
    Enlarge,
    /// All.
    #[default]
    Both,
}

/// The options of [`MetaBalance`].
#[derive(Debug, Clone, PartialEq)]
pub struct MetaBalanceOptions {
    /// The place of the target task.
    pub target: usize,
    /// How far a gradient goes from its length to the target's.
    pub relax: f64,
    /// The share of the past in the averages.
    pub beta: f64,
    /// Which gradients are changed.
    pub strategy: BalanceStrategy,
}

impl Default for MetaBalanceOptions {
    fn default() -> Self {
        Self { target: 0, relax: 0.7, beta: 0.9, strategy: BalanceStrategy::Both }
    }
}

/// The averages of one task's norms at one tensor.
#[derive(Debug, Clone, Copy, Default)]
struct Average {
    value: f64,
    count: f64,
}

impl Average {
    fn add(&mut self, norm: f64, beta: f64) {
        self.value = beta * self.value + (1.0 - beta) * norm;
        self.count += 1.0;
    }

    fn corrected(self, beta: f64) -> f64 {
        if self.count == 0.0 { 0.0 } else { self.value / (1.0 - beta.powf(self.count)) }
    }
}

/// The factors of auxiliary gradients.
#[derive(Debug, Clone)]
pub struct MetaBalance {
    options: MetaBalanceOptions,
    tasks: usize,
    /// By tensor, then by task.
    averages: Vec<Average>,
}

/// The greatest ratio of two averages that is acted on.
const FARTHEST: f64 = 1e12;

impl MetaBalance {
    /// The method for a number of tasks and of shared tensors.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn new(tasks: usize, tensors: usize, options: MetaBalanceOptions) -> Result<Self, Failure> {
        let MetaBalanceOptions { target, relax, beta, .. } = options;
        Failure::unless(target < tasks, || format!("a target at place {target} of {tasks} tasks"))?;
        Failure::unless((0.0..=1.0).contains(&relax), || format!("a relax of {relax}: it must lie within 0 and 1"))?;
        Failure::unless((0.0..1.0).contains(&beta), || format!("a beta of {beta}: it must be at least 0 and below 1"))?;
        Ok(Self { options, tasks, averages: vec![Average::default(); tasks * tensors] })
    }

    /// The factor of each task's gradient of one tensor, from their norms in this batch.
    ///
    /// # Errors
    /// A norm that is negative or not finite, another number of norms than of tasks, or a tensor that is not there.
    pub fn factors(&mut self, tensor: usize, norms: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        Failure::unless_length(self.tasks, norms.len())?;
        if !norms.iter().flatten().all(|norm| norm.is_finite() && *norm >= 0.0) {
            return Err(Failure::NotFinite);
        }
        let MetaBalanceOptions { target, relax, beta, strategy } = self.options;
        let tensors = self.averages.len() / self.tasks;
        let averages = self.averages.get_mut(tensor * self.tasks..(tensor + 1) * self.tasks);
        let averages = averages.ok_or(Failure::Length { expected: tensors, found: tensor + 1 })?;
        for (average, norm) in averages.iter_mut().zip(norms) {
            if let Some(norm) = norm {
                average.add(*norm, beta);
            }
        }
        let goal = averages[target].corrected(beta);
        let factor = |(t, norm): (usize, &Option<f64>)| {
            if norm.is_none() {
                return 0.0;
            }
            let length = averages[t].corrected(beta);
            let ratio = goal / length;
            let chosen = match strategy {
                BalanceStrategy::Shrink => length > goal,
                BalanceStrategy::Enlarge => length < goal,
                BalanceStrategy::Both => true,
            };
            let usable = ratio.is_finite() && ratio > 1.0 / FARTHEST && ratio < FARTHEST;
            if t == target || !chosen || !usable { 1.0 } else { relax * ratio + (1.0 - relax) }
        };
        Ok(norms.iter().enumerate().map(factor).collect())
    }
}

impl Gramian for MetaBalance {
    fn name(&self) -> &'static str {
        "metabalance"
    }

    fn convention(&self) -> Convention {
        Convention::Sum
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let mut norms = vec![None; self.tasks];
        for (&t, &norm) in gram.tasks().iter().zip(gram.norms()) {
            let slot = norms.get_mut(t).ok_or(Failure::Length { expected: self.tasks, found: t + 1 })?;
            *slot = Some(norm);
        }
        let factors = self.factors(0, &norms)?;
        gram.pick(&factors)
    }

    fn state(&self) -> Vec<f64> {
        self.averages.iter().flat_map(|average| [average.value, average.count]).collect()
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Failure> {
        let mut reader = Reader::new(state, 2 * self.averages.len())?;
        for average in &mut self.averages {
            *average = Average { value: reader.one(), count: reader.one() };
        }
        Ok(())
    }
}
