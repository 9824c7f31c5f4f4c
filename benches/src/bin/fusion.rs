//! Tuned fusion beside fixed formulas: the tables of `docs/fusion.md`.
//!
//! `fusion kuairand --data FOLDER` compares scores on the test days of KuaiRand-Pure; `fusion feed` tunes on a simulated feed and
//! measures how near that comes to weights tuned on the true probabilities. A model that its folder holds is not trained again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mtl_benches::spread;
use mtl_data::Table;
use mtl_data::simulator::FeedOptions;
use mtl_eval::bootstrap::{Bootstrap, Interval};
use mtl_eval::goals::{Goal, Known};
use mtl_eval::metrics::{GroupWeight, Metric};
use mtl_eval::search::{Method, Space, Value, Variable, search};
use mtl_examples::feed::Feed;
use mtl_examples::kuairand;
use mtl_runtime::config::apply_setting;
use mtl_runtime::report::TextTable;
use mtl_runtime::tune::{TuneOptions, tune};
use mtl_runtime::{Error, Model, Predictor, Result, Splits, Trainer, mtl_file};

mtl_file!("specs/fusion_feed.mtl");
mtl_file!("specs/fusion_kuairand.mtl");

const GAUC: Metric = Metric::Gauc(GroupWeight::Rows);
const DRAWS: usize = 1000;

/// Tuned fusion beside fixed formulas
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    data: Data,
    /// Trained models, made where they are not there; without it none is kept
    #[arg(long, global = true)]
    models: Option<PathBuf>,
    /// Seeds of initial values and order
    #[arg(long, global = true, num_args = 1.., default_values_t = [0, 1, 2])]
    seeds: Vec<u64>,
    /// Change a number of the spec: `--set train.epochs=1`
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

#[derive(Subcommand)]
enum Data {
    /// The test days of KuaiRand-Pure
    Kuairand {
        /// Its folder
        #[arg(long)]
        data: PathBuf,
    },
    /// A simulated feed, whose true probabilities are known
    Feed {
        /// Impressions
        #[arg(long, default_value_t = 300_000)]
        rows: usize,
    },
}

fn main() -> ExitCode {
    mtl_benches::main(run)
}

fn run(options: &Options) -> Result<()> {
    match &options.data {
        Data::Kuairand { data } => of_kuairand(data, options),
        Data::Feed { rows } => of_feed(*rows, options),
    }
}

fn trained<M: Model>(splits: &Splits, options: &Options, seed: u64) -> Result<Predictor<M>> {
    let file = options.models.as_ref().map(|folder| folder.join(format!("{}_{seed}.mtl.safetensors", M::NAME)));
    if let Some(file) = file.as_ref().filter(|file| file.exists()) {
        if let [setting, ..] = &options.set[..] {
            let message = format!("{} is there already: `--set {setting}` cannot change it", file.display());
            return Err(Error::config(format!("{message}; name another folder with `--models`")));
        }
        return Predictor::load(file);
    }
    let mut config = M::default_config();
    options.set.iter().try_for_each(|setting| apply_setting(&mut config, setting))?;
    apply_setting(&mut config, &format!("train.seed={seed}"))?;
    let mut trainer = Trainer::<M>::new(config, splits.clone()).verbose(true);
    let Some(file) = file else { return Ok(trainer.fit()?.predictor) };
    // Its own name comes last: what has it is trained to the end.
    let part = file.with_extension("part");
    trainer = trainer.checkpoint(&part);
    let predictor = trainer.fit()?.predictor;
    std::fs::rename(&part, &file).map_err(|error| Error::io(&file, error))?;
    Ok(predictor)
}

/// Labels of tasks, and groups, of a table.
struct Truth {
    labels: Vec<Vec<f32>>,
    weights: Vec<Option<Vec<f32>>>,
    groups: Vec<u64>,
}

impl Truth {
    fn of(table: &Table, labels: &[&str]) -> Result<Self> {
        let column =
            |name: &&str| Ok::<Vec<f32>, Error>(table.numbers(name)?.iter().map(|label| *label as f32).collect());
        let (ids, mut seen) = (table.ids("user_id")?, HashMap::new());
        let group = |row: usize| {
            let next = seen.len() as u64;
            *seen.entry(ids.text(row).unwrap_or_default().into_owned()).or_insert(next)
        };
        let groups = (0..table.rows()).map(group).collect();
        Ok(Self {
            labels: labels.iter().map(column).collect::<Result<_>>()?,
            weights: vec![None; labels.len()],
            groups,
        })
    }

    fn known(&self) -> Known<'_> {
        Known { labels: &self.labels, weights: &self.weights, groups: Some(&self.groups) }
    }

    fn value(&self, goal: &Goal, scores: &[f32]) -> Result<f64> {
        self.known().value(goal, scores)?.ok_or_else(|| Error::data("a metric is undefined"))
    }
}

