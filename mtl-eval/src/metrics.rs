//! Metrics of predictions against labels: AUC, GAUC, log loss, calibration and RMSE.
//!
//! Every metric takes whole columns (never averages over batches), skips rows whose label is NaN (missing, or outside the
//! task's sample space) or whose weight is 0, counts a row `weight` times, computes in `f64`, gives `None` where it is undefined,
//! and refuses NaN predictions.

pub(crate) mod columns;
mod reliability;

pub use columns::Columns;
pub use reliability::{Bin, ece, reliability};

use crate::error::EvalError;

/// AUC within groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gauc {
    /// The mean of the groups' AUC, weighted by their rows.
    pub value: f64,
    /// The groups that have both classes: the others have no AUC.
    pub groups_used: usize,
    /// All groups.
    pub groups: usize,
    /// The rows of the groups that have both classes.
    pub rows_used: usize,
    /// All rows.
    pub rows: usize,
}

/// One row with a label.
#[derive(Clone, Copy)]
struct Row {
    group: u64,
    score: f64,
    positive: f64,
    negative: f64,
}

/// The area under the ROC curve: the probability that a positive row has a higher score than a negative one, where a tie counts
/// one half. A soft label `y` counts as `y` of a positive and `1 - y` of a negative row. None without both classes.
/// `O(n log n)`.
pub fn auc(scores: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Option<f64>, EvalError> {
    let mut rows = rows(scores, labels, weights, None)?;
    rows.sort_unstable_by(|a, b| a.score.total_cmp(&b.score));
    Ok(sorted_auc(&rows))
}

/// AUC within groups (the impressions of one user, say), averaged by the groups' rows: Zhou et al., KDD 2018 (DIN). Groups
/// with one class are left out. None if all are.
pub fn gauc(scores: &[f32], labels: &[f32], groups: &[u64]) -> Result<Option<Gauc>, EvalError> {
    let mut rows = rows(scores, labels, None, Some(groups))?;
    rows.sort_unstable_by(|a, b| a.group.cmp(&b.group).then(a.score.total_cmp(&b.score)));
    let mut result = Gauc { value: 0.0, groups_used: 0, groups: 0, rows_used: 0, rows: rows.len() };
    for group in rows.chunk_by(|a, b| a.group == b.group) {
        result.groups += 1;
        if let Some(auc) = sorted_auc(group) {
            result.groups_used += 1;
            result.rows_used += group.len();
            result.value += auc * group.len() as f64;
        }
    }
    result.value /= result.rows_used as f64;
    Ok((result.groups_used > 0).then_some(result))
}

/// The mean binary cross-entropy, with probabilities clipped to `1e-7..1 - 1e-7`. None without rows.
pub fn logloss(probabilities: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Option<f64>, EvalError> {
    mean(probabilities, labels, weights, |p, y| {
        let p = p.clamp(1e-7, 1.0 - 1e-7);
        -(y * p.ln() + (1.0 - y) * (-p).ln_1p())
    })
}

/// Calibration: the sum of the predictions over the sum of the labels; 1 is calibrated, more is over-prediction. None if the
/// labels sum to 0.
pub fn pcoc(predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Option<f64>, EvalError> {
    let predicted = mean(predictions, labels, weights, |p, _| p)?;
    let observed = mean(predictions, labels, weights, |_, y| y)?;
    Ok(predicted
        .zip(observed)
        .filter(|(_, observed)| *observed != 0.0)
        .map(|(predicted, observed)| predicted / observed))
}

/// The root of the mean squared error, in the unit of the labels. None without rows.
pub fn rmse(predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Option<f64>, EvalError> {
    Ok(mean(predictions, labels, weights, |p, y| (p - y).powi(2))?.map(f64::sqrt))
}

fn rows(
    scores: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
    groups: Option<&[u64]>,
) -> Result<Vec<Row>, EvalError> {
    check(scores, labels, weights)?;
    if let Some(groups) = groups.filter(|groups| groups.len() != scores.len()) {
        return Err(lengths("groups", groups.len(), scores.len()));
    }
    let counted = (0..scores.len()).filter(|&i| counts(labels, weights, i));
    let row = |i: usize| {
        let (y, weight) = (f64::from(labels[i]), weight(weights, i));
        // Adding 0 makes one score of 0 and -0.
        let score = f64::from(scores[i]) + 0.0;
        Row { group: groups.map_or(0, |groups| groups[i]), score, positive: y * weight, negative: (1.0 - y) * weight }
    };
    let rows: Vec<Row> = counted.map(row).collect();
    match rows.iter().find(|row| row.positive < 0.0 || row.negative < 0.0) {
        Some(_) => Err(EvalError::new("AUC needs labels in 0..1 and weights that are not negative")),
        None => Ok(rows),
    }
}

/// AUC of rows in the order of their scores.
fn sorted_auc(rows: &[Row]) -> Option<f64> {
    let (mut below, mut positives, mut won) = (0.0, 0.0, 0.0);
    for tied in rows.chunk_by(|a, b| a.score == b.score) {
        let positive: f64 = tied.iter().map(|row| row.positive).sum();
        let negative: f64 = tied.iter().map(|row| row.negative).sum();
        won += positive * (below + negative / 2.0);
        below += negative;
        positives += positive;
    }
    (positives > 0.0 && below > 0.0).then(|| won / (positives * below))
}

fn mean(
    predictions: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
    f: impl Fn(f64, f64) -> f64,
) -> Result<Option<f64>, EvalError> {
    check(predictions, labels, weights)?;
    let (mut sum, mut total) = (0.0, 0.0);
    for i in (0..labels.len()).filter(|&i| counts(labels, weights, i)) {
        let weight = weight(weights, i);
        sum += weight * f(f64::from(predictions[i]), f64::from(labels[i]));
        total += weight;
    }
    Ok((total > 0.0).then(|| sum / total))
}

fn weight(weights: Option<&[f32]>, i: usize) -> f64 {
    weights.map_or(1.0, |weights| f64::from(weights[i]))
}

fn counts(labels: &[f32], weights: Option<&[f32]>, i: usize) -> bool {
    !labels[i].is_nan() && weight(weights, i) != 0.0
}

fn check(scores: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<(), EvalError> {
    if labels.len() != scores.len() {
        return Err(lengths("labels", labels.len(), scores.len()));
    }
    if let Some(weights) = weights.filter(|weights| weights.len() != scores.len()) {
        return Err(lengths("weights", weights.len(), scores.len()));
    }
    match (0..scores.len()).find(|&i| scores[i].is_nan() && counts(labels, weights, i)) {
        Some(row) => {
            Err(EvalError::new("a prediction is NaN").at_row(row).remedy("the training diverged: lower its rate"))
        }
        None => Ok(()),
    }
}

fn lengths(what: &str, found: usize, expected: usize) -> EvalError {
    EvalError::new(format!("{found} {what} for {expected} predictions"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f32; 5] = [0.9, 0.5, 0.5, 0.5, 0.1];
    const LABELS: [f32; 5] = [1.0, 1.0, 0.0, 0.0, 0.0];

    fn close(found: Result<Option<f64>, EvalError>, expected: f64) {
        let found = found.unwrap().unwrap();
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }

    #[test]
    fn a_tie_counts_one_half() {
        close(auc(&SCORES, &LABELS, None), 0.833_333_333);
        close(auc(&[0.0, -0.0], &[1.0, 0.0], None), 0.5);
    }

    #[test]
    fn weights_count_rows_that_often() {
        close(auc(&SCORES, &LABELS, Some(&[1.0; 5])), 0.833_333_333);
        // Pairs: 3 * 5. The first positive wins 5, the tied one 2 * (2 / 2 + 3).
        close(auc(&SCORES, &LABELS, Some(&[1.0, 2.0, 1.0, 1.0, 3.0])), 13.0 / 15.0);
    }

    #[test]
    fn undefined_is_none_and_nan_is_an_error() {
        assert_eq!(auc(&[0.1, 0.2], &[1.0, 1.0], None).unwrap(), None);
        assert_eq!(auc(&[], &[], None).unwrap(), None);
        assert_eq!(logloss(&[0.5], &[f32::NAN], None).unwrap(), None);
        assert_eq!(pcoc(&[0.5], &[0.0], None).unwrap(), None);
        assert_eq!(gauc(&[0.1, 0.2], &[1.0, 0.0], &[1, 2]).unwrap(), None);
        let error = rmse(&[0.5, f32::NAN], &[1.0, 1.0], None).unwrap_err();
        assert_eq!(error.row(), Some(1));
        assert!(auc(&[0.5], &[1.0, 0.0], None).is_err());
        assert!(auc(&[0.5, 0.5], &[2.0, 0.0], None).is_err());
        assert!(gauc(&[0.5], &[1.0], &[]).is_err());
    }

    #[test]
    fn rows_without_label_or_weight_do_not_count() {
        let scores = [f32::NAN, 0.9, 0.5, 0.5, 0.5, 0.1, f32::NAN];
        let labels = [f32::NAN, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        close(auc(&scores, &labels, Some(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0])), 0.833_333_333);
    }

    #[test]
    fn gauc_weighs_groups_by_rows_and_leaves_out_one_class() {
        // Group 1: AUC 1 over 2 rows; group 2: AUC 0 over 4 rows, 1 positive; group 3: one class.
        let scores = [0.9, 0.1, 0.1, 0.2, 0.3, 0.4, 0.5];
        let labels = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let result = gauc(&scores, &labels, &[1, 1, 2, 2, 2, 2, 3]).unwrap().unwrap();
        assert!((result.value - 2.0 / 6.0).abs() < 1e-12);
        assert_eq!((result.groups_used, result.groups, result.rows_used, result.rows), (2, 3, 6, 7));
    }

    #[test]
    fn goldens() {
        close(logloss(&[0.8, 0.3], &[1.0, 0.0], None), -(0.8f64.ln() + 0.7f64.ln()) / 2.0);
        close(logloss(&[0.8, 0.3], &[1.0, 0.0], Some(&[3.0, 1.0])), -(3.0 * 0.8f64.ln() + 0.7f64.ln()) / 4.0);
        // Clipped, not infinite.
        close(logloss(&[0.0], &[1.0], None), -(1e-7f64.ln()));
        close(logloss(&[1.0], &[0.0], None), -(1e-7f64.ln()));
        close(pcoc(&[0.5, 0.3, 0.4], &[1.0, 0.0, 0.0], None), 1.2);
        close(pcoc(&[0.5, 0.3, 0.4], &[1.0, 0.0, 0.0], Some(&[1.0, 2.0, 0.0])), 1.1);
        close(rmse(&[1.0, 2.0], &[2.0, 4.0], None), 2.5f64.sqrt());
    }
}
