//! Scores: formulas, parameters, Pareto fronts.

use super::{grid, table};
use crate::html::chart::{Dot, Scatter, scatter};
use crate::html::element::{Element, classed, element};
use crate::html::number::short;
use crate::html::spec::coloured;
use crate::report::{Front, FrontPoint, RankParameter, RankReport, Report};

/// Points of a front in its table.
const ROWS: usize = 40;

pub(super) fn content(report: &Report) -> Vec<Element> {
    let ranks = report.ranks.iter().map(rank);
    ranks.chain(report.fronts.iter().flat_map(front)).collect()
}

fn rank(rank: &RankReport) -> Element {
    let parameters = (!rank.parameters.is_empty())
        .then(|| classed("div", "parameters").children(rank.parameters.iter().map(parameter)));
    classed("div", "card code")
        .child(element("h3").text(format!("rank {}", rank.name)))
        .child(coloured(&rank.formula))
        .children(parameters)
        .children(rank.fit.as_ref().map(|fit| classed("p", "note").text(fit)))
}

/// A parameter at its place in its range.
fn parameter(parameter: &RankParameter) -> Element {
    let RankParameter { name, value, low, high } = parameter;
    let place = ((value - low) / (high - low)).clamp(0.0, 1.0);
    let place = if place.is_finite() { 100.0 * place } else { 0.0 };
    let track = classed("span", "track")
        .with("title", format!("{name} = {} in {} to {}", short(*value), short(*low), short(*high)))
        .child(classed("span", "done").with("style", format!("width: {place:.1}%")))
        .child(classed("span", "thumb").with("style", format!("left: {place:.1}%")));
    classed("div", "parameter")
        .child(classed("span", "name").text(name))
        .child(classed("span", "value").text(short(*value)))
        .child(classed("span", "end").text(short(*low)))
        .child(track)
        .child(classed("span", "end").text(short(*high)))
}

/// A picture for each pair of objectives, and the points as a table.
fn front(front: &Front) -> Vec<Element> {
    if front.points.is_empty() {
        return Vec::new();
    }
    let heading =
        if front.rank.is_empty() { "Pareto front".to_owned() } else { format!("Pareto front of {}", front.rank) };
    let count = front.objectives.len();
    let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b)));
    let charts = pairs.filter_map(|(a, b)| {
        let mut points: Vec<&FrontPoint> = front.points.iter().collect();
        let value = |point: &FrontPoint, objective: usize| point.values.get(objective).copied().unwrap_or(f64::NAN);
        points.sort_by(|one, other| value(one, a).total_cmp(&value(other, a)));
        let dots = points.iter().map(|point| Dot {
            x: value(point, a),
            y: value(point, b),
            text: described(front, point),
            size: if point.chosen { 3.0 } else { 1.0 },
            mark: point.chosen.then_some("chosen"),
        });
        let (x, y) = (&front.objectives[a], &front.objectives[b]);
        let title = format!("{y} against {x}");
        let kinds = vec![("front".to_owned(), dots.collect())];
        scatter(&Scatter { title: &title, x, y, kinds, ..Scatter::default() })
    });
    let charts = grid(charts);
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in front.points.iter().flat_map(|point| point.parameters.iter()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let header = [String::new()].into_iter().chain(front.objectives.iter().cloned());
    let header: Vec<String> = header.chain(names.iter().map(|name| (*name).to_owned())).collect();
    // The chosen one is among those that are shown.
    let shown = front.points.iter().enumerate().filter(|(at, point)| *at < ROWS || point.chosen);
    let rows: Vec<Vec<String>> = shown
        .map(|(at, point)| {
            let first = if point.chosen { format!("{} (chosen)", at + 1) } else { (at + 1).to_string() };
            let values = point.values.iter().map(|value| format!("{value:.4}"));
            let parameters = names.iter().map(|name| point.parameters.get(name).map_or(String::new(), |x| short(*x)));
            [first].into_iter().chain(values).chain(parameters).collect()
        })
        .collect();
    [element("h3").text(heading)].into_iter().chain(charts).chain([table(&header, &rows)]).collect()
}

fn described(front: &Front, point: &FrontPoint) -> String {
    let values = front.objectives.iter().zip(&point.values).map(|(name, value)| format!("{name} {value:.4}"));
    let parameters = point.parameters.iter().map(|(name, value)| format!("{name} = {}", short(*value)));
    values.chain(parameters).collect::<Vec<_>>().join(", ")
}
