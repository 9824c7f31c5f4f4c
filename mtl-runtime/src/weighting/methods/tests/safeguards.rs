//! One task, equal, absent and opposite gradients, far scales, and numbers that are none: an answer or a failure, and
//! never a panic.

use proptest::prelude::*;

use super::support::*;
use crate::weighting::methods::gramian::*;
use crate::weighting::methods::loss::*;
use crate::weighting::methods::vectors::combine;
use crate::weighting::methods::{Convention, Failure, Guard, Matrix, Rules};

fn guard(tasks: usize, rules: Rules) -> Guard {
    Guard::new(tasks, rules).expect("valid")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn one_task_goes_down_its_own_gradient(rows in gradients(1..=1)) {
        prop_assume!(norm(&rows[0]) > 1e-3);
        for method in &mut all_gramian(1) {
            let (weights, _) = step(&mut **method, &rows);
            prop_assert!(weights[0] > 0.0, "{}", method.name());
            // Where the scale is that of the sum or the mean, the weight of the one task is 1.
            if method.convention() != Convention::Own && method.name() != "cagrad" && method.name() != "mgda" {
                prop_assert!((weights[0] - 1.0).abs() < 1e-9, "{} {}", method.name(), weights[0]);
            }
        }
    }

    #[test]
    fn tasks_with_one_gradient_go_down_it(rows in gradients(1..=1), count in 2usize..6) {
        prop_assume!(norm(&rows[0]) > 1e-3);
        let same: Rows = vec![rows[0].clone(); count];
        for method in &mut all_gramian(count) {
            let (_, d) = step(&mut **method, &same);
            prop_assert!(dot(&d, &rows[0]) > 0.0, "{}", method.name());
            prop_assert!((dot(&d, &rows[0]) - norm(&d) * norm(&rows[0])).abs() < 1e-9 * norm(&d) * norm(&rows[0]));
        }
    }

    #[test]
    fn a_task_told_twice_changes_no_shortest_sum(rows in gradients(2..=5)) {
        let mut twice = rows.clone();
        twice.push(rows[0].clone());
        let (_, once) = step(&mut mgda(Normalize::None, false), &rows);
        prop_assert!(agree_beside(&once, &step(&mut mgda(Normalize::None, false), &twice).1, 1e-7, 1.0));
        for method in &mut all_gramian(twice.len()) {
            if let Ok(weights) = method.weights(&gram(&twice)) {
                prop_assert!(weights.iter().all(|w| w.is_finite()), "{}", method.name());
            }
        }
    }

    #[test]
    fn a_gradient_of_zero_changes_nothing_for_the_others(rows in independent(2..=5), place in 0usize..6) {
        let tasks = rows.len() + 1;
        let place = place % tasks;
        let mut with = rows.clone();
        with.insert(place, vec![0.0; rows[0].len()]);
        let others: Vec<usize> = (0..tasks).filter(|&t| t != place).collect();
        for (mut first, mut second) in all_gramian(tasks).into_iter().zip(all_gramian(tasks)) {
            let full = gram(&with);
            let inner = full.matrix().select(&others);
            let part = Gram::new(inner, vec![1.0; others.len()], others.clone()).expect("finite");
            let found = first.weights(&full).expect("independent");
            let expected = second.weights(&part).expect("independent");
            prop_assert_eq!(others.iter().map(|&t| found[t]).collect::<Vec<_>>(), expected, "{}", first.name());
            prop_assert_eq!(found[place], first.convention().equal(tasks));
            // The same of a missing task, but for its own weight.
            let mut losses = vec![Some(1.0); tasks];
            losses[place] = None;
            let mut third = all_gramian(tasks).into_iter().find(|m| m.name() == first.name()).expect("of this name");
            let masked = guard(tasks, Rules::default()).weigh_gradients(&mut *third, full.matrix(), &losses);
            prop_assert_eq!(masked[place], 0.0);
        }
    }

    #[test]
    fn opposite_gradients_have_an_answer_or_a_failure(rows in gradients(1..=1), factor in 0.1..10.0f64) {
        prop_assume!(norm(&rows[0]) > 1e-3);
        let opposite = scaled(&vec![rows[0].clone(); 2], &[1.0, -factor]);
        for method in &mut all_gramian(2) {
            match method.weights(&gram(&opposite)) {
                Ok(weights) => {
                    prop_assert!(weights.iter().all(|w| w.is_finite()), "{}", method.name());
                    let d = combine::<f64>(&opposite, &weights).expect("as many");
                    let stationary = ["pcgrad", "imtl_g", "upgrad", "gradvac"].contains(&method.name());
                    prop_assert!(!stationary || norm(&d) < 1e-6 * (1.0 + factor), "{} {}", method.name(), norm(&d));
                }
                Err(failure) => {
                    prop_assert_eq!(failure, Failure::NoSolution);
                    prop_assert!(["nash", "fairgrad"].contains(&method.name()), "{}", method.name());
                }
            }
        }
        let (_, d) = step(&mut mgda(Normalize::None, false), &opposite);
        prop_assert!(norm(&d) < 1e-6);
    }

    #[test]
    fn the_scale_of_all_gradients_leaves_the_shares(rows in independent(1..=6)) {
        let tasks = rows.len();
        for scale in [1e150, 1e-150] {
            for (mut plain, mut far) in all_gramian(tasks).into_iter().zip(all_gramian(tasks)) {
                let shares = |weights: Vec<f64>| {
                    let size = weights.iter().fold(0.0f64, |size, w| size.max(w.abs()));
                    weights.iter().map(|w| w / size).collect::<Vec<_>>()
                };
                let expected = shares(plain.weights(&gram(&rows)).expect("independent"));
                let found = far.weights(&gram(&scaled(&rows, &vec![scale; tasks])));
                let found = shares(found.unwrap_or_else(|failure| panic!("{} {failure}", far.name())));
                prop_assert!(agree(&expected, &found, 1e-7), "{} {expected:?} {found:?}", plain.name());
            }
        }
    }

    #[test]
    fn scales_far_from_each_other_have_an_answer(rows in independent(3..=3), order in 0usize..3, far in 3u8..120) {
        let far = 10f64.powi(far.into());
        let mut factors = [far, 1.0, 1.0 / far];
        factors.rotate_left(order);
        let spread = scaled(&rows, &factors);
        for method in &mut all_gramian(3) {
            let mut guard = guard(3, Rules::default());
            for _ in 0..3 {
                let weights = guard.weigh_gradients(&mut **method, &Matrix::gram::<f64>(&spread), &[Some(1.0); 3]);
                prop_assert!(weights.iter().all(|w| w.is_finite()), "{}", method.name());
            }
            // The bargain, the balances and the projections know no scale.
            if far < 1e4 || ["nash", "imtl_g", "upgrad", "pcgrad", "db_mtl"].contains(&method.name()) {
                prop_assert_eq!(guard.fallbacks(), 0, "{} {:?}", method.name(), guard.last_failure());
            }
        }
    }

    #[test]
    fn numbers_of_any_kind_never_panic(
        entries in prop::collection::vec(prop::num::f64::ANY, 16),
        losses in prop::collection::vec(prop::option::weighted(0.8, prop::num::f64::ANY), 4),
        next in prop::collection::vec(prop::option::weighted(0.8, -1.0..5.0f64), 4),
    ) {
        // As they come, symmetric, and of a size that is not far.
        let any = Matrix::from_fn(4, |i, j| entries[4 * i + j]);
        let symmetric = Matrix::from_fn(4, |i, j| entries[4 * i.min(j) + i.max(j)]);
        let near = Matrix::from_fn(4, |i, j| (entries[4 * i.min(j) + i.max(j)] % 4.0) + if i == j { 4.0 } else { 0.0 });
        for method in &mut all_gramian(4) {
            let mut guard = guard(4, Rules::default());
            for matrix in [&any, &symmetric, &near, &near] {
                for losses in [&losses, &next] {
                    let weights = guard.weigh_gradients(&mut **method, matrix, losses);
                    prop_assert!(weights.iter().all(|w| w.is_finite()), "{} {weights:?}", method.name());
                }
            }
        }
        for method in &mut all_loss(4) {
            let mut guard = guard(4, Rules::default());
            for (before, after) in [(&losses, &next), (&next, &losses), (&next, &next), (&losses, &losses)] {
                let weights = guard.weigh_losses(&mut **method, before);
                prop_assert!(weights.iter().all(|w| w.is_finite() && *w >= 0.0), "{} {weights:?}", method.name());
                method.after_step(before, after);
                method.epoch(before);
            }
        }
    }
}

