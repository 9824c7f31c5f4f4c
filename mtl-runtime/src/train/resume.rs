//! The start of a training: a new run, or the one of a checkpoint.

use std::path::Path;

use mtl_data::schema::Schema;
use mtl_data::{Dataset, Encoder, FeatureValues};

use super::Trainer;
use super::run::Run;
use crate::checkpoint;
use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::model::Model;

impl<M: Model> Trainer<'_, M> {
    /// A new run, or the one of the checkpoint.
    pub(super) fn begin(&self, schema: &Schema) -> Result<Run<M>> {
        let rows = self.splits.train.rows();
        let Some(path) = self.checkpoint.as_deref().filter(|_| self.resume) else {
            return Run::new(self.config.clone(), Encoder::fit(schema, &self.splits.train)?, rows);
        };
        let free = free_settings(<M as Model>::train(&self.config));
        let names: Vec<&str> = free.iter().map(String::as_str).collect();
        let run = checkpoint::load::<M>(path, |saved| {
            let other = checkpoint::first_other_setting::<M>(saved, &self.config, &names);
            *saved = self.config.clone();
            match other {
                None => Ok(()),
                Some((name, before, now)) => Err(Error::checkpoint(
                    path,
                    format!(
                        "`{name}` was {before} and is now {now}: a resumed run changes only {} and {}",
                        names[0], names[1]
                    ),
                )),
            }
        })?;
        if let Some(task) = &run.progress.of_task {
            let what = format!("it is the model of the best epoch of `{task}`, and no run; resume the file beside it");
            return Err(Error::checkpoint(path, what));
        }
        if run.rows != rows {
            return Err(Error::checkpoint(
                path,
                format!("it was trained on {} rows, and now there are {rows}: resume on the same data", run.rows),
            ));
        }
        let train = <M as Model>::train(&self.config);
        if run.progress.finished(train) {
            let why = match train.stages.last() {
                _ if run.progress.stopped_early => "stopped early".to_owned(),
                Some(last) => format!("{} is {}", names[0], last.epochs),
                None => format!("{} is {}", names[0], train.epochs),
            };
            return Err(Error::checkpoint(
                path,
                format!(
                    "its training is finished after {} epochs ({why}); raise `{}` or train anew",
                    run.progress.epoch, names[0]
                ),
            ));
        }
        Ok(run)
    }
}

impl<M: Model> Run<M> {
    /// Refuses to go on with other training rows than those of the file.
    pub(super) fn go_on_with(&mut self, rows: &Dataset, path: Option<&Path>) -> Result<()> {
        let now = checksum(rows);
        let before = self.progress.data.replace(now);
        match (before.filter(|before| *before != now), path) {
            (Some(_), Some(path)) => {
                let what =
                    "it was trained on other rows, of the same number: resume on the same data, in the same order";
                Err(Error::checkpoint(path, what))
            }
            _ => Ok(()),
        }
    }
}

/// A checksum of encoded rows.
fn checksum(rows: &Dataset) -> u32 {
    fn add<const N: usize>(sum: &mut crc32fast::Hasher, values: impl IntoIterator<Item = [u8; N]>) {
        values.into_iter().for_each(|bytes| sum.update(&bytes));
    }
    let mut sum = crc32fast::Hasher::new();
    let ids = |sum: &mut _, ids: &[u32]| add(sum, ids.iter().map(|id| id.to_le_bytes()));
    let numbers = |sum: &mut _, numbers: &[f32]| add(sum, numbers.iter().map(|x| x.to_le_bytes()));
    for feature in &rows.features {
        match feature {
            FeatureValues::Id(rows) => ids(&mut sum, rows),
            FeatureValues::Ids { offsets, rows } => {
                ids(&mut sum, offsets);
                ids(&mut sum, rows);
            }
            FeatureValues::Number { values, missing } => {
                numbers(&mut sum, values);
                missing.iter().for_each(|missing| numbers(&mut sum, missing));
            }
        }
    }
    rows.labels.iter().chain(rows.weights.iter().flatten()).for_each(|of| numbers(&mut sum, of));
    add(&mut sum, rows.groups.iter().flatten().map(|group| group.to_le_bytes()));
    sum.finalize()
}

/// The settings that a resumed run may change: its last epochs, and its patience.
fn free_settings(train: &TrainConfig) -> [String; 2] {
    let epochs = match train.stages.len() {
        0 => "train.epochs".to_owned(),
        count => format!("train.stages.{}.epochs", count - 1),
    };
    [epochs, "train.patience".to_owned()]
}
