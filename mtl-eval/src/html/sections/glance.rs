//! The run at a glance.

use crate::html::element::{Element, classed, element};
use crate::html::number::{count, duration, short};
use crate::report::Report;

pub(super) fn content(report: &Report) -> Vec<Element> {
    let mut tiles = vec![("Parameters", number(report.parameters), String::new())];
    let splits: Vec<String> = report.rows.iter().map(|(split, rows)| format!("{split} {}", count(*rows))).collect();
    let rows: usize = report.rows.iter().map(|(_, rows)| *rows).sum();
    if rows > 0 {
        tiles.push(("Rows", number(rows), splits.join(", ")));
    }
    if let Some(best) = report.best_epoch {
        let of = if report.epochs.is_empty() { String::new() } else { format!("of {}", report.epochs.len()) };
        tiles.push(("Kept epoch", best.to_string(), of));
    }
    let seconds: f64 = report.seconds.iter().map(|(_, seconds)| *seconds).sum();
    tiles.push(("Time", duration(seconds), String::new()));
    if let Some(rate) = report.rows_per_second {
        tiles.push(("Training", short(rate), "rows a second".into()));
    }
    if let Some(bytes) = report.peak_memory_bytes {
        tiles.push(("Memory", format!("{} MiB", count((bytes >> 20) as usize)), "at most".into()));
    }
    tiles.push(("Seed", report.seed.to_string(), String::new()));
    let tile = |(name, value, more): (&str, String, String)| {
        let more = (!more.is_empty()).then(|| classed("span", "more").text(more));
        classed("div", "tile")
            .child(classed("span", "name").text(name))
            .child(classed("span", "value").text(value))
            .children(more)
    };
    let tiles = classed("div", "tiles").children(tiles.into_iter().map(tile));
    [Some(tiles), phases(report, seconds)].into_iter().flatten().collect()
}

fn number(value: usize) -> String {
    if value >= 1_000_000 { short(value as f64) } else { count(value) }
}

/// The phases of the time as parts of a bar.
fn phases(report: &Report, all: f64) -> Option<Element> {
    let phases: Vec<(usize, &str, f64)> =
        report.seconds.iter().enumerate().map(|(at, (phase, seconds))| (at, phase, *seconds)).collect();
    if !(all > 0.0 && all.is_finite()) || phases.len() < 2 {
        return None;
    }
    let part = |(at, phase, seconds): &(usize, &str, f64)| {
        let style = format!("flex-grow: {:.4}", (seconds / all).max(0.0));
        let title = format!("{phase}: {}", duration(*seconds));
        classed("span", format!("part b{}", at % 8)).with("style", style).with("title", title)
    };
    let entry = |(at, phase, seconds): &(usize, &str, f64)| {
        let key = classed("span", format!("square b{}", at % 8));
        classed("span", "entry").child(key).text(format!("{phase} {}", duration(*seconds)))
    };
    let bar = classed("div", "phases").children(phases.iter().map(part));
    let legend = classed("div", "legend").children(phases.iter().map(entry));
    Some(classed("div", "card").child(element("h3").text("Where the time went")).child(bar).child(legend))
}
