//! The sections of a page, in order; those without data are left out.

mod curves;
mod gates;
mod glance;
mod metrics;
mod rank;
mod shapes;
mod subnets;
mod tuning;
mod weights;

use super::element::{Element, classed, element};
use super::spec::coloured;
use crate::report::{Report, TextTable};

/// A section.
pub(super) struct Section {
    /// What a link names.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// How to read it.
    pub lead: &'static str,
    /// What it holds; it is left out if that is nothing.
    pub content: Vec<Element>,
}

/// The sections that have something to show.
pub(super) fn all(report: &Report) -> Vec<Section> {
    let sections = [
        Section { id: "glance", title: "At a glance", lead: "", content: glance::content(report) },
        Section { id: "warnings", title: "Warnings", lead: "", content: warnings(report) },
        Section {
            id: "metrics",
            title: "Metrics",
            lead: "Each task in its own sample space; each rank by how well its score orders the rows of a task.",
            content: metrics::content(report),
        },
        Section {
            id: "curves",
            title: "Curves",
            lead: "Losses of the training rows and metrics of the validation rows after each epoch.",
            content: curves::content(report),
        },
        Section {
            id: "weights",
            title: "Weights and gradients",
            lead: "How the tasks share the training: what their losses weigh, how long their gradients are, and whether they agree \
                   (cosine above 0) or pull against each other (below).",
            content: weights::content(report),
        },
        Section {
            id: "reliability",
            title: "Reliability",
            lead: "Mean prediction against what happened, in bins of equally many rows. On the line, a prediction of 10 % comes true in \
                   10 % of the rows; below it, the model promises too much.",
            content: shapes::reliability(report),
        },
        Section {
            id: "distributions",
            title: "Distributions",
            lead: "Predictions by label and scores by what came of the row, each kind of row as 100 %. The further apart, the better the \
                   kinds are told from each other.",
            content: shapes::distributions(report),
        },
        Section {
            id: "gates",
            title: "Gates and experts",
            lead: "The mean weight that each gate gives to each expert. An entropy of 100 % is an average of all experts, 0 % the choice \
                   of one.",
            content: gates::content(report),
        },
        Section {
            id: "subnetworks",
            title: "Subnetworks",
            lead: "The share of the weights that each task keeps, and what pairs of tasks have in common.",
            content: subnets::content(report),
        },
        Section {
            id: "fusion",
            title: "Scores",
            lead: "How predictions become one score: the formula, and its parameters within the ranges for which it was checked.",
            content: rank::content(report),
        },
        Section {
            id: "tuning",
            title: "Tuning",
            lead: "Parameters of a score, searched on the validation rows. The intervals of the differences hold 95 % of the draws of groups \
                   with replacement: one that holds 0 is within the noise of the rows.",
            content: tuning::content(report),
        },
        Section { id: "spec", title: "Spec", lead: "", content: spec(report) },
    ];
    sections.into_iter().filter(|section| !section.content.is_empty()).collect()
}

fn warnings(report: &Report) -> Vec<Element> {
    let steps = |epoch: &crate::report::Epoch| {
        let count = epoch.gradients.as_ref().map_or(0, |log| log.fallbacks);
        (count > 0).then(|| {
            format!("epoch {}: in {count} steps the weighting had no answer, and weights were equal", epoch.epoch)
        })
    };
    let texts: Vec<String> = report.warnings.iter().cloned().chain(report.epochs.iter().filter_map(steps)).collect();
    if texts.is_empty() {
        return Vec::new();
    }
    vec![classed("ul", "warnings").children(texts.iter().map(|text| element("li").text(text)))]
}

fn spec(report: &Report) -> Vec<Element> {
    if report.spec.trim().is_empty() {
        return Vec::new();
    }
    vec![classed("div", "card code").child(coloured(report.spec.trim()))]
}

/// Cards side by side, as many as have room.
pub(super) fn grid(cards: impl IntoIterator<Item = Element>) -> Option<Element> {
    let cards: Vec<Element> = cards.into_iter().collect();
    (!cards.is_empty()).then(|| classed("div", "grid").children(cards))
}

/// A table in a card: its first column holds names, the others numbers.
pub(super) fn table(header: &[String], rows: &[Vec<String>]) -> Element {
    let head = element("tr").children(header.iter().map(|name| element("th").with("scope", "col").text(name)));
    let body = rows.iter().map(|row| {
        let cells = row.iter().enumerate().map(|(at, cell)| match at {
            0 => element("th").with("scope", "row").text(cell),
            _ => element("td").text(cell),
        });
        element("tr").children(cells)
    });
    let table = element("table").child(element("thead").child(head)).child(element("tbody").children(body));
    classed("div", "card").child(classed("div", "scroll").child(table))
}

/// A table as people read it on a terminal too.
pub(super) fn text_table(text: &TextTable) -> Element {
    let (header, rows) = text.cells();
    table(header, rows)
}
