use mtl_data::Rng;

use super::*;
use crate::ops::Activation;

fn random(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    (0..count).map(|_| rng.normal() as f32).collect()
}

fn mask(seed: u64, count: usize, keep: f64) -> Vec<bool> {
    let mut rng = Rng::new(seed);
    (0..count).map(|_| rng.uniform(0.0, 1.0) < keep).collect()
}

fn alive(masks: &[Vec<bool>]) -> usize {
    masks.iter().flatten().filter(|kept| **kept).count()
}

#[test]
fn rounds_are_nested_and_their_counts_exact() {
    let layers = [random(1, 301), random(2, 77)];
    let weights: Vec<&[f32]> = layers.iter().map(Vec::as_slice).collect();
    let share = share_of_round(0.3, 5);
    for scope in [Scope::Global, Scope::Layer] {
        let mut masks: Vec<Vec<bool>> = layers.iter().map(|layer| vec![true; layer.len()]).collect();
        for _ in 0..5 {
            let before = masks.clone();
            prune(&weights, &mut masks, share, scope);
            assert!(masks.iter().flatten().zip(before.iter().flatten()).all(|(now, then)| !now || *then), "nested");
            let left = |n: usize| n - (share * n as f64).round() as usize;
            match scope {
                Scope::Global => assert_eq!(alive(&masks), left(alive(&before))),
                Scope::Layer => {
                    for layer in 0..2 {
                        assert_eq!(alive(&masks[layer..=layer]), left(alive(&before[layer..=layer])));
                    }
                }
            }
        }
        assert!((alive(&masks) as f64 / 378.0 - 0.3).abs() < 0.01);
    }
}

#[test]
fn the_least_go_and_the_first_of_equals() {
    let (first, second) = ([0.5, -3.0, 0.1, 0.5], [0.5, 9.0]);
    let of = |scope, share| {
        let mut masks = vec![vec![true; 4], vec![true; 2]];
        prune(&[&first, &second], &mut masks, share, scope);
        masks
    };
    assert_eq!(of(Scope::Global, 0.5), [vec![false, true, false, false], vec![true, true]]);
    assert_eq!(of(Scope::Layer, 0.5), [vec![false, true, false, true], vec![false, true]]);
    assert_eq!(alive(&of(Scope::Global, 1.0)), 1, "one is left");
    assert_eq!(alive(&of(Scope::Layer, 1.0)), 2, "one of each layer");
    assert_eq!(alive(&of(Scope::Global, 0.0)), 6);
}

#[test]
fn what_is_pruned_already_is_not_counted() {
    let weights = [0.1, 5.0, 1.0, 2.0, 3.0];
    let mut masks = vec![vec![false, true, true, true, true]];
    prune(&[&weights], &mut masks, 0.5, Scope::Global);
    assert_eq!(masks[0], [false, true, false, false, true]);
}

#[test]
fn overlaps() {
    let (a, b) = (vec![mask(1, 50, 0.5)], vec![mask(2, 50, 0.5)]);
    let not_a = vec![a[0].iter().map(|kept| !kept).collect::<Vec<bool>>()];
    assert_eq!(overlap(&a, &a), 1.0);
    assert_eq!(overlap(&a, &not_a), 0.0);
    assert!((0.0..1.0).contains(&overlap(&a, &b)));
    assert_eq!(overlap(&[vec![true, true, false]], &[vec![false, true, true]]), 1.0 / 3.0);
    assert_eq!(kept(&[vec![true, false, false, false], vec![true, true]]), [0.25, 1.0]);
}

/// The masked network, weight by weight in double precision.
fn masked(row: &[f32], layers: &[Layer]) -> Vec<f32> {
    let mut values: Vec<f64> = row.iter().map(|x| *x as f64).collect();
    for layer in layers {
        let outputs = layer.bias.len();
        let sum = |o: usize| -> f64 {
            let kept = (0..values.len()).filter(|i| layer.mask[i * outputs + o]);
            layer.bias[o] as f64 + kept.map(|i| values[i] * layer.weight[i * outputs + o] as f64).sum::<f64>()
        };
        values = (0..outputs)
            .map(|o| match layer.activation {
                Activation::Sigmoid => 1.0 / (1.0 + (-sum(o)).exp()),
                _ => sum(o).max(0.0),
            })
            .collect();
    }
    values.into_iter().map(|value| value as f32).collect()
}

#[test]
fn a_compacted_subnetwork_gives_the_same_numbers_for_less() {
    let widths = [20, 16, 12, 5];
    for (seed, keep) in [0.02, 0.05, 0.1, 0.2, 0.5, 0.0].into_iter().enumerate() {
        let seed = 100 * (seed as u64 + 1);
        let parts: Vec<(Vec<f32>, Vec<bool>, Vec<f32>)> = (0..3)
            .map(|at| {
                let (count, from) = (widths[at] * widths[at + 1], seed + 10 * at as u64);
                (random(from, count), mask(from + 1, count, keep), random(from + 2, widths[at + 1]))
            })
            .collect();
        // An activation that is not 0 at 0 shows whether constants are folded.
        let layers: Vec<Layer> = parts
            .iter()
            .map(|(weight, mask, bias)| Layer { weight, mask, bias, activation: Activation::Sigmoid })
            .collect();
        let compact = Compact::of(20, &layers);
        let rows: Vec<f32> = random(seed + 50, 10 * 20);
        let expected = rows.chunks(20).flat_map(|row| masked(row, &layers));
        for (got, expected) in compact.forward(&rows, 10).iter().zip(expected) {
            assert!((got - expected).abs() < 1e-5, "keep {keep}: {got} and {expected}");
        }
        let kept = parts.iter().flat_map(|(_, mask, _)| mask).filter(|kept| **kept).count();
        assert_eq!(compact.dense_multiplications(), 20 * 16 + 16 * 12 + 12 * 5);
        if keep <= 0.2 {
            let (few, all) = (compact.multiplications(), compact.dense_multiplications());
            assert!(few < all, "keep {keep}: {few} of {all}");
        }
        if keep == 0.0 {
            assert_eq!((kept, compact.multiplications()), (0, 0));
        }
    }
}

#[test]
fn a_whole_network_is_not_compacted() {
    let (weight, bias) = (random(1, 12), random(2, 4));
    let layer = Layer { weight: &weight, mask: &[true; 12], bias: &bias, activation: Activation::Relu };
    let compact = Compact::of(3, &[layer]);
    assert_eq!(compact.multiplications(), compact.dense_multiplications());
}
