//! The configuration of losses: the numbers of tasks, and of what training adds to them.

use burn::config::Config;

/// A `binary` task.
#[derive(Config, Debug, PartialEq)]
pub struct BinaryConfig {
    /// Factor of the positive rows' loss.
    pub pos_weight: f64,
}

/// A `binary` task with `loss: bce(smoothing: ...)`.
#[derive(Config, Debug, PartialEq)]
pub struct SmoothedConfig {
    /// Factor of the positive rows' loss.
    pub pos_weight: f64,
    /// How far labels are moved towards one half.
    pub smoothing: f64,
}

/// A `binary` task with `loss: focal`.
#[derive(Config, Debug, PartialEq)]
pub struct FocalConfig {
    /// The greater, the less rows count that are predicted well.
    pub gamma: f64,
    /// The share of the positive rows' loss.
    pub alpha: f64,
}

/// A `binary` task with `loss: jrc`.
#[derive(Config, Debug, PartialEq)]
pub struct JrcConfig {
    /// The share of the cross-entropy.
    pub alpha: f64,
}

/// A `pairwise` task with `loss: list_net`.
#[derive(Config, Debug, PartialEq)]
pub struct ListNetConfig {
    /// What labels are divided by.
    pub temperature: f64,
}

/// A `multiclass` task.
#[derive(Config, Debug, PartialEq)]
pub struct MulticlassConfig {
    /// How far labels are moved towards all classes alike.
    pub smoothing: f64,
}

/// A term of the loss with a propensity: `loss.causal`.
#[derive(Config, Debug, PartialEq)]
pub struct CausalConfig {
    /// The least propensity.
    pub clip: f64,
    /// Factor of the term.
    pub weight: f64,
}

/// `dcmt`: `loss.causal`.
#[derive(Config, Debug, PartialEq)]
pub struct DcmtConfig {
    /// The least propensity.
    pub clip: f64,
    /// Factor of the term.
    pub weight: f64,
    /// Factor of the distance of the two probabilities' sum from 1.
    pub counterfactual: f64,
}

/// What tasks teach each other: `distill`.
#[derive(Config, Debug, PartialEq)]
pub struct DistillConfig {
    /// What logits are divided by before they are compared.
    pub temperature: f64,
    /// The share of the teachers in a task's loss.
    pub weight: f64,
    /// The logit that a corrected positive has at least and a negative at most.
    pub margin: f64,
    /// Factor of the comparisons that train teachers.
    pub comparisons: f64,
    /// How many rows of the smaller of two cells each row of the larger one is compared with.
    pub partners: usize,
    /// Epochs in which the share grows from 0.
    pub warm_up: usize,
}

/// What a saved model teaches tasks: `distill` without pairs.
#[derive(Config, Debug, PartialEq)]
pub struct TeacherConfig {
    /// What logits are divided by before they are compared.
    pub temperature: f64,
    /// The share of the teacher in a task's loss.
    pub weight: f64,
    /// Epochs in which the share grows from 0.
    pub warm_up: usize,
}

/// The same where it teaches no probability.
#[derive(Config, Debug, PartialEq)]
pub struct RegressionTeacherConfig {
    /// The share of the teacher in a task's loss.
    pub weight: f64,
    /// Epochs in which the share grows from 0.
    pub warm_up: usize,
}

/// A `regression` with `loss: huber`.
#[derive(Config, Debug, PartialEq)]
pub struct HuberConfig {
    /// Where the square ends.
    pub delta: f64,
}

/// A `regression` with `loss: quantile`.
#[derive(Config, Debug, PartialEq)]
pub struct QuantileConfig {
    /// The share of labels below.
    pub q: f64,
}

/// A `regression` with `loss: tweedie`.
#[derive(Config, Debug, PartialEq)]
pub struct TweedieConfig {
    /// The variance is the mean to this power.
    pub power: f64,
}
