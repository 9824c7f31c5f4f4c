//! Metrics of tasks and ranks, by split.

use serde::{Deserialize, Serialize};

use super::{Change, Named, TextTable};
use crate::bootstrap::Interval;
use crate::metrics::{GroupWeight, Metric};

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
    /// Whose they are; empty where nobody owns one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub of: Vec<String>,
    /// The mean weight of each expert.
    pub weights: Vec<Vec<f64>>,
    /// The mean entropy of each gate, in nats: 0 for one that always picks one expert, `ln E` for one that averages all.
    pub entropy: Vec<f64>,
}

/// One gate, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRow<'a> {
    /// The name of its place, and whose it is.
    pub name: String,
    /// The mean weight of each expert.
    pub weights: &'a [f64],
    /// The mean entropy as a share of the largest, in percent; `-` where there is nothing to choose.
    pub entropy: String,
}

impl GateUse {
    /// The gates one by one; `place` is the name under which they stand in [`SplitMetrics::gates`].
    pub fn rows(&self, place: &str) -> impl Iterator<Item = GateRow<'_>> {
        (self.weights.iter().zip(&self.entropy).enumerate()).map(move |(at, (weights, entropy))| {
            let most = (weights.len() as f64).ln();
            let name = match self.of.get(at) {
                _ if self.weights.len() == 1 => place.to_owned(),
                Some(owner) => format!("{place}.{owner}"),
                None => format!("{place}.{at}"),
            };
            let entropy = if most > 0.0 { format!("{:.0} %", 100.0 * entropy / most) } else { "-".to_owned() };
            GateRow { name, weights, entropy }
        })
    }
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

    /// The use of the gates as a table for people: the mean weight of each expert, and the entropy as a share of the largest.
    pub fn gate_table(&self) -> TextTable {
        let mut table = TextTable::new(["gate", "entropy", "mean weight of each expert"]);
        for (name, gates) in self.gates.iter() {
            for row in gates.rows(name) {
                let weights: Vec<String> = row.weights.iter().map(|weight| format!("{weight:.2}")).collect();
                table.row([row.name, row.entropy, weights.join(" ")]);
            }
        }
        table
    }
}
