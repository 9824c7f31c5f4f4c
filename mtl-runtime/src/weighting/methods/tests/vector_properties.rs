//! What holds for the methods on gradients themselves.

use proptest::prelude::*;

use super::support::*;
use crate::weighting::methods::vectors::*;
use crate::weighting::methods::{Failure, project_on_simplex};

fn views(rows: &Rows) -> Vec<Option<&[f64]>> {
    rows.iter().map(|row| Some(row.as_slice())).collect()
}

fn balance(tasks: usize, relax: f64, beta: f64, strategy: BalanceStrategy) -> MetaBalance {
    MetaBalance::new(tasks, 2, MetaBalanceOptions { target: 0, relax, beta, strategy }).expect("valid")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn balance_of_magnitudes(norms in factors(3), next in factors(3), relax in 0.0..=1.0f64, scale in factors(1)) {
        let given = options(&norms);
        let ones = vec![1.0; 3];
        // No relaxation is the plain sum.
        prop_assert_eq!(balance(3, 0.0, 0.9, BalanceStrategy::Both).factors(0, &given), Ok(ones.clone()));
        // A full one, without a past or with constant gradients, gives all the length of the target.
        for beta in [0.0, 0.9] {
            let mut method = balance(3, 1.0, beta, BalanceStrategy::Both);
            for _ in 0..3 {
                let found = method.factors(1, &given).expect("finite");
                let lengths: Vec<f64> = found.iter().zip(&norms).map(|(f, n)| f * n).collect();
                prop_assert!(agree(&lengths, &[norms[0]; 3], 1e-12));
            }
        }
        for strategy in [BalanceStrategy::Shrink, BalanceStrategy::Enlarge, BalanceStrategy::Both] {
            let mut method = balance(3, relax, 0.9, strategy);
            let mut rescaled = balance(3, 1.0, 0.9, strategy);
            let mut plain = balance(3, 1.0, 0.9, strategy);
            for norms in [&norms, &next] {
                let found = method.factors(0, &options(norms)).expect("finite");
                prop_assert_eq!(found[0], 1.0);
                prop_assert!(strategy != BalanceStrategy::Shrink || found.iter().all(|f| *f <= 1.0 + 1e-12));
                prop_assert!(strategy != BalanceStrategy::Enlarge || found.iter().all(|f| *f >= 1.0 - 1e-12));
                // The scale of an auxiliary loss changes nothing at full balance, where the strategy is the same for
                // all.
                if strategy == BalanceStrategy::Both {
                    let other = [norms[0], norms[1] * scale[0], norms[2]];
                    let a = plain.factors(0, &options(norms)).expect("finite");
                    let b = rescaled.factors(0, &options(&other)).expect("finite");
                    prop_assert!(agree(&[a[1] * norms[1]], &[b[1] * other[1]], 1e-9));
                }
            }
        }
    }

    #[test]
    fn the_projection_on_the_simplex(values in prop::collection::vec(-3.0..3.0f64, 1..8), total in 0.1..2.0f64) {
        let found = project_on_simplex(&values, total);
        prop_assert!(found.iter().all(|x| *x >= 0.0) && (found.iter().sum::<f64>() - total).abs() < 1e-12);
        prop_assert!(agree_beside(&project_on_simplex(&found, total), &found, 1e-12, 1.0));
        // No corner of the simplex lies beyond it as seen from the point: the condition of the nearest point.
        for k in 0..values.len() {
            let product: f64 = (0..values.len())
                .map(|i| (values[i] - found[i]) * (if i == k { total } else { 0.0 } - found[i]))
                .sum();
            prop_assert!(product <= 1e-9);
        }
    }

    #[test]
    fn remembered_gradients_get_one_length(
        first in independent(3..=3),
        second in independent(3..=3),
        beta in 0.0..0.95f64,
    ) {
        let mut method = DbMtl::<f64>::new(3, 3, DbMtlOptions { beta, sigma: 0.5 }).expect("valid");
        let losses = options(&[0.5, 1.0, 2.0]);
        for rows in [&first, &second] {
            let weights = method.weights(&views(rows), &losses).expect("finite");
            let lengths: Vec<f64> = weights.iter().zip(method.memory()).map(|(w, m)| w * norm(m)).collect();
            prop_assert!(agree(&lengths, &[lengths[0]; 3], 1e-12));
            prop_assert!(weights.iter().all(|w| *w >= 1.0 - 1e-12));
        }
        let mut without = DbMtl::<f64>::new(3, 3, DbMtlOptions { beta: 0.0, sigma: 0.0 }).expect("valid");
        without.weights(&views(&first), &losses).expect("finite");
        let mut new = without.clone();
        let after = without.weights(&views(&second), &losses).expect("finite");
        new.restore(&[0.0; 10]).expect("of this length");
        prop_assert!(agree(&after, &new.weights(&views(&second), &losses).expect("finite"), 1e-12));
    }

    #[test]
    fn excess_weights_sum_to_the_tasks_and_grow_with_the_excess(rows in independent(3..=3), grow in 1.5..5.0f64) {
        let mut method = Excess::<f64>::new(3, 3, ExcessOptions::default()).expect("valid");
        close(&method.weights(&views(&rows)).expect("finite"), &[1.0; 3]);
        let next = scaled(&rows, &[grow, 1.0, 0.1]);
        let weights = method.weights(&views(&next)).expect("finite");
        prop_assert!((weights.iter().sum::<f64>() - 3.0).abs() < 1e-12);
        prop_assert!(weights[0] > weights[1] && weights[1] > weights[2] && weights[2] > 0.0);
    }

    #[test]
    fn signs_that_agree_drop_nothing(rows in gradients(1..=4), seed in 0u64..100) {
        let tasks = rows.len();
        let positive: Rows = rows.iter().map(|row| row.iter().map(|x| x.abs() + 0.01).collect()).collect();
        let negative: Rows = positive.iter().map(|row| row.iter().map(|x| -x).collect()).collect();
        let columns = rows[0].len();
        let z = vec![1.0; columns];
        for all in [&positive, &negative] {
            let options = GradDropOptions { seed, ..GradDropOptions::default() };
            let mut method = GradDrop::new(tasks, options).expect("valid");
            prop_assert_eq!(method.factors(&z, columns, &views(all)), Ok(vec![vec![1.0; columns]; tasks]));
        }
        let leaky = GradDropOptions { leak: vec![1.0; tasks], seed };
        let mut method = GradDrop::new(tasks, leaky).expect("valid");
        prop_assert_eq!(method.factors(&z, columns, &views(&rows)), Ok(vec![vec![1.0; columns]; tasks]));
    }

    #[test]
    fn tracked_gradients_have_shares(first in independent(3..=3), losses in factors(3)) {
        let mut method = Moco::<f64>::new(3, 3, MocoOptions::default()).expect("valid");
        for _ in 0..4 {
            let weights = method.weights(&views(&first), &options(&losses)).expect("finite");
            prop_assert!(weights.iter().all(|w| *w >= 0.0) && (weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        // Tracked gradients go to the direction of each gradient, at the length of its loss.
        for (tracked, (row, loss)) in method.tracked().iter().zip(first.iter().zip(&losses)) {
            prop_assert!(norm(tracked) <= loss * (1.0 + 1e-12));
            prop_assert!((dot(tracked, row) - norm(tracked) * norm(row)).abs() < 1e-9 * norm(tracked) * norm(row));
        }
    }
}

#[test]
fn one_sign_remains_in_each_column_and_the_majority_more_often() {
    // In the first column 3 against 1, in the second all against nothing.
    let rows = rows(&[&[3.0, 1.0], &[-1.0, 2.0]]);
    let mut method = GradDrop::new(2, GradDropOptions { seed: 5, ..GradDropOptions::default() }).expect("valid");
    let mut positive = 0;
    for _ in 0..4000 {
        let factors = method.factors(&[0.5, 1.0], 2, &views(&rows)).expect("finite");
        assert_eq!(factors[0][0] + factors[1][0], 1.0);
        assert_eq!([factors[0][1], factors[1][1]], [1.0, 1.0]);
        positive += u32::from(factors[0][0] == 1.0);
    }
    // The purity is (1 + 2 / 4) / 2.
    assert!((f64::from(positive) / 4000.0 - 0.75).abs() < 0.03, "{positive}");
}

#[test]
fn the_sign_of_the_representation_and_the_sum_over_rows_count() {
    // Two rows of one column: the sign of z turns the second.
    let mut method = GradDrop::new(2, GradDropOptions::default()).expect("valid");
    let (a, b) = ([1.0, -2.0], [-1.0, 2.0]);
    let factors = method.factors(&[1.0, -1.0], 1, &[Some(&a), Some(&b)]).expect("finite");
    assert_eq!(factors[0][0] + factors[1][0], 1.0);
    // Sums of 0: nothing to keep, and no number that is none.
    assert_eq!(method.factors(&[1.0, 1.0], 1, &[Some(&[1.0, -1.0]), None]), Ok(vec![vec![0.0], vec![0.0]]));
    assert!(method.factors(&[1.0; 3], 2, &[Some(&[1.0; 3]), None]).is_err());
}

#[test]
fn a_gradient_of_zero_is_left_as_it_is() {
    let mut method = balance(2, 1.0, 0.9, BalanceStrategy::Both);
    assert_eq!(method.factors(0, &[Some(0.0), Some(2.0)]), Ok(vec![1.0, 1.0]));
    assert_eq!(method.factors(1, &[Some(2.0), Some(0.0)]), Ok(vec![1.0, 1.0]));
    assert_eq!(method.factors(0, &[Some(f64::NAN), Some(0.0)]), Err(Failure::NotFinite));
    assert!(method.factors(2, &[Some(1.0), Some(1.0)]).is_err());
}

#[test]
fn a_task_with_fewer_batches_is_not_taken_for_a_shorter_one() {
    let mut method = balance(2, 1.0, 0.9, BalanceStrategy::Both);
    for _ in 0..5 {
        assert_eq!(method.factors(0, &[Some(1.0), None]), Ok(vec![1.0, 0.0]));
    }
    let found = method.factors(0, &[Some(1.0), Some(1.0)]).expect("finite");
    assert!(agree(&found, &[1.0, 1.0], 1e-12), "{found:?}");
}

#[test]
fn missing_tasks_keep_their_memories() {
    let j = rows(&[&[1.0, 0.0], &[0.0, 2.0]]);
    let part = [Some(j[0].as_slice()), None];
    let losses = [Some(1.0), None];
    let mut db = DbMtl::<f64>::new(2, 2, DbMtlOptions::default()).expect("valid");
    db.weights(&views(&j), &[Some(1.0), Some(1.0)]).expect("finite");
    let kept = db.memory()[1].clone();
    assert_eq!(db.weights(&part, &losses), Ok(vec![1.0, 0.0]));
    assert_eq!(db.memory()[1], kept);
    let mut moco = Moco::<f64>::new(2, 2, MocoOptions::default()).expect("valid");
    moco.weights(&views(&j), &[Some(1.0), Some(1.0)]).expect("finite");
    let kept = moco.tracked()[1].clone();
    assert!(moco.weights(&part, &losses).expect("finite")[1] > 0.0);
    assert_eq!(moco.tracked()[1], kept);
    let mut excess = Excess::<f64>::new(2, 2, ExcessOptions::default()).expect("valid");
    assert_eq!(excess.weights(&part), Ok(vec![1.0, 0.0]));
    assert_eq!(excess.weights(&views(&j)).expect("finite").len(), 2);
}

#[test]
fn wrong_input_is_a_failure_and_changes_nothing() {
    let bad = [f64::NAN, 0.0];
    let good = [1.0, 2.0];
    let gradients = [Some(good.as_slice()), Some(bad.as_slice())];
    let losses = [Some(1.0), Some(1.0)];
    let mut db = DbMtl::<f64>::new(2, 2, DbMtlOptions::default()).expect("valid");
    let mut moco = Moco::<f64>::new(2, 2, MocoOptions::default()).expect("valid");
    let mut excess = Excess::<f64>::new(2, 2, ExcessOptions::default()).expect("valid");
    let before = (db.state(), moco.state(), format!("{:?}", excess.state()));
    assert_eq!(db.weights(&gradients, &losses), Err(Failure::NotFinite));
    assert_eq!(moco.weights(&gradients, &losses), Err(Failure::NotFinite));
    assert_eq!(excess.weights(&gradients), Err(Failure::NotFinite));
    let gradients = [Some(good.as_slice()), Some(good.as_slice())];
    assert!(matches!(db.weights(&gradients, &[Some(1.0), Some(-1.0)]), Err(Failure::NotPositive { task: 1, .. })));
    assert!(moco.weights(&gradients, &[Some(1.0), None]).is_err());
    assert!(excess.weights(&[Some(good.as_slice())]).is_err());
    assert!(excess.weights(&[Some(&good[..1]), None]).is_err());
    assert_eq!(before, (db.state(), moco.state(), format!("{:?}", excess.state())));
}

#[test]
fn gradients_in_single_precision_are_summed_in_double() {
    let rows: Vec<Vec<f32>> = vec![vec![1.0, 1e-4], vec![0.5, -2.0]];
    let views: Vec<Option<&[f32]>> = rows.iter().map(|row| Some(row.as_slice())).collect();
    let mut method = DbMtl::<f32>::new(2, 2, DbMtlOptions { beta: 0.0, sigma: 0.0 }).expect("valid");
    let weights = method.weights(&views, &[Some(1.0), Some(1.0)]).expect("finite");
    let sum: Vec<f32> = combine(method.memory(), &weights).expect("as many");
    assert_eq!(sum.len(), 2);
    assert!(combine::<f32>(&rows, &[1.0]).is_err());
}
