//! Tests: golden values, the properties of each method, and what no input may do.

mod goldens;
mod gramian_properties;
mod loss_properties;
mod option_effects;
mod parity;
mod safeguards;
mod states;
mod support;
mod vector_properties;
