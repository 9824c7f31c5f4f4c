//! Fully connected layers over a few numbers, with their gradient.

use super::MOST;
use crate::random::Generator;

/// What follows a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x` above 0, `0.01 x` below.
    LeakyRelu,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x sigmoid(x)`.
    Swish,
}

impl Activation {
    pub(super) fn of(self, x: f64) -> f64 {
        match self {
            Self::Relu => x.max(0.0),
            Self::LeakyRelu => x.max(0.01 * x),
            Self::Tanh => x.tanh(),
            Self::Sigmoid => sigmoid(x),
            Self::Swish => x * sigmoid(x),
        }
    }

    pub(super) fn slope(self, x: f64) -> f64 {
        match self {
            Self::Relu => f64::from(u8::from(x > 0.0)),
            Self::LeakyRelu => {
                if x > 0.0 {
                    1.0
                } else {
                    0.01
                }
            }
            Self::Tanh => 1.0 - x.tanh().powi(2),
            Self::Sigmoid => sigmoid(x) * (1.0 - sigmoid(x)),
            Self::Swish => sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x))),
        }
    }
}

/// The probability of a logit.
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Layers of numbers, and behind them one number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Network {
    inputs: usize,
    widths: Vec<usize>,
    activation: Activation,
    /// Layer by layer: for each of its numbers the weights of what it reads; then the offsets.
    pub values: Vec<f64>,
}

/// Where a layer's values stand.
#[derive(Debug, Clone, Copy)]
struct Layer {
    inputs: usize,
    outputs: usize,
    /// The place of its first weight.
    start: usize,
}

impl Layer {
    /// The place of its first offset.
    fn offsets(self) -> usize {
        self.start + self.inputs * self.outputs
    }

    fn end(self) -> usize {
        self.offsets() + self.outputs
    }

    /// Its numbers from those that it reads.
    fn apply(self, values: &[f64], from: &[f64], to: &mut [f64]) {
        for (output, to) in to[..self.outputs].iter_mut().enumerate() {
            let start = self.start + output * self.inputs;
            let weights = &values[start..start + self.inputs];
            *to = weights.iter().zip(from).fold(values[self.offsets() + output], |sum, (weight, x)| sum + weight * x);
        }
    }
}

impl Network {
    /// Layers with these values; none where there are not as many as the widths need.
    pub fn of(inputs: usize, widths: Vec<usize>, activation: Activation, values: Vec<f64>) -> Option<Self> {
        let possible = (1..=MOST).contains(&inputs) && widths.iter().all(|width| (1..=MOST).contains(width));
        let network = Self { inputs, widths, activation, values };
        (possible && network.len() == network.values.len()).then_some(network)
    }

    /// Layers with random weights.
    pub fn random(inputs: usize, widths: Vec<usize>, activation: Activation, random: &mut Generator) -> Self {
        let mut network = Self { inputs, widths, activation, values: Vec::new() };
        network.values = vec![0.0; network.len()];
        let layers: Vec<Layer> = network.layers().collect();
        for layer in layers {
            let hidden = layer.end() < network.values.len();
            let gain = if hidden && matches!(activation, Activation::Relu | Activation::LeakyRelu) { 2.0 } else { 1.0 };
            let deviation = (gain / layer.inputs as f64).sqrt();
            for weight in &mut network.values[layer.start..layer.offsets()] {
                *weight = deviation * random.normal();
            }
        }
        network
    }

    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    pub fn activation(&self) -> Activation {
        self.activation
    }

    fn layers(&self) -> impl Iterator<Item = Layer> {
        let mut start = 0;
        let inputs = [self.inputs].into_iter().chain(self.widths.iter().copied());
        let outputs = self.widths.iter().copied().chain([1]);
        inputs.zip(outputs).map(move |(inputs, outputs)| {
            let layer = Layer { inputs, outputs, start };
            start = layer.end();
            layer
        })
    }

    fn len(&self) -> usize {
        self.layers().last().map_or(0, Layer::end)
    }

    /// Which values are weights, which a penalty draws to 0.
    pub fn weights(&self) -> Vec<bool> {
        let of = |layer: Layer| (layer.start..layer.end()).map(move |at| at < layer.offsets());
        self.layers().flat_map(of).collect()
    }

    /// The number behind the layers.
    pub fn output(&self, inputs: &[f64]) -> f64 {
        let (mut from, mut to) = ([0.0; MOST], [0.0; MOST]);
        from[..inputs.len()].copy_from_slice(inputs);
        for layer in self.layers() {
            layer.apply(&self.values, &from[..layer.inputs], &mut to);
            if layer.end() < self.values.len() {
                to[..layer.outputs].iter_mut().for_each(|x| *x = self.activation.of(*x));
            }
            std::mem::swap(&mut from, &mut to);
        }
        from[0]
    }

    /// Adds the gradient of a row to `gradient`; `slope` is the factor of the output's gradient, given the output, which is returned.
    pub fn backward(&self, inputs: &[f64], gradient: &mut [f64], slope: impl FnOnce(f64) -> f64) -> f64 {
        // Inputs of each layer, and what it gives before its activation.
        let (mut read, mut before) = (vec![inputs.to_vec()], Vec::new());
        for layer in self.layers() {
            let mut to = vec![0.0; layer.outputs];
            layer.apply(&self.values, &read[before.len()], &mut to);
            read.push(to.iter().map(|x| self.activation.of(*x)).collect());
            before.push(to);
        }
        let output = before.last().map_or(f64::NAN, |last| last[0]);
        let layers: Vec<Layer> = self.layers().collect();
        let mut flowing = vec![slope(output)];
        for (at, layer) in layers.into_iter().enumerate().rev() {
            let mut below = vec![0.0; layer.inputs];
            for (output, flow) in flowing.iter().enumerate() {
                let start = layer.start + output * layer.inputs;
                for (input, x) in read[at].iter().enumerate() {
                    gradient[start + input] += flow * x;
                    below[input] += flow * self.values[start + input];
                }
                gradient[layer.offsets() + output] += flow;
            }
            if at > 0 {
                below.iter_mut().zip(&before[at - 1]).for_each(|(flow, x)| *flow *= self.activation.slope(*x));
            }
            flowing = below;
        }
        output
    }
}