#[test]
fn a_failure_gives_equal_weights_and_is_counted() {
    let good = Matrix::from_fn(2, |i, j| if i == j { 1.0 } else { 0.1 });
    for poison in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let bad = Matrix::from_fn(2, |i, j| if i + j == 1 { poison } else { 1.0 });
        for method in &mut all_gramian(2) {
            let mut guard = guard(2, Rules::default());
            let equal = method.convention().equal(2);
            let before = method.state();
            assert_eq!(guard.weigh_gradients(&mut **method, &bad, &[Some(1.0); 2]), [equal; 2], "{}", method.name());
            assert_eq!((guard.fallbacks(), guard.steps()), (1, 1));
            assert_eq!(guard.last_failure(), Some(&Failure::NotFinite));
            assert_eq!(format!("{before:?}"), format!("{:?}", method.state()));
            // What is not a number beside a missing task does not matter.
            let weights = guard.weigh_gradients(&mut **method, &bad, &[Some(1.0), None]);
            assert!(weights[0] > 0.0 && weights[1] == 0.0);
            guard.weigh_gradients(&mut **method, &good, &[Some(1.0); 2]);
            assert_eq!((guard.fallbacks(), guard.steps()), (1, 3));
        }
        for method in &mut all_loss(2) {
            let mut guard = guard(2, Rules::default());
            let equal = method.convention().equal(2);
            let before = method.state();
            assert_eq!(guard.weigh_losses(&mut **method, &[Some(poison), Some(1.0)]), [equal; 2], "{}", method.name());
            assert_eq!(guard.fallbacks(), 1);
            assert_eq!(format!("{before:?}"), format!("{:?}", method.state()));
        }
    }
}

