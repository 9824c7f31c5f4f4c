//! Metrics that are means over rows: log loss, normalised entropy, calibration, accuracy, RMSE and MAE.

use super::columns::{Columns, Labels};
use crate::error::EvalError;

/// A function of the sums of three numbers of each row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mean {
    pub name: &'static str,
    pub labels: Labels,
    /// Of prediction, label and weight.
    pub term: fn(f64, f64, f64) -> [f64; 3],
    /// Of the sums.
    pub finish: fn([f64; 3]) -> Option<f64>,
}

impl Mean {
    fn of(&self, predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Option<f64>, EvalError> {
        let columns = Columns::new(predictions, labels).weights(weights).checked(self.name, self.labels)?;
        Ok((self.finish)(columns.sums(self.term)))
    }
}

/// The mean binary cross-entropy, with probabilities clipped to `1e-7..1 - 1e-7`. None without rows.
pub fn logloss(probabilities: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Option<f64>, EvalError> {
    LOGLOSS.of(probabilities, labels, weights)
}

/// The log loss over that of the best constant, the entropy of the mean label: 1 is as good as knowing the mean, 0 is perfect. None
/// where all labels are 0, or all are 1. (RCE is `100 (1 - NE)`.)
pub fn normalized_entropy(
    probabilities: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
) -> Result<Option<f64>, EvalError> {
    NORMALIZED_ENTROPY.of(probabilities, labels, weights)
}

/// Calibration: the sum of the predictions over the sum of the labels; 1 is calibrated, more is over-prediction. None if the
/// labels sum to 0.
pub fn pcoc(predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Option<f64>, EvalError> {
    PCOC.of(predictions, labels, weights)
}

/// The share of the rows on the right side of 0.5 (0.5 says yes). A soft label `y` counts as `y` of a positive and `1 - y` of a
/// negative row. None without rows.
pub fn accuracy(probabilities: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Option<f64>, EvalError> {
    ACCURACY.of(probabilities, labels, weights)
}

/// The root of the mean squared error, in the unit of the labels. None without rows.
pub fn rmse(predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Option<f64>, EvalError> {
    RMSE.of(predictions, labels, weights)
}

/// The mean absolute error, in the unit of the labels. None without rows.
pub fn mae(predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Option<f64>, EvalError> {
    MAE.of(predictions, labels, weights)
}

pub(crate) const LOGLOSS: Mean = Mean {
    name: "the log loss",
    labels: Labels::Event,
    term: |p, y, w| [w * cross_entropy(p, y), 0.0, w],
    finish: ratio,
};

pub(crate) const NORMALIZED_ENTROPY: Mean = Mean {
    name: "normalised entropy",
    labels: Labels::Event,
    term: |p, y, w| [w * cross_entropy(p, y), w * y, w],
    finish: |[loss, positives, rows]| {
        let mean = positives / rows;
        let entropy = -(mean * mean.ln() + (1.0 - mean) * (-mean).ln_1p());
        (mean > 0.0 && mean < 1.0).then(|| loss / rows / entropy)
    },
};

pub(crate) const PCOC: Mean = Mean {
    name: "PCOC",
    labels: Labels::Any,
    term: |p, y, w| [w * p, 0.0, w * y],
    finish: |[predicted, _, observed]| (observed != 0.0).then(|| predicted / observed),
};

pub(crate) const ACCURACY: Mean = Mean {
    name: "accuracy",
    labels: Labels::Event,
    term: |p, y, w| [w * if p >= 0.5 { y } else { 1.0 - y }, 0.0, w],
    finish: ratio,
};

pub(crate) const RMSE: Mean = Mean {
    name: "RMSE",
    labels: Labels::Any,
    term: |p, y, w| [w * (p - y).powi(2), 0.0, w],
    finish: |sums| ratio(sums).map(f64::sqrt),
};

pub(crate) const MAE: Mean =
    Mean { name: "MAE", labels: Labels::Any, term: |p, y, w| [w * (p - y).abs(), 0.0, w], finish: ratio };

/// Of the probability of each row's class.
pub(crate) const CLASS_LOGLOSS: Mean =
    Mean { name: "the log loss", labels: Labels::Any, term: |p, _, w| [w * -p.max(1e-7).ln(), 0.0, w], finish: ratio };

/// Of 1 for each row whose class is the most probable one, and 0 for the others.
pub(crate) const CLASS_ACCURACY: Mean =
    Mean { name: "accuracy", labels: Labels::Any, term: |hit, _, w| [w * hit, 0.0, w], finish: ratio };

fn ratio([sum, _, total]: [f64; 3]) -> Option<f64> {
    (total > 0.0).then(|| sum / total)
}

fn cross_entropy(p: f64, y: f64) -> f64 {
    let p = p.clamp(1e-7, 1.0 - 1e-7);
    -(y * p.ln() + (1.0 - y) * (-p).ln_1p())
}
