//! `tune`: the search for a score's parameters, what it found, and the model file with them.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use mtl_eval::search::{Method, spread};

use super::arguments::TuneArgs;
use super::{load, model_file, outputs, write_report};
use crate::checkpoint;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::pictures::ranks;
use crate::report::{Report, TuneReport};
use crate::say;
use crate::train::Splits;
use crate::tune::{TuneOptions, tune};

/// Rows of the table of a front.
const SHOWN: usize = 20;

pub(super) fn run<M: Model>(args: &TuneArgs, read: impl FnOnce() -> Result<Splits>) -> Result<()> {
    let Some(spec) = M::tune() else {
        return Err(Error::config(format!(
            "the spec of {} has no `tune` block: write `tune {{ maximize: ... }}`",
            M::NAME
        )));
    };
    if let Some(setting) = args.set.iter().find(|setting| !setting.trim_start().starts_with("ranks.")) {
        return Err(Error::config(format!(
            "`--set {setting}` is no parameter of a rank, and `tune` changes nothing else"
        )));
    }
    let explores = args.pareto || spec.goals.len() > 1;
    if args.svg.is_some() && !explores {
        return Err(Error::config("`--svg` draws a front: add `--pareto`"));
    }
    let options = TuneOptions {
        seed: args.seed,
        method: method(spec.method, args)?,
        pareto: args.pareto,
        ..TuneOptions::default()
    };
    let path = args.model.clone().unwrap_or_else(model_file::<M>);
    let predictor = load::<M>(Some(path.clone()), &args.set)?;
    let writes =
        [("--json", args.json.as_deref()), ("--report", args.report.as_deref()), ("--svg", args.svg.as_deref())];
    outputs::check(&[("--model", Some(&*path))], &writes)?;
    let start = Instant::now();
    let splits = read()?;
    let reading = start.elapsed().as_secs_f64();
    let test = splits.test.as_ref();
    say!("{} validation, {} test rows", splits.validation.rows(), test.map_or(0, |table| table.rows()));
    let bar = std::io::stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template("tune  {wide_bar}  {pos} of {len}  {eta}");
        ProgressBar::new(0).with_style(style.expect("the template is well-formed"))
    });
    let progress = |done: usize, all: usize| {
        if let Some(bar) = &bar {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        }
    };
    let tuned = tune(&predictor, &splits.validation, test, &options, progress)?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let report = &tuned.report;
    show(report);
    if let Some(path) = &args.svg {
        std::fs::write(path, report.picture().svg()).map_err(|error| Error::io(path, error))?;
        say!("front: {}", path.display());
    }
    let parts = [("validation", Some(&splits.validation)), ("test", test)];
    let of_run = Report {
        seconds: [("read", reading), ("search", report.seconds)].into_iter().collect(),
        rows: parts.into_iter().filter_map(|(part, table)| Some((part, table?.rows()))).collect(),
        ranks: ranks::<M>(tuned.config.as_ref().unwrap_or(predictor.config())),
        tuning: Some(report.clone()),
        ..predictor.report()
    };
    write_report(args.json.as_ref(), args.report.as_ref(), &of_run)?;
    if !report.broken.is_empty() {
        let what = report.broken.join("`, `");
        return Err(Error::config(format!(
            "no point was found that keeps everything; the best breaks `{what}`. Nothing was saved"
        )));
    }
    save::<M>(&path, tuned.config.filter(|_| !args.dry_run), report)
}

/// The method with the numbers of the command line; none where they change nothing.
fn method(spec: Method, args: &TuneArgs) -> Result<Option<Method>> {
    let positive = |name: &str, number: Option<usize>, least: usize| match number {
        Some(number) if number < least => {
            Err(Error::config(format!("`--{name}` is at least {least}, and not {number}")))
        }
        number => Ok(number),
    };
    let (evaluations, steps) = (positive("evaluations", args.evaluations, 1)?, positive("steps", args.steps, 2)?);
    let other =
        |given: &str, wanted: &str| Err(Error::config(format!("the spec's method has `{wanted}`, and no `{given}`")));
    Ok(match (spec, evaluations, steps) {
        (Method::Grid { .. }, Some(_), _) => return other("--evaluations", "--steps"),
        (Method::CmaEs { .. } | Method::Random { .. }, _, Some(_)) => return other("--steps", "--evaluations"),
        (Method::CmaEs { .. }, Some(evaluations), _) => Some(Method::CmaEs { evaluations }),
        (Method::Random { .. }, Some(evaluations), _) => Some(Method::Random { evaluations }),
        (Method::Grid { .. }, _, Some(steps)) => Some(Method::Grid { steps }),
        _ => None,
    })
}

fn show(report: &TuneReport) {
    say!("rank {}, {} points by {} in {:.1} s\n", report.rank, report.evaluations, report.method, report.seconds);
    say!("{}", report.param_table());
    for (name, split) in report.split.iter() {
        say!("{name}\n{}", report.split_table(split));
    }
    if let Some(volume) = report.hypervolume {
        let shown = spread(&report.front_values(), SHOWN);
        let of = if shown.len() < report.front.len() { format!("{} of ", shown.len()) } else { String::new() };
        say!("points of the front: {of}{}; it dominates {volume:.3e} above the parameters before", report.front.len());
        say!("{}", report.front_table(&shown));
        return;
    }
    let held_out = report.split.get("test");
    if held_out.is_none() {
        say!("warning: there are no test rows, and the rows of a search flatter what it finds");
    }
    let judged = held_out.or(report.split.get("validation")).and_then(|split| split.get(report.goals.first()?));
    if let Some(difference) = judged.and_then(|compared| compared.difference)
        && difference.low <= 0.0
    {
        let part = if held_out.is_some() { "test" } else { "validation" };
        say!(
            "warning: the gain is within the noise of the {part} rows: {:+.5} to {:+.5}",
            difference.low,
            difference.high
        );
    }
}

fn save<M: Model>(path: &Path, config: Option<M::Config>, report: &TuneReport) -> Result<()> {
    let changed = report.params.iter().any(|(_, param)| param.tuned.is_some_and(|tuned| tuned != param.before));
    let Some(config) = config.filter(|_| changed) else {
        say!("nothing was saved");
        return Ok(());
    };
    checkpoint::configure::<M>(path, config)?;
    say!("model: {}", path.display());
    Ok(())
}
