//! Tuning: parameters and metrics before and after, and the front between goals.

use super::rank::parameter;
use super::{grid, text_table};
use crate::html::chart::{Dot, Scatter, scatter};
use crate::html::element::{Element, classed, element};
use crate::html::number::{count, duration, short};
use crate::report::{RankParameter, Report, TuneReport, TunedParam, TunedPoint};
use crate::search::spread;

/// Points of a front in its table.
const ROWS: usize = 40;

pub(super) fn content(report: &Report) -> Vec<Element> {
    let Some(tuning) = &report.tuning else { return Vec::new() };
    let mut content = vec![parameters(tuning)];
    if !tuning.broken.is_empty() {
        let heading = element("p").text("No point was found that keeps everything. The best one breaks:");
        let broken = tuning.broken.iter().map(|text| element("li").text(text));
        content.extend([heading, classed("ul", "warnings").children(broken)]);
    }
    for (name, split) in tuning.split.iter() {
        content.push(element("h3").text(format!("{} rows", super::metrics::title(name))));
        content.push(text_table(&tuning.split_table(split)));
    }
    content.extend(front(tuning));
    content
}

/// Each parameter at its place in its range.
fn parameters(tuning: &TuneReport) -> Element {
    let how = format!("{} points by {} in {}", count(tuning.evaluations), tuning.method, duration(tuning.seconds));
    let found = |(name, param): (&str, &TunedParam)| {
        let of = RankParameter { name: name.to_owned(), value: param.tuned?, low: param.low, high: param.high };
        Some(parameter(&of, Some(param.before)))
    };
    let found: Vec<Element> = tuning.params.iter().filter_map(found).collect();
    let what = if found.is_empty() {
        "the front between the goals, and no parameters"
    } else {
        "filled: tuned; hollow: before"
    };
    let parameters = (!found.is_empty()).then(|| classed("div", "parameters").children(found));
    classed("div", "card")
        .child(element("h3").text(format!("rank {}", tuning.rank)))
        .child(classed("p", "note").text(format!("{how}; {what}")))
        .children(parameters)
}

/// A picture for each pair of goals, and points as a table.
fn front(tuning: &TuneReport) -> Vec<Element> {
    if tuning.front.is_empty() {
        return Vec::new();
    }
    let goals = &tuning.goals;
    let values = tuning.front_values();
    let at = |values: &[f64], goal: usize| values.get(goal).copied().unwrap_or(f64::NAN);
    let described = |goals_at: &[f64], params: &mut dyn Iterator<Item = (&str, f64)>| {
        let goals = goals.iter().zip(goals_at).map(|(goal, value)| format!("{goal} {value:.4}"));
        let params = params.map(|(name, value)| format!("{} = {}", last(name), short(value)));
        goals.chain(params).collect::<Vec<_>>().join(", ")
    };
    let before = tuning.before();
    let of_before = described(&before, &mut tuning.params.iter().map(|(name, param)| (name, param.before)));
    let pairs = (0..goals.len()).flat_map(|a| (a + 1..goals.len()).map(move |b| (a, b)));
    let charts = pairs.filter_map(|(a, b)| {
        let point = |(point, values): (&TunedPoint, &Vec<f64>)| Dot {
            x: at(values, a),
            y: at(values, b),
            text: described(values, &mut point.params.iter().map(|(name, value)| (name, *value))),
            size: 1.0,
        };
        let mut dots: Vec<Dot> = tuning.front.iter().zip(&values).map(point).collect();
        dots.sort_by(|one, other| one.x.total_cmp(&other.x));
        let start = Dot { x: at(&before, a), y: at(&before, b), text: of_before.clone(), size: 2.0 };
        let kinds = vec![("front".to_owned(), dots), ("before".to_owned(), vec![start])];
        let title = format!("{} against {}", goals[b], goals[a]);
        scatter(&Scatter {
            title: &title,
            x: &goals[a],
            y: &goals[b],
            kinds,
            apart: goals.len() > 2,
            ..Scatter::default()
        })
    });
    let charts = grid(charts);
    let shown = spread(&values, ROWS);
    let of =
        if shown.len() < values.len() { format!("{} of {} points", shown.len(), values.len()) } else { String::new() };
    let note = (!of.is_empty()).then(|| classed("p", "note").text(of));
    let heading = element("h3").text("Pareto front, validation rows");
    [heading].into_iter().chain(charts).chain(note).chain([text_table(&tuning.front_table(&shown))]).collect()
}

/// The last part of a setting's name.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
