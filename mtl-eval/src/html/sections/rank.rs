//! Scores: formulas and parameters.

use crate::html::element::{Element, classed, element};
use crate::html::number::short;
use crate::html::spec::coloured;
use crate::report::{RankParameter, RankReport, Report};

pub(super) fn content(report: &Report) -> Vec<Element> {
    report.ranks.iter().map(rank).collect()
}

fn rank(rank: &RankReport) -> Element {
    let parameters = (!rank.parameters.is_empty())
        .then(|| classed("div", "parameters").children(rank.parameters.iter().map(|of| parameter(of, None))));
    classed("div", "card code")
        .child(element("h3").text(format!("rank {}", rank.name)))
        .child(coloured(&rank.formula))
        .children(parameters)
        .children(rank.fit.as_ref().map(|fit| classed("p", "note").text(fit)))
}

/// A parameter at its place in its range, and where it was before.
pub(super) fn parameter(parameter: &RankParameter, before: Option<f64>) -> Element {
    let RankParameter { name, value, low, high } = parameter;
    let place = |value: f64| {
        let place = ((value - low) / (high - low)).clamp(0.0, 1.0);
        if place.is_finite() { 100.0 * place } else { 0.0 }
    };
    let was = before.map_or_else(String::new, |before| format!(", {} before", short(before)));
    let title = format!("{name} = {} in {} to {}{was}", short(*value), short(*low), short(*high));
    let thumb = |class: &str, value: f64| classed("span", class).with("style", format!("left: {:.1}%", place(value)));
    let track = classed("span", "track")
        .with("title", title)
        .child(classed("span", "done").with("style", format!("width: {:.1}%", place(*value))))
        .children(before.map(|before| thumb("thumb before", before)))
        .child(thumb("thumb", *value));
    classed("div", "parameter")
        .child(classed("span", "name").text(name))
        .child(classed("span", "value").text(short(*value)))
        .child(classed("span", "end").text(short(*low)))
        .child(track)
        .child(classed("span", "end").text(short(*high)))
}
