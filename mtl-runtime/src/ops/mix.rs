//! Mixtures: sums of slots weighted by a gate.

use burn::backend::flex::FlexTensor;
use burn::tensor::{Int, Tensor, TensorData};

use super::block::{Block, Cells, from_vec};
use super::kernel::{Kernel, binary, on_cpu};
use super::vector::{dot, vectorized};

/// Which experts each row of gate weights mixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Every row mixes all experts, column `j` weighing expert `j`.
    All,
    /// Row `t` mixes the experts of `lists[t]`, in the order of its columns.
    Lists(Vec<Vec<usize>>),
}

impl Choice {
    /// The experts of CGC (Tang et al., RecSys 2020, eq. 2): laid out as the `own` of task 0, those of task 1, and so on,
    /// then the `shared`; row `t` mixes its own, then the shared.
    pub fn own_and_shared(tasks: usize, own: usize, shared: usize) -> Choice {
        let list = |task: usize| (task * own..(task + 1) * own).chain(tasks * own..tasks * own + shared).collect();
        Choice::Lists((0..tasks).map(list).collect())
    }

    /// The own experts of all other rows, in the same layout, `own` for each of `rows`.
    pub fn foreign(rows: usize, own: usize) -> Choice {
        let list = |row: usize| (0..rows * own).filter(|expert| expert / own.max(1) != row).collect();
        Choice::Lists((0..rows).map(list).collect())
    }

    /// Row `i` of `rows` mixes `count` experts: `i`, `i + rows`, `i + 2 rows`, ...
    pub fn strided(rows: usize, count: usize) -> Choice {
        Choice::Lists((0..rows).map(|row| (0..count).map(|j| j * rows + row).collect()).collect())
    }

    /// The list of each of `rows` rows of gate weights over `experts` experts.
    fn lists(&self, rows: usize, experts: usize) -> Vec<Vec<usize>> {
        match self {
            Choice::All => vec![(0..experts).collect(); rows],
            Choice::Lists(lists) => lists.clone(),
        }
    }
}

/// `out[b, t] = sum_j weights[b, t, j] values[b, choice[t][j]]`: `weights [B, T, m]` and `values [B, E, d]` to `[B, T, d]`. Weights
/// `[1, T, m]` are those of every row.
pub fn mix(weights: Tensor<3>, values: Tensor<3>, choice: &Choice) -> Tensor<3> {
    let ([given, rows, columns], [batch, experts, _]) = (weights.dims(), values.dims());
    let weights = if given == batch { weights } else { weights.expand([batch, rows, columns]) };
    let lists = choice.lists(rows, experts);
    assert!(
        lists.len() == rows && lists.iter().all(|list| list.len() == columns && list.iter().all(|&e| e < experts)),
        "{rows} rows of {columns} weights over {experts} experts do not fit {choice:?}"
    );
    if on_cpu(&values) { binary(weights, values, Mix { lists }) } else { portable(weights, values, choice) }
}

/// `out[b, t] = sum_j values[b, choice[t][j]]`: `values [B, E, d]` to `[B, T, d]`, one sum for each list of the choice.
pub fn gather(values: Tensor<3>, choice: &Choice) -> Tensor<3> {
    let Choice::Lists(lists) = choice else { return values.sum_dim(1) };
    let (rows, columns) = (lists.len(), lists.first().map_or(0, Vec::len));
    mix(Tensor::ones([1, rows, columns], &values.device()), values, choice)
}

pub(super) fn portable(weights: Tensor<3>, values: Tensor<3>, choice: &Choice) -> Tensor<3> {
    let Choice::Lists(lists) = choice else { return weights.matmul(values) };
    let [batch, _, columns] = weights.dims();
    let mix_row = |(t, list): (usize, &Vec<usize>)| {
        let list: Vec<i32> = list.iter().map(|&expert| expert as i32).collect();
        let list = Tensor::<1, Int>::from_data(TensorData::new(list, [columns]), &values.device());
        weights.clone().slice([0..batch, t..t + 1, 0..columns]).matmul(values.clone().select(1, list))
    };
    Tensor::cat(lists.iter().enumerate().map(mix_row).collect(), 1)
}

#[derive(Debug)]
struct Mix {
    lists: Vec<Vec<usize>>,
}

impl Kernel<2> for Mix {
    type Saved = [Block; 2];

    fn forward(&self, inputs: [FlexTensor; 2]) -> (FlexTensor, [Block; 2]) {
        let [weights, values] = inputs.map(Block::new);
        let mut out = Vec::with_capacity(values.rows * weights.slots * values.width);
        forward(weights.cells(), values.cells(), &self.lists, values.rows, values.width, &mut out);
        (from_vec(out, &[values.rows, weights.slots, values.width]), [weights, values])
    }

    fn backward(&self, [weights, values]: [Block; 2], grad: FlexTensor, wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let grad = Block::new(grad);
        let (rows, experts, width) = (values.rows, values.slots, values.width);
        let d_weights = wanted[0].then(|| {
            let mut d_weights = Vec::with_capacity(rows * weights.slots * weights.width);
            weights_backward(values.cells(), grad.cells(), &self.lists, rows, &mut d_weights);
            from_vec(d_weights, &[rows, weights.slots, weights.width])
        });
        let d_values = wanted[1].then(|| {
            let mut d_values = Vec::with_capacity(rows * experts * width);
            values_backward(weights.cells(), grad.cells(), &self.lists, rows, experts, width, &mut d_values);
            from_vec(d_values, &[rows, experts, width])
        });
        [d_weights, d_values]
    }
}

// Results grow row by row, so that a row is still in the cache when its sums are made.
vectorized! {
    fn forward(weights: Cells, values: Cells, lists: &[Vec<usize>], rows: usize, width: usize, out: &mut Vec<f32>) {
        for row in 0..rows {
            for (t, list) in lists.iter().enumerate() {
                let out = grow(out, width);
                for (&weight, &expert) in weights.at(row, t).iter().zip(list) {
                    add_scaled(out, weight, values.at(row, expert));
                }
            }
        }
    }

    fn weights_backward(values: Cells, grad: Cells, lists: &[Vec<usize>], rows: usize, d_weights: &mut Vec<f32>) {
        for row in 0..rows {
            for (t, list) in lists.iter().enumerate() {
                let grad = grad.at(row, t);
                for &expert in list {
                    d_weights.push(dot(grad, values.at(row, expert)));
                }
            }
        }
    }

    fn values_backward(
        weights: Cells,
        grad: Cells,
        lists: &[Vec<usize>],
        rows: usize,
        experts: usize,
        width: usize,
        d_values: &mut Vec<f32>,
    ) {
        for row in 0..rows {
            let d_values = grow(d_values, experts * width);
            for (t, list) in lists.iter().enumerate() {
                let grad = grad.at(row, t);
                for (&weight, &expert) in weights.at(row, t).iter().zip(list) {
                    add_scaled(&mut d_values[expert * width..][..width], weight, grad);
                }
            }
        }
    }
}

/// Appends zeros, and gives them.
#[inline(always)]
fn grow(out: &mut Vec<f32>, by: usize) -> &mut [f32] {
    let start = out.len();
    out.resize(start + by, 0.0);
    &mut out[start..]
}

#[inline(always)]
fn add_scaled(out: &mut [f32], factor: f32, values: &[f32]) {
    out.iter_mut().zip(values).for_each(|(out, value)| *out += factor * value);
}
