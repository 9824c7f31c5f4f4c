//! Data sets of the example applications: where their rows come from and how they are split.

pub mod census;
pub mod kuairand;
