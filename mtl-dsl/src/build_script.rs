//! Specs in a user's build script: the only part of this crate that reads and writes files.

use std::path::{Path, PathBuf};
use std::process::exit;

use crate::diagnostic::{Style, render};
use crate::source::Source;

/// Compiles specs in a build script: `build(&["specs/feed.mtl"])` writes `feed.rs` to cargo's output folder. Paths start at the folder
/// of `Cargo.toml`.
///
/// ```ignore
/// // build.rs
/// fn main() {
///     mtl_dsl::build(&["specs/feed.mtl"]);
/// }
/// // src/lib.rs
/// include!(concat!(env!("OUT_DIR"), "/feed.rs"));
/// ```
///
/// An edit of a spec runs the script again. Warnings of the compiler are warnings of cargo's. A spec with errors, or that cannot be
/// read, ends the script with status 1 and the errors of all specs, as the command line prints them.
pub fn build<P: AsRef<Path>>(specs: &[P]) {
    let Some(folder) = std::env::var_os("OUT_DIR").map(PathBuf::from) else {
        fail("error: `mtl_dsl::build` runs in a build script: cargo sets OUT_DIR there");
    };
    let mut errors = Vec::new();
    let mut written: Vec<PathBuf> = Vec::new();
    for spec in specs {
        let target = match spec.as_ref().file_stem() {
            Some(stem) => folder.join(stem).with_extension("rs"),
            None => folder.join("model.rs"),
        };
        if written.contains(&target) {
            let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
            errors.push(format!("error: two specs would be written to `{name}`\nhelp: rename one of the files"));
            continue;
        }
        if let Err(error) = build_one(spec.as_ref(), &target) {
            errors.push(error);
        }
        written.push(target);
    }
    if !errors.is_empty() {
        fail(&errors.join("\n\n"));
    }
}

/// Writes the Rust of one spec, or says what is wrong.
fn build_one(spec: &Path, target: &Path) -> Result<(), String> {
    let name = spec.display().to_string();
    println!("cargo::rerun-if-changed={name}");
    let text = std::fs::read_to_string(spec).map_err(|error| format!("error: cannot read `{name}`: {error}"))?;
    let source = Source::new(name, text);
    let compiled = crate::compile(&source).map_err(|diagnostics| {
        let rendered = diagnostics.iter().map(|diagnostic| render(diagnostic, &source, Style::Plain));
        rendered.collect::<Vec<_>>().join("\n\n")
    })?;
    for warning in &compiled.warnings {
        println!("cargo::warning={}", warning.to_line(&source));
    }
    std::fs::write(target, compiled.rust(&source))
        .map_err(|error| format!("error: cannot write `{}`: {error}", target.display()))
}

/// Not a panic, which would add a note about backtraces.
fn fail(message: &str) -> ! {
    eprintln!("{message}");
    exit(1)
}
