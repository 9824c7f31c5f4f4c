//! Evaluation: the predictions of a dataset's rows, and their metrics by task and by rank.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use mtl_data::schema::{Schema, TaskKind};
use mtl_data::{Batches, Dataset, Order};
use mtl_eval::metrics;

use crate::config::BestMetric;
use crate::embedding::Embeddings;
use crate::error::{Error, Result};
use crate::loss::{pairs_loss, prediction_names, predictions, task_losses};
use crate::model::{Model, Pass};
use crate::report::{GateUse, Metrics, Named, SplitMetrics};

/// Rows of one forward pass: large enough for the matrix products, small enough for the caches.
const ROWS: usize = 4096;

/// What a network says about the rows of a dataset.
pub(crate) struct Scored {
    /// `[rows, P]` row-major, in the order of [`prediction_names`].
    pub predictions: Vec<f32>,
    /// The mean loss of each task; none without a label. Empty for a dataset without labels.
    pub losses: Vec<Option<f64>>,
    /// The use of each gate; empty for a dataset without labels.
    pub gates: Named<GateUse>,
}

/// Predicts the rows of a dataset. The tables are settled.
pub(crate) fn score<M: Model>(
    network: &M,
    embeddings: &Embeddings,
    schema: &Schema,
    dataset: &Arc<Dataset>,
) -> Result<Scored> {
    let network = network.valid();
    let tasks = schema.tasks.len();
    let pass = if dataset.labels.is_empty() { Pass::serving() } else { Pass::watching() };
    let mut out = Vec::with_capacity(dataset.rows * prediction_names(schema).len());
    let (mut sums, mut counts) = (vec![0.0; dataset.labels.len()], vec![0.0; dataset.labels.len()]);
    let compares = |t: &usize| schema.tasks[*t].kind == TaskKind::Pairwise;
    let mut compared: Vec<(usize, Vec<f32>)> = (0..tasks).filter(compares).map(|t| (t, Vec::new())).collect();
    for mut batch in Batches::new(dataset.clone(), ROWS, Order::Sequential)? {
        let input = input(embeddings.read(&batch.features), batch.rows.len(), embeddings.width(), &Device::default());
        let logits = network.forward(input, &pass);
        if !batch.labels.is_empty() {
            // Pairs do not stand in one batch: their loss waits for all rows.
            for (t, scores) in &mut compared {
                scores.extend(numbers(logits.clone()).iter().skip(*t).step_by(schema.logit_columns()));
                batch.weights.iter_mut().skip(*t).step_by(tasks).for_each(|weight| *weight = 0.0);
            }
            let losses = task_losses(schema, logits.clone(), &batch.labels, &batch.weights);
            for (t, loss) in numbers(losses).into_iter().enumerate() {
                let weight: f64 = batch.weights.iter().skip(t).step_by(tasks).map(|&w| f64::from(w)).sum();
                sums[t] += f64::from(loss) * weight;
                counts[t] += weight;
            }
        }
        out.extend(predictions(schema, &numbers(logits)));
    }
    if let Some(at) = out.iter().position(|p| p.is_nan()) {
        let names = prediction_names(schema);
        let (row, name) = (at / names.len(), &names[at % names.len()]);
        let message = format!(
            "the prediction of `{name}` is not a number in row {row}: lower `train.optimizer.lr`, or check the data"
        );
        return Err(Error::training(message));
    }
    let mut losses: Vec<_> = sums.iter().zip(&counts).map(|(sum, count)| (*count > 0.0).then(|| sum / count)).collect();
    for (t, scores) in compared.into_iter().filter(|(_, scores)| !scores.is_empty()) {
        let (labels, weights) = (&dataset.labels[t], dataset.weights[t].as_deref());
        losses[t] = pairs_loss(&scores, labels, weights, dataset.groups.as_deref().unwrap_or_default(), ROWS);
    }
    Ok(Scored { predictions: out, losses, gates: pass.gates() })
}

/// A row-major matrix `[rows, width]` as the network's input `[rows, 1, width]`. The numbers are not copied.
pub(crate) fn input(matrix: Vec<f32>, rows: usize, width: usize, device: &Device) -> Tensor<3> {
    Tensor::from_data(TensorData::new(matrix, [rows, 1, width]), device)
}

/// The numbers of a tensor.
pub(crate) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("tensors of this crate are f32")
}

