//! The frame of a chart: axes, ticks, grid, titles of the axes.

use super::{Scale, at};
use crate::html::element::{Element, classed, element};
use crate::html::number::tick;

pub(super) const WIDTH: f64 = 400.0;
pub(super) const HEIGHT: f64 = 240.0;
pub(super) const LEFT: f64 = 50.0;
pub(super) const RIGHT: f64 = 20.0;
pub(super) const TOP: f64 = 10.0;
pub(super) const BOTTOM: f64 = 40.0;

/// The place of a value on the horizontal axis.
pub(super) fn across(scale: &Scale, value: f64) -> Option<f64> {
    Some(LEFT + scale.place(value)? * (WIDTH - LEFT - RIGHT))
}

/// The place of a value on the vertical axis.
pub(super) fn up(scale: &Scale, value: f64) -> Option<f64> {
    Some(HEIGHT - BOTTOM - scale.place(value)? * (HEIGHT - TOP - BOTTOM))
}

/// A chart with its grid, ticks and the titles of its axes; the marks are to come.
pub(super) fn frame(label: &str, x: &Scale, y: &Scale, x_title: &str, y_title: &str) -> Element {
    let mut frame = classed("svg", "chart").with("viewBox", format!("0 0 {WIDTH} {HEIGHT}")).with("role", "img");
    frame = frame.with("aria-label", label);
    let bottom = HEIGHT - BOTTOM;
    for value in &y.ticks {
        let Some(place) = up(y, *value) else { continue };
        frame = frame.child(line("grid", LEFT, place, WIDTH - RIGHT, place)).child(words(
            "tick end",
            LEFT - 6.0,
            place + 4.0,
            &tick(*value, if y.is_logarithmic() { *value } else { y.step }),
        ));
    }
    for value in &x.ticks {
        let Some(place) = across(x, *value) else { continue };
        let label = tick(*value, if x.is_logarithmic() { *value } else { x.step });
        frame = frame.child(line("axis", place, bottom, place, bottom + 4.0)).child(words(
            "tick middle",
            place,
            bottom + 16.0,
            &label,
        ));
    }
    frame = frame.child(line("axis", LEFT, bottom, WIDTH - RIGHT, bottom));
    frame = frame.child(words("title middle", (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 6.0, x_title));
    if y_title.is_empty() {
        return frame;
    }
    let middle = (TOP + bottom) / 2.0;
    let title = words("title middle", 11.0, middle, y_title);
    frame.child(title.with("transform", format!("rotate(-90 11 {})", at(middle))))
}

pub(super) fn line(class: &str, x1: f64, y1: f64, x2: f64, y2: f64) -> Element {
    let ends = [("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)];
    ends.into_iter().fold(classed("line", class), |line, (name, value)| line.with(name, at(value)))
}

pub(super) fn words(class: &str, x: f64, y: f64, text: &str) -> Element {
    classed("text", class).with("x", at(x)).with("y", at(y)).text(text)
}

/// A text that shows where the pointer rests.
pub(super) fn tip(text: impl std::fmt::Display) -> Element {
    element("title").text(text)
}
