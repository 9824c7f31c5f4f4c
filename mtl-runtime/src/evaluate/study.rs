//! Evaluation beyond one table: chosen metrics, intervals, slices, and changes against a baseline.

use std::collections::BTreeMap;

use mtl_data::schema::Schema;
use mtl_data::{Column, Table};
use mtl_eval::bootstrap::Bootstrap;
use mtl_eval::metrics::Metric;

use super::subject::applies;
use super::{Baseline, SavedPredictions, Subject, Subjects};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::report::{Change, Metrics, Named, SplitMetrics};

/// Values of a column with tables of their own; the others are pooled.
const VALUES: usize = 20;

/// The share of the rows that earns a value a table of its own.
const RARE: f64 = 0.01;

/// Draws for the differences to a baseline's predictions, where no number is given.
const DRAWS: usize = 200;

/// What is measured beyond the usual metrics.
#[derive(Debug, Clone, Default)]
pub struct Evaluation {
    /// The metrics; without any the usual ones.
    pub metrics: Vec<Metric>,
    /// Draws of the bootstrap intervals; none without.
    pub bootstrap: Option<usize>,
    /// The columns whose values are measured one by one.
    pub slices: Vec<String>,
    /// What to compare with.
    pub baseline: Option<Baseline>,
}

impl Evaluation {
    /// Refuses a metric that would be measured nowhere.
    pub(crate) fn check<M: Model>(&self, schema: &Schema) -> Result<()> {
        let rank = !M::ranks().is_empty();
        for metric in &self.metrics {
            let on = |rank| schema.tasks.iter().any(|task| applies(*metric, &task.kind, rank));
            let measured = on(false) || rank && on(true);
            if !measured {
                return Err(Error::config(format!("`{metric}` does not apply to any task of {}", M::NAME)));
            }
            if metric.needs_groups() && schema.group_by.is_none() {
                let remedy = "name the column of groups with `train { group_by: ... }`";
                return Err(Error::config(format!("`{metric}` is a mean over groups, and there are none: {remedy}")));
            }
        }
        if self.bootstrap.is_some_and(|draws| draws < 2) {
            return Err(Error::config("`--bootstrap` needs at least 2 draws; 200 or more make sense"));
        }
        Ok(())
    }

    /// Adds to the metrics of a split what this asks for.
    pub(crate) fn extend(
        &self,
        split: &mut SplitMetrics,
        name: &str,
        subjects: &Subjects,
        table: &Table,
        seed: u64,
    ) -> Result<()> {
        let groups = subjects.groups;
        if let Some(draws) = self.bootstrap {
            let bootstrap = Bootstrap::new(draws, seed);
            for subject in &subjects.all {
                let mut found = Named::default();
                for metric in subject.chosen(groups.is_some(), &self.metrics) {
                    if let Some(interval) = bootstrap.interval(metric, subject.columns(metric, groups))? {
                        found.set(metric.to_string(), interval);
                    }
                }
                split.intervals.set(subject.name(), found);
            }
        }
        for column in &self.slices {
            let mut values = Named::default();
            for (value, rows) in slices(column, table)? {
                let of_groups: Option<Vec<u64>> =
                    groups.map(|groups| rows.iter().map(|&row| groups[row as usize]).collect());
                let metrics = |subject: &Subject| -> Result<(String, Metrics)> {
                    Ok((subject.name(), subject.take(&rows).metrics(of_groups.as_deref(), &self.metrics)?))
                };
                values.set(value, subjects.all.iter().map(metrics).collect::<Result<Named<Metrics>>>()?);
            }
            split.slices.set(column, values);
        }
        if let Some(baseline) = &self.baseline {
            split.changes = match baseline {
                Baseline::Report(report) => {
                    let before = report.split.get(name).ok_or_else(|| no_split(name))?;
                    self.differences(name, split, subjects, before)?
                }
                Baseline::Predictions(saved) => {
                    let bootstrap = Bootstrap::new(self.bootstrap.unwrap_or(DRAWS), seed);
                    self.paired(saved, name, subjects, bootstrap)?
                }
            };
            if split.changes.is_empty() {
                return Err(Error::data(format!(
                    "the baseline and this model have no task with a metric in common on {name}: measure the baseline with the same \
                     `--metrics`"
                )));
            }
        }
        Ok(())
    }

