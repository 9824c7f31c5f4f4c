//! Subnetworks: kept shares, overlap, what serving costs, and the rounds that found them.

use super::{grid, table};
use crate::html::chart::{HeatMap, LineChart, Series, heat_map, line_chart};
use crate::html::element::Element;
use crate::html::number::{count, percent};
use crate::report::{Report, SubnetReport};

pub(super) fn content(report: &Report) -> Vec<Element> {
    let Some(subnets) = &report.subnets else { return Vec::new() };
    let tasks: Vec<String> = subnets.kept.iter().map(|(task, _)| task.to_owned()).collect();
    if tasks.is_empty() {
        return Vec::new();
    }
    let all = ("all".to_owned(), &subnets.kept);
    let layers = || subnets.layers.iter().map(|layer| (layer.name.clone(), &layer.kept)).chain([all.clone()]);
    let share = |kept: &crate::report::Named<f64>, task: &String| kept.get(task).copied().unwrap_or(f64::NAN);
    let kept = HeatMap {
        title: "Kept weights",
        note: "share of a layer's weights that a task keeps",
        rows: layers().map(|(name, _)| name).collect(),
        columns: tasks.clone(),
        values: layers().map(|(_, kept)| tasks.iter().map(|task| share(kept, task)).collect()).collect(),
        most: 1.0,
        beside: Vec::new(),
    };
    let overlap = |a: &String, b: &String| {
        let of = |x: &String, y: &String| (x == a && y == b) || (x == b && y == a);
        let found = subnets.overlap.iter().find(|(x, y, _)| of(x, y)).map(|(.., overlap)| *overlap);
        if a == b { 1.0 } else { found.unwrap_or(f64::NAN) }
    };
    let common = HeatMap {
        title: "Overlap",
        note: "weights of both tasks by those of either",
        rows: tasks.clone(),
        columns: tasks.clone(),
        values: tasks.iter().map(|a| tasks.iter().map(|b| overlap(a, b)).collect()).collect(),
        most: 1.0,
        beside: Vec::new(),
    };
    let cards = [Some(heat_map(&kept)), (tasks.len() > 1).then(|| heat_map(&common)), rounds(subnets)];
    let cost = subnets.multiplications.iter().map(|(task, cost)| {
        let share = if subnets.dense > 0 { percent(*cost as f64 / subnets.dense as f64) } else { String::new() };
        vec![task.to_owned(), count(*cost), share]
    });
    let header = ["served subnetwork", "multiplications a row", "of the whole network"].map(String::from);
    let cost: Vec<Vec<String>> = cost.collect();
    grid(cards.into_iter().flatten()).into_iter().chain((!cost.is_empty()).then(|| table(&header, &cost))).collect()
}

fn rounds(subnets: &SubnetReport) -> Option<Element> {
    let mut series: Vec<Series> = Vec::new();
    for round in &subnets.rounds {
        let point = (round.kept * 100.0, round.value.unwrap_or(f64::NAN));
        match series.iter_mut().find(|series| series.name == round.task) {
            Some(series) => series.points.push(point),
            None => series.push(Series { name: round.task.clone(), points: vec![point] }),
        }
    }
    let (title, note) = ("Search for the masks", "validation metric by the share of the weights that is left");
    line_chart(&LineChart { title, note, series, across: "% of the weights", ..LineChart::default() })
}
