//! Curves over epochs.

use super::grid;
use super::metrics::{columns, fields, title};
use crate::html::chart::{LineChart, Series, line_chart};
use crate::html::element::{Element, element};
use crate::report::Report;

/// Tasks that have a chart of their own; more of them share charts.
const OWN: usize = 12;

pub(super) fn content(report: &Report) -> Vec<Element> {
    let kept = report.best_epoch.map(|epoch| epoch as f64);
    let mut content = Vec::new();
    let mut push = |name: &str, charts: Vec<Element>| {
        if let Some(cards) = grid(charts) {
            content.extend([element("h3").text(name), cards]);
        }
    };
    let metrics = metric_charts(report, kept);
    push("Metrics of the validation rows", metrics);
    push("Losses", losses(report, kept));
    push("Penalties", penalties(report, kept));
    content
}

fn metric_charts(report: &Report, kept: Option<f64>) -> Vec<Element> {
    let mut series: Vec<(String, Vec<Series>)> = Vec::new();
    let measured = report.epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, epoch.validation.as_ref()?)));
    let measured: Vec<_> = measured
        .map(|(epoch, split)| {
            let tasks = split.tasks.iter().map(|(task, metrics)| (task.to_owned(), fields(metrics)));
            (epoch, tasks.collect::<Vec<_>>())
        })
        .collect();
    let all: Vec<_> = measured.iter().flat_map(|(_, tasks)| tasks.iter().map(|(_, fields)| fields)).collect();
    for column in columns(all.into_iter()) {
        let mut of_tasks: Vec<Series> = Vec::new();
        for (epoch, tasks) in &measured {
            for (task, fields) in tasks {
                let Some((_, value)) = fields.iter().find(|(name, _)| *name == column) else { continue };
                match of_tasks.iter_mut().find(|series| series.name == *task) {
                    Some(series) => series.points.push((*epoch, *value)),
                    None => of_tasks.push(Series { name: task.clone(), points: vec![(*epoch, *value)] }),
                }
            }
        }
        series.push((column, of_tasks));
    }
    // The log loss stands beside the loss of the training rows.
    series.retain(|(column, _)| column != "logloss");
    let charts = series.into_iter().flat_map(|(column, of_tasks)| {
        let heading = title(&column);
        let groups = by_magnitude(of_tasks);
        groups.into_iter().filter_map(move |group| {
            let note = match &group[..] {
                [one] => one.name.clone(),
                _ => String::new(),
            };
            line_chart(&LineChart { title: &heading, note: &note, series: group, kept, ..LineChart::default() })
        })
    });
    charts.collect()
}

fn losses(report: &Report, kept: Option<f64>) -> Vec<Element> {
    let Some(first) = report.epochs.first() else { return Vec::new() };
    let tasks: Vec<&str> = first.losses.iter().map(|(task, _)| task).collect();
    let training = |task: &str| {
        let point = |epoch: &crate::report::Epoch| {
            (epoch.epoch as f64, epoch.losses.get(task).copied().flatten().unwrap_or(f64::NAN))
        };
        report.epochs.iter().map(point).collect::<Vec<_>>()
    };
    let objective =
        report.epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, epoch.validation.as_ref()?.loss?)));
    let objective = vec![Series { name: "validation".into(), points: objective.collect() }];
    let title = "Objective, validation rows";
    let objective = line_chart(&LineChart { title, series: objective, kept, ..LineChart::default() });
    if tasks.len() > OWN {
        let series = tasks.iter().map(|task| Series { name: (*task).to_owned(), points: training(task) });
        let charts = by_magnitude(series.collect()).into_iter().filter_map(|series| {
            line_chart(&LineChart { title: "Training loss", series, kept, ..LineChart::default() })
        });
        return charts.chain(objective).collect();
    }
    let charts = tasks.iter().filter_map(|task| {
        let mut series = vec![Series { name: "training loss".into(), points: training(task) }];
        let validation = report
            .epochs
            .iter()
            .filter_map(|epoch| Some((epoch.epoch as f64, epoch.validation.as_ref()?.tasks.get(task)?.logloss?)));
        let points: Vec<_> = validation.collect();
        if !points.is_empty() {
            series.push(Series { name: "validation log loss".into(), points });
        }
        let note = if series.len() == 1 { "training loss" } else { "" };
        line_chart(&LineChart { title: task, note, series, kept, ..LineChart::default() })
    });
    charts.chain(objective).collect()
}

fn penalties(report: &Report, kept: Option<f64>) -> Vec<Element> {
    let names: Vec<&str> =
        report.epochs.first().into_iter().flat_map(|epoch| epoch.penalties.iter()).map(|(n, _)| n).collect();
    let series = |name: &&str| {
        let point = |epoch: &crate::report::Epoch| Some((epoch.epoch as f64, *epoch.penalties.get(name)?));
        Series { name: (*name).to_owned(), points: report.epochs.iter().filter_map(point).collect() }
    };
    let groups = by_magnitude(names.iter().map(series).collect());
    let title = "Added to the loss";
    groups
        .into_iter()
        .filter_map(|series| line_chart(&LineChart { title, series, kept, ..LineChart::default() }))
        .collect()
}

/// Series in groups whose sizes are alike, so that one axis shows all of a group.
pub(super) fn by_magnitude(series: Vec<Series>) -> Vec<Vec<Series>> {
    let size = |series: &Series| {
        let sizes = series.points.iter().map(|(_, value)| value.abs()).filter(|size| size.is_finite());
        sizes.max_by(f64::total_cmp)
    };
    let mut groups: Vec<(f64, f64, Vec<Series>)> = Vec::new();
    for one in series {
        let Some(size) = size(&one) else { continue };
        let fits = |(low, high, _): &&mut (f64, f64, Vec<Series>)| size.max(*high) <= 8.0 * size.min(*low).max(1e-300);
        match groups.iter_mut().find(fits) {
            Some((low, high, group)) => {
                (*low, *high) = (low.min(size), high.max(size));
                group.push(one);
            }
            None => groups.push((size, size, vec![one])),
        }
    }
    groups.into_iter().map(|(.., group)| group).collect()
}
