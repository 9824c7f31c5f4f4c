//! One update of one parameter.

use burn::backend::Flex;
use burn::tensor::Tensor;

use crate::config::OptimizerConfig;
use crate::ops::{from_vec, into_vec, on_cpu, vectorized};

/// The names of what a rule keeps for each value.
pub(super) fn buffers(config: &OptimizerConfig) -> &'static [&'static str] {
    match config {
        OptimizerConfig::Adam { .. } => &["first_moment", "second_moment"],
        OptimizerConfig::Adagrad { .. } => &["square_sum"],
        OptimizerConfig::Sgd { momentum: 0.0, .. } => &[],
        OptimizerConfig::Sgd { .. } => &["velocity"],
    }
}

/// An update rule with the numbers of one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// Multiplies the gradient.
    scale: f32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Adam {
        /// `beta` and `1 - beta` of each moment, the latter rounded from double precision.
        first: [f32; 2],
        second: [f32; 2],
        /// `lr / (1 - beta1^t)`.
        rate: f32,
        /// `sqrt(1 - beta2^t)`.
        correction: f32,
        epsilon: f32,
        /// `1 - lr weight_decay`.
        keep: f32,
    },
    Adagrad {
        lr: f32,
        epsilon: f32,
    },
    Sgd {
        lr: f32,
        momentum: f32,
    },
}

impl Rule {
    /// The rule at a parameter's `step` (from 1 on), with gradients scaled and, where `decays`, weight decay.
    pub fn at(config: &OptimizerConfig, step: u64, scale: f64, decays: bool) -> Self {
        let step = step.min(i32::MAX as u64) as i32;
        let kind = match *config {
            OptimizerConfig::Adam { lr, beta1, beta2, epsilon, weight_decay } => Kind::Adam {
                first: [beta1 as f32, (1.0 - beta1) as f32],
                second: [beta2 as f32, (1.0 - beta2) as f32],
                rate: (lr / (1.0 - beta1.powi(step))) as f32,
                correction: (1.0 - beta2.powi(step)).sqrt() as f32,
                epsilon: epsilon as f32,
                keep: if decays { 1.0 - lr * weight_decay } else { 1.0 } as f32,
            },
            OptimizerConfig::Adagrad { lr, epsilon } => Kind::Adagrad { lr: lr as f32, epsilon: epsilon as f32 },
            OptimizerConfig::Sgd { lr, momentum } => Kind::Sgd { lr: lr as f32, momentum: momentum as f32 },
        };
        Self { scale: scale as f32, kind }
    }

    /// The updated parameter; the state is updated in place.
    pub fn apply(&self, parameter: Tensor<1>, grad: Tensor<1>, state: &mut Vec<Tensor<1>>) -> Tensor<1> {
        if !on_cpu(&parameter) || !on_cpu(&grad) {
            return self.apply_tensors(parameter, grad, state);
        }
        let host =
            |tensor: Tensor<1>| into_vec(tensor.try_into_primitive::<Flex>().expect("a plain tensor of the CPU"));
        let (mut parameter, grad) = (host(parameter), host(grad));
        let mut buffers: Vec<Vec<f32>> = state.drain(..).map(host).collect();
        let scale = self.scale;
        match (self.kind, &mut buffers[..]) {
            (Kind::Adam { first, second, rate, correction, epsilon, keep }, [m, v]) => {
                adam(&mut parameter, &grad, m, v, scale, first, second, rate, correction, epsilon, keep)
            }
            (Kind::Adagrad { lr, epsilon }, [sum]) => adagrad(&mut parameter, &grad, sum, scale, lr, epsilon),
            (Kind::Sgd { lr, .. }, []) => sgd(&mut parameter, &grad, scale, lr),
            (Kind::Sgd { lr, momentum }, [velocity]) => {
                with_momentum(&mut parameter, &grad, velocity, scale, lr, momentum)
            }
            _ => unreachable!("the state was made for this rule"),
        }
        let tensor = |values: Vec<f32>| {
            let count = values.len();
            Tensor::from_primitive::<Flex>(from_vec(values, &[count]))
        };
        state.extend(buffers.into_iter().map(tensor));
        tensor(parameter)
    }

