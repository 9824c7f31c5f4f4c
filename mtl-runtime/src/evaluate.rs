//! Evaluation: the predictions of a dataset's rows, and their metrics by task and by rank.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use mtl_data::schema::Schema;
use mtl_data::{Batches, Dataset, Order};
use mtl_eval::metrics::Metric;

use crate::config::BestMetric;
use crate::embedding::Embeddings;
use crate::error::{Error, Result};
use crate::loss::{part_losses, part_weights, prediction_names, predictions};
use crate::model::{Model, Pass};
use crate::report::{GateUse, Metrics, Named, SplitMetrics};

mod saved;
mod study;
mod subject;

pub use saved::{Baseline, SavedPredictions};
pub use study::Evaluation;
pub(crate) use subject::{Subject, Subjects};

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
    // Rows that are compared do not stand in one batch: their losses wait for all rows.
    let mut all = schema.compares_rows().then(<[Vec<f32>; 3]>::default);
    let parts = if dataset.labels.is_empty() { Vec::new() } else { part_weights(schema) };
    let mut sums = vec![(0.0, 0.0); parts.len()];
    let mut add = |parts: Vec<(f64, f64)>| {
        for ((sum, count), (loss, weight)) in sums.iter_mut().zip(parts) {
            (*sum, *count) = (*sum + loss * weight, *count + weight);
        }
    };
    for batch in Batches::new(dataset.clone(), ROWS, Order::Sequential)? {
        let input = input(embeddings.read(&batch.features), batch.rows.len(), embeddings.width(), &Device::default());
        let logits = network.forward(input, &pass);
        let logits = numbers(logits);
        if !batch.labels.is_empty() {
            add(part_losses(schema, &logits, &batch.labels, &batch.weights, None, ROWS));
            if let Some([values, labels, weights]) = &mut all {
                values.extend(&logits);
                labels.extend(&batch.labels);
                weights.extend(&batch.weights);
            }
        }
        out.extend(predictions(schema, &logits));
    }
    if let Some([values, labels, weights]) = all.filter(|[values, ..]| !values.is_empty()) {
        let groups = dataset.groups.as_deref().unwrap_or_default();
        let of_rows = part_losses(schema, &values, &labels, &weights, None, ROWS);
        let whole = part_losses(schema, &values, &labels, &weights, Some(groups), ROWS);
        let compared = whole.into_iter().zip(of_rows).map(|(part, rows)| if rows.1 > 0.0 { (0.0, 0.0) } else { part });
        add(compared.collect());
    }
    if let Some(at) = out.iter().position(|p| p.is_nan()) {
        let names = prediction_names(schema);
        let (row, name) = (at / names.len(), &names[at % names.len()]);
        let message = format!(
            "the prediction of `{name}` is not a number in row {row}: lower `train.optimizer.lr`, or check the data"
        );
        return Err(Error::training(message));
    }
    let mut losses: Vec<Option<f64>> = vec![None; if parts.is_empty() { 0 } else { tasks }];
    for ((task, weight), (sum, count)) in parts.into_iter().zip(sums).filter(|(_, (_, count))| *count > 0.0) {
        *losses[task].get_or_insert(0.0) += weight * sum / count;
    }
    Ok(Scored { predictions: out, losses, gates: pass.gates() })
}

/// The logits of a dataset's rows, row-major, and how many each row has. The tables are settled.
pub(crate) fn logits<M: Model>(
    network: &M,
    embeddings: &Embeddings,
    dataset: &Arc<Dataset>,
) -> Result<(Vec<f32>, usize)> {
    let network = network.valid();
    let mut out = Vec::new();
    for batch in Batches::new(dataset.clone(), ROWS, Order::Sequential)? {
        let input = input(embeddings.read(&batch.features), batch.rows.len(), embeddings.width(), &Device::default());
        out.extend(numbers(network.forward(input, &Pass::serving())));
    }
    let columns = out.len() / dataset.rows.max(1);
    Ok((out, columns))
}

/// A row-major matrix `[rows, width]` as the network's input `[rows, 1, width]`. The numbers are not copied.
pub(crate) fn input(matrix: Vec<f32>, rows: usize, width: usize, device: &Device) -> Tensor<3> {
    Tensor::from_data(TensorData::new(matrix, [rows, 1, width]), device)
}

/// The numbers of a tensor.
pub(crate) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("tensors of this crate are f32")
}

/// Metrics of everything that is measured of a split: these, or those that fit each.
pub(crate) fn measure<M: Model>(
    network: &M,
    scored: &Scored,
    subjects: &Subjects,
    wanted: &[Metric],
) -> Result<SplitMetrics> {
    let mut split = SplitMetrics::default();
    let mut ranks: Vec<(&str, Named<Metrics>)> =
        subjects.scores.iter().map(|(rank, _)| (*rank, Named::default())).collect();
    for subject in &subjects.all {
        let metrics = subject.metrics(subjects.groups, wanted)?;
        match subject.rank.and_then(|rank| ranks.iter_mut().find(|(name, _)| *name == rank)) {
            Some((_, tasks)) => tasks.set(&subject.task, metrics),
            None => split.tasks.set(&subject.task, metrics),
        }
    }
    split.ranks = ranks.into_iter().collect();
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

/// The value that picks the best epoch: the metric of one task, or its mean over the tasks of the schema it applies to.
pub(crate) fn value_of(split: &SplitMetrics, metric: BestMetric, task: Option<&str>, schema: &Schema) -> Option<f64> {
    let of = |metrics: &Metrics| match metric {
        BestMetric::Auc => metrics.auc,
        BestMetric::Gauc => metrics.gauc,
        BestMetric::Logloss => metrics.logloss,
        BestMetric::Rmse => metrics.rmse,
        BestMetric::Accuracy => metrics.accuracy,
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
