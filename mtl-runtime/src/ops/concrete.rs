//! Gates that are learned to be open or shut.

use burn::tensor::activation::sigmoid;
use burn::tensor::{Tensor, TensorData};
use mtl_data::Rng;

use crate::model::Pass;

/// The interval to which the concrete distribution is stretched, before it is cut to 0..1.
const STRETCH: [f64; 2] = [-0.1, 1.1];

/// Hard concrete gates (Louizos, Welling and Kingma, ICLR 2018) of logits `log_alpha`, element by element.
///
/// In training `s = sigmoid((log u - log(1 - u) + log_alpha) / temperature)` with `u` uniform, keyed by `(pass.seed, pass.step, site)`;
/// when serving `s = sigmoid(log_alpha)`. The gate is `s` stretched to -0.1..1.1 and cut to 0..1.
pub fn hard_concrete(log_alpha: Tensor<3>, temperature: f64, pass: &Pass, site: &str) -> Tensor<3> {
    assert!(temperature > 0.0, "a temperature is above 0, not {temperature}");
    let s = if pass.training {
        let mut rng = Rng::keyed(pass.seed, &format!("{site}#{}", pass.step));
        let noise = std::iter::repeat_with(|| {
            let u = rng.uniform(1e-6, 1.0 - 1e-6);
            (u.ln() - (1.0 - u).ln()) as f32
        });
        let noise: Vec<f32> = noise.take(log_alpha.shape().num_elements()).collect();
        let noise = Tensor::from_data(TensorData::new(noise, log_alpha.shape()), &log_alpha.device());
        sigmoid((log_alpha + noise) / temperature)
    } else {
        sigmoid(log_alpha)
    };
    (s * (STRETCH[1] - STRETCH[0]) + STRETCH[0]).clamp(0.0, 1.0)
}

/// The probability that a gate of [`hard_concrete`] is above 0, element by element:
/// `sigmoid(log_alpha - temperature log(0.1 / 1.1))` (Louizos et al., eq. 12).
pub fn open_chance(log_alpha: Tensor<3>, temperature: f64) -> Tensor<3> {
    sigmoid(log_alpha - temperature * (-STRETCH[0] / STRETCH[1]).ln())
}
