//! Rearrangements: what is the whole tensor already is free.

use std::ops::Range;

use burn::backend::flex::FlexTensor;
use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Int, Tensor, TensorData};
use mtl_data::Slots;

use super::block::{Block, from_vec, into_vec};
use super::kernel::{Kernel, on_cpu, unary};

/// Joins representations along their width: `[B, T, d1]`, `[B, T, d2]` to `[B, T, d1 + d2]`. One of a single slot is
/// repeated for every slot of the others.
pub fn concat(parts: Vec<Tensor<3>>) -> Tensor<3> {
    let slots = parts.iter().map(|part| part.dims()[1]).max().expect("concat of nothing");
    let rows = parts.iter().map(|part| part.dims()[0]).max().expect("concat of nothing");
    let repeat = |part: Tensor<3>| {
        let [given, own, width] = part.dims();
        assert!(own == slots || own == 1, "concat of {own} and {slots} slots");
        if own == slots && given == rows { part } else { part.expand([rows, slots, width]) }
    };
    join(parts.into_iter().map(repeat).collect(), 2)
}

/// Joins slots: `[B, S1, d]`, `[B, S2, d]` to `[B, S1 + S2, d]`.
pub fn stack(parts: Vec<Tensor<3>>) -> Tensor<3> {
    let rows = parts.iter().map(|part| part.dims()[0]).max().expect("stack of nothing");
    let repeat = |part: Tensor<3>| {
        let [given, slots, width] = part.dims();
        if given == rows { part } else { part.expand([rows, slots, width]) }
    };
    join(parts.into_iter().map(repeat).collect(), 1)
}

/// The given slots, in the given order: `[B, S, d]` to `[B, slots.len(), d]`.
pub fn select(x: Tensor<3>, slots: &[usize]) -> Tensor<3> {
    let [rows, count, width] = x.dims();
    let consecutive = slots.windows(2).all(|pair| pair[1] == pair[0] + 1);
    match slots.first() {
        Some(&first) if consecutive && slots.len() == count && first == 0 => x,
        Some(&first) if consecutive => x.slice([0..rows, first..first + slots.len(), 0..width]),
        _ => {
            let indices: Vec<i32> = slots.iter().map(|&slot| slot as i32).collect();
            let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, [slots.len()]), &x.device());
            x.select(1, indices)
        }
    }
}

/// A view of the input matrix: `x [B, 1, D]` to `[B, slots, width]`, each slot made of columns of `x`.
pub fn columns(x: Tensor<3>, slots: &Slots) -> Tensor<3> {
    let [rows, _, width] = x.dims();
    let ranges = slots.slots();
    if matches!(ranges, [all] if matches!(&all[..], [all] if *all == (0..width))) {
        return x;
    }
    if on_cpu(&x) {
        return unary(x, View { slots: slots.clone(), width });
    }
    let slot = |ranges: &Vec<Range<usize>>| {
        join(ranges.iter().map(|range| x.clone().slice([0..rows, 0..1, range.clone()])).collect(), 2)
    };
    stack(ranges.iter().map(slot).collect())
}

/// The kernel of [`columns`].
#[derive(Debug)]
struct View {
    slots: Slots,
    width: usize,
}

impl Kernel<1> for View {
    type Saved = usize;

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, usize) {
        let x = Block::new(x);
        let (count, width) = (self.slots.slots().len(), self.slots.width());
        let mut y = Vec::with_capacity(x.rows * count * width);
        let cells = x.cells();
        for row in 0..x.rows {
            let from = cells.at(row, 0);
            self.slots.slots().iter().flatten().for_each(|range| y.extend_from_slice(&from[range.clone()]));
        }
        (from_vec(y, &[x.rows, count, width]), x.rows)
    }

    fn backward(&self, rows: usize, grad: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let grad = into_vec(grad);
        let mut d_x = vec![0.0; rows * self.width];
        let all = self.slots.slots().len() * self.slots.width();
        for (grad, d_x) in grad.chunks_exact(all.max(1)).zip(d_x.chunks_exact_mut(self.width.max(1))) {
            let mut grad = grad;
            // A column may stand in several slots.
            for range in self.slots.slots().iter().flatten() {
                let (own, rest) = grad.split_at(range.len());
                d_x[range.clone()].iter_mut().zip(own).for_each(|(d_x, grad)| *d_x += grad);
                grad = rest;
            }
        }
        [Some(from_vec(d_x, &[rows, 1, self.width]))]
    }
}

