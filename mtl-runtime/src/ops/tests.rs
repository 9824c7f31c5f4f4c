//! Gradients against finite differences, kernels against tensor operations, and the laws of gates and mixtures.

use burn::tensor::{Device, Tensor, TensorData};
use mtl_data::Rng;

mod gradients;
mod laws;

/// A tensor `[a, b, c]` of normal values that keep their distance from zero, where some nonlinearities have a kink.
pub(crate) fn noise(seed: u64, shape: [usize; 3]) -> (Vec<f32>, [usize; 3]) {
    let mut rng = Rng::new(seed);
    let away = |z: f64| (z + 0.05f64.copysign(z)) as f32;
    ((0..shape.iter().product()).map(|_| away(rng.normal())).collect(), shape)
}

pub(crate) fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex().autodiff())
}

pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("f32")
}

/// A differentiable function of some tensors.
pub(crate) type Function<'a> = &'a dyn Fn(Vec<Tensor<3>>) -> Tensor<1>;

/// The gradient of `sum_i c_i f_i` with fixed random `c`, one vector for each input.
pub(crate) fn gradient(inputs: &[(Vec<f32>, [usize; 3])], f: Function) -> Vec<Vec<f32>> {
    let leaves: Vec<Tensor<3>> = inputs.iter().map(|(data, shape)| tensor(data, *shape).require_grad()).collect();
    let out = f(leaves.clone());
    let count = out.dims()[0];
    let grads = (out * tensor::<1>(&cotangent(count), [count])).sum().backward();
    let grad = |(leaf, input): (&Tensor<3>, &(Vec<f32>, [usize; 3]))| match leaf.grad(&grads) {
        Some(grad) => values(grad),
        None => vec![0.0; input.0.len()],
    };
    leaves.iter().zip(inputs).map(grad).collect()
}

fn cotangent(count: usize) -> Vec<f32> {
    let mut rng = Rng::keyed(5, "cotangent");
    (0..count).map(|_| rng.uniform(-1.0, 1.0) as f32).collect()
}

/// Compares the gradient of a function with central differences at every coordinate of every input.
///
/// With a step of 2^-7, a difference of two results of size one in `f32` is exact to about 1e-5, and the third-order term of
/// the functions here is below 1e-4; a wrong term in a gradient is of order one. Errors are relative to the largest
/// derivative of the same input, because the noise is that of the whole sum.
pub(crate) fn check_gradient(name: &str, inputs: &[(Vec<f32>, [usize; 3])], f: Function) {
    const STEP: f32 = 1.0 / 128.0;
    let analytic = gradient(inputs, f);
    let value = |inputs: &[(Vec<f32>, [usize; 3])]| -> Vec<f64> {
        let out = values(f(inputs.iter().map(|(data, shape)| tensor(data, *shape)).collect()));
        out.iter().zip(cotangent(out.len())).map(|(&y, c)| y as f64 * c as f64).collect()
    };
    for (which, slopes) in analytic.iter().enumerate() {
        let scale = slopes.iter().fold(0.1f32, |top, slope| top.max(slope.abs())) as f64;
        for (at, slope) in slopes.iter().enumerate() {
            let moved = |step: f32| {
                let mut inputs = inputs.to_vec();
                inputs[which].0[at] += step;
                value(&inputs)
            };
            let difference: f64 = moved(STEP).iter().zip(moved(-STEP)).map(|(up, down)| up - down).sum();
            let numeric = difference / (2.0 * STEP as f64);
            let error = (numeric - *slope as f64).abs() / scale;
            assert!(
                error < 2e-3,
                "{name}: input {which}, coordinate {at}: {slope} by the backward pass, {numeric} by differences"
            );
        }
    }
}

/// Compares results and gradients of two forms of one function.
pub(crate) fn check_same(name: &str, inputs: &[(Vec<f32>, [usize; 3])], f: Function, g: Function) {
    let run = |f: Function| values(f(inputs.iter().map(|(data, shape)| tensor(data, *shape)).collect()));
    close(&format!("{name}: result"), &run(f), &run(g), 2e-6);
    for (which, (a, b)) in gradient(inputs, f).iter().zip(&gradient(inputs, g)).enumerate() {
        close(&format!("{name}: gradient {which}"), a, b, 5e-6);
    }
}

/// Fails unless two vectors agree to `tolerance`, relative to the larger of one and the largest value.
pub(crate) fn close(name: &str, a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len(), "{name}: lengths");
    let scale = a.iter().chain(b).fold(1.0f32, |top, value| top.max(value.abs()));
    for (at, (x, y)) in a.iter().zip(b).enumerate() {
        assert!((x - y).abs() <= tolerance * scale, "{name}: element {at} is {x} and {y}");
    }
}
