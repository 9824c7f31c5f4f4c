//! Every block of mtl in the documents compiles without a word.

use std::path::Path;

use mtl_dsl::{Source, compile};

/// What a block of a few items is about.
const FEATURES: &str = "features user { user_id: id(buckets: 1000, dim: 8) }
    features item { video_id: id(buckets: 1000, dim: 8) }
    features context { tab: category(dim: 2) }\n";
const TASKS: &str = "task click: binary;\n task like: binary;\n";
const TOWER: &str = "tower each = mlp(concat(user, item, context), [8]);\n";

#[test]
fn blocks_of_the_documents_compile() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in ["", "docs", "docs/blocks"] {
        let files = std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
            documents(&path);
        }
    }
}

fn documents(path: &Path) {
    for (line, block) in blocks(&std::fs::read_to_string(path).unwrap()) {
        let source = Source::new(format!("{}, the block of line {line}", path.display()), whole(&block));
        let words = match compile(&source) {
            Ok(compiled) => compiled.warnings,
            Err(words) => words,
        };
        let lines: Vec<_> = words.iter().map(|word| word.to_line(&source)).collect();
        assert!(lines.is_empty(), "{}\n{}", lines.join("\n"), source.text());
    }
}

#[test]
fn the_language_reference_has_blocks() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/language.md");
    assert!(blocks(&std::fs::read_to_string(path).unwrap()).len() > 5);
}

/// The blocks marked as mtl, and where they begin.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (at, line) in text.lines().enumerate() {
        match &mut open {
            None if line.trim_end() == "```mtl" => open = Some((at + 1, String::new())),
            None => {}
            Some(_) if line.starts_with("```") => blocks.extend(open.take()),
            Some((_, block)) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    blocks
}

/// A block as a model: with features, tasks and a tower of its own, or those above.
fn whole(block: &str) -> String {
    let has = |word: &str| block.lines().any(|line| line.trim_start().starts_with(word));
    if has("model ") {
        return block.to_owned();
    }
    let features = if has("features ") { "" } else { FEATURES };
    let tasks = if has("task ") { "" } else { TASKS };
    let tower = if has("tower ") { "" } else { TOWER };
    format!("model Block {{\n{features}{tasks}{block}{tower}}}\n")
}
