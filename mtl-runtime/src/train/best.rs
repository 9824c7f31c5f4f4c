//! The best epoch: which validation metric decides, and when there is nothing left to wait for.

use std::path::Path;
use std::time::Instant;

use mtl_data::schema::{Schema, Task, TaskKind};

use super::Session;
use super::run::Run;
use crate::checkpoint;
use crate::config::{BestMetric, BestTerm, TrainConfig};
use crate::error::{Error, Result};
use crate::evaluate::value_of;
use crate::model::Model;
use crate::report::{Named, SplitMetrics, TaskBest};

/// Refuses a `best` that no task of the schema can have.
pub(super) fn check(train: &TrainConfig, schema: &Schema) -> Result<()> {
    for term in train.best.terms() {
        let fitting: Vec<&str> = schema
            .tasks
            .iter()
            .filter(|task| applies(term.metric, &task.kind))
            .map(|task| task.name.as_str())
            .collect();
        let metric = term.metric.name();
        match &term.task {
            Some(task) if fitting.contains(&task.as_str()) => {}
            Some(task) => {
                let fitting = list(&fitting);
                return Err(Error::config(format!(
                    "train.best is {metric}({task}), but {metric} is there for {fitting}"
                )));
            }
            None if fitting.is_empty() => {
                return Err(Error::config(format!(
                    "train.best is {metric}, which applies to no task of {}; use `loss`",
                    schema.model
                )));
            }
            None => {}
        }
    }
    Ok(())
}

fn applies(metric: BestMetric, kind: &TaskKind) -> bool {
    match metric {
        BestMetric::Auc => matches!(kind, TaskKind::Binary { .. }),
        BestMetric::Logloss => matches!(kind, TaskKind::Binary { .. } | TaskKind::Multiclass { .. }),
        BestMetric::Accuracy => matches!(kind, TaskKind::Multiclass { .. }),
        BestMetric::Gauc => {
            matches!(kind, TaskKind::Binary { .. } | TaskKind::Pairwise | TaskKind::Listwise { .. })
        }
        BestMetric::Rmse => matches!(kind, TaskKind::Regression { .. } | TaskKind::Ordinal { .. }),
        BestMetric::Loss => true,
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "no task".into() } else { names.join(", ") }
}

/// The value of `best` on a validation split.
pub(super) fn value(train: &TrainConfig, schema: &Schema, split: &SplitMetrics) -> Result<f64> {
    let of = |term: BestTerm| {
        let value = value_of(split, term.metric, term.task.as_deref(), schema);
        value.map(|value| term.factor * value).ok_or_else(|| undefined(&term.name()))
    };
    train.best.terms().into_iter().map(of).sum()
}

/// The metric that picks the best epoch of one task: that of `best` where it is one and fits, else the task's usual one.
pub(super) fn of_task(train: &TrainConfig, task: &Task) -> BestMetric {
    let best = &train.best;
    match &task.kind {
        kind if best.more.is_empty() && best.metric != BestMetric::Loss && applies(best.metric, kind) => best.metric,
        TaskKind::Binary { .. } => BestMetric::Auc,
        TaskKind::Pairwise | TaskKind::Listwise { .. } => BestMetric::Gauc,
        TaskKind::Multiclass { .. } => BestMetric::Accuracy,
        TaskKind::Regression { .. } | TaskKind::Ordinal { .. } => BestMetric::Rmse,
    }
}

/// The value of a task's own metric on a validation split.
pub(super) fn value_of_task(train: &TrainConfig, schema: &Schema, task: usize, split: &SplitMetrics) -> Result<f64> {
    let task = &schema.tasks[task];
    let metric = of_task(train, task);
    let value = value_of(split, metric, Some(&task.name), schema);
    value.ok_or_else(|| undefined(&format!("{}({}) for its task", metric.name(), task.name)))
}

fn undefined(name: &str) -> Error {
    let help = "it needs validation rows with labels, of both classes for auc and gauc";
    Error::data(format!("train.best is {name}, which is undefined on the validation rows: {help}"))
}

/// Whether a value is better than the best one so far, where a higher one is or is not.
pub(super) fn better(ascending: bool, value: f64, best: Option<f64>) -> bool {
    best.is_none_or(|best| if ascending { value > best } else { value < best })
}

/// Whether the patience is over after `epoch` epochs.
pub(super) fn over(train: &TrainConfig, epoch: usize, best_epoch: usize) -> bool {
    train.patience.is_some_and(|patience| epoch - best_epoch >= patience)
}

/// The best epoch of each task so far, and its file beside that of the run.
pub(super) fn report<M: Model>(run: &Run<M>, file: Option<&Path>) -> Named<TaskBest> {
    let train = <M as Model>::train(&run.config);
    let best = run.schema.tasks.iter().zip(&run.progress.best_of_tasks).filter_map(|(task, best)| {
        let (epoch, value) = (*best)?;
        let metric = of_task(train, task).name().to_owned();
        let file = file.map(|file| checkpoint::file_of_task(file, &task.name).display().to_string());
        Some((task.name.clone(), TaskBest { epoch, metric, value, file }))
    });
    best.collect()
}

impl<M: Model> Session<M> {
    /// The tasks for which the epoch that just ended is the best one so far, and its values; none where only the common one is kept.
    pub(super) fn best_of_tasks(&mut self, split: &SplitMetrics) -> Result<Vec<(usize, f64)>> {
        let train = self.config().clone();
        if !train.best.each {
            return Ok(Vec::new());
        }
        let run = &mut self.run;
        let (epoch, tasks) = (run.progress.epoch, run.schema.tasks.len());
        run.progress.best_of_tasks.resize(tasks, None);
        let mut improved = Vec::new();
        for task in 0..tasks {
            let value = value_of_task(&train, &run.schema, task, split)?;
            let best = &mut run.progress.best_of_tasks[task];
            let ascending = of_task(&train, &run.schema.tasks[task]).ascending();
            if better(ascending, value, best.map(|(_, value)| value)) {
                *best = Some((epoch, value));
                improved.push((task, value));
            }
        }
        Ok(improved)
    }

    /// Saves the epoch that just ended as the model of these tasks.
    pub(super) fn save_of_tasks(&mut self, tasks: &[(usize, f64)]) -> Result<()> {
        let Some(path) = &self.checkpoint else { return Ok(()) };
        let start = Instant::now();
        for (task, value) in tasks {
            let name = &self.run.schema.tasks[*task].name;
            let file = checkpoint::file_of_task(path, name);
            checkpoint::save_of_task(&file, &self.run, name, *value, (&self.calibrators, &self.fusions))?;
        }
        self.saving += start.elapsed().as_secs_f64();
        Ok(())
    }
}
