//! What is measured: a column of predictions or scores beside the labels of a task.

use std::borrow::Cow;
use std::rc::Rc;

use mtl_data::Dataset;
use mtl_data::schema::{Schema, TaskKind};
use mtl_eval::metrics::{Columns, GroupWeight, Metric};

use super::Scored;
use crate::error::{Error, Result};
use crate::loss::prediction_names;
use crate::model::Model;
use crate::report::Metrics;
use crate::scores::{Calibrators, Inputs, calibrated_name, unfitted};

/// Predictions of a task, or scores of a rank, beside the task's labels and weights.
pub(crate) struct Subject<'a> {
    /// The rank, if it is one.
    pub rank: Option<&'static str>,
    /// The task, `buy`, `buy calibrated` or `buy | click`.
    pub task: String,
    kind: TaskKind,
    pub predictions: Rc<[f32]>,
    pub labels: Cow<'a, [f32]>,
    weights: Option<Cow<'a, [f32]>>,
    /// Grades as soft labels, for GAUC.
    shares: Option<Vec<f32>>,
}

/// Every task, in its own sample space, and every rank by every task that orders rows. A task of several classes has no one column.
pub(crate) fn subjects<'a, M: Model>(
    config: &M::Config,
    schema: &Schema,
    dataset: &'a Dataset,
    scored: &Scored,
    calibrators: &Calibrators,
) -> Result<Vec<Subject<'a>>> {
    let names = prediction_names(schema);
    let column = |p: usize| -> Rc<[f32]> { scored.predictions.iter().skip(p).step_by(names.len()).copied().collect() };
    let weights = |t: usize| dataset.weights[t].as_deref().map(Cow::Borrowed);
    let mut found = Vec::new();
    let mut p = 0;
    for (t, task) in schema.tasks.iter().enumerate() {
        let labels = &dataset.labels[t];
        if let TaskKind::Multiclass { classes, .. } = task.kind {
            p += classes;
            continue;
        }
        let subject = |name: &str, p, labels| Subject {
            rank: None,
            task: name.to_owned(),
            kind: task.kind,
            predictions: column(p),
            shares: shares(&task.kind, &dataset.labels[t]),
            labels,
            weights: weights(t),
        };
        found.push(subject(&task.name, p, Cow::Borrowed(labels)));
        if let Some(calibrator) = calibrators.get(&task.name) {
            let raw = subject(&calibrated_name(&task.name), p, Cow::Borrowed(labels));
            found.push(Subject { predictions: calibrator.column(&raw.predictions).into(), ..raw });
        }
        p += 1;
        if names.get(p).is_some_and(|name| name.starts_with(&format!("{} | ", task.name))) {
            let given = &dataset.labels[task.given.expect("a conditional prediction has a condition")];
            let happened = |(label, given): (&f32, &f32)| if *given > 0.5 { *label } else { f32::NAN };
            found.push(subject(&names[p], p, labels.iter().zip(given).map(happened).collect()));
            p += 1;
        }
    }
    let inputs = Inputs::of::<M>(schema, &scored.predictions, dataset, calibrators)?;
    // Before its first epoch is over, a training has nothing fitted.
    for rank in M::ranks().iter().filter(|rank| unfitted::<M>(rank.name, config).is_none()) {
        let scores: Rc<[f32]> = inputs.scores::<M>(rank, config)?.into_iter().map(|score| score as f32).collect();
        if let Some(row) = scores.iter().position(|score| score.is_nan()) {
            let name = rank.name;
            let message = format!("the score `{name}` is not a number in row {row}: check its formula and parameters");
            return Err(Error::config(message));
        }
        for (t, task) in schema.tasks.iter().enumerate().filter(|(_, task)| ordered(&task.kind)) {
            found.push(Subject {
                rank: Some(rank.name),
                task: task.name.clone(),
                kind: task.kind,
                predictions: scores.clone(),
                labels: Cow::Borrowed(&dataset.labels[t]),
                weights: weights(t),
                shares: shares(&task.kind, &dataset.labels[t]),
            });
        }
    }
    Ok(found)
}

/// The grades of a task that orders lists as shares of the greatest one.
fn shares(kind: &TaskKind, labels: &[f32]) -> Option<Vec<f32>> {
    let TaskKind::Listwise { .. } = kind else { return None };
    let most = labels.iter().copied().fold(0.0, f32::max);
    Some(labels.iter().map(|label| if most > 0.0 { label / most } else { *label }).collect())
}

