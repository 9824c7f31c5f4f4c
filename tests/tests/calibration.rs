//! Calibration of tasks: fitted on validation rows with the kept weights, measured before and after, saved with the model.

use std::process::ExitCode;

use mtl_eval::calibration::{Calibrator, Method};
use mtl_eval::metrics::Metric;
use mtl_runtime::app::FileArgs;
use mtl_runtime::data::{Column, Labels, Numbers, Rng, Table};
use mtl_runtime::report::{Metrics, SplitMetrics};
use mtl_runtime::{Error, Model, Predictions, Predictor, Splits, Trained, Trainer, app, mtl};
use mtl_tests::training::{config, folder};

/// A click of known probability, and a purchase after it; positive rows weigh too much unless `pos_weight` is 1.
macro_rules! calibrated {
    ($name:ident: $click:literal, [$($option:tt)*] $($rank:tt)*) => {
        mtl! { model $name {
            features x { first: number(missing: mean, scale: none), second: number(missing: mean, scale: none) }
            task click: binary(pos_weight: $click $($option)*);
            task buy: binary(calibrate: isotonic) given click;
            tower each = x;
            train { optimizer: adam(lr: 0.05), batch: 250, epochs: 4, seed: 3 }
            $($rank)*
        } }
    };
}

calibrated! { Raw: 8.0, [] }
calibrated! { Platt: 8.0, [, calibrate: platt]
    rank score { param w = 0.5 in 0.0..4.0; calibrated(click) + w * calibrated(buy) }
    tune { maximize: auc(buy), method: grid(steps: 5) }
}
calibrated! { Isotonic: 8.0, [, calibrate: isotonic] }
calibrated! { Temperature: 8.0, [, calibrate: temperature] }

mtl! { model Sampled {
    features x { first: number(missing: mean, scale: none), second: number(missing: mean, scale: none) }
    task click: binary(calibrate: down_sampling(rate: 0.1));
    tower each = x;
    train { optimizer: adam(lr: 0.05), batch: 250, epochs: 6, seed: 3 }
} }

mtl! { model Each {
    features x { first: number(missing: mean, scale: none), second: number(missing: mean, scale: none) }
    task click: binary(pos_weight: 4.0, calibrate: platt);
    task buy: binary(calibrate: temperature);
    tower each = x;
    train { optimizer: adam(lr: 0.02), batch: 250, epochs: 3, seed: 3, best: each }
} }

/// Rows of which this share of those without a click is kept.
fn rows(part: &str, rows: usize, kept: f64) -> Table {
    let mut rng = Rng::keyed(17, part);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let mut columns: [Vec<f64>; 4] = Default::default();
    for _ in 0..rows {
        let (first, second) = (rng.normal(), rng.normal());
        let click = rng.chance(sigmoid(1.5 * first - 1.5));
        let buy = rng.chance(sigmoid(second - 0.5)) && click;
        if rng.chance(kept) || click {
            let row = [first, second, f64::from(u8::from(click)), f64::from(u8::from(buy))];
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
    }
    let [first, second, click, buy] = columns;
    Table::from_columns([
        ("first", Column::from(Numbers::from(first))),
        ("second", Numbers::from(second).into()),
        ("click", Labels::from(click).into()),
        ("buy", Labels::from(buy).into()),
    ])
    .unwrap()
}

fn splits() -> Splits {
    let of = |part, count| rows(part, count, 1.0);
    Splits { train: of("train", 6_000), validation: of("validation", 8_000), test: Some(of("test", 8_000)) }
}

fn fit<M: Model>() -> Trained<M> {
    Trainer::<M>::new(M::default_config(), splits()).fit().unwrap()
}

fn of<'a>(split: &'a SplitMetrics, task: &str) -> &'a Metrics {
    split.tasks.get(task).unwrap_or_else(|| panic!("`{task}` is measured"))
}

fn value(split: &SplitMetrics, task: &str, metric: Metric) -> f64 {
    of(split, task).get(metric).unwrap()
}

/// How far the mean prediction is from the mean label, and the expected calibration error.
fn errors(split: &SplitMetrics, task: &str) -> [f64; 2] {
    [(value(split, task, Metric::Pcoc) - 1.0).abs(), value(split, task, Metric::Ece(Metric::BINS))]
}

fn bits(predictions: &Predictions) -> Vec<(String, Vec<u64>)> {
    let tasks = predictions.tasks.iter().map(|(name, values)| (name, values.iter().map(|&x| f64::from(x)).collect()));
    let all = tasks.chain(predictions.ranks.iter().map(|(name, values)| (name, values.clone())));
    all.map(|(name, values): (_, Vec<f64>)| (name.clone(), values.iter().map(|x| x.to_bits()).collect())).collect()
}

