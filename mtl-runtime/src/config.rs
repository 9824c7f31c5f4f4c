//! How a model is trained: optimisers, batches, epochs, and the metric that picks the best epoch.

use burn::config::Config;
use serde::{Deserialize, Serialize};

mod best;
mod settings;
mod stage;

pub use best::{Best, BestMetric, BestTerm};
pub use settings::{apply_setting, settings};
pub(crate) use settings::{nearest, set_numbers};
pub use stage::{StageConfig, StageTasks};

use crate::error::{self, Error};

/// The `train` entries of a spec.
#[derive(Config, Debug, PartialEq)]
pub struct TrainConfig {
    /// Optimiser of the network.
    #[config(default = "OptimizerConfig::adam(1e-3)")]
    pub optimizer: OptimizerConfig,
    /// Optimiser of the embedding tables, row by row.
    #[config(default = "RowOptimizerConfig::rowwise_adagrad(0.05)")]
    pub embeddings: RowOptimizerConfig,
    /// Rows a step.
    #[config(default = 1024)]
    pub batch: usize,
    /// Passes over the training rows; 0 with [`stages`](Self::stages), whose own are summed.
    #[config(default = 3)]
    pub epochs: usize,
    /// Parts of training, one after the other; without any, all epochs train every task and parameter.
    #[config(default = "Vec::new()")]
    pub stages: Vec<StageConfig>,
    /// Seed of initial values, order and dropout.
    #[config(default = 0)]
    pub seed: u64,
    /// Largest global norm of the network's gradient.
    pub clip: Option<f64>,
    /// Epochs without a better [`best`](Self::best) after which training stops.
    pub patience: Option<usize>,
    /// The validation metric that picks the epoch to keep.
    #[config(default = "Best::new(BestMetric::Auc)")]
    pub best: Best,
    /// The column whose values group rows for GAUC, and for the pairs of pairwise tasks.
    pub group_by: Option<String>,
}

/// An optimiser of the network's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OptimizerConfig {
    /// Adam (Kingma and Ba, ICLR 2015), with decoupled weight decay (Loshchilov and Hutter, ICLR 2019).
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the first moment.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "adam_epsilon")]
        epsilon: f64,
        /// A step also multiplies each parameter by `1 - lr * weight_decay`.
        #[serde(default)]
        weight_decay: f64,
    },
    /// AdaGrad (Duchi et al., JMLR 2011).
    Adagrad {
        /// Learning rate.
        lr: f64,
        /// Added to the root of the sum of squares.
        #[serde(default = "adagrad_epsilon")]
        epsilon: f64,
    },
    /// Stochastic gradient descent.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Decay of the velocity; 0 is the plain step.
        #[serde(default)]
        momentum: f64,
    },
}

/// An optimiser of embedding rows: a step touches the rows of its batch only.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RowOptimizerConfig {
    /// AdaGrad with one accumulator a row: the mean square of its gradient.
    RowwiseAdagrad {
        /// Learning rate.
        lr: f64,
        /// Added to the root of the accumulator.
        #[serde(default = "adagrad_epsilon")]
        epsilon: f64,
    },
    /// The trajectory of dense Adam: a row makes up for the steps it missed when it is next read.
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the first moment.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "adam_epsilon")]
        epsilon: f64,
    },
    /// Adam on the rows of the batch; the others stand still, moments included.
    LazyAdam {
        /// Learning rate.
        lr: f64,
        /// Decay of the first moment.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "adam_epsilon")]
        epsilon: f64,
    },
    /// AdaGrad with one accumulator a value.
    Adagrad {
        /// Learning rate.
        lr: f64,
        /// Added to the root of the accumulator.
        #[serde(default = "adagrad_epsilon")]
        epsilon: f64,
    },
    /// Stochastic gradient descent.
    Sgd {
        /// Learning rate.
        lr: f64,
    },
}

fn beta1() -> f64 {
    0.9
}
fn beta2() -> f64 {
    0.999
}
fn adam_epsilon() -> f64 {
    1e-8
}
fn adagrad_epsilon() -> f64 {
    1e-10
}

impl OptimizerConfig {
    /// Adam with its usual decays and no weight decay.
    pub fn adam(lr: f64) -> Self {
        Self::Adam { lr, beta1: beta1(), beta2: beta2(), epsilon: adam_epsilon(), weight_decay: 0.0 }
    }
    /// AdaGrad.
    pub fn adagrad(lr: f64) -> Self {
        Self::Adagrad { lr, epsilon: adagrad_epsilon() }
    }
    /// Gradient descent without momentum.
    pub fn sgd(lr: f64) -> Self {
        Self::Sgd { lr, momentum: 0.0 }
    }
}

