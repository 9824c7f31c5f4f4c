//! Sums and products element by element. An input of one row, one slot or one column is repeated along that axis.

use burn::tensor::Tensor;

/// `a + b`: `[B, S, d]` each, or 1 where the other has more.
pub fn add(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    a + b
}

/// `a * b`, as [`add`].
pub fn multiply(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    a * b
}

/// `factor * x + shift`.
pub fn affine(x: Tensor<3>, factor: f64, shift: f64) -> Tensor<3> {
    let scaled = if factor == 1.0 { x } else { x * factor };
    if shift == 0.0 { scaled } else { scaled + shift }
}

/// `x`, through which no gradient flows.
pub fn stop(x: Tensor<3>) -> Tensor<3> {
    x.detach()
}
