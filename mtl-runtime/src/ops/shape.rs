//! Rearrangements: what is the whole tensor already is free.

use std::ops::Range;

use burn::tensor::{Int, Tensor, TensorData};

/// Joins representations along their width: `[B, T, d1]`, `[B, T, d2]` to `[B, T, d1 + d2]`. One of a single slot is
/// repeated for every slot of the others.
pub fn concat(parts: Vec<Tensor<3>>) -> Tensor<3> {
    let slots = parts.iter().map(|part| part.dims()[1]).max().expect("concat of nothing");
    let repeat = |part: Tensor<3>| {
        let [rows, own, width] = part.dims();
        assert!(own == slots || own == 1, "concat of {own} and {slots} slots");
        if own == slots { part } else { part.expand([rows, slots, width]) }
    };
    join(parts.into_iter().map(repeat).collect(), 2)
}

/// Joins slots: `[B, S1, d]`, `[B, S2, d]` to `[B, S1 + S2, d]`.
pub fn stack(parts: Vec<Tensor<3>>) -> Tensor<3> {
    join(parts, 1)
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

/// The columns in the given ranges, in their order: `[B, S, D]` to `[B, S, d]`.
pub fn columns(x: Tensor<3>, ranges: &[Range<usize>]) -> Tensor<3> {
    let [rows, slots, width] = x.dims();
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges.iter().filter(|range| !range.is_empty()) {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range.clone()),
        }
    }
    if matches!(&joined[..], [all] if *all == (0..width)) {
        return x;
    }
    join(joined.into_iter().map(|range| x.clone().slice([0..rows, 0..slots, range])).collect(), 2)
}

/// The logits of towers `[B, G, 1]` in task order: slot `g` of a group is the logit of task `tasks[g]`. To `[B, tasks]`.
pub fn logits(groups: Vec<(Tensor<3>, &[usize])>, tasks: usize) -> Tensor<2> {
    let mut place = vec![usize::MAX; tasks];
    let order = groups.iter().flat_map(|(_, tasks)| tasks.iter());
    order.enumerate().for_each(|(slot, &task)| place[task] = slot);
    assert!(!place.contains(&usize::MAX), "each of {tasks} tasks has a tower");
    let towers = select(stack(groups.into_iter().map(|(tower, _)| tower).collect()), &place);
    let rows = towers.dims()[0];
    towers.reshape([rows, tasks])
}

fn join(mut parts: Vec<Tensor<3>>, axis: usize) -> Tensor<3> {
    if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, axis) }
}