impl RowOptimizerConfig {
    /// AdaGrad with one accumulator a row.
    pub fn rowwise_adagrad(lr: f64) -> Self {
        Self::RowwiseAdagrad { lr, epsilon: adagrad_epsilon() }
    }
    /// Dense Adam's trajectory.
    pub fn adam(lr: f64) -> Self {
        Self::Adam { lr, beta1: beta1(), beta2: beta2(), epsilon: adam_epsilon() }
    }
    /// Adam that skips rows outside the batch.
    pub fn lazy_adam(lr: f64) -> Self {
        Self::LazyAdam { lr, beta1: beta1(), beta2: beta2(), epsilon: adam_epsilon() }
    }
    /// AdaGrad with one accumulator a value.
    pub fn adagrad(lr: f64) -> Self {
        Self::Adagrad { lr, epsilon: adagrad_epsilon() }
    }
    /// Gradient descent.
    pub fn sgd(lr: f64) -> Self {
        Self::Sgd { lr }
    }
}

impl OptimizerConfig {
    /// The same with its learning rate times a factor.
    pub(crate) fn times(&self, factor: f64) -> Self {
        let mut config = *self;
        let (Self::Adam { lr, .. } | Self::Adagrad { lr, .. } | Self::Sgd { lr, .. }) = &mut config;
        *lr *= factor;
        config
    }
}

impl TrainConfig {
    /// Passes over the training rows, those of all stages.
    pub fn all_epochs(&self) -> usize {
        if self.stages.is_empty() { self.epochs } else { self.stages.iter().map(|stage| stage.epochs).sum() }
    }

    /// Refuses values that no training can have.
    pub fn check(&self) -> error::Result<()> {
        let mut bounds: Vec<(&str, f64, Bound)> = vec![("batch", self.batch as f64, Bound::Least(1.0))];
        if self.stages.is_empty() {
            bounds.push(("epochs", self.epochs as f64, Bound::Least(1.0)));
        }
        match self.optimizer {
            OptimizerConfig::Adam { lr, beta1, beta2, epsilon, weight_decay } => {
                bounds.extend([("optimizer.lr", lr, Bound::Above(0.0)), ("optimizer.beta1", beta1, Bound::Decay)]);
                bounds.extend([
                    ("optimizer.beta2", beta2, Bound::Decay),
                    ("optimizer.epsilon", epsilon, Bound::Above(0.0)),
                ]);
                bounds.push(("optimizer.weight_decay", weight_decay, Bound::Least(0.0)));
            }
            OptimizerConfig::Adagrad { lr, epsilon } => {
                bounds.extend([
                    ("optimizer.lr", lr, Bound::Above(0.0)),
                    ("optimizer.epsilon", epsilon, Bound::Above(0.0)),
                ]);
            }
            OptimizerConfig::Sgd { lr, momentum } => {
                bounds
                    .extend([("optimizer.lr", lr, Bound::Above(0.0)), ("optimizer.momentum", momentum, Bound::Decay)]);
            }
        }
        match self.embeddings {
            RowOptimizerConfig::Adam { lr, beta1, beta2, epsilon }
            | RowOptimizerConfig::LazyAdam { lr, beta1, beta2, epsilon } => {
                bounds.extend([("embeddings.lr", lr, Bound::Above(0.0)), ("embeddings.beta1", beta1, Bound::Decay)]);
                bounds.extend([
                    ("embeddings.beta2", beta2, Bound::Decay),
                    ("embeddings.epsilon", epsilon, Bound::Above(0.0)),
                ]);
            }
            RowOptimizerConfig::RowwiseAdagrad { lr, epsilon } | RowOptimizerConfig::Adagrad { lr, epsilon } => {
                bounds.extend([
                    ("embeddings.lr", lr, Bound::Above(0.0)),
                    ("embeddings.epsilon", epsilon, Bound::Above(0.0)),
                ]);
            }
            RowOptimizerConfig::Sgd { lr } => bounds.push(("embeddings.lr", lr, Bound::Above(0.0))),
        }
        bounds.extend(self.clip.map(|norm| ("clip", norm, Bound::Above(0.0))));
        bounds.extend(self.patience.map(|epochs| ("patience", epochs as f64, Bound::Least(1.0))));
        for (name, value, bound) in bounds {
            if !bound.admits(value) {
                return Err(Error::config(format!("train.{name} is {value}, but it must be {bound}")));
            }
        }
        if !self.stages.is_empty() && self.epochs != 0 {
            return Err(Error::config(format!(
                "train.epochs is {}, but with stages the epochs are the sum of theirs: set train.stages.0.epochs and so on",
                self.epochs
            )));
        }
        for (at, stage) in self.stages.iter().enumerate() {
            stage.check(at)?;
        }
        self.best.check(self.group_by.is_some())?;
        Ok(())
    }
}

/// The values that an entry may have.
enum Bound {
    Above(f64),
    Least(f64),
    Decay,
}

impl Bound {
    fn admits(&self, value: f64) -> bool {
        match self {
            Self::Above(low) => value > *low && value.is_finite(),
            Self::Least(low) => value >= *low && value.is_finite(),
            Self::Decay => (0.0..1.0).contains(&value),
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Above(low) => write!(f, "above {low}"),
            Self::Least(low) => write!(f, "at least {low}"),
            Self::Decay => f.write_str("in 0..1"),
        }
    }
}
