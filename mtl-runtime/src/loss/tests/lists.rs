//! Softmaxes over the rows of a group, and sums of losses.

use mtl_data::schema::{BinaryLoss, Summand};

use super::*;
use crate::loss::{counted, grouped_losses, part_losses};

const JRC: TaskKind = TaskKind::Binary { loss: BinaryLoss::Jrc { alpha: 0.4 } };
const LIST: TaskKind = TaskKind::Listwise { temperature: 0.5 };
const GROUPS: [u64; 7] = [4, 9, 4, 9, 4, 1, 9];

fn summand(name: &str, weight: f64, kind: TaskKind) -> Summand {
    Summand { name: name.into(), weight, kind }
}

/// A joint loss, grades, a sum of three losses and a rating: columns 0 to 3, and 4 and 5 for the levels of the joint ones.
fn all() -> Schema {
    let mut schema =
        schema(&[("click", JRC, None), ("grade", LIST, None), ("like", BINARY, None), ("watch", MSE, None)]);
    schema.tasks[2].losses =
        vec![summand("bce", 0.7, BINARY), summand("bpr", 0.3, TaskKind::Pairwise), summand("jrc", 0.5, JRC)];
    schema
}

/// Seven rows in three groups, one of which is a single row; soft labels, a missing one and weights among them.
fn rows() -> (Vec<f32>, Vec<f32>) {
    let click = [1.0, 0.0, 0.0, 0.25, 1.0, 1.0, f32::NAN];
    let grade = [3.0, 0.0, 1.0, 2.0, f32::NAN, 1.0, 0.5];
    let labels = (0..7).flat_map(|row| [click[row], grade[row], (row % 2) as f32, row as f32]).collect();
    let weights = [1.0, 1.0, 2.0, 0.5, 3.0, 1.0, 0.0];
    (labels, weights.iter().flat_map(|weight| [*weight, *weight, 1.0, 1.0]).collect())
}

fn of(logits: &[f32], labels: &[f32], weights: &[f32], groups: &[u64]) -> Vec<f32> {
    values(grouped_losses(&all(), tensor(logits, [logits.len() / 6, 6]), labels, weights, groups))
}

#[test]
fn a_softmax_over_a_group_is_written_out() {
    let (labels, weights) = rows();
    let (logits, _) = noise(3, [1, 7, 6]);
    let at = |row: usize, column: usize| f64::from(logits[row * 6 + column]);
    let soft = |values: &[f64], of: usize| values[of] - values.iter().map(|value| value.exp()).sum::<f64>().ln();
    // Grades: group 4 has rows 0 and 2, group 9 rows 1 and 3; the rest is alone, masked or without a weight.
    let (mut loss, mut total) = (0.0, 0.0);
    for rows in [[0, 2], [1, 3]] {
        let grades = rows.map(|row| f64::from(labels[row * 4 + 1]) / 0.5);
        let scores = rows.map(|row| at(row, 1));
        for place in 0..2 {
            let mass = f64::from(weights[rows[place] * 4 + 1]) * soft(&grades, place).exp();
            loss -= mass * soft(&scores, place);
            total += mass;
        }
    }
    let found = of(&logits, &labels, &weights, &GROUPS);
    close("list_net", &found[1..2], &[(loss / total) as f32], 1e-5);
    // The joint loss: the logits of the two classes are `c + z / 2` and `c - z / 2`.
    let (mut joint, mut total) = (0.0, 0.0);
    for rows in [vec![0, 2, 4], vec![1, 3], vec![5]] {
        let classes =
            [0.5, -0.5].map(|half| rows.iter().map(|row| at(*row, 4) + half * at(*row, 0)).collect::<Vec<_>>());
        for (place, row) in rows.iter().enumerate() {
            let (y, weight) = (f64::from(labels[row * 4]), f64::from(weights[row * 4]));
            let z = at(*row, 0);
            let entropy = y * (1.0 + (-z).exp()).ln() + (1.0 - y) * (1.0 + z.exp()).ln();
            let listed = -(y * soft(&classes[0], place) + (1.0 - y) * soft(&classes[1], place));
            joint += weight * (0.4 * entropy + 0.6 * listed);
            total += weight;
        }
    }
    close("jrc", &found[..1], &[(joint / total) as f32], 1e-5);
}