    /// The same in tensor operations.
    pub fn apply_tensors(&self, parameter: Tensor<1>, grad: Tensor<1>, state: &mut Vec<Tensor<1>>) -> Tensor<1> {
        let grad = grad * self.scale;
        let (change, new) = match (self.kind, state.as_slice()) {
            (Kind::Adam { first, second, rate, correction, epsilon, keep }, [m, v]) => {
                let m = m.clone() * first[0] + grad.clone() * first[1];
                let v = v.clone() * second[0] + grad.clone() * grad * second[1];
                let change = m.clone() * rate / (v.clone().sqrt() / correction + epsilon);
                *state = vec![m, v];
                return parameter * keep - change;
            }
            (Kind::Adagrad { lr, epsilon }, [sum]) => {
                let sum = sum.clone() + grad.clone() * grad.clone();
                (grad * lr / (sum.clone().sqrt() + epsilon), vec![sum])
            }
            (Kind::Sgd { lr, .. }, []) => (grad * lr, vec![]),
            (Kind::Sgd { lr, momentum }, [velocity]) => {
                let velocity = velocity.clone() * momentum + grad;
                (velocity.clone() * lr, vec![velocity])
            }
            _ => unreachable!("the state was made for this rule"),
        };
        *state = new;
        parameter - change
    }
}

/// The sum of a gradient's squares.
pub(super) fn square_norm<const D: usize>(grad: Tensor<D>) -> f64 {
    if on_cpu(&grad) {
        squares(&into_vec(grad.try_into_primitive::<Flex>().expect("a plain tensor of the CPU")))
    } else {
        (grad.clone() * grad).sum().into_data().iter::<f64>().sum()
    }
}

vectorized! {
    fn adam(
        p: &mut [f32],
        g: &[f32],
        m: &mut [f32],
        v: &mut [f32],
        scale: f32,
        first: [f32; 2],
        second: [f32; 2],
        rate: f32,
        correction: f32,
        epsilon: f32,
        keep: f32,
    ) {
        for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
            let g = g * scale;
            *m = *m * first[0] + g * first[1];
            *v = *v * second[0] + g * g * second[1];
            *p = *p * keep - *m * rate / (v.sqrt() / correction + epsilon);
        }
    }

    fn adagrad(p: &mut [f32], g: &[f32], sum: &mut [f32], scale: f32, lr: f32, epsilon: f32) {
        for ((p, g), sum) in p.iter_mut().zip(g).zip(sum) {
            let g = g * scale;
            *sum += g * g;
            *p -= g * lr / (sum.sqrt() + epsilon);
        }
    }

    fn sgd(p: &mut [f32], g: &[f32], scale: f32, lr: f32) {
        p.iter_mut().zip(g).for_each(|(p, g)| *p -= g * scale * lr);
    }

    fn with_momentum(p: &mut [f32], g: &[f32], velocity: &mut [f32], scale: f32, lr: f32, momentum: f32) {
        for ((p, g), velocity) in p.iter_mut().zip(g).zip(velocity) {
            *velocity = *velocity * momentum + g * scale;
            *p -= *velocity * lr;
        }
    }

    fn squares(g: &[f32]) -> f64 {
        let mut lanes = [0.0f64; 8];
        let chunks = g.chunks_exact(8);
        let tail: f64 = chunks.remainder().iter().map(|&g| g as f64 * g as f64).sum();
        for chunk in chunks {
            for lane in 0..8 {
                lanes[lane] += chunk[lane] as f64 * chunk[lane] as f64;
            }
        }
        lanes.iter().sum::<f64>() + tail
    }
}
