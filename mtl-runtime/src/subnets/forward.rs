//! The layers of subnetworks: together while training, what each has left when serving.

use burn::tensor::{Tensor, TensorData};

use super::compact::{Compact, Layer};
use crate::evaluate::numbers;
use crate::nn::MaskedLinear;
use crate::ops::{Activation, dropout as drop};
use crate::pass::Pass;

/// The subnetworks of a stack of layers as serving computes them: one for each task. Empty until the masks are final.
#[derive(Debug, Clone, Default)]
pub struct Compacted {
    tasks: Vec<Compact>,
}

impl Compacted {
    /// Of the layers as they are now, with this activation after each.
    pub fn of(layers: &[&MaskedLinear], activation: Activation) -> Self {
        let arrays: Vec<[Vec<f32>; 3]> = layers
            .iter()
            .map(|layer| [numbers(layer.weight.val()), numbers(layer.bias.val()), numbers(layer.masks.val())])
            .collect();
        let [tasks, width, _] = layers.first().map_or([0; 3], |layer| layer.masks.val().dims());
        let of_task = |task: usize| {
            let masks: Vec<Vec<bool>> = arrays
                .iter()
                .map(|[weight, _, masks]| {
                    masks[task * weight.len()..][..weight.len()].iter().map(|kept| *kept != 0.0).collect()
                })
                .collect();
            let layers = arrays.iter().zip(&masks);
            let layers = layers.map(|([weight, bias, _], mask)| Layer { weight, mask, bias, activation });
            let layers: Vec<Layer> = layers.collect();
            Compact::of(width, &layers)
        };
        Self { tasks: (0..tasks).map(of_task).collect() }
    }

    /// `x [B, S, in]` to `[B, T, out]`, as [`MaskedLinear::forward`] layer by layer.
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let ([rows, slots, width], device) = (x.dims(), x.device());
        let values = numbers(x);
        let outputs: Vec<Vec<f32>> = self
            .tasks
            .iter()
            .enumerate()
            .map(|(task, compact)| {
                let slot = if slots == 1 { 0 } else { task };
                let own: Vec<f32> = match slots {
                    1 => values.clone(),
                    _ => values.chunks_exact(width).skip(slot).step_by(slots).flatten().copied().collect(),
                };
                compact.forward(&own, rows)
            })
            .collect();
        let units = if rows == 0 { 0 } else { outputs.first().map_or(0, |output| output.len() / rows) };
        let mut together: Vec<f32> = Vec::with_capacity(rows * outputs.len() * units);
        for row in 0..rows {
            outputs.iter().for_each(|output| together.extend(&output[row * units..][..units]));
        }
        Tensor::from_data(TensorData::new(together, [rows, outputs.len(), units]), &device)
    }
}

/// `x [B, S, in]` to `[B, T, out]`: layer after layer, member `t` within its masks, each layer followed by the activation and, while
/// training, by dropout at a rate, keyed by the layer's site. Serving computes what is left of each member.
pub fn subnets(
    x: Tensor<3>,
    layers: &[&MaskedLinear],
    activation: Activation,
    dropout: Option<(f64, &[&str])>,
    compacted: &Compacted,
    pass: &Pass,
) -> Tensor<3> {
    if !pass.training && !compacted.tasks.is_empty() {
        return compacted.forward(x);
    }
    layers.iter().enumerate().fold(x, |value, (at, layer)| {
        let value = match pass.leaves_shared_out() {
            true => layer.forward_without_shared(value, activation),
            false => layer.forward(value, activation),
        };
        match dropout {
            Some((rate, sites)) => drop(value, rate, pass, sites[at]),
            None => value,
        }
    })
}
