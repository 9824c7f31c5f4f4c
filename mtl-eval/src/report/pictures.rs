//! What is drawn of a split beside its metrics: reliability, and how predictions and scores are distributed.

use serde::{Deserialize, Serialize};

use super::Named;
use crate::metrics::Bin;

/// The pictures of one split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pictures {
    /// By binary task, a chained one also under its conditional name: predicted against observed.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub reliability: Named<Reliability>,
    /// By task: how its predictions are distributed, by label.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub predictions: Named<Distribution>,
    /// By rank: how its scores are distributed, over all rows and over the positive rows of each task.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub scores: Named<Distribution>,
}

/// Predicted against observed means, before calibration and after.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// As the network predicts.
    pub raw: Vec<Bin>,
    /// As calibrated; empty without calibration.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub calibrated: Vec<Bin>,
}

/// Numbers counted in bins of equal width.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Where the first bin begins.
    pub low: f64,
    /// Where the last bin ends.
    pub high: f64,
    /// By kind of row: the rows of each bin. Numbers outside count in the bin that is nearest.
    pub counts: Named<Vec<usize>>,
    /// The share of all numbers that lie outside.
    #[serde(skip_serializing_if = "none", default)]
    pub outside: f64,
}

fn none(share: &f64) -> bool {
    *share == 0.0
}

/// Bins of a distribution.
const BINS: usize = 40;
/// The share of numbers that may lie outside on each side, so that few far ones do not press the others together.
const TAIL: f64 = 0.002;

impl Distribution {
    /// Counts the numbers of each kind of row, in common bins. Those that are not finite are left out; none where none is left.
    pub fn of<N: Into<String>>(kinds: impl IntoIterator<Item = (N, Vec<f64>)>) -> Option<Self> {
        let finite = |mut values: Vec<f64>| {
            values.retain(|value| value.is_finite());
            values
        };
        let kinds: Vec<(String, Vec<f64>)> =
            kinds.into_iter().map(|(name, values)| (name.into(), finite(values))).collect();
        let mut all: Vec<f64> = kinds.iter().flat_map(|(_, values)| values.iter().copied()).collect();
        all.sort_unstable_by(f64::total_cmp);
        let (first, last) = (*all.first()?, *all.last()?);
        let tail = (all.len() as f64 * TAIL) as usize;
        let (mut low, mut high) = (all[tail], all[all.len() - 1 - tail]);
        // A tail is cut where it is long alone.
        let body = high - low;
        low = if low - first <= 0.25 * body { first } else { low };
        high = if last - high <= 0.25 * body { last } else { high };
        if low >= 0.0 && high <= 1.0 && low < 0.5 * high {
            low = 0.0;
        }
        let width = (high - low) / BINS as f64;
        let bin = |value: f64| if width > 0.0 { (((value - low) / width) as usize).min(BINS - 1) } else { 0 };
        let counts = kinds.into_iter().map(|(name, values)| {
            let mut counts = vec![0; BINS];
            values.into_iter().for_each(|value| counts[bin(value)] += 1);
            (name, counts)
        });
        let outside = all.iter().filter(|value| **value < low || **value > high).count() as f64 / all.len() as f64;
        Some(Self { low, high, counts: counts.collect(), outside })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(distribution: &Distribution, kind: &str) -> usize {
        distribution.counts.get(kind).map_or(0, |counts| counts.iter().sum())
    }

    #[test]
    fn every_finite_number_is_counted_once() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i) / 1000.0).chain([f64::NAN, f64::INFINITY]).collect();
        let found = Distribution::of([("all", values.clone()), ("some", values[..10].to_vec())]).unwrap();
        assert_eq!((counts(&found, "all"), counts(&found, "some")), (1000, 10));
        assert_eq!((found.low, found.outside), (0.0, 0.0));
        assert_eq!(found.counts.get("all").unwrap()[0], 25);
    }

    #[test]
    fn a_long_tail_does_not_press_the_others_together() {
        let values: Vec<f64> = (0..999).map(|i| f64::from(i) / 999.0).chain([1e9]).collect();
        let found = Distribution::of([("all", values)]).unwrap();
        assert!(found.high < 1.0 && found.outside > 0.0 && found.outside < 0.01, "{found:?}");
        assert_eq!(counts(&found, "all"), 1000);
    }

    #[test]
    fn one_number_and_none() {
        let found = Distribution::of([("all", vec![3.0, 3.0])]).unwrap();
        assert_eq!((found.low, found.high, counts(&found, "all")), (3.0, 3.0, 2));
        assert_eq!(Distribution::of([("all", vec![f64::NAN])]), None);
        let wide = Distribution::of([("all", vec![-f64::MAX, f64::MAX, 0.0])]).unwrap();
        assert_eq!(counts(&wide, "all"), 3);
    }
}
