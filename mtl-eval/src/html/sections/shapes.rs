//! Reliability and distributions.

use super::grid;
use crate::html::chart::{Dot, Scatter, histogram, scatter};
use crate::html::element::{Element, element};
use crate::html::number::{count, short};
use crate::metrics::Bin;
use crate::report::{Pictures, Report};

/// The content that `cards` makes of each split, under the split's name.
fn by_split(report: &Report, cards: impl Fn(&Pictures) -> Vec<Element>) -> Vec<Element> {
    let mut content = Vec::new();
    for (split, pictures) in report.pictures.iter() {
        if let Some(grid) = grid(cards(pictures)) {
            content.extend([element("h3").text(format!("{} rows", super::metrics::title(split))), grid]);
        }
    }
    content
}

pub(super) fn reliability(report: &Report) -> Vec<Element> {
    by_split(report, |pictures| {
        let charts = pictures.reliability.iter().filter_map(|(task, reliability)| {
            let mut kinds = vec![("as predicted".to_owned(), dots(&reliability.raw))];
            if !reliability.calibrated.is_empty() {
                kinds.push(("calibrated".to_owned(), dots(&reliability.calibrated)));
            }
            scatter(&Scatter {
                title: task,
                x: "mean prediction",
                y: "share of positives",
                kinds,
                equal: true,
                ..Scatter::default()
            })
        });
        charts.collect()
    })
}

fn dots(bins: &[Bin]) -> Vec<Dot> {
    let dot = |bin: &Bin| {
        let (x, y) = (bin.prediction, bin.label);
        let text = format!("predicted {}, observed {}, {} rows", short(x), short(y), count(bin.count));
        Dot { x, y, text, size: 1.0 }
    };
    bins.iter().map(dot).collect()
}

pub(super) fn distributions(report: &Report) -> Vec<Element> {
    by_split(report, |pictures| {
        let predictions = pictures.predictions.iter().filter_map(|(task, d)| histogram(task, "prediction", d));
        let scores = pictures.scores.iter().filter_map(|(rank, d)| histogram(&format!("rank {rank}"), "score", d));
        predictions.chain(scores).collect()
    })
}
