//! Kinds of distillation on KuaiRand: test AUC of a shared bottom with and without teachers.
//!
//! `distillation --data FOLDER --json runs.json` trains each kind with each seed, keeps every run in the file, and prints the table of all runs in
//! it. The saved teacher is a network with embeddings for each task (STEM), or the shared bottom of the same seed (born again).

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mtl_benches::{Dataset, Runs, Scores, read, spread, write};
use mtl_runtime::config::apply_setting;
use mtl_runtime::{Error, Model, Predictor, Result, Splits, Trained, Trainer};

#[allow(missing_docs)]
mod models {
    include!(concat!(env!("OUT_DIR"), "/kuairand_shared_bottom.rs"));
    include!(concat!(env!("OUT_DIR"), "/kuairand_stem.rs"));
    include!(concat!(env!("OUT_DIR"), "/kuairand_click_and_like.rs"));
    include!(concat!(env!("OUT_DIR"), "/kuairand_long_view_and_like.rs"));
    include!(concat!(env!("OUT_DIR"), "/kuairand_taught.rs"));
}

use models::{KuairandClickAndLike, KuairandLongViewAndLike, KuairandSharedBottom, KuairandStem, KuairandTaught};

/// Kinds of distillation on KuaiRand
#[derive(Parser)]
struct Options {
    /// The folder of KuaiRand
    #[arg(long)]
    data: PathBuf,
    /// Seeds of initial values and order
    #[arg(long, num_args = 1.., default_values_t = [0, 1, 2])]
    seeds: Vec<u64>,
    /// Kinds to train, by their name; all without it
    #[arg(long, num_args = 1..)]
    kinds: Vec<String>,
    /// Change a number of the spec, of a student where there is a saved teacher: `--set distill.weight=0.2`. Such runs are kinds of their own
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Every run, kept and gone on with
    #[arg(long)]
    json: Option<PathBuf>,
}

/// A kind of distillation: its name, and the test AUC of a seed under settings.
type Kind = (&'static str, fn(&Splits, u64, &[String]) -> Result<Scores>);

const KINDS: [Kind; 6] = [
    ("shared_bottom", alone::<KuairandSharedBottom>),
    ("stem", alone::<KuairandStem>),
    ("click_and_like", alone::<KuairandClickAndLike>),
    ("long_view_and_like", alone::<KuairandLongViewAndLike>),
    ("taught_by_stem", taught::<KuairandStem>),
    ("born_again", taught::<KuairandSharedBottom>),
];

fn main() -> ExitCode {
    mtl_benches::main(run)
}

/// Trains without a saved teacher.
fn alone<M: Model>(splits: &Splits, seed: u64, set: &[String]) -> Result<Scores> {
    scores(&fit::<M, M>(splits, seed, set, None)?)
}

/// Trains a `T`, and the shared bottom that it teaches.
fn taught<T: Model>(splits: &Splits, seed: u64, set: &[String]) -> Result<Scores> {
    let teacher = fit::<T, T>(splits, seed, &[], None)?.predictor;
    scores(&fit::<KuairandTaught, T>(splits, seed, set, Some(&teacher))?)
}

fn fit<M: Model, T: Model>(
    splits: &Splits,
    seed: u64,
    set: &[String],
    teacher: Option<&Predictor<T>>,
) -> Result<Trained<M>> {
    let mut config = M::default_config();
    apply_setting(&mut config, &format!("train.seed={seed}"))?;
    set.iter().try_for_each(|setting| apply_setting(&mut config, setting))?;
    let trainer = Trainer::<M>::new(config, splits.clone());
    match teacher {
        Some(teacher) => trainer.teacher(teacher).fit(),
        None => trainer.fit(),
    }
}

fn scores<M: Model>(trained: &Trained<M>) -> Result<Scores> {
    let test = trained.report.split.get("test").ok_or_else(|| Error::data("there are no test rows"))?;
    Ok(Scores { auc: test.tasks.iter().filter_map(|(task, found)| Some((task.to_owned(), found.auc?))).collect() })
}

fn run(options: &Options) -> Result<()> {
    let schema = KuairandSharedBottom::schema(&KuairandSharedBottom::default_config());
    let splits = Dataset::Kuairand.splits(&options.data, &schema)?;
    let mut runs: Runs<(u64, Scores)> = read(options.json.as_deref())?;
    let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = options.kinds.iter().find(|kind| !names.contains(&kind.as_str())) {
        return Err(Error::config(format!("`{unknown}` is no kind of distillation: {}", names.join(", "))));
    }
    let wanted = |kind: &&Kind| options.kinds.is_empty() || options.kinds.iter().any(|wanted| wanted == kind.0);
    for (kind, train) in KINDS.iter().filter(wanted) {
        let name = [&[(*kind).to_owned()], &options.set[..]].concat().join(" ");
        for &seed in &options.seeds {
            let known = runs.entry(name.clone()).or_default();
            if known.iter().any(|(other, _)| *other == seed) {
                continue;
            }
            eprintln!("{name} seed {seed}");
            let scores = train(&splits, seed, &options.set)?;
            eprintln!("  {:?}", scores.auc);
            known.push((seed, scores));
            write(options.json.as_deref(), &runs)?;
        }
    }
    let tasks: Vec<&str> = schema.tasks.iter().map(|task| task.name.as_str()).collect();
    println!("| | {} |", tasks.iter().map(|task| format!("{task} AUC")).collect::<Vec<_>>().join(" | "));
    println!("{}|", "|---".repeat(tasks.len() + 1));
    for (name, found) in &runs {
        let auc =
            |task: &&str| found.iter().filter_map(|(_, scores)| scores.auc.get(*task).copied()).collect::<Vec<_>>();
        let cells: Vec<String> = tasks.iter().map(|task| spread(&auc(task), 4)).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    Ok(())
}
