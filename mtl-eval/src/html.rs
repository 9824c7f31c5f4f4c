//! The page of a report: one HTML file with its style and its pictures, without scripts, for screen and paper.

mod chart;
mod element;
mod number;
mod page;
mod sections;
mod spec;

pub(crate) use page::page;

#[cfg(test)]
mod tests;
