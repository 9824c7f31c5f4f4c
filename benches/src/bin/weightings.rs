//! Weightings of losses and gradients: what a step costs, and what MMoE learns on real data.
//!
//! `weightings cost` prints the time of a training step of each method over that of the plain sum, for 2, 8 and 32 tasks.
//! `weightings kuairand --data FOLDER --json runs.json` trains MMoE under each method with each seed, keeps every run in the file, and prints
//! the table of all runs in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use mtl_data::{Ids, Numbers, Rng, Table};
use mtl_examples::{census, kuairand};
use mtl_runtime::weighting::MethodConfig;
use mtl_runtime::{Error, Model, Result, Splits, Trainer, alloc};
use serde::{Deserialize, Serialize};

#[allow(missing_docs)]
mod models {
    include!(concat!(env!("OUT_DIR"), "/weightings.rs"));
}

/// Weightings of losses and gradients
#[derive(Parser)]
struct Options {
    /// What to measure
    what: What,
    /// The data set's folder
    #[arg(long, required_if_eq_any([("what", "census"), ("what", "kuairand")]))]
    data: Option<PathBuf>,
    /// Methods; all without it
    #[arg(long, num_args = 1..)]
    methods: Vec<String>,
    /// Seeds of initial values, order and dropout
    #[arg(long, num_args = 1.., default_values_t = [0, 1, 2])]
    seeds: Vec<u64>,
    /// Every run, kept and gone on with
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Cost,
    Census,
    Kuairand,
}

/// What a method looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    Equal,
    Losses,
    Representation,
    Parameters,
}

/// The methods under their names in the tables; `target` is the task that MetaBalance serves.
fn methods(tasks: usize, target: usize) -> Vec<(&'static str, Looks, Option<MethodConfig>)> {
    use Looks::*;
    use MethodConfig::*;
    let of = |name, looks, method| (name, looks, Some(method));
    vec![
        ("equal", Equal, None),
        of("dwa", Losses, Dwa { temperature: 2.0, window: None }),
        of("rlw", Losses, Rlw),
        of("gls", Losses, Gls),
        of("log_loss", Losses, LogLoss),
        of("famo", Losses, Famo { lr: 0.025, decay: 1e-3 }),
        of("stch", Losses, Stch { mu: 1.0, first: 1, window: None }),
        of("imtl_l", Losses, ImtlL { lr: 1e-3 }),
        of("gradnorm", Representation, Gradnorm { alpha: 1.5, lr: 0.025 }),
        of("mgda", Representation, Mgda { by: "norm".into() }),
        of("pcgrad", Representation, Pcgrad),
        of("gradvac", Representation, Gradvac { beta: 0.01 }),
        of("cagrad", Representation, Cagrad { c: 0.4 }),
        of("imtl", Representation, Imtl),
        of("nash", Representation, Nash { max_norm: 1.0, every: 1 }),
        of("aligned", Representation, Aligned { scale: "min".into() }),
        of("upgrad", Representation, Upgrad),
        of("fairgrad", Representation, Fairgrad { alpha: 1.0 }),
        of("pe_ltr", Representation, PeLtr { floors: vec![0.5 / tasks as f64; tasks] }),
        of("metabalance", Representation, Metabalance { target, relax: 0.7, beta: 0.9, strategy: "both".into() }),
        of("graddrop", Representation, Graddrop { leak: 0.0 }),
        of("pcgrad at parameters", Parameters, Pcgrad),
        of("db_mtl", Parameters, DbMtl { beta: 0.9, sigma: 0.0 }),
    ]
}

/// Trains the model of what the method looks at, under the method.
macro_rules! train {
    ($looks:expr, $method:expr, $splits:expr, $seed:expr, [$equal:ident $losses:ident $representation:ident $parameters:ident]) => {
        match $looks {
            Looks::Equal => {
                let mut config = models::$equal::default_config();
                config.train.seed = $seed;
                Trainer::<models::$equal>::new(config, $splits).fit().map(|trained| trained.report)
            }
            Looks::Losses => train!(@ $losses, $method, $splits, $seed),
            Looks::Representation => train!(@ $representation, $method, $splits, $seed),
            Looks::Parameters => train!(@ $parameters, $method, $splits, $seed),
        }
    };
    (@ $model:ident, $method:expr, $splits:expr, $seed:expr) => {{
        let mut config = models::$model::default_config();
        config.train.seed = $seed;
        config.loss.weighting.method = $method.clone().expect("a method looks at something");
        // One scale for all: that of the sum, which the learning rate is for.
        config.loss.weighting.normalize = Some("sum".into());
        Trainer::<models::$model>::new(config, $splits).fit().map(|trained| trained.report)
    }};
}

