//! The laws of the grammar: any text is read without a panic, and every token of mtl is a token of Rust.

use std::path::Path;
use std::str::FromStr;

use mtl_dsl::{Source, compile, parse};
use proc_macro2::TokenStream;
use proptest::prelude::*;

/// Pieces that specs are made of, right and wrong.
const PIECES: &[&str] = &[
    "model",
    "A",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "features",
    "user",
    "task",
    "click",
    ":",
    "binary",
    ";",
    ",",
    "let",
    "h",
    "=",
    "mlp",
    "concat",
    "tower",
    "each",
    "loss",
    "weighting",
    "train",
    "tune",
    "rank",
    "score",
    "param",
    "p",
    "in",
    "0",
    "..",
    "1.5",
    "1e-3",
    "expect",
    "+",
    "-",
    "*",
    "/",
    "^",
    "!",
    "&&",
    "||",
    "|",
    "==",
    "<",
    "if",
    "else",
    "given",
    "\"text\"",
    "// comment\n",
    "/// docs\n",
    "/* a */",
    "\n",
    " ",
    "where",
    "label",
    "id",
    "dim",
    "number",
    "ple",
    "levels",
    "level",
    "shared",
    "experts",
    "é",
    "#",
    "'",
    "\"",
    "/*",
    "\\",
    "1_0",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}") {
        check(&text);
    }

    #[test]
    fn any_row_of_tokens_is_read(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..80)) {
        check(&pieces.join(" "));
        check(&pieces.concat());
    }

    #[test]
    fn a_damaged_spec_is_read(at in 0.0..1.0, length in 0usize..40, piece in prop::sample::select(PIECES)) {
        let spec = feed();
        let start = floor(&spec, (at * spec.len() as f64) as usize);
        let end = floor(&spec, (start + length).min(spec.len()));
        check(&format!("{}{piece}{}", &spec[..start], &spec[end..]));
        check(&spec[..start]);
    }
}

#[test]
fn brackets_without_end_are_read_in_no_time() {
    for piece in ["(", "[", "{", "a(", "[a,", "if a {", "-", "a^", "/*", "a{a:", "(a,", "model A { let x = "] {
        check(&piece.repeat(5_000));
        check(&format!("model A {{ let x = {} }}", piece.repeat(60)));
    }
}

#[test]
fn what_compiles_is_a_row_of_rust_tokens() {
    let mut seen = 0;
    for folder in ["../specs", "tests/cases/good"] {
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let tokens = TokenStream::from_str(&text);
            assert!(tokens.is_ok(), "{}: {}", path.display(), tokens.unwrap_err());
            seen += 1;
        }
    }
    assert!(seen > 4);
}

#[test]
fn large_scores_are_read_in_no_time() {
    let model = |ranks: &str| {
        check(&format!(
            "model A {{ features u {{ x: number }} task a: binary; task b: binary; tower each = mlp(u, [2]); {ranks} }}"
        ));
    };
    model(&format!("rank r {{ increasing in a; {} }}", ["a * b"; 250].join(" - ")));
    model(&format!("rank r {{ increasing in a; {} }}", "-".repeat(500) + "a"));
    let steps: String = (0..120).map(|at| format!("if a > 0.{at:03} {{ 1.0 - b * a }} else ")).collect();
    model(&format!("rank r {{ increasing in a; {steps}{{ a }} }} expect r order (a: 0.9) > (a: 0.1);"));
    let parts: String = (1..500).map(|at| format!("let p{at} = p{} + p{0};", at - 1)).collect();
    model(&format!("rank r {{ let p0 = a; {parts} p499 }}"));
    let ranks: String =
        (1..300).map(|at| format!("rank r{at} {{ increasing in a; 0.5 * r{} + 0.5 * r{0} }} ", at - 1)).collect();
    model(&format!("rank r0 = a; {ranks}"));
}

/// Reads a text and looks at the diagnostics' places; a tree without errors must be made of Rust's tokens.
fn check(text: &str) {
    let source = Source::new("any.mtl", text);
    let (_, problems) = parse(&source);
    if problems.is_empty() {
        assert!(TokenStream::from_str(text).is_ok(), "read, but not by Rust: {text:?}");
    }
    let words = match compile(&source) {
        Ok(compiled) => compiled.warnings,
        Err(words) => words,
    };
    for word in words {
        let spans = std::iter::once(word.span).chain(word.labels.iter().map(|label| label.span));
        for span in spans {
            assert!(text.get(span.range()).is_some(), "{word:?} is outside the text {text:?}");
        }
        assert!(!word.to_json(&source).is_empty() && !word.to_line(&source).is_empty());
        assert!(!mtl_dsl::diagnostic::render(&word, &source, mtl_dsl::diagnostic::Style::Plain).is_empty());
    }
}

fn feed() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/good/feed.mtl")).unwrap()
}

/// The border of a character at or before a byte.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
