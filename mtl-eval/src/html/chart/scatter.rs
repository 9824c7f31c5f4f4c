//! A scatter chart: points of one or more kinds, joined or not, beside a line where both axes are equal.

use super::axes::{across, frame, line, tip, up};
use super::{Scale, at, figure, series_class};
use crate::html::element::{Element, classed};

/// A point.
#[derive(Debug, Clone)]
pub(in crate::html) struct Dot {
    /// Where it stands.
    pub x: f64,
    /// Where it stands.
    pub y: f64,
    /// What it says where the pointer rests.
    pub text: String,
    /// Its size by area, beside the others' of 1.
    pub size: f64,
}

/// What a scatter chart shows.
#[derive(Debug, Clone, Default)]
pub(in crate::html) struct Scatter<'a> {
    /// Its title.
    pub title: &'a str,
    /// What to know when reading it.
    pub note: &'a str,
    /// The title of the horizontal axis.
    pub x: &'a str,
    /// The title of the vertical axis.
    pub y: &'a str,
    /// The points of each kind.
    pub kinds: Vec<(String, Vec<Dot>)>,
    /// Whether both axes are equal, with a line between.
    pub equal: bool,
    /// Whether the points of a kind stand alone, with no line through them.
    pub apart: bool,
}

/// A scatter chart; none without a point.
pub(in crate::html) fn scatter(chart: &Scatter) -> Option<Element> {
    let dots = || chart.kinds.iter().flat_map(|(_, dots)| dots).filter(|dot| dot.x.is_finite() && dot.y.is_finite());
    dots().next()?;
    let (mut x, mut y) = (Scale::over(dots().map(|dot| dot.x), 5), Scale::over(dots().map(|dot| dot.y), 5));
    if chart.equal {
        x = Scale::over(dots().flat_map(|dot| [dot.x, dot.y, 0.0]), 5);
        y = x.clone();
    }
    let mut picture = frame(chart.title, &x, &y, chart.x, chart.y);
    if chart.equal {
        let (from, to) = ((across(&x, x.low)?, up(&y, y.low)?), (across(&x, x.high)?, up(&y, y.high)?));
        picture = picture.child(line("equal", from.0, from.1, to.0, to.1));
    }
    for (index, (_, kind)) in chart.kinds.iter().enumerate() {
        let placed = kind.iter().filter_map(|dot| Some((dot, across(&x, dot.x)?, up(&y, dot.y)?)));
        let placed: Vec<(&Dot, f64, f64)> = placed.collect();
        if !chart.apart {
            let step = |(step, (_, a, b)): (usize, &(&Dot, f64, f64))| {
                format!("{}{} {}", if step == 0 { 'M' } else { 'L' }, at(*a), at(*b))
            };
            let steps: String = placed.iter().enumerate().map(step).collect();
            let line = classed("path", format!("line thin {}", series_class(index)));
            picture = picture.child(line.with("d", steps));
        }
        for (dot, a, b) in placed {
            let radius = 3.4 * dot.size.clamp(0.25, 4.0).sqrt();
            let circle = classed("circle", format!("dot {}", series_class(index)));
            let circle = circle.with("cx", at(a)).with("cy", at(b)).with("r", at(radius));
            picture = picture.child(circle.child(tip(&dot.text)));
        }
    }
    let legend: Vec<String> = chart.kinds.iter().map(|(name, _)| name.clone()).collect();
    Some(figure(chart.title, chart.note, &legend, picture).with("class", "card"))
}
