//! The document: well-formed, escaped, complete in itself.

use std::collections::BTreeSet;

use mtl_eval::report::Report;

use super::samples::{everything, feed, many, old, renamed};

/// Reads a page as strictly as XML is read, and gives the text between its tags.
fn read(page: &str) -> String {
    let mut rest = page.strip_prefix("<!DOCTYPE html>\n").expect("a document type");
    let (mut open, mut text) = (Vec::new(), String::new());
    let (mut ids, mut anchors) = (BTreeSet::new(), Vec::new());
    while let Some(start) = rest.find('<') {
        text += &unescaped(&rest[..start], open.last() == Some(&"style"));
        let end = rest[start..].find('>').expect("a tag ends") + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closes another element");
            continue;
        }
        let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "<{tag}>");
        assert!(!["script", "iframe", "img", "object", "embed", "base"].contains(&name), "<{tag}>");
        let mut seen = BTreeSet::new();
        while !attributes.is_empty() {
            let (attribute, value) = attributes.split_once("=\"").expect("a quoted value");
            let (value, after) = value.split_once('"').expect("the value ends");
            assert!(
                attribute.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') || attribute == "viewBox",
                "{tag}"
            );
            assert!(seen.insert(attribute) && !attribute.starts_with("on"), "{tag}");
            let value = unescaped(value, false);
            match attribute {
                "id" => assert!(ids.insert(value.clone()), "`{value}` twice"),
                "href" if name == "a" => anchors.push(value),
                "href" => assert_eq!(value, "data:,"),
                "d" | "x" | "y" | "cx" | "cy" | "r" | "x1" | "x2" | "y1" | "y2" | "points" | "viewBox" | "width" => {
                    assert!(!value.contains("NaN") && !value.contains("inf"), "{tag}");
                }
                _ => {}
            }
            assert!(after.is_empty() || after.starts_with(' '), "{tag}");
            attributes = after.trim_start();
        }
        if !closed {
            open.push(name);
        }
    }
    assert_eq!((rest, &open[..]), ("\n", &[][..]));
    for anchor in anchors {
        assert!(ids.contains(anchor.trim_start_matches('#')), "{anchor} leads nowhere");
    }
    text
}

/// A text, whose every `&` begins a known entity.
fn unescaped(text: &str, style: bool) -> String {
    assert!(!text.contains('<') && (style || !text.contains('>')), "{text}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let bare = entities.iter().fold(text.to_owned(), |text, (entity, _)| text.replace(entity, ""));
    assert!(!bare.contains('&'), "{text}");
    entities.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[test]
fn pages_are_well_formed() {
    for report in [feed(), everything(), old(), many(50), many(1)] {
        read(&report.to_html());
    }
}

#[test]
fn a_page_needs_nothing_else() {
    let page = everything().to_html();
    for foreign in ["http:", "https:", "//cdn", "url(", "@import", "src=", "<script"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn names_are_texts() {
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "a & b's",
        "\u{0}\u{7}\u{1b}[31m",
        "&lt;",
        "größe 好",
    ] {
        let report = Report {
            model: name.into(),
            warnings: vec![name.into()],
            spec: format!("task {name}"),
            ..renamed(&everything(), "click", name)
        };
        let text = read(&report.to_html());
        if !name.contains('\u{0}') {
            assert!(text.matches(name).count() >= 10, "{name}: {}", text.matches(name).count());
        }
    }
}

#[test]
fn sections_without_data_are_left_out() {
    let sections = |report: &Report| {
        let page = report.to_html();
        page.match_indices("<section id=\"")
            .map(|(at, found)| page[at + found.len()..].split('"').next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(sections(&old()), ["glance"]);
    assert_eq!(
        sections(&everything()),
        [
            "glance",
            "warnings",
            "metrics",
            "curves",
            "weights",
            "reliability",
            "distributions",
            "gates",
            "subnetworks",
            "fusion",
            "tuning",
            "spec"
        ]
    );
    let without = |change: fn(&mut Report)| {
        let mut report = everything();
        change(&mut report);
        sections(&report)
    };
    assert!(!without(|report| report.subnets = None).contains(&"subnetworks".to_owned()));
    assert!(!without(|report| report.tuning = None).contains(&"tuning".to_owned()));
    assert!(!without(|report| report.spec.clear()).contains(&"spec".to_owned()));
    assert!(!without(|report| report.epochs.clear()).contains(&"curves".to_owned()));
    assert!(!without(|report| report.pictures = Default::default()).contains(&"reliability".to_owned()));
}

#[test]
fn numbers_that_are_none_leave_gaps() {
    let mut report = everything();
    for (at, value) in [f64::NAN, f64::INFINITY, -1e300, 1e-320].into_iter().enumerate() {
        let Some(epoch) = report.epochs.get_mut(at) else { continue };
        epoch.losses.set("click", Some(value));
        epoch.weights.set("click", value);
        if let Some(log) = &mut epoch.gradients {
            log.norms.set("like", value);
            log.cosines[0].2 = value;
        }
    }
    for point in &mut report.tuning.as_mut().expect("a search").front {
        point.validation[0] = f64::NAN;
    }
    report.ranks[0].parameters[0].high = report.ranks[0].parameters[0].low;
    read(&report.to_html());
}

#[test]
fn every_metric_has_a_column() {
    let text = read(&feed().to_html());
    for name in ["AUC", "GAUC", "Log loss", "PCOC", "RMSE", "score by click", "buy | click"] {
        assert!(text.contains(name), "{name}");
    }
}

#[test]
fn an_evaluation_shows_intervals_changes_and_slices_and_a_search_both_parameters() {
    let text = read(&everything().to_html());
    for part in ["within noise", "lost", "(other: 3 values)  like", "17.35", "+0.0124", "0.00930 to", "gauc(buy), test"]
    {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn reports_survive_json() {
    for report in [feed(), everything(), old()] {
        let text = serde_json::to_string(&report).expect("JSON");
        assert_eq!(serde_json::from_str::<Report>(&text).expect("a report"), report);
    }
}
