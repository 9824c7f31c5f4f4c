//! What scores read of rows, and the scores: the one way for training, evaluation, prediction and explanation.

use std::collections::BTreeMap;
use std::fmt;

use mtl_data::Dataset;
use mtl_data::schema::Schema;
use mtl_eval::calibration::{Calibrator, Method as Calibration};
use mtl_eval::report::CALIBRATED;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::loss::prediction_names;
use crate::model::{Input, Model, Rank};

mod learned;

pub use learned::{Fusions, Learned, LearnedInput};
pub(crate) use learned::{check_options, check_rows, check_same, is_fitted, unfitted};

/// Calibrators of tasks, by name. A task without one is as it was predicted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Calibrators(BTreeMap<String, Calibrator>);

impl Calibrators {
    /// Those of a model, fitted to predictions `[rows, P]` of rows with labels that nobody trained on.
    pub(crate) fn fit<M: Model>(
        config: &M::Config,
        schema: &Schema,
        predictions: &[f32],
        dataset: &Dataset,
    ) -> Result<Self> {
        let names = prediction_names(schema);
        let fit = |(task, method): (&'static str, Calibration)| {
            let place = names.iter().position(|known| known == task).unwrap_or_default();
            let column: Vec<f32> = predictions.iter().skip(place).step_by(names.len()).copied().collect();
            let t = schema.tasks.iter().position(|known| known.name == task).unwrap_or_default();
            let found = method.fit(&column, &dataset.labels[t], dataset.weights[t].as_deref());
            let found = found.map_err(|error| Error::data(format!("calibration of `{task}`: {error}")))?;
            Ok((task.to_owned(), found))
        };
        M::calibrations(config).into_iter().map(fit).collect::<Result<_>>().map(Self)
    }

    /// These, with those of a model that are nothing to fit, under a configuration.
    pub(crate) fn under<M: Model>(mut self, config: &M::Config) -> Result<Self> {
        for (task, method) in M::calibrations(config) {
            if let Calibration::DownSampling(_) = method {
                let found = method.fit(&[], &[], None);
                self.set(task, found.map_err(|error| Error::config(format!("calibration of `{task}`: {error}")))?);
            }
        }
        Ok(self)
    }

    /// Sets the calibrator of a task.
    pub fn set(&mut self, task: &str, calibrator: Calibrator) {
        self.0.insert(task.to_owned(), calibrator);
    }

    /// The calibrator of a task.
    pub fn get(&self, task: &str) -> Option<&Calibrator> {
        self.0.get(task)
    }

    /// The calibrated probability of a task.
    pub fn apply(&self, task: &str, probability: f64) -> f64 {
        self.get(task).map_or(probability, |calibrator| calibrator.apply(probability))
    }
}

/// What the calibrated probability of a task is called where it stands beside the prediction.
pub fn calibrated_name(task: &str) -> String {
    format!("{task}{CALIBRATED}")
}

/// A number that a score reads, without a default, and that a row does not have; or [what was not fitted](Self::FIT).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingInput {
    /// The row.
    pub row: usize,
    /// The score.
    pub rank: &'static str,
    /// What is missing, as the formula has it.
    pub input: &'static str,
}

impl MissingInput {
    /// In place of an input: the score is learned, and was not fitted.
    pub const FIT: &str = "fuse(...)";

    /// A learned score that was not fitted.
    pub fn fit(rank: &'static str) -> Self {
        Self { row: 0, rank, input: Self::FIT }
    }
}

impl fmt::Display for MissingInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, rank, input } = self;
        if *input == Self::FIT {
            return write!(
                f,
                "the learned score `{rank}` was not fitted: train the model, and take the ranks of its configuration"
            );
        }
        write!(f, "the score `{rank}` reads `{input}`, which row {row} does not have: ")?;
        write!(f, "give each row one, or the formula a default, as in `{input} ?? 0.0`")
    }
}

impl std::error::Error for MissingInput {}

impl From<MissingInput> for Error {
    fn from(missing: MissingInput) -> Self {
        Error::data(missing.to_string())
    }
}

/// What scores read of many rows: predictions, and behind them the [inputs](Model::inputs) of the model, missing ones NaN.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    predictions: &'a [f32],
    /// Predictions of a row.
    width: usize,
    more: Vec<(String, Vec<f64>)>,
}

