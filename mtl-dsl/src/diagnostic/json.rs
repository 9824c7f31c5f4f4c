//! Diagnostics as JSON, one object each.

use std::fmt::Write;

use super::Diagnostic;
use crate::source::{Source, Span};

impl Diagnostic {
    /// One line of JSON: `{"code", "severity", "message", "file", "span", "labels": [{"message", "span"}], "help": [...]}`, where a span is
    /// `{"start", "end", "line", "column", "end_line", "end_column"}`: bytes from 0, lines and columns from 1.
    pub fn to_json(&self, source: &Source) -> String {
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|label| format!(r#"{{"message":{},"span":{}}}"#, text(&label.message), place(label.span, source)))
            .collect();
        let help: Vec<String> = self.help.iter().map(|help| text(help)).collect();
        format!(
            r#"{{"code":{},"severity":{},"message":{},"file":{},"span":{},"labels":[{}],"help":[{}]}}"#,
            text(self.code.name()),
            text(self.code.severity().name()),
            text(&self.message),
            text(source.name()),
            place(self.span, source),
            labels.join(","),
            help.join(","),
        )
    }
}

fn place(span: Span, source: &Source) -> String {
    let (start, end) = (source.position(span.start), source.position(span.end));
    format!(
        r#"{{"start":{},"end":{},"line":{},"column":{},"end_line":{},"end_column":{}}}"#,
        span.start, span.end, start.line, start.column, end.line, end.column
    )
}

/// A JSON string.
fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", control as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
