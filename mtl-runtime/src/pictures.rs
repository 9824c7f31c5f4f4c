//! What a report draws beside metrics: reliability, distributions, the formulas of the scores.

use mtl_data::schema::TaskKind;
use mtl_eval::metrics::{self, Columns, confidence};

use crate::error::Result;
use crate::evaluate::{Subject, Subjects};
use crate::model::{Model, Rank, RankParam};
use crate::report::{CALIBRATED, Distribution, Pictures, RankParameter, RankReport, Reliability};

/// Bins of a picture of reliability.
const BINS: usize = 10;

/// The pictures of rows with labels.
pub(crate) fn pictures(subjects: &Subjects) -> Result<Pictures> {
    let mut pictures = Pictures::default();
    // A calibrated task is in the picture of its task.
    let tasks = subjects.all.iter().filter(|subject| subject.rank.is_none() && !subject.task.ends_with(CALIBRATED));
    for subject in tasks {
        draw(&mut pictures, subject)?;
    }
    for (rank, scores) in &subjects.scores {
        let positive = |labels: &[f32]| {
            let rows = scores.iter().zip(labels).filter(|(_, label)| **label > 0.5);
            rows.map(|(score, _)| *score).collect::<Vec<_>>()
        };
        let of_rank = subjects.all.iter().filter(|subject| subject.rank == Some(rank));
        let binary = of_rank.filter(|subject| matches!(subject.kind, TaskKind::Binary { .. }));
        let kinds = binary.map(|subject| (format!("{} = 1", subject.task), positive(&subject.labels)));
        let all = [("all rows".to_owned(), scores.clone())];
        if let Some(distribution) = Distribution::of(all.into_iter().chain(kinds)) {
            pictures.scores.set(*rank, distribution);
        }
    }
    Ok(pictures)
}

/// The pictures of a task.
fn draw(pictures: &mut Pictures, subject: &Subject) -> Result<()> {
    let (labels, weights) = (&*subject.labels, subject.weights.as_deref());
    let values = |predictions: &[f32], keep: &dyn Fn(f32) -> bool| -> Vec<f64> {
        let rows = predictions.iter().zip(labels).filter(|(_, label)| !label.is_nan() && keep(**label));
        rows.map(|(prediction, _)| f64::from(*prediction)).collect()
    };
    let reliability = |predictions: &[f32], labels: &[f32]| metrics::reliability(predictions, labels, weights, BINS);
    let mut of_events = Reliability::default();
    let predictions = &*subject.predictions;
    let distribution = match subject.kind {
        TaskKind::Binary { .. } => {
            of_events.raw = reliability(predictions, labels)?;
            if let Some(calibrated) = &subject.calibrated {
                of_events.calibrated = reliability(calibrated, labels)?;
            }
            let kinds =
                [("label 0", values(predictions, &|y| y <= 0.5)), ("label 1", values(predictions, &|y| y > 0.5))];
            Distribution::of(kinds)
        }
        TaskKind::Multiclass { classes, .. } => {
            let (most, hits) = confidence(Columns::new(predictions, labels).classes(classes).weights(weights))?;
            of_events.raw = reliability(&most, &hits)?;
            let of = |hit: f32| {
                let rows = most.iter().zip(&hits).filter(|(_, of)| **of == hit);
                rows.map(|(most, _)| f64::from(*most)).collect::<Vec<_>>()
            };
            Distribution::of([("another class", of(0.0)), ("its class", of(1.0))])
        }
        TaskKind::Pairwise | TaskKind::Listwise { .. } => {
            Distribution::of([("prediction", values(predictions, &|_| true))])
        }
        TaskKind::Regression { .. } | TaskKind::Ordinal { .. } => {
            Distribution::of([("prediction", values(predictions, &|_| true)), ("label", values(labels, &|_| true))])
        }
    };
    if !of_events.raw.is_empty() {
        pictures.reliability.set(&subject.task, of_events);
    }
    if let Some(distribution) = distribution {
        pictures.predictions.set(&subject.task, distribution);
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
