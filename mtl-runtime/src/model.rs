//! The interface between a generated model and everything that trains, evaluates and serves it.

use std::fmt::Debug;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::Tensor;
use mtl_data::schema::Schema;
use mtl_eval::calibration::Method as Calibration;

use crate::config::TrainConfig;
use crate::init::Init;
use crate::loss::{Distill, Term};
use crate::scores::Learned;
use crate::subnets::Subnet;
use crate::tune::Tune;
use crate::weighting::{Asked, Weighting};

pub use crate::pass::Pass;
pub use crate::report::Split;

/// The configuration of a model: every number of its spec as a field.
pub trait ModelConfig: Config + Clone + Debug + Send + Sync + 'static {}

impl<C: Config + Clone + Debug + Send + Sync + 'static> ModelConfig for C {}

/// A generated model. The network is the module itself; its embedding tables live outside, in [`crate::embedding`].
pub trait Model: Module + Debug + 'static {
    /// Its configuration.
    type Config: ModelConfig;
    /// Its name in the spec.
    const NAME: &'static str;
    /// The text of the spec it was generated from.
    const SPEC: &'static str;

    /// The numbers of the spec.
    fn default_config() -> Self::Config;
    /// What it reads and predicts.
    fn schema(config: &Self::Config) -> Schema;
    /// How it is trained.
    fn train(config: &Self::Config) -> &TrainConfig;
    /// A network with every parameter at its initial value.
    fn new(config: &Self::Config, init: &Init) -> Self;
    /// Input matrix `[B, 1, D]` to logits `[B, T]`, tasks in the order of the schema. While training, the columns of what terms of
    /// the loss train beside them follow.
    fn forward(&self, input: Tensor<3>, pass: &Pass) -> Tensor<2>;
    /// How the tasks' losses become one.
    fn weighting(&self) -> &Weighting;
    /// What training adds to the tasks' losses.
    fn terms(_: &Self::Config) -> Vec<Term> {
        Vec::new()
    }
    /// What tasks teach each other.
    fn distill(_: &Self::Config) -> Option<Distill> {
        None
    }
    /// How probabilities of tasks are calibrated, by the task's name.
    fn calibrations(_: &Self::Config) -> Vec<(&'static str, Calibration)> {
        Vec::new()
    }
    /// The method that is asked for the weights of losses or gradients in each step.
    fn method(_: &Self::Config) -> Option<Asked<'_>> {
        None
    }
    /// What is wrong with numbers that must keep to one another.
    fn problems(_: &Self::Config) -> Vec<String> {
        Vec::new()
    }
    /// Its subnetworks, and the stages of training that find them.
    fn subnet(_: &Self::Config) -> Option<Subnet> {
        None
    }
    /// What stages of training can name.
    fn parts() -> &'static [Part] {
        &[]
    }
    /// Leaves out what no subnetwork has; the masks stand still from now on.
    fn compact(&mut self) {}
    /// What its scores read of a row beside predictions.
    fn inputs() -> &'static [Input] {
        &[]
    }
    /// Its scores.
    fn ranks() -> &'static [Rank<Self::Config>];
    /// What its scores must say.
    fn expectations() -> &'static [Expectation<Self::Config>];
    /// Those of its scores that are learned.
    fn learned() -> &'static [Learned<Self::Config>] {
        &[]
    }
    /// How the parameters of a score are searched. It is no part of what was trained.
    fn tune() -> Option<Tune> {
        None
    }
}

/// A part of a model that a stage of training can hold still or slow down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The name of a let, a task (its tower), an entity or a feature; `each` for `tower each`.
    pub name: &'static str,
    /// What it holds of the network: a field, and which of how many equal slices of the first axis of its parameters.
    pub shares: &'static [(&'static str, usize, usize)],
    /// Its embedding tables.
    pub tables: &'static [&'static str],
}

/// What a score reads of a row beside predictions, which are named as by [`prediction_names`](crate::loss::prediction_names).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// `calibrated(task)`: its probability after calibration.
    Calibrated(&'static str),
    /// `rank_of(prediction)`: its place among those of the same request, from 1 for the greatest.
    Position(&'static str),
    /// A `number` feature, as its column has it.
    Number(&'static str),
}

impl std::fmt::Display for Input {
    /// As the formula has it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Calibrated(task) => write!(f, "calibrated({task})"),
            Self::Position(prediction) => write!(f, "rank_of({prediction})"),
            Self::Number(feature) => f.write_str(feature),
        }
    }
}

/// A score of a row: `rank NAME { ... }`. It is a function of what is known of the row, in this order: the predictions in task order, each a
/// probability (the product along its chain) or a number in its label's unit, a chained task's followed by its conditional probability;
/// then the model's [`inputs`](Model::inputs). What is missing is NaN.
pub struct Rank<C: 'static> {
    /// Its name.
    pub name: &'static str,
    /// Its formula as written.
    pub formula: &'static str,
    /// Its parameters under a configuration.
    pub params: fn(&C) -> Vec<RankParam>,
    /// What each row must have, by place and as the formula has it: what is read without a default.
    pub needs: &'static [(usize, &'static str)],
    /// The score of one row.
    pub score: fn(&C, &[f64]) -> f64,
    /// What its parts are.
    pub split: Split,
    /// Its parts, each as the formula has it and with its value.
    pub terms: Terms<C>,
}

/// The parts of a score under a configuration, each as the formula has it and with its value.
pub type Terms<C> = fn(&C, &[f64]) -> Vec<(&'static str, f64)>;

/// A parameter of a score: `param NAME = default in low..high;`, or `request` in place of `param`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankParam {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// The least value, for which the score was checked.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
    /// Whether each request sets it: it is never tuned.
    pub request: bool,
}

/// An assertion about scores: `expect a > b;`.
pub struct Expectation<C: 'static> {
    /// Its text as written.
    pub text: &'static str,
    /// The values of its two sides under a configuration.
    pub sides: fn(&C) -> (f64, f64),
    /// Whether it holds.
    pub holds: fn(&C) -> bool,
}
