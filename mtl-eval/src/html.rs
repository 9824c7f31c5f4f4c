//! The page of a report.

use crate::report::Report;

pub(crate) fn page(report: &Report) -> String {
    report.model.clone()
}
