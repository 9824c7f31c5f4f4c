//! Predictions beside labels in a file, to compare another model with on the same rows.

use std::fmt::Write;
use std::path::Path;

use super::{Subject, Subjects};
use crate::error::{Error, Result};
use crate::report::{Named, Report};

/// Predictions, one for each row or one for each class of each row, and labels beside them.
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
    pub(crate) fn add(&mut self, split: &str, subjects: &Subjects) {
        let of = |subject: &Subject| (subject.name(), (subject.predictions.to_vec(), subject.labels.to_vec()));
        self.splits.set(split, subjects.all.iter().map(of).collect());
    }

    /// Writes a CSV file: the split, and for everything that is measured its prediction and its label, which is empty where there is
    /// none; of a task of several classes the probability of each. Numbers have as many digits as they need to be read back.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut text = String::new();
        for (number, (split, subjects)) in self.splits.iter().enumerate() {
            let rows = subjects.iter().next().map_or(0, |(_, (_, labels))| labels.len());
            if number == 0 {
                text += "split";
                for (name, (predictions, _)) in subjects.iter() {
                    columns(name, predictions.len() / rows.max(1)).for_each(|column| _ = write!(text, ",{column}"));
                    let _ = write!(text, ",{name}{LABEL}");
                }
                text += "\n";
            }
            for row in 0..rows {
                text += split;
                for (_, (predictions, labels)) in subjects.iter() {
                    let width = predictions.len() / rows;
                    predictions[row * width..][..width].iter().for_each(|p| _ = write!(text, ",{p}"));
                    let label = labels[row];
                    let _ = if label.is_nan() { write!(text, ",") } else { write!(text, ",{label}") };
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
        let measured =
            header.split_first().filter(|(first, _)| **first == "split").and_then(|(_, rest)| measured(rest));
        let Some(measured) = measured.filter(|measured| !measured.is_empty()) else {
            return Err(refused(1, "this is no header of saved predictions"));
        };
        let mut splits: Vec<(String, Vec<Column>)> = Vec::new();
        for (at, line) in lines {
            let mut fields = line.split(',');
            let split = fields.next().unwrap_or_default();
            if splits.last().is_none_or(|(known, _)| known != split) {
                splits.push((split.to_owned(), vec![Default::default(); measured.len()]));
            }
            let mut number = |empty: bool| match fields.next() {
                Some("") if empty => Ok(f32::NAN),
                Some(field) => field.parse::<f32>().map_err(|_| refused(at + 1, &format!("`{field}` is no number"))),
                None => Err(refused(at + 1, "too few fields")),
            };
            let columns = splits.last_mut().into_iter().flat_map(|(_, columns)| columns);
            for ((predictions, labels), (_, width)) in columns.zip(&measured) {
                for _ in 0..*width {
                    predictions.push(number(false)?);
                }
                labels.push(number(true)?);
            }
            if fields.next().is_some() {
                return Err(refused(at + 1, "too many fields"));
            }
        }
        let of_names = |columns: Vec<_>| measured.iter().map(|(name, _)| *name).zip(columns).collect();
        Ok(Self { splits: splits.into_iter().map(|(split, columns)| (split, of_names(columns))).collect() })
    }
}

/// What follows a name where its label stands.
const LABEL: &str = " label";

/// The columns of what has so many predictions a row.
fn columns(name: &str, width: usize) -> impl Iterator<Item = String> {
    (0..width).map(move |class| if width == 1 { name.to_owned() } else { format!("{name}_{class}") })
}

/// What a header names, with its predictions a row: its columns, then its label.
fn measured<'a>(mut header: &[&'a str]) -> Option<Vec<(&'a str, usize)>> {
    let mut found = Vec::new();
    while !header.is_empty() {
        let width = header.iter().position(|column| column.ends_with(LABEL))?;
        let name = header[width].strip_suffix(LABEL)?;
        if width == 0 || !columns(name, width).eq(header[..width].iter().copied()) {
            return None;
        }
        found.push((name, width));
        header = &header[width + 1..];
    }
    Some(found)
}
