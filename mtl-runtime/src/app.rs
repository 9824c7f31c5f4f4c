//! The application of a model: `train`, `evaluate`, `tune`, `predict`, `explain-score` and `describe` on the command line.
//!
//! ```ignore
//! fn main() -> std::process::ExitCode {
//!     mtl_runtime::app::<Feed>().main()
//! }
//! ```
//! reads CSV files; a program with another source gives its own:
//!
//! ```ignore
//! #[derive(clap::Args)]
//! struct Folder {
//!     /// The data set's folder
//!     #[arg(long)]
//!     data: PathBuf,
//! }
//!
//! mtl_runtime::app::<Census>().data(|folder: &Folder| census::splits(&folder.data)).main()
//! ```

use std::ffi::OsString;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use mtl_data::Table;
use mtl_eval::EvalError;

use crate::config::apply_setting;
use crate::error::{Error, Result};
use crate::evaluate::{Baseline, Evaluation, SavedPredictions};
use crate::model::Model;
use crate::predict::Predictor;
use crate::report::{Change, Named, Report, TextTable};
use crate::train::{Splits, Trainer, check};
use crate::{output, say};

mod arguments;
mod describe;
mod explain;
mod files;
mod outputs;
mod teacher;
mod tune;

pub use files::{FileArgs, FormatArgs};

use arguments::{DescribeArgs, EvaluateArgs, ExplainArgs, PredictArgs, RowArgs, Split, TrainArgs, TuneArgs};
use files::More;
use teacher::AnyTeacher;

/// The application of a model, on CSV files until [`data`](App::data) says otherwise.
pub fn app<M: Model>() -> App<M, FileArgs> {
    App {
        source: Box::new(|files: &FileArgs, more| files.read_with(&M::schema(&M::default_config()), more)),
        teacher: AnyTeacher::of::<M>(),
        name: None,
        model: PhantomData,
    }
}

/// A program around a model `M`, with data from a source that reads the options `A`.
pub struct App<M: Model, A: Args = FileArgs> {
    source: Source<A>,
    teacher: AnyTeacher,
    name: Option<String>,
    model: PhantomData<M>,
}

