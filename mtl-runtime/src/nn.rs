//! Modules that hold the parameters of a network.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};

use crate::ops;

pub use crate::ops::{Activation, activate};

/// A group of affine maps: experts, gates or towers. Made by [`Init::linear`](crate::init::Init::linear).
#[derive(Module, Debug)]
pub struct Linear {
    /// `[G, in, out]`.
    pub weight: Param<Tensor<3>>,
    /// `[G, out]`.
    pub bias: Option<Param<Tensor<2>>>,
    #[module(skip)]
    reads: Reads,
}

/// Which slots the members of a [`Linear`] read.
#[derive(Debug, Clone)]
enum Reads {
    /// Member `g` reads slot `g`, or the only one.
    Own,
    /// Member `g` reads this slot.
    At(Vec<usize>),
    /// The only member maps every slot.
    Every,
}

impl Linear {
    pub(crate) fn new(weight: Param<Tensor<3>>, bias: Option<Param<Tensor<2>>>) -> Self {
        Self { weight, bias, reads: Reads::Own }
    }

    /// Member `g` reads slot `reads[g]` of the input, instead of slot `g` (or the only one).
    pub fn reading(self, reads: Vec<usize>) -> Self {
        Self { reads: Reads::At(reads), ..self }
    }

    /// The only member maps every slot.
    pub fn for_every_slot(self) -> Self {
        Self { reads: Reads::Every, ..self }
    }

    /// Starts member `g` at `own` times the identity on block `g` of its input, `other` times it on the other blocks, and no bias:
    /// a weighted sum of blocks as wide as its result.
    ///
    /// # Panics
    /// If the input is not one block for each member.
    pub fn starting_as_blocks(self, own: f64, other: f64) -> Self {
        let [members, d_in, d_out] = self.weight.val().dims();
        assert_eq!(d_in, members * d_out, "a block of {d_out} columns for each of {members} members");
        let weight = |at: usize| {
            let (member, row, column) = (at / (d_in * d_out), at / d_out % d_in, at % d_out);
            match row % d_out == column {
                true if row / d_out == member => own as f32,
                true => other as f32,
                false => 0.0,
            }
        };
        let start: Vec<f32> = (0..members * d_in * d_out).map(weight).collect();
        let set = |old: Tensor<3>| {
            let new = Tensor::from_data(TensorData::new(start, [members, d_in, d_out]), &old.device());
            if old.is_require_grad() { new.require_grad() } else { new }
        };
        let zero =
            |old: Tensor<2>| if old.is_require_grad() { old.zeros_like().require_grad() } else { old.zeros_like() };
        Self { weight: self.weight.map(set), bias: self.bias.map(|bias| bias.map(zero)), ..self }
    }

    /// Starts the weights uniform in `±bound`, each as far between the bounds as before.
    pub fn starting_within(self, bound: f64) -> Self {
        let set = |old: Tensor<3>| {
            let shape = old.dims();
            let factor = (bound * (shape[1].max(1) as f64).sqrt()) as f32;
            let start = crate::evaluate::numbers(old.clone().detach()).into_iter().map(|weight| weight * factor);
            let new = Tensor::from_data(TensorData::new(start.collect::<Vec<f32>>(), shape), &old.device());
            if old.is_require_grad() { new.require_grad() } else { new }
        };
        Self { weight: self.weight.map(set), ..self }
    }

    /// `x [B, S, in]` to `[B, G, out]`; one map for every slot: to `[B, S, out]`.
    pub fn forward(&self, x: Tensor<3>, activation: Activation) -> Tensor<3> {
        let weight = self.weight.val();
        let bias = self.bias.as_ref().map(|bias| bias.val());
        match &self.reads {
            Reads::At(reads) => ops::linear(x, weight, bias, reads, activation),
            Reads::Every => {
                let [rows, slots, width] = x.dims();
                let y = ops::linear(x.reshape([rows * slots, 1, width]), weight, bias, &[0], activation);
                let width = y.dims()[2];
                y.reshape([rows, slots, width])
            }
            Reads::Own => {
                let slots = x.dims()[1];
                let reads: Vec<usize> = (0..weight.dims()[0]).map(|g| if slots == 1 { 0 } else { g }).collect();
                ops::linear(x, weight, bias, &reads, activation)
            }
        }
    }
}

/// One affine map with a mask on its weights for each task: the members are subnetworks of it. Made by
/// [`Init::masked_linear`](crate::init::Init::masked_linear).
#[derive(Module, Debug)]
pub struct MaskedLinear {
    /// `[1, in, out]`.
    pub weight: Param<Tensor<3>>,
    /// `[1, out]`, which no mask covers.
    pub bias: Param<Tensor<2>>,
    /// `[T, in, out]` of 0 and 1. It is saved like a parameter, and never trained.
    pub masks: Param<Tensor<3>>,
}

impl MaskedLinear {
    /// `x [B, S, in]` to `[B, T, out]`, member `t` with the weight `weight * masks[t]` on slot `t`, or on the only one. The
    /// weight's gradient is the sum of the members', each within its mask.
    pub fn forward(&self, x: Tensor<3>, activation: Activation) -> Tensor<3> {
        self.masked(x, self.masks.val().detach(), activation)
    }

