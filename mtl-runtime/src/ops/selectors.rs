//! Selectors of single experts by binary codes.

use burn::tensor::Tensor;

/// Keeps the logarithm of an unused expert's weight finite.
const LEAST_WEIGHT: f64 = 1e-6;
/// Keeps the reciprocal of a weight that is all lost finite.
const LEAST_SUM: f64 = 1e-3;

/// The bits that tell `count` things apart: at least one.
pub fn bits(count: usize) -> usize {
    count.max(2).next_power_of_two().ilog2() as usize
}

/// The weights of `experts` experts in each selector, from the bits of its code: `[B, S, m]` to `[B, S, experts]` with
/// `m = bits(experts)` (Hazimeh et al., NeurIPS 2021).
///
/// Expert `j` has the product over the bits `b` of `j` of `s(x_b)` where the bit is 1, and of `1 - s(x_b)` where it is 0. The smooth step
/// `s` goes from 0 at `-gamma / 2` to 1 at `gamma / 2` by `-2 (t / gamma)^3 + 1.5 t / gamma + 0.5`. All weights are at least 0, and sum
/// to 1 where `experts` is a power of two; otherwise what the other codes have is lost.
pub fn selectors(codes: Tensor<3>, experts: usize, gamma: f64) -> Tensor<3> {
    let [rows, slots, count] = codes.dims();
    assert_eq!(count, bits(experts), "a code of {experts} experts");
    assert!(gamma > 0.0, "a step has a width above 0, not {gamma}");
    let t = (codes / gamma).clamp(-0.5, 0.5);
    let steps = t.clone() * 1.5 - t.clone() * t.clone() * t * 2.0 + 0.5;
    let mut weights: Option<Tensor<3>> = None;
    for bit in 0..count {
        let one = steps.clone().slice([0..rows, 0..slots, bit..bit + 1]);
        let zero = -one.clone() + 1.0;
        // Those of the lower bits once with a 0 above them, and once with a 1.
        weights = Some(match weights {
            None => Tensor::cat(vec![zero, one], 2),
            Some(lower) => Tensor::cat(vec![lower.clone() * zero, lower * one], 2),
        });
    }
    let weights = weights.expect("a code has a bit or more");
    if experts == 1 << count { weights } else { weights.slice([0..rows, 0..slots, 0..experts]) }
}

/// The mean over rows of the sum of the slots' entropies: of weights `[B, S, E]` to `[1]`; 0 without rows.
pub fn entropy(weights: Tensor<3>) -> Tensor<1> {
    let rows = weights.dims()[0].max(1) as f64;
    let logarithms = (weights.clone() + LEAST_WEIGHT).log();
    (weights * logarithms).sum() / -rows
}

/// What selectors lose to codes without an expert: the mean over rows of the sum over slots of `1 / (sum of weights) - 1`, of weights
/// `[B, S, E]` to `[1]`. 0 where `E` is a power of two, whose codes all have an expert; a thousandth in each denominator keeps it finite.
pub fn lost(weights: Tensor<3>) -> Tensor<1> {
    let [rows, _, experts] = weights.dims();
    if experts.is_power_of_two() && experts > 1 {
        return Tensor::zeros([1], &weights.device());
    }
    let sums = weights.sum_dim(2) + LEAST_SUM;
    (sums.recip() - 1.0 / (1.0 + LEAST_SUM)).sum() / rows.max(1) as f64
}
