//! Properties that hold for all data.

use std::sync::Arc;

use crate::shared::{category, number, schema};
use mtl_data::schema::{Schema, Transform};
use mtl_data::{Batches, Dataset, Encoder, FeatureValues, Ids, Numbers, Order, Table};
use mtl_eval::metrics::{GroupWeight, auc, gauc};
use proptest::collection::vec;
use proptest::prelude::*;

/// AUC by its definition: every pair of a positive and a negative row.
fn brute_force(scores: &[f32], labels: &[f32], weights: &[f32]) -> Option<f64> {
    let (mut won, mut pairs) = (0.0, 0.0);
    for i in 0..scores.len() {
        for j in 0..scores.len() {
            let pair = f64::from(labels[i] * weights[i]) * f64::from((1.0 - labels[j]) * weights[j]);
            pairs += pair;
            won += pair
                * if scores[i] > scores[j] {
                    1.0
                } else if scores[i] == scores[j] {
                    0.5
                } else {
                    0.0
                };
        }
    }
    (pairs > 0.0).then(|| won / pairs)
}

/// Rows of few distinct scores, so that ties are common: score, label, weight, group.
fn rows() -> impl Strategy<Value = Vec<(f32, f32, f32, u64)>> {
    let row = ((0..12u8).prop_map(|s| f32::from(s) / 4.0 - 1.0), prop::bool::ANY, 0..4u8, 0..5u64);
    vec(
        row.prop_map(|(score, label, weight, group)| (score, f32::from(u8::from(label)), f32::from(weight), group)),
        0..60,
    )
}

fn unzip(rows: &[(f32, f32, f32, u64)]) -> (Vec<f32>, Vec<f32>, Vec<f32>, Vec<u64>) {
    let column = |f: fn(&(f32, f32, f32, u64)) -> f32| rows.iter().map(f).collect();
    (column(|r| r.0), column(|r| r.1), column(|r| r.2), rows.iter().map(|r| r.3).collect())
}

fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-9,
        (a, b) => a == b,
    }
}

fn plain(rows: usize) -> Arc<Dataset> {
    let features = vec![FeatureValues::Id((0..rows as u32).collect())];
    let (labels, weights) = (Vec::new(), Vec::new());
    Arc::new(Dataset { rows, features, labels, weights, groups: None, warnings: Vec::new() })
}