fn goal(terms: &[(f64, usize)]) -> Goal {
    Goal {
        text: String::new(),
        terms: terms.iter().map(|(factor, task)| (*factor, GAUC, *task)).collect(),
        constant: 0.0,
    }
}

/// A score on the test rows of one seed.
struct Fused {
    name: &'static str,
    /// GAUC of the long views, of the likes, and the mean of both.
    values: [f64; 3],
    /// By how much the tuned score is above it; none for itself.
    below: Option<Interval>,
}

fn of_kuairand(folder: &std::path::Path, options: &Options) -> Result<()> {
    let [train, validation, test] = kuairand::tables(folder)?;
    let splits = Splits { train, validation, test: Some(test) };
    let runs: Vec<Vec<Fused>> =
        options.seeds.iter().map(|seed| fused(&splits, options, *seed)).collect::<Result<_>>()?;
    let seeds = runs.len();
    let mut table =
        TextTable::new(["score", "GAUC long_view", "GAUC is_like", "mean", "tuned is above by", "beyond the noise"]);
    for (at, first) in runs.first().into_iter().flatten().enumerate() {
        let of =
            |value: &dyn Fn(&Fused) -> f64| spread(&runs.iter().map(|run| value(&run[at])).collect::<Vec<f64>>(), 4);
        let mut cells = vec![first.name.to_owned()];
        cells.extend((0..3).map(|part| of(&|fused| fused.values[part])));
        if first.below.is_some() {
            let below = runs.iter().filter_map(|run| run[at].below);
            cells.push(of(&|fused| fused.below.map_or(0.0, |below| below.value)));
            cells.push(format!("{} of {seeds}", below.filter(|below| below.low > 0.0).count()));
        }
        table.row(cells);
    }
    println!("all seeds\n{table}");
    Ok(())
}

/// The scores of the network of one seed; prints their table.
fn fused(splits: &Splits, options: &Options, seed: u64) -> Result<Vec<Fused>> {
    let test = splits.test.as_ref().ok_or_else(|| Error::data("there are no test rows"))?;
    let predictor = trained::<FusionKuairand>(splits, options, seed)?;
    let tuned = tune(&predictor, &splits.validation, Some(test), &TuneOptions::default(), |_, _| ())?;
    println!("seed {seed}\n{}", tuned.report.param_table());
    // Both contribute alike where the validation rows' mean predictions do.
    let predicted = predictor.predict(&splits.validation)?;
    let mean =
        |name: &str| predicted.task(name).map_or(1.0, |values| values.iter().map(|p| f64::from(*p)).sum::<f64>());
    let mut config = tuned.config.unwrap_or_else(|| predictor.config().clone());
    config.ranks.weighted.like_weight = mean("long_view") / mean("is_like");
    println!("weight of the like in `weighted`: {:.2}\n", config.ranks.weighted.like_weight);

    let (truth, found) = (Truth::of(test, &["long_view", "is_like"])?, predictor.predict(test)?);
    let task = |name: &str| found.task(name).unwrap_or_default();
    let names: Vec<&str> = found.tasks.iter().map(|(name, _)| name.as_str()).collect();
    let row = |at: usize| names.iter().map(|name| f64::from(task(name)[at])).collect::<Vec<f64>>();
    let score = |rank: &str| -> Vec<f32> {
        let rank = FusionKuairand::ranks().iter().find(|of| of.name == rank).expect("a rank of the spec");
        (0..found.rows()).map(|at| (rank.score)(&config, &row(at)) as f32).collect()
    };
    let reciprocal = reciprocal(&[task("long_view"), task("is_like")], &truth.groups);
    let all = [
        ("long_view alone", task("long_view").to_vec()),
        ("is_like alone", task("is_like").to_vec()),
        ("equal weights", score("equal")),
        ("weighted sum", score("weighted")),
        ("product", score("product")),
        ("reciprocal ranks", reciprocal),
        ("tuned", score("tuned")),
    ];
    let (both, tuned) = (goal(&[(0.5, 0), (0.5, 1)]), &all[all.len() - 1].1);
    let mut table =
        TextTable::new(["score", "GAUC long_view", "GAUC is_like", "mean", "tuned is above by", "95 % interval"]);
    let mut found = Vec::new();
    for (name, scores) in &all {
        let value = |goal: &Goal| truth.value(goal, scores);
        let values = [value(&goal(&[(1.0, 0)]))?, value(&goal(&[(1.0, 1)]))?, value(&both)?];
        let below = truth.known().difference(&both, tuned, scores, &Bootstrap::new(DRAWS, 0))?;
        let below = below.filter(|_| scores != tuned);
        let mut cells = vec![(*name).to_owned()];
        cells.extend(values.map(|value| format!("{value:.4}")));
        if let Some(below) = below {
            cells.push(format!("{:+.4}", below.value));
            cells.push(format!("{:+.4} to {:+.4}", below.low, below.high));
        }
        table.row(cells);
        found.push(Fused { name, values, below });
    }
    println!("{} test rows\n{table}", test.rows());
    Ok(found)
}

