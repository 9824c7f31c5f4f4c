//! What is known of predictions: metrics, and the reports that hold them. Numbers in, numbers out: no tensors, no tables.

pub mod error;
pub mod metrics;
pub mod report;
pub mod search;

pub use error::EvalError;
