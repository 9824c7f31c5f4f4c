//! How a model is trained: weighting, optimisers, schedule and selection.

use super::{Name, Number, TaskId};
use crate::source::Span;

/// `loss { weighting: ... }`.
#[derive(Debug, Clone, PartialEq)]
pub enum Weighting {
    /// The plain sum.
    Equal,
    /// A factor per task, in the order of the tasks (1 where the spec names none).
    Fixed(Vec<Number>),
    /// Homoscedastic uncertainty (Kendall et al. 2018): a trained log-variance per task.
    Uncertainty,
    /// A method that is asked for weights in each step.
    Method(Box<Method>),
}

/// A weighting that is asked for weights in each step.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// Which, of [`METHODS`](crate::schema::weightings::METHODS).
    pub name: &'static str,
    /// Its numbers and words, in the order of its signature.
    pub options: Vec<(&'static str, MethodOption)>,
    /// Whether gradients are compared at the shared parameters.
    pub at_parameters: bool,
    /// Whether weights also scale what a task has for itself.
    pub scale_towers: bool,
    /// `sum` or `mean`, where weights are brought to a scale.
    pub normalize: Option<&'static str>,
    /// First epochs with equal weights.
    pub warm_up: usize,
    /// The least weight of each task; none where not written.
    pub floors: Option<Vec<f64>>,
    /// The greatest weight of each task; none where not written.
    pub caps: Option<Vec<f64>>,
}

/// An option of a [`Method`].
#[derive(Debug, Clone, PartialEq)]
pub enum MethodOption {
    /// A number; none where it was left out.
    Number(Option<f64>),
    /// A word.
    Word(&'static str),
    /// A task.
    Task(TaskId),
    /// A number for each task.
    Each(Vec<f64>),
}

/// What training adds to the tasks' losses: `loss { order: ..., causal: ... }`.
#[derive(Debug, Clone, PartialEq)]
pub enum LossTerm {
    /// `hinge(task <= bound)`: the mean of what the probability of `task` exceeds that of `bound` by.
    Order {
        /// The task whose probability is at most the other's.
        task: TaskId,
        /// The other.
        bound: TaskId,
        /// Factor of the term.
        weight: Number,
    },
    /// `ips(task)`, `dr(task)`, `dcmt(task)`: the conditional probability learned over the entire space.
    Causal {
        /// How.
        kind: Causal,
        /// A task with a condition.
        task: TaskId,
        /// The least propensity.
        clip: Number,
        /// Factor of the term.
        weight: Number,
    },
}

impl LossTerm {
    /// Where its weight was written, or the term whose default it is.
    pub fn span(&self) -> Span {
        match self {
            LossTerm::Order { weight, .. } | LossTerm::Causal { weight, .. } => weight.span,
        }
    }
}

/// Estimators of a conditional probability over the entire space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Causal {
    /// Inverse propensities (ESCM2-IPS).
    Ips,
    /// Doubly robust, with a tower that predicts the error (ESCM2-DR).
    Dr,
    /// With a tower for the counterfactual, and the weight of what both must sum to (DCMT).
    Dcmt {
        /// Factor of `|1 - (r + r*)|`.
        counterfactual: Number,
    },
}

impl Causal {
    /// Its word in the language.
    pub fn word(self) -> &'static str {
        match self {
            Causal::Ips => "ips",
            Causal::Dr => "dr",
            Causal::Dcmt { .. } => "dcmt",
        }
    }

    /// What the second tower that it trains is called, if it has one.
    pub fn head(self) -> Option<&'static str> {
        match self {
            Causal::Ips => None,
            Causal::Dr => Some("imputation"),
            Causal::Dcmt { .. } => Some("counterfactual"),
        }
    }
}

/// `train { ... }`, complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Train {
    /// Optimiser of the dense parameters.
    pub optimizer: Optimizer,
    /// Optimiser of the embedding rows.
    pub embeddings: RowOptimizer,
    /// Rows a step.
    pub batch: Number,
    /// Passes over the training rows, where there are no stages.
    pub epochs: Number,
    /// Parts of training; none: one for all tasks and parameters.
    pub stages: Vec<Stage>,
    /// Seed of everything random.
    pub seed: Number,
    /// Largest global norm of the dense gradient.
    pub clip: Option<Number>,
    /// Epochs without a better `best` metric before training stops; none: never.
    pub patience: Option<Number>,
    /// The validation metrics that pick the best epoch: their sum, each times its factor.
    pub best: Vec<(Number, Metric)>,
    /// Whether the best epoch of each task is kept too.
    pub best_of_each: bool,
    /// The column that groups rows, for GAUC and pairs.
    pub group_by: Option<String>,
}

