//! Predictions beside labels in a file, to compare another model with on the same rows.

use std::fmt::Write;
use std::path::Path;

use super::Subject;
use crate::error::{Error, Result};
use crate::report::{Named, Report};

/// Predictions, and labels beside them.
type Column = (Vec<f32>, Vec<f32>);

/// What a model is compared with.
#[derive(Debug, Clone)]
pub enum Baseline {
    /// The report of a run: differences without intervals.
    Report(Box<Report>),
    /// Predictions of the same rows: differences with intervals.
    Predictions(SavedPredictions),
}

/// Predictions and labels by split, then by what is measured: the content of `--save-predictions FILE`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SavedPredictions {
    pub(super) splits: Named<Named<Column>>,
}

impl Baseline {
    /// Reads the JSON of a report, or saved predictions.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| Error::io(path, error))?;
        if !text.trim_start().starts_with('{') {
            return SavedPredictions::parse(&text, path).map(Self::Predictions);
        }
        serde_json::from_str(&text).map(|report| Self::Report(Box::new(report))).map_err(|error| {
            Error::data(format!("{}: no report of `train --json` or `evaluate --json`: {error}", path.display()))
        })
    }
}

impl SavedPredictions {
    /// Adds what is measured on a split.
    pub(crate) fn add(&mut self, split: &str, subjects: &[Subject]) {
        let of = |subject: &Subject| (subject.name(), (subject.predictions.to_vec(), subject.labels.to_vec()));
        self.splits.set(split, subjects.iter().map(of).collect());
    }

    /// Writes a CSV file: the split, and for everything that is measured its prediction and its label, which is empty where there is
    /// none. Numbers have as many digits as they need to be read back.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut text = String::new();
        for (number, (split, subjects)) in self.splits.iter().enumerate() {
            if number == 0 {
                text += "split";
                subjects.iter().for_each(|(name, _)| _ = write!(text, ",{name},{name} label"));
                text += "\n";
            }
            let rows = subjects.iter().next().map_or(0, |(_, (predictions, _))| predictions.len());
            for row in 0..rows {
                text += split;
                for (_, (predictions, labels)) in subjects.iter() {
                    let label = labels[row];
                    let _ = match label.is_nan() {
                        true => write!(text, ",{},", predictions[row]),
                        false => write!(text, ",{},{label}", predictions[row]),
                    };
                }
                text += "\n";
            }
        }
        std::fs::write(path, text).map_err(|error| Error::io(path, error))
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let refused = |line: usize, what: &str| {
            let remedy = "name a file of `evaluate --save-predictions`, or a report of `--json`";
            Error::data(format!("{}:{line}: {what}: {remedy}", path.display()))
        };
        let mut lines = text.lines().enumerate();
        let header: Vec<&str> = lines.next().map_or(Vec::new(), |(_, line)| line.split(',').collect());
        let names: Vec<&str> = header.iter().skip(1).step_by(2).copied().collect();
        let labelled = names
            .iter()
            .enumerate()
            .all(|(at, name)| header.get(2 * at + 2).is_some_and(|label| label.strip_suffix(" label") == Some(name)));
        if header.first() != Some(&"split") || names.is_empty() || !labelled {
            return Err(refused(1, "this is no header of saved predictions"));
        }
        let mut splits: Vec<(String, Vec<Column>)> = Vec::new();
        for (at, line) in lines {
            let mut fields = line.split(',');
            let split = fields.next().unwrap_or_default();
            if splits.last().is_none_or(|(known, _)| known != split) {
                splits.push((split.to_owned(), vec![Default::default(); names.len()]));
            }
            let mut number = |empty: bool| match fields.next() {
                Some("") if empty => Ok(f32::NAN),
                Some(field) => field.parse::<f32>().map_err(|_| refused(at + 1, &format!("`{field}` is no number"))),
                None => Err(refused(at + 1, "too few fields")),
            };
            for (predictions, labels) in splits.last_mut().into_iter().flat_map(|(_, columns)| columns) {
                predictions.push(number(false)?);
                labels.push(number(true)?);
            }
            if fields.next().is_some() {
                return Err(refused(at + 1, "too many fields"));
            }
        }
        let of_names = |columns: Vec<_>| names.iter().copied().zip(columns).collect();
        Ok(Self { splits: splits.into_iter().map(|(split, columns)| (split, of_names(columns))).collect() })
    }
}
