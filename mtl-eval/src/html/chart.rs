//! Charts as SVG: lines, heat maps, histograms, reliability, fronts.

mod axes;
mod heat;
mod histogram;
mod lines;
mod scale;
mod scatter;

pub(super) use heat::{HeatMap, heat_map};
pub(super) use histogram::histogram;
pub(super) use lines::{LineChart, Series, line_chart};
pub(super) use scale::Scale;
pub(super) use scatter::{Dot, Scatter, scatter};

use super::element::{Element, classed, element};

/// The colours that series have in turn.
const COLOURS: usize = 8;

/// The class of a series: its colour, and its dashes where the colours are used up.
pub(super) fn series_class(at: usize) -> String {
    format!("s{} d{}", at % COLOURS, at / COLOURS % 4)
}

/// A picture with its title and its legend; its class is to come.
fn figure(title: &str, note: &str, legend: &[String], picture: Element) -> Element {
    let note = (!note.is_empty()).then(|| classed("p", "note").text(note));
    let entry = |(at, name): (usize, &String)| {
        let line = element("line").with("x1", 0).with("y1", 5).with("x2", 18).with("y2", 5);
        let key = classed("svg", "key").with("viewBox", "0 0 18 10").with("aria-hidden", "true");
        let key = key.child(line.with("class", series_class(at)));
        classed("span", "entry").child(key).text(name)
    };
    let legend = (legend.len() > 1).then(|| classed("div", "legend").children(legend.iter().enumerate().map(entry)));
    element("figure")
        .child(element("figcaption").text(title))
        .children(note)
        .children(legend)
        .child(classed("div", "scroll").child(picture))
}

/// A coordinate.
fn at(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
