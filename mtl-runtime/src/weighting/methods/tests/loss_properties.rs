//! What holds for each method on losses, for all losses.

use proptest::prelude::*;

use super::support::*;
use crate::weighting::methods::Rule;
use crate::weighting::methods::loss::*;

/// Losses well above epsilon.
fn losses(count: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.01..10.0f64, count)
}

fn weights(method: &mut dyn LossMethod, losses: &[f64]) -> Vec<f64> {
    method.weights(&options(losses)).unwrap_or_else(|failure| panic!("{}: {failure}", method.name()))
}

fn scale(losses: &[f64], factors: &[f64]) -> Vec<f64> {
    losses.iter().zip(factors).map(|(loss, factor)| loss * factor).collect()
}

/// The weights of the unscaled losses' gradients, where the method was given scaled losses.
fn weights_of_scaled(method: &mut dyn LossMethod, losses: &[f64], factors: &[f64]) -> Vec<f64> {
    scale(&weights(method, &scale(losses, factors)), factors)
}

fn derivative(method: &dyn LossMethod, losses: &[f64], t: usize) -> f64 {
    let step = 1e-5 * losses[t];
    let at = |sign: f64| {
        let mut moved = losses.to_vec();
        moved[t] += sign * step;
        method.objective(&options(&moved)).expect("positive")
    };
    (at(1.0) - at(-1.0)) / (2.0 * step)
}

