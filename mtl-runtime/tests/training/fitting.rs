//! Training learns, is deterministic, and stops where it must.

use mtl_runtime::config::{Best, BestMetric, OptimizerConfig, RowOptimizerConfig, TrainConfig, apply_setting};
use mtl_runtime::data::{Column, Numbers};
use mtl_runtime::parameters::parameters;
use mtl_runtime::{Error, Predictor, Splits, Trained, Trainer};

use crate::tiny::{Tiny, TinyConfig, rows, splits};

fn config(change: impl FnOnce(TrainConfig) -> TrainConfig) -> TinyConfig {
    let config = TinyConfig::new();
    let train = change(config.train.clone());
    config.with_train(train)
}

fn fit(config: TinyConfig, splits: Splits) -> Trained<Tiny> {
    Trainer::<Tiny>::new(config, splits).fit().unwrap()
}

fn refused(config: TinyConfig, splits: Splits) -> String {
    match Trainer::<Tiny>::new(config, splits).fit() {
        Ok(_) => panic!("this must be refused"),
        Err(error) => error.to_string(),
    }
}

/// Every trained value.
fn values(predictor: &Predictor<Tiny>) -> Vec<Vec<f32>> {
    let tables = predictor.embeddings().tables().map(|table| table.values.to_vec());
    tables.chain(parameters(predictor.network()).into_iter().map(|p| p.values)).collect()
}

#[test]
fn training_learns_every_task() {
    let trained = fit(TinyConfig::new(), splits());
    let report = &trained.report;
    let loss = |epoch: usize, task: &str| report.epochs[epoch].losses.get(task).unwrap().unwrap();
    for task in ["click", "watch", "buy"] {
        assert!(loss(3, task) < loss(0, task), "{task}: {} {}", loss(0, task), loss(3, task));
    }
    let test = report.split.get("test").unwrap();
    let task = |name: &str| test.tasks.get(name).unwrap().clone();
    // The true click probability has AUC 0.88 on these rows.
    assert!(task("click").auc.unwrap() > 0.8, "{:?}", task("click"));
    assert!(task("click").gauc.unwrap() > 0.7 && task("click").logloss.unwrap() < 0.6);
    assert!((0.8..1.25).contains(&task("click").pcoc.unwrap()));
    assert!(task("buy").auc.unwrap() > 0.75 && task("buy | click").rows < task("buy").rows);
    assert!(task("watch").rmse.unwrap() < 0.4 && task("watch").auc.is_none() && task("watch").rows < 600);
    let score = test.ranks.get("score").unwrap();
    assert!(score.get("buy").unwrap().auc.unwrap() > 0.75 && score.get("watch").is_none());
    assert!(report.rows_per_second.unwrap() > 0.0 && report.best_epoch.is_some());
}

#[test]
fn two_runs_are_one() {
    let config = || TinyConfig::new().with_dropout(0.2);
    let (one, two) = (fit(config(), splits()), fit(config(), splits()));
    assert_eq!(values(&one.predictor), values(&two.predictor));
    assert_eq!(one.report.split, two.report.split);
    let other = fit(self::config(|train| train.with_seed(2)).with_dropout(0.2), splits());
    assert_ne!(values(&one.predictor), values(&other.predictor));
}

#[test]
fn the_best_epoch_is_kept() {
    // Steps as large as these spoil the model after its first epochs.
    let config = config(|train| {
        train.with_epochs(8).with_optimizer(OptimizerConfig::adam(0.05)).with_embeddings(RowOptimizerConfig::adam(0.05))
    });
    let trained = fit(config, splits());
    let auc = |epoch: usize| {
        let tasks = &trained.report.epochs[epoch].validation.as_ref().unwrap().tasks;
        (tasks.get("click").unwrap().auc.unwrap() + tasks.get("buy").unwrap().auc.unwrap()) / 2.0
    };
    let best = (0..8).max_by(|a, b| auc(*a).total_cmp(&auc(*b))).unwrap();
    assert_eq!(trained.report.best_epoch, Some(best + 1));
    assert!(best < 7, "the last epoch is the best one: this test shows nothing");
    let again = trained.predictor.evaluate(&splits().validation).unwrap();
    assert_eq!(Some(&again), trained.report.epochs[best].validation.as_ref());
    assert_eq!(Some(&again), trained.report.split.get("validation"));
}