    fn differences(
        &self,
        part: &str,
        split: &SplitMetrics,
        subjects: &Subjects,
        before: &SplitMetrics,
    ) -> Result<Named<Named<Change>>> {
        let mut changes = Named::default();
        for ((name, now), subject) in split.subjects().map(|(name, now)| {
            let subject = subjects.all.iter().find(|subject| subject.name() == name);
            ((name, now), subject)
        }) {
            let before = before.subjects().find(|(known, _)| *known == name);
            let (Some((_, before)), Some(subject)) = (before, subject) else { continue };
            if before.rows != now.rows {
                let (old, new) = (before.rows, now.rows);
                return Err(Error::data(format!(
                    "the baseline's {part} rows are not these: it has {old} of `{name}`, and here are {new}; measure both on the same data"
                )));
            }
            let change = |metric: Metric| {
                let (baseline, value) = (before.get(metric)?, now.get(metric)?);
                Some((metric.to_string(), Change { baseline, value, difference: None }))
            };
            let of: Named<Change> =
                subject.chosen(subjects.groups.is_some(), &self.metrics).into_iter().filter_map(change).collect();
            if !of.is_empty() {
                changes.set(name, of);
            }
        }
        Ok(changes)
    }

    fn paired(
        &self,
        saved: &SavedPredictions,
        name: &str,
        subjects: &Subjects,
        bootstrap: Bootstrap,
    ) -> Result<Named<Named<Change>>> {
        let (saved, groups) = (saved.splits.get(name).ok_or_else(|| no_split(name))?, subjects.groups);
        let mut changes = Named::default();
        for subject in &subjects.all {
            let Some((predictions, labels)) = saved.get(&subject.name()) else { continue };
            let differ = |(a, b): (&f32, &f32)| a != b && !(a.is_nan() && b.is_nan());
            if labels.len() != subject.labels.len() || labels.iter().zip(&*subject.labels).any(differ) {
                let (what, rows) = (subject.name(), subject.labels.len());
                return Err(Error::data(format!(
                    "the baseline's {} {name} rows are not these {rows}: the labels of `{what}` differ; save its predictions of the same data",
                    labels.len()
                )));
            }
            if predictions.len() != subject.predictions.len() {
                let what = subject.name();
                return Err(Error::data(format!(
                    "the baseline's `{what}` has other classes: its labels mean others, too"
                )));
            }
            if let Some(place) = predictions.iter().position(|prediction| prediction.is_nan()) {
                let (what, row) = (subject.name(), place / (predictions.len() / labels.len()));
                return Err(Error::data(format!(
                    "the baseline's prediction of `{what}` in {name} row {row} is no number"
                )));
            }
            let mut of = Named::default();
            for metric in subject.chosen(groups.is_some(), &self.metrics) {
                let columns = subject.columns(metric, groups);
                let Some(value) = metric.of(columns)? else { continue };
                let Some(difference) = bootstrap.difference(metric, columns, predictions)? else { continue };
                let change = Change { baseline: value - difference.value, value, difference: Some(difference) };
                of.set(metric.to_string(), change);
            }
            if !of.is_empty() {
                changes.set(subject.name(), of);
            }
        }
        Ok(changes)
    }
}

fn no_split(name: &str) -> Error {
    Error::data(format!("the baseline has no {name} rows: measure it on the same splits"))
}

/// The rows of each value of a column, the most frequent first; rare values are one.
fn slices(column: &str, table: &Table) -> Result<Vec<(String, Vec<u32>)>> {
    let text = |row: usize| -> Result<Option<String>> {
        Ok(match table.column(column)? {
            Column::Ids(ids) => ids.text(row).map(|text| text.into_owned()),
            Column::Numbers(numbers) => Some(numbers.0[row]).filter(|number| !number.is_nan()).map(|x| x.to_string()),
            Column::Bags(_) => {
                return Err(Error::data(format!(
                    "`{column}` holds lists: slices are of a column with one value a row"
                )));
            }
        })
    };
    let mut rows: BTreeMap<Option<String>, Vec<u32>> = BTreeMap::new();
    for row in 0..table.rows() {
        rows.entry(text(row)?).or_default().push(row as u32);
    }
    let mut found: Vec<(String, Vec<u32>)> =
        rows.into_iter().map(|(value, rows)| (value.unwrap_or_else(|| "(missing)".into()), rows)).collect();
    found.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    let least = RARE * table.rows() as f64;
    let kept = found.iter().take(VALUES).take_while(|(_, rows)| rows.len() as f64 >= least).count();
    if kept + 1 < found.len() {
        let rare = found.split_off(kept);
        let name = format!("(other: {} values)", rare.len());
        let mut rows: Vec<u32> = rare.into_iter().flat_map(|(_, rows)| rows).collect();
        rows.sort_unstable();
        found.push((name, rows));
    }
    Ok(found)
}
