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
    reads: Option<Vec<usize>>,
}

impl Linear {
    pub(crate) fn new(weight: Param<Tensor<3>>, bias: Option<Param<Tensor<2>>>) -> Self {
        Self { weight, bias, reads: None }
    }

    /// Member `g` reads slot `reads[g]` of the input, instead of slot `g` (or the only one).
    pub fn reading(self, reads: Vec<usize>) -> Self {
        Self { reads: Some(reads), ..self }
    }

    /// `x [B, S, in]` to `[B, G, out]`.
    pub fn forward(&self, x: Tensor<3>, activation: Activation) -> Tensor<3> {
        let weight = self.weight.val();
        let bias = self.bias.as_ref().map(|bias| bias.val());
        match &self.reads {
            Some(reads) => ops::linear(x, weight, bias, reads, activation),
            None => {
                let slots = x.dims()[1];
                let reads: Vec<usize> = (0..weight.dims()[0]).map(|g| if slots == 1 { 0 } else { g }).collect();
                ops::linear(x, weight, bias, &reads, activation)
            }
        }
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
