//! The best epoch: which validation metric decides, and when there is nothing left to wait for.

use mtl_data::schema::{Schema, Task, TaskKind};

use crate::config::{BestMetric, BestTerm, TrainConfig};
use crate::error::{Error, Result};
use crate::report::SplitMetrics;

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
        BestMetric::Auc | BestMetric::Logloss => matches!(kind, TaskKind::Binary { .. }),
        BestMetric::Gauc => matches!(kind, TaskKind::Binary { .. } | TaskKind::Pairwise),
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
        let value = split.value(term.metric, term.task.as_deref(), schema);
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
        TaskKind::Pairwise => BestMetric::Gauc,
        TaskKind::Regression { .. } | TaskKind::Ordinal { .. } => BestMetric::Rmse,
    }
}

/// The value of a task's own metric on a validation split.
pub(super) fn value_of_task(train: &TrainConfig, schema: &Schema, task: usize, split: &SplitMetrics) -> Result<f64> {
    let task = &schema.tasks[task];
    let metric = of_task(train, task);
    let value = split.value(metric, Some(&task.name), schema);
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