/// Whether ranks are measured by a task of this kind.
fn ordered(kind: &TaskKind) -> bool {
    !matches!(kind, TaskKind::Regression { .. } | TaskKind::Multiclass { .. })
}

/// Whether a metric says something about a task of this kind, or about a rank by it.
pub(super) fn applies(metric: Metric, kind: &TaskKind, rank: bool) -> bool {
    if rank && (!ordered(kind) || metric.of_values()) {
        return false;
    }
    match kind {
        TaskKind::Binary { .. } => true,
        TaskKind::Pairwise | TaskKind::Listwise { .. } => metric.needs_groups(),
        TaskKind::Multiclass { .. } => matches!(metric, Metric::Logloss | Metric::Accuracy),
        TaskKind::Ordinal { .. } => !metric.of_events() && metric != Metric::Pcoc,
        // Calibration is of means above 0.
        TaskKind::Regression { loss, .. } => match metric {
            Metric::Pcoc => loss.of_amounts(),
            _ => !metric.of_events() && !metric.needs_groups(),
        },
    }
}

/// The metrics that people want to see of a task of this kind, or of a rank by it.
fn usual(kind: &TaskKind, rank: bool) -> Vec<Metric> {
    let (gauc, ndcg) = (Metric::Gauc(GroupWeight::Rows), Metric::Ndcg(10));
    match kind {
        TaskKind::Binary { .. } if rank => vec![Metric::Auc, gauc, ndcg],
        TaskKind::Binary { .. } => {
            let ece = Metric::Ece(Metric::BINS);
            vec![Metric::Auc, gauc, Metric::Logloss, Metric::NormalizedEntropy, Metric::Pcoc, ece, ndcg]
        }
        TaskKind::Pairwise | TaskKind::Listwise { .. } => vec![gauc, ndcg],
        TaskKind::Multiclass { .. } => Vec::new(),
        TaskKind::Ordinal { .. } if rank => vec![Metric::Xauc, ndcg],
        TaskKind::Ordinal { .. } => vec![Metric::Rmse, Metric::Mae, Metric::Xauc, ndcg],
        TaskKind::Regression { .. } => vec![Metric::Rmse, Metric::Mae, Metric::Xauc, Metric::Pcoc],
    }
}

impl Subject<'_> {
    /// Its name in reports.
    pub fn name(&self) -> String {
        self.rank.map_or_else(|| self.task.clone(), |rank| format!("{rank} by {}", self.task))
    }

    /// What a metric of it is computed from.
    pub fn columns<'a>(&'a self, metric: Metric, groups: Option<&'a [u64]>) -> Columns<'a> {
        let labels = match (&self.shares, metric) {
            (Some(shares), Metric::Gauc(_)) => shares,
            _ => &*self.labels,
        };
        Columns::new(&self.predictions, labels).weights(self.weights.as_deref()).groups(groups)
    }

    /// Those of the metrics that apply to it; without any the usual ones.
    pub fn chosen(&self, groups: bool, wanted: &[Metric]) -> Vec<Metric> {
        let rank = self.rank.is_some();
        let mut metrics = if wanted.is_empty() { usual(&self.kind, rank) } else { wanted.to_vec() };
        metrics.retain(|metric| applies(*metric, &self.kind, rank) && (groups || !metric.needs_groups()));
        metrics
    }

    /// Its metrics.
    pub fn metrics(&self, groups: Option<&[u64]>, wanted: &[Metric]) -> Result<Metrics> {
        let rows = self.labels.iter().filter(|label| !label.is_nan()).count();
        let mut found = Metrics { rows, ..Metrics::default() };
        for metric in self.chosen(groups.is_some(), wanted) {
            found.set(metric, metric.of(self.columns(metric, groups))?);
        }
        Ok(found)
    }

    /// The same of some rows.
    pub fn take(&self, rows: &[u32]) -> Subject<'static> {
        let take = |from: &[f32]| -> Vec<f32> { rows.iter().map(|&row| from[row as usize]).collect() };
        Subject {
            rank: self.rank,
            task: self.task.clone(),
            kind: self.kind,
            predictions: take(&self.predictions).into(),
            labels: take(&self.labels).into(),
            weights: self.weights.as_deref().map(|weights| take(weights).into()),
            shares: self.shares.as_deref().map(take),
        }
    }
}
