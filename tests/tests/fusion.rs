//! Learned scores: fitted to validation rows with the kept weights, better than any weighted sum where predictions interact, the same bits
//! everywhere, saved with the model.

use std::process::ExitCode;

use mtl_eval::fusion::{Activation, Fusion, Input, Options, Rows, Target};
use mtl_eval::metrics;
use mtl_runtime::app::FileArgs;
use mtl_runtime::data::{Column, Ids, Labels, Numbers, Rng, Table};
use mtl_runtime::model::Split;
use mtl_runtime::{Error, Predictions, Predictor, Splits, Trained, Trainer, app, mtl};
use mtl_tests::training::{config, folder};

mtl! { model Cross {
    features x { first: number(missing: mean, scale: none), second: number(missing: mean, scale: none) }
    features item { price: number }
    task click: binary(calibrate: platt);
    task like: binary;
    // A gain comes from both or none: no line through the features, and no weighted sum of the predictions, says so.
    task gain: binary;
    task money: regression(loss: tweedie);
    tower each = x;
    train { optimizer: adam(lr: 0.05), batch: 250, epochs: 3, seed: 3, group_by: request_id }

    rank learned = fuse(mlp([16], activation: tanh), on: [calibrated(click), like, price ?? -1.0], target: gain);
    rank line { fuse(linear, on: [click, like, rank_of(click)], target: gain) }
    rank worth = fuse(mlp([8]), on: [click, like], target: money, epochs: 20, lr: 0.02, l2: 0.001);
    rank score {
        param bonus = 0.1 in 0.0..1.0;
        learned + bonus * click
    }
    expect learned(calibrated(click): 0.9, like: 0.9, price: 1.0) > learned(calibrated(click): 0.9, like: 0.1, price: 1.0);
    tune { rank: score, maximize: auc(gain), method: grid(steps: 5) }
} }

/// The same with an expectation that no fit keeps.
mod wrong {
    mtl_runtime::mtl! { model Wrong {
        features x { first: number(missing: mean, scale: none), second: number(missing: mean, scale: none) }
        task click: binary;
        task like: binary;
        task gain: binary;
        tower each = x;
        train { optimizer: adam(lr: 0.05), batch: 250, epochs: 2, seed: 3 }
        rank learned = fuse(mlp([16]), on: [click, like], target: gain);
        expect learned(click: 0.9, like: 0.9) < learned(click: 0.9, like: 0.1);
    } }
}

mod each {
    mtl_runtime::mtl! { model Each {
        features x { first: number(missing: mean, scale: none), second: number(missing: mean, scale: none) }
        task click: binary;
        task like: binary;
        tower each = x;
        train { optimizer: adam(lr: 0.02), batch: 250, epochs: 3, seed: 3, best: each }
        rank learned = fuse(mlp([4], activation: swish), on: [click], target: like, epochs: 5);
    } }
}

/// Rows of requests of five, with prices that are missing now and then.
fn rows(part: &str, count: usize) -> Table {
    let mut rng = Rng::keyed(17, part);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let event = |rng: &mut Rng, p: f64| f64::from(u8::from(rng.chance(p)));
    let mut columns: [Vec<f64>; 7] = Default::default();
    for _ in 0..count {
        let (first, second) = (rng.normal(), rng.normal());
        let (click, like) = (event(&mut rng, sigmoid(2.0 * first)), event(&mut rng, sigmoid(2.0 * second)));
        let gain = event(&mut rng, if first * second > 0.0 { 0.9 } else { 0.1 });
        let money = gain * (1.0 + first.abs() + rng.unit()).exp();
        let price = if rng.chance(0.1) { f64::NAN } else { 1.0 + rng.unit() };
        columns.iter_mut().zip([first, second, click, like, gain, money, price]).for_each(|(to, x)| to.push(x));
    }
    let [first, second, click, like, gain, money, price] = columns;
    Table::from_columns([
        ("request_id", Column::from(Ids::from((0..count as i64).map(|row| row / 5).collect::<Vec<_>>()))),
        ("first", Numbers::from(first).into()),
        ("second", Numbers::from(second).into()),
        ("price", Numbers::from(price).into()),
        ("click", Labels::from(click).into()),
        ("like", Labels::from(like).into()),
        ("gain", Labels::from(gain).into()),
        ("money", Labels::from(money).into()),
    ])
    .unwrap()
}

