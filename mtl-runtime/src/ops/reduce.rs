//! Sums and means over an axis.

use burn::tensor::Tensor;

/// The sum of each slot: `[B, S, d]` to `[B, S, 1]`.
pub fn sum_width(x: Tensor<3>) -> Tensor<3> {
    x.sum_dim(2)
}

/// The mean of each slot: `[B, S, d]` to `[B, S, 1]`.
pub fn mean_width(x: Tensor<3>) -> Tensor<3> {
    x.mean_dim(2)
}

/// The inner product of each slot with the same slot of `b`, over the root of the width: two of `[B, S, d]` to `[B, S, 1]`.
pub fn scaled_dots(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    let root = (a.dims()[2] as f64).sqrt();
    (a * b).sum_dim(2) / root
}

/// The mean over rows of the sum of each: `[B, S, d]` to `[1]`; 0 without rows.
pub fn mean(x: Tensor<3>) -> Tensor<1> {
    let rows = x.dims()[0].max(1) as f64;
    x.sum() / rows
}
