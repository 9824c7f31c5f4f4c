//! The front as a picture: SVG with a panel for each pair of objectives.

use std::fmt::Write;

/// A point of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its objectives.
    pub objectives: Vec<f64>,
    /// What a pointer over it shows.
    pub title: String,
}

/// A front, and where it started.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The names of the objectives.
    pub objectives: Vec<String>,
    /// The points of the front.
    pub front: Vec<Point>,
    /// The point of the default parameters.
    pub start: Point,
}

const PANEL: f64 = 420.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 50.0;
const MARGIN: f64 = 20.0;

impl Picture {
    /// The picture as a file.
    pub fn svg(&self) -> String {
        let pairs: Vec<(usize, usize)> = (0..self.objectives.len()).flat_map(|y| (0..y).map(move |x| (x, y))).collect();
        let width = PANEL * pairs.len().max(1) as f64;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" width=\"{width}\" height=\"{HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        for (panel, (x, y)) in pairs.into_iter().enumerate() {
            self.panel(&mut svg, panel as f64 * PANEL, x, y);
        }
        svg + "</svg>\n"
    }

    fn panel(&self, svg: &mut String, offset: f64, x: usize, y: usize) {
        let all = || self.front.iter().chain([&self.start]);
        let axis = |at: usize| Axis::of(all().map(|point| point.objectives[at]));
        let (across, up) = (axis(x), axis(y));
        let left = |value: f64| offset + LEFT + across.share(value) * (PANEL - LEFT - MARGIN);
        let top = |value: f64| HEIGHT - BOTTOM - up.share(value) * (HEIGHT - BOTTOM - MARGIN);
        let (start_x, end_x) = (left(across.low), left(across.high));
        let (start_y, end_y) = (top(up.low), top(up.high));
        for tick in across.ticks() {
            let at = left(tick);
            let _ = writeln!(svg, "<path d=\"M{at:.1} {start_y:.1}V{end_y:.1}\" stroke=\"#e4e4e4\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                start_y + 16.0,
                across.label(tick)
            );
        }
        for tick in up.ticks() {
            let at = top(tick);
            let _ = writeln!(svg, "<path d=\"M{start_x:.1} {at:.1}H{end_x:.1}\" stroke=\"#e4e4e4\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                start_x - 6.0,
                at + 4.0,
                up.label(tick)
            );
        }
        let _ = writeln!(
            svg,
            "<path d=\"M{start_x:.1} {end_y:.1}V{start_y:.1}H{end_x:.1}\" fill=\"none\" stroke=\"#222\"/>"
        );
        let (name_x, name_y) = (escaped(&self.objectives[x]), escaped(&self.objectives[y]));
        let middle = (start_x + end_x) / 2.0;
        let _ =
            writeln!(svg, "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name_x}</text>", HEIGHT - 14.0);
        let (at, middle) = (offset + 16.0, (start_y + end_y) / 2.0);
        let _ = writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{middle:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 {at:.1} {middle:.1})\">{name_y}</text>"
        );
        if self.objectives.len() == 2 {
            let steps = self.front.iter().enumerate().map(|(at, point)| {
                let (x, y) = (left(point.objectives[x]), top(point.objectives[y]));
                format!("{}{x:.1} {y:.1}", if at == 0 { "M" } else { "L" })
            });
            let path: String = steps.collect();
            let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"#2563eb\" stroke-width=\"1.5\"/>");
        }
        let points = self.front.iter().map(|point| (point, "#2563eb")).chain([(&self.start, "#d97706")]);
        for (point, colour) in points {
            let (x, y) = (left(point.objectives[x]), top(point.objectives[y]));
            let title = escaped(&point.title);
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"><title>{title}</title></circle>"
            );
        }
    }
}

/// The range that an axis shows.
struct Axis {
    low: f64,
    high: f64,
    /// Between two ticks.
    step: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let range = (high - low).max(1e-6 * high.abs()).max(1e-12);
        let rough = range / 4.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|of| of * power).find(|step| *step >= rough).unwrap_or(rough);
        Self { low: low - 0.06 * range, high: high + 0.06 * range, step }
    }

    /// Where a value is, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let first = (self.low / self.step).ceil();
        (0..12).map(move |at| (first + f64::from(at)) * self.step).take_while(|tick| *tick <= self.high)
    }

    fn label(&self, tick: f64) -> String {
        let digits = (-self.step.log10().floor()).clamp(0.0, 9.0) as usize;
        format!("{tick:.digits$}")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