#[test]
fn lists_and_sums_have_one_gradient_in_both_forms() {
    let (labels, weights) = rows();
    let matrix = |x: &[Tensor<3>]| x[0].clone().squeeze_dim::<2>(0);
    let inputs = [noise(5, [1, 7, 6])];
    let schema = all();
    let kernel = |x: Vec<Tensor<3>>| grouped_losses(&schema, matrix(&x), &labels, &weights, &GROUPS);
    let masked = Masked::new(Objective::parts(&schema), 4, &labels, &weights, &GROUPS);
    let tensors = |x: Vec<Tensor<3>>| crate::loss::sums(&schema, portable::losses(&masked, matrix(&x)));
    check_gradient("lists", &inputs, &kernel);
    check_gradient("lists, portable", &inputs, &tensors);
    check_same("lists", &inputs, &kernel, &tensors);
    // A row that is alone, masked or without a weight has no slope along its grade; a masked one none along its level.
    let slopes = gradient(&inputs, &kernel);
    let slope = |row: usize, column: usize| slopes[0][row * 6 + column];
    assert!([4, 5, 6].iter().all(|row| slope(*row, 1) == 0.0) && slope(0, 1) != 0.0, "{slopes:?}");
    assert!(slope(6, 0) == 0.0 && slope(6, 4) == 0.0 && slope(5, 4) == 0.0 && slope(5, 0) != 0.0, "{slopes:?}");
}

#[test]
fn a_loss_that_is_a_sum_is_that_of_its_summands() {
    let (labels, weights) = rows();
    let (logits, _) = noise(8, [1, 7, 6]);
    let whole = of(&logits, &labels, &weights, &GROUPS);
    let parts = part_losses(&all(), &logits, &labels, &weights, Some(&GROUPS), usize::MAX);
    let sum = 0.7 * parts[2].0 + 0.3 * parts[3].0 + 0.5 * parts[4].0;
    close("sum", &whole[2..3], &[sum as f32], 1e-5);
    close("alone", &[whole[0], whole[1], whole[3]], &[parts[0].0 as f32, parts[1].0 as f32, parts[5].0 as f32], 1e-5);
    let rows = part_losses(&all(), &logits, &labels, &weights, None, usize::MAX);
    assert_eq!(rows.iter().map(|part| part.1 > 0.0).collect::<Vec<_>>(), [false, false, true, false, false, true]);
    assert_eq!(counted(&all(), &labels, &weights, &GROUPS)[0], 8.5);
}

#[test]
fn what_all_rows_of_a_group_share_does_not_count() {
    let (labels, weights) = rows();
    let (logits, _) = noise(8, [1, 7, 6]);
    let before = of(&logits, &labels, &weights, &GROUPS);
    // A shift of each group's scores and levels.
    let shift = |(at, logit): (usize, &f32)| match at % 6 {
        1 | 4 | 5 => logit + GROUPS[at / 6] as f32,
        _ => *logit,
    };
    let shifted: Vec<f32> = logits.iter().enumerate().map(shift).collect();
    close("shift", &of(&shifted, &labels, &weights, &GROUPS), &before, 1e-4);
    // Groups of one row: the joint loss is its cross-entropy, grades say nothing.
    let alone: Vec<u64> = (0..7).collect();
    let found = of(&logits, &labels, &weights, &alone);
    let plain = schema(&[("click", BINARY, None)]);
    let column = |of: &[f32], width: usize| of.iter().step_by(width).copied().collect::<Vec<f32>>();
    let entropy = losses(&plain, &column(&logits, 6), &column(&labels, 4), &column(&weights, 4))[0];
    close("alone", &found[..2], &[0.4 * entropy, 0.0], 1e-5);
}

#[test]
fn one_class_and_extremes_are_finite() {
    let (mut labels, weights) = rows();
    (0..7).for_each(|row| labels[row * 4] = 0.0);
    for scale in [1.0, 1e4] {
        let logits: Vec<f32> = noise(8, [1, 7, 6]).0.iter().map(|logit| logit * scale).collect();
        let inputs = [(logits, [1, 7, 6])];
        let kernel =
            |x: Vec<Tensor<3>>| grouped_losses(&all(), x[0].clone().squeeze_dim::<2>(0), &labels, &weights, &GROUPS);
        let losses = of(&inputs[0].0, &labels, &weights, &GROUPS);
        assert!(losses.iter().all(|loss| loss.is_finite() && *loss >= 0.0), "{losses:?}");
        assert!(gradient(&inputs, &kernel)[0].iter().all(|slope| slope.is_finite()));
    }
}