fn splits() -> Splits {
    Splits { train: rows("train", 3_000), validation: rows("validation", 3_000), test: Some(rows("test", 2_000)) }
}

fn trained(settings: &[&str]) -> Trained<Cross> {
    Trainer::<Cross>::new(config::<Cross>(settings), splits()).fit().unwrap()
}

fn labels(table: &Table, name: &str) -> Vec<f32> {
    table.numbers(name).unwrap().iter().map(|label| *label as f32).collect()
}

fn auc(scores: impl IntoIterator<Item = f64>, labels: &[f32]) -> f64 {
    let scores: Vec<f32> = scores.into_iter().map(|score| score as f32).collect();
    metrics::auc(&scores, labels, None).unwrap().unwrap()
}

fn bits(predictions: &Predictions) -> Vec<(String, Vec<u64>)> {
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect();
    predictions.ranks.iter().map(|(name, values)| (name.clone(), bits(values))).collect()
}

#[test]
fn a_learned_score_beats_every_weighted_sum_where_predictions_interact() {
    let predictor = trained(&[]).predictor;
    let test = rows("test", 2_000);
    let (known, gain) = (predictor.predict(&test).unwrap(), labels(&test, "gain"));
    let task = |name| known.task(name).unwrap().iter().map(|p| f64::from(*p)).collect::<Vec<_>>();
    let (click, like) = (task("click"), task("like"));
    let logit = |p: f64| (p / (1.0 - p)).ln();
    let sums = (0..360).flat_map(|degree| {
        let (a, b) = f64::from(degree).to_radians().sin_cos();
        let of = |scale: &dyn Fn(f64) -> f64| {
            auc(click.iter().zip(&like).map(|(x, y)| a * scale(*x) + b * scale(*y)), &gain)
        };
        [of(&|p| p), of(&logit)]
    });
    let best = sums.fold(0.0, f64::max);
    let of = |rank| auc(known.rank(rank).unwrap().iter().copied(), &gain);
    assert!(best < 0.6 && of("line") < 0.6, "{best} {}", of("line"));
    assert!(of("learned") > 0.85, "{} against {best}", of("learned"));
    assert!(of("learned") > of("score") - 0.01 && of("score") > 0.8);

    // It is a probability, and the amount keeps its mean.
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let learned = mean(known.rank("learned").unwrap()) / mean(&gain.iter().map(|x| f64::from(*x)).collect::<Vec<_>>());
    let worth = mean(known.rank("worth").unwrap()) / mean(&test.numbers("money").unwrap());
    assert!((learned - 1.0).abs() < 0.1 && (worth - 1.0).abs() < 0.15, "{learned} {worth}");
}

