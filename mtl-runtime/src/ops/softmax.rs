//! Softmax over the last axis.

use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use super::block::{from_vec, into_vec};
use super::kernel::{Kernel, on_cpu, unary};
use super::vector::{dot, exp, vectorized};

/// Softmax over the last axis: each `[width]` is positive and sums to one, for logits of any size.
pub fn softmax(x: Tensor<3>) -> Tensor<3> {
    if on_cpu(&x) { unary(x, Softmax) } else { portable(x) }
}

pub(super) fn portable(x: Tensor<3>) -> Tensor<3> {
    burn::tensor::activation::softmax(x, 2)
}

#[derive(Debug)]
struct Softmax;

impl Kernel<1> for Softmax {
    type Saved = FlexTensor;

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, FlexTensor) {
        let shape = x.layout().shape().to_vec();
        let mut values = into_vec(x);
        forward(&mut values, shape[2]);
        let y = from_vec(values, &shape);
        (y.clone(), y)
    }

    fn backward(&self, y: FlexTensor, grad: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let shape = y.layout().shape().to_vec();
        let mut grad = into_vec(grad);
        backward(y.storage(), &mut grad, shape[2]);
        [Some(from_vec(grad, &shape))]
    }
}

vectorized! {
    fn forward(values: &mut [f32], width: usize) {
        for row in values.chunks_exact_mut(width.max(1)) {
            let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut total = 0.0;
            for value in row.iter_mut() {
                *value = exp(*value - top);
                total += *value;
            }
            let scale = 1.0 / total;
            row.iter_mut().for_each(|value| *value *= scale);
        }
    }

    // dx = y (dy - <dy, y>)
    fn backward(y: &[f32], grad: &mut [f32], width: usize) {
        for (y, grad) in y.chunks_exact(width.max(1)).zip(grad.chunks_exact_mut(width.max(1))) {
            let mean = dot(y, grad);
            for (y, grad) in y.iter().zip(grad) {
                *grad = y * (*grad - mean);
            }
        }
    }
}
