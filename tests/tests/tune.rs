//! Tuning: parameters of scores whose best values are known, constraints, fronts, and the model file that gets them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mtl_data::rng::Rng;
use mtl_runtime::app::FileArgs;
use mtl_runtime::data::{Column, Ids, Numbers, Table};
use mtl_runtime::report::{Report, TuneReport};
use mtl_runtime::tune::{TuneOptions, Tuned, tune};
use mtl_runtime::{Error, Model, Predictor, Splits, Trainer, app, mtl};

/// The probability of `value` is that of `a` and three times that of `b`, over 4: the best weight of `b` is 3.
macro_rules! scored {
    ($name:ident: $($score:tt)*) => {
        mtl! { model $name {
            features x { first: number(missing: mean, scale: none), second: number(missing: mean, scale: none) }
            task a: binary; task b: binary; task value: binary;
            tower each = x;
            train { optimizer: adam(lr: 0.05), batch: 256, epochs: 3, seed: 5, group_by: user }
            $($score)*
        } }
    };
}

scored! { Known:
    rank score { param w = 0.2 in 0.0..20.0; a + w * b }
    tune { maximize: auc(value), method: cma_es(evaluations: 120) }
}
scored! { Expected:
    rank score { param w = 0.2 in 0.0..20.0; a + w * b }
    // 0.5 + 0.1 w > 0.1 + 0.3 w: the weight is below 2.
    expect score(a: 0.5, b: 0.1) > score(a: 0.1, b: 0.3);
    tune { maximize: auc(value), method: cma_es(evaluations: 120) }
}
scored! { Bounded:
    rank inner { param w = 0.2 in 0.0..20.0; w * b }
    rank score { param unused_by_tuning = 1.0 in 0.0..2.0; request boost = 1.0 in 0.0..2.0; boost * unused_by_tuning * a + inner }
    tune { rank: score, maximize: auc(b), subject_to: auc(a) >= 0.65, method: grid(steps: 101), params: [w] }
}
scored! { Impossible:
    rank score { param w = 0.2 in 0.0..20.0; a + w * b }
    tune { maximize: auc(value), subject_to: [auc(a) >= 0.99, gauc(b) >= 0.1], method: random(evaluations: 30) }
}
scored! { Between:
    rank score { param w = 1.0 in 0.01..100.0; a + w * b }
    tune { pareto: [auc(a), auc(b)], method: cma_es(evaluations: 300) }
}
scored! { Untuned:
    rank score { param w = 0.2 in 0.0..20.0; a + w * b }
}

fn rows(part: &str, rows: usize) -> Table {
    let mut rng = Rng::keyed(11, part);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let mut columns: [Vec<f64>; 5] = Default::default();
    let mut user = Vec::new();
    for row in 0..rows {
        let (first, second) = (rng.normal() - 1.0, rng.normal() - 1.0);
        let (a, b) = (sigmoid(first), sigmoid(second));
        user.push((row / 20) as i64);
        let events = [a, b, (a + 3.0 * b) / 4.0].map(|p| f64::from(u8::from(rng.chance(p))));
        for (column, value) in columns.iter_mut().zip([first, second].into_iter().chain(events)) {
            column.push(value);
        }
    }
    let names = ["first", "second", "a", "b", "value"];
    let columns = names.into_iter().zip(columns).map(|(name, values)| (name, Column::from(Numbers::from(values))));
    Table::from_columns(columns.chain([("user", Column::from(Ids::from(user)))])).unwrap()
}

fn splits() -> Splits {
    Splits { train: rows("train", 8_000), validation: rows("validation", 12_000), test: Some(rows("test", 12_000)) }
}

