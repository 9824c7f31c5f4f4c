//! Laws of subnetworks: what a task's mask leaves, how its stages train, and what serving computes of it.

use std::collections::BTreeMap;

use mtl_runtime::{Model, Predictor, Trainer, mtl};
use mtl_tests::training::{config, fit, folder, splits, table};
use mtl_tests::{ROWS, assert_close, gradients, logits, network, normal, rows, values, with};

mtl! { model Sparse {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = subnet(x, mlp([6, 5], activation: tanh), masks: magnitude(keep: 0.4, rounds: 2, warm_up: 1));
    tower each = mlp(h, [3]);
    train { batch: 50, epochs: 3, optimizer: adam(lr: 1e-2) }
} }

mtl! { model Together {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = subnet(x, mlp([6, 5], activation: tanh), masks: magnitude(keep: 0.4, rounds: 2, turns: together));
    tower each = mlp(h, [3]);
    train { batch: 50, epochs: 3, optimizer: adam(lr: 1e-2) }
} }

mtl! { model Contrasted {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = subnet(x, mlp([6, 5], activation: tanh), masks: contrastive(prune: 0.3, rounds: 2, least_pruned: 0.2));
    tower each = mlp(h, [3]);
    train { batch: 50, epochs: 3, optimizer: adam(lr: 1e-2) }
} }

mtl! { model Dealt {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = subnet(x, mlp([6, 5]), masks: lottery(keep: 0.5, rounds: 1));
    tower each = h;
    train { batch: 50, epochs: 2 }
} }

mtl! { model Hard {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mlp(x, [6, 5], activation: tanh);
    tower each = mlp(h, [3]);
} }

mtl! { model Alone {
    features x { a: number, b: number, c: number }
    task one: binary;
    let h = subnet(x, mlp([6, 5]), masks: magnitude(keep: 0.5, rounds: 1, warm_up: 0));
    tower one = h;
    train { batch: 50, epochs: 1 }
} }

/// A network whose masks are these: a share of the weights of each task.
fn masked<M: Model>(network: M, keep: f32) -> M {
    with(network, |path, shape| {
        let count = shape.iter().product();
        path.ends_with(".masks").then(|| {
            let draw = |x: &f32| if x.abs() < keep { 1.0 } else { 0.0 };
            normal(path, count).iter().map(draw).collect()
        })
    })
}

#[test]
fn masks_of_ones_are_hard_sharing() {
    let hard = network::<Hard>(3);
    let sparse = network::<Sparse>(3);
    let of = values(&sparse);
    assert!(of["h.hidden_1.masks"].iter().all(|kept| *kept == 1.0));
    for (path, value) in values(&hard) {
        assert_eq!(value, of[&path], "{path}: both start alike");
    }
    let x = rows::<Hard>();
    assert_close("logits", &logits(&sparse, &x), &logits(&hard, &x), 1e-6);
    let labels = vec![1.0; ROWS * 2];
    let (a, b) =
        (gradients(&sparse, &x, &labels, &labels, &[1.0, 1.0]), gradients(&hard, &x, &labels, &labels, &[1.0, 1.0]));
    for path in ["h.hidden_1.weight", "h.hidden_2.weight", "h.hidden_2.bias", "tower_each.hidden_1.weight"] {
        assert_close(path, &a.of[path], &b.of[path], 1e-5);
    }
}

#[test]
fn a_task_moves_what_its_mask_holds() {
    let network = masked(network::<Sparse>(3), 0.6);
    let of = values(&network);
    let (x, labels) = (rows::<Sparse>(), vec![1.0; ROWS * 2]);
    for task in 0..2 {
        let mut weights = [0.0, 0.0];
        weights[task] = 1.0;
        let grads = gradients(&network, &x, &labels, &[1.0; ROWS * 2], &weights);
        for layer in ["h.hidden_1", "h.hidden_2"] {
            let slopes = &grads.of[&format!("{layer}.weight")];
            let mask = &of[&format!("{layer}.masks")][task * slopes.len()..][..slopes.len()];
            assert!(slopes.iter().zip(mask).all(|(slope, kept)| *kept == 1.0 || *slope == 0.0), "{layer} {task}");
            assert!(slopes.iter().any(|slope| *slope != 0.0));
        }
    }
}

#[test]
fn serving_computes_less_and_says_the_same() {
    let network = masked(network::<Sparse>(3), 0.3);
    let x = rows::<Sparse>();
    let before = logits(&network, &x);
    let mut compact = network.clone();
    compact.compact();
    assert_close("logits", &logits(&compact, &x), &before, 1e-5);
}

