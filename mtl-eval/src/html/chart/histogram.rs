//! A histogram: the share of each kind of row by bin, as steps over a common axis.

use super::axes::{across, frame, tip, up};
use super::{Scale, at, figure, series_class};
use crate::html::element::{Element, classed};
use crate::html::number::{count, percent};
use crate::report::Distribution;

/// A histogram; none without a count.
pub(in crate::html) fn histogram(title: &str, axis: &str, distribution: &Distribution) -> Option<Element> {
    let bins = distribution.counts.iter().map(|(_, counts)| counts.len()).max().filter(|bins| *bins > 0)?;
    let kinds: Vec<(&str, &Vec<usize>, usize)> =
        distribution.counts.iter().map(|(name, counts)| (name, counts, counts.iter().sum())).collect();
    if kinds.iter().all(|(.., total)| *total == 0) {
        return None;
    }
    let x = Scale::between(distribution.low, distribution.high, 6);
    let share = |rows: usize, total: usize| if total == 0 { 0.0 } else { rows as f64 / total as f64 };
    let most = kinds.iter().flat_map(|(_, counts, total)| counts.iter().map(|rows| share(*rows, *total)));
    let y = Scale::over(most.map(|share| 100.0 * share).chain([0.0]), 4);
    let mut picture = frame(title, &x, &y, axis, "% of rows");
    let edge = |bin: usize| x.low + (x.high - x.low) * (bin as f64 / bins as f64);
    for (index, (name, counts, total)) in kinds.iter().enumerate() {
        let mut path = format!("M{} {}", at(across(&x, x.low)?), at(up(&y, 0.0)?));
        for (bin, rows) in counts.iter().enumerate() {
            let height = at(up(&y, 100.0 * share(*rows, *total))?);
            path += &format!("L{} {height}L{} {height}", at(across(&x, edge(bin))?), at(across(&x, edge(bin + 1))?));
        }
        path += &format!("L{} {}", at(across(&x, x.high)?), at(up(&y, 0.0)?));
        let area = classed("path", format!("area {}", series_class(index))).with("d", path);
        picture = picture.child(area.child(tip(format!("{name}: {} rows", count(*total)))));
    }
    let legend: Vec<String> = kinds.iter().map(|(name, _, total)| format!("{name} ({})", count(*total))).collect();
    let note = match distribution.outside {
        outside if outside > 0.0 => format!("{} lie outside and count in the outermost bins.", percent(outside)),
        _ => String::new(),
    };
    Some(figure(title, &note, &legend, picture).with("class", "card"))
}
