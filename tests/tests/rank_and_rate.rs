//! Rank and Rate (Hadash, Sar Shalom and Osadchy, RecSys 2018), and the inner products it is made of.

use mtl_data::simulator::FeedOptions;
use mtl_examples::feed::Feed as Data;
use mtl_runtime::data::{Column, Encoder, Ids, Labels, Numbers, Table};
use mtl_runtime::embedding::Embeddings;
use mtl_runtime::{Model, Trainer, mtl, mtl_file};
use mtl_tests::{
    Arrays, assert_close, check_golden, golden, gradients, gradients_in_groups, logits, network, normal, values, with,
};

mtl! { model Small {
    features x {
        x1: number(missing: mean), x2: number(missing: mean), x3: number(missing: mean), x4: number(missing: mean), x5: number(missing: mean),
    }
    task first: pairwise(group: request); task second: regression;
    let p = mlp(concat(x1, x2), [3], activation: none);
    let q = mlp(concat(x3, x4, x5), [3], activation: none);
    let d = mlp(concat(x3, x4, x5), [3], activation: none);
    tower first = dot(p, q);
    tower second = dot(p, q + d, through: mlp([2], activation: tanh), bias: trained);
} }

#[test]
fn rank_and_rate_agrees_with_pytorch() {
    check_golden::<Small>(&golden("rank_and_rate"), &Arrays::clone);
}

const DIM: usize = 4;
const ROWS: usize = 6;
/// Two requests of three rows each, in which one was consumed.
const GROUPS: [u64; ROWS] = [1, 1, 1, 2, 2, 2];
const LABELS: [f32; 2 * ROWS] = [1.0, 5.0, 0.0, f32::NAN, 0.0, f32::NAN, 0.0, f32::NAN, 1.0, 2.0, 0.0, f32::NAN];

/// Columns: the user's vector, the item's, the deviation.
macro_rules! rank_and_rate {
    ($name:ident: $($options:tt)*) => {
        mtl! { model $name {
            features user { user_id: id(buckets: 10, dim: 4) }
            features item {
                item_id: id(buckets: 10, dim: 4),
                deviation: id(column: item_id, buckets: 10, dim: 4, init: 0.0),
            }
            task rank: pairwise(label: consumed, group: user_id);
            task rate: regression(label: rating, where: rank);
            tower rank = dot(user_id, item_id);
            tower rate = dot(user_id, item_id + deviation $($options)*);
        } }
    };
}

rank_and_rate! { Plain: }
rank_and_rate! { Straight: , through: mlp([4], activation: none) }
rank_and_rate! { Curved: , through: mlp([5], activation: tanh), bias: trained }

/// Rows whose deviation is multiplied.
fn rows(deviation: f32) -> Vec<f32> {
    let mut x = normal("rows", ROWS * 3 * DIM);
    for row in x.chunks_mut(3 * DIM) {
        row[2 * DIM..].iter_mut().for_each(|value| *value *= deviation);
    }
    x
}

/// Weights that leave out what has no label.
fn weights() -> Vec<f32> {
    LABELS.iter().map(|label| f32::from(!label.is_nan())).collect()
}

fn column(of: &[f32], t: usize) -> Vec<f32> {
    of.iter().skip(t).step_by(2).copied().collect()
}

#[test]
fn without_deviation_and_map_the_rating_is_the_ranking() {
    let identity: Vec<f32> = (0..DIM * DIM).map(|at| f32::from(at % (DIM + 1) == 0)).collect();
    let straight = with(network::<Straight>(1), |path, shape| {
        Some(if path.ends_with("weight") { identity.clone() } else { vec![0.0; shape.iter().product()] })
    });
    for found in [logits(&straight, &rows(0.0)), logits(&network::<Plain>(1), &rows(0.0))] {
        assert_close("scores", &column(&found, 1), &column(&found, 0), 1e-6);
        assert!(column(&found, 0).iter().all(|score| score.abs() > 0.01));
    }
    let moved = logits(&straight, &rows(1.0));
    assert!(column(&moved, 0).iter().zip(column(&moved, 1)).any(|(rank, rate)| (rank - rate).abs() > 0.1));
}

