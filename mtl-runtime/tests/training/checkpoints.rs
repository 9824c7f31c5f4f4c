//! Checkpoints: a resumed run ends as an uninterrupted one, and nothing that is not the model's own file is read.

use std::fs;
use std::path::Path;

use mtl_runtime::__private::*;
use mtl_runtime::config::{OptimizerConfig, RowOptimizerConfig};
use mtl_runtime::data::schema::Schema;
use mtl_runtime::parameters::{Parameter, parameters};
use mtl_runtime::report::Report;
use mtl_runtime::{Predictor, Trainer};

use crate::tiny::{Tiny, TinyConfig, folder, rows, splits};

/// A configuration in which everything random and every state takes part.
fn config(embeddings: RowOptimizerConfig, epochs: usize) -> TinyConfig {
    let config = TinyConfig::new().with_dropout(0.1);
    let train = config
        .train
        .clone()
        .with_embeddings(embeddings)
        .with_optimizer(OptimizerConfig::adam(0.01))
        .with_clip(Some(1.0));
    config.with_train(train.with_epochs(epochs))
}

fn trainer(config: TinyConfig, path: &Path) -> Trainer<'static, Tiny> {
    Trainer::new(config, splits()).checkpoint(path)
}

fn values(predictor: &Predictor<Tiny>) -> (Vec<Vec<f32>>, Vec<Parameter>) {
    (predictor.embeddings().tables().map(|table| table.values.to_vec()).collect(), parameters(predictor.network()))
}

/// A report without times.
fn timeless(mut report: Report) -> Report {
    (report.seconds, report.rows_per_second, report.peak_memory_bytes) = (Default::default(), None, None);
    report.epochs.iter_mut().for_each(|epoch| (epoch.seconds, epoch.rows_per_second) = (0.0, 0.0));
    report
}

