//! What makes one epoch better than another.

use serde::{Deserialize, Serialize};

use crate::error::{self, Error};

/// What makes one epoch better than another: a metric on the validation rows, or a sum of several, each times a factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The metric, on the validation rows.
    pub metric: BestMetric,
    /// The task it is measured on; without one, the mean over the tasks it applies to.
    pub task: Option<String>,
    /// Its factor.
    #[serde(default = "one")]
    pub factor: f64,
    /// What is added to it.
    #[serde(default)]
    pub more: Vec<BestTerm>,
    /// Whether the best epoch of each task is kept too, by its own metric.
    #[serde(default)]
    pub each: bool,
}

/// A summand of [`Best`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestTerm {
    /// The metric.
    pub metric: BestMetric,
    /// The task; without one, the mean over the tasks it applies to.
    pub task: Option<String>,
    /// Its factor.
    pub factor: f64,
}

/// A metric that can pick the best epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BestMetric {
    /// Area under the ROC curve; higher is better.
    Auc,
    /// AUC within groups, weighted by their rows; higher is better.
    Gauc,
    /// Mean binary cross-entropy; lower is better.
    Logloss,
    /// Root mean square error; lower is better.
    Rmse,
    /// The share of rows whose most probable class is theirs; higher is better.
    Accuracy,
    /// The training objective; lower is better.
    Loss,
}

fn one() -> f64 {
    1.0
}

impl Best {
    /// The mean of a metric over the tasks it applies to.
    pub fn new(metric: BestMetric) -> Self {
        Self { metric, task: None, factor: 1.0, more: Vec::new(), each: false }
    }

    /// A metric of one task.
    pub fn of(metric: BestMetric, task: &str) -> Self {
        Self { task: Some(task.into()), ..Self::new(metric) }
    }

    /// The same times a factor.
    pub fn times(mut self, factor: f64) -> Self {
        self.factor *= factor;
        self.more.iter_mut().for_each(|term| term.factor *= factor);
        self
    }

    /// The sum of both.
    pub fn plus(mut self, other: Self) -> Self {
        self.more.extend(other.terms());
        self
    }

    /// The same, and the best epoch of each task beside it.
    pub fn and_of_each(mut self) -> Self {
        self.each = true;
        self
    }

    /// Its summands.
    pub fn terms(&self) -> Vec<BestTerm> {
        let first = BestTerm { metric: self.metric, task: self.task.clone(), factor: self.factor };
        std::iter::once(first).chain(self.more.iter().cloned()).collect()
    }

    /// Whether a higher sum is better.
    pub fn ascending(&self) -> bool {
        self.metric.ascending() == (self.factor > 0.0)
    }

    pub(super) fn check(&self, grouped: bool) -> error::Result<()> {
        let refused = |what: String| Err(Error::config(what));
        for term in self.terms() {
            if term.metric == BestMetric::Gauc && !grouped {
                return refused("train.best is gauc, which needs train.group_by: the column that groups rows".into());
            }
            if term.metric == BestMetric::Loss && term.task.is_some() {
                return refused("train.best is loss, the objective of all tasks together: it takes no task".into());
            }
            let (name, factor) = (term.name(), term.factor);
            if factor == 0.0 || !factor.is_finite() {
                return refused(format!(
                    "train.best has {factor} times {name}, but a factor must be a number other than 0"
                ));
            }
            if self.ascending() != (term.metric.ascending() == (factor > 0.0)) {
                return refused(format!(
                    "train.best adds {factor} times {name}, which falls where the first metric rises as a model gets better, or the other way \
                     round: give one of them a factor below 0"
                ));
            }
        }
        Ok(())
    }
}

impl BestTerm {
    /// As it is written: `auc(click)`.
    pub fn name(&self) -> String {
        let metric = self.metric.name();
        self.task.as_ref().map_or_else(|| metric.to_owned(), |task| format!("{metric}({task})"))
    }
}

impl BestMetric {
    /// Whether a higher value is better.
    pub fn ascending(self) -> bool {
        matches!(self, Self::Auc | Self::Gauc | Self::Accuracy)
    }

    /// Its name in specs and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auc => "auc",
            Self::Gauc => "gauc",
            Self::Logloss => "logloss",
            Self::Rmse => "rmse",
            Self::Accuracy => "accuracy",
            Self::Loss => "loss",
        }
    }
}