#[test]
fn one_score_everywhere() {
    let Trained { predictor, report, .. } = trained(&[]);
    let (test, ranks) = (rows("test", 2_000), &predictor.config().ranks);
    let known = predictor.predict(&test).unwrap();
    let (many, scores) = (CrossPredictions::from(&known), CrossScores::from(&known));
    let many: Vec<CrossPrediction> = (0..many.rows()).map(|row| many.row(row)).collect();
    let (mut all, mut read) = (vec![0.0; many.len()], vec![0.0; many.len()]);
    CrossPrediction::learned_all(&many, &ranks.learned, &mut all).unwrap();
    CrossPrediction::score_all(&many, &ranks.score, &ranks.learned, &mut read).unwrap();
    for (row, of) in many.iter().enumerate() {
        let alone = of.learned(&ranks.learned).to_bits();
        assert_eq!([alone, all[row].to_bits()], [scores.learned[row].to_bits(); 2]);
        assert_eq!(of.worth(&ranks.worth).to_bits(), scores.worth[row].to_bits());
        assert_eq!(of.score(&ranks.score, &ranks.learned).to_bits(), scores.score[row].to_bits());
        assert_eq!(all[row] + ranks.score.bonus * of.click, read[row]);
    }
    let split = report.split.get("test").unwrap();
    let measured = split.ranks.get("learned").unwrap().get("gain").unwrap().auc.unwrap();
    assert_eq!(measured, auc(scores.learned.iter().copied(), &labels(&test, "gain")));
    assert_eq!(predictor.evaluate(&test).unwrap().ranks, split.ranks);
    assert!(report.epochs[0].validation.as_ref().unwrap().ranks.get("learned").is_some(), "measured after every epoch");

    let fit = report.ranks[0].fit.clone().unwrap();
    assert!(fit.starts_with("fitted on 3000 rows, epoch ") && report.to_html().contains(&fit), "{fit}");
    assert_eq!(report.ranks[3].fit, None, "a formula is not fitted");

    let explained = predictor.explain(&test, "learned", &[4]).unwrap();
    assert_eq!((explained.split, explained.candidates[0].parts.len()), (Split::Sum, 1));
    assert_eq!(explained.candidates[0].parts[0].value, scores.learned[4]);
    let explained = predictor.explain(&test, "score", &[4]).unwrap();
    let parts = &explained.candidates[0].parts;
    assert_eq!((parts.len(), parts[0].name.as_str(), parts[0].value), (2, "learned", scores.learned[4]));
}

/// What is fitted is what the mathematics alone makes of the kept weights' predictions of the validation rows.
#[test]
fn it_is_fitted_to_predictions_of_validation_rows() {
    let predictor = trained(&[]).predictor;
    let validation = rows("validation", 3_000);
    let known = predictor.predict(&validation).unwrap();
    let task = |name| known.task(name).unwrap().iter().map(|p| f64::from(*p)).collect::<Vec<_>>();
    let (calibrated, like) = (known.input("calibrated(click)").unwrap(), task("like"));
    let price: Vec<f64> =
        validation.numbers("price").unwrap().iter().map(|x| if x.is_nan() { -1.0 } else { *x }).collect();
    let inputs: Vec<f64> = (0..3_000).flat_map(|row| [calibrated[row], like[row], price[row]]).collect();
    let options = Options { widths: vec![16], activation: Activation::Tanh, epochs: 50, lr: 0.01, l2: 0.0001 };
    let data = predictor.encoder().encode(&validation).unwrap();
    let of = Rows {
        names: &["click", "like", "price"],
        kinds: &[Input::Probability, Input::Probability, Input::Number],
        inputs: &inputs,
        labels: &labels(&validation, "gain"),
        weights: None,
        groups: data.groups.as_deref(),
    };
    let fitted = Fusion::fit(&of, Target::Event, &options, 3).unwrap();
    assert_eq!(predictor.fusions().get("learned"), Some(&fitted));
    assert_eq!(predictor.config().ranks.learned.fusion, fitted);
    let summary = fitted.summary().unwrap();
    assert!(summary.rows == 3_000 && (400..800).contains(&summary.held), "{summary:?}");
    assert_eq!(
        fitted.score([0.9, 0.8, -1.0]),
        CrossPrediction { calibrated_click: 0.9, like: 0.8, ..CrossPrediction::default() }
            .learned(&predictor.config().ranks.learned),
        "a missing price is its default"
    );
    assert!(
        CrossPrediction { like: 0.8, ..CrossPrediction::default() }.learned(&predictor.config().ranks.learned).is_nan()
    );
}

