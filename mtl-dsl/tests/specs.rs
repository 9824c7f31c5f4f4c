//! The project's own specs compile without a word.

use std::path::Path;

use mtl_dsl::{Source, compile};

#[test]
fn every_spec_compiles_without_warnings() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = Source::new(path.file_name().unwrap().to_string_lossy(), std::fs::read_to_string(&path).unwrap());
        let words = match compile(&source) {
            Ok(compiled) => compiled.warnings,
            Err(problems) => problems,
        };
        let lines: Vec<_> = words.iter().map(|word| word.to_line(&source)).collect();
        assert!(lines.is_empty(), "{}", lines.join("\n"));
        seen += 1;
    }
    assert!(seen > 0);
}
