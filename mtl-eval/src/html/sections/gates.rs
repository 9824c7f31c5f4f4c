//! The use of gates and experts.

use super::grid;
use crate::html::chart::{HeatMap, figure, heat_map};
use crate::html::element::{Element, element};
use crate::report::{GateUse, Report, SplitMetrics};

pub(super) fn content(report: &Report) -> Vec<Element> {
    let mut content = Vec::new();
    for (split, metrics) in report.split.iter() {
        if let Some(cards) = grid(maps(metrics)) {
            content.extend([element("h3").text(format!("{} rows", super::metrics::title(split))), cards]);
        }
    }
    content
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
    let mut map = HeatMap { label: &title, most: 1.0, ..HeatMap::default() };
    map.columns = (1..=width).map(|expert| expert.to_string()).collect();
    let most = (width as f64).ln();
    for (name, gates) in group {
        for (at, (weights, entropy)) in gates.weights.iter().zip(&gates.entropy).enumerate() {
            map.rows.push(if gates.weights.len() == 1 { (*name).to_owned() } else { format!("{name}.{at}") });
            map.values.push((0..width).map(|expert| weights.get(expert).copied().unwrap_or(f64::NAN)).collect());
            map.beside.push(if most > 0.0 { format!("{:.0} %", 100.0 * entropy / most) } else { "-".into() });
        }
    }
    figure(&title, "gates by expert; beside them the entropy", &[], heat_map(&map))
}
