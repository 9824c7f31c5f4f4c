//! Weightings of losses and gradients: what a step costs, and what MMoE learns on real data.
//!
//! `weightings cost` prints the time of a training step of each method over that of the plain sum, for 2, 8 and 32 tasks.
//! `weightings kuairand --data FOLDER --json runs.json` trains MMoE under each method with each seed, keeps every run in the file, and prints
//! the table of all runs in it; with `--single FILE`, the runs of `families`, also their distance from networks of one task.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use mtl_benches::{Dataset, Runs, delta, mean, read, singles, spread, write};
use mtl_data::{Ids, Numbers, Rng, Table};
use mtl_runtime::weighting::MethodConfig;
use mtl_runtime::{Error, Model, Result, Splits, Trainer};
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
    /// The runs of `families` on the data set, with the networks of one task
    #[arg(long)]
    single: Option<PathBuf>,
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
    Fixed,
    Uncertainty,
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
        // The rare task times 5.
        ("fixed", Fixed, None),
        ("uncertainty", Uncertainty, None),
        of("dwa", Losses, Dwa { temperature: 2.0, window: None }),
        of("rlw", Losses, Rlw),
        of("gls", Losses, Gls),
        of("log_loss", Losses, LogLoss),
        of("famo", Losses, Famo { lr: 0.025, decay: 1e-3, every: 1 }),
        of("famo, every: 10", Losses, Famo { lr: 0.025, decay: 1e-3, every: 10 }),
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
        // Not `graddrop`: it is for one vector that all tasks read.
        of("pcgrad at parameters", Parameters, Pcgrad),
        of("db_mtl", Parameters, DbMtl { beta: 0.9, sigma: 0.0 }),
        of("excess_mtl", Parameters, ExcessMtl { eta: 0.01 }),
        of("moco", Parameters, Moco { beta: 0.5, gamma: 0.1 }),
    ]
}