/// Reciprocal rank fusion within groups (Cormack, Clarke and Buettcher, SIGIR 2009), with their constant 60.
fn reciprocal(columns: &[&[f32]], groups: &[u64]) -> Vec<f32> {
    let mut fused = vec![0.0; groups.len()];
    for column in columns {
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_by(|a, b| groups[*a].cmp(&groups[*b]).then(column[*b].total_cmp(&column[*a])));
        for group in order.chunk_by(|a, b| groups[*a] == groups[*b]) {
            group.iter().zip(1..).for_each(|(row, place)| fused[*row] += 1.0 / (60.0 + place as f32));
        }
    }
    fused
}

fn of_feed(rows: usize, options: &Options) -> Result<()> {
    let data = Feed::simulate(&FeedOptions { rows, ..FeedOptions::default() })?;
    options.seeds.iter().try_for_each(|seed| near(&data, options, *seed))
}

/// How near tuned weights come to those of the true probabilities, with the network of one seed.
fn near(data: &Feed, options: &Options, seed: u64) -> Result<()> {
    let predictor = trained::<FusionFeed>(&data.splits(), options, seed)?;
    let (validation, test) = (data.table(1), data.table(2));
    let tuned = tune(&predictor, &validation, Some(&test), &TuneOptions::default(), |_, _| ())?;
    let found = tuned.config.unwrap_or_else(|| predictor.config().clone()).ranks.score;
    let labels = ["is_click", "is_like", "purchase"];
    let all = goal(&[(0.25, 0), (0.25, 1), (0.5, 2)]);

    // The same search on the probabilities behind the labels.
    let probabilities = |part: usize| -> Vec<[f64; 3]> {
        let of = |row: u32| {
            labels.map(|label| data.simulation.probabilities(label).map_or(0.0, |p| f64::from(p[row as usize])))
        };
        data.rows[part].iter().map(|row| of(*row)).collect()
    };
    let score = |rows: &[[f64; 3]], like: f64, buy: f64| -> Vec<f32> {
        rows.iter().map(|[click, liked, bought]| (click + like * liked + buy * bought) as f32).collect()
    };
    let (truth, on_validation) = (probabilities(1), Truth::of(&validation, &labels)?);
    let space = Space::new(vec![
        Variable { low: 0.0, high: 50.0, start: 1.0 },
        Variable { low: 0.0, high: 500.0, start: 1.0 },
    ])?;
    let value = |point: &[f64]| {
        let objective = on_validation.value(&all, &score(&truth, point[0], point[1]))?;
        Ok::<_, Error>(Value { objectives: vec![objective], violation: 0.0 })
    };
    let best = search(&space, Method::CmaEs { evaluations: 400 }, 7, value, |_| ())?.best.point;

    let (on_test, known, predicted) = (Truth::of(&test, &labels)?, probabilities(2), predictor.predict(&test)?);
    let column = |task: &str| predicted.task(task).unwrap_or_default();
    let (click, like, buy) = (column("click"), column("like"), column("buy"));
    let learned: Vec<[f64; 3]> =
        (0..predicted.rows()).map(|row| [click[row], like[row], buy[row]].map(f64::from)).collect();
    let mut table =
        TextTable::new(["probabilities", "weights", "like", "buy", "GAUC click", "GAUC like", "GAUC buy", "goal"]);
    for (of, weights, rows, [like, buy]) in [
        ("learned", "one each", &learned, [1.0, 1.0]),
        ("learned", "tuned", &learned, [found.like_weight, found.buy_weight]),
        ("learned", "tuned on the true ones", &learned, [best[0], best[1]]),
        ("true", "one each", &known, [1.0, 1.0]),
        ("true", "tuned", &known, [found.like_weight, found.buy_weight]),
        ("true", "tuned on the true ones", &known, [best[0], best[1]]),
    ] {
        let scores = score(rows, like, buy);
        let mut cells = vec![of.to_owned(), weights.to_owned(), format!("{like:.2}"), format!("{buy:.2}")];
        for goal in [&goal(&[(1.0, 0)]), &goal(&[(1.0, 1)]), &goal(&[(1.0, 2)]), &all] {
            cells.push(format!("{:.4}", on_test.value(goal, &scores)?));
        }
        table.row(cells);
    }
    println!("seed {seed}: {} test rows\n{table}", test.rows());
    Ok(())
}
