//! Reliability: what is predicted beside what happens, in bins of equal mass; and its mean distance, ECE.

use serde::{Deserialize, Serialize};

use super::columns::{Columns, Labels, Row};
use crate::error::EvalError;

/// Rows of neighbouring predictions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Rows.
    pub count: usize,
    /// The sum of their weights.
    pub weight: f64,
    /// Their mean prediction.
    pub prediction: f64,
    /// Their mean label.
    pub label: f64,
}

/// The predictions in at most `bins` bins of equal mass, from the lowest. Equal predictions stay in one bin (that of their middle),
/// so the bins do not depend on the order of the rows; a bin that gets no row is left out.
pub fn reliability(
    predictions: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
    bins: usize,
) -> Result<Vec<Bin>, EvalError> {
    at_least_one(bins)?;
    let columns = Columns::new(predictions, labels).weights(weights).checked("reliability", Labels::Any)?;
    Ok(binned(&columns.by_score(None), bins, |_| 1.0))
}

/// The expected calibration error: the mean over the rows of the distance between mean prediction and mean label of their bin, in
/// `bins` bins of equal mass. None without rows.
pub fn ece(
    predictions: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
    bins: usize,
) -> Result<Option<f64>, EvalError> {
    Ok(distance(&reliability(predictions, labels, weights, bins)?))
}

/// The mean distance of the bins.
pub(crate) fn distance(bins: &[Bin]) -> Option<f64> {
    let total: f64 = bins.iter().map(|bin| bin.weight).sum();
    let distance: f64 = bins.iter().map(|bin| bin.weight * (bin.prediction - bin.label).abs()).sum();
    (total > 0.0).then(|| distance / total)
}

/// Rows in the order of their scores, in bins; a row counts `times` its weight.
pub(crate) fn binned(rows: &[Row], bins: usize, times: impl Fn(&Row) -> f64) -> Vec<Bin> {
    let mass = |row: &Row| f64::from(row.weight) * times(row);
    let total: f64 = rows.iter().map(mass).sum();
    let (mut found, mut at, mut below): (Vec<Bin>, usize, f64) = (Vec::new(), 0, 0.0);
    for tied in rows.chunk_by(|a, b| a.score == b.score) {
        let weight: f64 = tied.iter().map(mass).sum();
        let label: f64 = tied.iter().map(|row| mass(row) * f64::from(row.label)).sum();
        if weight <= 0.0 {
            continue;
        }
        let bin = (((below + weight / 2.0) / total * bins as f64) as usize).min(bins - 1);
        if bin != at || found.is_empty() {
            found.push(Bin { count: 0, weight: 0.0, prediction: 0.0, label: 0.0 });
            at = bin;
        }
        // Sums until all rows are in.
        if let Some(bin) = found.last_mut() {
            bin.count += tied.len();
            bin.weight += weight;
            bin.prediction += weight * f64::from(tied[0].score);
            bin.label += label;
        }
        below += weight;
    }
    for bin in &mut found {
        bin.prediction /= bin.weight;
        bin.label /= bin.weight;
    }
    found
}

/// Refuses a number of bins of 0.
pub(crate) fn at_least_one(bins: usize) -> Result<(), EvalError> {
    match bins {
        0 => Err(EvalError::new("0 bins").remedy("take at least one")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_have_equal_mass() {
        let predictions: Vec<f32> = (0..12).map(|i| (11 - i) as f32 / 12.0).collect();
        let labels: Vec<f32> = (0..12).map(|i| if i < 6 { 1.0 } else { 0.0 }).collect();
        let bins = reliability(&predictions, &labels, None, 4).unwrap();
        assert_eq!(bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), [3; 4]);
        assert_eq!(bins.iter().map(|bin| bin.label).collect::<Vec<_>>(), [0.0, 0.0, 1.0, 1.0]);
        assert!((bins[0].prediction - 1.0 / 12.0).abs() < 1e-7);
    }

    #[test]
    fn equal_predictions_stay_together_whatever_the_order() {
        let found = |labels: &[f32]| reliability(&[0.5, 0.5, 0.5, 0.5, 0.9], labels, None, 3).unwrap();
        let bins = found(&[1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(bins, found(&[0.0, 0.0, 0.0, 1.0, 1.0]));
        assert_eq!(bins.iter().map(|bin| (bin.count, bin.label)).collect::<Vec<_>>(), [(4, 0.25), (1, 1.0)]);
    }

    #[test]
    fn weights_are_mass_and_masked_rows_are_out() {
        let labels = [1.0, 0.0, f32::NAN, 1.0];
        let bins = reliability(&[0.2, 0.4, f32::NAN, 0.8], &labels, Some(&[2.0, 1.0, 1.0, 1.0]), 2).unwrap();
        assert_eq!(bins.iter().map(|bin| (bin.count, bin.weight)).collect::<Vec<_>>(), [(1, 2.0), (2, 2.0)]);
        assert!(reliability(&[f32::NAN], &[1.0], None, 2).is_err());
        assert!(reliability(&[0.5], &[1.0], None, 0).is_err());
        assert!(reliability(&[], &[], None, 3).unwrap().is_empty());
    }

    #[test]
    fn ece_is_the_mean_distance_of_the_bins() {
        // Bins of two rows: |0.15 - 0.5| and |0.85 - 0.5|.
        let found = ece(&[0.1, 0.2, 0.8, 0.9], &[0.0, 1.0, 1.0, 0.0], None, 2).unwrap().unwrap();
        assert!((found - 0.35).abs() < 1e-7, "{found}");
        assert_eq!(ece(&[], &[], None, 2).unwrap(), None);
    }
}
