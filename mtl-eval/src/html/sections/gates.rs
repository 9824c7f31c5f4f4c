//! The use of gates and experts.

use super::grid;
use crate::html::chart::{HeatMap, heat_map};
use crate::html::element::{Element, element};
use crate::report::{GateUse, Report, SplitMetrics};

pub(super) fn content(report: &Report) -> Vec<Element> {
    // The last split is the test, where there is one.
    let splits: Vec<(&str, &SplitMetrics)> = report.split.iter().filter(|(_, split)| !split.gates.is_empty()).collect();
    let Some((split, metrics)) = splits.last() else { return Vec::new() };
    let heading = element("h3").text(format!("{} rows", super::metrics::title(split)));
    grid(maps(metrics)).map(|cards| vec![heading, cards]).unwrap_or_default()
}

/// A map for each number of experts that gates choose from.
fn maps(split: &SplitMetrics) -> Vec<Element> {
    let mut by_width: Vec<(usize, Vec<(&str, &GateUse)>)> = Vec::new();
    for (name, gates) in split.gates.iter() {
        let width = gates.weights.iter().map(Vec::len).max().unwrap_or(0);
        if width == 0 {
            continue;
        }
        match by_width.iter_mut().find(|(known, _)| *known == width) {
            Some((_, group)) => group.push((name, gates)),
            None => by_width.push((width, vec![(name, gates)])),
        }
    }
    by_width.into_iter().map(|(width, group)| map(width, &group)).collect()
}

fn map(width: usize, group: &[(&str, &GateUse)]) -> Element {
    let title = if width == 1 { "1 expert".to_owned() } else { format!("{width} experts") };
    let mut map =
        HeatMap { title: &title, note: "gates by expert; beside them the entropy", most: 1.0, ..HeatMap::default() };
    map.columns = (1..=width).map(|expert| expert.to_string()).collect();
    for row in group.iter().flat_map(|(name, gates)| gates.rows(name)) {
        map.rows.push(row.name);
        map.values.push((0..width).map(|expert| row.weights.get(expert).copied().unwrap_or(f64::NAN)).collect());
        map.beside.push(row.entropy);
    }
    heat_map(&map)
}
