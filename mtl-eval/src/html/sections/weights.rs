//! Weights of the tasks, lengths and cosines of their gradients.

use super::grid;
use crate::html::chart::{HeatMap, LineChart, Series, heat_map, line_chart};
use crate::html::element::Element;
use crate::report::{Epoch, GradientLog, Report};

/// Pairs of tasks whose cosines are drawn as lines; of more, only the heat map is legible.
const PAIRS: usize = 28;

pub(super) fn content(report: &Report) -> Vec<Element> {
    let weighted = report
        .epochs
        .iter()
        .any(|epoch| epoch.gradients.is_some() || epoch.weights.iter().any(|(_, weight)| *weight != 1.0));
    if !weighted {
        return Vec::new();
    }
    let kept = report.best_epoch.map(|epoch| epoch as f64);
    let lines = |title, note, series, magnitudes| {
        line_chart(&LineChart { title, note, series, kept, magnitudes, ..LineChart::default() })
    };
    let weights =
        series(report, |epoch| epoch.weights.iter().map(|(task, weight)| (task.to_owned(), *weight)).collect());
    let norms = series(report, |epoch| {
        let norms = epoch.gradients.iter().flat_map(|log| log.norms.iter());
        norms.map(|(task, norm)| (task.to_owned(), *norm)).collect()
    });
    let pairs = series(report, |epoch| {
        let cosines = epoch.gradients.iter().flat_map(|log| &log.cosines);
        cosines.map(|(a, b, cosine)| (format!("{a}, {b}"), *cosine)).collect()
    });
    let last = report.epochs.iter().rev().find_map(|epoch| {
        let log = epoch.gradients.as_ref().filter(|log| !log.cosines.is_empty())?;
        Some((epoch.epoch, log))
    });
    let cards = [
        lines("Weights of the losses", "at the end of each epoch", weights, true),
        lines("Lengths of the gradients", "mean over the steps of each epoch", norms, true),
        (pairs.len() <= PAIRS)
            .then(|| lines("Cosines of the gradients", "mean over the steps of each epoch", pairs, false))
            .flatten(),
        last.map(|(epoch, log)| cosines(epoch, log)),
    ];
    grid(cards.into_iter().flatten()).into_iter().collect()
}

fn series(report: &Report, values: impl Fn(&Epoch) -> Vec<(String, f64)>) -> Vec<Series> {
    let mut found: Vec<Series> = Vec::new();
    for epoch in &report.epochs {
        for (name, value) in values(epoch) {
            let point = (epoch.epoch as f64, value);
            match found.iter_mut().find(|series| series.name == name) {
                Some(series) => series.points.push(point),
                None => found.push(Series { name, points: vec![point] }),
            }
        }
    }
    found
}

fn cosines(epoch: usize, log: &GradientLog) -> Element {
    let mut tasks: Vec<String> = Vec::new();
    for (a, b, _) in &log.cosines {
        for task in [a, b] {
            if !tasks.contains(task) {
                tasks.push(task.clone());
            }
        }
    }
    let cosine = |a: &String, b: &String| {
        let of = |x: &String, y: &String| (x == a && y == b) || (x == b && y == a);
        let found = log.cosines.iter().find(|(x, y, _)| of(x, y));
        if a == b { 1.0 } else { found.map_or(f64::NAN, |(.., cosine)| *cosine) }
    };
    let values = tasks.iter().map(|a| tasks.iter().map(|b| cosine(a, b)).collect()).collect();
    let title = format!("Cosines in epoch {epoch}");
    let note = "blue: the tasks agree; orange: they pull against each other";
    heat_map(&HeatMap {
        title: &title,
        note,
        rows: tasks.clone(),
        columns: tasks,
        values,
        most: 1.0,
        beside: Vec::new(),
    })
}
