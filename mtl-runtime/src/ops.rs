//! The primitives that generated networks are made of, over rank-3 tensors `[rows, slots, width]`.
//!
//! The hot ones are kernels: on burn's CPU backend a hand-written forward and backward over plain `f32` slices,
//! on every other backend (and on other float types) the same in tensor operations. A shape that no checked spec gives
//! panics: it is a mistake of the generator, not of a user.

mod activation;
mod attention;
mod block;
mod concrete;
mod dropout;
mod elementwise;
mod kernel;
mod linear;
mod mix;
mod noise;
mod norm;
mod pairs;
mod product;
mod reduce;
mod selectors;
mod shape;
mod softmax;
#[cfg(test)]
pub(crate) mod tests;
mod top_k;
mod vector;

pub(crate) use activation::activate_all;
pub use activation::{Activation, activate};
pub use attention::attention;
pub use concrete::{hard_concrete, open_chance};
pub use dropout::{drop_gates, drop_rows, dropout};
pub use elementwise::{add, affine, multiply, stop};
pub use linear::linear;
pub use mix::{Choice, gather, mix};
pub use noise::{imbalance, noisy, top_chance};
pub use norm::layer_norm;
pub use pairs::{pair_dots, pair_products};
pub use reduce::{mean, mean_width, scaled_dots, sum_width};
pub use selectors::{bits, entropy, lost, selectors};
pub use shape::{columns, concat, head, levels, logits, narrow, reshape, select, stack, through, transpose};
pub use softmax::softmax;
pub use top_k::top_k;

pub(crate) use block::{from_vec, into_vec, to_vec};
pub(crate) use kernel::{Kernel, on_cpu, unary};
pub(crate) use vector::{dot, vectorized};
