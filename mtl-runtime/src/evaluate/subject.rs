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

/// Everything that is measured of the rows of a dataset: metrics, intervals, slices, changes, pictures and saved predictions are of it.
pub(crate) struct Subjects<'a> {
    /// Every task, in its own sample space, and every rank by every task that orders rows.
    pub all: Vec<Subject<'a>>,
    /// The scores of each rank.
    pub scores: Vec<(&'static str, Vec<f64>)>,
    /// The group of each row.
    pub groups: Option<&'a [u64]>,
}

/// Predictions of a task, or scores of a rank, beside the task's labels and weights.
pub(crate) struct Subject<'a> {
    /// The rank, if it is one.
    pub rank: Option<&'static str>,
    /// The task, `buy`, `buy calibrated` or `buy | click`.
    pub task: String,
    pub kind: TaskKind,
    /// One for each row, or one for each class of each row.
    pub predictions: Rc<[f32]>,
    /// The same as calibrated, of a task that has it; that is measured as a task of its own.
    pub calibrated: Option<Rc<[f32]>>,
    pub labels: Cow<'a, [f32]>,
    pub weights: Option<Cow<'a, [f32]>>,
    /// Grades as soft labels, for GAUC.
    shares: Option<Vec<f32>>,
}

impl<'a> Subjects<'a> {
    /// Those of rows that a network has predicted.
    pub fn of<M: Model>(
        config: &M::Config,
        schema: &Schema,
        dataset: &'a Dataset,
        scored: &Scored,
        calibrators: &Calibrators,
    ) -> Result<Self> {
        let names = prediction_names(schema);
        let rows = || scored.predictions.chunks_exact(names.len().max(1));
        let columns =
            |p: usize, width: usize| -> Rc<[f32]> { rows().flat_map(|row| &row[p..p + width]).copied().collect() };
        let weights = |t: usize| dataset.weights[t].as_deref().map(Cow::Borrowed);
        let mut all = Vec::new();
        let mut p = 0;
        for (t, task) in schema.tasks.iter().enumerate() {
            let labels = &dataset.labels[t];
            let subject = |name: &str, predictions, labels| Subject {
                rank: None,
                task: name.to_owned(),
                kind: task.kind,
                predictions,
                calibrated: None,
                shares: shares(&task.kind, &dataset.labels[t]),
                labels,
                weights: weights(t),
            };
            let width = width(&task.kind);
            let own = subject(&task.name, columns(p, width), Cow::Borrowed(labels));
            p += width;
            let calibrated: Option<Rc<[f32]>> =
                calibrators.get(&task.name).map(|calibrator| calibrator.column(&own.predictions).into());
            all.push(Subject { calibrated: calibrated.clone(), ..own });
            if let Some(calibrated) = calibrated {
                all.push(subject(&calibrated_name(&task.name), calibrated, Cow::Borrowed(labels)));
            }
            if names.get(p).is_some_and(|name| name.starts_with(&format!("{} | ", task.name))) {
                let given = &dataset.labels[task.given.expect("a conditional prediction has a condition")];
                let happened = |(label, given): (&f32, &f32)| if *given > 0.5 { *label } else { f32::NAN };
                all.push(subject(&names[p], columns(p, 1), labels.iter().zip(given).map(happened).collect()));
                p += 1;
            }
        }
        let inputs = Inputs::of::<M>(schema, &scored.predictions, dataset, calibrators)?;
        let mut scores = Vec::new();
        // Before its first epoch is over, a training has nothing fitted.
        for rank in M::ranks().iter().filter(|rank| unfitted::<M>(rank.name, config).is_none()) {
            let of_rank = inputs.scores::<M>(rank, config)?;
            let predictions: Rc<[f32]> = of_rank.iter().map(|score| *score as f32).collect();
            if let Some(row) = predictions.iter().position(|score| score.is_nan()) {
                let name = rank.name;
                let message =
                    format!("the score `{name}` is not a number in row {row}: check its formula and parameters");
                return Err(Error::config(message));
            }
            scores.push((rank.name, of_rank));
            for (t, task) in schema.tasks.iter().enumerate().filter(|(_, task)| ordered(&task.kind)) {
                all.push(Subject {
                    rank: Some(rank.name),
                    task: task.name.clone(),
                    kind: task.kind,
                    predictions: predictions.clone(),
                    calibrated: None,
                    labels: Cow::Borrowed(&dataset.labels[t]),
                    weights: weights(t),
                    shares: shares(&task.kind, &dataset.labels[t]),
                });
            }
        }
        Ok(Self { all, scores, groups: dataset.groups.as_deref() })
    }
}

/// Predictions of a row.
fn width(kind: &TaskKind) -> usize {
    if let TaskKind::Multiclass { classes, .. } = kind { *classes } else { 1 }
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
        TaskKind::Multiclass { .. } => vec![Metric::Logloss, Metric::Accuracy],
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
        let columns = Columns::new(&self.predictions, labels).classes(width(&self.kind));
        columns.weights(self.weights.as_deref()).groups(groups)
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
        let width = width(&self.kind);
        let predictions =
            rows.iter().flat_map(|&row| &self.predictions[row as usize * width..][..width]).copied().collect();
        Subject {
            rank: self.rank,
            task: self.task.clone(),
            kind: self.kind,
            predictions,
            calibrated: self.calibrated.as_deref().map(|calibrated| take(calibrated).into()),
            labels: take(&self.labels).into(),
            weights: self.weights.as_deref().map(|weights| take(weights).into()),
            shares: self.shares.as_deref().map(take),
        }
    }
}
