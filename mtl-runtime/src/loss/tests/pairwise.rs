//! Pairs of rows of a group.

use super::*;
use crate::loss::{counted, grouped_losses, part_losses};

/// A click, an order and a rating.
fn choices() -> Schema {
    schema(&[("click", BINARY, None), ("choice", TaskKind::Pairwise, None), ("rating", MSE, None)])
}

const GROUPS: [u64; 7] = [4, 9, 4, 9, 4, 1, 9];

/// Seven rows: in group 4 two positives and a negative; in group 9 one of each, and a row without a label; a group of one row.
fn rows() -> (Vec<f32>, Vec<f32>) {
    let choice = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, f32::NAN];
    let labels = choice.iter().enumerate().flat_map(|(row, label)| [label % 2.0, *label, row as f32]).collect();
    let weights = [1.0, 1.0, 2.0, 0.5, 3.0, 1.0, 1.0].iter().flat_map(|weight| [1.0, *weight, 1.0]).collect();
    (labels, weights)
}

fn of_choice(logits: &[f32], labels: &[f32], weights: &[f32], groups: &[u64]) -> f32 {
    let logits = tensor(logits, [logits.len() / 3, 3]);
    values(grouped_losses(&choices(), logits, labels, weights, groups))[1]
}

fn softplus(x: f32) -> f32 {
    x.exp().ln_1p()
}

#[test]
fn the_loss_is_a_mean_over_the_pairs_of_a_group() {
    let (labels, weights) = rows();
    let scores = [0.3, -1.0, 0.8, 0.1, -0.4, 5.0, 7.0];
    let logits: Vec<f32> = scores.iter().flat_map(|score| [0.0, *score, 0.0]).collect();
    let pairs = [(0, 2, 2.0), (4, 2, 6.0), (3, 1, 0.5)];
    let total: f32 = pairs.iter().map(|pair| pair.2).sum();
    let loss: f32 = pairs.iter().map(|&(i, j, weight)| weight * softplus(scores[j] - scores[i])).sum();
    close("loss", &[of_choice(&logits, &labels, &weights, &GROUPS)], &[loss / total], 1e-6);
    assert_eq!(counted(&choices(), &labels, &weights, &GROUPS), [6.0, f64::from(total), 7.0]);
    let whole = |limit| part_losses(&choices(), &logits, &labels, &weights, Some(&GROUPS), limit)[1];
    close("of all rows", &[whole(100).0 as f32, whole(100).1 as f32], &[loss / total, total], 1e-6);
    // Cut after two rows, group 4 keeps its first pair; its last row stands alone.
    let kept = (2.0 * softplus(0.5) + 0.5 * softplus(-1.1)) / 2.5;
    close("cut", &[whole(2).0 as f32], &[kept], 1e-6);
    // One group: more pairs.
    let one = [of_choice(&logits, &labels, &weights, &[]), of_choice(&logits, &labels, &weights, &[3; 7])];
    assert!(one[0] == one[1] && (one[0] - loss / total).abs() > 0.1, "{one:?}");
}

#[test]
fn pairs_have_one_gradient_in_both_forms() {
    let (labels, weights) = rows();
    let matrix = |x: &[Tensor<3>]| x[0].clone().squeeze_dim::<2>(0);
    let inputs = [noise(5, [1, 7, 3])];
    let kernel = |x: Vec<Tensor<3>>| grouped_losses(&choices(), matrix(&x), &labels, &weights, &GROUPS);
    let masked = Masked::new(Objective::parts(&choices()), choices().tasks.len(), &labels, &weights, &GROUPS);
    let tensors = |x: Vec<Tensor<3>>| portable::losses(&masked, matrix(&x));
    check_gradient("pairs", &inputs, &kernel);
    check_gradient("pairs, portable", &inputs, &tensors);
    check_same("pairs", &inputs, &kernel, &tensors);
    // A row without a partner or without a label has no slope; within a group the slopes sum to nothing.
    let slopes: Vec<f32> = gradient(&inputs, &kernel)[0].iter().skip(1).step_by(3).copied().collect();
    assert!(slopes[5] == 0.0 && slopes[6] == 0.0, "{slopes:?}");
    assert!(slopes[0] < 0.0 && slopes[2] > 0.0 && slopes[1] == -slopes[3], "{slopes:?}");
    assert!((slopes[0] + slopes[2] + slopes[4]).abs() < 1e-6, "{slopes:?}");
}

#[test]
fn only_differences_within_a_group_count() {
    let (labels, weights) = rows();
    let (logits, _) = noise(8, [1, 7, 3]);
    let before = of_choice(&logits, &labels, &weights, &GROUPS);
    let shifted = |of: &dyn Fn(u64) -> f32| {
        let shift = |(at, logit): (usize, &f32)| if at % 3 == 1 { logit + of(GROUPS[at / 3]) } else { *logit };
        let logits: Vec<f32> = logits.iter().enumerate().map(shift).collect();
        of_choice(&logits, &labels, &weights, &GROUPS)
    };
    close("a shift of each group", &[shifted(&|group| group as f32)], &[before], 1e-5);
    let mut other = logits.clone();
    (other[5 * 3 + 1], other[6 * 3 + 1]) = (-50.0, 50.0);
    assert_eq!(of_choice(&other, &labels, &weights, &GROUPS), before, "rows without a pair");
}

#[test]
fn without_a_pair_there_is_neither_loss_nor_slope() {
    let (labels, weights) = rows();
    let alone: Vec<u64> = (0..7).collect();
    assert_eq!(of_choice(&noise(2, [1, 7, 3]).0, &labels, &weights, &alone), 0.0);
    assert_eq!(counted(&choices(), &labels, &weights, &alone)[1], 0.0);
    let inputs = [noise(2, [1, 7, 3])];
    let masked = Masked::new(Objective::parts(&choices()), choices().tasks.len(), &labels, &weights, &alone);
    type Form<'a> = &'a dyn Fn(Vec<Tensor<3>>) -> Tensor<1>;
    let forms: [Form<'_>; 2] =
        [&|x| grouped_losses(&choices(), x[0].clone().squeeze_dim::<2>(0), &labels, &weights, &alone), &|x| {
            portable::losses(&masked, x[0].clone().squeeze_dim::<2>(0))
        }];
    for form in forms {
        let slopes = gradient(&inputs, form);
        assert!(slopes[0].iter().skip(1).step_by(3).all(|slope| *slope == 0.0));
        assert!(slopes[0].iter().step_by(3).any(|slope| *slope != 0.0));
    }
    let large: Vec<f32> = (0..21).map(|at| if at / 3 % 4 < 2 { 1e4 } else { -1e4 }).collect();
    let loss = of_choice(&large, &labels, &weights, &GROUPS);
    assert!(loss.is_finite() && loss > 1e3, "{loss}");
}

#[test]
fn the_prediction_is_the_score() {
    close("predictions", &predictions(&choices(), &[0.0, -3.5, 2.0]), &[0.5, -3.5, 2.0], 1e-7);
}
