//! Softmax over the greatest few of the last axis.

use burn::tensor::{Tensor, TensorData};

use super::softmax;
use crate::evaluate::numbers;

/// Softmax over the `k` greatest of each `[width]`; of equal ones the first. The others are exactly 0 and get no gradient. With `k` of
/// the width or more, it is the softmax. `[B, S, E]` to `[B, S, E]`.
pub fn top_k(logits: Tensor<3>, k: usize) -> Tensor<3> {
    let shape = logits.dims();
    let width = shape[2];
    if k >= width {
        return softmax(logits);
    }
    let values = numbers(logits.clone().detach());
    let mut kept = vec![0.0f32; values.len()];
    for (row, kept) in values.chunks_exact(width).zip(kept.chunks_exact_mut(width)) {
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
        order.iter().take(k).for_each(|at| kept[*at] = 1.0);
    }
    let kept = Tensor::<3>::from_data(TensorData::new(kept, shape), &logits.device());
    // Far below all others; the product makes the zeros exact.
    let hidden = (kept.clone() - 1.0) * 1e9;
    softmax(logits * kept.clone() + hidden) * kept
}
