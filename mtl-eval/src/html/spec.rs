//! The text of a spec, lightly coloured.

use super::element::{Element, classed, element};

const WORDS: [&str; 21] = [
    "model",
    "features",
    "task",
    "given",
    "let",
    "tower",
    "each",
    "loss",
    "train",
    "rank",
    "param",
    "in",
    "request",
    "order",
    "increasing",
    "decreasing",
    "expect",
    "if",
    "else",
    "true",
    "false",
];

/// A spec or a formula: comments, texts, numbers and words of the language stand out.
pub(super) fn coloured(text: &str) -> Element {
    let mut code = element("code");
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, class) = match first {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), "comment"),
            '"' => (closing(rest), "text"),
            c if c.is_ascii_digit() => (run(rest, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')), "number"),
            c if c.is_alphanumeric() || c == '_' => {
                let length = run(rest, |c| c.is_alphanumeric() || c == '_');
                let after = rest[length..].chars().next();
                let class = match () {
                    () if WORDS.contains(&&rest[..length]) && after != Some(':') => "word",
                    () if after == Some('(') => "call",
                    () => "",
                };
                (length, class)
            }
            c => (c.len_utf8(), ""),
        };
        let (piece, after) = rest.split_at(length);
        code = if class.is_empty() { code.text(piece) } else { code.child(classed("span", class).text(piece)) };
        rest = after;
    }
    element("pre").child(code)
}

/// The bytes that `keep` wants.
fn run(text: &str, keep: impl Fn(char) -> bool) -> usize {
    text.find(|c| !keep(c)).unwrap_or(text.len())
}

/// The bytes of a quoted text.
fn closing(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return at + 1,
            c => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}
