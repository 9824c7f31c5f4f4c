//! Modules that hold the parameters of a network.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

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
        let masks = self.masks.val().detach();
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
        let root = Tensor::<2>::from_data(burn::tensor::TensorData::new(root, [count, count]), &members.device());
        // M . (M (M^T M)^(-1/2)) sums to the norm, and has its gradient where the second factor stands still.
        let direction = root.matmul(members.clone()).detach();
        (members * direction).sum()
    };
    maps.iter().map(of).reduce(|a, b| a + b).expect("at least one map is tied")
}
