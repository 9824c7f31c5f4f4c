//! Attention between slots.

use burn::tensor::Tensor;

use super::softmax;

/// Multi-head attention: for each head, `softmax(q k^T / sqrt(d / heads)) v` over its share of the width (Vaswani et al., 2017).
/// Queries `[B, Q, d]`, keys `[B, S, d]` and values `[B, S, d]` to `[B, Q, d]`; `heads` divides `d`.
pub fn attention(queries: Tensor<3>, keys: Tensor<3>, values: Tensor<3>, heads: usize) -> Tensor<3> {
    let [rows, count, width] = queries.dims();
    assert!(heads > 0 && width % heads == 0, "{heads} heads divide a width of {width}");
    let share = width / heads;
    // [B, S, d] to [B * heads, S, d / heads]
    let split = |x: Tensor<3>| {
        let slots = x.dims()[1];
        x.reshape([rows, slots, heads, share]).swap_dims(1, 2).reshape([rows * heads, slots, share])
    };
    let scores = split(queries).matmul(split(keys).transpose()) / (share as f64).sqrt();
    let mixed = softmax(scores).matmul(split(values));
    mixed.reshape([rows, heads, count, share]).swap_dims(1, 2).reshape([rows, count, width])
}