#[test]
fn a_resumed_run_ends_as_an_uninterrupted_one() {
    let folder = folder("resume");
    for (name, embeddings) in [
        ("adam", RowOptimizerConfig::adam(0.01)),
        ("lazy_adam", RowOptimizerConfig::lazy_adam(0.01)),
        ("rowwise_adagrad", RowOptimizerConfig::rowwise_adagrad(0.05)),
        ("adagrad", RowOptimizerConfig::adagrad(0.05)),
        ("sgd", RowOptimizerConfig::sgd(0.5)),
    ] {
        let (straight, resumed) = (folder.join(name), folder.join(format!("{name} resumed")));
        let straight = trainer(config(embeddings, 4), &straight).fit().unwrap();
        trainer(config(embeddings, 2), &resumed).fit().unwrap();
        // 32 batches an epoch: the second interruption is in the middle of the third.
        let stopped = trainer(config(embeddings, 4), &resumed).resume(true).stop_after(Some(80)).fit().unwrap();
        assert!(stopped.stopped);
        let resumed_run = trainer(config(embeddings, 4), &resumed).resume(true).fit().unwrap();
        assert_eq!(values(&straight.predictor), values(&resumed_run.predictor), "{name}");
        assert_eq!(timeless(straight.report), timeless(resumed_run.report), "{name}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_loaded_model_predicts_the_same_bits() {
    let folder = folder("load");
    let path = folder.join("tiny");
    // Steps as large as these make an early epoch the best one.
    let config = config(RowOptimizerConfig::adam(0.05), 6);
    let trained = trainer(config, &path).fit().unwrap();
    assert!(trained.report.best_epoch.unwrap() < 6, "the last epoch is the best one: this test shows too little");
    let loaded = Predictor::<Tiny>::load(&path).unwrap();
    assert_eq!(values(&trained.predictor), values(&loaded));
    assert_eq!(trained.predictor.predict(&rows(100, 7)).unwrap(), loaded.predict(&rows(100, 7)).unwrap());
    assert_eq!(trained.report.split.get("test"), Some(&loaded.evaluate(&splits().test.unwrap()).unwrap()));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_rank_parameter_can_change_after_training_and_a_width_cannot() {
    let folder = folder("change");
    let path = folder.join("tiny");
    let trained = trainer(TinyConfig::new(), &path).fit().unwrap();
    let load = |change: fn(&mut TinyConfig)| {
        Predictor::<Tiny>::load_with(&path, |config| {
            change(config);
            Ok(())
        })
    };
    let table = rows(50, 7);
    let changed = load(|config| config.buy_power = 2.0).unwrap().predict(&table).unwrap();
    let before = trained.predictor.predict(&table).unwrap();
    assert_eq!(before.tasks, changed.tasks);
    assert_ne!(before.ranks, changed.ranks);
    let message = |change| load(change).unwrap_err().to_string();
    assert!(
        message(|config| config.hidden = vec![32])
            .contains("`network.h.weight` is [1, 26, 16], and this program's is [1, 26, 32]")
    );
    assert!(message(|config| config.dim = 4).contains("settings cannot change after training"));
    assert!(message(|config| config.buy_power = -1.0).contains("expect failed"));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_run_resumes_only_as_itself() {
    let folder = folder("foreign-run");
    let path = folder.join("tiny");
    let refused = |config: TinyConfig, train: usize| {
        let splits = mtl_runtime::Splits { train: rows(train, 1), ..splits() };
        match Trainer::<Tiny>::new(config, splits).checkpoint(&path).resume(true).fit() {
            Ok(_) => panic!("this must be refused"),
            Err(error) => error.to_string(),
        }
    };
    let config = |epochs| config(RowOptimizerConfig::adam(0.01), epochs);
    assert!(refused(config(2), 2_000).contains("there is nothing to resume"));
    trainer(config(2), &path).fit().unwrap();
    assert!(refused(config(2), 2_000).contains("its training is finished after 2 epochs"));
    assert!(refused(config(3), 1_999).contains("it was trained on 2000 rows, and now there are 1999"));
    let mut other = config(3);
    other.train.seed = 5;
    assert!(refused(other, 2_000).contains("`train.seed` was 1 and is now 5"));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    let folder = folder("damage");
    let path = folder.join("tiny");
    trainer(TinyConfig::new(), &path).fit().unwrap();
    let good = fs::read(&path).unwrap();
    let message = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Predictor::<Tiny>::load(&path).unwrap_err().to_string()
    };
    for at in [0, 9, 400, good.len() / 2, good.len() - 3] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(message(&bad).contains("not a readable model file"), "byte {at}");
    }
    for length in [0, 7, 100, good.len() / 2, good.len() - 1] {
        assert!(message(&good[..length]).contains("not a readable model file"), "cut to {length}");
    }
    assert!(message(b"click,watch\n1,2\n").contains("not a readable model file"));
    fs::write(&path, &good).unwrap();
    assert!(Predictor::<Tiny>::load(&path).is_ok());
    let other = Predictor::<Renamed>::load(&path).unwrap_err().to_string();
    assert!(other.contains("it holds the model `Tiny`, and this program is `Renamed`"), "{other}");
    let other = Predictor::<Respecified>::load(&path).unwrap_err().to_string();
    assert!(other.contains("its spec differs") && other.contains("byhand"), "{other}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_save_that_fails_leaves_the_old_file() {
    let folder = folder("crash");
    let path = folder.join("tiny");
    trainer(TinyConfig::new(), &path).fit().unwrap();
    let before = fs::read(&path).unwrap();
    // The place of the unfinished file is taken by a folder: no save can succeed.
    fs::create_dir(folder.join(".tiny.unfinished")).unwrap();
    let error = trainer(TinyConfig::new(), &path).fit().err().unwrap().to_string();
    assert!(error.contains("cannot be written"), "{error}");
    assert_eq!(before, fs::read(&path).unwrap());
    assert!(Predictor::<Tiny>::load(&path).is_ok());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_place_that_cannot_be_written_is_found_before_training() {
    let folder = folder("place");
    let message = |path: &Path| trainer(TinyConfig::new(), path).fit().err().unwrap().to_string();
    assert!(message(&folder.join("missing/tiny")).contains("its folder does not exist"));
    assert!(message(&folder).contains("is a folder"));
    fs::remove_dir_all(folder).unwrap();
}

/// [`Tiny`] under another name, or from another spec.
macro_rules! like_tiny {
    ($model:ident, $name:literal, $spec:literal) => {
        #[derive(Module, Debug)]
        pub struct $model {
            inner: Tiny,
        }

        impl Model for $model {
            type Config = TinyConfig;
            const NAME: &'static str = $name;
            const SPEC: &'static str = $spec;
            fn default_config() -> TinyConfig {
                TinyConfig::new()
            }
            fn schema(config: &TinyConfig) -> Schema {
                Tiny::schema(config)
            }
            fn train(config: &TinyConfig) -> &TrainConfig {
                &config.train
            }
            fn new(config: &TinyConfig, init: &Init) -> Self {
                Self { inner: <Tiny as Model>::new(config, init) }
            }
            fn forward(&self, input: Tensor<3>, pass: &Pass) -> Tensor<2> {
                self.inner.forward(input, pass)
            }
            fn weighting(&self) -> &Weighting {
                self.inner.weighting()
            }
            fn ranks() -> &'static [Rank<TinyConfig>] {
                Tiny::ranks()
            }
            fn expectations() -> &'static [Expectation<TinyConfig>] {
                Tiny::expectations()
            }
        }
    };
}

like_tiny!(Renamed, "Renamed", "model Tiny { by hand }");
like_tiny!(Respecified, "Tiny", "model Tiny { by hand, differently }");
