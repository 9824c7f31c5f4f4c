//! Calibration: probabilities that are right on average, fitted on rows that no one trained on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::EvalError;
use crate::metrics::Columns;

mod isotonic;
mod logistic;

pub use isotonic::Isotonic;

/// A method of calibration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A line through the logits (Platt, 1999).
    Platt,
    /// A factor of the logits (Guo et al., ICML 2017).
    Temperature,
    /// The non-decreasing function of least squares.
    Isotonic,
    /// No fit: this share of the negative rows was kept, and no positive row left out.
    DownSampling(f64),
}

/// A non-decreasing function from a probability to a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calibrator {
    /// `sigmoid(slope * logit(p) + offset)`.
    Platt {
        /// Above 0.
        slope: f64,
        /// Any number.
        offset: f64,
    },
    /// `sigmoid(logit(p) / temperature)`.
    Temperature {
        /// Above 0: above 1 takes confidence away.
        temperature: f64,
    },
    /// Steps, with lines between them.
    Isotonic(Isotonic),
    /// `p r / (1 - p + r p)`: the odds times the rate.
    DownSampling {
        /// In (0, 1].
        rate: f64,
    },
}

impl Method {
    /// Fits the method to predictions and labels in 0..1. The rows that count are those of the metrics; an error without any,
    /// except where there is nothing to fit.
    pub fn fit(self, predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Calibrator, EvalError> {
        if let Self::DownSampling(rate) = self {
            return match rate > 0.0 && rate <= 1.0 {
                true => Ok(Calibrator::DownSampling { rate }),
                false => Err(EvalError::new(format!("a rate of down-sampling of {rate}"))
                    .remedy("it is the share of the negative rows that was kept, in (0, 1]")),
            };
        }
        let columns = Columns::new(predictions, labels).weights(weights).probabilities("calibration")?;
        if !(0..labels.len()).any(|i| columns.counts(i)) {
            return Err(EvalError::new("no rows with a label to fit a calibration to"));
        }
        Ok(match self {
            Self::Platt => {
                let [slope, offset] = logistic::fit(&columns, true);
                Calibrator::Platt { slope, offset }
            }
            Self::Temperature => {
                let [slope, _] = logistic::fit(&columns, false);
                Calibrator::Temperature { temperature: 1.0 / slope }
            }
            _ => Calibrator::Isotonic(Isotonic::fit(&columns)),
        })
    }
}

impl Calibrator {
    /// The calibrated probability. A probability outside 0..1 counts as the nearest inside, NaN stays NaN.
    pub fn apply(&self, probability: f64) -> f64 {
        let p = probability.clamp(0.0, 1.0);
        match self {
            Self::Platt { slope, offset } => logistic::sigmoid(slope * logistic::logit(p) + offset),
            Self::Temperature { temperature } => logistic::sigmoid(logistic::logit(p) / temperature),
            Self::Isotonic(isotonic) => isotonic.apply(p),
            Self::DownSampling { rate } => p * rate / (1.0 - p + rate * p),
        }
    }

    /// The calibrated probabilities of a column.
    pub fn column(&self, probabilities: &[f32]) -> Vec<f32> {
        probabilities.iter().map(|&p| self.apply(f64::from(p)) as f32).collect()
    }
}

impl fmt::Display for Calibrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platt { slope, offset } => write!(f, "platt(slope {slope:.4}, offset {offset:.4})"),
            Self::Temperature { temperature } => write!(f, "temperature({temperature:.4})"),
            Self::Isotonic(isotonic) => write!(f, "isotonic({} steps)", isotonic.steps()),
            Self::DownSampling { rate } => write!(f, "down_sampling(rate {rate})"),
        }
    }
}

#[cfg(test)]
mod tests;