fn path(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("mtl-tune-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

fn trained<M: Model>(config: M::Config, file: &Path) -> Predictor<M> {
    let trainer = Trainer::<M>::new(config, splits()).checkpoint(file);
    trainer.fit().unwrap().predictor
}

fn tuned<M: Model>(predictor: &Predictor<M>, options: &TuneOptions) -> Tuned<M::Config> {
    let Splits { validation, test, .. } = splits();
    tune(predictor, &validation, test.as_ref(), options, |_, _| ()).unwrap()
}

fn options() -> TuneOptions {
    TuneOptions { draws: 200, ..TuneOptions::default() }
}

/// A metric of a part of the data after tuning.
fn after(report: &TuneReport, part: &str, name: &str) -> f64 {
    report.split.get(part).unwrap().get(name).unwrap().tuned.unwrap()
}

fn succeeds(code: ExitCode) -> bool {
    format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
}

fn run<M: Model>(arguments: &[&str]) -> bool {
    let app = app::<M>().data(|_: &FileArgs| Ok::<_, Error>(splits()));
    succeeds(app.main_from(["program", "tune"].iter().chain(arguments)))
}

fn weight(file: &Path) -> f64 {
    Predictor::<Known>::load(file).unwrap().config().ranks.score.w
}

#[test]
fn the_known_best_weight_is_found_and_saved() {
    let file = path("known");
    let predictor = trained::<Known>(KnownConfig::new(), &file);
    let Tuned { report, config } = tuned(&predictor, &options());
    let best = config.unwrap().ranks.score.w;
    assert!((1.7..5.0).contains(&best), "{best}");
    // Nothing is better on the validation rows than what was found, the weight of the truth included.
    let mut truth = predictor.config().clone();
    truth.ranks.score.w = 3.0;
    let truth = Predictor::<Known>::load_with(&file, |config| {
        *config = truth.clone();
        Ok(())
    });
    let at_truth = truth.unwrap().evaluate(&rows("validation", 12_000)).unwrap();
    let at_truth = at_truth.ranks.get("score").unwrap().get("value").unwrap().auc.unwrap();
    assert!(after(&report, "validation", "auc(value)") >= at_truth - 1e-4);
    let on_test = report.split.get("test").unwrap().get("auc(value)").unwrap();
    let difference = on_test.difference.unwrap();
    assert!(difference.low > 0.0 && difference.low < difference.value && difference.value < difference.high);
    assert!((on_test.tuned.unwrap() - on_test.before.unwrap() - difference.value).abs() < 1e-12);

    // The same seed finds the same.
    let again = tuned(&predictor, &options());
    assert_eq!(TuneReport { seconds: report.seconds, ..again.report }, report);
    let other = tuned(&predictor, &TuneOptions { seed: Some(9), ..options() }).report;
    assert_eq!(other.seed, 9);
    assert!((after(&other, "validation", "auc(value)") - after(&report, "validation", "auc(value)")).abs() < 2e-4);

    // A dry run saves nothing; a run saves the weight, and nothing else of the file changes.
    let name = file.to_str().unwrap();
    let json = path("known.json");
    assert!(run::<Known>(&["--model", name, "--dry-run", "--json", json.to_str().unwrap()]));
    assert_eq!(weight(&file), 0.2);
    let written: Report = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(written.tuning.as_ref().unwrap().params, report.params);
    assert_eq!(written.ranks[0].parameters[0].value, best, "the report shows what was found");
    let before = predictor.predict(&rows("test", 12_000)).unwrap();
    assert!(run::<Known>(&["--model", name]));
    assert_eq!(weight(&file), best);
    let predictions = Predictor::<Known>::load(&file).unwrap().predict(&rows("test", 12_000)).unwrap();
    assert_eq!(predictions.tasks, before.tasks);
    assert_ne!(predictions.ranks, before.ranks);
    let mut config = Predictor::<Known>::load(&file).unwrap().config().clone();
    config.train.epochs = 4;
    let resumed = Trainer::<Known>::new(config, splits()).checkpoint(&file).resume(true).fit().unwrap();
    assert_eq!(resumed.predictor.config().ranks.score.w, best);

    // The front between the goal's metrics needs two of them, and mistakes on the command line are errors.
    for wrong in [
        &["--model", name, "--pareto"][..],
        &["--model", name, "--svg", "front.svg"],
        &["--model", name, "--steps", "5"],
        &["--model", name, "--evaluations", "0"],
        &["--model", name, "--set", "train.epochs=3"],
        &["--model", "no-such-file"],
    ] {
        assert!(!run::<Known>(wrong), "{wrong:?}");
    }
    assert!(run::<Known>(&["--model", name, "--set", "ranks.score.w=0.5", "--evaluations", "1"]), "the start alone");
    assert_eq!(weight(&file), best);
}

#[test]
fn an_expectation_bounds_the_search() {
    let predictor = trained::<Expected>(ExpectedConfig::new(), &path("expected"));
    let Tuned { report, config } = tuned(&predictor, &options());
    let best = config.unwrap().ranks.score.w;
    assert!(best < 2.0 && best > 1.5, "{best}");
    assert!(report.broken.is_empty());
}

#[test]
fn a_constraint_is_kept_and_nothing_else_moves() {
    let predictor = trained::<Bounded>(BoundedConfig::new(), &path("bounded"));
    let Tuned { report, config } = tuned(&predictor, &options());
    let ranks = config.unwrap().ranks;
    assert_eq!((ranks.score.unused_by_tuning, ranks.score.boost), (1.0, 1.0));
    assert!(after(&report, "validation", "auc(a)") >= 0.65);
    assert!(ranks.inner.w > 0.2 && after(&report, "validation", "auc(a)") < 0.67, "{}", ranks.inner.w);
    assert_eq!(report.evaluations, 102);
}

#[test]
fn an_impossible_constraint_is_an_error_and_saves_nothing() {
    let file = path("impossible");
    let predictor = trained::<Impossible>(ImpossibleConfig::new(), &file);
    assert_eq!(tuned(&predictor, &options()).report.broken, ["auc(a) >= 0.99"]);
    let before = std::fs::read(&file).unwrap();
    assert!(!run::<Impossible>(&["--model", file.to_str().unwrap()]));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn a_front_ends_at_the_best_of_each_goal() {
    let file = path("between");
    let predictor = trained::<Between>(BetweenConfig::new(), &file);
    let Tuned { report, config } = tuned(&predictor, &options());
    assert!(config.is_none());
    let values: Vec<&[f64]> = report.front.iter().map(|point| &point.validation[..]).collect();
    assert!(values.len() > 5 && values.windows(2).all(|two| two[0][0] < two[1][0] && two[0][1] > two[1][1]));
    // At the ends the other task has next to no weight: the orders are those of the tasks.
    let alone = predictor.evaluate(&rows("validation", 12_000)).unwrap();
    let auc = |task: &str| alone.tasks.get(task).unwrap().auc.unwrap();
    assert!((values[values.len() - 1][0] - auc("a")).abs() < 2e-3);
    assert!((values[0][1] - auc("b")).abs() < 2e-3);
    // Whatever the weight, neither task can be ordered better without the other being ordered worse.
    assert!(report.hypervolume.unwrap() < 1e-4 && report.front.iter().all(|point| point.test.len() == 2));
    let svg = path("front.svg");
    let before = std::fs::read(&file).unwrap();
    let page = path("front.html");
    let arguments =
        ["--model", file.to_str().unwrap(), "--svg", svg.to_str().unwrap(), "--report", page.to_str().unwrap()];
    assert!(run::<Between>(&arguments));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("Pareto front") && page.contains("auc(b) against auc(a)") && page.contains("id=\"spec\""));
    assert!(std::fs::read_to_string(svg).unwrap().matches("<circle").count() > 5);
    assert_eq!(std::fs::read(&file).unwrap(), before, "a front saves nothing");
}

#[test]
fn a_spec_without_tuning_says_so() {
    let file = path("untuned");
    let predictor = trained::<Untuned>(UntunedConfig::new(), &file);
    let error = tune(&predictor, &rows("validation", 100), None, &options(), |_, _| ()).unwrap_err();
    assert!(error.to_string().contains("no `tune` block"));
    assert!(!run::<Untuned>(&["--model", file.to_str().unwrap()]));
}

#[test]
fn metrics_that_rows_do_not_have_are_errors() {
    let predictor = trained::<Known>(KnownConfig::new(), &path("few"));
    let few = rows("validation", 1);
    let error = tune(&predictor, &few, None, &options(), |_, _| ()).unwrap_err();
    assert!(error.to_string().contains("`auc(value)` is undefined"), "{error}");
    let none = few.take(&[]);
    assert!(
        tune(&predictor, &none, None, &options(), |_, _| ()).unwrap_err().to_string().contains("no validation rows")
    );
}