/// A model of negatives of which a tenth was kept predicts too much, and the closed form undoes that on rows of the true rate.
#[test]
fn down_sampling_is_undone() {
    let splits = Splits {
        train: rows("train", 40_000, 0.1),
        validation: Table::default(),
        test: Some(rows("test", 20_000, 1.0)),
    };
    let fit = |settings: &[&str]| Trainer::<Sampled>::new(config::<Sampled>(settings), splits.clone()).fit();
    let trained = fit(&[]).unwrap();
    let test = trained.report.split.get("test").unwrap();
    assert!(value(test, "click", Metric::Pcoc) > 2.0);
    let [mean, bins] = errors(test, "click calibrated");
    assert!(mean < 0.05 && bins < 0.02, "{mean} {bins}");
    assert_eq!(trained.predictor.calibrators().get("click"), Some(&Calibrator::DownSampling { rate: 0.1 }));

    // The rate is a number of the configuration, and nothing else of the model follows from it.
    let other = fit(&["down_sampling.click=0.5"]).unwrap();
    let table = rows("test", 500, 1.0);
    let (before, after) = (trained.predictor.predict(&table).unwrap(), other.predictor.predict(&table).unwrap());
    assert_eq!(before.task("click"), after.task("click"));
    let less = |(a, b): (&f32, &f32)| a < b;
    assert!(before.task("click calibrated").unwrap().iter().zip(after.task("click calibrated").unwrap()).all(less));
    for rate in ["0", "-1", "1.5"] {
        let refused = fit(&[&format!("down_sampling.click={rate}")]).err().unwrap().to_string();
        assert!(refused.contains("down_sampling.click is"), "{refused}");
    }
}

#[test]
fn a_down_sampling_follows_the_configuration_of_a_loaded_model() {
    let file = folder("calibration").join("sampled");
    let splits = Splits { train: rows("train", 4_000, 0.1), ..Splits::default() };
    Trainer::<Sampled>::new(SampledConfig::new(), splits).checkpoint(&file).fit().unwrap();
    let loaded = Predictor::<Sampled>::load_with(&file, |config| {
        config.down_sampling.click = 0.3;
        Ok(())
    });
    assert_eq!(loaded.unwrap().calibrators().get("click"), Some(&Calibrator::DownSampling { rate: 0.3 }));
}

/// A model whose positive rows weigh eight times too much predicts too much on rows that nobody saw; calibration brings that down.
fn improves<M: Model>(method: Method, [mean, bins]: [f64; 2]) {
    let trained = fit::<M>();
    let test = trained.report.split.get("test").unwrap();
    let (before, after) = (errors(test, "click"), errors(test, "click calibrated"));
    assert!(before[0] > 0.5 && before[1] > 0.1, "{before:?}");
    assert!(after[0] < mean * before[0] && after[1] < bins * before[1], "{before:?} {after:?}");
    // It is not part of training: the predictions are those of a model without it.
    let raw = fit::<Raw>();
    let table = rows("test", 8_000, 1.0);
    let (with, without) = (trained.predictor.predict(&table).unwrap(), raw.predictor.predict(&table).unwrap());
    assert_eq!(with.task("click"), without.task("click"));
    assert!(without.task("click calibrated").is_none());

    // It is the fit to the validation rows under the kept weights, and to no others.
    let fitted = |part, count| {
        let table = rows(part, count, 1.0);
        let predictions = trained.predictor.predict(&table).unwrap();
        let labels: Vec<f32> = table.numbers("click").unwrap().iter().map(|label| *label as f32).collect();
        method.fit(predictions.task("click").unwrap(), &labels, None).unwrap()
    };
    let own = trained.predictor.calibrators().get("click").unwrap();
    assert_eq!(*own, fitted("validation", 8_000));
    assert_ne!(*own, fitted("train", 6_000));
    assert_ne!(*own, fitted("test", 8_000));
    let column: Vec<f32> = own.column(with.task("click").unwrap());
    assert_eq!(with.task("click calibrated").unwrap(), column);
}

#[test]
fn platt_improves() {
    improves::<Platt>(Method::Platt, [0.2, 0.3]);
}

#[test]
fn isotonic_improves() {
    improves::<Isotonic>(Method::Isotonic, [0.2, 0.3]);
}

/// One factor cannot move the mean as it should.
#[test]
fn temperature_improves() {
    improves::<Temperature>(Method::Temperature, [1.0, 1.0]);
}