#[test]
fn the_ranking_alone_moves_neither_deviation_nor_map() {
    let curved = network::<Curved>(2);
    let of = |tasks: [f32; 2]| gradients_in_groups(&curved, &rows(1.0), &LABELS, &weights(), &GROUPS, &tasks);
    let rank = of([1.0, 0.0]);
    assert!(rank.of.values().flatten().all(|slope| *slope == 0.0));
    for row in rank.x.chunks(3 * DIM) {
        assert!(row[..2 * DIM].iter().all(|slope| *slope != 0.0), "the user and the item");
        assert!(row[2 * DIM..].iter().all(|slope| *slope == 0.0), "the deviation");
    }
    let rate = of([0.0, 1.0]);
    assert!(rate.of.values().all(|gradient| gradient.iter().any(|slope| *slope != 0.0)), "{:?}", rate.of);
    // Rows without a rating add nothing; in the others the rating moves all three vectors.
    for (row, label) in rate.x.chunks(3 * DIM).zip(column(&LABELS, 1)) {
        assert!(row.iter().all(|slope| (*slope == 0.0) == label.is_nan()), "{label}: {row:?}");
    }
    let both = of([1.0, 0.5]);
    let sum: Vec<f32> = rank.x.iter().zip(&rate.x).map(|(rank, rate)| rank + 0.5 * rate).collect();
    assert_close("together", &both.x, &sum, 1e-5);
}

#[test]
fn one_map_for_both_sides() {
    let curved = network::<Curved>(2);
    let paths: Vec<String> = values(&curved).into_keys().collect();
    assert_eq!(paths, ["tower_rate.bias.value", "tower_rate.tied_1.bias", "tower_rate.tied_1.weight"]);
    assert_eq!(values(&curved)["tower_rate.bias.value"], [0.0]);
    // The sides are mapped alike: exchanging the user and the item with its deviation changes nothing.
    let exchanged: Vec<f32> =
        rows(0.0).chunks(3 * DIM).flat_map(|row| [&row[DIM..2 * DIM], &row[..DIM], &row[2 * DIM..]].concat()).collect();
    assert_close("exchanged", &logits(&curved, &exchanged), &logits(&curved, &rows(0.0)), 1e-6);
}

mtl! { model Several {
    features x { a: id(buckets: 5, dim: 3), b: id(buckets: 5, dim: 3) }
    task first: binary; task second: binary; task third: binary;
    let s = dot(a, b, through: mlp([2]));
    let h = separate(concat(a, b), mlp([3]));
    tower first = dot(a, b) + s;
    tower each = dot(a, h, through: mlp([4], activation: sigmoid), bias: trained);
} }

#[test]
fn a_tower_has_a_map_for_each_task_and_a_let_one_for_all() {
    let several = network::<Several>(3);
    let shape = |path: &str| values(&several)[path].len();
    assert_eq!((shape("s.tied_1.weight"), shape("tower_each.tied_1.weight")), (3 * 2, 2 * 3 * 4));
    let x = normal("several", 4 * 6);
    let labels: Vec<f32> = (0..12).map(|at| f32::from(at % 2 == 0)).collect();
    let reached = |task: usize| -> Vec<String> {
        let only: Vec<f32> = (0..3).map(|t| f32::from(t == task)).collect();
        let found = gradients(&several, &x, &labels, &[1.0; 12], &only);
        found
            .of
            .into_iter()
            .filter(|(_, slopes)| slopes.iter().any(|slope| *slope != 0.0))
            .map(|(path, _)| path)
            .collect()
    };
    assert!(reached(0).iter().all(|path| path.starts_with("s.")) && !reached(0).is_empty());
    assert!(reached(1).iter().all(|path| !path.starts_with("s.")));
    // The second task moves its own member alone.
    let found = gradients(&several, &x, &labels, &[1.0; 12], &[0.0, 1.0, 0.0]);
    let members: Vec<bool> =
        found.of["tower_each.tied_1.weight"].chunks(12).map(|of| of.iter().any(|g| *g != 0.0)).collect();
    assert_eq!(members, [true, false]);
    // By hand, in the tower that has no map.
    let found = logits(&several, &x);
    let with_zero_s =
        with(network::<Several>(3), |path, shape| path.starts_with("s.").then(|| vec![0.0; shape.iter().product()]));
    let plain: Vec<f32> = x.chunks(6).map(|row| row[..3].iter().zip(&row[3..]).map(|(a, b)| a * b).sum()).collect();
    let first: Vec<f32> = logits(&with_zero_s, &x).iter().step_by(3).copied().collect();
    assert_close("the inner product", &first, &plain, 1e-6);
    assert_eq!(found.len(), 12);
}