    /// The same, where every member has the weights that are not in all masks.
    pub fn forward_without_shared(&self, x: Tensor<3>, activation: Activation) -> Tensor<3> {
        let masks = self.masks.val().detach();
        let shape = masks.dims();
        let shared = masks.min_dim(0);
        self.masked(x, (-shared + 1.0).expand(shape), activation)
    }

    fn masked(&self, x: Tensor<3>, masks: Tensor<3>, activation: Activation) -> Tensor<3> {
        let [members, width, units] = masks.dims();
        let weight = self.weight.val().expand([members, width, units]) * masks;
        let bias = self.bias.val().expand([members, units]);
        let slots = x.dims()[1];
        let reads: Vec<usize> = (0..members).map(|member| if slots == 1 { 0 } else { member }).collect();
        ops::linear(x, weight, Some(bias), &reads, activation)
    }
}

/// Layer normalisation, with a scale and an offset for each slot. Made by
/// [`Init::layer_norm`](crate::init::Init::layer_norm).
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[G, d]`.
    pub scale: Param<Tensor<2>>,
    /// `[G, d]`.
    pub offset: Param<Tensor<2>>,
}

impl LayerNorm {
    /// `x [B, G, d]` to `[B, G, d]`: each slot of each row to mean 0 and variance 1, then scaled and offset.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        ops::layer_norm(x, self.scale.val(), self.offset.val())
    }
}

/// Numbers that no input decides: weights between tasks, say. Made by [`Init::value`](crate::init::Init::value).
#[derive(Module, Debug)]
pub struct Value {
    /// `[S, d]`.
    pub value: Param<Tensor<2>>,
}

impl Value {
    /// The value for all rows, `[1, S, d]`.
    pub fn get(&self) -> Tensor<3> {
        self.value.val().unsqueeze()
    }
}

/// `sum_{s < t} |p_s - p_t|^2` over the members of each map, weights and biases: what ties networks of one shape (Duong et al., ACL
/// 2015). By the identity `T sum_t |p_t - mean|^2`.
pub fn distance(maps: &[&Linear]) -> Tensor<1> {
    let of = |members: Tensor<2>| {
        let [count, _] = members.dims();
        let apart = members.clone() - members.mean_dim(0);
        (apart.clone() * apart).sum() * count as f64
    };
    let sums = maps.iter().flat_map(|map| {
        let weight: Tensor<2> = map.weight.val().flatten(1, 2);
        [Some(of(weight)), map.bias.as_ref().map(|bias| of(bias.val()))]
    });
    sums.flatten().reduce(|a, b| a + b).expect("at least one map is tied")
}

/// The sum over the maps of the trace norm of the matrix whose columns are the members' weights (Yang and Hospedales, ICLR workshop
/// 2017). Its gradient is `M (M^T M)^(-1/2)`; directions of no length have none.
pub fn trace_norm(maps: &[&Linear]) -> Tensor<1> {
    let of = |map: &&Linear| {
        let members: Tensor<2> = map.weight.val().flatten(1, 2);
        let [count, _] = members.dims();
        let gram = crate::evaluate::numbers(members.clone().inner().matmul(members.clone().inner().transpose()));
        let gram: Vec<f64> = gram.into_iter().map(f64::from).collect();
        let root = crate::linalg::inverse_root(&gram, count).into_iter().map(|x| x as f32).collect();
        let root = Tensor::<2>::from_data(TensorData::new(root, [count, count]), &members.device());
        // M . (M (M^T M)^(-1/2)) sums to the norm, and has its gradient where the second factor stands still.
        let direction = root.matmul(members.clone()).detach();
        (members * direction).sum()
    };
    maps.iter().map(of).reduce(|a, b| a + b).expect("at least one map is tied")
}

/// `sum_{g < h} |W_g^T W_h|^2` over the members of each map, where `W_g` is the part of its weight that makes subspace `g` of its result
/// (Ruder et al., AAAI 2019).
pub fn orthogonality(maps: &[&Linear], subspaces: usize) -> Tensor<1> {
    let of = |map: &&Linear| {
        let weight = map.weight.val();
        let [members, d_in, d_out] = weight.dims();
        let share = d_out / subspaces;
        let part = |g: usize| weight.clone().slice([0..members, 0..d_in, g * share..(g + 1) * share]);
        let pairs = (0..subspaces).flat_map(|g| (g + 1..subspaces).map(move |h| (g, h)));
        let sums = pairs.map(|(g, h)| {
            let product = part(g).transpose().matmul(part(h));
            (product.clone() * product).sum()
        });
        sums.reduce(|a, b| a + b).expect("two subspaces or more")
    };
    maps.iter().map(of).reduce(|a, b| a + b).expect("at least one map")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::{Init, members};
    use crate::ops::tests::{close, values};
    use burn::tensor::Device;

    /// A group whose weights and biases are given, on a device that records gradients.
    fn map(weights: &[f32], shape: [usize; 3]) -> Linear {
        let init = Init::new(1, &Device::flex().autodiff());
        let linear = init.linear(&members("h", shape[0]), shape[1], shape[2], true);
        let weight =
            |old: Tensor<3>| Tensor::from_data(TensorData::new(weights.to_vec(), shape), &old.device()).require_grad();
        let bias = |old: Tensor<2>| old.zeros_like().require_grad();
        Linear { weight: linear.weight.map(weight), bias: linear.bias.map(|old| old.map(bias)), ..linear }
    }

    fn noise(count: usize) -> Vec<f32> {
        let mut rng = mtl_data::Rng::new(7);
        (0..count).map(|_| rng.normal() as f32).collect()
    }

    /// The gradient of a penalty by its backward pass and by differences.
    fn check(penalty: fn(&[&Linear]) -> Tensor<1>, weights: &[f32], shape: [usize; 3]) {
        let linear = map(weights, shape);
        let gradients = penalty(&[&linear]).backward();
        let found = values(linear.weight.val().grad(&gradients).expect("a gradient"));
        let numeric: Vec<f32> = (0..weights.len())
            .map(|at| {
                let moved = |step: f32| {
                    let mut weights = weights.to_vec();
                    weights[at] += step;
                    f64::from(values(penalty(&[&map(&weights, shape)]))[0])
                };
                ((moved(1e-2) - moved(-1e-2)) / 2e-2) as f32
            })
            .collect();
        close("gradient", &found, &numeric, 2e-3);
    }

    #[test]
    fn penalties_have_their_gradients() {
        check(distance, &noise(18), [3, 2, 3]);
        check(trace_norm, &noise(18), [3, 2, 3]);
        check(|maps| orthogonality(maps, 2), &noise(24), [2, 3, 4]);
    }

    #[test]
    fn distance_is_the_sum_over_pairs() {
        let weights = noise(18);
        let pairs: f32 = [(0, 1), (0, 2), (1, 2)]
            .map(|(s, t)| (0..6).map(|i| (weights[s * 6 + i] - weights[t * 6 + i]).powi(2)).sum())
            .iter()
            .sum();
        close("distance", &values(distance(&[&map(&weights, [3, 2, 3])])), &[pairs], 1e-5);
        let shifted: Vec<f32> = weights.iter().enumerate().map(|(at, w)| w + (at % 6) as f32).collect();
        close("of what all share", &values(distance(&[&map(&shifted, [3, 2, 3])])), &[pairs], 1e-5);
    }

    #[test]
    fn trace_norm_of_equal_and_of_orthogonal_members() {
        let one = [3.0, 4.0, 0.0, 0.0];
        let equal = [one, one].concat();
        close("sqrt(T) of one", &values(trace_norm(&[&map(&equal, [2, 2, 2])])), &[5.0 * 2f32.sqrt()], 1e-5);
        let orthogonal = [one, [0.0, 0.0, 1.0, 0.0]].concat();
        close("the sum of lengths", &values(trace_norm(&[&map(&orthogonal, [2, 2, 2])])), &[6.0], 1e-5);
        let weights = noise(12);
        let norm = values(trace_norm(&[&map(&weights, [3, 2, 2])]))[0];
        let frobenius = weights.iter().map(|w| w * w).sum::<f32>().sqrt();
        assert!(frobenius <= norm && norm <= 3f32.sqrt() * frobenius, "{frobenius} {norm}");
    }

    #[test]
    fn orthogonal_subspaces_cost_nothing() {
        // One member, input of 2, subspaces of one column each.
        let cost = |weights: &[f32]| values(orthogonality(&[&map(weights, [1, 2, 2])], 2))[0];
        assert_eq!(cost(&[1.0, 0.0, 0.0, 1.0]), 0.0);
        assert_eq!(cost(&[1.0, 2.0, 0.0, 1.0]), 4.0);
        assert_eq!(cost(&[2.0, 1.0, 1.0, 0.0]), 4.0);
    }

    #[test]
    fn a_start_within_bounds_fills_them_and_is_trained() {
        let init = Init::new(1, &Device::flex().autodiff());
        let linear = init.linear(&members("h", 3), 16, 20, false).starting_within(0.01);
        let weights = values(linear.weight.val());
        let greatest = weights.iter().fold(0.0f32, |top, weight| top.max(weight.abs()));
        assert!((0.0097..=0.01).contains(&greatest), "{greatest}");
        assert!(linear.weight.val().is_require_grad());
        let zero = init.linear(&members("h", 3), 16, 20, false).starting_within(0.0);
        assert!(values(zero.weight.val()).iter().all(|weight| *weight == 0.0));
    }

    #[test]
    fn blocks_are_a_weighted_sum() {
        let init = Init::new(1, &Device::flex());
        let linear = init.linear(&members("h", 2), 6, 3, true).starting_as_blocks(0.9, 0.1);
        let x = Tensor::<3>::from_data(
            TensorData::new(vec![1.0f32, 2.0, 3.0, 10.0, 20.0, 30.0], [1, 1, 6]),
            &Device::flex(),
        );
        close("fusion", &values(linear.forward(x, Activation::None)), &[1.9, 3.8, 5.7, 9.1, 18.2, 27.3], 1e-6);
    }
}
