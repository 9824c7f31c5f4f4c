//! The page: head, contents, sections, foot.

use super::element::{classed, element};
use super::sections;
use crate::report::Report;

/// A report as one HTML file.
pub(crate) fn page(report: &Report) -> String {
    let sections = sections::all(report);
    let link = |section: &sections::Section| element("a").with("href", format!("#{}", section.id)).text(section.title);
    let contents = element("nav").with("aria-label", "contents").children(sections.iter().map(link));
    let head = element("head")
        .child(element("meta").with("charset", "utf-8"))
        .child(element("meta").with("name", "viewport").with("content", "width=device-width, initial-scale=1"))
        .child(element("meta").with("name", "color-scheme").with("content", "light dark"))
        // Nothing is loaded, nothing runs.
        .child(
            element("meta")
                .with("http-equiv", "Content-Security-Policy")
                .with("content", "default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
        )
        .child(element("link").with("rel", "icon").with("href", "data:,"))
        .child(element("title").text(format!("{}: report", report.model)))
        .child(element("style").style(include_str!("style.css")));
    let title =
        element("header").child(classed("p", "kind").text(kind(report))).child(element("h1").text(&report.model));
    let body = sections.into_iter().map(|section| {
        let heading = element("h2").text(section.title);
        let lead = (!section.lead.is_empty()).then(|| classed("p", "lead").text(section.lead));
        element("section").with("id", section.id).child(heading).children(lead).children(section.content)
    });
    let foot = element("footer").text(format!("Written by mtl {}.", env!("CARGO_PKG_VERSION")));
    let main = element("main").child(title).child(contents).children(body).child(foot);
    let html = element("html").with("lang", "en").child(head).child(element("body").child(main));
    format!("<!DOCTYPE html>\n{html}\n")
}

fn kind(report: &Report) -> &'static str {
    match () {
        () if report.tuning.is_some() => "Tuning of a multi-task model",
        () if report.epochs.is_empty() => "Evaluation of a multi-task model",
        () => "Training of a multi-task model",
    }
}