/// The same numbers in `slots` slots: `[B, S, d]` to `[B, slots, S d / slots]`.
pub fn reshape(x: Tensor<3>, slots: usize) -> Tensor<3> {
    let [rows, old, width] = x.dims();
    assert!(slots > 0 && old * width % slots == 0, "{slots} slots of {old} x {width} values");
    x.reshape([rows, slots, old * width / slots])
}

/// Slots become columns: `[B, S, d]` to `[B, d, S]`.
pub fn transpose(x: Tensor<3>) -> Tensor<3> {
    x.swap_dims(1, 2)
}

/// Some neighbouring columns: `[B, S, D]` to `[B, S, columns.len()]`.
pub fn narrow(x: Tensor<3>, columns: &Range<usize>) -> Tensor<3> {
    let [rows, slots, width] = x.dims();
    if *columns == (0..width) { x } else { x.slice([0..rows, 0..slots, columns.clone()]) }
}

/// The logits of towers `[B, G, 1]` in task order: slot `g` of a group is the logit of task `tasks[g]`. To `[B, tasks]`.
pub fn logits(groups: Vec<(Tensor<3>, &[usize])>, tasks: usize) -> Tensor<2> {
    let mut place = vec![usize::MAX; tasks];
    let order = groups.iter().flat_map(|(_, tasks)| tasks.iter());
    order.enumerate().for_each(|(slot, &task)| place[task] = slot);
    assert!(!place.contains(&usize::MAX), "each of {tasks} tasks has a tower");
    // A tower of one task may say several numbers.
    let slots = |tower: Tensor<3>| match tower.dims() {
        [_, _, 1] => tower,
        [rows, slots, width] => tower.reshape([rows, slots * width, 1]),
    };
    let towers = select(stack(groups.into_iter().map(|(tower, _)| slots(tower)).collect()), &place);
    let rows = towers.dims()[0];
    towers.reshape([rows, tasks])
}

/// More columns beside logits `[B, C]`: a tower's `[B, 1, 1]`, or numbers `[1, 1, n]` that are those of every row.
pub fn head(logits: Tensor<2>, tower: Tensor<3>) -> Tensor<2> {
    let (rows, [own, _, width]) = (logits.dims()[0], tower.dims());
    Tensor::cat(vec![logits, tower.reshape([own, width]).expand([rows, width])], 1)
}

/// Columns behind logits `[B, C]`: the logit of `task` less the sums of positive steps, the softplus of `[1, 1, n]`. To `[B, C + n]`.
pub fn levels(logits: Tensor<2>, steps: Tensor<3>, task: usize) -> Tensor<2> {
    let (rows, count) = (logits.dims()[0], steps.dims()[2]);
    let logit = logits.clone().slice([0..rows, task..task + 1]);
    let steps = -log_sigmoid(-steps.reshape([1, count]));
    let mut below = logit;
    let mut columns = vec![logits];
    for step in 0..count {
        below = below - steps.clone().slice([0..1, step..step + 1]);
        columns.push(below.clone());
    }
    Tensor::cat(columns, 1)
}

/// The logits of mixtures: with columns `[task, between, otherwise]`, the task's becomes that of
/// `P(between) P(task) + (1 - P(between)) P(otherwise)`. The first `kept` columns are kept. Exact for logits of any size: both the
/// probability and its complement are sums in the log domain.
pub fn through(logits: Tensor<2>, mixtures: &[[usize; 3]], kept: usize) -> Tensor<2> {
    let rows = logits.dims()[0];
    let column = |at: usize| logits.clone().slice([0..rows, at..at + 1]);
    let columns = (0..kept).map(|task| {
        let Some([_, between, otherwise]) = mixtures.iter().find(|[of, ..]| *of == task) else { return column(task) };
        let between = column(*between);
        let mixture = |sign: f32| {
            let either = log_sigmoid(between.clone()) + log_sigmoid(column(task) * sign);
            let or = log_sigmoid(-between.clone()) + log_sigmoid(column(*otherwise) * sign);
            // log(e^a + e^b)
            either.clone() - log_sigmoid(either - or)
        };
        mixture(1.0) - mixture(-1.0)
    });
    Tensor::cat(columns.collect(), 1)
}

fn join(mut parts: Vec<Tensor<3>>, axis: usize) -> Tensor<3> {
    if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, axis) }
}