#[test]
fn a_saved_model_has_the_same_bits_also_after_tuning_what_reads_it() {
    let file = folder("fusion").join("saved");
    let trained = Trainer::<Cross>::new(CrossConfig::new(), splits()).checkpoint(&file).fit().unwrap();
    let table = rows("other", 700);
    let loaded = Predictor::<Cross>::load(&file).unwrap();
    assert_eq!(loaded.fusions(), trained.predictor.fusions());
    let before = bits(&trained.predictor.predict(&table).unwrap());
    assert_eq!(bits(&loaded.predict(&table).unwrap()), before);
    let config = serde_json::to_string(loaded.config()).unwrap();
    assert_eq!(serde_json::from_str::<CrossConfig>(&config).unwrap().ranks.learned, loaded.config().ranks.learned);

    let run = |arguments: &[&str]| {
        let app = app::<Cross>().data(|_: &FileArgs| Ok::<_, Error>(splits()));
        let code = app.main_from(["program"].iter().chain(arguments));
        format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
    };
    let path = file.to_str().unwrap();
    assert!(run(&["tune", "--model", path, "--set", "ranks.score.bonus=0.8"]));
    let tuned = Predictor::<Cross>::load(&file).unwrap();
    assert_eq!(tuned.fusions(), loaded.fusions());
    let after = bits(&tuned.predict(&table).unwrap());
    assert!(
        after[..3] == before[..3] && tuned.config().ranks.score.bonus < 0.8,
        "bonus {}",
        tuned.config().ranks.score.bonus
    );
    assert!(run(&["describe", "--model", path]) && run(&["describe"]));
    assert!(run(&["explain-score", "--model", path, "--split", "test", "--candidates", "0..3", "--rank", "learned"]));
    assert!(run(&["evaluate", "--model", path]));
    // The layers are what was fitted, and stay.
    assert!(!run(&["evaluate", "--model", path, "--set", "ranks.learned.hidden.0=8"]));
    assert!(!run(&["evaluate", "--model", path, "--set", "ranks.learned.fusion=fusion-1"]));
    // A tuned model is resumed as it was trained.
    assert!(run(&["train", "--out", path, "--resume", "--set", "train.epochs=4"]));
}

#[test]
fn an_interruption_changes_nothing() {
    let file = |name: &str| folder("fusion_resume").join(name);
    let run = |name: &str, stop: Option<u64>, resume: bool| {
        let trainer = Trainer::<Cross>::new(CrossConfig::new(), splits()).checkpoint(file(name));
        trainer.stop_after(stop).resume(resume).fit().unwrap()
    };
    let straight = run("straight", None, false);
    // 12 steps are an epoch.
    for stop in [5, 12, 20] {
        let interrupted = run("resumed", Some(stop), false);
        assert!(interrupted.stopped);
        let stopped = Predictor::<Cross>::load(file("resumed"));
        if stop == 5 {
            let refused = stopped.err().unwrap().to_string();
            assert!(refused.contains("before `learned` was fitted"), "{refused}");
            assert!(interrupted.report.split.get("test").unwrap().ranks.is_empty(), "nothing is fitted yet");
            let refused = interrupted.predictor.predict(&rows("test", 20)).unwrap_err().to_string();
            assert!(refused.contains("the learned score `learned` was not fitted"), "{refused}");
        } else {
            assert!(stopped.unwrap().fusions().get("learned").is_some());
        }
        let resumed = run("resumed", None, true);
        assert_eq!(resumed.predictor.fusions(), straight.predictor.fusions(), "after {stop} steps");
        assert_eq!(resumed.report.split, straight.report.split);
    }
    // A configuration with what was fitted before is that of the run.
    let again = Trainer::<Cross>::new(straight.predictor.config().clone(), splits()).fit().unwrap();
    assert_eq!(again.predictor.fusions(), straight.predictor.fusions());
}

#[test]
fn every_setting_counts_and_impossible_ones_are_refused() {
    let base = trained(&[]).predictor;
    for setting in
        ["ranks.learned.hidden.0=8", "ranks.learned.epochs=2", "ranks.learned.lr=0.1", "ranks.learned.l2=0.1"]
    {
        let other = trained(&[setting]).predictor;
        assert_ne!(other.fusions().get("learned"), base.fusions().get("learned"), "{setting}");
        assert_eq!(other.fusions().get("worth"), base.fusions().get("worth"), "{setting}");
    }
    for (setting, said) in [
        ("ranks.learned.hidden.0=200", "ranks.learned: a layer of width 200: from 1 to 128"),
        ("ranks.learned.epochs=0", "cannot change from 50 to 0"),
        ("ranks.line.lr=0", "ranks.line: a learning rate of 0: a number above 0"),
        ("ranks.worth.l2=-1", "ranks.worth: an l2 of -1: a number that is not negative"),
        ("ranks.worth.lr=1e300", "the learned score `worth`, on validation rows: the loss is"),
    ] {
        let mut config = CrossConfig::new();
        let set = mtl_runtime::config::apply_setting(&mut config, setting);
        let refused = set.and_then(|()| Trainer::<Cross>::new(config, splits()).fit().map(|_| ()));
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(said), "{setting}: {refused}");
    }
}

