//! Laws of stages: what is frozen keeps its bits, tasks take turns, factors count, and an interruption changes nothing.

use std::collections::BTreeMap;
use std::path::Path;

use mtl_runtime::config::{OptimizerConfig, RowOptimizerConfig, StageConfig, StageTasks, apply_setting};
use mtl_runtime::data::{ReadOptions, Table};
use mtl_runtime::train::check;
use mtl_runtime::{Model, Predictor, Splits, Trained, Trainer, mtl};
use mtl_tests::training::folder;
use mtl_tests::{normal, trained_values as all, values};

mtl! { model Staged {
    features user { user_id: id(vocab: auto, dim: 3), city: category(dim: 2) }
    features item { item_id: id(vocab: auto, dim: 3), a: number, b: number }
    task one: binary; task two: binary; task three: binary;
    let h = mmoe(concat(user, item), experts: 2 * mlp([6]));
    tower each = mlp(h, [4], norm: layer);
    tower three = mlp(h, [4]);
    train { batch: 50, stages: [stage(epochs: 1)] }
} }

mtl! { model Learned {
    features x { a: number, b: number }
    task one: binary; task two: binary; task three: binary;
    let h = mlp(x, [6]);
    tower each = mlp(h, [4]);
    loss { weighting: uncertainty }
    train { batch: 50, optimizer: adam(lr: 1e-2), stages: [stage(epochs: 1, tasks: [one])] }
} }

mtl! { model Balanced {
    features x { a: number, b: number }
    task one: binary; task two: binary; task three: binary;
    let h = mlp(x, [6]);
    tower each = mlp(h, [4]);
    loss { weighting: pcgrad }
    train { batch: 50, optimizer: adam(lr: 1e-2), stages: [stage(epochs: 2, freeze: [h, one])] }
} }

mtl! { model Plain {
    features x { a: number, b: number }
    task one: binary; task two: binary; task three: binary;
    let h = mlp(x, [6]);
    tower each = mlp(h, [4]);
    train { batch: 50, epochs: 2 }
} }

/// Rows of users and items, whose tasks follow from the numbers.
fn table(name: &str, rows: usize) -> Table {
    let x = normal(name, 2 * rows);
    let mut csv = String::from("user_id,city,item_id,a,b,one,two,three\n");
    for (at, row) in x.chunks(2).enumerate() {
        let (one, two, three) = (row[0] > 0.0, row[0] + row[1] > 0.3, row[0] * row[1] > 0.0);
        let [one, two, three] = [one, two, three].map(u8::from);
        csv += &format!("u{},c{},i{},{},{},{one},{two},{three}\n", at * 7 % 23, at % 3, at * 5 % 31, row[0], row[1]);
    }
    let path = folder("stages").join(format!("{name}.csv"));
    std::fs::write(&path, csv).unwrap();
    Table::read(&path, &ReadOptions::default()).unwrap().table
}

fn splits(name: &str) -> Splits {
    let of = |part: &str, rows| table(&format!("{name}_{part}"), rows);
    Splits { train: of("train", 420), validation: of("validation", 200), test: None }
}

/// Without validation rows: the last epoch is kept.
fn to_the_end<M: Model>(name: &str, config: &M::Config) -> Trained<M> {
    let splits = Splits { validation: Table::default(), ..splits(name) };
    Trainer::<M>::new(config.clone(), splits).fit().unwrap()
}