/// `stage(...)`: epochs that train some tasks and parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Passes over the training rows.
    pub epochs: Number,
    /// Whose losses train.
    pub tasks: Turns,
    /// Where `tasks` was written.
    pub tasks_span: Option<Span>,
    /// What moves.
    pub moves: Moves,
    /// Factors on the learning rates of parts.
    pub rates: Vec<(Name, Number)>,
    /// Where it stands.
    pub span: Span,
}

/// Whose losses a stage trains.
#[derive(Debug, Clone, PartialEq)]
pub enum Turns {
    /// All tasks' together.
    Joint,
    /// One task's a batch.
    Alternate,
    /// These tasks' together.
    Only(Vec<TaskId>),
}

/// The parts that a stage moves, by their names.
#[derive(Debug, Clone, PartialEq)]
pub enum Moves {
    /// All but these.
    AllBut(Vec<Name>),
    /// These alone.
    Only(Vec<Name>),
}

/// Optimisers of dense parameters. Numbers in declaration order of their names.
#[derive(Debug, Clone, PartialEq)]
pub enum Optimizer {
    /// `adam(lr, beta1, beta2, eps, weight_decay)`.
    Adam {
        /// Learning rate.
        lr: Number,
        /// Decay of the first moment.
        beta1: Number,
        /// Decay of the second moment.
        beta2: Number,
        /// Added to the root.
        eps: Number,
        /// Decoupled weight decay.
        weight_decay: Number,
    },
    /// `adagrad(lr, eps)`.
    Adagrad {
        /// Learning rate.
        lr: Number,
        /// Added to the root.
        eps: Number,
    },
    /// `sgd(lr, momentum)`.
    Sgd {
        /// Learning rate.
        lr: Number,
        /// Momentum.
        momentum: Number,
    },
}

/// Optimisers of embedding rows.
#[derive(Debug, Clone, PartialEq)]
pub enum RowOptimizer {
    /// `rowwise_adagrad(lr, eps)`: one accumulator a row, the mean square of its gradient.
    RowwiseAdagrad {
        /// Learning rate.
        lr: Number,
        /// Added to the root.
        eps: Number,
    },
    /// `adam(lr, beta1, beta2, eps)`: dense Adam's trajectory, computed only when a row is read.
    Adam {
        /// Learning rate.
        lr: Number,
        /// Decay of the first moment.
        beta1: Number,
        /// Decay of the second moment.
        beta2: Number,
        /// Added to the root.
        eps: Number,
    },
    /// `lazy_adam(lr, beta1, beta2, eps)`: rows outside the batch stand still.
    LazyAdam {
        /// Learning rate.
        lr: Number,
        /// Decay of the first moment.
        beta1: Number,
        /// Decay of the second moment.
        beta2: Number,
        /// Added to the root.
        eps: Number,
    },
    /// `adagrad(lr, eps)`: an accumulator per value.
    Adagrad {
        /// Learning rate.
        lr: Number,
        /// Added to the root.
        eps: Number,
    },
    /// `sgd(lr)`.
    Sgd {
        /// Learning rate.
        lr: Number,
    },
}

/// `best: auc`, `best: auc(click)`, `best: rmse(watch)`: a validation metric, of one task or the mean over those it applies to.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Which.
    pub kind: MetricKind,
    /// The task; none: the mean over all tasks it applies to.
    pub task: Option<TaskId>,
}

impl MetricKind {
    /// Whether a higher value is better.
    pub fn ascending(self) -> bool {
        matches!(self, MetricKind::Auc | MetricKind::Gauc | MetricKind::Accuracy)
    }
}

/// Metrics that can pick the best epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Higher is better.
    Auc,
    /// Higher is better; needs `group_by`.
    Gauc,
    /// Lower is better.
    Logloss,
    /// Lower is better.
    Rmse,
    /// Higher is better.
    Accuracy,
    /// The weighted training objective on validation rows; lower is better.
    Loss,
}
