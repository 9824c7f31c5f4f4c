//! A Pareto front: the parameters of a score of which no other does better in every objective.

use serde::{Deserialize, Serialize};

use super::Named;

/// What a search for parameters found: one point for each setting that no other beats in every objective.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Front {
    /// The rank whose parameters were searched; empty where there is one alone.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub rank: String,
    /// Names of the objectives, which are maximised: `gauc(buy)`.
    pub objectives: Vec<String>,
    /// The settings.
    pub points: Vec<FrontPoint>,
}

/// One setting of a front.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FrontPoint {
    /// A value for each objective.
    pub values: Vec<f64>,
    /// The parameters of the score.
    pub parameters: Named<f64>,
    /// Whether this is the setting that was kept.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub chosen: bool,
}
