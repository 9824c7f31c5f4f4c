//! Metrics of the top of a list, each list a group: NDCG, MAP, recall, hit rate and MRR.
//!
//! The order within equal scores is no one's choice: each metric is its mean over all of them, so it depends on the order of no
//! file. A row is relevant if its label is above 0.5. Weights say only which rows count: a row cannot stand in half a place. Lists
//! without a relevant row say nothing and are left out, and every other list weighs the same.

use super::columns::{Columns, Labels, Member};
use super::grouped::{Grouped, over_groups};
use crate::error::EvalError;

/// A metric of the top of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListMetric {
    /// The discounted cumulative gain of the first `k` rows over that of the best order, where a label `y` gains `2^y - 1` at
    /// place `i` over `log2(i + 1)`; for equal scores the expected gain. The mean over the groups with a label above 0; labels
    /// are grades in 0..=30.
    Ndcg(usize),
    /// Mean average precision: the mean over a list's relevant rows (at most `k` of them) of the precision at each place up to
    /// `k` that holds one.
    Map(usize),
    /// The share of a list's relevant rows that are among its first `k`.
    Recall(usize),
    /// The share of the lists that have a relevant row among their first `k`.
    HitRate(usize),
    /// The mean reciprocal rank of a list's first relevant row.
    Mrr,
}

impl ListMetric {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ndcg(_) => "NDCG",
            Self::Map(_) => "MAP",
            Self::Recall(_) => "recall",
            Self::HitRate(_) => "the hit rate",
            Self::Mrr => "MRR",
        }
    }

    /// The metric of the groups of these columns, and how many of them it stands on. None if it is defined in none.
    pub fn of(self, columns: Columns) -> Result<Option<Grouped>, EvalError> {
        self.check(&columns)?;
        over_groups(columns, self.name(), Labels::Any, &|group| self.of_group(group))
    }

    /// Refuses a top of no place, and grades whose gain is no number.
    pub(crate) fn check(self, columns: &Columns) -> Result<(), EvalError> {
        match self {
            Self::Ndcg(0) | Self::Map(0) | Self::Recall(0) | Self::HitRate(0) => {
                Err(EvalError::new(format!("{} of the first 0 rows", self.name())).remedy("k is at least 1"))
            }
            Self::Ndcg(_) => match columns.labels.iter().position(|label| *label < 0.0 || *label > 30.0) {
                Some(row) => Err(EvalError::new(format!("a label is {}", columns.labels[row]))
                    .at_row(row)
                    .remedy("NDCG needs grades in 0..=30, whose gain is 2^grade - 1")),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The metric of one list, in the order of its scores from the lowest; each list weighs the same.
    pub(crate) fn of_group(self, group: &[Member]) -> Option<(f64, f64)> {
        let value = match self {
            Self::Ndcg(k) => ndcg_of(group, k),
            _ => self.of_runs(group),
        };
        value.map(|value| (value, 1.0))
    }

    /// A metric of relevant rows, over runs of equal scores from the highest.
    fn of_runs(self, group: &[Member]) -> Option<f64> {
        let relevant = |rows: &[Member]| rows.iter().filter(|row| row.label > 0.5).count();
        let all = relevant(group);
        if all == 0 {
            return None;
        }
        let (mut before, mut found, mut sum) = (0, 0, 0.0);
        for run in group.chunk_by(|a, b| a.score == b.score).rev() {
            let (n, r) = (run.len(), relevant(run));
            let places = |k: usize| k.saturating_sub(before).min(n);
            match self {
                Self::Recall(k) => sum += r as f64 * places(k) as f64 / n as f64,
                Self::Map(k) => {
                    for place in 1..=places(k) {
                        let others = if n > 1 { ((place - 1) * (r.max(1) - 1)) as f64 / (n - 1) as f64 } else { 0.0 };
                        sum += r as f64 / n as f64 * (found as f64 + 1.0 + others) / (before + place) as f64;
                    }
                }
                Self::HitRate(_) | Self::Mrr if r > 0 => {
                    // The probability that none of the places so far holds a relevant row.
                    let mut none = 1.0;
                    let last = if let Self::HitRate(k) = self { places(k) } else { n };
                    for place in 0..last {
                        let first = none * r as f64 / (n - place) as f64;
                        sum += if self == Self::Mrr { first / (before + place + 1) as f64 } else { first };
                        none -= first;
                        if n - place <= r {
                            break;
                        }
                    }
                    return Some(sum);
                }
                _ => {}
            }
            before += n;
            found += r;
        }
        match self {
            Self::Recall(_) => Some(sum / all as f64),
            Self::Map(k) => Some(sum / all.min(k) as f64),
            _ => Some(sum),
        }
    }
}

fn ndcg_of(group: &[Member], k: usize) -> Option<f64> {
    let gain = |row: &Member| f64::from(row.label).exp2() - 1.0;
    let discount = |place: usize| 1.0 / (place as f64 + 2.0).log2();
    let mut gains: Vec<f64> = group.iter().map(gain).collect();
    let (mut before, mut found) = (0, 0.0);
    for run in group.chunk_by(|a, b| a.score == b.score).rev() {
        if before >= k {
            break;
        }
        let mean = run.iter().map(gain).sum::<f64>() / run.len() as f64;
        found += mean * (before..(before + run.len()).min(k)).map(discount).sum::<f64>();
        before += run.len();
    }
    gains.sort_unstable_by(|a, b| b.total_cmp(a));
    let best: f64 = gains.iter().take(k).enumerate().map(|(place, gain)| gain * discount(place)).sum();
    (best > 0.0).then(|| found / best)
}
