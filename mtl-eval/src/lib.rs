//! What is known of predictions: metrics, and the reports that hold them. Numbers in, numbers out: no tensors, no tables.

pub mod bootstrap;
pub mod calibration;
pub mod error;
mod html;
pub mod metrics;
pub mod report;

pub use error::EvalError;
