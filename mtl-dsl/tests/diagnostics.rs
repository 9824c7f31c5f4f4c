//! Every diagnostic: rendered in a snapshot, and documented in `docs/diagnostics.md`.
//!
//! The example of a code is the case of its name: `tests/cases/*/unknown-task.mtl`. `MTL_BLESS=1` rewrites the document.

use std::path::{Path, PathBuf};

use mtl_dsl::diagnostic::{Style, render};
use mtl_dsl::{Code, Diagnostic, Source, compile};

#[test]
fn every_code_has_a_rendered_example() {
    for code in Code::ALL {
        let (source, diagnostics) = example(*code);
        let rendered: Vec<_> = diagnostics.iter().map(|word| render(word, &source, Style::Plain)).collect();
        insta::assert_snapshot!(code.name(), rendered.join("\n\n"));
    }
}

#[test]
fn names_of_codes_are_unique_and_in_kebab_case() {
    for (at, code) in Code::ALL.iter().enumerate() {
        assert!(code.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
        assert!(Code::ALL[..at].iter().all(|other| other.name() != code.name()), "{code}");
    }
}

#[test]
fn the_document_is_in_step() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics.md");
    let document = document();
    if std::env::var_os("MTL_BLESS").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == document, "docs/diagnostics.md is not what the compiler says: MTL_BLESS=1 rewrites it");
}

#[test]
fn json_holds_places_and_escapes() {
    let source = Source::new("a \"b\".mtl", "model A {\n    §\n}");
    let Err(diagnostics) = compile(&source) else { panic!("this is no spec") };
    assert_eq!(
        diagnostics[0].to_json(&source),
        r#"{"code":"unexpected-character","severity":"error","message":"unexpected character `§`","file":"a \"b\".mtl","span":{"start":14,"end":16,"line":2,"column":5,"end_line":2,"end_column":6},"labels":[],"help":[]}"#
    );
}

/// The case of a code, and what the compiler says of that code in it.
fn example(code: Code) -> (Source, Vec<Diagnostic>) {
    let path = find(code).unwrap_or_else(|| panic!("no case named {code}.mtl"));
    let text = std::fs::read_to_string(path).unwrap();
    let carets = |line: &&str| {
        !line.trim_start().strip_prefix("//").is_some_and(|rest| rest.trim_start().starts_with(['^', '<']))
    };
    let text: String = text.lines().filter(carets).flat_map(|line| [line, "\n"]).collect();
    let source = Source::new("example.mtl", text);
    let all = match compile(&source) {
        Ok(compiled) => compiled.warnings,
        Err(diagnostics) => diagnostics,
    };
    let of_code: Vec<_> = all.into_iter().filter(|word| word.code == code).collect();
    assert!(!of_code.is_empty(), "the case {code}.mtl does not have that code");
    (source, of_code)
}

fn find(code: Code) -> Option<PathBuf> {
    let areas = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")).unwrap();
    areas.map(|area| area.unwrap().path().join(format!("{code}.mtl"))).find(|path| path.exists())
}

fn document() -> String {
    let mut out = String::from(
        "# Diagnostics\n\nEverything the compiler says, by code. An error keeps a spec from compiling; a warning names something that has no \
         effect.\nThis document is written by `MTL_BLESS=1 cargo test -p mtl-dsl --test diagnostics`.\n",
    );
    for code in Code::ALL {
        let (source, diagnostics) = example(*code);
        let docs: Vec<_> = code.docs().trim_end().lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        let rendered = render(&diagnostics[0], &source, Style::Plain);
        let (severity, docs) = (code.severity().name(), docs.join("\n"));
        out.push_str(&format!("\n## {code}\n\n{} {docs}\n\n```text\n{rendered}\n```\n", capital(severity)));
    }
    out
}

fn capital(severity: &str) -> &'static str {
    if severity == "error" { "**Error.**" } else { "**Warning.**" }
}
