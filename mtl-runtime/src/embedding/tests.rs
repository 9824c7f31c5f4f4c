//! The engine against dense arithmetic on whole tables.

use std::time::{Duration, Instant};

use mtl_data::schema::{Feature, FeatureKind, MissingNumber, Pool, Rows, Scale, Schema, Transform, Unseen};
use mtl_data::{Encoder, FeatureValues, Ids, Rng, Table};

use super::Embeddings;
use crate::config::RowOptimizerConfig;

fn feature(name: &str, kind: FeatureKind) -> Feature {
    Feature::new(name, "user", name, kind)
}

fn id(name: &str, buckets: usize, dim: usize) -> Feature {
    feature(name, FeatureKind::Id { rows: Rows::Buckets(buckets), dim, unseen: Unseen::Missing, init: 0.1 })
}

fn bag(name: &str, share: Option<&str>, buckets: usize, dim: usize, pool: Pool) -> Feature {
    let (rows, share) = (Rows::Buckets(buckets), share.map(str::to_owned));
    feature(
        name,
        FeatureKind::Ids { words: false, rows, dim, unseen: Unseen::Missing, init: 0.1, share, max_len: 9, pool },
    )
}

fn number(name: &str) -> Feature {
    let kind =
        FeatureKind::Number { transform: Transform::None, scale: Scale::None, missing: MissingNumber::Indicator };
    feature(name, kind)
}

/// An engine whose features are all hashed, so that any training table fits.
fn engine(features: Vec<Feature>, optimizer: RowOptimizerConfig) -> Embeddings {
    let schema =
        Schema { model: "Test".into(), features, tasks: Vec::new(), group_by: None, scores: Default::default() };
    let mut train = Table::default();
    for feature in &schema.features {
        train = match feature.kind {
            FeatureKind::Number { .. } => train.with_column(&feature.column, mtl_data::Numbers(vec![0.0])).unwrap(),
            _ => train.with_column(&feature.column, Ids::Integers([Some(1)].into_iter().collect())).unwrap(),
        };
    }
    let encoder = Encoder::fit(&schema, &train).unwrap();
    Embeddings::new(&schema, &encoder, optimizer, 7)
}

fn table(engine: &Embeddings, index: usize) -> Vec<f32> {
    engine.tables().nth(index).unwrap().values.to_vec()
}

fn random_rows(rng: &mut Rng, count: usize, rows: u64) -> Vec<u32> {
    (0..count).map(|_| rng.below(rows) as u32).collect()
}

#[test]
fn the_matrix_holds_features_side_by_side() {
    let features =
        vec![id("a", 4, 2), number("n"), bag("b", Some("a"), 4, 2, Pool::Mean), bag("c", None, 3, 4, Pool::Max)];
    let engine = engine(features, RowOptimizerConfig::sgd(1.0));
    let batch = [
        FeatureValues::Id(vec![3, 0]),
        FeatureValues::Number { values: vec![0.5, -1.0], missing: Some(vec![0.0, 1.0]) },
        FeatureValues::Ids { offsets: vec![0, 2, 2], rows: vec![1, 4] },
        FeatureValues::Ids { offsets: vec![0, 1, 3], rows: vec![2, 1, 3] },
    ];
    let (a, c) = (table(&engine, 0), table(&engine, 1));
    let mean = |i: usize| 0.5 * a[2 + i] + 0.5 * a[8 + i];
    let max = |i: usize| c[4 + i].max(c[12 + i]);
    let first = [a[6], a[7], 0.5, 0.0, mean(0), mean(1), c[8], c[9], c[10], c[11]];
    let second = [a[0], a[1], -1.0, 1.0, 0.0, 0.0, max(0), max(1), max(2), max(3)];
    assert_eq!(engine.read(&batch), [first, second].concat());
    assert_eq!((engine.width(), engine.parameters()), (10, 5 * 2 + 4 * 4));
}