#[test]
fn training_finds_masks_and_keeps_to_them() {
    let trained = fit::<Sparse>("found", &[]);
    let report = trained.report.subnets.as_ref().unwrap();
    // Two tasks, a round before the first pruning and one after each of two.
    assert_eq!(report.rounds.len(), 6);
    for rounds in report.rounds.chunks(3) {
        assert_eq!(rounds[0].kept, 1.0);
        let shares: Vec<f64> = rounds.iter().map(|round| round.kept).collect();
        let expected = [1.0, 0.4f64.sqrt(), 0.4];
        assert!(shares.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.02), "{shares:?}");
        // The chosen mask is the better one of those that prune.
        let best = rounds[1..].iter().max_by(|a, b| a.value.unwrap().total_cmp(&b.value.unwrap())).unwrap();
        let kept = report.kept.get(&best.task).unwrap();
        let ties = rounds[1].value == rounds[2].value;
        assert!(ties || (kept - best.kept).abs() < 1e-9, "{}: {kept} of {shares:?}", best.task);
    }
    // What is in no mask is where it was at the start of the joint epochs: the end of the warm-up.
    let network = values(trained.predictor.network());
    let warm = fit::<Sparse>("found", &["train.epochs=1", "train.seed=0"]);
    let other = values(warm.predictor.network());
    for layer in ["h.hidden_1", "h.hidden_2"] {
        let (weight, masks) = (&network[&format!("{layer}.weight")], &network[&format!("{layer}.masks")]);
        let unused: Vec<usize> = (0..weight.len()).filter(|at| masks[*at] + masks[at + weight.len()] == 0.0).collect();
        assert!(!unused.is_empty(), "every weight of {layer} is in a mask: this test shows nothing");
        for at in unused {
            assert_eq!(weight[at], other[&format!("{layer}.weight")][at], "{layer} {at}");
        }
    }
}

#[test]
fn a_small_mask_is_served_with_fewer_operations() {
    let report = fit::<Sparse>("small", &["h.masks.keep=0.1", "h.masks.least_pruned=0.85"]).report;
    let subnets = report.subnets.unwrap();
    for (task, count) in subnets.multiplications.iter() {
        assert!(
            (subnets.kept.get(task).unwrap() - 0.1).abs() < 0.02,
            "the last mask is the only one that prunes enough"
        );
        assert!(*count < subnets.dense / 3, "{task}: {count} of {}", subnets.dense);
    }
}

#[test]
fn the_search_goes_on_after_an_interruption_to_the_same_bits() {
    let straight = fit::<Contrasted>("resumed", &[]);
    // 9 steps an epoch: in the warm-up, between two rounds, within a round of the second task, in a joint epoch.
    let mut path = folder("resumed").join("model.safetensors");
    for (at, stop) in [5, 18, 49, 70].into_iter().enumerate() {
        path = folder("resumed").join("model.safetensors");
        let trainer = Trainer::<Contrasted>::new(config::<Contrasted>(&[]), splits("resumed"));
        let part = trainer.checkpoint(&path).resume(at > 0).stop_after(Some(stop)).fit().unwrap();
        assert!(part.stopped, "{stop}");
    }
    let trainer = Trainer::<Contrasted>::new(config::<Contrasted>(&[]), splits("resumed"));
    let resumed = trainer.checkpoint(&path).resume(true).fit().unwrap();
    assert_eq!(values(straight.predictor.network()), values(resumed.predictor.network()));
    assert_eq!(straight.report.subnets, resumed.report.subnets);
    let loaded = Predictor::<Contrasted>::load(&path).unwrap();
    assert_eq!(loaded.subnets(), resumed.predictor.subnets());
    let rows = table("resumed_test", 300);
    assert_eq!(loaded.predict(&rows).unwrap(), resumed.predictor.predict(&rows).unwrap());
}

#[test]
fn every_option_has_an_effect() {
    let of = |settings: &[&str]| -> BTreeMap<String, Vec<f32>> {
        values(fit::<Contrasted>("options", settings).predictor.network())
    };
    let base = of(&[]);
    for setting in [
        "h.masks.prune=0.4",
        "h.masks.rounds=3",
        "h.masks.warm_up=2",
        "h.masks.epochs=2",
        "h.masks.contrast=0.5",
        "h.masks.margin=0.01",
    ] {
        assert!(of(&[setting]) != base, "{setting} changes nothing");
    }
    let without = of(&["h.masks.contrast=0"]);
    assert!(without != base);
    let batch = values(fit::<Sparse>("options", &[]).predictor.network());
    let together = values(fit::<Together>("options", &[]).predictor.network());
    assert_eq!(batch["h.hidden_1.masks"], together["h.hidden_1.masks"], "the search is the same");
    assert!(batch["h.hidden_1.weight"] != together["h.hidden_1.weight"]);
}

#[test]
fn tasks_take_batches_in_turn() {
    let trained = fit::<Dealt>("turns", &[]);
    assert_eq!(trained.report.epochs.len(), 2);
    let losses = &trained.report.epochs[1].losses;
    assert!(losses.iter().all(|(_, loss)| loss.is_some_and(f64::is_finite)), "{losses:?}");
}

#[test]
fn one_task_has_a_subnetwork() {
    let report = fit::<Alone>("alone", &[]).report.subnets.unwrap();
    assert_eq!((report.rounds.len(), report.overlap.len()), (2, 0));
    assert!((report.kept.get("one").unwrap() - 0.5).abs() < 0.02);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let refused = |setting: &str| match Trainer::<Sparse>::new(config::<Sparse>(&[setting]), splits("refused")).fit() {
        Ok(_) => panic!("{setting} is accepted"),
        Err(error) => error.to_string(),
    };
    assert!(refused("h.masks.keep=1.5").contains("h.masks.keep"), "{}", refused("h.masks.keep=1.5"));
    assert!(refused("h.masks.least_pruned=0.9").contains("least_pruned"));
}