#[test]
fn losses_that_must_be_positive() {
    for method in &mut all_loss(2) {
        let found = method.weights(&[Some(0.5), Some(-0.5)]);
        let failed = matches!(found, Err(Failure::NotPositive { task: 1, .. }));
        assert_eq!(failed, method.needs_positive_losses(), "{}", method.name());
        assert!(method.weights(&[Some(0.5), Some(0.0)]).is_ok(), "{}", method.name());
        assert_eq!(method.weights(&[Some(0.5)]), Err(Failure::Length { expected: 2, found: 1 }));
    }
    let products = Matrix::from_fn(2, |i, j| if i == j { 1.0 } else { 0.0 });
    let gram = Gram::new(products, vec![0.5, -0.5], vec![0, 1]).expect("finite");
    for method in &mut all_gramian(2) {
        assert_eq!(method.weights(&gram).is_err(), method.needs_positive_losses(), "{}", method.name());
    }
}

#[test]
fn the_bargain_keeps_its_last_weights_and_says_so() {
    let mut method = nash(2, None);
    let open = gram(&rows(&[&[1.0, 0.0], &[0.0, 2.0]]));
    let closed = gram(&rows(&[&[1.0, 0.0], &[-1.0, 0.0]]));
    assert_eq!(method.weights(&closed), Err(Failure::NoSolution));
    let first = method.weights(&open).expect("open");
    assert_eq!(method.weights(&closed), Ok(first));
    assert_eq!(method.kept(), 1);
}

#[test]
fn the_bargain_is_struck_every_so_often() {
    let mut method = Nash::new(2, NashOptions { max_norm: None, update_every: 2 }).expect("valid");
    let (a, b) = (gram(&rows(&[&[1.0, 0.0], &[0.0, 2.0]])), gram(&rows(&[&[3.0, 0.0], &[0.0, 5.0]])));
    let first = method.weights(&a).expect("open");
    assert_eq!(method.weights(&b), Ok(first.clone()));
    assert_ne!(method.weights(&b), Ok(first));
}

#[test]
fn one_scale_for_all_methods() {
    let products = Matrix::from_fn(3, |i, j| if i == j { 1.0 } else { 0.2 });
    for (normalize, expected) in [(Convention::Sum, 2.0), (Convention::Mean, 1.0)] {
        let rules = Rules { normalize: Some(normalize), ..Rules::default() };
        for method in &mut all_gramian(3) {
            if method.convention() == Convention::Own || ["mgda", "cagrad"].contains(&method.name()) {
                continue;
            }
            let losses = [Some(1.0), None, Some(1.0)];
            let weights = guard(3, rules.clone()).weigh_gradients(&mut **method, &products, &losses);
            let sum: f64 = weights.iter().sum();
            assert!((sum - expected).abs() < 0.5 * expected, "{} {sum}", method.name());
        }
        for method in [&mut Constant(vec![1.0; 3]) as &mut dyn LossMethod, &mut RandomLoss::new(3, 1)] {
            let weights = guard(3, rules.clone()).weigh_losses(method, &[Some(1.0), None, Some(1.0)]);
            assert!((weights.iter().sum::<f64>() - expected).abs() < 1e-12, "{} {weights:?}", method.name());
        }
    }
}

