//! Noisy gates, and how evenly they use their experts (Shazeer et al., ICLR 2017).

use burn::tensor::{Int, Tensor, TensorData};
use mtl_data::Rng;

use crate::evaluate::numbers;
use crate::model::Pass;

/// Keeps quotients by a deviation that vanishes finite.
const LEAST_DEVIATION: f64 = 1e-3;

/// In training `logits + noise * deviations` with standard normal noise, keyed by `(pass.seed, pass.step, site)` as dropout is; the
/// logits when serving. All `[B, S, E]`.
pub fn noisy(logits: Tensor<3>, deviations: Tensor<3>, pass: &Pass, site: &str) -> Tensor<3> {
    if !pass.training {
        return logits;
    }
    let mut rng = Rng::keyed(pass.seed, &format!("{site}#{}", pass.step));
    let noise: Vec<f32> = (0..logits.shape().num_elements()).map(|_| rng.normal() as f32).collect();
    let noise = Tensor::<3>::from_data(TensorData::new(noise, logits.shape()), &logits.device());
    logits + deviations * noise
}

/// The probability that each logit would be among the `k` greatest of its slot, were its own noise drawn anew and that of the others
/// kept: `Phi((logit - t) / deviation)`, where `t` is the `k`-th greatest of the other logits with noise. All `[B, S, E]`; ones where
/// `k` is the number of columns or more.
pub fn top_chance(logits: Tensor<3>, drawn: Tensor<3>, deviations: Tensor<3>, k: usize) -> Tensor<3> {
    let shape = logits.dims();
    let width = shape[2];
    if k >= width {
        return logits.ones_like();
    }
    let values = numbers(drawn.clone().detach());
    let mut thresholds = vec![0i32; values.len()];
    for (row, thresholds) in values.chunks_exact(width).zip(thresholds.chunks_exact_mut(width)) {
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
        for (rank, &at) in order.iter().enumerate() {
            // Without the logit itself, those behind it move up.
            thresholds[at] = order[if rank < k { k } else { k - 1 }] as i32;
        }
    }
    let thresholds = Tensor::<3, Int>::from_data(TensorData::new(thresholds, shape), &logits.device());
    let distance = (logits - drawn.gather(2, thresholds)) / deviations.clamp_min(LEAST_DEVIATION);
    ((distance * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * 0.5
}

/// The squared coefficient of variation (variance over squared mean) of the columns' sums over rows, summed over slots: of `[B, S, E]`
/// to `[1]`; 0 without rows.
pub fn imbalance(use_of: Tensor<3>) -> Tensor<1> {
    let sums = use_of.sum_dim(0);
    let mean = sums.clone().mean_dim(2);
    let apart = sums - mean.clone();
    let variance = (apart.clone() * apart).mean_dim(2);
    (variance / (mean.clone() * mean + 1e-10)).sum()
}
