//! The interface between a generated model and everything that trains, evaluates and serves it.

use std::fmt::Debug;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::Tensor;
use mtl_data::schema::Schema;

use crate::config::TrainConfig;
use crate::init::Init;
use crate::loss::Term;
use crate::subnets::Subnet;
use crate::tune::Tune;
use crate::weighting::{Asked, Weighting};

pub use crate::pass::Pass;

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
    /// Leaves out what no subnetwork has; the masks stand still from now on.
    fn compact(&mut self) {}
    /// Its scores.
    fn ranks() -> &'static [Rank<Self::Config>];
    /// What its scores must say.
    fn expectations() -> &'static [Expectation<Self::Config>];
    /// How the parameters of a score are searched. It is no part of what was trained.
    fn tune() -> Option<Tune> {
        None
    }
}

/// A score over a row's predictions: `rank NAME { ... }`.
pub struct Rank<C: 'static> {
    /// Its name.
    pub name: &'static str,
    /// Its formula as written.
    pub formula: &'static str,
    /// Its parameters under a configuration.
    pub params: fn(&C) -> Vec<RankParam>,
    /// The score of one row. The predictions stand in task order, each a probability (the product along its chain) or a number
    /// in its label's unit; a chained task's is followed by its conditional probability.
    pub score: fn(&C, &[f64]) -> f64,
}

/// A parameter of a score: `param NAME = default in low..high;`.
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