fn stch(tasks: usize, mu: f64, nadir: &[f64]) -> Tchebycheff {
    let options_of = TchebycheffOptions { mu, warm_up: 0, period: Period::Epochs };
    let mut method = Tchebycheff::new(tasks, options_of).expect("valid");
    method.epoch(&options(nadir));
    method
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn weights_are_the_derivatives_of_the_objective(losses in losses(3), nadir in losses(3), mu in 0.3..3.0f64) {
        // Random weights and those of FAMO hold a constant that changes with the losses.
        for method in &mut all_loss(3) {
            if method.name() == "famo" {
                continue;
            }
            let expected: Vec<f64> = (0..3).map(|t| derivative(&**method, &losses, t)).collect();
            prop_assert!(agree(&weights(&mut **method, &losses), &expected, 1e-6), "{}", method.name());
        }
        let mut method = stch(3, mu, &nadir);
        let expected: Vec<f64> = (0..3).map(|t| derivative(&method, &losses, t)).collect();
        prop_assert!(agree(&weights(&mut method, &losses), &expected, 1e-6));
    }

    #[test]
    fn methods_of_logarithms_ignore_scales(losses in losses(3), nadir in losses(3), factor in factors(3)) {
        let plain = weights(&mut Logarithm::new(3), &losses);
        prop_assert!(agree(&plain, &weights_of_scaled(&mut Logarithm::new(3), &losses, &factor), 1e-3));
        let famo = || Famo::new(3, FamoOptions::default()).expect("valid");
        // Its weights keep the sum of 1: the direction is the same.
        let direction = |weights: &[f64]| {
            let sum: f64 = weights.iter().sum();
            weights.iter().map(|w| w / sum).collect::<Vec<_>>()
        };
        let plain = direction(&weights(&mut famo(), &losses));
        let other = direction(&weights_of_scaled(&mut famo(), &losses, &factor));
        prop_assert!(agree(&plain, &other, 1e-3));
        let plain = weights(&mut stch(3, 0.7, &nadir), &losses);
        let other = weights_of_scaled(&mut stch(3, 0.7, &scale(&nadir, &factor)), &losses, &factor);
        prop_assert!(agree(&plain, &other, 1e-3));
    }

    #[test]
    fn the_geometric_mean_scales_by_the_root(losses in losses(3), factor in factors(3)) {
        let root = factor.iter().product::<f64>().powf(1.0 / 3.0);
        let method = Geometric::new(3);
        let value = |losses: &[f64]| method.objective(&options(losses)).expect("positive");
        prop_assert!(agree(&[value(&losses) * root], &[value(&scale(&losses, &factor))], 1e-3));
        let plain: Vec<f64> = weights(&mut Geometric::new(3), &losses).iter().map(|w| w * root).collect();
        prop_assert!(agree(&plain, &weights_of_scaled(&mut Geometric::new(3), &losses, &factor), 1e-3));
    }

    #[test]
    fn the_impartial_loss_brings_all_losses_to_1(losses in losses(3)) {
        let rule = Rule::Sgd { rate: 0.1 };
        let mut method = ImpartialLoss::new(3, ImpartialLossOptions { start: 0.0, rule }).expect("valid");
        for _ in 0..5000 {
            weights(&mut method, &losses);
        }
        let weighted = scale(&weights(&mut method, &losses), &losses);
        prop_assert!(agree(&weighted, &[1.0; 3], 1e-6));
    }

    #[test]
    fn dynamic_weights_sum_to_the_tasks_and_ignore_scales(
        first in losses(3),
        second in losses(3),
        factor in factors(3),
    ) {
        let run = |first: &[f64], second: &[f64]| {
            let mut method = Dwa::new(3, DwaOptions::default()).expect("valid");
            method.epoch(&options(first));
            method.epoch(&options(second));
            weights(&mut method, &[1.0; 3])
        };
        let found = run(&first, &second);
        prop_assert!((found.iter().sum::<f64>() - 3.0).abs() < 1e-12);
        prop_assert!(agree(&found, &run(&scale(&first, &factor), &scale(&second, &factor)), 1e-9));
        // The task whose loss fell least has the most weight.
        let slowest = (0..3).max_by(|&i, &j| (second[i] / first[i]).total_cmp(&(second[j] / first[j]))).expect("three");
        prop_assert!(found.iter().all(|w| *w <= found[slowest]));
        let kept: Vec<f64> = first.iter().map(|x| 0.5 * x).collect();
        prop_assert!(agree(&run(&first, &kept), &[1.0; 3], 1e-12));
    }

    #[test]
    fn a_task_that_improves_more_loses_weight(losses in losses(3), gain in 0.05..0.9f64) {
        let mut method = Famo::new(3, FamoOptions { decay: 0.0, ..FamoOptions::default() }).expect("valid");
        let after = [losses[0] * (1.0 - gain), losses[1], losses[2]];
        method.after_step(&options(&losses), &options(&after));
        prop_assert!(method.logits()[0] < 0.0 && method.logits()[1] > 0.0);
        let sum: f64 = weights(&mut method, &losses).iter().sum();
        prop_assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn all_are_invariant_to_the_order_of_tasks(losses in losses(4), next in losses(4)) {
        for (mut forward, mut backward) in all_loss(4).into_iter().zip(all_loss(4)) {
            // Random weights are so in law alone; the forms of uncertain tasks alternate.
            if ["rlw", "uncertainty"].contains(&forward.name()) {
                continue;
            }
            let reversed = |losses: &[f64]| losses.iter().rev().copied().collect::<Vec<_>>();
            for losses in [&losses, &next, &losses, &next, &losses, &next] {
                let mut found = weights(&mut *backward, &reversed(losses));
                found.reverse();
                prop_assert!(agree(&weights(&mut *forward, losses), &found, 1e-9), "{}", forward.name());
                forward.after_step(&options(losses), &options(&next));
                backward.after_step(&options(&reversed(losses)), &options(&reversed(&next)));
            }
        }
    }

    #[test]
    fn a_missing_task_has_no_weight_and_leaves_the_others_what_they_were(losses in losses(4), missing in 0usize..4) {
        for method in &mut all_loss(4) {
            let mut partial = options(&losses);
            partial[missing] = None;
            let found = method.weights(&partial).expect("positive");
            prop_assert_eq!(found[missing], 0.0);
            prop_assert!(found.iter().enumerate().all(|(t, w)| t == missing || *w > 0.0), "{}", method.name());
            prop_assert!(method.objective(&partial).expect("positive").is_finite());
            method.after_step(&partial, &partial);
            // No task at all: no weights, and no failure.
            prop_assert_eq!(method.weights(&[None; 4]), Ok(vec![0.0; 4]));
            prop_assert_eq!(method.objective(&[None; 4]), Ok(0.0));
        }
    }
}

#[test]
fn random_weights_are_shares_that_follow_the_seed_and_are_equal_on_average() {
    let mut method = RandomLoss::new(4, 3);
    let mut again = RandomLoss::new(4, 3);
    let mut sums = [0.0; 4];
    for _ in 0..20_000 {
        let found = weights(&mut method, &[1.0; 4]);
        assert_eq!(found, weights(&mut again, &[1.0; 4]));
        assert!(found.iter().all(|w| *w > 0.0) && (found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (sum, weight) in sums.iter_mut().zip(found) {
            *sum += weight / 20_000.0;
        }
    }
    assert!(sums.iter().all(|mean| (mean - 0.25).abs() < 0.005), "{sums:?}");
}

#[test]
fn a_high_temperature_and_a_large_mu_bring_equal_weights() {
    let mut method = Dwa::new(2, DwaOptions { temperature: 1e9, ..DwaOptions::default() }).expect("valid");
    method.epoch(&options(&[1.0, 1.0]));
    method.epoch(&options(&[0.9, 0.1]));
    close(&weights(&mut method, &[1.0, 1.0]), &[1.0, 1.0]);
    close(&weights(&mut stch(2, 1e10, &[1.0, 1.0]), &[0.5, 2.0]), &weights(&mut Logarithm::new(2), &[0.5, 2.0]));
    let worst = weights(&mut stch(2, 1e-3, &[1.0, 1.0]), &[0.5, 2.0]);
    assert!(agree(&worst, &[0.0, 1.0], 1e-6), "{worst:?}");
}

#[test]
fn periods_of_steps_are_epochs_of_their_own() {
    let by_steps = DwaOptions { period: Period::Steps(2), ..DwaOptions::default() };
    let mut steps = Dwa::new(2, by_steps).expect("valid");
    let mut epochs = Dwa::new(2, DwaOptions::default()).expect("valid");
    for losses in [[1.0, 2.0], [3.0, 2.0], [1.0, 1.0], [2.0, 0.5]] {
        weights(&mut steps, &losses);
    }
    epochs.epoch(&options(&[2.0, 2.0]));
    epochs.epoch(&options(&[1.5, 0.75]));
    close(&weights(&mut steps, &[1.0, 1.0]), &weights(&mut epochs, &[1.0, 1.0]));
    // An epoch means nothing to a method with periods of steps.
    steps.epoch(&options(&[100.0, 0.1]));
    close(&weights(&mut steps, &[1.0, 1.0]), &weights(&mut epochs, &[1.0, 1.0]));
}

#[test]
fn a_task_absent_for_a_period_keeps_its_ratio() {
    let mut method = Dwa::new(2, DwaOptions::default()).expect("valid");
    method.epoch(&options(&[1.0, 1.0]));
    method.epoch(&options(&[0.8, 0.5]));
    let before = weights(&mut method, &[1.0, 1.0]);
    method.epoch(&[None, None]);
    assert_eq!(before, weights(&mut method, &[1.0, 1.0]));
    let mut stch =
        Tchebycheff::new(2, TchebycheffOptions { warm_up: 1, ..TchebycheffOptions::default() }).expect("valid");
    stch.epoch(&options(&[9.0, 9.0]));
    assert_eq!(stch.nadir(), [None, None]);
    stch.epoch(&[Some(2.0), None]);
    stch.epoch(&[Some(1.0), Some(3.0)]);
    assert_eq!(stch.nadir(), [Some(2.0), Some(3.0)]);
}

#[test]
fn equal_progress_leaves_the_logits() {
    let mut method = Famo::new(3, FamoOptions { decay: 0.0, ..FamoOptions::default() }).expect("valid");
    method.after_step(&options(&[1.0, 2.0, 4.0]), &options(&[0.5, 1.0, 2.0]));
    assert!(method.logits().iter().all(|u| u.abs() < 0.0251));
    let mut exact = Famo::new(2, FamoOptions { decay: 0.0, ..FamoOptions::default() }).expect("valid");
    exact.after_step(&options(&[1.0, 1.0]), &options(&[0.5, 0.5]));
    assert_eq!(exact.logits(), [0.0, 0.0]);
}
