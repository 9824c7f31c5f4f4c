//! Products of all pairs of slots, in the order (0, 1), (0, 2), ..., (1, 2), ...

use burn::tensor::{Int, Tensor, TensorData};

/// The inner product of each pair of slots: `[B, F, d]` to `[B, 1, F (F - 1) / 2]`.
pub fn pair_dots(x: Tensor<3>) -> Tensor<3> {
    let [rows, fields, _] = x.dims();
    let gram = x.clone().matmul(x.transpose()).reshape([rows, 1, fields * fields]);
    let upper = pairs(fields).map(|(i, j)| i * fields + j);
    let device = gram.device();
    gram.select(2, indices(upper, &device))
}

/// The product, element by element, of each pair of slots: `[B, F, d]` to `[B, F (F - 1) / 2, d]`.
pub fn pair_products(x: Tensor<3>) -> Tensor<3> {
    let (fields, device) = (x.dims()[1], x.device());
    let first = x.clone().select(1, indices(pairs(fields).map(|(i, _)| i), &device));
    first * x.select(1, indices(pairs(fields).map(|(_, j)| j), &device))
}

fn pairs(fields: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..fields).flat_map(move |i| (i + 1..fields).map(move |j| (i, j)))
}

fn indices(of: impl Iterator<Item = usize>, device: &burn::tensor::Device) -> Tensor<1, Int> {
    let of: Vec<i32> = of.map(|index| index as i32).collect();
    let count = of.len();
    Tensor::from_data(TensorData::new(of, [count]), device)
}