impl<'a> Inputs<'a> {
    /// Those of the rows of a dataset with their predictions, `[rows, P]`. Places are within the groups of the dataset.
    pub fn of<M: Model>(
        schema: &Schema,
        predictions: &'a [f32],
        dataset: &Dataset,
        calibrators: &Calibrators,
    ) -> Result<Self> {
        let of = prediction_names(schema);
        let column = |name: &str| {
            let place = of.iter().position(|known| known == name);
            let place = place.unwrap_or_else(|| unreachable!("a score reads predictions, and `{name}` is none"));
            predictions.iter().skip(place).step_by(of.len()).copied()
        };
        let values = |input: &Input| match *input {
            Input::Calibrated(task) => column(task).map(|p| calibrated(calibrators, task, p)).collect(),
            Input::Position(of) => {
                let groups = dataset.groups.as_deref().ok_or_else(|| {
                    Error::config(
                        "a score reads places within a request, which needs train.group_by: the column of requests",
                    )
                })?;
                Ok(positions(&column(of).collect::<Vec<_>>(), groups))
            }
            Input::Number(name) => {
                let place = schema.scores.numbers.iter().position(|(feature, _)| feature == name);
                let numbers = place.and_then(|place| dataset.numbers.get(place));
                numbers.cloned().ok_or_else(|| Error::data(format!("the rows have no `{name}`, which a score reads")))
            }
        };
        let more = M::inputs().iter().map(|input| Ok((input.to_string(), values(input)?))).collect::<Result<_>>()?;
        Ok(Self { predictions, width: of.len(), more })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.predictions.len() / self.width.max(1)
    }

    /// What is read beside predictions, by name.
    pub fn into_more(self) -> Vec<(String, Vec<f64>)> {
        self.more
    }

    /// Writes what is known of a row where scores read it.
    fn fill(&self, row: usize, out: &mut [f64]) {
        let (predictions, more) = out.split_at_mut(self.width);
        let from = &self.predictions[row * self.width..(row + 1) * self.width];
        predictions.iter_mut().zip(from).for_each(|(to, from)| *to = f64::from(*from));
        more.iter_mut().zip(&self.more).for_each(|(to, (_, values))| *to = values[row]);
    }

    fn check<C: 'static>(rank: &Rank<C>, row: usize, known: &[f64]) -> Result<()> {
        match rank.needs.iter().find(|(place, _)| known[*place].is_nan()) {
            None => Ok(()),
            Some((_, input)) => Err(MissingInput { row, rank: rank.name, input }.into()),
        }
    }

    /// What is known of each row, `[rows, width]` row-major, where a score has all that it needs.
    pub(crate) fn matrix<C: 'static>(&self, rank: &Rank<C>) -> Result<(usize, Vec<f64>)> {
        let width = self.width + self.more.len();
        let mut values = vec![f64::NAN; self.rows() * width];
        for (row, known) in values.chunks_exact_mut(width.max(1)).enumerate() {
            self.fill(row, known);
            Self::check(rank, row, known)?;
        }
        Ok((width, values))
    }

    /// The score of each row. One that reads a learned score which was not fitted is an error.
    pub fn scores<M: Model>(&self, rank: &Rank<M::Config>, config: &M::Config) -> Result<Vec<f64>> {
        if let Some(learned) = unfitted::<M>(rank.name, config) {
            return Err(MissingInput::fit(learned).into());
        }
        let mut known = vec![f64::NAN; self.width + self.more.len()];
        let score = |row| {
            self.fill(row, &mut known);
            Self::check(rank, row, &known)?;
            Ok((rank.score)(config, &known))
        };
        (0..self.rows()).map(score).collect()
    }

    /// The parts of the score of a row.
    pub fn terms<C: 'static>(&self, rank: &Rank<C>, config: &C, row: usize) -> Result<Vec<(&'static str, f64)>> {
        let mut known = vec![f64::NAN; self.width + self.more.len()];
        self.fill(row, &mut known);
        Self::check(rank, row, &known)?;
        Ok((rank.terms)(config, &known))
    }
}

fn calibrated(calibrators: &Calibrators, task: &str, prediction: f32) -> Result<f64> {
    let calibrated = calibrators.apply(task, f64::from(prediction));
    match (0.0..=1.0).contains(&calibrated) {
        true => Ok(calibrated),
        false => Err(Error::data(format!("the calibration of `{task}` makes {calibrated} of {prediction}"))),
    }
}

/// The place of each value within its group, from 1 for the greatest; equal ones share the middle of their places.
pub fn positions(values: &[f32], groups: &[u64]) -> Vec<f64> {
    // Adding 0 makes one zero of two.
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| groups[a].cmp(&groups[b]).then((values[b] + 0.0).total_cmp(&(values[a] + 0.0))));
    let mut places = vec![0.0; values.len()];
    for group in order.chunk_by(|&a, &b| groups[a] == groups[b]) {
        let mut before = 0;
        for tied in group.chunk_by(|&a, &b| values[a] == values[b]) {
            let place = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
            tied.iter().for_each(|&row| places[row] = place);
            before += tied.len();
        }
    }
    places
}

#[cfg(test)]
mod tests;
