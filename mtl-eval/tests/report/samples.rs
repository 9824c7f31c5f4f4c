//! Reports to draw: a real run, one with everything, and awkward ones.

use mtl_eval::report::Report;

/// A run of the feed example.
pub fn feed() -> Report {
    serde_json::from_str(include_str!("../data/feed.json")).expect("a report")
}

/// The same with everything that a report can hold.
pub fn everything() -> Report {
    serde_json::from_str(include_str!("../data/everything.json")).expect("a report")
}

/// A report as runs wrote it before they had pictures.
pub fn old() -> Report {
    let text = r#"{"model": "Old", "seed": 1, "split": {}, "parameters": 3, "seconds": {}}"#;
    serde_json::from_str(text).expect("a report")
}

/// The report with every name `from` written as `to`.
pub fn renamed(report: &Report, from: &str, to: &str) -> Report {
    let text = serde_json::to_string(report).expect("JSON");
    let to = serde_json::to_string(to).expect("JSON");
    serde_json::from_str(&text.replace(&format!("\"{from}\""), &to)).expect("a report")
}

/// A run with so many tasks.
pub fn many(tasks: usize) -> Report {
    let mut report = everything();
    for epoch in &mut report.epochs {
        let loss = *epoch.losses.get("click").expect("a loss");
        epoch.losses = (0..tasks).map(|task| (format!("task_{task}"), loss)).collect();
        epoch.weights = (0..tasks).map(|task| (format!("task_{task}"), 1.0 + task as f64)).collect();
        let pairs = (0..tasks).flat_map(|a| (a + 1..tasks).map(move |b| (a, b)));
        if let Some(log) = &mut epoch.gradients {
            log.cosines = pairs.map(|(a, b)| (format!("task_{a}"), format!("task_{b}"), 0.5)).collect();
        }
        if let Some(split) = &mut epoch.validation {
            let metrics = split.tasks.get("click").expect("metrics").to_owned();
            split.tasks = (0..tasks).map(|task| (format!("task_{task}"), metrics.to_owned())).collect();
        }
    }
    report
}
