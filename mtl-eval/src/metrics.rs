//! Metrics of predictions against labels.
//!
//! Every metric takes whole columns (never averages over batches), skips rows whose label is NaN (missing, or outside the
//! task's sample space) or whose weight is 0, counts a row `weight` times, computes in `f64`, gives `None` where it is undefined,
//! and refuses NaN predictions.

mod classes;
mod columns;
mod gains;
mod grouped;
mod lists;
mod means;
mod metric;
mod pairs;
mod reliability;
#[cfg(test)]
mod tests;

pub use classes::confidence;
pub use columns::Columns;
pub(crate) use columns::add;
pub use gains::{Gain, delta_m, relative_improvement};
pub use grouped::Grouped;
pub use lists::ListMetric;
pub use means::{accuracy, logloss, mae, normalized_entropy, pcoc, rmse};
pub use metric::{Metric, Prepared};
pub use pairs::{GroupWeight, auc, gauc, multi_auc, xauc};
pub use reliability::{Bin, ece, reliability};