/// Metrics of every task, in its own sample space, and of every rank.
pub(crate) fn measure<M: Model>(
    config: &M::Config,
    network: &M,
    schema: &Schema,
    dataset: &Dataset,
    scored: &Scored,
) -> Result<SplitMetrics> {
    let names = prediction_names(schema);
    let column = |p: usize| -> Vec<f32> { scored.predictions.iter().skip(p).step_by(names.len()).copied().collect() };
    let mut split = SplitMetrics::default();
    let mut p = 0;
    for (t, task) in schema.tasks.iter().enumerate() {
        let labels = &dataset.labels[t];
        split.tasks.set(&task.name, task_metrics(&task.kind, &column(p), dataset, t, labels)?);
        p += 1;
        if names.get(p).is_some_and(|name| name.starts_with(&format!("{} | ", task.name))) {
            let given = &dataset.labels[task.given.expect("a conditional prediction has a condition")];
            let happened = |(label, given): (&f32, &f32)| if *given > 0.5 { *label } else { f32::NAN };
            let labels: Vec<f32> = labels.iter().zip(given).map(happened).collect();
            split.tasks.set(&names[p], task_metrics(&task.kind, &column(p), dataset, t, &labels)?);
            p += 1;
        }
    }
    for rank in M::ranks() {
        let mut row = vec![0.0; names.len()];
        let score = |predictions: &[f32]| {
            row.iter_mut().zip(predictions).for_each(|(to, from)| *to = f64::from(*from));
            (rank.score)(config, &row) as f32
        };
        let scores: Vec<f32> = scored.predictions.chunks_exact(names.len()).map(score).collect();
        split.ranks.set(rank.name, rank_metrics(rank.name, schema, dataset, &scores)?);
    }
    split.loss = objective(network, &scored.losses);
    split.gates = scored.gates.clone();
    Ok(split)
}

/// The training objective of the mean losses; none where no task has any.
fn objective<M: Model>(network: &M, losses: &[Option<f64>]) -> Option<f64> {
    let active: Vec<bool> = losses.iter().map(Option::is_some).collect();
    if !active.contains(&true) {
        return None;
    }
    let values: Vec<f32> = losses.iter().map(|loss| loss.unwrap_or(0.0) as f32).collect();
    let losses = Tensor::<1>::from_data(TensorData::new(values, [active.len()]), &Device::default());
    Some(f64::from(numbers(network.valid().weighting().combine(losses, &active))[0]))
}

fn task_metrics(
    kind: &TaskKind,
    predictions: &[f32],
    dataset: &Dataset,
    task: usize,
    labels: &[f32],
) -> Result<Metrics> {
    let weights = dataset.weights[task].as_deref();
    let rows = labels.iter().filter(|label| !label.is_nan()).count();
    Ok(match kind {
        TaskKind::Binary { .. } => Metrics {
            auc: metrics::auc(predictions, labels, weights)?,
            gauc: gauc(predictions, labels, dataset)?,
            logloss: metrics::logloss(predictions, labels, weights)?,
            pcoc: metrics::pcoc(predictions, labels, weights)?,
            rmse: None,
            rows,
        },
        TaskKind::Pairwise => Metrics { gauc: gauc(predictions, labels, dataset)?, rows, ..Metrics::default() },
        TaskKind::Regression { .. } | TaskKind::Ordinal { .. } => {
            // Calibration is of means above 0.
            let amounts = matches!(kind, TaskKind::Regression { loss, .. } if loss.of_amounts());
            let pcoc = if amounts { metrics::pcoc(predictions, labels, weights)? } else { None };
            Metrics { rmse: metrics::rmse(predictions, labels, weights)?, pcoc, rows, ..Metrics::default() }
        }
    })
}

fn rank_metrics(rank: &str, schema: &Schema, dataset: &Dataset, scores: &[f32]) -> Result<Named<Metrics>> {
    if let Some(row) = scores.iter().position(|score| score.is_nan()) {
        let message = format!("the score `{rank}` is not a number in row {row}: check its formula and parameters");
        return Err(Error::config(message));
    }
    let of = |kind: &TaskKind| matches!(kind, TaskKind::Binary { .. } | TaskKind::Pairwise);
    let metrics = schema.tasks.iter().enumerate().filter(|(_, task)| of(&task.kind)).map(|(t, task)| {
        let (labels, weights) = (&dataset.labels[t], dataset.weights[t].as_deref());
        let rows = labels.iter().filter(|label| !label.is_nan()).count();
        let auc = match task.kind {
            TaskKind::Binary { .. } => metrics::auc(scores, labels, weights)?,
            _ => None,
        };
        Ok((task.name.clone(), Metrics { auc, gauc: gauc(scores, labels, dataset)?, rows, ..Metrics::default() }))
    });
    metrics.collect()
}

fn gauc(scores: &[f32], labels: &[f32], dataset: &Dataset) -> Result<Option<f64>> {
    let Some(groups) = &dataset.groups else { return Ok(None) };
    Ok(metrics::gauc(scores, labels, None, groups, metrics::GroupWeight::Rows)?.map(|gauc| gauc.value))
}

/// The value that picks the best epoch: the metric of one task, or its mean over the tasks of the schema it applies to.
pub(crate) fn value_of(split: &SplitMetrics, metric: BestMetric, task: Option<&str>, schema: &Schema) -> Option<f64> {
    let of = |metrics: &Metrics| match metric {
        BestMetric::Auc => metrics.auc,
        BestMetric::Gauc => metrics.gauc,
        BestMetric::Logloss => metrics.logloss,
        BestMetric::Rmse => metrics.rmse,
        BestMetric::Loss => None,
    };
    if metric == BestMetric::Loss {
        return split.loss;
    }
    if let Some(task) = task {
        return split.tasks.get(task).and_then(of);
    }
    let values: Vec<f64> = schema.tasks.iter().filter_map(|task| of(split.tasks.get(&task.name)?)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
