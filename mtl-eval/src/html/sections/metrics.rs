//! Metrics by split, task and rank, whichever there are.

use serde_json::Value;

use super::{table, text_table};
use crate::html::element::{Element, element};
use crate::html::number::count;
use crate::report::{Metrics, Report, TextTable};

/// The order of those that are known; others follow by name.
const ORDER: [&str; 10] = ["auc", "gauc", "logloss", "ne", "pcoc", "ece", "rmse", "mae", "xauc", "accuracy"];

pub(super) fn content(report: &Report) -> Vec<Element> {
    let mut content = Vec::new();
    for (name, split) in report.split.iter() {
        let tasks = split.tasks.iter().map(|(task, metrics)| (task.to_owned(), fields(metrics), metrics.rows));
        let ranks = split.ranks.iter().flat_map(|(rank, tasks)| {
            tasks.iter().map(move |(task, m)| (format!("{rank} by {task}"), fields(m), m.rows))
        });
        let rows: Vec<_> = tasks.chain(ranks).collect();
        if rows.is_empty() {
            continue;
        }
        let columns = columns(rows.iter().map(|(_, fields, _)| fields));
        let named = |name: &str| if name.is_empty() { String::new() } else { title(name) };
        let header: Vec<String> =
            [""].into_iter().chain(columns.iter().map(String::as_str)).chain(["rows"]).map(named).collect();
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|(name, fields, rows)| {
                let value = |column: &String| fields.iter().find(|(field, _)| field == column).map(|(_, value)| *value);
                let cells = columns.iter().map(|column| value(column).map_or(String::new(), |x| cell(column, x)));
                std::iter::once(name.clone()).chain(cells).chain([count(*rows)]).collect()
            })
            .collect();
        let loss = split.loss.map(|loss| format!(", objective {loss:.4}")).unwrap_or_default();
        content.push(element("h3").text(format!("{}{loss}", title(name))));
        content.push(table(&header, &rows));
        let mut more = |heading: String, text: &TextTable| {
            content.extend([element("h3").text(heading), text_table(text)]);
        };
        if let Some(text) = split.interval_table() {
            more(format!("{}, intervals of 95 %", title(name)), &text);
        }
        if let Some(text) = split.change_table() {
            more(format!("{}, against the baseline", title(name)), &text);
        }
        for (column, text) in split.slice_tables() {
            more(format!("{}, by {column}", title(name)), &text);
        }
    }
    content
}

/// The numbers that metrics hold, by name; one inside another by both names.
pub(super) fn fields(metrics: &Metrics) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    if let Ok(value) = serde_json::to_value(metrics) {
        collect("", &value, &mut found);
    }
    found.retain(|(name, _)| name != "rows");
    found
}

fn collect(name: &str, value: &Value, found: &mut Vec<(String, f64)>) {
    match value {
        Value::Number(number) => found.extend(number.as_f64().map(|number| (name.to_owned(), number))),
        Value::Object(fields) => {
            for (field, value) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name} {field}") };
                collect(&name, value, found);
            }
        }
        _ => {}
    }
}

/// The names of all fields, the known ones first.
pub(super) fn columns<'f>(rows: impl Iterator<Item = &'f Vec<(String, f64)>>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in rows.flatten() {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let place = |name: &String| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len());
    names.sort_by(|a, b| place(a).cmp(&place(b)).then(a.cmp(b)));
    names
}

/// A name as it is written: abbreviations in capitals.
pub(super) fn title(name: &str) -> String {
    // What follows an @ are places or bins.
    let word = |word: &str| match word.split('@').next().unwrap_or_default() {
        "logloss" => "log loss".to_owned(),
        "auc" | "gauc" | "pcoc" | "ece" | "rmse" | "mae" | "mse" | "ndcg" | "map" | "mrr" | "xauc" | "ne" => {
            word.to_uppercase()
        }
        _ => word.to_owned(),
    };
    let text = name.split([' ', '_']).map(word).collect::<Vec<_>>().join(" ");
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

fn cell(column: &str, value: f64) -> String {
    let whole = value.fract() == 0.0 && value.abs() >= 10.0;
    match () {
        () if whole && !column.ends_with("auc") => crate::html::number::short(value),
        () if value.abs() < 100.0 => format!("{value:.4}"),
        () => crate::html::number::short(value),
    }
}
