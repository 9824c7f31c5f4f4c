//! Parts of training.

use std::collections::BTreeMap;

use burn::config::Config;
use serde::{Deserialize, Serialize};

use crate::error::{self, Error};

/// A part of training: some epochs, whose losses they train, and what they move.
#[derive(Config, Debug, PartialEq)]
pub struct StageConfig {
    /// Passes over the training rows.
    pub epochs: usize,
    /// Whose losses train.
    #[config(default = "StageTasks::Joint")]
    pub tasks: StageTasks,
    /// Parts that stand still: lets, tasks (their towers), entities and features (their tables).
    #[config(default = "Vec::new()")]
    pub freeze: Vec<String>,
    /// Parts that alone move; where there are none, all.
    #[config(default = "Vec::new()")]
    pub train: Vec<String>,
    /// Factors on the learning rates of parts.
    #[config(default = "BTreeMap::new()")]
    pub lr: BTreeMap<String, f64>,
}

/// Whose losses a stage trains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageTasks {
    /// All tasks' together.
    Joint,
    /// One task's a batch, in turn.
    Alternate,
    /// These tasks' together.
    Only(Vec<String>),
}

impl StageTasks {
    /// Some tasks.
    pub fn only(tasks: &[&str]) -> Self {
        Self::Only(owned(tasks))
    }
}

impl StageConfig {
    /// The same with these parts frozen.
    pub fn freezing(self, parts: &[&str]) -> Self {
        self.with_freeze(owned(parts))
    }

    /// The same with these parts alone moving.
    pub fn training(self, parts: &[&str]) -> Self {
        self.with_train(owned(parts))
    }

    /// The same with these factors on learning rates.
    pub fn with_rates(self, rates: &[(&str, f64)]) -> Self {
        self.with_lr(rates.iter().map(|(part, factor)| ((*part).to_owned(), *factor)).collect())
    }

    /// Refuses numbers that no stage can have.
    pub(super) fn check(&self, at: usize) -> error::Result<()> {
        let refused = |what: String| Err(Error::config(format!("train.stages.{at}.{what}")));
        if self.epochs == 0 {
            return refused("epochs is 0, but it must be at least 1".into());
        }
        if !self.freeze.is_empty() && !self.train.is_empty() {
            return refused("train says what alone moves, and `freeze` what does not: set one of them".into());
        }
        match self.lr.iter().find(|(_, factor)| !(**factor > 0.0 && factor.is_finite())) {
            Some((part, factor)) => refused(format!("lr.{part} is {factor}, but it must be above 0")),
            None => Ok(()),
        }
    }

    /// What it is, for people: `click alone, h frozen`.
    pub fn describe(&self) -> String {
        let tasks = match &self.tasks {
            StageTasks::Joint => "all tasks".to_owned(),
            StageTasks::Alternate => "tasks in turn".to_owned(),
            StageTasks::Only(tasks) => tasks.join(", "),
        };
        let mut text = format!("{} epochs of {tasks}", self.epochs);
        if !self.freeze.is_empty() {
            text += &format!(", without {}", self.freeze.join(", "));
        }
        if !self.train.is_empty() {
            text += &format!(", in {} alone", self.train.join(", "));
        }
        for (part, factor) in &self.lr {
            text += &format!(", {part} at {factor} of its rate");
        }
        text
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