proptest! {
    #[test]
    fn auc_is_its_definition(rows in rows()) {
        let (scores, labels, weights, _) = unzip(&rows);
        let expected = brute_force(&scores, &labels, &weights);
        prop_assert!(same(auc(&scores, &labels, Some(&weights)).unwrap(), expected));
        let expected = brute_force(&scores, &labels, &vec![1.0; rows.len()]);
        prop_assert!(same(auc(&scores, &labels, None).unwrap(), expected));
    }

    #[test]
    fn auc_of_turned_scores_or_labels_is_the_rest(rows in rows()) {
        let (scores, labels, _, _) = unzip(&rows);
        let rest = auc(&scores, &labels, None).unwrap().map(|auc| 1.0 - auc);
        let turned: Vec<f32> = scores.iter().map(|s| -s).collect();
        let others: Vec<f32> = labels.iter().map(|y| 1.0 - y).collect();
        prop_assert!(same(auc(&turned, &labels, None).unwrap(), rest));
        prop_assert!(same(auc(&scores, &others, None).unwrap(), rest));
    }

    #[test]
    fn gauc_does_not_see_a_monotone_change_within_groups(rows in rows()) {
        let (scores, labels, _, groups) = unzip(&rows);
        let value = |scores: &[f32]| gauc(scores, &labels, None, &groups, GroupWeight::Rows).unwrap();
        let changed: Vec<f32> = scores.iter().zip(&groups).map(|(s, &g)| (s + 2.0).powi(3) - 50.0 * g as f32).collect();
        prop_assert_eq!(value(&scores), value(&changed));
    }

    #[test]
    fn gauc_is_the_mean_of_the_groups(rows in rows()) {
        let (scores, labels, _, groups) = unzip(&rows);
        let (mut sum, mut used) = (0.0, 0.0);
        for group in 0..5 {
            let rows: Vec<usize> = (0..groups.len()).filter(|&r| groups[r] == group).collect();
            let of = |column: &[f32]| rows.iter().map(|&r| column[r]).collect::<Vec<_>>();
            if let Some(auc) = auc(&of(&scores), &of(&labels), None).unwrap() {
                sum += auc * rows.len() as f64;
                used += rows.len() as f64;
            }
        }
        let expected = (used > 0.0).then(|| sum / used);
        prop_assert!(same(gauc(&scores, &labels, None, &groups, GroupWeight::Rows).unwrap().map(|gauc| gauc.value), expected));
        let one = gauc(&scores, &labels, None, &vec![3; rows.len()], GroupWeight::Rows).unwrap().map(|gauc| gauc.value);
        prop_assert!(same(one, auc(&scores, &labels, None).unwrap()));
    }

    #[test]
    fn an_epoch_visits_every_row_once(rows in 0..200usize, size in 1..50usize, seed: u64, epoch: u64) {
        for order in [Order::Sequential, Order::Shuffled { seed, epoch }] {
            let batches: Vec<_> = Batches::new(plain(rows), size, order).unwrap().collect();
            let mut visited: Vec<u32> = batches.iter().flat_map(|batch| batch.rows.clone()).collect();
            prop_assert_eq!(&visited, &order.rows(rows));
            prop_assert!(batches.iter().rev().skip(1).all(|batch| batch.rows.len() == size));
            visited.sort_unstable();
            prop_assert!(visited.into_iter().eq(0..rows as u32));
        }
    }

    #[test]
    fn the_order_depends_on_seed_and_epoch(seed: u64, epoch in 0..1000u64) {
        let order = |seed, epoch| Order::Shuffled { seed, epoch }.rows(100);
        prop_assert_eq!(order(seed, epoch), order(seed, epoch));
        prop_assert_ne!(order(seed, epoch), order(seed, epoch + 1));
        prop_assert_ne!(order(seed, epoch), order(seed.wrapping_add(1), epoch));
    }

    #[test]
    fn a_saved_encoder_encodes_the_same(
        train in vec((prop::option::of(-5..5i64), "[a-c]{0,2}", prop::option::of(0.0..1e6f64)), 1..40),
        test in vec((prop::option::of(any::<i64>()), "[a-d]{0,2}", prop::option::of(0.0..1e6f64)), 0..40),
    ) {
        let table = |rows: &[(Option<i64>, String, Option<f64>)]| Table::from_columns([
            ("id", mtl_data::Column::from(Ids::from(rows.iter().map(|r| r.0).collect::<Vec<_>>()))),
            ("kind", Ids::from(rows.iter().map(|r| r.1.clone()).collect::<Vec<_>>()).into()),
            ("x", Numbers::from(rows.iter().map(|r| r.2).collect::<Vec<_>>()).into()),
        ]).unwrap();
        let schema: Schema = schema(vec![category("id"), category("kind"), number("x", Transform::Log1p)], vec![]);
        // A column without any value is refused; nothing else may be.
        prop_assume!(train.iter().any(|r| r.0.is_some()) && train.iter().any(|r| r.2.is_some()));
        let encoder = Encoder::fit(&schema, &table(&train)).unwrap();
        let loaded: Encoder = serde_json::from_str(&serde_json::to_string(&encoder).unwrap()).unwrap();
        let (a, b) = (encoder.encode(&table(&test)).unwrap(), loaded.encode(&table(&test)).unwrap());
        prop_assert_eq!(&a, &b);
        for (index, values) in a.features.iter().enumerate() {
            match values {
                FeatureValues::Id(rows) => prop_assert!(rows.iter().all(|&r| (r as usize) < encoder.table_rows(index))),
                FeatureValues::Number { values, .. } => prop_assert!(values.iter().all(|v| v.is_finite())),
                FeatureValues::Ids { .. } => prop_assert!(false),
            }
        }
    }

    #[test]
    fn filter_and_take_keep_rows_whole(values in vec((any::<i64>(), any::<bool>()), 0..60)) {
        let (ids, mask): (Vec<i64>, Vec<bool>) = values.iter().copied().unzip();
        let twin: Vec<String> = ids.iter().map(i64::to_string).collect();
        let table = Table::from_columns([("a", Ids::from(ids)), ("b", Ids::from(twin))]).unwrap().filter(&mask).unwrap();
        let (a, b) = (table.ids("a").unwrap(), table.ids("b").unwrap());
        prop_assert_eq!(a.len(), mask.iter().filter(|kept| **kept).count());
        prop_assert!((0..a.len()).all(|row| a.get(row) == b.get(row)));
    }
}
