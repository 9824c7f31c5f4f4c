//! How the parameters of a score are searched.

use super::{Number, TaskId};
use crate::source::Span;

/// `tune { ... }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tune {
    /// The rank that is tuned, by position.
    pub rank: usize,
    /// What is made large: one goal, or two or three between which the front is explored.
    pub goals: Vec<Goal>,
    /// What must not be negative.
    pub constraints: Vec<Goal>,
    /// How points are chosen.
    pub method: Search,
    /// The parameters that are tuned: ranks and their parameters by position.
    pub params: Vec<(usize, usize)>,
}

/// A weighted sum of metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// Factors and metrics.
    pub terms: Vec<(f64, ScoreMetric)>,
    /// What is added.
    pub constant: f64,
    /// Where it stands.
    pub span: Span,
}

/// A metric of the score against the labels of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreMetric {
    /// Which, of [`SCORE_METRICS`](crate::schema::tune::SCORE_METRICS).
    pub name: &'static str,
    /// Whose labels.
    pub task: TaskId,
    /// How many rows of a group count, where that matters.
    pub k: Option<Number>,
}

/// How points are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Search {
    /// `cma_es(evaluations: n)`
    CmaEs {
        /// How many points.
        evaluations: Number,
    },
    /// `random(evaluations: n)`
    Random {
        /// How many points.
        evaluations: Number,
    },
    /// `grid(steps: n)`
    Grid {
        /// How many values of each parameter.
        steps: Number,
    },
}