#[test]
fn patience_ends_training() {
    let config = config(|train| {
        let train = train.with_epochs(30).with_patience(Some(2)).with_best(Best::of(BestMetric::Logloss, "click"));
        train.with_optimizer(OptimizerConfig::adam(0.05)).with_embeddings(RowOptimizerConfig::adam(0.05))
    });
    let report = fit(config, splits()).report;
    assert_eq!(report.epochs.len(), report.best_epoch.unwrap() + 2);
}

#[test]
fn every_best_metric_picks_by_its_direction() {
    for (best, of) in [
        (Best::of(BestMetric::Rmse, "watch"), "watch"),
        (Best::of(BestMetric::Gauc, "buy"), "buy"),
        (Best::new(BestMetric::Loss), ""),
    ] {
        let report = fit(config(|train| train.with_best(best.clone())), splits()).report;
        let value = |epoch: usize| {
            let split = report.epochs[epoch].validation.as_ref().unwrap();
            match best.metric {
                BestMetric::Rmse => -split.tasks.get(of).unwrap().rmse.unwrap(),
                BestMetric::Gauc => split.tasks.get(of).unwrap().gauc.unwrap(),
                _ => -split.loss.unwrap(),
            }
        };
        let expected = (0..report.epochs.len()).rev().max_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap();
        assert_eq!(report.best_epoch, Some(expected + 1), "{best:?}");
    }
}

#[test]
fn a_task_without_labels_in_a_batch_moves_nothing_and_gives_no_nan() {
    // Every watch time of the first half is missing, so that whole batches have none, and all purchases of the second.
    let mut splits = splits();
    let half = splits.train.rows() / 2;
    for (name, from, to) in [("watch", 0, half), ("buy", half, 2 * half)] {
        let mut values = splits.train.numbers(name).unwrap().into_owned();
        values[from..to].fill(f64::NAN);
        let rest: Vec<&str> = splits.train.names().iter().map(String::as_str).filter(|known| *known != name).collect();
        splits.train = splits.train.select(&rest).unwrap().with_column(name, Column::from(Numbers(values))).unwrap();
    }
    let trained = fit(config(|train| train.with_batch(2)), splits);
    assert!(values(&trained.predictor).iter().flatten().all(|value| value.is_finite()));
    assert!(trained.report.split.get("test").unwrap().tasks.get("watch").unwrap().rmse.unwrap() < 0.5);
}

#[test]
fn what_cannot_be_trained_is_refused_with_its_place() {
    let without = |task: &str| {
        let mut splits = splits();
        let missing = Numbers(vec![f64::NAN; splits.train.rows()]);
        let rest: Vec<&str> = splits.train.names().iter().map(String::as_str).filter(|name| *name != task).collect();
        splits.train = splits.train.select(&rest).unwrap().with_column(task, Column::from(missing)).unwrap();
        splits
    };
    let base = TinyConfig::new;
    assert!(refused(base(), without("watch")).contains("task `watch` has no label in the 2000 training rows"));
    assert!(refused(config(|train| train.with_batch(0)), splits()).contains("train.batch is 0"));
    let gauc = config(|train| train.with_group_by(None).with_best(Best::new(BestMetric::Gauc)));
    assert!(refused(gauc, splits()).contains("train.group_by"));
    assert!(
        refused(config(|train| train.with_best(Best::of(BestMetric::Auc, "watch"))), splits())
            .contains("auc is there for click, buy")
    );
    let patient = config(|train| train.with_patience(Some(1)));
    assert!(
        refused(patient, Splits { validation: Default::default(), ..splits() })
            .contains("there are no validation rows")
    );
    let failed = refused(base().with_buy_power(-1.0), splits());
    assert!(
        failed.contains("expect failed: score(click: 0.5, buy: 0.1)") && failed.contains("the left side is 5"),
        "{failed}"
    );
    assert!(
        refused(base().with_buy_power(11.0), splits()).contains("ranks.score.buy_power is 11, but its range is -2..10")
    );
    let wild = config(|train| train.with_optimizer(OptimizerConfig::sgd(1e30)));
    let lost = refused(wild, splits());
    assert!(lost.contains("the loss of task `") && lost.contains("in step 2 (epoch 1)"), "{lost}");
    assert!(refused(base(), Splits { train: Default::default(), ..splits() }).contains("no training rows"));
}

