//! A spec against a network for each task alone, on KuaiRand: paired differences of the AUC on the test rows.
//!
//! `lift --data FOLDER` trains the family `own_and_others` and the single networks with each seed, and prints for each task the AUC of both and
//! the difference, with an interval over test rows drawn anew, the same for all, and the mean of the seeds likewise.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mtl_benches::{Dataset, mean};
use mtl_eval::bootstrap::Bootstrap;
use mtl_eval::metrics::{Columns, Metric};
use mtl_runtime::config::apply_setting;
use mtl_runtime::report::TextTable;
use mtl_runtime::{Error, Model, Predictions, Result, Splits, Trainer};

#[allow(missing_docs)]
mod models {
    include!(concat!(env!("OUT_DIR"), "/kuairand_own_and_others.rs"));
    include!(concat!(env!("OUT_DIR"), "/kuairand_single_is_click.rs"));
    include!(concat!(env!("OUT_DIR"), "/kuairand_single_long_view.rs"));
    include!(concat!(env!("OUT_DIR"), "/kuairand_single_is_like.rs"));
}

/// A spec against a network for each task alone
#[derive(Parser)]
struct Options {
    /// The folder of KuaiRand
    #[arg(long)]
    data: PathBuf,
    /// Seeds of initial values and order
    #[arg(long, num_args = 1.., default_values_t = [0, 1, 2])]
    seeds: Vec<u64>,
}

/// Draws of an interval.
const DRAWS: usize = 1000;

fn main() -> ExitCode {
    mtl_benches::main(run)
}

fn predictions<M: Model>(splits: &Splits, seed: u64) -> Result<Predictions> {
    let mut config = M::default_config();
    apply_setting(&mut config, &format!("train.seed={seed}"))?;
    eprintln!("{} seed {seed}", M::NAME);
    let trained = Trainer::<M>::new(config, splits.clone()).fit()?;
    trained.predictor.predict(splits.test.as_ref().ok_or_else(|| Error::data("there are no test rows"))?)
}

fn run(options: &Options) -> Result<()> {
    use models::{KuairandOwnAndOthers, KuairandSingleIsClick, KuairandSingleIsLike, KuairandSingleLongView};
    let schema = KuairandOwnAndOthers::schema(&KuairandOwnAndOthers::default_config());
    let splits = Dataset::Kuairand.splits(&options.data, &schema)?;
    let mut table = TextTable::new(["task", "seed", "one network", "own_and_others", "difference", "95 % interval"]);
    let test = splits.test.as_ref().ok_or_else(|| Error::data("there are no test rows"))?;
    let mut runs = Vec::new();
    for &seed in &options.seeds {
        let together = predictions::<KuairandOwnAndOthers>(&splits, seed)?;
        let alone = [
            predictions::<KuairandSingleIsClick>(&splits, seed)?,
            predictions::<KuairandSingleLongView>(&splits, seed)?,
            predictions::<KuairandSingleIsLike>(&splits, seed)?,
        ];
        runs.push((together, alone));
    }
    // One seed of the draws for all runs: they see the same rows.
    let bootstrap = Bootstrap::new(DRAWS, 0);
    for (place, task) in ["is_click", "long_view", "is_like"].into_iter().enumerate() {
        let labels: Vec<f32> = test.numbers(task)?.iter().map(|label| *label as f32).collect();
        let pairs: Vec<_> = runs
            .iter()
            .map(|(together, alone)| {
                let (both, one) =
                    (together.task(task).unwrap_or_default(), alone[place].task(task).unwrap_or_default());
                (Columns::new(both, &labels), one)
            })
            .collect();
        let mut row = |seed: String, pairs: &[(Columns, &[f32])]| -> Result<()> {
            let one_class = || Error::data(format!("the test rows have one class of {task}"));
            let value = |columns: Columns| -> Result<f64> { Metric::Auc.of(columns)?.ok_or_else(one_class) };
            let values = pairs.iter().map(|(columns, _)| value(*columns)).collect::<Result<Vec<f64>>>()?;
            let difference = bootstrap.mean_difference(Metric::Auc, pairs)?.ok_or_else(one_class)?;
            let value = mean(&values).unwrap_or(f64::NAN);
            table.row([
                task.to_owned(),
                seed,
                format!("{:.4}", value - difference.value),
                format!("{value:.4}"),
                format!("{:+.4}", difference.value),
                format!("{:+.4} to {:+.4}", difference.low, difference.high),
            ]);
            Ok(())
        };
        for (seed, pair) in options.seeds.iter().zip(&pairs) {
            row(seed.to_string(), std::slice::from_ref(pair))?;
        }
        row("mean".to_owned(), &pairs)?;
    }
    println!("{table}");
    Ok(())
}
