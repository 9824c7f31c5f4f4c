//! Metrics against their definitions, row by row, pair by pair and order by order.

use proptest::prelude::*;

use super::super::*;
use crate::bootstrap::Bootstrap;

/// Score, label, weight, group; few values, so that ties are common.
fn rows(most: usize) -> impl Strategy<Value = Vec<(f32, f32, f32, u64)>> {
    let score = (0u8..6).prop_map(|x| f32::from(x) / 5.0);
    let label = prop_oneof![4 => Just(0.0), 4 => Just(1.0), 1 => Just(f32::NAN)];
    prop::collection::vec((score, label, (0u8..3).prop_map(f32::from), 0u64..3), 0..most)
}

type Table = (Vec<f32>, Vec<f32>, Vec<f32>, Vec<u64>);

fn columns(rows: &[(f32, f32, f32, u64)]) -> Table {
    (
        rows.iter().map(|r| r.0).collect(),
        rows.iter().map(|r| r.1).collect(),
        rows.iter().map(|r| r.2).collect(),
        rows.iter().map(|r| r.3).collect(),
    )
}

/// The share of pairs in order, by definition.
fn pairs(rows: &[(f32, f32, f32, u64)]) -> Option<f64> {
    let (mut won, mut all) = (0.0, 0.0);
    for a in rows {
        for b in rows.iter().filter(|b| a.1 > b.1) {
            let mass = f64::from(a.2) * f64::from(b.2);
            won += mass
                * if a.0 > b.0 {
                    1.0
                } else if a.0 == b.0 {
                    0.5
                } else {
                    0.0
                };
            all += mass;
        }
    }
    (all > 0.0).then(|| won / all)
}

/// All orders of the rows from the highest score.
fn orders(rows: &[(f32, f32, f32, u64)]) -> Vec<Vec<f32>> {
    fn extend(rest: &[(f32, f32)], so_far: Vec<f32>, out: &mut Vec<Vec<f32>>) {
        let Some(best) = rest.iter().map(|r| r.0).max_by(f32::total_cmp) else {
            out.push(so_far);
            return;
        };
        for at in (0..rest.len()).filter(|&at| rest[at].0 == best) {
            let (mut rest, mut so_far) = (rest.to_vec(), so_far.clone());
            so_far.push(rest.remove(at).1);
            extend(&rest, so_far, out);
        }
    }
    let mut out = Vec::new();
    extend(&rows.iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(), Vec::new(), &mut out);
    out
}

/// A metric of one list whose order is known, by definition.
fn of_list(metric: Metric, list: &[f32]) -> f64 {
    let hits = |k: usize| list.iter().take(k).filter(|y| **y > 0.5).count() as f64;
    let all = hits(list.len());
    let at = |i: usize| 1.0 / (i as f64 + 2.0).log2();
    match metric {
        Metric::Recall(k) => hits(k) / all,
        Metric::HitRate(k) => hits(k).min(1.0),
        Metric::Mrr => 1.0 / (list.iter().position(|y| *y > 0.5).unwrap() as f64 + 1.0),
        Metric::Map(k) => {
            let places = (0..k.min(list.len())).filter(|&i| list[i] > 0.5);
            places.map(|i| hits(i + 1) / (i as f64 + 1.0)).sum::<f64>() / all.min(k as f64)
        }
        Metric::Ndcg(k) => {
            let gained: f64 = list.iter().take(k).enumerate().map(|(i, y)| (f64::from(*y).exp2() - 1.0) * at(i)).sum();
            let mut best = list.to_vec();
            best.sort_by(|a, b| b.total_cmp(a));
            gained / best.iter().take(k).enumerate().map(|(i, y)| (f64::from(*y).exp2() - 1.0) * at(i)).sum::<f64>()
        }
        _ => unreachable!(),
    }
}

fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-9,
        (a, b) => a == b,
    }
}

const ALL: [Metric; 15] = [
    Metric::Auc,
    Metric::Gauc(GroupWeight::Rows),
    Metric::Gauc(GroupWeight::Positives),
    Metric::Logloss,
    Metric::NormalizedEntropy,
    Metric::Pcoc,
    Metric::Ece(4),
    Metric::Accuracy,
    Metric::Rmse,
    Metric::Mae,
    Metric::Xauc,
    Metric::Ndcg(2),
    Metric::Map(2),
    Metric::HitRate(2),
    Metric::Mrr,
];

