//! The best epoch: which validation metric decides, and when there is nothing left to wait for.

use mtl_data::schema::{Schema, TaskKind};

use crate::config::{BestMetric, TrainConfig};
use crate::error::{Error, Result};
use crate::evaluate::value_of;
use crate::report::SplitMetrics;

/// Refuses a `best` that no task of the schema can have.
pub(super) fn check(train: &TrainConfig, schema: &Schema) -> Result<()> {
    let applies = |kind: &TaskKind| match train.best.metric {
        BestMetric::Auc => matches!(kind, TaskKind::Binary { .. }),
        BestMetric::Logloss => matches!(kind, TaskKind::Binary { .. } | TaskKind::Multiclass { .. }),
        BestMetric::Accuracy => matches!(kind, TaskKind::Multiclass { .. }),
        BestMetric::Gauc => {
            matches!(kind, TaskKind::Binary { .. } | TaskKind::Pairwise | TaskKind::Listwise { .. })
        }
        BestMetric::Rmse => matches!(kind, TaskKind::Regression { .. } | TaskKind::Ordinal { .. }),
        BestMetric::Loss => true,
    };
    let metric = train.best.metric.name();
    let fitting: Vec<&str> =
        schema.tasks.iter().filter(|task| applies(&task.kind)).map(|task| task.name.as_str()).collect();
    match &train.best.task {
        Some(task) if fitting.contains(&task.as_str()) => Ok(()),
        Some(task) => {
            Err(Error::config(format!("train.best is {metric}({task}), but {metric} is there for {}", list(&fitting))))
        }
        None if fitting.is_empty() => Err(Error::config(format!(
            "train.best is {metric}, which applies to no task of {}; use `loss`",
            schema.model
        ))),
        None => Ok(()),
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "no task".into() } else { names.join(", ") }
}

/// The value of `best` on a validation split.
pub(super) fn value(train: &TrainConfig, schema: &Schema, split: &SplitMetrics) -> Result<f64> {
    let (metric, task) = (train.best.metric, train.best.task.as_deref());
    let value = value_of(split, metric, task, schema);
    value.ok_or_else(|| {
        let name = task.map_or_else(|| metric.name().to_owned(), |task| format!("{}({task})", metric.name()));
        let help = "it needs validation rows with labels, of both classes for auc and gauc";
        Error::data(format!("train.best is {name}, which is undefined on the validation rows: {help}"))
    })
}

/// Whether a value is better than the best one so far.
pub(super) fn better(metric: BestMetric, value: f64, best: Option<f64>) -> bool {
    best.is_none_or(|best| if metric.ascending() { value > best } else { value < best })
}

/// Whether the patience is over after `epoch` epochs.
pub(super) fn over(train: &TrainConfig, epoch: usize, best_epoch: usize) -> bool {
    train.patience.is_some_and(|patience| epoch - best_epoch >= patience)
}