#[test]
fn what_was_not_fitted_is_an_error() {
    let ranks = CrossConfig::new().ranks;
    let row = CrossPrediction { calibrated_click: 0.5, click: 0.5, like: 0.5, ..CrossPrediction::default() };
    assert!(row.learned(&ranks.learned).is_nan());
    let own = CrossPrediction::learned_all(&[row], &ranks.learned, &mut [0.0]).unwrap_err().to_string();
    let read = CrossPrediction::score_all(&[row], &ranks.score, &ranks.learned, &mut [0.0]).unwrap_err().to_string();
    assert_eq!(own, read);
    assert!(own.starts_with("the learned score `learned` was not fitted: train the model"), "{own}");
}

#[test]
fn rows_that_cannot_fit_it_are_refused_before_training() {
    let refused = |validation| {
        let splits = Splits { validation, ..splits() };
        Trainer::<wrong::Wrong>::new(wrong::WrongConfig::new(), splits).fit().err().unwrap().to_string()
    };
    let none = refused(Table::default());
    assert!(none.contains("the learned score `learned` is fitted on validation rows, and there are none"), "{none}");
    let of_gain = |gain: f64| {
        let table = rows("validation", 50);
        let names: Vec<&str> = table.names().iter().map(String::as_str).filter(|name| *name != "gain").collect();
        table.select(&names).unwrap().with_column("gain", Labels::from(vec![gain; 50])).unwrap()
    };
    let (unknown, one) = (refused(of_gain(f64::NAN)), refused(of_gain(1.0)));
    assert!(unknown.contains("fitted to `gain` on validation rows: no row has a label"), "{unknown}");
    assert!(one.contains("fitted to `gain` on validation rows: every label is 1"), "{one}");
}

#[test]
fn what_is_expected_of_it_is_compared_after_the_fit() {
    let file = folder("fusion").join("wrong");
    let trained = Trainer::<wrong::Wrong>::new(wrong::WrongConfig::new(), splits()).checkpoint(&file).fit();
    let refused = trained.err().unwrap().to_string();
    assert!(refused.contains("expect failed: learned(click: 0.9, like: 0.9) < learned"), "{refused}");
    let refused = Predictor::<wrong::Wrong>::load(&file).err().unwrap().to_string();
    assert!(refused.contains("expect failed"), "nothing serves it: {refused}");
}

/// The best epoch of each task is a model with a fit of its own.
#[test]
fn files_of_tasks_are_fitted() {
    let file = folder("fusion").join("each.mtl.safetensors");
    Trainer::<each::Each>::new(each::EachConfig::new(), splits()).checkpoint(&file).fit().unwrap();
    let validation = rows("validation", 3_000);
    for task in ["click", "like"] {
        let model =
            Predictor::<each::Each>::load(folder("fusion").join(format!("each.{task}.mtl.safetensors"))).unwrap();
        let click: Vec<f64> =
            model.predict(&validation).unwrap().task("click").unwrap().iter().map(|p| f64::from(*p)).collect();
        let of = Rows {
            names: &["click"],
            kinds: &[Input::Probability],
            inputs: &click,
            labels: &labels(&validation, "like"),
            weights: None,
            groups: None,
        };
        let options = Options { widths: vec![4], activation: Activation::Swish, epochs: 5, lr: 0.01, l2: 0.0001 };
        let fitted = Fusion::fit(&of, Target::Event, &options, 3).unwrap();
        assert_eq!(model.fusions().get("learned"), Some(&fitted), "{task}");
    }
}
