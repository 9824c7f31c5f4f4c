//! Specs that are right: the project's own, and the good cases.

use std::path::Path;

use mtl_dsl::{Source, compile};

#[test]
fn every_spec_compiles_to_rust_without_warnings() {
    for folder in ["../specs", "tests/cases/good"] {
        let mut seen = 0;
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            let source = Source::new(name, std::fs::read_to_string(&path).unwrap());
            let words = match compile(&source) {
                Ok(compiled) => {
                    // Printing parses: code that is no Rust would panic here.
                    assert!(compiled.rust(&source).contains("pub struct"));
                    compiled.warnings
                }
                Err(words) => words,
            };
            let lines: Vec<_> = words.iter().map(|word| word.to_line(&source)).collect();
            assert!(lines.is_empty(), "{}", lines.join("\n"));
            seen += 1;
        }
        assert!(seen > 0, "no specs in {folder}");
    }
}