#[test]
fn without_validation_rows_the_last_epoch_counts() {
    let trained = fit(TinyConfig::new(), Splits { validation: Default::default(), ..splits() });
    assert_eq!(trained.report.best_epoch, Some(4));
    assert!(trained.report.split.get("validation").is_none() && trained.report.split.get("test").is_some());
}

#[test]
fn settings_change_numbers_and_nothing_else() {
    let set = |setting: &str| -> Result<TinyConfig, Error> {
        let mut config = TinyConfig::new();
        apply_setting(&mut config, setting).map(|()| config)
    };
    assert_eq!(set("train.optimizer.lr=0.5").unwrap().train.optimizer, OptimizerConfig::adam(0.5));
    assert_eq!(set("hidden.0=32").unwrap().hidden, [32]);
    assert_eq!(set("train.clip=3").unwrap().train.clip, Some(3.0));
    assert_eq!(set("train.patience=2").unwrap().train.patience, Some(2));
    assert_eq!(set("train.group_by=none").unwrap().train.group_by.as_deref(), Some("none"));
    assert_eq!(set("train.optimizer.kind=sgd").unwrap().train.optimizer, OptimizerConfig::sgd(1e-3));
    assert_eq!(set("train.best.metric=loss").unwrap().train.best, Best::new(BestMetric::Loss));
    let message = |setting: &str| set(setting).unwrap_err().to_string();
    assert!(message("train.optimiser.lr=1").contains("did you mean `train.optimizer.lr`?"));
    assert!(message("lr=1").contains("did you mean `train.optimizer.lr`?"));
    assert!(message("train.optimizer=1").contains("train.optimizer.beta1"));
    assert!(message("zzzzzzzzzzzz=1").contains("`describe` lists all settings"));
    assert!(message("train.batch=big").contains("is a whole number"));
    assert!(message("train.batch=-1").contains("is a whole number"));
    assert!(message("dropout=nan").contains("is a number"));
    assert!(message("train.clip=much").contains("`train.clip` cannot be `much`"));
    assert!(message("train.best.metric=hit_rate").contains("unknown variant"));
    assert!(message("hidden.0=0").contains("change the spec"));
    assert!(message("train.batch").contains("--set name=value"));
    let checked = |setting: &str| mtl_runtime::train::check::<Tiny>(&set(setting).unwrap()).unwrap_err().to_string();
    assert!(checked("dropout=1").contains("dropout is 1"));
    assert!(checked("train.optimizer.lr=0").contains("train.optimizer.lr is 0"));
    assert!(checked("train.embeddings.lr=-1").contains("train.embeddings.lr is -1"));
}

#[test]
fn predictions_need_no_labels() {
    let trained = fit(TinyConfig::new(), splits());
    let table = rows(300, 8);
    let features = table.select(&["user", "history", "age", "item"]).unwrap();
    let predictions = trained.predictor.predict(&features).unwrap();
    let names: Vec<&str> = predictions.tasks.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["click", "watch", "buy", "buy | click"]);
    assert_eq!(predictions, trained.predictor.predict(&table).unwrap());
    let of = |name: &str| predictions.task(name).unwrap();
    for row in 0..300 {
        let (click, buy, conditional) = (of("click")[row], of("buy")[row], of("buy | click")[row]);
        assert!((click * conditional - buy).abs() < 1e-6);
        let score = f64::from(click) * f64::from(buy).sqrt();
        assert!((predictions.rank("score").unwrap()[row] - score).abs() < 1e-12);
    }
}
