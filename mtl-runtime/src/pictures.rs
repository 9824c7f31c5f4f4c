//! What a report draws beside metrics: reliability, distributions, the formulas of the scores.

use mtl_data::Dataset;
use mtl_data::schema::{Schema, TaskKind};
use mtl_eval::calibration::Calibrator;
use mtl_eval::metrics;

use crate::error::Result;
use crate::evaluate::Scored;
use crate::loss::prediction_names;
use crate::model::{Model, Rank, RankParam};
use crate::report::{Distribution, Pictures, RankParameter, RankReport, Reliability};
use crate::scores::{Calibrators, Inputs, unfitted};

/// Bins of a picture of reliability.
const BINS: usize = 10;

/// The pictures of rows with labels.
pub(crate) fn pictures<M: Model>(
    config: &M::Config,
    schema: &Schema,
    dataset: &Dataset,
    scored: &Scored,
    calibrators: &Calibrators,
) -> Result<Pictures> {
    let names = prediction_names(schema);
    let column = |p: usize| -> Vec<f32> { scored.predictions.iter().skip(p).step_by(names.len()).copied().collect() };
    let mut pictures = Pictures::default();
    let mut p = 0;
    for (t, task) in schema.tasks.iter().enumerate() {
        let labels = &dataset.labels[t];
        if let TaskKind::Multiclass { classes, .. } = task.kind {
            p += classes;
            continue;
        }
        let calibrator = calibrators.get(&task.name);
        draw(&mut pictures, &task.name, &task.kind, &column(p), labels, dataset.weights[t].as_deref(), calibrator)?;
        p += 1;
        if names.get(p).is_some_and(|name| name.starts_with(&format!("{} | ", task.name))) {
            let given = &dataset.labels[task.given.expect("a conditional prediction has a condition")];
            let happened = |(label, given): (&f32, &f32)| if *given > 0.5 { *label } else { f32::NAN };
            let labels: Vec<f32> = labels.iter().zip(given).map(happened).collect();
            draw(&mut pictures, &names[p], &task.kind, &column(p), &labels, dataset.weights[t].as_deref(), None)?;
            p += 1;
        }
    }
    let inputs = Inputs::of::<M>(schema, &scored.predictions, dataset, calibrators)?;
    for rank in M::ranks().iter().filter(|rank| unfitted::<M>(rank.name, config).is_none()) {
        let scores = inputs.scores::<M>(rank, config)?;
        let positive = |t: usize| {
            let rows = scores.iter().zip(&dataset.labels[t]).filter(|(_, label)| **label > 0.5);
            rows.map(|(score, _)| *score).collect::<Vec<_>>()
        };
        let binary = schema.tasks.iter().enumerate().filter(|(_, task)| matches!(task.kind, TaskKind::Binary { .. }));
        let kinds = binary.map(|(t, task)| (format!("{} = 1", task.name), positive(t)));
        if let Some(distribution) = Distribution::of([("all rows".to_owned(), scores.clone())].into_iter().chain(kinds))
        {
            pictures.scores.set(rank.name, distribution);
        }
    }
    Ok(pictures)
}

/// The pictures of one prediction.
fn draw(
    pictures: &mut Pictures,
    name: &str,
    kind: &TaskKind,
    predictions: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
    calibrator: Option<&Calibrator>,
) -> Result<()> {
    let rows = || predictions.iter().zip(labels).filter(|(_, label)| !label.is_nan());
    let values = |keep: &dyn Fn(f32) -> bool| -> Vec<f64> {
        rows().filter(|(_, label)| keep(**label)).map(|(prediction, _)| f64::from(*prediction)).collect()
    };
    let distribution = match kind {
        TaskKind::Binary { .. } => {
            let raw = metrics::reliability(predictions, labels, weights, BINS)?;
            if !raw.is_empty() {
                let calibrated =
                    calibrator.map(|of| metrics::reliability(&of.column(predictions), labels, weights, BINS));
                let calibrated = calibrated.transpose()?.unwrap_or_default();
                pictures.reliability.set(name, Reliability { raw, calibrated });
            }
            Distribution::of([("label 0", values(&|label| label <= 0.5)), ("label 1", values(&|label| label > 0.5))])
        }
        TaskKind::Pairwise | TaskKind::Listwise { .. } | TaskKind::Multiclass { .. } => {
            Distribution::of([("prediction", values(&|_| true))])
        }
        TaskKind::Regression { .. } | TaskKind::Ordinal { .. } => {
            let labels = rows().map(|(_, label)| f64::from(*label)).collect();
            Distribution::of([("prediction", values(&|_| true)), ("label", labels)])
        }
    };
    if let Some(distribution) = distribution {
        pictures.predictions.set(name, distribution);
    }
    Ok(())
}

/// The scores of a model under a configuration.
pub(crate) fn ranks<M: Model>(config: &M::Config) -> Vec<RankReport> {
    let parameters = |params: Vec<RankParam>| {
        let parameter = |param: RankParam| RankParameter {
            name: param.name.to_owned(),
            value: param.value,
            low: param.low,
            high: param.high,
        };
        params.into_iter().map(parameter).collect()
    };
    let fit = |rank: &str| {
        let learned = M::learned().iter().find(|learned| learned.rank == rank)?;
        Some((learned.fusion)(config).to_string())
    };
    let rank = |rank: &Rank<M::Config>| RankReport {
        name: rank.name.to_owned(),
        formula: rank.formula.trim().to_owned(),
        parameters: parameters((rank.params)(config)),
        fit: fit(rank.name),
    };
    M::ranks().iter().map(rank).collect()
}