proptest! {
    #[test]
    fn pairs_are_counted(rows in rows(60), grades in prop::collection::vec(0u8..5, 60)) {
        let (p, y, w, _) = columns(&rows);
        prop_assert!(same(auc(&p, &y, Some(&w)).unwrap(), pairs(&rows)));
        let graded: Vec<_> = rows.iter().zip(grades).map(|(r, g)| (r.0, r.1 * f32::from(g), r.2, r.3)).collect();
        let (p, y, w, _) = columns(&graded);
        prop_assert!(same(xauc(&p, &y, Some(&w)).unwrap(), pairs(&graded)));
    }

    #[test]
    fn many_pairs_are_counted(seed in any::<u64>()) {
        // Enough rows for the halves to be split, with ties in both columns.
        let mut x = seed;
        let mut draw = |n: u64| { x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1); (x >> 33) % n };
        let rows: Vec<_> = (0..400).map(|_| (draw(90) as f32, draw(40) as f32, draw(3) as f32, 0)).collect();
        let (p, y, w, _) = columns(&rows);
        prop_assert!(same(xauc(&p, &y, Some(&w)).unwrap(), pairs(&rows)));
    }

    #[test]
    fn lists_are_means_over_the_orders_of_ties(rows in rows(7), k in 1usize..5, grade in 1u8..4) {
        let rows: Vec<_> = rows.iter().map(|r| (r.0, r.1 * f32::from(grade), 1.0, 0)).collect();
        let (p, y, _, g) = columns(&rows);
        let counted: Vec<_> = rows.iter().copied().filter(|r| !r.1.is_nan()).collect();
        for metric in [Metric::Ndcg(k), Metric::Map(k), Metric::Recall(k), Metric::HitRate(k), Metric::Mrr] {
            let expected = counted.iter().any(|r| r.1 > 0.0).then(|| {
                let orders = orders(&counted);
                orders.iter().map(|list| of_list(metric, list)).sum::<f64>() / orders.len() as f64
            });
            let found = metric.of(Columns::new(&p, &y).groups(Some(&g))).unwrap();
            prop_assert!(same(found, expected), "{metric} {found:?} {expected:?}");
        }
    }

    #[test]
    fn groups_and_row_order(rows in rows(40)) {
        let (p, y, w, g) = columns(&rows);
        let found = gauc(&p, &y, Some(&w), &g, GroupWeight::Rows).unwrap();
        let (mut sum, mut total) = (0.0, 0.0);
        for group in 0..3 {
            let members: Vec<_> = rows.iter().copied().filter(|r| r.3 == group && !r.1.is_nan()).collect();
            let mass: f64 = members.iter().map(|r| f64::from(r.2)).sum();
            if let Some(auc) = pairs(&members) {
                sum += mass * auc;
                total += mass;
            }
        }
        prop_assert!(same(found.map(|found| found.value), (total > 0.0).then(|| sum / total)));
        // A monotone map of one group's scores changes nothing; nor does the order of the rows.
        let moved: Vec<f32> = p.iter().zip(&g).map(|(p, g)| p * (*g as f32 + 1.0) - *g as f32).collect();
        prop_assert_eq!(gauc(&moved, &y, Some(&w), &g, GroupWeight::Rows).unwrap(), found);
        let (rp, ry, rw, rg) = columns(&rows.iter().rev().copied().collect::<Vec<_>>());
        for metric in ALL {
            let a = metric.of(Columns::new(&p, &y).weights(Some(&w)).groups(Some(&g))).unwrap();
            let b = metric.of(Columns::new(&rp, &ry).weights(Some(&rw)).groups(Some(&rg))).unwrap();
            prop_assert!(same(a, b), "{metric}");
        }
    }

    /// Drawing units is repeating their rows.
    #[test]
    fn counts_are_copies(rows in rows(30), times in prop::collection::vec(0u32..3, 30), grouped in any::<bool>()) {
        let (p, y, w, g) = columns(&rows);
        let counted: Vec<usize> = (0..rows.len()).filter(|&i| !y[i].is_nan() && w[i] > 0.0).collect();
        let mut ids: Vec<u64> = counted.iter().map(|&i| g[i]).collect();
        ids.sort_unstable();
        ids.dedup();
        for metric in ALL.into_iter().filter(|metric| grouped || !metric.needs_groups()) {
            let columns_of = Columns::new(&p, &y).weights(Some(&w)).groups(grouped.then_some(&g));
            let prepared = metric.prepare(columns_of).unwrap();
            prop_assert_eq!(prepared.units(), if grouped { ids.len() } else { counted.len() });
            prop_assert!(same(prepared.value(), metric.of(columns_of).unwrap()));
            let mut copies = Vec::new();
            for (unit, &i) in counted.iter().enumerate() {
                let unit = if grouped { ids.iter().position(|id| *id == g[i]).unwrap() } else { unit };
                for copy in 0..times[unit] {
                    // A group that is drawn twice is two groups.
                    copies.push((p[i], y[i], w[i], g[i] * 10 + u64::from(copy)));
                }
            }
            let (cp, cy, cw, cg) = columns(&copies);
            let expected = metric.of(Columns::new(&cp, &cy).weights(Some(&cw)).groups(grouped.then_some(&cg))).unwrap();
            let found = prepared.value_of(&times);
            prop_assert!(same(found, expected), "{metric} {found:?} {expected:?}");
        }
    }
}

