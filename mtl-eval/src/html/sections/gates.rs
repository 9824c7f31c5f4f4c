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
    let most = (width as f64).ln();
    for (name, gates) in group {
        for (at, (weights, entropy)) in gates.weights.iter().zip(&gates.entropy).enumerate() {
            map.rows.push(if gates.weights.len() == 1 { (*name).to_owned() } else { format!("{name}.{at}") });
            map.values.push((0..width).map(|expert| weights.get(expert).copied().unwrap_or(f64::NAN)).collect());
            map.beside.push(if most > 0.0 { format!("{:.0} %", 100.0 * entropy / most) } else { "-".into() });
        }
    }
    heat_map(&map)
}
