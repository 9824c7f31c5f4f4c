//! What is known of predictions: metrics, searches by them, and the reports that hold both. Numbers in, numbers out: no tensors, no
//! tables.

pub mod bootstrap;
pub mod calibration;
pub mod error;
pub mod fusion;
pub mod goals;
mod html;
pub mod metrics;
mod random;
pub mod report;
pub mod search;

pub use error::EvalError;
