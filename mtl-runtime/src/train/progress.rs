//! How far a run is: what a checkpoint holds of it beside values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::teacher::Teacher;
use crate::report::Epoch;
use crate::subnets::Round;

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Finished epochs.
    pub epoch: usize,
    /// Finished batches of the epoch that is under way.
    pub batch: usize,
    /// Finished steps.
    pub step: u64,
    /// The epoch that is under way.
    pub under_way: Sums,
    /// One entry for each finished epoch.
    pub history: Vec<Epoch>,
    /// The best epoch so far, from 1, and its value of the `best` metric.
    pub best: Option<(usize, f64)>,
    /// Whether training ended before its last epoch because nothing got better.
    pub stopped_early: bool,
    /// The stage under way.
    #[serde(default)]
    pub stage: usize,
    /// How many epochs were finished when it began.
    #[serde(default)]
    pub stage_began: usize,
    /// By task, where each has a best epoch of its own: that epoch, and its value.
    #[serde(default)]
    pub best_of_tasks: Vec<Option<(usize, f64)>>,
    /// The task whose best epoch this is, for a file that is a model and no run.
    #[serde(default)]
    pub of_task: Option<String>,
    /// The saved model that teaches.
    #[serde(default)]
    pub teacher: Option<Teacher>,
    /// A checksum of the training rows.
    #[serde(default)]
    pub data: Option<u32>,
    /// Finished epochs of the search for masks.
    #[serde(default)]
    pub searched: usize,
    /// One entry for each finished round of the search.
    #[serde(default)]
    pub rounds: Vec<Round>,
    /// The metric of the best mask of the task whose rounds are under way.
    #[serde(default)]
    pub candidate: Option<f64>,
}

/// Sums over the batches of one epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sums {
    /// By task: its losses, each times the weight of its rows or pairs.
    pub losses: Vec<f64>,
    /// By task: the weight of its rows or pairs.
    pub weights: Vec<f64>,
    /// By summand of a task's loss: its losses, each times the weight of its rows, pairs or lists; and that weight.
    #[serde(default)]
    pub parts: Vec<(f64, f64)>,
    /// By name: what penalties added, and in how many steps.
    pub penalties: BTreeMap<String, (f64, usize)>,
    /// Rows.
    pub rows: usize,
    /// Time.
    pub seconds: f64,
}

impl Sums {
    /// The mean loss of each task so far.
    pub fn mean(&self) -> impl Iterator<Item = Option<f64>> {
        self.losses.iter().zip(&self.weights).map(|(loss, weight)| (*weight > 0.0).then(|| loss / weight))
    }
}