/// One training run.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Run {
    seed: u64,
    best_epoch: Option<usize>,
    /// Test AUC by task.
    auc: BTreeMap<String, f64>,
    /// The mean weight of each task over the last epoch.
    weights: BTreeMap<String, f64>,
}

/// Runs by method.
type Runs = BTreeMap<String, Vec<Run>>;

fn main() -> ExitCode {
    alloc::keep_memory();
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let known = methods(2, 0);
    if let Some(unknown) = options.methods.iter().find(|wanted| known.iter().all(|(name, ..)| *name != **wanted)) {
        let names: Vec<&str> = known.iter().map(|(name, ..)| *name).collect();
        return Err(Error::config(format!("`{unknown}` is none of {}", names.join(", "))));
    }
    match options.what {
        What::Cost => cost(options),
        What::Census | What::Kuairand => quality(options),
    }
}

fn wanted(options: &Options, name: &str) -> bool {
    options.methods.is_empty() || options.methods.iter().any(|wanted| wanted == name)
}

/// The time of a step of each method over that of the plain sum, alternating with it.
fn cost(options: &Options) -> Result<()> {
    println!("| method | 2 tasks | 8 tasks | 32 tasks |\n|---|---|---|---|");
    for (name, looks, method) in methods(2, 0) {
        if !wanted(options, name) || looks == Looks::Equal {
            continue;
        }
        let mut cells = Vec::new();
        for tasks in [2usize, 8, 32] {
            let method =
                methods(tasks, 0).into_iter().find(|(known, ..)| *known == name).and_then(|(.., method)| method);
            let splits = made_up(tasks)?;
            let rate = |looks: Looks| -> Result<f64> {
                let report = match tasks {
                    2 => {
                        train!(looks, method, splits.clone(), 0, [Cost2Equal Cost2Losses Cost2Representation Cost2Parameters])
                    }
                    8 => {
                        train!(looks, method, splits.clone(), 0, [Cost8Equal Cost8Losses Cost8Representation Cost8Parameters])
                    }
                    _ => {
                        train!(looks, method, splits.clone(), 0, [Cost32Equal Cost32Losses Cost32Representation Cost32Parameters])
                    }
                }?;
                Ok(report.rows_per_second.unwrap_or(f64::NAN))
            };
            let mut ratios = Vec::new();
            for _ in 0..3 {
                ratios.push(rate(Looks::Equal)? / rate(looks)?);
            }
            ratios.sort_by(f64::total_cmp);
            cells.push(format!("{:.2}", ratios[1]));
        }
        println!("| {name}{} | {} |", if method.is_some() { "" } else { " (plain)" }, cells.join(" | "));
    }
    Ok(())
}

/// Ten steps of made-up rows: 26 ids, labels by chance.
fn made_up(tasks: usize) -> Result<Splits> {
    const ROWS: usize = 10 * 1024;
    let mut rng = Rng::keyed(1, "rows of the cost table");
    let mut table = Table::default();
    for at in 0..26 {
        let ids: Vec<Option<i64>> = (0..ROWS).map(|_| Some(rng.below(1_000) as i64)).collect();
        table = table.with_column(format!("id_{at}"), Ids::from(ids))?;
    }
    for at in 0..tasks {
        let labels: Vec<f64> = (0..ROWS).map(|_| f64::from(u8::from(rng.chance(0.3)))).collect();
        table = table.with_column(format!("t{at}"), Numbers(labels))?;
    }
    Ok(Splits { train: table, ..Splits::default() })
}