#[test]
fn intervals_are_seeded_paired_and_as_wide_as_theory_says() {
    let n = 2000;
    let y: Vec<f32> = (0..n).map(|i| (i % 4 == 0) as u8 as f32).collect();
    let p: Vec<f32> = (0..n).map(|i| ((i * 7919) % n) as f32 / n as f32).collect();
    let bootstrap = Bootstrap::new(1000, 3);
    let columns = Columns::new(&p, &y);
    let found = bootstrap.interval(Metric::Accuracy, columns).unwrap().unwrap();
    let theory = 2.0 * 1.96 * (found.value * (1.0 - found.value) / n as f64).sqrt();
    assert!((found.high - found.low - theory).abs() < 0.15 * theory, "{found:?} {theory}");
    assert!(found.low < found.value && found.value < found.high);
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let again = alone.install(|| bootstrap.interval(Metric::Accuracy, columns).unwrap().unwrap());
    assert_eq!(again, found);
    assert_ne!(Bootstrap::new(1000, 4).interval(Metric::Accuracy, columns).unwrap().unwrap(), found);
    // A model against itself has no difference, in no draw; against nearly itself a small one.
    for metric in [Metric::Auc, Metric::Logloss, Metric::Ece(10), Metric::Xauc] {
        let zero = bootstrap.difference(metric, columns, &p).unwrap().unwrap();
        assert_eq!((zero.value, zero.low, zero.high), (0.0, 0.0, 0.0));
    }
    let better: Vec<f32> = p.iter().zip(&y).map(|(p, y)| 0.99 * p + 0.01 * y).collect();
    let gain = bootstrap.difference(Metric::Auc, Columns::new(&better, &y), &p).unwrap().unwrap();
    let wide = bootstrap.interval(Metric::Auc, columns).unwrap().unwrap();
    assert!(gain.excludes_zero() && gain.high - gain.low < 0.2 * (wide.high - wide.low), "{gain:?} {wide:?}");
    // Models of several seeds: the mean in each draw, not of the ends.
    let pairs = |first, second| bootstrap.mean_difference(Metric::Auc, &[first, second]).unwrap().unwrap();
    let half = pairs((Columns::new(&better, &y), &p), (columns, &p));
    assert_eq!((half.value, half.low, half.high), (gain.value / 2.0, gain.low / 2.0, gain.high / 2.0));
    let nothing = pairs((Columns::new(&better, &y), &p), (columns, &better));
    assert_eq!((nothing.value, nothing.low, nothing.high), (0.0, 0.0, 0.0));
    let fewer = (Columns::new(&p[1..], &y[1..]), &p[1..]);
    assert!(bootstrap.mean_difference(Metric::Auc, &[(columns, &p[..]), fewer]).is_err());
    assert_eq!(bootstrap.mean_difference(Metric::Auc, &[]).unwrap(), None);
    assert!(Bootstrap::new(1, 0).interval(Metric::Auc, columns).is_err());
    assert_eq!(bootstrap.interval(Metric::Auc, Columns::new(&p, &vec![1.0; n])).unwrap(), None);
}
