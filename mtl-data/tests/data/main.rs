//! Tests of the crate as its users see it: from files and tables to batches and metrics.

mod encoding;
mod learning;
mod properties;
mod reading;
mod real_data;
mod shared;