#[test]
fn platt_keeps_the_order_and_everything_is_shown() {
    let trained = fit::<Platt>();
    for split in ["validation", "test"] {
        let split = trained.report.split.get(split).unwrap();
        let auc = |task| of(split, task).auc.unwrap();
        assert!((auc("click") - auc("click calibrated")).abs() < 1e-6);
        let text = split.table().to_string();
        assert!(text.contains("click calibrated") && text.contains("buy calibrated"), "{text}");
    }
    // That of a chained task is of the product along the chain.
    let validation = rows("validation", 8_000, 1.0);
    let known = trained.predictor.predict(&validation).unwrap();
    let labels: Vec<f32> = validation.numbers("buy").unwrap().iter().map(|label| *label as f32).collect();
    let fitted = Method::Isotonic.fit(known.task("buy").unwrap(), &labels, None).unwrap();
    assert_eq!(trained.predictor.calibrators().get("buy"), Some(&fitted));
    let test = trained.report.split.get("test").unwrap();
    assert!(errors(test, "buy calibrated")[0] < 0.15);
    assert!(test.tasks.get("buy | click calibrated").is_none());
    let drawn = trained.report.pictures.get("test").unwrap();
    assert_eq!(drawn.reliability.get("click").unwrap().calibrated.len(), 10);
    assert!(drawn.reliability.get("buy | click").unwrap().calibrated.is_empty());

    let table = rows("test", 100, 1.0);
    let predicted = trained.predictor.predict(&table).unwrap();
    let mut csv = Vec::new();
    predicted.write_csv(&mut csv).unwrap();
    let header = String::from_utf8(csv).unwrap().lines().next().unwrap().to_owned();
    assert_eq!(header, "click,click calibrated,buy,buy calibrated,buy | click,score");
    let input = predicted.input("calibrated(click)").unwrap();
    assert!(input.iter().zip(predicted.task("click calibrated").unwrap()).all(|(a, b)| *a as f32 == *b));
    // `evaluate` says what training said.
    assert_eq!(trained.predictor.evaluate(&rows("test", 8_000, 1.0)).unwrap().tasks, test.tasks);
}

#[test]
fn a_saved_model_has_the_same_bits_also_after_tuning() {
    let file = folder("calibration").join("saved");
    let trained = Trainer::<Platt>::new(PlattConfig::new(), splits()).checkpoint(&file).fit().unwrap();
    let table = rows("other", 700, 1.0);
    let loaded = Predictor::<Platt>::load(&file).unwrap();
    assert_eq!(loaded.calibrators(), trained.predictor.calibrators());
    assert_eq!(bits(&loaded.predict(&table).unwrap()), bits(&trained.predictor.predict(&table).unwrap()));

    let app = app::<Platt>().data(|_: &FileArgs| Ok::<_, Error>(splits()));
    let code = app.main_from(["program", "tune", "--model", file.to_str().unwrap()]);
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    let tuned = Predictor::<Platt>::load(&file).unwrap();
    assert_eq!(tuned.calibrators(), trained.predictor.calibrators());
}

#[test]
fn an_interruption_changes_nothing() {
    let file = |name: &str| folder("calibration_resume").join(name);
    let run = |name: &str, stop: Option<u64>, resume: bool| {
        let trainer = Trainer::<Platt>::new(PlattConfig::new(), splits()).checkpoint(file(name));
        trainer.stop_after(stop).resume(resume).fit().unwrap()
    };
    let straight = run("straight", None, false);
    // 24 steps are an epoch.
    for stop in [10, 24, 40] {
        assert!(run("resumed", Some(stop), false).stopped);
        let stopped = Predictor::<Platt>::load(file("resumed"));
        match stop {
            10 => {
                let refused = stopped.err().unwrap().to_string();
                assert!(refused.contains("before `click` was calibrated"), "{refused}");
            }
            _ => assert!(stopped.unwrap().calibrators().get("click").is_some()),
        }
        let resumed = run("resumed", None, true);
        assert_eq!(resumed.predictor.calibrators(), straight.predictor.calibrators(), "after {stop} steps");
        assert_eq!(resumed.report.split, straight.report.split);
    }
}

/// The best epoch of each task is a model with calibrators of its own.
#[test]
fn files_of_tasks_are_calibrated() {
    let file = folder("calibration").join("each.mtl.safetensors");
    Trainer::<Each>::new(EachConfig::new(), splits()).checkpoint(&file).fit().unwrap();
    for task in ["click", "buy"] {
        let model =
            Predictor::<Each>::load(folder("calibration").join(format!("each.{task}.mtl.safetensors"))).unwrap();
        let table = rows("validation", 8_000, 1.0);
        let predictions = model.predict(&table).unwrap();
        for (name, method) in [("click", Method::Platt), ("buy", Method::Temperature)] {
            let labels: Vec<f32> = table.numbers(name).unwrap().iter().map(|label| *label as f32).collect();
            let fitted = method.fit(predictions.task(name).unwrap(), &labels, None).unwrap();
            assert_eq!(model.calibrators().get(name), Some(&fitted), "{name} of {task}");
        }
    }
}

#[test]
fn without_validation_rows_there_is_nothing_to_fit_to() {
    let refused = |splits| Trainer::<Platt>::new(PlattConfig::new(), splits).fit().err().unwrap().to_string();
    let none = refused(Splits { validation: Table::default(), ..splits() });
    assert!(none.contains("`click` is calibrated on validation rows, and there are none"), "{none}");
    let mut columns = rows("validation", 50, 1.0);
    let unknown = vec![f64::NAN; columns.rows()];
    columns = Table::from_columns([
        ("first", Column::from(Numbers::from(columns.numbers("first").unwrap().to_vec()))),
        ("second", Numbers::from(columns.numbers("second").unwrap().to_vec()).into()),
        ("click", Labels::from(unknown.clone()).into()),
        ("buy", Labels::from(unknown).into()),
    ])
    .unwrap();
    let unlabelled = refused(Splits { validation: columns, ..splits() });
    assert!(unlabelled.contains("`click`"), "{unlabelled}");
}