/// Trains the model of what the method looks at, under the method.
macro_rules! train {
    ($looks:expr, $method:expr, $splits:expr, $seed:expr, [$equal:ident $fixed:ident $uncertainty:ident $losses:ident $representation:ident $parameters:ident]) => {
        match $looks {
            Looks::Equal => train!(@ $equal, $splits, $seed),
            Looks::Fixed => train!(@ $fixed, $splits, $seed),
            Looks::Uncertainty => train!(@ $uncertainty, $splits, $seed),
            Looks::Losses => train!(@ $losses, $method, $splits, $seed),
            Looks::Representation => train!(@ $representation, $method, $splits, $seed),
            Looks::Parameters => train!(@ $parameters, $method, $splits, $seed),
        }
    };
    (@ $model:ident, $splits:expr, $seed:expr) => {{
        let mut config = models::$model::default_config();
        config.train.seed = $seed;
        Trainer::<models::$model>::new(config, $splits).fit().map(|trained| trained.report)
    }};
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

fn main() -> ExitCode {
    mtl_benches::main(run)
}

fn run(options: &Options) -> Result<()> {
    let known = methods(2, 0);
    if let Some(unknown) = options.methods.iter().find(|wanted| known.iter().all(|(name, ..)| *name != **wanted)) {
        let names: Vec<&str> = known.iter().map(|(name, ..)| *name).collect();
        return Err(Error::config(format!("`{unknown}` is none of {}", names.join(", "))));
    }
    match options.what {
        What::Cost => cost(options),
        What::Census => quality(options, Dataset::Census),
        What::Kuairand => quality(options, Dataset::Kuairand),
    }
}

fn wanted(options: &Options, name: &str) -> bool {
    options.methods.is_empty() || options.methods.iter().any(|wanted| wanted == name)
}

/// The time of a step of each method over that of the plain sum, alternating with it.
fn cost(options: &Options) -> Result<()> {
    println!("| method | 2 tasks | 8 tasks | 32 tasks |\n|---|---|---|---|");
    // The plain sum beside itself says what the figures are worth.
    for (name, looks, _) in methods(2, 0) {
        if !wanted(options, name) {
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
                        train!(looks, method, splits.clone(), 0, [Cost2Equal Cost2Fixed Cost2Uncertainty Cost2Losses Cost2Representation Cost2Parameters])
                    }
                    8 => {
                        train!(looks, method, splits.clone(), 0, [Cost8Equal Cost8Fixed Cost8Uncertainty Cost8Losses Cost8Representation Cost8Parameters])
                    }
                    _ => {
                        train!(looks, method, splits.clone(), 0, [Cost32Equal Cost32Fixed Cost32Uncertainty Cost32Losses Cost32Representation Cost32Parameters])
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
        println!("| {name} | {} |", cells.join(" | "));
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

fn quality(options: &Options, dataset: Dataset) -> Result<()> {
    let folder = options.data.as_deref().ok_or_else(|| Error::config("`--data` names the data set's folder"))?;
    let (tasks, target): (&[&str], usize) = match dataset {
        Dataset::Census => (&["income", "never_married"], 0),
        Dataset::Kuairand => (&["is_click", "long_view", "is_like"], 2),
    };
    let singles = options.single.as_deref().map(|path| singles(path, tasks)).transpose()?;
    let schema = match dataset {
        Dataset::Census => models::CensusWeightedEqual::schema(&models::CensusWeightedEqual::default_config()),
        Dataset::Kuairand => models::KuairandWeightedEqual::schema(&models::KuairandWeightedEqual::default_config()),
    };
    let splits = dataset.splits(folder, &schema)?;
    let mut runs: Runs<Run> = read(options.json.as_deref())?;
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
            let report = match dataset {
                Dataset::Census => {
                    train!(looks, method, splits.clone(), seed, [CensusWeightedEqual CensusWeightedFixed CensusWeightedUncertainty CensusWeightedLosses CensusWeightedRepresentation CensusWeightedParameters])
                }
                Dataset::Kuairand => {
                    train!(looks, method, splits.clone(), seed, [KuairandWeightedEqual KuairandWeightedFixed KuairandWeightedUncertainty KuairandWeightedLosses KuairandWeightedRepresentation KuairandWeightedParameters])
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
    println!("{}", table(tasks, &methods(tasks.len(), target), &runs, singles.as_deref()));
    Ok(())
}

/// Test AUC by task, mean and standard deviation over seeds, the distance from networks of one task where they are known, and the last
/// epoch's weights in the order of the tasks.
fn table(
    tasks: &[&str],
    methods: &[(&str, Looks, Option<MethodConfig>)],
    runs: &Runs<Run>,
    singles: Option<&[f64]>,
) -> String {
    let mut header: Vec<String> = tasks.iter().map(|task| format!("{task} AUC")).collect();
    header.extend(singles.map(|_| "Delta_m, %".to_owned()));
    let mut lines =
        vec![format!("| weighting | {} | weights |", header.join(" | ")), "|---".repeat(header.len() + 2) + "|"];
    for (name, ..) in methods {
        let Some(runs) = runs.get(*name).filter(|runs| !runs.is_empty()) else { continue };
        let of = |value: &dyn Fn(&Run) -> Option<f64>| runs.iter().filter_map(value).collect::<Vec<f64>>();
        let mut cells: Vec<String> =
            tasks.iter().map(|task| spread(&of(&|run| run.auc.get(*task).copied()), 4)).collect();
        cells.extend(singles.map(|singles| spread(&of(&|run| delta(&run.auc, tasks, singles)), 2)));
        let weight = |task: &&str| mean(&of(&|run| run.weights.get(*task).copied()));
        let weights = tasks.iter().map(|task| weight(task).map_or("–".to_owned(), |weight| format!("{weight:.2}")));
        lines.push(format!("| {name} | {} | {} |", cells.join(" | "), weights.collect::<Vec<_>>().join(" ")));
    }
    lines.join("\n")
}
