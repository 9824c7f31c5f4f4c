//! Language cases: `.mtl` files that hold what the compiler says about them.
//!
//! A line of carets stands under the text it is about, and any number of such lines stand under one line:
//!
//! ```text
//! task click: binary(los: bce);
//! //                 ^^^ error[unknown-option]: `binary` has no option `los`
//! //                 ^^^ help: did you mean `loss`? ...
//! ```
//!
//! `^^..` is a span that goes on in the next line, `<` one of no width. A file without carets compiles without a word.
//! `MTL_BLESS=1` rewrites the carets; read the difference.

use std::path::{Path, PathBuf};

use mtl_dsl::{Diagnostic, Source, Span, compile};

#[test]
fn the_compiler_says_what_the_cases_say() {
    let bless = std::env::var_os("MTL_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in case_files() {
        let written = std::fs::read_to_string(&path).unwrap();
        let actual = annotated(&without_carets(&written));
        if written == actual {
            continue;
        }
        if bless {
            std::fs::write(&path, actual).unwrap();
        } else {
            wrong.push(format!("{}\n{}", path.display(), differences(&written, &actual)));
        }
    }
    assert!(wrong.is_empty(), "cases that say something else (MTL_BLESS=1 rewrites them):\n{}", wrong.join("\n"));
}

#[test]
fn cases_of_mistakes_say_something_and_good_ones_nothing() {
    for path in case_files() {
        let good = path.parent().unwrap().ends_with("good");
        let text = without_carets(&std::fs::read_to_string(&path).unwrap());
        let silent = annotated(&text) == text;
        assert_eq!(good, silent, "{}", path.display());
    }
}

#[test]
fn carets_stand_under_what_they_are_about() {
    let text = "model A {\n    features user { age: numbr }\n    task click: binary;\n    tower each = user;\n}\n";
    let expected = "model A {\n    features user { age: numbr }\n    \
        //                   ^^^^^ error[unknown-kind]: no kind of feature named `numbr`\n    \
        //                   ^^^^^ help: did you mean `number`? known kinds of features: `id`, `category`, `ids`, `text`, `number`\n    \
        task click: binary;\n    tower each = user;\n}\n";
    let actual = annotated(text);
    assert_eq!(actual, expected);
    assert_eq!(without_carets(&actual), text);
}

#[test]
fn a_caret_in_the_wrong_column_is_noticed() {
    let right =
        annotated("model A {\n    features user { age: numbr }\n    task click: binary;\n    tower each = user;\n}\n");
    let wrong = right.replacen("  ^", "   ^", 1);
    assert_ne!(wrong, annotated(&without_carets(&wrong)));
}

fn case_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "mtl") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(!files.is_empty());
    files
}

/// The text with a caret line for every message, label and help.
fn annotated(text: &str) -> String {
    let source = Source::new("case.mtl", text);
    let diagnostics = match compile(&source) {
        Ok(compiled) => compiled.warnings,
        Err(diagnostics) => diagnostics,
    };
    let mut under: Vec<Vec<String>> = vec![Vec::new(); text.lines().count() + 1];
    for diagnostic in &diagnostics {
        for (span, words) in lines_of(diagnostic) {
            let (line, carets) = carets(&source, span);
            under[line].push(format!("{carets} {words}"));
        }
    }
    let mut out = String::new();
    for (at, line) in text.lines().enumerate() {
        out.push_str(line);
        out.push('\n');
        for line in &under[at + 1] {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

fn lines_of(diagnostic: &Diagnostic) -> Vec<(Span, String)> {
    let severity = diagnostic.code.severity().name();
    let mut lines = vec![(diagnostic.span, format!("{severity}[{}]: {}", diagnostic.code, diagnostic.message))];
    lines.extend(diagnostic.labels.iter().map(|label| (label.span, format!("label: {}", label.message))));
    lines.extend(diagnostic.help.iter().map(|help| (diagnostic.span, format!("help: {help}"))));
    lines
}

/// The line of a span, from 1, and carets under it.
fn carets(source: &Source, span: Span) -> (usize, String) {
    let (start, end) = (source.position(span.start), source.position(span.end));
    let line = source.text().lines().nth(start.line - 1).unwrap_or("");
    assert!(start.column > 2, "a caret cannot stand under the comment's slashes: indent the line `{line}`");
    let indent = (line.len() - line.trim_start().len()).min(start.column - 3);
    let marks = if span.start == span.end {
        "<".to_owned()
    } else if start.line == end.line {
        "^".repeat(end.column - start.column)
    } else {
        "^".repeat(line.chars().count() + 1 - start.column) + ".."
    };
    (start.line, format!("{}//{}{marks}", " ".repeat(indent), " ".repeat(start.column - 1 - indent - 2)))
}

fn without_carets(text: &str) -> String {
    text.lines().filter(|line| !is_carets(line)).flat_map(|line| [line, "\n"]).collect()
}

fn is_carets(line: &str) -> bool {
    let Some(comment) = line.trim_start().strip_prefix("//") else { return false };
    let marks = comment.trim_start();
    let words = marks.trim_start_matches(['^', '<', '.']);
    let known = [" error[", " warning[", " label: ", " help: "];
    words.len() < marks.len() && known.iter().any(|known| words.starts_with(known))
}

fn differences(written: &str, actual: &str) -> String {
    let (written, actual): (Vec<_>, Vec<_>) = (written.lines().collect(), actual.lines().collect());
    let gone = written.iter().filter(|line| !actual.contains(line)).map(|line| format!("-{line}"));
    let new = actual.iter().filter(|line| !written.contains(line)).map(|line| format!("+{line}"));
    gone.chain(new).collect::<Vec<_>>().join("\n")
}