/// `f(table) = sum(x * weights)`: with plain gradient descent at rate 1, a step moves each value by minus its derivative.
#[test]
fn gradients_are_finite_differences() {
    for pool in [Pool::Sum, Pool::Mean, Pool::Max] {
        let features = vec![id("a", 6, 4), bag("b", Some("a"), 6, 4, pool)];
        let mut engine = engine(features, RowOptimizerConfig::sgd(1.0));
        let mut rng = Rng::new(5);
        let batch = [
            FeatureValues::Id(random_rows(&mut rng, 5, 7)),
            FeatureValues::Ids { offsets: vec![0, 3, 3, 4, 9, 11], rows: random_rows(&mut rng, 11, 7) },
        ];
        let weights: Vec<f32> = (0..5 * 8).map(|_| rng.uniform(-1.0, 1.0) as f32).collect();
        let objective = |engine: &Embeddings| -> f64 {
            engine.read(&batch).iter().zip(&weights).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum()
        };
        let before = table(&engine, 0);
        let differences: Vec<f64> = (0..before.len())
            .map(|i| {
                let mut moved = |by: f32| {
                    let mut values = before.clone();
                    values[i] += by;
                    engine.set_values(vec![values]);
                    objective(&engine)
                };
                (moved(1e-3) - moved(-1e-3)) / 2e-3
            })
            .collect();
        engine.set_values(vec![before.clone()]);
        engine.gather(&batch);
        engine.update(&batch, &weights);
        for (i, (old, new)) in before.iter().zip(table(&engine, 0)).enumerate() {
            let analytic = f64::from(old - new);
            assert!((analytic - differences[i]).abs() < 1e-4, "{pool:?} {i}: {analytic} {}", differences[i]);
        }
    }
}

