//! Data sets of the example applications, and what their programs share.

use std::process::ExitCode;

pub mod census;
pub mod feed;
pub mod kuairand;

/// A model's application: it gets the program's name and the arguments behind the model's.
pub type Application = fn(Vec<String>) -> ExitCode;

/// Runs the application of the model that the first argument names.
pub fn run_model(program: &str, models: &[(&str, Application)]) -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    match models.iter().find(|(model, _)| *model == name) {
        Some((_, application)) => application(std::iter::once(format!("{program} {name}")).chain(arguments).collect()),
        None => {
            let known: Vec<&str> = models.iter().map(|(model, _)| *model).collect();
            let known = known.join("|");
            eprintln!(
                "error: `{name}` is none of {known}\n\nusage: {program} {known} train|evaluate|predict|describe ..."
            );
            ExitCode::FAILURE
        }
    }
}
