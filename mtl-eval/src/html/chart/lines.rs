//! A line chart: values over epochs.

use super::axes::{BOTTOM, HEIGHT, TOP, WIDTH, across, frame, line, tip, up, words};
use super::{Scale, at, figure, series_class};
use crate::html::element::{Element, classed};
use crate::html::number::short;

/// One line.
#[derive(Debug, Clone)]
pub(in crate::html) struct Series {
    /// Its name.
    pub name: String,
    /// Its points; a value that is not finite leaves a gap.
    pub points: Vec<(f64, f64)>,
}

/// What a line chart shows.
#[derive(Debug, Clone, Default)]
pub(in crate::html) struct LineChart<'a> {
    /// Its title.
    pub title: &'a str,
    /// What to know when reading it.
    pub note: &'a str,
    /// Its lines.
    pub series: Vec<Series>,
    /// The title of the vertical axis.
    pub unit: &'a str,
    /// What the horizontal axis counts, if not epochs.
    pub across: &'a str,
    /// The epoch that was kept.
    pub kept: Option<f64>,
    /// Whether values are lengths, which may differ by powers of ten.
    pub magnitudes: bool,
}

/// A line chart; none without a value.
pub(in crate::html) fn line_chart(chart: &LineChart) -> Option<Element> {
    let points =
        || chart.series.iter().flat_map(|series| &series.points).filter(|(x, y)| x.is_finite() && y.is_finite());
    let first = points().map(|(x, _)| *x).min_by(f64::total_cmp)?;
    let last = points().map(|(x, _)| *x).max_by(f64::total_cmp)?;
    let epochs = chart.across.is_empty();
    let x = if epochs { Scale::whole(first, last) } else { Scale::over([first, last], 6) };
    let across_title = if epochs { "epoch" } else { chart.across };
    let values = points().map(|(_, y)| *y);
    let y = if chart.magnitudes { Scale::of_magnitudes(values, 5) } else { Scale::over(values, 5) };
    let mut picture = frame(chart.title, &x, &y, across_title, chart.unit);
    let dots = points().count() <= 400;
    for (index, series) in chart.series.iter().enumerate() {
        let mut path = String::new();
        let mut pen = 'M';
        let mut marks = Vec::new();
        for (epoch, value) in &series.points {
            let (Some(a), Some(b)) = (across(&x, *epoch), up(&y, *value)) else {
                pen = 'M';
                continue;
            };
            path += &format!("{pen}{} {}", at(a), at(b));
            pen = 'L';
            let text = format!("{}, {across_title} {}: {}", series.name, short(*epoch), short(*value));
            let dot = classed("circle", format!("dot {}", series_class(index)));
            marks.push(dot.with("cx", at(a)).with("cy", at(b)).with("r", 2.6).child(tip(text)));
        }
        picture = picture
            .child(classed("path", format!("line {}", series_class(index))).with("d", path).child(tip(&series.name)));
        if dots {
            picture = picture.children(marks);
        }
    }
    if let Some(place) = chart.kept.filter(|kept| (x.low..=x.high).contains(kept)).and_then(|kept| across(&x, kept)) {
        let right = place > WIDTH - 70.0;
        let (class, words_at) = if right { ("mark end", place - 4.0) } else { ("mark", place + 4.0) };
        picture = picture.child(line("kept", place, TOP, place, HEIGHT - BOTTOM)).child(words(
            class,
            words_at,
            TOP + 9.0,
            "kept",
        ));
    }
    let legend: Vec<String> = chart.series.iter().map(|series| series.name.clone()).collect();
    Some(figure(chart.title, chart.note, &legend, picture).with("class", "card"))
}