#[test]
fn bounds_and_the_warm_up() {
    let rules = Rules { floors: vec![0.2, 0.0], caps: vec![9.0, 3.0], warm_up: 1, ..Rules::default() };
    let mut guard = guard(2, rules);
    let mut method = Constant(vec![0.1, 5.0]);
    assert!(guard.warming_up());
    assert_eq!(guard.weigh_losses(&mut method, &[Some(1.0), Some(1.0)]), [1.0, 1.0]);
    guard.epoch();
    assert_eq!(guard.weigh_losses(&mut method, &[Some(1.0), Some(1.0)]), [0.2, 3.0]);
    // A bound is not for a missing task.
    assert_eq!(guard.weigh_losses(&mut method, &[None, Some(1.0)]), [0.0, 3.0]);
    assert_eq!(guard.fallbacks(), 0);
}

#[test]
fn options_outside_their_range() {
    let dwa =
        |temperature, period, ratio_bounds| Dwa::new(2, DwaOptions { temperature, period, ratio_bounds }).is_err();
    assert!(dwa(0.0, Period::Epochs, [0.1, 10.0]) && dwa(f64::NAN, Period::Epochs, [0.1, 10.0]));
    assert!(dwa(2.0, Period::Steps(0), [0.1, 10.0]) && dwa(2.0, Period::Epochs, [2.0, 10.0]));
    assert!(Cagrad::new(CagradOptions { c: -0.1, rescale: Rescale::None }).is_err());
    assert!(Fairgrad::new(FairgradOptions { alpha: 0.0 }).is_err());
    assert!(Nash::new(2, NashOptions { max_norm: Some(0.0), update_every: 1 }).is_err());
    assert!(Nash::new(2, NashOptions { max_norm: None, update_every: 0 }).is_err());
    for floors in [vec![0.5, 0.5], vec![-0.1, 0.2], vec![0.1], vec![f64::NAN, 0.0]] {
        assert!(Pareto::new(2, ParetoOptions { floors }).is_err());
    }
    for preferences in [vec![0.0, 0.0], vec![-1.0, 2.0], vec![1.0], vec![f64::INFINITY, 0.0]] {
        assert!(Upgrad::new(2, UpgradOptions { preferences: Some(preferences.clone()) }).is_err());
        let options = AlignedOptions { preferences: Some(preferences), ..AlignedOptions::default() };
        assert!(Aligned::new(2, options).is_err());
    }
    assert!(Gradvac::new(2, GradvacOptions { beta: 1.5, ..GradvacOptions::default() }).is_err());
    assert!(GradNorm::new(2, GradNormOptions { rate: -1.0, ..GradNormOptions::default() }).is_err());
    assert!(GradNorm::new(2, GradNormOptions { initial_steps: 0, ..GradNormOptions::default() }).is_err());
    assert!(Famo::new(2, FamoOptions { minima: vec![0.0], ..FamoOptions::default() }).is_err());
    assert!(Tchebycheff::new(2, TchebycheffOptions { mu: 0.0, ..TchebycheffOptions::default() }).is_err());
    assert!(Guard::new(2, Rules { floors: vec![2.0, 0.0], caps: vec![1.0, 1.0], ..Rules::default() }).is_err());
    assert!(Guard::new(2, Rules { caps: vec![1.0], ..Rules::default() }).is_err());
}

#[test]
fn preferences_move_the_step() {
    let j = rows(&[&[1.0, 0.0], &[0.0, 1.0]]);
    let preferences = Some(vec![3.0, 1.0]);
    let mut method = Upgrad::new(2, UpgradOptions { preferences: preferences.clone() }).expect("valid");
    close(&step(&mut method, &j).0, &[0.75, 0.25]);
    let options = AlignedOptions { preferences, ..AlignedOptions::default() };
    close(&step(&mut Aligned::new(2, options).expect("valid"), &j).0, &[0.75, 0.25]);
}

#[test]
fn the_first_losses_are_a_mean() {
    let options = GradNormOptions { initial_steps: 2, ..GradNormOptions::default() };
    let mut method = GradNorm::new(2, options).expect("valid");
    let products = Matrix::from_fn(2, |i, j| if i == j { 1.0 } else { 0.0 });
    let mut feed = |losses: [f64; 2]| {
        method.weights(&Gram::new(products.clone(), losses.to_vec(), vec![0, 1]).expect("finite")).expect("positive");
        method.current().to_vec()
    };
    assert_eq!(feed([1.0, 2.0]), [1.0, 1.0]);
    assert_eq!(feed([3.0, 2.0]), [1.0, 1.0]);
    // Beside first losses of 2 the first task trains more slowly.
    let weights = feed([2.0, 1.0]);
    assert!(weights[0] > 1.0 && weights[1] < 1.0, "{weights:?}");
}
