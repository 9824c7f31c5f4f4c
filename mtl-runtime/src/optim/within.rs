//! An update of some of a parameter's values.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};

use super::Slot;
use super::rule::Rule;
use crate::evaluate::numbers;

/// The parameter with the values in the mask updated, and their state; without a mask, all of them. `at` gives the rule at a
/// value's step, since a value is as old as the updates it took part in, and under the factor on the learning rate of its slice.
pub(super) fn update(
    slot: &mut Slot,
    parameter: Tensor<1>,
    grad: Tensor<1>,
    mask: Option<&[bool]>,
    pace: &[f64],
    at: impl Fn(u64, f64) -> Rule,
) -> Tensor<1> {
    let device = parameter.device();
    let mut values = numbers(parameter);
    let grad = numbers(grad);
    assert!(mask.is_none_or(|mask| mask.len() == values.len()), "a mask has one value for each of its parameter's");
    let mut buffers: Vec<Vec<f32>> = slot.buffers.drain(..).map(numbers).collect();
    let steps = slot.element_steps.get_or_insert_with(|| vec![slot.steps; values.len()]);
    // Values of one age and slice are updated together.
    let mut ages: BTreeMap<(u64, usize), Vec<usize>> = BTreeMap::new();
    let size = (values.len() / pace.len()).max(1);
    for position in (0..values.len()).filter(|position| mask.is_none_or(|mask| mask[*position])) {
        steps[position] += 1;
        ages.entry((steps[position], position / size)).or_default().push(position);
    }
    let tensor = |values: Vec<f32>| {
        let count = values.len();
        Tensor::<1>::from_data(TensorData::new(values, [count]), &device)
    };
    let gather = |from: &[f32], positions: &[usize]| tensor(positions.iter().map(|at| from[*at]).collect());
    for ((age, slice), positions) in &ages {
        let mut state = buffers.iter().map(|buffer| gather(buffer, positions)).collect();
        let new = at(*age, pace[*slice]).apply(gather(&values, positions), gather(&grad, positions), &mut state);
        let scatter = |to: &mut [f32], from: Tensor<1>| {
            positions.iter().zip(numbers(from)).for_each(|(at, value)| to[*at] = value);
        };
        scatter(&mut values, new);
        buffers.iter_mut().zip(state).for_each(|(buffer, new)| scatter(buffer, new));
    }
    slot.steps = steps.iter().copied().max().unwrap_or(slot.steps);
    slot.buffers = buffers.into_iter().map(tensor).collect();
    tensor(values)
}

/// The mask without the slices that stand still; none where all values may move.
pub(super) fn paced(mask: Option<&[bool]>, pace: &[f64], count: usize) -> Option<Vec<bool>> {
    if pace.iter().all(|factor| *factor != 0.0) {
        return mask.map(<[bool]>::to_vec);
    }
    let size = (count / pace.len()).max(1);
    Some((0..count).map(|at| pace[at / size] != 0.0 && mask.is_none_or(|mask| mask[at])).collect())
}

/// The sum of the squares of what the mask holds of a gradient.
pub(super) fn square_norm(grad: &[f32], mask: &[bool]) -> f64 {
    grad.iter().zip(mask).filter(|(_, kept)| **kept).map(|(g, _)| *g as f64 * *g as f64).sum()
}

/// The values of a gradient's members that are not zero throughout, within a mask; none where that is all of them.
pub(super) fn moving(grad: &[f32], members: usize, mask: Option<&[bool]>) -> Option<Vec<bool>> {
    let size = grad.len().checked_div(members).unwrap_or(0).max(1);
    let moves: Vec<bool> = grad.chunks(size).map(|member| member.iter().any(|slope| *slope != 0.0)).collect();
    if mask.is_none() && moves.iter().all(|moves| *moves) {
        return None;
    }
    Some((0..grad.len()).map(|at| moves[at / size] && mask.is_none_or(|mask| mask[at])).collect())
}
