//! Elementwise nonlinearities.

use burn::backend::flex::FlexTensor;
use burn::tensor::{Tensor, activation};

use super::block::{from_vec, into_vec};
use super::kernel::{Kernel, on_cpu, unary};
use super::vector::{erf, exp, sigmoid, tanh, vectorized};

/// A nonlinearity between layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// The identity.
    None,
    /// `max(x, 0)`.
    Relu,
    /// `x Phi(x)`, with the normal distribution function (not its tanh approximation).
    Gelu,
    /// The hyperbolic tangent.
    Tanh,
    /// The logistic function.
    Sigmoid,
    /// `x` where positive, `0.01 x` elsewhere.
    LeakyRelu,
    /// `x sigmoid(x)` (Ramachandran, Zoph and Le, 2017).
    Swish,
    /// `log(1 + e^x)`.
    Softplus,
}

/// The slope of [`Activation::LeakyRelu`] below zero.
const LEAK: f32 = 0.01;

/// Applies a nonlinearity to each element.
pub fn activate(x: Tensor<3>, activation: Activation) -> Tensor<3> {
    match activation {
        Activation::None => x,
        _ if !on_cpu(&x) => portable(x, activation),
        Activation::Gelu | Activation::Swish | Activation::Softplus => unary(x, FromInput(activation)),
        _ => unary(x, FromOutput(activation)),
    }
}

/// Replaces each value by its image.
pub(crate) fn activate_all(activation: Activation, values: &mut [f32]) {
    if activation.by_output() {
        return activation.apply(values);
    }
    let device = burn::tensor::Device::default();
    let count = values.len();
    let tensor = Tensor::from_data(burn::tensor::TensorData::new(values.to_vec(), [1, 1, count]), &device);
    values.copy_from_slice(&crate::evaluate::numbers(activate(tensor, activation)));
}

/// The same in tensor operations.
pub(super) fn portable(x: Tensor<3>, activation: Activation) -> Tensor<3> {
    match activation {
        Activation::None => x,
        Activation::Relu => activation::relu(x),
        Activation::Gelu => activation::gelu(x),
        Activation::Tanh => activation::tanh(x),
        Activation::Sigmoid => activation::sigmoid(x),
        Activation::LeakyRelu => activation::leaky_relu(x, LEAK as f64),
        Activation::Swish => x.clone() * activation::sigmoid(x),
        Activation::Softplus => -activation::log_sigmoid(-x),
    }
}

impl Activation {
    /// Whether the derivative is a function of the result alone: what a layer may fuse.
    pub(super) fn by_output(self) -> bool {
        !matches!(self, Self::Gelu | Self::Swish | Self::Softplus)
    }

    /// Replaces each value by its image. Not for those that are not [`by_output`](Self::by_output).
    pub(super) fn apply(self, values: &mut [f32]) {
        match self {
            Self::None | Self::Gelu | Self::Swish | Self::Softplus => {}
            Self::Relu => relu(values),
            Self::Tanh => tanh_all(values),
            Self::Sigmoid => sigmoid_all(values),
            Self::LeakyRelu => leaky_relu(values),
        }
    }

    /// Multiplies each gradient by the derivative at the point whose image is `y`. Not for those that are not [`by_output`](Self::by_output).
    pub(super) fn differentiate(self, y: &[f32], grad: &mut [f32]) {
        match self {
            Self::None | Self::Gelu | Self::Swish | Self::Softplus => {}
            Self::Relu => relu_backward(y, grad),
            Self::Tanh => tanh_backward(y, grad),
            Self::Sigmoid => sigmoid_backward(y, grad),
            Self::LeakyRelu => leaky_relu_backward(y, grad),
        }
    }
}

