//! Reports: metrics of a split, the history of a training run, and the JSON file that holds both.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::bootstrap::Interval;
use crate::metrics::{GroupWeight, Metric};

mod changes;
mod explanation;
mod front;
mod named;
mod pictures;
mod ranks;
mod subnets;
mod text;
mod tuning;

pub use changes::Change;
pub use explanation::{Candidate, Explanation, Part, Split};
pub use front::{Front, FrontPoint};
pub use named::Named;
pub use pictures::{Distribution, Pictures, Reliability};
pub use ranks::{RankParameter, RankReport};
pub use subnets::{Round, SubnetLayer, SubnetReport};
pub use text::TextTable;
pub use tuning::{Compared, TuneReport, TunedParam, TunedPoint};

/// What a run measured: the content of `--json FILE`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// What a search for the scores' parameters found.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fronts: Vec<Front>,
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

/// The metrics of one split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SplitMetrics {
    /// By task; a chained task also under its conditional name, `buy | click`, on the rows where the condition happened.
    pub tasks: Named<Metrics>,
    /// By rank, then by binary or pairwise task: how well the score orders the rows of that task.
    pub ranks: Named<Named<Metrics>>,
    /// The training objective on these rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub loss: Option<f64>,
    /// The use of each gate.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub gates: Named<GateUse>,
    /// Where metrics lie on other rows of the same kind, as [`SplitMetrics::subjects`] names them.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub intervals: Named<Named<Interval>>,
    /// Metrics against those of a baseline, as [`SplitMetrics::subjects`] names them.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub changes: Named<Named<Change>>,
    /// By column, by its value, as [`SplitMetrics::subjects`] names them: on the rows with that value.
    #[serde(skip_serializing_if = "Named::is_empty", default)]
    pub slices: Named<Named<Named<Metrics>>>,
}

/// How the gates of one place choose: a row for each gate of the group (a task's, or the shared one's).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateUse {
    /// The mean weight of each expert.
    pub weights: Vec<Vec<f64>>,
    /// The mean entropy of each gate, in nats: 0 for one that always picks one expert, `ln E` for one that averages all.
    pub entropy: Vec<f64>,
}

/// The metrics of one task in its own sample space; those that do not apply are absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Area under the ROC curve.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auc: Option<f64>,
    /// AUC within groups, weighted by their rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gauc: Option<f64>,
    /// Mean binary cross-entropy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub logloss: Option<f64>,
    /// Sum of the predictions over sum of the labels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pcoc: Option<f64>,
    /// Root mean square error, in the label's unit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rmse: Option<f64>,
    /// The share of rows whose most probable class is theirs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub accuracy: Option<f64>,
    /// The others, by their names: `ndcg@10`.
    #[serde(flatten)]
    pub more: Named<f64>,
    /// Rows with a label.
    pub rows: usize,
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