fn quality(options: &Options) -> Result<()> {
    let folder = options.data.as_deref().ok_or_else(|| Error::config("`--data` names the data set's folder"))?;
    let (tasks, target): (&[&str], usize) = match options.what {
        What::Census => (&["income", "never_married"], 0),
        _ => (&["is_click", "long_view", "is_like"], 2),
    };
    let [train, validation, test]: [Table; 3] = match options.what {
        What::Census => census::tables(
            folder,
            &models::CensusWeightedEqual::schema(&models::CensusWeightedEqual::default_config()),
        )?,
        _ => kuairand::tables(folder)?,
    };
    let splits = Splits { train, validation, test: Some(test) };
    let mut runs: Runs = read(options.json.as_deref())?;
    for (name, looks, method) in methods(tasks.len(), target) {
        if !wanted(options, name) {
            continue;
        }
        for seed in options.seeds.iter().copied() {
            let known = runs.entry(name.to_owned()).or_default();
            if known.iter().any(|run| run.seed == seed) {
                continue;
            }
            let start = Instant::now();
            let report = match options.what {
                What::Census => {
                    train!(looks, method, splits.clone(), seed, [CensusWeightedEqual CensusWeightedLosses CensusWeightedRepresentation CensusWeightedParameters])
                }
                _ => {
                    train!(looks, method, splits.clone(), seed, [KuairandWeightedEqual KuairandWeightedLosses KuairandWeightedRepresentation KuairandWeightedParameters])
                }
            }?;
            let test = report.split.get("test").ok_or_else(|| Error::data("there are no test rows"))?;
            let auc = test.tasks.iter().filter_map(|(task, metrics)| Some((task.to_owned(), metrics.auc?))).collect();
            let weights = report
                .epochs
                .last()
                .map(|epoch| epoch.weights.iter().map(|(task, weight)| (task.to_owned(), *weight)).collect());
            let run = Run { seed, best_epoch: report.best_epoch, auc, weights: weights.unwrap_or_default() };
            eprintln!("{name} seed {seed}: {:?} in {:.0} s", run.auc, start.elapsed().as_secs_f64());
            known.push(run);
            write(options.json.as_deref(), &runs)?;
        }
    }
    println!("{}", table(tasks, &methods(tasks.len(), target), &runs));
    Ok(())
}

/// Test AUC by task, mean and standard deviation over seeds, and the last epoch's weights.
fn table(tasks: &[&str], methods: &[(&str, Looks, Option<MethodConfig>)], runs: &Runs) -> String {
    let header = tasks.iter().map(|task| format!("{task} AUC")).collect::<Vec<_>>().join(" | ");
    let mut lines = vec![format!("| weighting | {header} | weights |"), "|---".repeat(tasks.len() + 2) + "|"];
    for (name, ..) in methods {
        let Some(runs) = runs.get(*name).filter(|runs| !runs.is_empty()) else { continue };
        let cell = |task: &&str| spread(&runs.iter().filter_map(|run| run.auc.get(*task).copied()).collect::<Vec<_>>());
        let mean = |task: &&str| {
            let all: Vec<f64> = runs.iter().filter_map(|run| run.weights.get(*task).copied()).collect();
            format!("{:.2}", all.iter().sum::<f64>() / all.len().max(1) as f64)
        };
        let (cells, weights): (Vec<String>, Vec<String>) =
            (tasks.iter().map(cell).collect(), tasks.iter().map(mean).collect());
        lines.push(format!("| {name} | {} | {} |", cells.join(" | "), weights.join(" ")));
    }
    lines.join("\n")
}

fn spread(values: &[f64]) -> String {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    if values.len() < 2 { format!("{mean:.4}") } else { format!("{mean:.4} ± {:.4}", (square / (count - 1.0)).sqrt()) }
}

fn read(path: Option<&Path>) -> Result<Runs> {
    let Some(path) = path.filter(|path| path.exists()) else { return Ok(Runs::new()) };
    let text = std::fs::read_to_string(path).map_err(|error| Error::config(format!("{}: {error}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| Error::config(format!("{} holds no runs: {error}", path.display())))
}

fn write(path: Option<&Path>, runs: &Runs) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let text = serde_json::to_string_pretty(runs).expect("runs print as JSON");
    std::fs::write(path, text + "\n").map_err(|error| Error::config(format!("{}: {error}", path.display())))
}
