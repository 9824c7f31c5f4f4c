//! A score in a report: its formula and its parameters.

use serde::{Deserialize, Serialize};

/// A score.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RankReport {
    /// Its name.
    pub name: String,
    /// Its formula as written.
    pub formula: String,
    /// Its parameters.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub parameters: Vec<RankParameter>,
    /// How its fit went, where it is learned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fit: Option<String>,
}

/// A parameter of a score.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RankParameter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// The least value, for which the score was checked.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
}