impl Metrics {
    /// The value of a metric; none where it does not apply or was not asked for.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Auc => self.auc,
            Metric::Gauc(GroupWeight::Rows) => self.gauc,
            Metric::Logloss => self.logloss,
            Metric::Pcoc => self.pcoc,
            Metric::Rmse => self.rmse,
            Metric::Accuracy => self.accuracy,
            _ => self.more.get(&metric.to_string()).copied(),
        }
    }

    /// Sets the value of a metric, unless it is undefined.
    pub fn set(&mut self, metric: Metric, value: Option<f64>) {
        match (metric, value) {
            (Metric::Auc, _) => self.auc = value,
            (Metric::Gauc(GroupWeight::Rows), _) => self.gauc = value,
            (Metric::Logloss, _) => self.logloss = value,
            (Metric::Pcoc, _) => self.pcoc = value,
            (Metric::Rmse, _) => self.rmse = value,
            (Metric::Accuracy, _) => self.accuracy = value,
            (_, Some(value)) => self.more.set(metric.to_string(), value),
            (_, None) => {}
        }
    }

    /// Rows of metrics as a table for people; absent columns are left out.
    pub fn table<'a>(rows: impl IntoIterator<Item = (String, &'a Metrics)>) -> TextTable {
        let rows: Vec<(String, &Metrics)> = rows.into_iter().collect();
        type Column = (String, Box<dyn Fn(&Metrics) -> Option<f64>>);
        let gauc = Metric::Gauc(GroupWeight::Rows);
        let fixed = [Metric::Auc, gauc, Metric::Logloss, Metric::Pcoc, Metric::Rmse, Metric::Accuracy];
        let mut columns: Vec<Column> =
            fixed.map(|metric| (metric.to_string(), Box::new(move |m: &Metrics| m.get(metric)) as _)).into();
        for name in rows.iter().flat_map(|(_, metrics)| metrics.more.iter().map(|(name, _)| name.to_owned())) {
            if !columns.iter().any(|(known, _)| *known == name) {
                columns.push((name.clone(), Box::new(move |m| m.more.get(&name).copied())));
            }
        }
        columns.retain(|(_, value)| rows.iter().any(|(_, metrics)| value(metrics).is_some()));
        let names = columns.iter().map(|(name, _)| name.as_str());
        let mut table = TextTable::new(std::iter::once("").chain(names).chain(["rows"]));
        for (name, metrics) in rows {
            let cell = |value: Option<f64>| value.map_or_else(String::new, |x| format!("{x:.4}"));
            let cells = columns.iter().map(|(_, value)| cell(value(metrics)));
            table.row(std::iter::once(name).chain(cells).chain([metrics.rows.to_string()]));
        }
        table
    }
}

/// What follows a task's name where its calibrated probability is measured.
pub const CALIBRATED: &str = " calibrated";

impl SplitMetrics {
    /// Everything that is measured: tasks by their names, `buy | click`, `buy calibrated`, and ranks as `score by click`.
    pub fn subjects(&self) -> impl Iterator<Item = (String, &Metrics)> {
        let ranks = self
            .ranks
            .iter()
            .flat_map(|(rank, tasks)| tasks.iter().map(move |(task, metrics)| (format!("{rank} by {task}"), metrics)));
        self.tasks.iter().map(|(task, metrics)| (task.to_owned(), metrics)).chain(ranks)
    }

    /// The metrics as a table for people.
    pub fn table(&self) -> TextTable {
        Metrics::table(self.subjects())
    }

    /// The intervals as a table for people; none if there are none.
    pub fn interval_table(&self) -> Option<TextTable> {
        let mut table = TextTable::new(["", "metric", "value", "low", "high"]);
        for (subject, metrics) in self.intervals.iter() {
            for (metric, Interval { value, low, high }) in metrics.iter() {
                let numbers = [value, low, high].map(|x| format!("{x:.4}"));
                table.row([subject.to_owned(), metric.to_owned()].into_iter().chain(numbers));
            }
        }
        (!self.intervals.is_empty()).then_some(table)
    }

    /// The metrics of each value of a column as a table for people.
    pub fn slice_tables(&self) -> impl Iterator<Item = (&str, TextTable)> {
        self.slices.iter().map(|(column, values)| {
            let rows = values.iter().flat_map(|(value, subjects)| {
                subjects.iter().map(move |(subject, metrics)| (format!("{value}  {subject}"), metrics))
            });
            (column, Metrics::table(rows))
        })
    }
}

impl SplitMetrics {
    /// The use of the gates as a table for people: the mean weight of each expert, and the entropy as a share of the largest.
    pub fn gate_table(&self) -> TextTable {
        let mut table = TextTable::new(["gate", "entropy", "mean weight of each expert"]);
        for (name, gates) in self.gates.iter() {
            for (at, (weights, entropy)) in gates.weights.iter().zip(&gates.entropy).enumerate() {
                let name = if gates.weights.len() == 1 { name.to_owned() } else { format!("{name}.{at}") };
                let most = (weights.len() as f64).ln();
                let share = if most > 0.0 { format!("{:.0} %", 100.0 * entropy / most) } else { "-".to_owned() };
                let weights: Vec<String> = weights.iter().map(|weight| format!("{weight:.2}")).collect();
                table.row([name, share, weights.join(" ")]);
            }
        }
        table
    }
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
                m.auc.map(|auc| ("auc", auc)).or_else(gauc).or(m.rmse.map(|rmse| ("rmse", rmse)))
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
