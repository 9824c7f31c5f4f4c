//! Dropout with a mask that is a function of its place: seed, step, site and position.

use burn::backend::flex::FlexTensor;
use burn::tensor::{Tensor, TensorData};
use mtl_data::Rng;

use super::block::{from_vec, into_vec};
use super::kernel::{Kernel, on_cpu, unary};
use super::vector::vectorized;
use crate::evaluate::numbers;
use crate::model::Pass;

/// Inverted dropout: in training, each element is zero with probability `rate` and otherwise divided by `1 - rate`.
///
/// The mask is keyed by `(pass.seed, pass.step, site)`: the same step of a resumed training draws the same mask, on any
/// number of threads. The identity when serving.
pub fn dropout(x: Tensor<3>, rate: f64, pass: &Pass, site: &str) -> Tensor<3> {
    assert!((0.0..1.0).contains(&rate), "a dropout rate is at least 0 and below 1, not {rate}");
    if !pass.training || rate == 0.0 {
        return x;
    }
    let mask = Mask::of(rate, pass, site);
    if on_cpu(&x) { unary(x, mask) } else { portable(x, &mask) }
}

/// Zeros in some training rows: each row of `x [B, S, d]` is zero with probability `rate`, and the others stay as they are. Keyed
/// as [`dropout`]; the identity when serving.
pub fn drop_rows(x: Tensor<3>, rate: f64, pass: &Pass, site: &str) -> Tensor<3> {
    assert!((0.0..1.0).contains(&rate), "a dropout rate is at least 0 and below 1, not {rate}");
    if !pass.training || rate == 0.0 {
        return x;
    }
    let rows = x.dims()[0];
    let mut kept = vec![1.0; rows];
    Mask { scale: 1.0, ..Mask::of(rate, pass, site) }.apply(&mut kept);
    let kept = Tensor::from_data(TensorData::new(kept, [rows, 1, 1]), &x.device());
    x * kept
}

/// Gates `[B, G, E]` without some of their weights: in training each weight is 0 with probability `rate`, and those that are left are
/// scaled to the sum of all (Zhao et al., RecSys 2019). A gate that would lose all of its weight keeps it. Keyed as [`dropout`]; the
/// identity when serving.
pub fn drop_gates(gates: Tensor<3>, rate: f64, pass: &Pass, site: &str) -> Tensor<3> {
    assert!((0.0..1.0).contains(&rate), "a dropout rate is at least 0 and below 1, not {rate}");
    if !pass.training || rate == 0.0 {
        return gates;
    }
    let shape = gates.dims();
    let weights = numbers(gates.clone().detach());
    let mut kept = vec![1.0; weights.len()];
    Mask { scale: 1.0, ..Mask::of(rate, pass, site) }.apply(&mut kept);
    for (weights, kept) in weights.chunks_exact(shape[2].max(1)).zip(kept.chunks_exact_mut(shape[2].max(1))) {
        let left: f32 = weights.iter().zip(&*kept).map(|(weight, kept)| weight * kept).sum();
        if left <= LEAST_LEFT {
            kept.fill(1.0);
        }
    }
    let kept = Tensor::<3>::from_data(TensorData::new(kept, shape), &gates.device());
    let left = gates.clone() * kept;
    let scale = gates.sum_dim(2) / left.clone().sum_dim(2).clamp_min(LEAST_LEFT);
    left * scale
}

/// Less weight than this cannot stand for all of it.
const LEAST_LEFT: f32 = 1e-9;

pub(super) fn portable(x: Tensor<3>, mask: &Mask) -> Tensor<3> {
    let mut factors = vec![1.0; x.shape().num_elements()];
    mask.apply(&mut factors);
    let factors = Tensor::from_data(TensorData::new(factors, x.shape()), &x.device());
    x * factors
}

/// The mask of one site in one step.
#[derive(Debug)]
pub(super) struct Mask {
    key: u64,
    /// An element whose hash is below this is dropped.
    dropped: u32,
    scale: f32,
}

impl Mask {
    pub(super) fn of(rate: f64, pass: &Pass, site: &str) -> Self {
        Self {
            key: Rng::keyed(pass.seed, &format!("{site}#{}", pass.step)).next_u64(),
            dropped: (rate * 4_294_967_296.0) as u32,
            scale: (1.0 / (1.0 - rate)) as f32,
        }
    }

    fn apply(&self, values: &mut [f32]) {
        mask(values, self.key as u32, (self.key >> 32) as u32, self.dropped, self.scale);
    }
}

vectorized! {
    fn mask(values: &mut [f32], low: u32, high: u32, dropped: u32, scale: f32) {
        for (index, value) in values.iter_mut().enumerate() {
            // Two rounds of multiply and shift scatter the counter (the finaliser of MurmurHash3, keyed).
            let mut bits = (index as u32).wrapping_mul(0x9E37_79B9) ^ low;
            bits = (bits ^ (bits >> 16)).wrapping_mul(0x85EB_CA6B);
            bits = (bits ^ (bits >> 13) ^ high).wrapping_mul(0xC2B2_AE35);
            bits ^= bits >> 16;
            *value = if bits < dropped { 0.0 } else { *value * scale };
        }
    }
}

impl Kernel<1> for Mask {
    type Saved = ();

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, ()) {
        let shape = x.layout().shape().to_vec();
        let mut values = into_vec(x);
        self.apply(&mut values);
        (from_vec(values, &shape), ())
    }

    fn backward(&self, _: (), grad: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        [Some(self.forward([grad]).0)]
    }
}
