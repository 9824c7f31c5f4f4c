//! A saved model as the teacher of tasks: what it says of the training rows, once before the first epoch.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Tensor;
use mtl_data::schema::{RegressionLoss, Schema, Task, TaskKind};
use mtl_data::{Batch, Table};
use serde::{Deserialize, Serialize};

use super::Trainer;
use super::display::Display;
use super::run::Run;
use crate::error::{Error, Result};
use crate::evaluate::logits;
use crate::loss::{Known, grouped_losses, said};
use crate::model::Model;
use crate::predict::Predictor;

/// A trained model of any kind.
pub(crate) trait Teaches {
    /// Its name.
    fn name(&self) -> &'static str;
    /// What it predicts.
    fn schema(&self) -> &Schema;
    /// What it says of these of its tasks, `[rows, tasks]`.
    fn say(&self, table: &Table, tasks: &[usize]) -> Result<Vec<f32>>;
}

/// Which saved model teaches: its name, and a checksum of what it says of the training rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Teacher {
    name: String,
    says: u32,
}

/// A teacher, and what it says of each training row.
pub(super) struct Lecture {
    teacher: Teacher,
    said: Vec<f32>,
}

impl<T: Model> Teaches for Predictor<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn schema(&self) -> &Schema {
        self.schema()
    }

    fn say(&self, table: &Table, tasks: &[usize]) -> Result<Vec<f32>> {
        let dataset = Arc::new(self.encoder().encode_features(table)?);
        let (values, columns) = logits(self.network(), self.embeddings(), &dataset)?;
        Ok(said(self.schema(), tasks, &values, columns))
    }
}

impl<M: Model> Trainer<'_, M> {
    /// What the teacher says of the training rows, where the spec wants one.
    pub(super) fn listen(&self, schema: &Schema, display: &Display) -> Result<Option<Lecture>> {
        let taught = M::distill(&self.config).map_or_else(Vec::new, |distill| distill.taught);
        let teacher = match (self.teacher, taught.is_empty()) {
            (Some(teacher), false) => teacher,
            (None, true) => return Ok(None),
            (Some(teacher), true) => {
                return Err(Error::config(format!(
                    "the teacher {} is given, and no task of {} learns from one: write `distill {{ teacher: [...] }}` in the \
                     spec, or leave the teacher out",
                    teacher.name(),
                    M::NAME
                )));
            }
            (None, false) => {
                let names: Vec<String> = taught.iter().map(|&task| format!("`{}`", schema.tasks[task].name)).collect();
                return Err(Error::config(format!(
                    "{} of {} wants a saved model as teacher, and none is given: `--teacher FILE` names it, in a program \
                     `Trainer::teacher`",
                    names.join(", "),
                    M::NAME
                )));
            }
        };
        let tasks = taught.iter().map(|&task| teaches(teacher, &schema.tasks[task])).collect::<Result<Vec<_>>>()?;
        display.teacher(teacher.name(), self.splits.train.rows());
        let said = teacher.say(&self.splits.train, &tasks).map_err(|error| of(teacher, error))?;
        if let Some(at) = said.iter().position(|value| !value.is_finite()) {
            let (row, task) = (at / tasks.len(), &schema.tasks[taught[at % tasks.len()]].name);
            let message = format!("it says {} of `{task}` in training row {row}", said[at]);
            return Err(of(teacher, Error::data(message)));
        }
        let mut says = crc32fast::Hasher::new();
        said.iter().for_each(|value| says.update(&value.to_le_bytes()));
        Ok(Some(Lecture { teacher: Teacher { name: teacher.name().into(), says: says.finalize() }, said }))
    }
}

/// Where the teacher's task of this name stands, if it predicts the same.
fn teaches(teacher: &dyn Teaches, task: &Task) -> Result<usize> {
    let (tasks, name) = (&teacher.schema().tasks, &task.name);
    let refused = |what: String| Err(Error::config(format!("the teacher {} {what}", teacher.name())));
    let Some(at) = tasks.iter().position(|own| own.name == *name) else {
        let known: Vec<String> = tasks.iter().map(|own| format!("`{}`", own.name)).collect();
        return refused(format!("has no task `{name}`; it has {}", known.join(", ")));
    };
    let own = &tasks[at];
    let same = match (own.kind, task.kind) {
        (TaskKind::Binary { .. }, TaskKind::Binary { .. }) => true,
        (TaskKind::Regression { transform, loss }, TaskKind::Regression { transform: wanted, .. }) => {
            let mean = matches!(loss, RegressionLoss::Mse | RegressionLoss::Huber { .. } | RegressionLoss::LogCosh);
            mean && transform == wanted
        }
        _ => false,
    };
    if !same {
        let what = match task.kind {
            TaskKind::Binary { .. } => "a probability",
            _ => "a mean in the unit of its transformed label",
        };
        return refused(format!("has a task `{name}`, but one of another kind: it says nothing that is {what}"));
    }
    if own.sample_space != task.sample_space {
        return refused(format!("predicts `{name}` of other rows: the `where` of both tasks must be the same"));
    }
    Ok(at)
}

fn of(teacher: &dyn Teaches, error: Error) -> Error {
    Error::data(format!("the teacher {}: {error}", teacher.name()))
}

impl<M: Model> Run<M> {
    /// Takes what the teacher says. A run that goes on has the teacher that it began with.
    pub(super) fn attend(&mut self, lecture: Option<Lecture>, path: Option<&Path>) -> Result<()> {
        let Some(Lecture { teacher, said }) = lecture else { return Ok(()) };
        if let (Some(before), Some(path)) = (self.progress.teacher.as_ref().filter(|before| **before != teacher), path)
        {
            let what = match before.name == teacher.name {
                true => format!("its teacher was another {}, or taught other rows", before.name),
                false => format!("its teacher was {}, and now it is {}", before.name, teacher.name),
            };
            return Err(Error::checkpoint(path, format!("{what}: resume with the same one")));
        }
        (self.progress.teacher, self.said) = (Some(teacher), said);
        Ok(())
    }

    /// The losses of a batch `[T]`, with what teachers say of its rows.
    pub(super) fn losses(&self, batch: &Batch, logits: Tensor<2>) -> Tensor<1> {
        let of = |logits| grouped_losses(&self.schema, logits, &batch.labels, &batch.weights, &batch.groups);
        let Some(distill) = M::distill(&self.config) else { return of(logits) };
        let share = distill.share(self.progress.epoch);
        let tasks = distill.taught.len();
        let row = |row: &u32| &self.said[*row as usize * tasks..][..tasks];
        let said: Vec<f32> = batch.rows.iter().flat_map(row).copied().collect();
        distill.students(share, of(logits.clone()), &logits, &self.known(batch, &said))
    }

    pub(super) fn known<'a>(&'a self, batch: &'a Batch, said: &'a [f32]) -> Known<'a> {
        Known { schema: &self.schema, labels: &batch.labels, weights: &batch.weights, said }
    }
}
