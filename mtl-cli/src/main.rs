//! The `mtl` command: checks specs, prints the Rust and the IR they become, draws reports. A shell over `mtl_dsl` and `mtl_eval`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use mtl_dsl::diagnostic::{Style, render};
use mtl_dsl::{Code, Compiled, Diagnostic, Source, optimize};
use mtl_eval::report::Report;

/// Compiles multi-task ranking specs, and draws what their runs measured.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Says what is wrong with specs; silent when nothing is.
    Check {
        /// The specs.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// `json`: one object a line, on standard output.
        #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
        format: CheckFormat,
    },
    /// Prints the Rust that a spec becomes.
    Expand {
        /// The spec.
        file: PathBuf,
    },
    /// Prints the primitives that a spec is lowered to, with shapes and parameters.
    Graph {
        /// The spec.
        file: PathBuf,
        /// `mermaid`: a picture for Markdown.
        #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
        format: GraphFormat,
        /// What is left when the model serves: nothing that exists while training only.
        #[arg(long)]
        serving: bool,
    },
    /// Draws what a run measured: from the JSON of `train --json`, `evaluate --json` or `tune --json` to one HTML page.
    Report {
        /// The JSON.
        run: PathBuf,
        /// The page.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Says what a diagnostic means and what to do about it.
    Explain {
        /// The code in brackets: `unknown-task`.
        code: String,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    Human,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GraphFormat {
    Text,
    Mermaid,
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Check { files, format } => check(&files, format),
        Command::Expand { file } => print(&file, |compiled, source| compiled.rust(source)),
        Command::Graph { file, format, serving } => print(&file, |compiled, _| {
            let ir = if serving { optimize::serving(compiled.ir.clone()) } else { compiled.ir.clone() };
            match format {
                GraphFormat::Text => ir.to_string(),
                GraphFormat::Mermaid => ir.to_mermaid(),
            }
        }),
        Command::Report { run, out } => match draw(&run, &out) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        Command::Explain { code } => explain(&code),
    }
}

/// Exit 1 if any spec has an error.
fn check(files: &[PathBuf], format: CheckFormat) -> ExitCode {
    let mut failed = false;
    for file in files {
        let Some(source) = read(file) else {
            failed = true;
            continue;
        };
        let diagnostics = match mtl_dsl::compile(&source) {
            Ok(compiled) => compiled.warnings,
            Err(diagnostics) => diagnostics,
        };
        failed |= diagnostics.iter().any(Diagnostic::is_error);
        match format {
            CheckFormat::Human => report(&diagnostics, &source),
            CheckFormat::Json => diagnostics.iter().for_each(|diagnostic| out(&diagnostic.to_json(&source))),
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Compiles a spec and prints what `text` makes of it; warnings and errors go to standard error.
fn print(file: &Path, text: impl Fn(&Compiled, &Source) -> String) -> ExitCode {
    let Some(source) = read(file) else { return ExitCode::FAILURE };
    match mtl_dsl::compile(&source) {
        Ok(compiled) => {
            report(&compiled.warnings, &source);
            out(text(&compiled, &source).trim_end());
            ExitCode::SUCCESS
        }
        Err(diagnostics) => {
            report(&diagnostics, &source);
            ExitCode::FAILURE
        }
    }
}

/// The page of a run's JSON.
fn draw(run: &Path, out: &Path) -> Result<(), String> {
    let (from, to) = (run.display(), out.display());
    let json = std::fs::read_to_string(run).map_err(|error| format!("cannot read `{from}`: {error}"))?;
    let report: Report = serde_json::from_str(&json).map_err(|error| {
        format!("`{from}` is not the report of a run: {error}\nhelp: `train --json FILE` writes one")
    })?;
    std::fs::write(out, report.to_html()).map_err(|error| format!("cannot write `{to}`: {error}"))
}

fn explain(name: &str) -> ExitCode {
    match Code::ALL.iter().find(|code| code.name() == name) {
        Some(code) => {
            out(code.docs());
            ExitCode::SUCCESS
        }
        None => {
            let known: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
            eprintln!("error: no diagnostic has the code `{name}`\nhelp: the codes are {}", known.join(", "));
            ExitCode::FAILURE
        }
    }
}

/// A spec's text; says what is wrong with the file otherwise.
fn read(file: &Path) -> Option<Source> {
    let name = file.display().to_string();
    if file.is_dir() {
        eprintln!("error: `{name}` is a folder\nhelp: name the specs in it: `{}`", file.join("*.mtl").display());
        return None;
    }
    let failed = |what: &dyn std::fmt::Display| eprintln!("error: cannot read `{name}`: {what}");
    let bytes = std::fs::read(file).inspect_err(|error| failed(error)).ok()?;
    match String::from_utf8(bytes) {
        Ok(text) => Some(Source::new(name, text)),
        Err(error) => {
            failed(&format!("byte {} is not UTF-8", error.utf8_error().valid_up_to()));
            None
        }
    }
}

/// Diagnostics as rustc prints them, and a line that counts them.
fn report(diagnostics: &[Diagnostic], source: &Source) {
    if diagnostics.is_empty() {
        return;
    }
    let style = if std::io::stderr().is_terminal() { Style::Styled } else { Style::Plain };
    for diagnostic in diagnostics {
        eprintln!("{}\n", render(diagnostic, source, style));
    }
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let count = |n: usize, what: &str| match n {
        0 => None,
        1 => Some(format!("1 {what}")),
        n => Some(format!("{n} {what}s")),
    };
    let counts = [count(errors, "error"), count(diagnostics.len() - errors, "warning")];
    eprintln!("{} in {}", counts.into_iter().flatten().collect::<Vec<_>>().join(", "), source.name());
}

/// A line on standard output. A reader that has gone away (`mtl graph x.mtl | head`) is no error.
fn out(line: &str) {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("error: standard output: {error}");
            std::process::exit(1);
        }
        _ => {}
    }
}
