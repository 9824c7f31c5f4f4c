//! A heat map: a number for each row and column, as colour and as text.

use super::axes::{tip, words};
use super::{at, figure};
use crate::html::element::{Element, classed, element};
use crate::html::number::short;

/// What a heat map shows.
#[derive(Debug, Clone, Default)]
pub(in crate::html) struct HeatMap<'a> {
    /// Its title.
    pub title: &'a str,
    /// What to know when reading it.
    pub note: &'a str,
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Row by row; not finite where there is no number.
    pub values: Vec<Vec<f64>>,
    /// The number whose colour is full; negative numbers have the other colour.
    pub most: f64,
    /// Texts beside the rows.
    pub beside: Vec<String>,
}

const CELL: f64 = 46.0;
const LINE: f64 = 28.0;
/// What fits beside other pictures.
const ROOM: f64 = 340.0;

/// A heat map.
pub(in crate::html) fn heat_map(map: &HeatMap) -> Element {
    let longest = |texts: &[String]| texts.iter().map(|text| text.chars().count().min(24)).max().unwrap_or(0) as f64;
    let (left, beside) = (14.0 + 6.6 * longest(&map.rows), 6.6 * longest(&map.beside) + 14.0);
    // Long names of columns stand upright.
    let steep = longest(&map.columns) > 6.0;
    let top = if steep { 16.0 + 6.0 * longest(&map.columns) } else { 24.0 };
    let (width, height) = (left + CELL * map.columns.len() as f64 + beside, top + LINE * map.rows.len() as f64 + 6.0);
    let mut picture = classed("svg", "heat").with("viewBox", format!("0 0 {} {}", at(width), at(height)));
    picture = picture.with("width", at(width)).with("height", at(height)).with("role", "img");
    picture = picture.with("aria-label", map.title);
    for (c, name) in map.columns.iter().enumerate() {
        let (x, y) = (left + CELL * (c as f64 + 0.5), top - 8.0);
        let label = if steep {
            let turn = format!("rotate(-90 {} {})", at(x + 4.0), at(y));
            words("tick", x + 4.0, y, &cut(name)).with("transform", turn)
        } else {
            words("tick middle", x, y, name)
        };
        picture = picture.child(label);
    }
    for (r, (name, values)) in map.rows.iter().zip(&map.values).enumerate() {
        let y = top + LINE * r as f64;
        picture = picture.child(words("tick end", left - 8.0, y + LINE / 2.0 + 4.0, &cut(name)));
        for (c, (column, value)) in map.columns.iter().zip(values).enumerate() {
            if !value.is_finite() {
                continue;
            }
            let share = (value.abs() / map.most).clamp(0.0, 1.0);
            let sign = if *value < 0.0 { "cold" } else { "warm" };
            let x = left + CELL * c as f64;
            let cell = [("x", x + 1.0), ("y", y + 1.0), ("width", CELL - 2.0), ("height", LINE - 2.0), ("rx", 3.0)];
            let cell = cell.into_iter().fold(classed("rect", sign), |cell, (name, value)| cell.with(name, at(value)));
            let cell = cell.with("fill-opacity", format!("{:.2}", 0.04 + 0.96 * share));
            let ink = if share > 0.55 { "cell middle full" } else { "cell middle" };
            let number = words(ink, x + CELL / 2.0, y + LINE / 2.0 + 4.0, &format!("{value:.2}"));
            let group = element("g").child(tip(format!("{name}, {column}: {}", short(*value))));
            picture = picture.child(group.child(cell).child(number));
        }
        if let Some(text) = map.beside.get(r) {
            let x = left + CELL * map.columns.len() as f64 + 8.0;
            picture = picture.child(words("tick", x, y + LINE / 2.0 + 4.0, text));
        }
    }
    figure(map.title, map.note, &[], picture).with("class", if width > ROOM { "card wide" } else { "card" })
}

/// A name that fits.
fn cut(name: &str) -> String {
    if name.chars().count() <= 24 { name.to_owned() } else { name.chars().take(23).chain(['…']).collect() }
}