type Optimizers = (&'static str, OptimizerConfig, RowOptimizerConfig);

fn optimizers() -> [Optimizers; 5] {
    let decaying = match OptimizerConfig::adam(0.01) {
        OptimizerConfig::Adam { lr, beta1, beta2, epsilon, .. } => {
            OptimizerConfig::Adam { lr, beta1, beta2, epsilon, weight_decay: 0.1 }
        }
        other => other,
    };
    [
        ("adam", decaying, RowOptimizerConfig::adam(0.01)),
        ("lazy_adam", OptimizerConfig::adam(0.01), RowOptimizerConfig::lazy_adam(0.01)),
        ("adagrad", OptimizerConfig::adagrad(0.05), RowOptimizerConfig::adagrad(0.05)),
        ("momentum", OptimizerConfig::Sgd { lr: 0.05, momentum: 0.9 }, RowOptimizerConfig::rowwise_adagrad(0.05)),
        ("sgd", OptimizerConfig::sgd(0.05), RowOptimizerConfig::sgd(0.05)),
    ]
}

fn staged(optimizer: &Optimizers, stages: Vec<StageConfig>) -> StagedConfig {
    let mut config = StagedConfig::new();
    (config.train.optimizer, config.train.embeddings) = (optimizer.1, optimizer.2);
    config.train.stages = stages;
    config
}

/// The slice of a task in a parameter of `tower each`, which holds `one` and `two`.
fn of_task(all: &BTreeMap<String, Vec<f32>>, task: usize) -> Vec<Vec<f32>> {
    let own = all.iter().filter(|(path, _)| path.starts_with("tower_each."));
    own.map(|(_, values)| values[task * values.len() / 2..][..values.len() / 2].to_vec()).collect()
}

#[test]
fn what_is_frozen_keeps_its_bits() {
    for optimizer in optimizers() {
        let first = StageConfig::new(2);
        let frozen = StageConfig::new(2).freezing(&["h", "one", "user", "item_id"]);
        let before = all(&to_the_end::<Staged>("frozen", &staged(&optimizer, vec![first.clone()])).predictor);
        let after = all(&to_the_end::<Staged>("frozen", &staged(&optimizer, vec![first.clone(), frozen])).predictor);
        for (path, value) in &before {
            let still = path.starts_with("h.") || path.starts_with("table.");
            if !path.starts_with("tower_each.") {
                assert_eq!(*value == after[path], still, "{} {path}", optimizer.0);
            }
        }
        assert_eq!(of_task(&before, 0), of_task(&after, 0), "{}: the tower of `one`", optimizer.0);
        assert!(of_task(&before, 1).iter().zip(of_task(&after, 1)).all(|(a, b)| *a != b), "{}: `two`", optimizer.0);
        // The state stands still too: what follows is as if the frozen epochs of all parts had not been.
        let others = ["two", "three"];
        let pause = StageConfig::new(1).training(&others);
        let pause = all(&to_the_end::<Staged>("frozen", &staged(&optimizer, vec![first, pause])).predictor);
        for (path, value) in &before {
            let moves = path.starts_with("tower_each.") || path.starts_with("tower_three.");
            assert_eq!(*value != pause[path], moves, "{} {path}", optimizer.0);
        }
    }
}

#[test]
fn a_frozen_part_goes_on_with_its_state() {
    // Every other part stands still throughout, so a pause of `h` alone must leave no trace but the order of the batches.
    for optimizer in optimizers() {
        let own = ["user_id"];
        let config = |pause: bool| {
            let mut stages = vec![StageConfig::new(1).training(&own)];
            if pause {
                stages.push(StageConfig::new(1).training(&["city"]).with_rates(&[("city", 1e-30)]));
            }
            stages.push(StageConfig::new(1).training(&own));
            let mut config = staged(&optimizer, stages);
            // One batch an epoch: its order does not count but for the sums' rounding.
            config.train.batch = 420;
            config
        };
        let with = all(&to_the_end::<Staged>("pause", &config(true)).predictor);
        let without = all(&to_the_end::<Staged>("pause", &config(false)).predictor);
        mtl_tests::assert_close(optimizer.0, &with["table.user_id"], &without["table.user_id"], 2e-4);
    }
}

#[test]
fn tasks_take_turns_and_move_their_own() {
    for optimizer in optimizers() {
        let start = all(&to_the_end::<Staged>("start", &{
            let mut config =
                staged(&optimizer, vec![StageConfig::new(1).training(&["city"]).with_rates(&[("city", 1e-30)])]);
            config.train.batch = 420;
            config
        })
        .predictor);
        // Momentum first, which a turn of another task must not spend.
        let only = StageConfig::new(1).with_tasks(StageTasks::only(&["two"]));
        let after = all(&to_the_end::<Staged>("start", &staged(&optimizer, vec![only])).predictor);
        assert_eq!(of_task(&start, 0), of_task(&after, 0), "{}: `one`", optimizer.0);
        assert!(of_task(&start, 1) != of_task(&after, 1), "{}: `two`", optimizer.0);
        for (path, value) in start.iter().filter(|(path, _)| path.starts_with("tower_three")) {
            assert_eq!(*value, after[path], "{} {path}", optimizer.0);
        }
        assert!(start["table.user_id"] != after["table.user_id"]);
        let warm = StageConfig::new(1);
        let before = all(&to_the_end::<Staged>("start", &staged(&optimizer, vec![warm.clone()])).predictor);
        let only = StageConfig::new(1).with_tasks(StageTasks::only(&["two"]));
        let after = all(&to_the_end::<Staged>("start", &staged(&optimizer, vec![warm, only])).predictor);
        assert_eq!(of_task(&before, 0), of_task(&after, 0), "{}: `one` after joint epochs", optimizer.0);
        for (path, value) in before.iter().filter(|(path, _)| path.starts_with("tower_three")) {
            assert_eq!(*value, after[path], "{} {path} after joint epochs", optimizer.0);
        }
    }
}

#[test]
fn alternation_is_each_tasks_step_in_turn() {
    // Three batches an epoch, one for each task. The losses of a turn are of one task.
    let optimizer = &optimizers()[0];
    let mut config = staged(optimizer, vec![StageConfig::new(1).with_tasks(StageTasks::Alternate)]);
    config.train.batch = 140;
    let trained = |steps: u64| {
        let path = folder("turns").join(format!("{steps}.safetensors"));
        let splits = Splits { validation: Table::default(), ..splits("turns") };
        Trainer::<Staged>::new(config.clone(), splits).checkpoint(&path).stop_after(Some(steps)).fit().unwrap();
        all(&Predictor::<Staged>::load(&path).unwrap())
    };
    let steps = [trained(1), trained(2), trained(3)];
    let three = |of: &BTreeMap<String, Vec<f32>>| of["tower_three.hidden_1.weight"].clone();
    assert!(of_task(&steps[0], 1) != of_task(&steps[1], 1), "the second step is of `two`");
    assert_eq!(of_task(&steps[0], 0), of_task(&steps[2], 0), "steps of others leave `one`");
    assert_eq!(of_task(&steps[1], 1), of_task(&steps[2], 1), "the third step leaves `two`");
    assert_eq!(three(&steps[0]), three(&steps[1]));
    assert!(three(&steps[1]) != three(&steps[2]), "the third step is of `three`");
    let joint = to_the_end::<Staged>("turns", &staged(optimizer, vec![StageConfig::new(1)]));
    assert!(all(&joint.predictor) != steps[2]);
}

#[test]
fn learned_weights_of_other_tasks_stand_still() {
    let trained = to_the_end::<Learned>("learned", &LearnedConfig::new());
    let log_variances = &values(trained.predictor.network())["weighting.log_variances"];
    assert!(log_variances[0] != 0.0 && log_variances[1..] == [0.0, 0.0], "{log_variances:?}");
    let losses: Vec<bool> = trained.report.epochs[0].losses.iter().map(|(_, loss)| loss.is_some()).collect();
    assert_eq!(losses, [true, false, false]);
}

#[test]
fn a_method_of_weighting_keeps_to_what_moves() {
    let start = values(
        to_the_end::<Balanced>("balanced", &{
            let mut config = BalancedConfig::new();
            config.train.stages = vec![StageConfig::new(1).training(&["three"])];
            config
        })
        .predictor
        .network(),
    );
    let after = values(to_the_end::<Balanced>("balanced", &BalancedConfig::new()).predictor.network());
    for (path, value) in &start {
        if path.starts_with("h.") {
            assert_eq!(*value, after[path], "{path}");
        } else if path.starts_with("tower_each.") {
            let third = value.len() / 3;
            assert_eq!(value[..third], after[path][..third], "{path} of `one`");
            assert!(value[third..2 * third] != after[path][third..2 * third], "{path} of `two`");
        }
    }
}

#[test]
fn factors_scale_the_steps_of_parts() {
    // Plain gradient descent: the first step is the learning rate times the gradient.
    let optimizer = &optimizers()[4];
    let stepped = |rates: &[(&str, f64)]| {
        let mut config = staged(optimizer, vec![StageConfig::new(1).with_rates(rates)]);
        config.train.batch = 420;
        all(&to_the_end::<Staged>("factors", &config).predictor)
    };
    let small = 1e-30;
    let parts = ["h", "one", "two", "three", "user_id", "city", "item"];
    let start = stepped(&parts.map(|part| (part, small)));
    let whole = stepped(&[]);
    let half = stepped(&[("h", 0.5), ("two", 0.25), ("user_id", 0.5)]);
    let moved = |of: &BTreeMap<String, Vec<f32>>, path: &str| -> Vec<f32> {
        of[path].iter().zip(&start[path]).map(|(a, b)| a - b).collect()
    };
    for path in start.keys() {
        let factor = |at: usize, count: usize| match path.as_str() {
            "table.user_id" => 0.5,
            path if path.starts_with("h.") => 0.5,
            path if path.starts_with("tower_each.") && at >= count / 2 => 0.25,
            _ => 1.0,
        };
        let whole = moved(&whole, path);
        let wanted: Vec<f32> = whole.iter().enumerate().map(|(at, step)| step * factor(at, whole.len())).collect();
        let found = moved(&half, path);
        let close = found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(close, "{path}: {found:?} {wanted:?}");
    }
    for optimizer in &optimizers()[..4] {
        let of = |rates: &[(&str, f64)]| {
            let stages = vec![StageConfig::new(1).with_rates(rates)];
            all(&to_the_end::<Staged>("factors", &staged(optimizer, stages)).predictor)
        };
        let (plain, slow) = (of(&[]), of(&[("user_id", 0.5)]));
        assert!(plain["table.user_id"] != slow["table.user_id"], "{}", optimizer.0);
    }
}

#[test]
fn an_interruption_changes_nothing() {
    for optimizer in optimizers() {
        let stages = vec![
            StageConfig::new(1).with_tasks(StageTasks::Alternate).with_rates(&[("item_id", 0.5), ("two", 0.3)]),
            StageConfig::new(1).freezing(&["h", "user", "one"]),
            StageConfig::new(1).with_tasks(StageTasks::only(&["one", "three"])).with_rates(&[("h", 0.1)]),
        ];
        let mut config = staged(&optimizer, stages);
        config.train.best = config.train.best.clone().and_of_each();
        // Nine batches an epoch: in the middle of the alternating epoch, at its end, in the next stage, in the last.
        let name = format!("interrupted_{}", optimizer.0);
        let run = |file: &str, stops: &[u64]| {
            let path = folder(&name).join(file);
            let trainer = |at: usize| {
                Trainer::<Staged>::new(config.clone(), splits("interrupted")).checkpoint(&path).resume(at > 0)
            };
            for (at, stop) in stops.iter().enumerate() {
                assert!(trainer(at).stop_after(Some(*stop)).fit().unwrap().stopped);
            }
            (trainer(stops.len()).fit().unwrap(), path)
        };
        let (at_once, whole) = run("whole.mtl.safetensors", &[]);
        let (in_parts, parts) = run("parts.mtl.safetensors", &[2, 5, 9, 13, 18, 20]);
        assert_eq!(all(&at_once.predictor), all(&in_parts.predictor), "{}", optimizer.0);
        let stages: Vec<_> = at_once.report.epochs.iter().map(|epoch| epoch.stage).collect();
        assert_eq!(stages, [Some(1), Some(2), Some(3)]);
        for (task, best) in at_once.report.best_epochs.iter() {
            let other = in_parts.report.best_epochs.get(task).unwrap();
            assert_eq!((best.epoch, best.value), (other.epoch, other.value), "{task}");
            let load = |path: &Path| all(&Predictor::<Staged>::load(beside(path, task)).unwrap());
            assert_eq!(load(&whole), load(&parts), "{} {task}", optimizer.0);
        }
    }
}

fn beside(path: &Path, task: &str) -> std::path::PathBuf {
    let name = path.file_name().unwrap().to_str().unwrap();
    path.with_file_name(name.replace(".mtl.safetensors", &format!(".{task}.mtl.safetensors")))
}

#[test]
fn each_task_keeps_its_best_epoch() {
    let mut config = PlainConfig::new();
    (config.train.epochs, config.train.best) = (6, config.train.best.clone().and_of_each());
    let path = folder("each").join("model.mtl.safetensors");
    let trained = Trainer::<Plain>::new(config.clone(), splits("each")).checkpoint(&path).fit().unwrap();
    let validation = table("each_validation", 200);
    for (task, best) in trained.report.best_epochs.iter() {
        let auc = |epoch: &mtl_runtime::report::Epoch| {
            epoch.validation.as_ref().unwrap().tasks.get(task).unwrap().auc.unwrap()
        };
        let values: Vec<f64> = trained.report.epochs.iter().map(auc).collect();
        let most = values.iter().copied().fold(f64::MIN, f64::max);
        assert_eq!((best.value, best.metric.as_str()), (most, "auc"));
        assert_eq!(values.iter().position(|value| *value == most).unwrap() + 1, best.epoch);
        let file = beside(&path, task);
        assert_eq!(best.file.as_deref(), file.to_str());
        let model = Predictor::<Plain>::load(&file).unwrap();
        assert_eq!(model.evaluate(&validation).unwrap().tasks.get(task).unwrap().auc, Some(most), "{task}");
        // A model and no run.
        let again = Trainer::<Plain>::new(config.clone(), splits("each")).checkpoint(&file).resume(true).fit();
        let message = again.err().unwrap().to_string();
        assert!(message.contains(&format!("best epoch of `{task}`")), "{message}");
    }
    assert_eq!(trained.report.best_epochs.iter().count(), 3);
}

#[test]
fn a_sum_of_metrics_picks_the_epoch() {
    use mtl_runtime::config::{Best, BestMetric};
    let fit = |best: Best| {
        let mut config = PlainConfig::new();
        (config.train.epochs, config.train.best) = (5, best);
        Trainer::<Plain>::new(config, splits("sum")).fit().unwrap().report
    };
    let sum = |one: f64, three: f64| {
        Best::of(BestMetric::Auc, "one").times(one).plus(Best::of(BestMetric::Logloss, "three").times(-three))
    };
    for (one, three) in [(1.0, 1e-9), (1e-9, 1.0), (0.5, 0.5)] {
        let report = fit(sum(one, three));
        let value = |epoch: &mtl_runtime::report::Epoch| {
            let tasks = &epoch.validation.as_ref().unwrap().tasks;
            one * tasks.get("one").unwrap().auc.unwrap() - three * tasks.get("three").unwrap().logloss.unwrap()
        };
        let values: Vec<f64> = report.epochs.iter().map(value).collect();
        let most = values.iter().copied().fold(f64::MIN, f64::max);
        assert_eq!(values.iter().position(|value| *value == most).map(|at| at + 1), report.best_epoch);
    }
    let mut config = PlainConfig::new();
    config.train.best = Best::of(BestMetric::Auc, "one").plus(Best::of(BestMetric::Logloss, "three"));
    let message = check::<Plain>(&config).unwrap_err().to_string();
    assert!(message.contains("logloss(three)"), "{message}");
}

#[test]
fn patience_ends_a_stage_and_then_training() {
    let mut config = staged(&optimizers()[0], vec![StageConfig::new(30), StageConfig::new(30)]);
    config.train.patience = Some(1);
    let report = Trainer::<Staged>::new(config, splits("patience")).fit().unwrap().report;
    let stages: Vec<usize> = report.epochs.iter().map(|epoch| epoch.stage.unwrap()).collect();
    assert!(stages.contains(&2) && stages.len() < 60, "{stages:?}");
    assert!(stages.iter().filter(|stage| **stage == 1).count() < 30, "{stages:?}");
}

#[test]
fn the_last_stage_can_be_made_longer() {
    let stages = |last| vec![StageConfig::new(1).freezing(&["h"]), StageConfig::new(last)];
    let optimizer = &optimizers()[0];
    let path = folder("longer").join("model.safetensors");
    let fit = |config: StagedConfig, resume: bool| {
        Trainer::<Staged>::new(config, splits("longer")).checkpoint(&path).resume(resume).fit()
    };
    fit(staged(optimizer, stages(1)), false).unwrap();
    let message = fit(staged(optimizer, stages(1)), true).err().unwrap().to_string();
    assert!(message.contains("train.stages.1.epochs is 1"), "{message}");
    let longer = fit(staged(optimizer, stages(3)), true).unwrap();
    let at_once = Trainer::<Staged>::new(staged(optimizer, stages(3)), splits("longer")).fit().unwrap();
    assert_eq!(all(&longer.predictor), all(&at_once.predictor));
    let mut other = staged(optimizer, stages(4));
    other.train.stages[0].epochs = 2;
    let message = fit(other, true).err().unwrap().to_string();
    assert!(message.contains("`train.stages.0.epochs` was 1 and is now 2"), "{message}");
}

#[test]
fn settings_reach_stages_and_wrong_ones_are_refused() {
    let mut config = StagedConfig::new();
    config.train.stages = vec![StageConfig::new(1).with_rates(&[("h", 0.5)]), StageConfig::new(2).freezing(&["user"])];
    check::<Staged>(&config).unwrap();
    apply_setting(&mut config, "train.stages.0.epochs=4").unwrap();
    apply_setting(&mut config, "train.stages.0.lr.h=0.25").unwrap();
    assert_eq!((config.train.all_epochs(), config.train.stages[0].lr["h"]), (6, 0.25));
    let refused = |setting: &str| {
        let mut config = config.clone();
        apply_setting(&mut config, setting).unwrap();
        check::<Staged>(&config).expect_err("no stage is like that").to_string()
    };
    assert!(refused("train.epochs=3").contains("sum of theirs"));
    assert!(refused("train.stages.0.epochs=0").contains("train.stages.0.epochs is 0"));
    assert!(refused("train.stages.0.lr.h=0").contains("above 0"));
    assert!(refused("train.stages.1.freeze.0=usr").contains("did you mean `user`?"));
    let with = |stage: StageConfig| {
        let mut config = config.clone();
        config.train.stages = vec![stage];
        check::<Staged>(&config).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(with(StageConfig::new(1).freezing(&["user", "city"])).contains("hold the same"));
    assert!(with(StageConfig::new(1).freezing(&["h", "each", "three", "user", "item"])).contains("nothing moves"));
    assert!(with(StageConfig::new(1).freezing(&["h"]).with_rates(&[("h", 0.5)])).contains("stands still"));
    assert!(with(StageConfig::new(1).with_tasks(StageTasks::only(&["four"]))).contains("no task `four`"));
    assert!(with(StageConfig::new(1).with_tasks(StageTasks::only(&[]))).contains("no task"));
    let only_three = StageConfig::new(1).with_tasks(StageTasks::only(&["three"]));
    assert!(with(only_three.training(&["each"])).contains("nothing moves"));
    let mut plain = PlainConfig::new();
    (plain.train.epochs, plain.train.stages) = (0, vec![StageConfig::new(1)]);
    assert!(check::<Plain>(&plain).unwrap_err().to_string().contains("write `stages` in its spec"));
    let mut balanced = BalancedConfig::new();
    balanced.train.stages[0].tasks = StageTasks::Alternate;
    assert!(check::<Balanced>(&balanced).unwrap_err().to_string().contains("balances"));
}
