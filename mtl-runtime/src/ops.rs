//! The primitives that generated networks are made of, over rank-3 tensors `[rows, slots, width]`.
//!
//! The hot ones are kernels: on burn's CPU backend a hand-written forward and backward over plain `f32` slices,
//! on every other backend (and on other float types) the same in tensor operations. A shape that no checked spec gives
//! panics: it is a mistake of the generator, not of a user.

mod activation;
mod block;
mod dropout;
mod kernel;
mod linear;
mod mix;
mod norm;
mod product;
mod shape;
mod softmax;
#[cfg(test)]
pub(crate) mod tests;
mod vector;

pub use activation::{Activation, activate};
pub use dropout::dropout;
pub use linear::linear;
pub use mix::{Choice, mix};
pub use norm::layer_norm;
pub use shape::{columns, concat, logits, select, stack};
pub use softmax::softmax;

pub(crate) use block::{from_vec, into_vec, to_vec};
pub(crate) use kernel::{Kernel, on_cpu, unary};
pub(crate) use vector::vectorized;
