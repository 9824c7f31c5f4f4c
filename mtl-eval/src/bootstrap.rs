//! Bootstrap intervals: what a metric would have been on other rows of the same kind.
//!
//! Whole groups are drawn where there are groups, because the rows of one user are no independent witnesses; else rows. Nothing is
//! copied or sorted anew: a draw says how often each unit counts. Draw `b` depends on the seed and on `b` alone, so the
//! number of threads changes nothing, and two models that are measured on the same rows see the same draws.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::EvalError;
use crate::metrics::{Columns, Metric, Prepared};
use crate::random::Generator;

/// How intervals are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// Draws.
    pub draws: usize,
    /// Of the random numbers.
    pub seed: u64,
    /// The probability mass inside: 0.95.
    pub level: f64,
}

/// A value and the quantiles of its draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Of the rows as they are.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether 0 is outside: for a difference, whether it is more than the noise of the rows.
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

impl Bootstrap {
    /// So many draws, at the level 0.95.
    pub fn new(draws: usize, seed: u64) -> Self {
        Self { draws, seed, level: 0.95 }
    }

    /// A metric and its interval. None where the metric is undefined, on the rows as they are or in more than half of the draws.
    pub fn interval(&self, metric: Metric, columns: Columns) -> Result<Option<Interval>, EvalError> {
        let prepared = metric.prepare(columns)?;
        self.checked(prepared.units())?;
        Ok(self.of(prepared.value(), prepared.units(), |times| prepared.value_of(times)))
    }

    /// By how much a metric of the columns is above that of other predictions of the same rows, with an interval of the difference.
    pub fn difference(
        &self,
        metric: Metric,
        columns: Columns,
        baseline: &[f32],
    ) -> Result<Option<Interval>, EvalError> {
        self.mean_difference(metric, &[(columns, baseline)])
    }

    /// The mean of such differences over pairs of models, as of one spec trained with several seeds. All are measured on the same rows, and
    /// see the same draws of them.
    pub fn mean_difference(&self, metric: Metric, pairs: &[(Columns, &[f32])]) -> Result<Option<Interval>, EvalError> {
        let prepare = |&(columns, baseline): &(Columns, _)| {
            Ok((metric.prepare(columns)?, metric.prepare(Columns { predictions: baseline, ..columns })?))
        };
        let pairs = pairs.iter().map(prepare).collect::<Result<Vec<_>, EvalError>>()?;
        let Some(units) = pairs.first().map(|(a, _)| a.units()) else { return Ok(None) };
        if pairs.iter().any(|(a, _)| a.units() != units) {
            return Err(EvalError::new("models of different rows").remedy("measure all of them on the same rows"));
        }
        self.checked(units)?;
        let mean = |value: &dyn Fn(&Prepared) -> Option<f64>| {
            let sum = pairs.iter().map(|(a, b)| Some(value(a)? - value(b)?)).sum::<Option<f64>>()?;
            Some(sum / pairs.len() as f64)
        };
        Ok(self.of(mean(&Prepared::value), units, |times| mean(&|prepared| prepared.value_of(times))))
    }

    pub(crate) fn checked(&self, units: usize) -> Result<(), EvalError> {
        if self.draws < 2 {
            return Err(EvalError::new(format!("a bootstrap of {} draws", self.draws)).remedy("take 200 or more"));
        }
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(EvalError::new(format!("an interval of level {}", self.level)).remedy("a level is in 0..1"));
        }
        match units > u32::MAX as usize {
            true => Err(EvalError::new("too many rows for a bootstrap")),
            false => Ok(()),
        }
    }

    pub(crate) fn of(
        &self,
        value: Option<f64>,
        units: usize,
        measure: impl Fn(&[u32]) -> Option<f64> + Sync,
    ) -> Option<Interval> {
        let value = value?;
        let draw = |times: &mut Vec<u32>, b: usize| {
            times.clear();
            times.resize(units, 0);
            let mut random = Generator::stream(self.seed, b as u64);
            draw_units(times, &mut random);
            measure(times)
        };
        let draws: Vec<Option<f64>> = (0..self.draws).into_par_iter().map_init(Vec::new, draw).collect();
        let mut found: Vec<f64> = draws.into_iter().flatten().filter(|value| value.is_finite()).collect();
        if found.len() * 2 < self.draws {
            return None;
        }
        found.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        Some(Interval { value, low: quantile(&found, tail), high: quantile(&found, 1.0 - tail) })
    }
}

/// Draws as many units as there are, with replacement: first how many fall into each block, then where in the block, so that many
/// units are counted in the processor's caches.
fn draw_units(times: &mut [u32], random: &mut Generator) {
    const BLOCK: usize = 1 << 14;
    let units = times.len() as u64;
    let mut of_block = vec![0u32; times.len().div_ceil(BLOCK)];
    (0..units).for_each(|_| of_block[random.below(units) as usize / BLOCK] += 1);
    for (block, drawn) in times.chunks_mut(BLOCK).zip(of_block) {
        (0..drawn).for_each(|_| block[random.below(block.len() as u64) as usize] += 1);
    }
}

/// The quantile of sorted numbers, linear between two of them.
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let place = at * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}