vectorized! {
    fn relu(values: &mut [f32]) {
        values.iter_mut().for_each(|x| *x = x.max(0.0));
    }
    fn relu_backward(y: &[f32], grad: &mut [f32]) {
        grad.iter_mut().zip(y).for_each(|(grad, y)| *grad = if *y > 0.0 { *grad } else { 0.0 });
    }
    fn leaky_relu(values: &mut [f32]) {
        values.iter_mut().for_each(|x| *x = if *x > 0.0 { *x } else { LEAK * *x });
    }
    fn leaky_relu_backward(y: &[f32], grad: &mut [f32]) {
        grad.iter_mut().zip(y).for_each(|(grad, y)| *grad *= if *y > 0.0 { 1.0 } else { LEAK });
    }
    fn tanh_all(values: &mut [f32]) {
        values.iter_mut().for_each(|x| *x = tanh(*x));
    }
    fn tanh_backward(y: &[f32], grad: &mut [f32]) {
        grad.iter_mut().zip(y).for_each(|(grad, y)| *grad *= 1.0 - y * y);
    }
    fn sigmoid_all(values: &mut [f32]) {
        values.iter_mut().for_each(|x| *x = sigmoid(*x));
    }
    fn sigmoid_backward(y: &[f32], grad: &mut [f32]) {
        grad.iter_mut().zip(y).for_each(|(grad, y)| *grad *= y * (1.0 - y));
    }
    fn swish(values: &mut [f32]) {
        values.iter_mut().for_each(|x| *x *= sigmoid(*x));
    }
    fn swish_backward(x: &[f32], grad: &mut [f32]) {
        let slope = |x: f32| {
            let s = sigmoid(x);
            s + x * s * (1.0 - s)
        };
        grad.iter_mut().zip(x).for_each(|(grad, x)| *grad *= slope(*x));
    }
    fn softplus(values: &mut [f32]) {
        values.iter_mut().for_each(|x| *x = x.max(0.0) + exp(-x.abs()).ln_1p());
    }
    fn softplus_backward(x: &[f32], grad: &mut [f32]) {
        grad.iter_mut().zip(x).for_each(|(grad, x)| *grad *= sigmoid(*x));
    }
    fn gelu(values: &mut [f32]) {
        values.iter_mut().for_each(|x| *x *= normal_cdf(*x));
    }
    fn gelu_backward(x: &[f32], grad: &mut [f32]) {
        const DENSITY_AT_ZERO: f32 = 0.398_942_3;
        let slope = |x: f32| normal_cdf(x) + x * DENSITY_AT_ZERO * exp(-0.5 * x * x);
        grad.iter_mut().zip(x).for_each(|(grad, x)| *grad *= slope(*x));
    }
}

#[inline(always)]
fn normal_cdf(x: f32) -> f32 {
    0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// A nonlinearity whose derivative is a function of its result.
#[derive(Debug)]
struct FromOutput(Activation);

impl Kernel<1> for FromOutput {
    type Saved = FlexTensor;

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, FlexTensor) {
        let shape = x.layout().shape().to_vec();
        let mut values = into_vec(x);
        self.0.apply(&mut values);
        let y = from_vec(values, &shape);
        (y.clone(), y)
    }

    fn backward(&self, y: FlexTensor, grad: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let shape = y.layout().shape().to_vec();
        let mut grad = into_vec(grad);
        self.0.differentiate(y.storage(), &mut grad);
        [Some(from_vec(grad, &shape))]
    }
}

/// A nonlinearity whose derivative is a function of its input.
#[derive(Debug)]
struct FromInput(Activation);

impl Kernel<1> for FromInput {
    type Saved = FlexTensor;

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, FlexTensor) {
        let shape = x.layout().shape().to_vec();
        let saved = x.to_contiguous();
        let mut values = into_vec(x);
        match self.0 {
            Activation::Swish => swish(&mut values),
            Activation::Softplus => softplus(&mut values),
            _ => gelu(&mut values),
        }
        (from_vec(values, &shape), saved)
    }

    fn backward(&self, x: FlexTensor, grad: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let shape = x.layout().shape().to_vec();
        let mut grad = into_vec(grad);
        let x = x.as_slice().expect("contiguous");
        match self.0 {
            Activation::Swish => swish_backward(x, &mut grad),
            Activation::Softplus => softplus_backward(x, &mut grad),
            _ => gelu_backward(x, &mut grad),
        }
        [Some(from_vec(grad, &shape))]
    }
}
