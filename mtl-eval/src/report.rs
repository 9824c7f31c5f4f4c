//! Reports: metrics of a split, the history of a training run, and the JSON file that holds both.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

mod changes;
mod explanation;
mod metrics;
mod named;
mod pictures;
mod ranks;
mod subnets;
mod text;
mod tuning;

pub use changes::Change;
pub use explanation::{Candidate, Explanation, Part, Split};
pub use metrics::{CALIBRATED, GateRow, GateUse, Metrics, SplitMetrics};
pub use named::Named;
pub use pictures::{Distribution, Pictures, Reliability};
pub use ranks::{RankParameter, RankReport};
pub use subnets::{Round, SubnetLayer, SubnetReport};
pub use text::TextTable;
pub use tuning::{Compared, TuneReport, TunedParam, TunedPoint};

/// What a run measured: the content of `--json FILE`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The model's name.
    pub model: String,
    /// The seed of its training.
    pub seed: u64,
    /// Metrics by split: `validation`, `test`.
    pub split: Named<SplitMetrics>,
    /// Values of the network and of the tables.
    pub parameters: usize,
    /// Training rows by the time they took, evaluation and saving excluded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rows_per_second: Option<f64>,
    /// The epoch whose weights were kept, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub best_epoch: Option<usize>,
    /// By task, its best epoch, where each task's is kept.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub best_epochs: Named<TaskBest>,
    /// Wall time by phase.
    pub seconds: Named<f64>,
    /// The largest resident size of the process so far; only where the system tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peak_memory_bytes: Option<u64>,
    /// One entry for each epoch, for training runs.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub epochs: Vec<Epoch>,
    /// The subnetworks, where the model has any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subnets: Option<SubnetReport>,
    /// Rows by split.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub rows: Named<usize>,
    /// What is drawn, by split.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub pictures: Named<Pictures>,
    /// The scores.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub ranks: Vec<RankReport>,
    /// What a search for a score's parameters found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tuning: Option<TuneReport>,
    /// What a reader should know about the data and the training.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
    /// The text of the spec.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub spec: String,
}

impl Report {
    /// The report as one HTML page that needs nothing else: to be opened in a browser, printed, sent.
    pub fn to_html(&self) -> String {
        crate::html::page(self)
    }
}

/// The best epoch of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskBest {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The validation metric that picked it.
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// The file of its model, where training saves one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
}

/// One pass over the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// The stage of training it belongs to, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage: Option<usize>,
    /// The mean training loss of each task over the epoch.
    pub losses: Named<Option<f64>>,
    /// The mean of each summand of a task's loss that is a sum, without its weight: `click.bce`.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub parts: Named<Option<f64>>,
    /// The weight of each task's loss at the epoch's end.
    pub weights: Named<f64>,
    /// Tasks to which the weighting gives far more than to the others, with the ratio to the others' mean weight: in the first epoch of
    /// the run in which there are such.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub raised: Named<f64>,
    /// The tasks' gradients, where a method compares them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gradients: Option<GradientLog>,
    /// The mean of what each penalty added to the loss.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub penalties: Named<f64>,
    /// Training time.
    pub seconds: f64,
    /// Training rows by training time.
    pub rows_per_second: f64,
    /// On the validation rows, if there are any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub validation: Option<SplitMetrics>,
}

/// The tasks' gradients over an epoch, where a method of weighting compares them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradientLog {
    /// The mean length of each task's gradient.
    pub norms: Named<f64>,
    /// The mean cosine between the gradients of each pair of tasks.
    pub cosines: Vec<(String, String, f64)>,
    /// Steps in which the method had no answer, and weights were equal.
    pub fallbacks: u64,
}

impl Epoch {
    /// The tasks' weights, and their gradients' lengths and cosines, as a table for people; none where every weight is 1.
    pub fn weight_table(&self) -> Option<TextTable> {
        let log = self.gradients.as_ref();
        if log.is_none() && self.weights.iter().all(|(_, weight)| *weight == 1.0) {
            return None;
        }
        let compared = log.is_some_and(|log| !log.norms.is_empty());
        let tasks: Vec<&str> = self.weights.iter().map(|(task, _)| task).collect();
        let cosines = tasks.iter().skip(1).map(|task| format!("cosine with {task}"));
        let more = compared.then(|| ["gradient".to_owned()].into_iter().chain(cosines));
        let mut table =
            TextTable::new(["task".to_owned(), "weight".to_owned()].into_iter().chain(more.into_iter().flatten()));
        for (at, (task, weight)) in self.weights.iter().enumerate() {
            let mut row = vec![task.to_owned(), format!("{weight:.3}")];
            if let Some(log) = log.filter(|_| compared) {
                row.push(log.norms.get(task).map_or_else(String::new, |norm| format!("{norm:.2e}")));
                for (to, other) in tasks.iter().enumerate().skip(1) {
                    let found = log.cosines.iter().find(|(a, b, _)| a == task && b == other);
                    row.push(found.filter(|_| to > at).map_or_else(String::new, |(.., cosine)| format!("{cosine:.2}")));
                }
            }
            table.row(row);
        }
        Some(table)
    }

    /// The epoch on one line.
    pub fn line(&self, epochs: usize) -> String {
        let stage = self.stage.map_or_else(String::new, |stage| format!(" (stage {stage})"));
        let mut line = format!("epoch {}/{epochs}{stage}  {:.0} rows/s", self.epoch, self.rows_per_second);
        for (task, loss) in self.losses.iter() {
            let _ = match loss {
                Some(loss) => write!(line, "  {task} loss {loss:.4}"),
                None => write!(line, "  {task} loss -"),
            };
            let metrics = self.validation.as_ref().and_then(|split| split.tasks.get(task));
            let value = metrics.and_then(|m| {
                let gauc = || m.gauc.map(|gauc| ("gauc", gauc));
                m.auc
                    .map(|auc| ("auc", auc))
                    .or_else(gauc)
                    .or(m.rmse.map(|rmse| ("rmse", rmse)))
                    .or(m.accuracy.map(|accuracy| ("accuracy", accuracy)))
            });
            if let Some((name, value)) = value {
                let _ = write!(line, " {name} {value:.4}");
            }
        }
        for (name, penalty) in self.penalties.iter() {
            let _ = write!(line, "  {name} {penalty:.4}");
        }
        line
    }
}

impl Report {
    /// The best epoch of each task as a table for people; none where only the common one is kept.
    pub fn best_table(&self) -> Option<TextTable> {
        if self.best_epochs.is_empty() {
            return None;
        }
        let mut table = TextTable::new(["best of", "epoch", "metric", "value", "model"]);
        for (task, best) in self.best_epochs.iter() {
            let file = best.file.clone().unwrap_or_default();
            table.row([
                task.to_owned(),
                best.epoch.to_string(),
                best.metric.clone(),
                format!("{:.4}", best.value),
                file,
            ]);
        }
        Some(table)
    }
}

/// The largest resident size of this process so far, in bytes. Only Linux tells.
pub fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