/// The same for a sequence, and for slices and weights of tasks in the rows that it reads.
#[test]
fn gradients_of_sequences_and_of_slices_are_finite_differences() {
    let tasks = || vec!["click".to_owned(), "like".to_owned()];
    let sliced = |feature: Feature| Feature { own: tasks(), wide: tasks(), ..feature };
    let features = vec![sliced(id("a", 6, 2)), sliced(bag("s", Some("a"), 6, 2, Pool::None))];
    // Nine places of a row of 2 shared, 2 + 2 own and 2 wide values, and nine marks.
    let (row, width) = (8, 8 + 9 * (8 + 1));
    let mut engine = engine(features, RowOptimizerConfig::sgd(1.0));
    assert_eq!(engine.width(), width);
    let mut rng = Rng::new(5);
    let batch = [
        FeatureValues::Id(vec![3, 0, 3]),
        FeatureValues::Ids { offsets: vec![0, 2, 2, 11], rows: random_rows(&mut rng, 11, 7) },
    ];
    let FeatureValues::Ids { rows, .. } = &batch[1] else { unreachable!() };
    let before = table(&engine, 0);
    let x = engine.read(&batch);
    let value = |id: u32| &before[id as usize * row..(id as usize + 1) * row];
    // The first row of the batch: its id, two places, seven empty ones, and their marks.
    assert_eq!(x[..row], *value(3));
    assert_eq!(x[row..3 * row], [value(rows[0]), value(rows[1])].concat());
    assert!(x[3 * row..10 * row].iter().all(|&x| x == 0.0));
    assert_eq!(x[10 * row..width], [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert!(x[width + row..2 * width].iter().all(|&x| x == 0.0), "an empty sequence");

    let weights: Vec<f32> = (0..3 * width).map(|_| rng.uniform(-1.0, 1.0) as f32).collect();
    engine.gather(&batch);
    engine.update(&batch, &weights);
    // A table's derivative is the sum of the weights of the columns that hold it.
    let mut expected = vec![0.0f32; before.len()];
    let mut add = |id: u32, at: usize| {
        (0..row).for_each(|i| expected[id as usize * row + i] += weights[at + i]);
    };
    [3, 0, 3].iter().enumerate().for_each(|(b, id)| add(*id, b * width));
    [0..2, 2..2, 2..11].into_iter().enumerate().for_each(|(b, range)| {
        rows[range].iter().enumerate().for_each(|(place, id)| add(*id, b * width + row * (1 + place)));
    });
    for (i, ((old, new), expected)) in before.iter().zip(table(&engine, 0)).zip(expected).enumerate() {
        assert!((old - new - expected).abs() < 1e-5, "{i}: {} {expected}", old - new);
    }
}

#[test]
fn slices_start_by_their_task_and_weights_at_zero() {
    let start = |own: &[&str], wide: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let feature = Feature { own: names(own), wide: names(wide), ..id("a", 3, 2) };
        let engine = engine(vec![feature], RowOptimizerConfig::sgd(1.0));
        table(&engine, 0)[..2 + 2 * own.len() + wide.len()].to_vec()
    };
    let plain = start(&[], &[]);
    let both = start(&["click", "like"], &["click"]);
    assert_eq!(both[..2], plain[..], "the shared slice is that of a table without others");
    assert_eq!(start(&["like"], &[])[2..], both[4..6], "a task's slice depends on no other task");
    assert!(both[2..4] != both[4..6] && both[..2] != both[2..4]);
    assert_eq!(both[6], 0.0);
}

/// Batches of few rows with long pauses between two reads of a row, and a gradient for each.
fn batches(steps: usize, rows: u64, dim: usize) -> Vec<(Vec<u32>, Vec<f32>)> {
    let mut rng = Rng::new(11);
    (0..steps)
        .map(|step| {
            // Rows in the upper half are read in the first ten steps only, row 1 in the first and the last.
            let within = if step < 10 { rows } else { rows / 2 };
            let mut ids: Vec<u32> = random_rows(&mut rng, 6, within).into_iter().filter(|&row| row != 1).collect();
            ids.extend((step == 0 || step == steps - 1).then_some(1));
            let gradient = (0..ids.len() * dim).map(|_| (1e-2 * rng.normal()) as f32).collect();
            (ids, gradient)
        })
        .collect()
}

/// Dense optimisers in f64, on the whole table.
fn dense(config: RowOptimizerConfig, mut w: Vec<f64>, dim: usize, batches: &[(Vec<u32>, Vec<f32>)]) -> Vec<f64> {
    let (mut m, mut v, mut a) = (vec![0.0; w.len()], vec![0.0; w.len()], vec![0.0; w.len()]);
    for (t, (rows, gradients)) in batches.iter().enumerate() {
        let t = t as i32 + 1;
        let (mut g, mut read) = (vec![0.0; w.len()], vec![false; w.len()]);
        for (row, gradient) in rows.iter().zip(gradients.chunks(dim)) {
            for (j, value) in gradient.iter().enumerate() {
                g[*row as usize * dim + j] += f64::from(*value);
                read[*row as usize * dim + j] = true;
            }
        }
        for i in 0..w.len() {
            match config {
                RowOptimizerConfig::Sgd { lr } => w[i] -= lr * g[i],
                RowOptimizerConfig::Adagrad { lr, epsilon } => {
                    a[i] += g[i] * g[i];
                    w[i] -= lr * g[i] / (f64::sqrt(a[i]) + epsilon);
                }
                RowOptimizerConfig::RowwiseAdagrad { lr, epsilon } => {
                    let row = i / dim * dim;
                    a[i] += g[row..row + dim].iter().map(|g| g * g).sum::<f64>() / dim as f64;
                    w[i] -= lr * g[i] / (f64::sqrt(a[i]) + epsilon);
                }
                RowOptimizerConfig::LazyAdam { .. } if !read[i] => {}
                RowOptimizerConfig::Adam { lr, beta1, beta2, epsilon }
                | RowOptimizerConfig::LazyAdam { lr, beta1, beta2, epsilon } => {
                    m[i] = beta1 * m[i] + (1.0 - beta1) * g[i];
                    v[i] = beta2 * v[i] + (1.0 - beta2) * g[i] * g[i];
                    w[i] -= lr / (1.0 - beta1.powi(t)) * m[i] / ((v[i] / (1.0 - beta2.powi(t))).sqrt() + epsilon);
                }
            }
        }
    }
    w
}

#[test]
fn every_optimizer_follows_its_dense_form() {
    let (rows, dim) = (40, 8);
    let batches = batches(600, rows, dim);
    for config in [
        RowOptimizerConfig::sgd(0.1),
        RowOptimizerConfig::adagrad(0.01),
        RowOptimizerConfig::rowwise_adagrad(0.01),
        RowOptimizerConfig::lazy_adam(1e-3),
        RowOptimizerConfig::adam(1e-3),
        // Moments whose quotient grows without gradients: no step may be left out.
        RowOptimizerConfig::Adam { lr: 1e-3, beta1: 0.9, beta2: 0.8, epsilon: 1e-3 },
    ] {
        let mut engine = engine(vec![id("a", rows as usize - 1, dim)], config);
        let start = table(&engine, 0).into_iter().map(f64::from).collect();
        for (ids, gradient) in &batches {
            let features = [FeatureValues::Id(ids.clone())];
            engine.gather(&features);
            engine.update(&features, gradient);
        }
        engine.settle();
        let expected = dense(config, start, dim, &batches);
        for (i, (ours, expected)) in table(&engine, 0).into_iter().zip(expected).enumerate() {
            let error = (f64::from(ours) - expected).abs();
            assert!(error < 1e-6, "{config:?} row {}: {ours} {expected}", i / dim);
        }
    }
}

/// Settling at any time changes nothing: a row that is read sees the same values.
#[test]
fn settling_early_is_settling_late() {
    let (rows, dim) = (40, 4);
    let run = |every: usize| {
        let mut engine = engine(vec![id("a", rows as usize - 1, dim)], RowOptimizerConfig::adam(1e-2));
        for (step, (ids, gradient)) in batches(100, rows, dim).iter().enumerate() {
            let features = [FeatureValues::Id(ids.clone())];
            engine.gather(&features);
            engine.update(&features, gradient);
            if step % every == 0 {
                engine.settle();
            }
        }
        engine.settle();
        table(&engine, 0)
    };
    for (often, once) in run(1).into_iter().zip(run(1000)) {
        assert!((often - once).abs() < 1e-6, "{often} {once}");
    }
}

#[test]
fn a_start_depends_on_its_table_and_row_alone() {
    let alone = engine(vec![id("a", 5, 4)], RowOptimizerConfig::sgd(1.0));
    let beside = engine(vec![id("b", 9, 8), id("a", 50, 4)], RowOptimizerConfig::sgd(1.0));
    assert_eq!(table(&alone, 0), table(&beside, 1)[..6 * 4]);
    assert_ne!(table(&beside, 0)[..4], table(&beside, 1)[..4]);
    let large = engine(vec![id("a", 20_000, 8)], RowOptimizerConfig::sgd(1.0));
    let values = table(&large, 0);
    let variance = values.iter().map(|w| f64::from(w * w)).sum::<f64>() / values.len() as f64;
    assert!((variance.sqrt() - 0.1).abs() < 1e-3, "{variance}");
}

/// The same batches on a table a thousand times as large: not a thousand times, not twice the work.
#[test]
fn a_step_does_not_cost_more_on_a_larger_table() {
    let time = |buckets: usize| {
        let mut engine = engine(vec![id("a", buckets, 16)], RowOptimizerConfig::adam(1e-3));
        let mut rng = Rng::new(3);
        let batches: Vec<_> = (0..8).map(|_| [FeatureValues::Id(random_rows(&mut rng, 2048, 1_000))]).collect();
        let gradient = vec![1e-3; 2048 * 16];
        let mut round = || {
            let start = Instant::now();
            for batch in &batches {
                engine.gather(batch);
                engine.update(batch, &gradient);
            }
            start.elapsed()
        };
        (0..20).map(|_| round()).min().unwrap_or(Duration::MAX)
    };
    let (small, large) = (time(2_000), time(2_000_000));
    assert!(large < 4 * small, "{small:?} on 2,000 rows, {large:?} on 2,000,000");
}

#[test]
fn wide_and_narrow_vectors_give_the_same_bits() {
    let config = RowOptimizerConfig::adam(1e-2);
    let mut wide = engine(vec![id("a", 30, 8)], config);
    let mut narrow = wide.clone();
    for (ids, gradient) in &batches(50, 31, 8) {
        let features = [FeatureValues::Id(ids.clone())];
        wide.gather(&features);
        wide.update(&features, gradient);
        let (tables, optimizer) = (&mut narrow.tables, &narrow.optimizer);
        tables[0].begin();
        tables[0].note(ids);
        tables[0].settle_noted(optimizer, &narrow.clock);
        tables[0].begin_sums();
        super::pool::scatter(&mut tables[0], ids, gradient, super::Columns { start: 0, width: 8 });
        tables[0].pace.step += 1;
        narrow.clock.reach(tables[0].pace.step, optimizer);
        tables[0].update(optimizer, &narrow.clock);
    }
    assert_eq!(table(&wide, 0), table(&narrow, 0));
}