#[test]
fn a_deviation_starts_at_zero_and_a_rating_is_there_where_something_was_consumed() {
    let schema = Plain::schema(&PlainConfig::new());
    let table = Table::from_columns([
        ("user_id", Column::from(Ids::from(vec![1i64, 1, 2]))),
        ("item_id", Ids::from(vec![1i64, 2, 3]).into()),
        ("consumed", Labels(vec![1.0, 0.0, 1.0]).into()),
        ("rating", Numbers(vec![4.0, 3.0, f64::NAN]).into()),
    ])
    .unwrap();
    let encoder = Encoder::fit(&schema, &table).unwrap();
    let dataset = encoder.encode(&table).unwrap();
    assert_eq!(dataset.labels[1][0], 4.0);
    assert!(dataset.labels[1][1].is_nan(), "a rating of what was not consumed does not count");
    assert!(dataset.labels[1][2].is_nan());
    let embeddings = Embeddings::new(&schema, &encoder, PlainConfig::new().train.embeddings, 1);
    for row in embeddings.read(&dataset.features).chunks(3 * DIM) {
        assert!(row[..2 * DIM].iter().all(|value| *value != 0.0) && row[2 * DIM..] == [0.0; DIM]);
    }
}

mtl_file!("../specs/rank_and_rate.mtl");

#[test]
fn the_feed_is_ranked_and_rated() {
    let data = Data::simulate(&FeedOptions { rows: 200_000, users: 500, ..FeedOptions::default() }).unwrap();
    let mut config = RankAndRateConfig::new();
    config.train.epochs = 3;
    let trained = Trainer::<RankAndRate>::new(config, data.splits()).fit().unwrap();
    let metrics = &trained.report.split.get("test").unwrap().tasks;
    let (rank, rate) = (metrics.get("rank").unwrap(), metrics.get("rate").unwrap());
    println!("{}", trained.report.split.get("test").unwrap().table());
    assert!(rank.auc.is_none() && rank.logloss.is_none() && rate.gauc.is_none());
    let test = data.table(2);
    let constant = {
        let played: Vec<f64> = test.numbers("play_time_ms").unwrap().iter().copied().filter(|x| !x.is_nan()).collect();
        // The best constant in the transformed unit, in that of the label.
        let mean = (played.iter().map(|x| x.ln_1p()).sum::<f64>() / played.len() as f64).exp_m1();
        (played.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / played.len() as f64).sqrt()
    };
    let truth: Vec<f32> =
        data.rows[2].iter().map(|row| data.simulation.probabilities("is_click").unwrap()[*row as usize]).collect();
    let groups = test.ids("user_id").unwrap().map(0, |id| id.hash64());
    let clicks: Vec<f32> = test.numbers("is_click").unwrap().iter().map(|click| *click as f32).collect();
    let best = mtl_eval::metrics::gauc(&truth, &clicks, None, &groups, mtl_eval::metrics::GroupWeight::Rows)
        .unwrap()
        .unwrap()
        .value;
    println!("GAUC of the truth {best}, RMSE of a constant {constant}");
    assert!(rank.gauc.unwrap() < best + 0.01, "no model beats the truth by more than chance");
    assert!(rank.gauc.unwrap() > 0.65, "{rank:?}");
    assert!(rate.rmse.unwrap() < 0.9 * constant, "{rate:?}, a constant has {constant}");
    // The deviation has left its start.
    let embeddings = trained.predictor.embeddings();
    let table = embeddings.tables().find(|table| table.name == "deviation").unwrap();
    assert!(table.values.iter().any(|value| *value != 0.0));
}