/// Splits with the columns that the model needs, and with more.
type Source<A> = Box<dyn Fn(&A, &More<'_>) -> Result<Splits>>;

impl<M: Model, A: Args> App<M, A> {
    /// The same with data from elsewhere: `source` gets the options that its argument type declares.
    pub fn data<B: Args, E: Into<Error>>(
        self,
        source: impl Fn(&B) -> std::result::Result<Splits, E> + 'static,
    ) -> App<M, B> {
        let source = Box::new(move |args: &B, _: &More<'_>| source(args).map_err(Into::into));
        App { source, teacher: self.teacher, name: self.name, model: PhantomData }
    }

    /// The model that `train --teacher FILE` loads, for the tasks of `distill { teacher: [...] }`; without it the file holds the same
    /// model as is trained. Data from elsewhere have the columns of both.
    pub fn teacher<T: Model>(mut self) -> Self {
        self.teacher = AnyTeacher::of::<T>();
        self
    }

    /// The name of the program in its help; without it the model's.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Runs on the arguments of the process. Errors go to standard error, with exit code 1.
    pub fn main(self) -> ExitCode {
        self.main_from(std::env::args_os())
    }

    /// Runs on these arguments, of which the first is the program's name.
    pub fn main_from<T: Into<OsString> + Clone>(self, arguments: impl IntoIterator<Item = T>) -> ExitCode {
        crate::alloc::keep_memory();
        if let Some((command, option)) = Self::clash() {
            eprintln!(
                "error: `--{option}` is an option of `{command}` and of the data: give it another name in the arguments of `App::data`"
            );
            return ExitCode::FAILURE;
        }
        let matches = match self.command().try_get_matches_from(arguments) {
            Ok(matches) => matches,
            Err(error) => {
                let _ = error.print();
                return ExitCode::from(u8::from(error.use_stderr()));
            }
        };
        match self.run(&matches).and_then(|()| output::finish()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn command(&self) -> Command {
        let program = self.name.clone().unwrap_or_else(|| M::NAME.to_lowercase());
        let data = |name: &'static str| A::augment_args(Command::new(name));
        let rows = |name| FormatArgs::augment_where_absent(data(name).mut_args(|argument| argument.required(false)));
        Command::new(M::NAME)
            .bin_name(program)
            .about(format!("Trains and serves the model {}", M::NAME))
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommand(TrainArgs::augment_args(data("train")).about("Train, keep the best epoch, measure it"))
            .subcommand(EvaluateArgs::augment_args(data("evaluate")).about("Measure a trained model"))
            .subcommand(
                PredictArgs::augment_args(rows("predict")).about("Predict rows: one column for each task and rank"),
            )
            .subcommand(
                ExplainArgs::augment_args(rows("explain-score")).about("Split scores into the parts of their formula"),
            )
            .subcommand(
                TuneArgs::augment_args(data("tune")).about("Search the parameters of a score, and save the best"),
            )
            .subcommand(
                DescribeArgs::augment_args(Command::new("describe")).about("Show parameters, widths and settings"),
            )
    }

    /// An option of the data that a command has for something else.
    fn clash() -> Option<(&'static str, String)> {
        let own: [fn(&'static str) -> Command; 5] = [
            |name| TrainArgs::augment_args(Command::new(name)),
            |name| EvaluateArgs::augment_args(Command::new(name)),
            |name| PredictArgs::augment_args(Command::new(name)),
            |name| ExplainArgs::augment_args(Command::new(name)),
            |name| TuneArgs::augment_args(Command::new(name)),
        ];
        let names = |command: &Command| -> Vec<String> {
            let of = |argument: &clap::Arg| {
                [argument.get_long(), Some(argument.get_id().as_str())].map(|name| name.map(str::to_owned))
            };
            command.get_arguments().flat_map(of).flatten().collect()
        };
        let data = names(&A::augment_args(Command::new("data")));
        own.iter().zip(["train", "evaluate", "predict", "explain-score", "tune"]).find_map(|(own, name)| {
            let own = names(&own(name));
            data.iter().find(|option| own.contains(option)).map(|option| (name, option.clone()))
        })
    }

    fn run(&self, matches: &ArgMatches) -> Result<()> {
        match matches.subcommand() {
            Some(("train", matches)) => self.train(&parsed(matches)?, matches),
            Some(("evaluate", matches)) => self.evaluate(&parsed(matches)?, matches),
            Some(("tune", matches)) => {
                let args: TuneArgs = parsed(matches)?;
                tune::run::<M>(&args, || (self.source)(&parsed::<A>(matches)?, &More::Nothing))
            }
            Some(("predict", matches)) => self.predict(&parsed(matches)?, matches),
            Some(("explain-score", matches)) => self.explain(&parsed(matches)?, matches),
            Some(("describe", matches)) => describe::run::<M>(&parsed(matches)?),
            _ => unreachable!("the command line requires a subcommand"),
        }
    }

    fn train(&self, args: &TrainArgs, matches: &ArgMatches) -> Result<()> {
        let out = args.out.clone().unwrap_or_else(model_file::<M>);
        let writes = [("--out", Some(&*out)), ("--json", args.json.as_deref()), ("--report", args.report.as_deref())];
        outputs::check(&[("--teacher", args.teacher.as_deref())], &writes)?;
        let mut config = M::default_config();
        if args.resume && out.exists() {
            config = crate::checkpoint::config::<M>(&out)?;
        }
        args.set.iter().try_for_each(|setting| apply_setting(&mut config, setting))?;
        check::<M>(&config)?;
        let start = Instant::now();
        let teacher = args.teacher.as_ref().map(|path| self.teacher.load(path)).transpose()?;
        let more = teacher.as_deref().map_or(More::Nothing, |teacher| More::Teacher(teacher.schema()));
        let splits = (self.source)(&parsed::<A>(matches)?, &more)?;
        let reading = start.elapsed().as_secs_f64();
        say!(
            "{} training, {} validation, {} test rows",
            splits.train.rows(),
            splits.validation.rows(),
            splits.test.as_ref().map_or(0, |table| table.rows())
        );
        let mut trainer = Trainer::<M>::new(config, splits)
            .checkpoint(&out)
            .resume(args.resume)
            .stop_after(args.stop_after)
            .verbose(true);
        if let Some(teacher) = &teacher {
            trainer = trainer.taught_by(teacher.as_ref());
        }
        let trained = trainer.fit()?;
        let mut report = trained.report;
        let seconds =
            [("read", reading)].into_iter().chain(report.seconds.iter().map(|(phase, s)| (phase, *s))).collect();
        report.seconds = seconds;
        if trained.stopped {
            say!("\nstopped before the end; `--resume` goes on");
        }
        show(&report);
        say!("model: {}", out.display());
        write_report(args.json.as_ref(), args.report.as_ref(), &report)
    }

    fn evaluate(&self, args: &EvaluateArgs, matches: &ArgMatches) -> Result<()> {
        let (predictor, start) = (load::<M>(args.model.clone(), &args.set)?, Instant::now());
        let model = args.model.clone().unwrap_or_else(model_file::<M>);
        let writes = [
            ("--json", args.json.as_deref()),
            ("--report", args.report.as_deref()),
            ("--save-predictions", args.save_predictions.as_deref()),
        ];
        outputs::check(&[("--model", Some(&*model)), ("--baseline", args.baseline.as_deref())], &writes)?;
        let evaluation = Evaluation {
            metrics: args
                .metrics
                .iter()
                .map(|name| name.trim().parse())
                .collect::<std::result::Result<_, EvalError>>()?,
            bootstrap: args.bootstrap,
            slices: args.slices.clone(),
            baseline: args.baseline.as_ref().map(Baseline::read).transpose()?,
        };
        evaluation.check::<M>(predictor.schema())?;
        let splits = (self.source)(&parsed::<A>(matches)?, &More::Columns(&args.slices))?;
        let reading = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let (mut split, mut rows, mut pictures) = (Named::default(), Named::default(), Named::default());
        let mut warnings = Vec::new();
        let mut saved = args.save_predictions.as_ref().map(|_| SavedPredictions::default());
        for (name, table) in [("validation", Some(&splits.validation)), ("test", splits.test.as_ref())] {
            if let Some(table) = table.filter(|table| table.rows() > 0) {
                let data = Arc::new(predictor.encoder().encode(table)?);
                let (metrics, drawn) = predictor.study(&evaluation, name, table, &data, saved.as_mut())?;
                split.set(name, metrics);
                rows.set(name, data.rows);
                pictures.set(name, drawn);
                warnings.extend(data.warnings.iter().map(|warning| format!("{name} rows: {warning}")));
            }
        }
        if split.is_empty() {
            return Err(Error::data("there are neither validation nor test rows to evaluate"));
        }
        let report = Report {
            split,
            seconds: [("read", reading), ("evaluate", start.elapsed().as_secs_f64())].into_iter().collect(),
            rows,
            pictures,
            warnings,
            ..predictor.report()
        };
        show(&report);
        if let Some((saved, path)) = saved.zip(args.save_predictions.as_ref()) {
            saved.write(path)?;
        }
        write_report(args.json.as_ref(), args.report.as_ref(), &report)
    }

    fn predict(&self, args: &PredictArgs, matches: &ArgMatches) -> Result<()> {
        let predictor = load::<M>(args.of.model.clone(), &args.of.set)?;
        outputs::check(&args.of.files(), &[("--out", args.out.as_deref())])?;
        let table = self.rows(&predictor, &args.of, matches, None)?;
        let predictions = predictor.predict(&table)?;
        let write = |out: &mut dyn std::io::Write| predictions.write_csv(std::io::BufWriter::new(out));
        match &args.out {
            Some(path) => std::fs::File::create(path)
                .and_then(|mut file| write(&mut file))
                .map_err(|error| Error::io(path, error)),
            None => match write(&mut std::io::stdout().lock()) {
                // Whoever read the output has enough.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
                other => other.map_err(|error| Error::Io(format!("standard output: {error}"))),
            },
        }
    }

    /// The rows that are named, of which there is at least one; `also` is a column that they have besides.
    fn rows(&self, predictor: &Predictor<M>, of: &RowArgs, matches: &ArgMatches, also: Option<&str>) -> Result<Table> {
        let own = A::augment_args(Command::new("data"));
        let ids: Vec<&str> = own.get_arguments().map(|argument| argument.get_id().as_str()).collect();
        let given = |id: &&str| matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine);
        let table = match (&of.input, of.split) {
            (Some(path), None) => {
                if let Some(id) = ids.iter().find(|id| !FormatArgs::has(id) && given(id)) {
                    return Err(Error::config(format!(
                        "`--input` and `--{id}` exclude each other: the rows come from one of them"
                    )));
                }
                parsed::<FormatArgs>(matches)?.read_features(path, predictor.schema(), also)?
            }
            (None, Some(split)) => {
                if let Some(id) = FormatArgs::IDS.iter().find(|id| !ids.contains(id) && given(id)) {
                    let option = id.replace('_', "-");
                    return Err(Error::config(format!(
                        "`--{option}` says how `--input` is read, and these rows are a split's"
                    )));
                }
                let splits = (self.source)(&parsed::<A>(matches)?, &More::Nothing)?;
                match split {
                    Split::Train => splits.train,
                    Split::Validation => splits.validation,
                    Split::Test => splits.test.unwrap_or_default(),
                }
            }
            _ => {
                return Err(Error::config(
                    "name the rows to predict: `--input FILE` or `--split train|validation|test`",
                ));
            }
        };
        if table.rows() == 0 {
            return Err(Error::data("there are no rows to predict"));
        }
        Ok(table)
    }
}

/// The arguments of one kind.
fn parsed<T: FromArgMatches>(matches: &ArgMatches) -> Result<T> {
    T::from_arg_matches(matches)
        .map_err(|error| Error::config(error.to_string().trim_start_matches("error: ").trim_end().to_owned()))
}

/// The file of a model where none is named.
fn model_file<M: Model>() -> PathBuf {
    PathBuf::from(format!("{}.mtl.safetensors", M::NAME))
}

fn load<M: Model>(path: Option<PathBuf>, settings: &[String]) -> Result<Predictor<M>> {
    let path = path.unwrap_or_else(model_file::<M>);
    if !path.exists() {
        return Err(Error::checkpoint(&path, "there is no such file; `train` makes it, `--model` names another"));
    }
    let change = |config: &mut M::Config, setting: &String| {
        apply_setting(config, setting)?;
        let free = ["ranks.", "down_sampling."].iter().any(|free| setting.trim_start().starts_with(free));
        let message = || {
            let free = "what may change afterwards are parameters of ranks and rates of down-sampling";
            Error::config(format!("`--set {setting}`: training fixed it; {free}"))
        };
        free.then_some(()).ok_or_else(message)
    };
    Predictor::load_with(&path, |config| settings.iter().try_for_each(|setting| change(config, setting)))
}

fn show(report: &Report) {
    for (name, split) in report.split.iter() {
        say!("\n{name}\n{}", split.table());
        if let Some(table) = split.interval_table() {
            say!("\n{name}, intervals of 95 %\n{table}");
        }
        for (column, table) in split.slice_tables() {
            say!("\n{name}, by {column}\n{table}");
        }
        if let Some(table) = split.change_table() {
            say!("\n{name}, against the baseline\n{table}");
            if let Some(gain) = split.delta_m() {
                say!("Delta_m over AUC, GAUC, RMSE or accuracy of each task: {gain:+.2} %");
            }
            let paired = |changes: &Named<Change>| changes.iter().any(|(_, change)| change.difference.is_some());
            if !split.changes.iter().any(|(_, changes)| paired(changes)) {
                say!(
                    "no intervals: a report holds no predictions; `--baseline` takes those of `--save-predictions` too"
                );
            }
        }
        if !split.gates.is_empty() {
            say!("\n{name}, gates\n{}", split.gate_table());
        }
    }
    if let Some(subnets) = &report.subnets {
        say!("\nsubnetworks\n{}\n{}", subnets.table(), subnets.overlap_table());
    }
    if let Some(table) = report.best_table() {
        say!("\n{table}");
    }
    let mut table = TextTable::new(["seconds", ""]);
    report.seconds.iter().for_each(|(phase, seconds)| table.row([phase.to_owned(), format!("{seconds:.2}")]));
    say!("{table}");
    if let Some(rate) = report.rows_per_second {
        say!("{} parameters, {rate:.0} training rows/s", report.parameters);
    }
}

/// Writes the report as JSON and as a page, where files are named.
fn write_report(json: Option<&PathBuf>, page: Option<&PathBuf>, report: &Report) -> Result<()> {
    let write = |path: &PathBuf, text: String| std::fs::write(path, text).map_err(|error| Error::io(path, error));
    if let Some(path) = json {
        write(path, serde_json::to_string_pretty(report).expect("a report prints as JSON") + "\n")?;
    }
    if let Some(path) = page {
        write(path, report.to_html())?;
        say!("report: {}", path.display());
    }
    Ok(())
}
