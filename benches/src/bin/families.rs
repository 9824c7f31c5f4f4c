//! Every family of sharing on the census and KuaiRand data: the README's table.
//!
//! `families census --data FOLDER --json runs.json` trains each family with each seed, keeps every run in the file, and prints the
//! table of all runs in it; what the file holds is not trained again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use mtl_benches::{Dataset, Runs, SINGLE, read, spread, write};
use mtl_data::schema::Schema;
use mtl_runtime::config::apply_setting;
use mtl_runtime::{Error, Model, Result, Splits, Trainer};
use serde::{Deserialize, Serialize};

#[allow(missing_docs)]
mod models {
    use super::Family;
    include!(concat!(env!("OUT_DIR"), "/families.rs"));
}

/// Every family of sharing on a data set
#[derive(Parser)]
struct Options {
    /// The data set
    dataset: Dataset,
    /// Its folder
    #[arg(long)]
    data: PathBuf,
    /// Families to train; all without it
    #[arg(long, num_args = 1..)]
    families: Vec<String>,
    /// Seeds of initial values, order and dropout
    #[arg(long, num_args = 1.., default_values_t = [0, 1, 2])]
    seeds: Vec<u64>,
    /// Change a number of every spec: `--set train.epochs=1`
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Every run, kept and gone on with
    #[arg(long)]
    json: Option<PathBuf>,
}

/// One family on one data set.
#[derive(Debug, Clone, Copy)]
struct Family {
    dataset: &'static str,
    name: &'static str,
    schema: fn() -> Schema,
    train: fn(Splits, u64, &[String]) -> Result<Run>,
}

/// One training run.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Run {
    seed: u64,
    parameters: usize,
    /// Rows of training for each second of the processor, by one thread.
    rows_per_second: f64,
    best_epoch: Option<usize>,
    /// Test AUC by task.
    auc: BTreeMap<String, f64>,
}

impl Family {
    const fn of<M: Model>(dataset: &'static str, name: &'static str) -> Self {
        Self { dataset, name, schema: || M::schema(&M::default_config()), train: train::<M> }
    }
}

fn train<M: Model>(splits: Splits, seed: u64, set: &[String]) -> Result<Run> {
    let mut config = M::default_config();
    apply_setting(&mut config, &format!("train.seed={seed}"))?;
    set.iter().try_for_each(|setting| apply_setting(&mut config, setting))?;
    let (wall, processor) = (Instant::now(), processor_seconds());
    let report = Trainer::<M>::new(config, splits).fit()?.report;
    // What other programs take of the core is not the model's.
    let share = match (processor, processor_seconds()) {
        (Some(before), Some(after)) => (after - before) / wall.elapsed().as_secs_f64(),
        _ => 1.0,
    };
    let test = report.split.get("test").ok_or_else(|| Error::data("there are no test rows"))?;
    let auc = test.tasks.iter().filter_map(|(task, metrics)| Some((task.to_owned(), metrics.auc?))).collect();
    let rows_per_second = report.rows_per_second.unwrap_or(0.0) / share;
    Ok(Run { seed, parameters: report.parameters, rows_per_second, best_epoch: report.best_epoch, auc })
}

/// The time that this process has had of the processor; only where the system tells.
fn processor_seconds() -> Option<f64> {
    let thread = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    let threads = std::fs::read_dir("/proc/self/task").ok()?.filter_map(|entry| thread(entry.ok()?.path()));
    Some(threads.sum::<f64>() / 1e9)
}

fn main() -> ExitCode {
    mtl_benches::main(run)
}

fn run(options: &Options) -> Result<()> {
    let name = options.dataset.name();
    let families: Vec<&Family> = models::ALL.iter().filter(|family| family.dataset == name).collect();
    if let Some(unknown) = options.families.iter().find(|wanted| families.iter().all(|family| family.name != **wanted))
    {
        let known: Vec<&str> = families.iter().map(|family| family.name).collect();
        return Err(Error::config(format!("`{unknown}` is no family of {name}: {}", known.join(", "))));
    }
    let wanted = |family: &&&Family| options.families.is_empty() || options.families.iter().any(|w| w == family.name);
    let mut runs: Runs<Run> = read(options.json.as_deref())?;
    let mut splits = None;
    for family in families.iter().filter(wanted) {
        for seed in &options.seeds {
            let known = runs.entry(family.name.to_owned()).or_default();
            if known.iter().any(|run| run.seed == *seed) {
                continue;
            }
            if splits.is_none() {
                splits = Some(options.dataset.splits(&options.data, &(family.schema)())?);
            }
            eprintln!("{name} {} seed {seed}", family.name);
            let run = (family.train)(splits.clone().unwrap_or_default(), *seed, &options.set)?;
            eprintln!("  {:?}", run.auc);
            known.push(run);
            write(options.json.as_deref(), &runs)?;
        }
    }
    println!("{}", table(&families, &runs));
    Ok(())
}

/// Mean and standard deviation over seeds of each task's test AUC, as a table of Markdown.
fn table(families: &[&Family], runs: &Runs<Run>) -> String {
    let tasks: Vec<&str> = families.iter().filter_map(|family| family.name.strip_prefix(SINGLE)).collect();
    let header = tasks.iter().map(|task| format!("{task} AUC")).collect::<Vec<_>>().join(" | ");
    let mut lines = vec![format!("| family | {header} | parameters | rows/s |"), "|---".repeat(tasks.len() + 3) + "|"];
    let of = |family: &str| runs.get(family).map(Vec::as_slice).unwrap_or_default();
    let auc = |runs: &[Run], task: &str| {
        spread(&runs.iter().filter_map(|run| run.auc.get(task).copied()).collect::<Vec<_>>(), 4)
    };
    let singles: Vec<&[Run]> = tasks.iter().map(|task| of(&format!("{SINGLE}{task}"))).collect();
    let cells = singles.iter().zip(&tasks).map(|(runs, task)| auc(runs, task)).collect::<Vec<_>>().join(" | ");
    let sizes = singles.iter().filter_map(|runs| Some(runs.first()?.parameters)).sum::<usize>();
    lines.push(format!("| one network for each task | {cells} | {sizes} | |"));
    for family in families.iter().filter(|family| !family.name.starts_with(SINGLE)) {
        let runs = of(family.name);
        let Some(first) = runs.first() else { continue };
        let cells = tasks.iter().map(|task| auc(runs, task)).collect::<Vec<_>>().join(" | ");
        let mut rates: Vec<f64> = runs.iter().map(|run| run.rows_per_second).collect();
        rates.sort_by(f64::total_cmp);
        lines.push(format!("| {} | {cells} | {} | {:.0} |", family.name, first.parameters, rates[rates.len() / 2]));
    }
    lines.join("\n")
}
