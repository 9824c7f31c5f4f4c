//! What holds for each method on inner products, for all gradients.

use proptest::prelude::*;

use super::support::*;
use crate::weighting::methods::Matrix;
use crate::weighting::methods::gramian::*;

/// The gradients in reverse order, with the step of a new method on them.
fn step_reversed(method: &mut dyn Gramian, rows: &Rows) -> Vec<f64> {
    step(method, &rows.iter().rev().cloned().collect()).1
}

fn size(rows: &Rows) -> f64 {
    rows.iter().map(|row| norm(row)).fold(0.0, f64::max)
}

fn mean_of(rows: &Rows) -> Vec<f64> {
    (0..rows[0].len()).map(|k| rows.iter().map(|row| row[k]).sum::<f64>() / rows.len() as f64).collect()
}

/// Whether a step descends for every task, up to rounding beside the gradients.
fn descends(rows: &Rows, step: &[f64]) -> bool {
    rows.iter().all(|row| dot(row, step) >= -1e-9 * norm(row) * size(rows))
}

/// How far the gradients are from leaving no direction that serves all: the length of their shortest combination, as
/// unit vectors.
fn openness(rows: &Rows) -> f64 {
    let units: Vec<f64> = rows.iter().map(|row| 1.0 / norm(row)).collect();
    norm(&step(&mut mgda(Normalize::None, false), &scaled(rows, &units)).1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_shortest_sum_meets_the_conditions_of_optimality(rows in gradients(1..=9)) {
        let (weights, d) = step(&mut mgda(Normalize::None, false), &rows);
        prop_assert!(weights.iter().all(|w| *w >= 0.0));
        prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let tolerance = 1e-10 * size(&rows).powi(2);
        for (row, weight) in rows.iter().zip(&weights) {
            let slack = dot(&d, row) - dot(&d, &d);
            prop_assert!(slack >= -tolerance, "{slack}");
            prop_assert!(*weight < 1e-6 || slack <= tolerance, "{slack}");
        }
        let reversed = step_reversed(&mut mgda(Normalize::None, false), &rows);
        prop_assert!(agree_beside(&d, &reversed, 1e-7, size(&rows)));
    }

    #[test]
    fn the_shortest_sum_of_normalised_gradients_ignores_scales(rows in independent(1..=6), factor in factors(6)) {
        let (_, d) = step(&mut mgda(Normalize::L2, true), &rows);
        let (_, after) = step(&mut mgda(Normalize::L2, true), &scaled(&rows, &factor));
        prop_assert!(agree(&d, &after, 1e-8));
    }

    #[test]
    fn floors_hold_and_the_sum_above_them_is_shortest(rows in gradients(1..=7), share in 0.0..0.95f64) {
        let tasks = rows.len();
        let floor = |t: usize| share * 2.0 * (t + 1) as f64 / (tasks * (tasks + 1)) as f64;
        let floors: Vec<f64> = (0..tasks).map(floor).collect();
        let (weights, d) = step(&mut pareto(&floors), &rows);
        prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let worst = rows.iter().map(|row| dot(&d, row)).fold(f64::INFINITY, f64::min);
        for ((row, weight), floor) in rows.iter().zip(&weights).zip(&floors) {
            prop_assert!(*weight >= floor - 1e-15);
            // A weight above its floor belongs to a gradient with the least product.
            prop_assert!(*weight < floor + 1e-6 || dot(&d, row) <= worst + 1e-9 * size(&rows).powi(2));
        }
        let (_, without) = step(&mut pareto(&vec![0.0; tasks]), &rows);
        let (_, shortest) = step(&mut mgda(Normalize::None, false), &rows);
        prop_assert!(agree_beside(&without, &shortest, 1e-8, size(&rows)));
    }

    #[test]
    fn surgery_descends_for_two_tasks_and_is_twice_the_mean_projection(rows in gradients(2..=2)) {
        let (weights, d) = step(&mut pcgrad(), &rows);
        prop_assert!(descends(&rows, &d));
        let (projected, _) = step(&mut upgrad(2), &rows);
        let doubled: Vec<f64> = projected.iter().map(|w| 2.0 * w).collect();
        prop_assert!(agree(&weights, &doubled, 1e-9));
        prop_assert!(agree(&d, &step_reversed(&mut pcgrad(), &rows), 1e-9));
    }

    #[test]
    fn surgery_leaves_gradients_without_conflict(rows in gradients(1..=6)) {
        let positive: Rows = rows.iter().map(|row| row.iter().map(|x| x.abs()).collect()).collect();
        prop_assert_eq!(step(&mut pcgrad(), &positive).0, vec![1.0; rows.len()]);
        // What surgery cuts off a gradient makes it no longer: the sum is no longer than the sum of the lengths.
        let total: f64 = rows.iter().map(|row| norm(row)).sum();
        prop_assert!(norm(&step(&mut pcgrad(), &rows).1) <= total * (1.0 + 1e-9));
    }

    #[test]
    fn a_vaccine_with_targets_of_0_is_surgery(rows in gradients(1..=5)) {
        let (weights, _) = step(&mut gradvac(rows.len(), 0.0), &rows);
        // But for gradients of which surgery leaves only rounding.
        let surgery = step(&mut pcgrad(), &rows).0;
        prop_assert!(agree(&weights, &surgery, 1e-6), "{weights:?} {surgery:?}");
    }

    #[test]
    fn a_vaccine_brings_a_cosine_to_its_target(rows in independent(2..=2), target in -0.9..0.9f64) {
        prop_assume!(dot(&rows[0], &rows[1]).abs() < 0.999 * norm(&rows[0]) * norm(&rows[1]));
        // Only the first task has a target above the cosine; the second's is out of reach.
        let targets = Matrix::from_fn(2, |i, _| if i == 0 { target } else { -1.0 });
        let mut method = gradvac(2, 0.0).with_targets(targets.clone()).expect("valid");
        let (_, d) = step(&mut method, &rows);
        prop_assert_eq!(method.targets(), &targets);
        let edited: Vec<f64> = d.iter().zip(&rows[1]).map(|(d, g)| d - g).collect();
        let cosine = |a: &[f64]| dot(a, &rows[1]) / norm(a) / norm(&rows[1]);
        let expected = cosine(&rows[0]).max(target);
        prop_assert!((cosine(&edited) - expected).abs() < 1e-8);
    }

    #[test]
    fn conflict_aversion_stays_near_the_mean(rows in gradients(1..=6), c in 0.0..2.0f64) {
        prop_assume!(rows.iter().all(|row| norm(row) > 0.0));
        let mean = mean_of(&rows);
        let (_, plain) = step(&mut cagrad(0.0, Rescale::Square), &rows);
        prop_assert!(agree_beside(&plain, &mean, 1e-9, size(&rows)));
        let (_, d) = step(&mut cagrad(c, Rescale::None), &rows);
        let away: Vec<f64> = d.iter().zip(&mean).map(|(d, g)| d - g).collect();
        let bound = c * norm(&mean) * (1.0 + 1e-3) + 1e-8 * size(&rows);
        prop_assert!(norm(&away) <= bound, "{} {}", norm(&away), norm(&mean));
    }

    #[test]
    fn wide_conflict_aversion_descends(rows in gradients(1..=6), c in 1.0..3.0f64) {
        prop_assume!(openness(&rows) > 1e-3);
        let (_, d) = step(&mut cagrad(c, Rescale::Square), &rows);
        prop_assert!(descends(&rows, &d), "{:?}", rows.iter().map(|row| dot(row, &d)).collect::<Vec<_>>());
        prop_assert!(agree_beside(&d, &step_reversed(&mut cagrad(c, Rescale::Square), &rows), 1e-6, size(&rows)));
    }

    #[test]
    fn no_direction_near_the_mean_is_better_for_the_worst(
        rows in independent(2..=5),
        c in 0.1..1.5f64,
        seed in 0u64..1000,
    ) {
        let (_, d) = step(&mut cagrad(c, Rescale::None), &rows);
        let mean = mean_of(&rows);
        let worst = |d: &[f64]| rows.iter().map(|row| dot(row, d)).fold(f64::INFINITY, f64::min);
        let mut rng = mtl_data::Rng::new(seed);
        for spread in [1e-3, 1e-1, 1.0] {
            let mut other: Vec<f64> = d.iter().zip(&mean).map(|(d, g)| d - g + spread * rng.normal()).collect();
            let length = norm(&other);
            let bound = c * norm(&mean);
            if length > bound {
                other.iter_mut().for_each(|x| *x *= bound / length);
            }
            let other: Vec<f64> = other.iter().zip(&mean).map(|(x, g)| x + g).collect();
            prop_assert!(worst(&other) <= worst(&d) + 1e-9);
        }
    }

    #[test]
    fn impartial_projections_are_equal(rows in independent(1..=6), factor in factors(6)) {
        let (weights, d) = step(&mut Imtl, &rows);
        prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let projections: Vec<f64> = rows.iter().map(|row| dot(row, &d) / norm(row)).collect();
        let reach: f64 = weights.iter().zip(&rows).map(|(w, row)| w.abs() * norm(row)).sum();
        prop_assert!(agree_beside(&projections, &vec![projections[0]; rows.len()], 1e-9, reach));
        // The direction does not depend on scales, up to its sign.
        let (_, other) = step(&mut Imtl, &scaled(&rows, &factor));
        prop_assert!((dot(&d, &other).abs() - norm(&d) * norm(&other)).abs() < 1e-8 * norm(&d) * norm(&other));
        prop_assert!(agree(&d, &step_reversed(&mut Imtl, &rows), 1e-8));
    }

    #[test]
    fn a_bargain_is_fair_and_ignores_scales(rows in gradients(1..=6), factor in factors(6)) {
        prop_assume!(openness(&rows) > 1e-3);
        let tasks = rows.len();
        let (weights, d) = step(&mut nash(tasks, None), &rows);
        for (row, weight) in rows.iter().zip(&weights) {
            prop_assert!((weight * dot(row, &d) - 1.0).abs() < 1e-8);
        }
        prop_assert!((dot(&d, &d) - tasks as f64).abs() < 1e-7);
        let (other_weights, other) = step(&mut nash(tasks, None), &scaled(&rows, &factor));
        prop_assert!(agree(&d, &other, 1e-6));
        let back: Vec<f64> = other_weights.iter().zip(&factor).map(|(w, c)| w * c).collect();
        prop_assert!(agree_beside(&dots(&rows, &back), &dots(&rows, &weights), 1e-6, size(&rows) * norm(&d)));
        prop_assert!(agree(&d, &step_reversed(&mut nash(tasks, None), &rows), 1e-6));
        let (_, clipped) = step(&mut nash(tasks, Some(1.0)), &rows);
        prop_assert!((norm(&clipped) - 1.0).abs() < 1e-8);
    }

    #[test]
    fn a_fair_step_solves_its_equations(rows in gradients(1..=6), alpha in 0.3..4.0f64) {
        prop_assume!(openness(&rows) > 1e-2);
        let (weights, d) = step(&mut fairgrad(alpha), &rows);
        for (row, weight) in rows.iter().zip(&weights) {
            prop_assert!((dot(row, &d) * weight.powf(1.0 / alpha) - 1.0).abs() < 1e-6);
        }
        prop_assert!(descends(&rows, &d));
        prop_assert!(agree(&d, &step_reversed(&mut fairgrad(alpha), &rows), 1e-6));
    }

    #[test]
    fn aligned_gradients_are_orthogonal_and_of_one_length(rows in independent(1..=6)) {
        let tasks = rows.len();
        let g = gram(&rows);
        // One column of the alignment per preference: B G B is the square of the length on the diagonal.
        let column = |t: usize, scale: AlignedScale| {
            let preferences = Some((0..tasks).map(|k| f64::from(u8::from(k == t))).collect());
            let mut method = Aligned::new(tasks, AlignedOptions { scale, preferences }).expect("valid");
            method.weights(&g).expect("independent")
        };
        for scale in [AlignedScale::Least, AlignedScale::Median, AlignedScale::RootMeanSquare] {
            let b: Vec<Vec<f64>> = (0..tasks).map(|t| column(t, scale)).collect();
            let length = dot(&b[0], &g.matrix().times(&b[0]));
            for (i, first) in b.iter().enumerate() {
                for (j, second) in b.iter().enumerate() {
                    let expected = if i == j { length } else { 0.0 };
                    prop_assert!((dot(first, &g.matrix().times(second)) - expected).abs() < 1e-8 * length);
                }
            }
        }
        let (_, d) = step(&mut aligned(tasks, AlignedScale::Least), &rows);
        prop_assert!(agree(&d, &step_reversed(&mut aligned(tasks, AlignedScale::Least), &rows), 1e-8));
    }

    #[test]
    fn projections_conflict_with_none_and_are_linear_in_each_row(rows in gradients(1..=7), row in 0usize..7) {
        let tasks = rows.len();
        let (weights, d) = step(&mut upgrad(tasks), &rows);
        // Where no direction is left the weights of a vanishing step can be large, and so is their rounding.
        let reach: f64 = size(&rows) + weights.iter().zip(&rows).map(|(w, row)| w * norm(row)).sum::<f64>();
        prop_assert!(rows.iter().all(|row| dot(row, &d) >= -1e-9 * norm(row) * reach));
        prop_assert!(agree_beside(&d, &step_reversed(&mut upgrad(tasks), &rows), 1e-8, reach));
        // Three times a row moves the step twice as far as two times it.
        let moved = |factor: f64| {
            let mut factors = vec![1.0; tasks];
            factors[row % tasks] = factor;
            let (_, other) = step(&mut upgrad(tasks), &scaled(&rows, &factors));
            other.iter().zip(&d).map(|(x, y)| x - y).collect::<Vec<_>>()
        };
        let doubled: Vec<f64> = moved(2.0).iter().map(|x| 2.0 * x).collect();
        prop_assert!(agree_beside(&moved(3.0), &doubled, 1e-8, reach));
    }

    #[test]
    fn gradient_normalisation_keeps_the_sum_and_equal_tasks(
        norms in factors(4),
        losses in factors(4),
        steps in 1usize..20,
    ) {
        let mut method = gradnorm(4);
        let diagonal = |norms: &[f64]| Matrix::from_fn(4, |i, j| if i == j { norms[i] * norms[i] } else { 0.0 });
        for _ in 0..steps {
            let gram = Gram::new(diagonal(&norms), losses.clone(), vec![0, 1, 2, 3]).expect("finite");
            method.weights(&gram).expect("positive");
            prop_assert!((method.current().iter().sum::<f64>() - 4.0).abs() < 1e-9);
            prop_assert!(method.current().iter().all(|w| *w > 0.0));
        }
        let mut equal = gradnorm(4);
        for _ in 0..steps {
            let gram = Gram::new(diagonal(&[norms[0]; 4]), vec![losses[0]; 4], vec![0, 1, 2, 3]).expect("finite");
            equal.weights(&gram).expect("positive");
        }
        prop_assert_eq!(equal.current(), &[1.0; 4]);
    }
}

fn dots(rows: &Rows, weights: &[f64]) -> Vec<f64> {
    gram(rows).matrix().times(weights)
}

#[test]
fn orthonormal_gradients_keep_their_preferences() {
    let (weights, _) =
        step(&mut aligned(3, AlignedScale::Least), &rows(&[&[1.0, 0.0, 0.0], &[0.0, 0.0, 1.0], &[0.0, 1.0, 0.0]]));
    close(&weights, &[1.0 / 3.0; 3]);
}

#[test]
fn without_a_rate_of_training_the_lengths_become_equal() {
    let options = GradNormOptions { alpha: 0.0, rate: 1e-3, initial_steps: 1, ..GradNormOptions::default() };
    let mut method = GradNorm::new(2, options).expect("valid").with_first_losses(&[1.0, 1.0]).expect("positive");
    let gram = Gram::new(Matrix::from_fn(2, |i, j| [[9.0, 0.0], [0.0, 1.0]][i][j]), vec![1.0, 1.0], vec![0, 1])
        .expect("finite");
    for _ in 0..2000 {
        method.weights(&gram).expect("positive");
    }
    let lengths = [3.0 * method.current()[0], method.current()[1]];
    assert!((lengths[0] - lengths[1]).abs() < 0.02, "{lengths:?}");
}

#[test]
fn methods_that_depend_on_scales_do() {
    let j = rows(&[&[1.0, 0.2], &[-0.5, 1.0]]);
    let other = scaled(&j, &[3.0, 1.0]);
    let methods: [fn() -> Box<dyn Gramian>; 4] = [
        || Box::new(mgda(Normalize::None, false)),
        || Box::new(pcgrad()),
        || Box::new(cagrad(0.5, Rescale::Square)),
        || Box::new(aligned(2, AlignedScale::Least)),
    ];
    for method in methods {
        let (_, d) = step(&mut *method(), &j);
        let (_, changed) = step(&mut *method(), &other);
        let cosine = dot(&d, &changed) / norm(&d) / norm(&changed);
        assert!(cosine < 1.0 - 1e-4, "{}: {cosine}", method().name());
    }
}

#[test]
fn the_order_of_surgery_matters_with_three_tasks_and_follows_the_seed() {
    let j = rows(&[&[1.0, 0.0, 0.0], &[-0.5, 1.0, 0.0], &[-0.9, -0.3, 0.4]]);
    let run = |seed: u64| {
        let mut method = Pcgrad::new(PcgradOptions { order: Order::Random { seed }, mean: false });
        (0..8).map(|_| step(&mut method, &j).0).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert!(run(1).windows(2).any(|pair| pair[0] != pair[1]));
}
