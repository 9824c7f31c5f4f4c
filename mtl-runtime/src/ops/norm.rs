//! Layer normalisation over the last axis, with a scale and an offset for each slot.

use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use super::block::{Block, from_vec, into_vec};
use super::kernel::{Kernel, on_cpu, ternary};
use super::vector::{dot, sum, vectorized};

/// Added to the variance.
const EPSILON: f32 = 1e-5;

/// `scale (x - mean) / sqrt(var + 1e-5) + offset` over the last axis of `x [B, G, d]`, with the population variance;
/// `scale` and `offset` are `[G, d]` (Ba, Kiros and Hinton, 2016).
pub fn layer_norm(x: Tensor<3>, scale: Tensor<2>, offset: Tensor<2>) -> Tensor<3> {
    let [_, slots, width] = x.dims();
    assert_eq!(scale.dims(), [slots, width], "one scale for each slot and column");
    if on_cpu(&x) { ternary(x, scale, offset, LayerNorm) } else { portable(x, scale, offset) }
}

pub(super) fn portable(x: Tensor<3>, scale: Tensor<2>, offset: Tensor<2>) -> Tensor<3> {
    let (variance, mean) = x.clone().var_mean_bias(2);
    let normal = (x - mean) / (variance + EPSILON).sqrt();
    normal * scale.unsqueeze::<3>() + offset.unsqueeze::<3>()
}

#[derive(Debug)]
struct LayerNorm;

/// The normalised input, the reciprocal deviation of each row and slot, and the scale.
type Saved = (Vec<f32>, Vec<f32>, FlexTensor);

impl Kernel<3> for LayerNorm {
    type Saved = Saved;

    fn forward(&self, [x, scale, offset]: [FlexTensor; 3]) -> (FlexTensor, Saved) {
        let shape = x.layout().shape().to_vec();
        let mut normal = into_vec(x);
        let mut deviations = vec![0.0; shape[0] * shape[1]];
        normalize(&mut normal, &mut deviations, shape[2]);
        let (scale, offset) = (scale.to_contiguous(), offset.to_contiguous());
        let mut y = vec![0.0; normal.len()];
        stretch(&normal, scale.as_slice().expect("contiguous"), offset.as_slice().expect("contiguous"), &mut y);
        (from_vec(y, &shape), (normal, deviations, scale))
    }

    fn backward(&self, saved: Saved, grad: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let (normal, deviations, scale) = saved;
        let scale = Block::new(scale);
        let (slots, width) = (scale.slots, scale.width);
        let shape = grad.layout().shape().to_vec();
        let mut grad = into_vec(grad);
        let (mut d_scale, mut d_offset) = (vec![0.0; slots * width], vec![0.0; slots * width]);
        reduce(&normal, &grad, &mut d_scale, &mut d_offset);
        backward(&normal, &deviations, scale.data(), &mut grad, slots, width);
        let part = |wanted: bool, data: Vec<f32>, shape: &[usize]| wanted.then(|| from_vec(data, shape));
        [
            part(wanted[0], grad, &shape),
            part(wanted[1], d_scale, &[slots, width]),
            part(wanted[2], d_offset, &[slots, width]),
        ]
    }
}

vectorized! {
    fn normalize(values: &mut [f32], deviations: &mut [f32], width: usize) {
        let scale = 1.0 / width as f32;
        for (row, deviation) in values.chunks_exact_mut(width).zip(deviations) {
            let mean = sum(row) * scale;
            row.iter_mut().for_each(|x| *x -= mean);
            *deviation = 1.0 / (dot(row, row) * scale + EPSILON).sqrt();
            row.iter_mut().for_each(|x| *x *= *deviation);
        }
    }

    fn stretch(normal: &[f32], scale: &[f32], offset: &[f32], y: &mut [f32]) {
        for (normal, y) in normal.chunks_exact(scale.len()).zip(y.chunks_exact_mut(scale.len())) {
            for (((y, normal), scale), offset) in y.iter_mut().zip(normal).zip(scale).zip(offset) {
                *y = normal * scale + offset;
            }
        }
    }

    fn reduce(normal: &[f32], grad: &[f32], d_scale: &mut [f32], d_offset: &mut [f32]) {
        for (normal, grad) in normal.chunks_exact(d_scale.len()).zip(grad.chunks_exact(d_scale.len())) {
            for (((normal, grad), d_scale), d_offset) in normal.iter().zip(grad).zip(&mut *d_scale).zip(&mut *d_offset) {
                *d_scale += normal * grad;
                *d_offset += grad;
            }
        }
    }

    // With g = scale dy: dx = (g - mean(g) - n mean(g n)) / deviation
    fn backward(normal: &[f32], deviations: &[f32], scale: &[f32], grad: &mut [f32], slots: usize, width: usize) {
        let share = 1.0 / width as f32;
        for (index, ((normal, grad), deviation)) in
            normal.chunks_exact(width).zip(grad.chunks_exact_mut(width)).zip(deviations).enumerate()
        {
            let slot = index % slots;
            grad.iter_mut().zip(&scale[slot * width..][..width]).for_each(|(grad, scale)| *grad *= scale);
            let (mean, along) = (sum(grad) * share, dot(grad, normal) * share);
            grad.iter_mut().zip(normal).for_each(|(grad, n)| *grad = (*grad - mean - n * along) * deviation);
        }
    }
}
