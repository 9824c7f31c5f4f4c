//! Tasks: their kinds and losses, and where their labels come from.

use serde::{Deserialize, Serialize};

use super::Transform;

/// One prediction target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The task's name in the spec.
    pub name: String,
    /// What it predicts, and its loss.
    pub kind: TaskKind,
    /// Where its label comes from.
    pub label: Label,
    /// The rows it is trained and measured on; all rows if none.
    pub sample_space: Option<Condition>,
    /// The column that weighs its rows.
    pub weight_column: Option<String>,
    /// The task whose event conditions this one (`given`), as an index into [`Schema::tasks`](super::Schema::tasks): the logit is that of
    /// `P(this | given)`, the prediction and the loss are on the product along the chain.
    pub given: Option<usize>,
    /// The summands of its loss where there are several, the first of its kind; else its loss is that of its kind.
    #[serde(default)]
    pub losses: Vec<Summand>,
}

/// A summand of a task's loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summand {
    /// Its name in the spec: `bce`.
    pub name: String,
    /// Its factor.
    pub weight: f64,
    /// What it is: the loss of a task of this kind, on the same numbers of the network.
    pub kind: TaskKind,
}

/// The kind of a task and its loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum TaskKind {
    /// A probability.
    Binary {
        /// The loss, on the logit.
        loss: BinaryLoss,
    },
    /// A level from 1 on: a cross-entropy for each threshold between two levels, on ordered logits.
    Ordinal {
        /// The greatest level.
        levels: usize,
    },
    /// A score whose softmax over the rows of a group is that of `label / temperature` (ListNet: Cao et al., ICML 2007).
    Listwise {
        /// The smaller, the more of the softmax is that of the largest label.
        temperature: f64,
    },
    /// One of the classes 0, 1, ...: a softmax over a logit for each.
    Multiclass {
        /// How many.
        classes: usize,
        /// How far labels are moved towards all classes alike.
        smoothing: f64,
    },
    /// A score that orders the rows of a group: `-log sigma(s_i - s_j)` for each pair of a positive row `i` and a negative one `j` of
    /// the same group.
    Pairwise,
    /// A number.
    Regression {
        /// Applied to the label before the loss; its inverse to the prediction.
        transform: Transform,
        /// The loss, in the transformed unit.
        loss: RegressionLoss,
    },
}

/// The loss of a probability `p`, for a label `y` in `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum BinaryLoss {
    /// `-(w y log p + (1 - y) log(1 - p))` with the label `y (1 - smoothing) + smoothing / 2`.
    Bce {
        /// `w`: the factor of the positive rows' loss.
        pos_weight: f64,
        /// How far labels are moved towards one half.
        smoothing: f64,
    },
    /// `-(a y (1 - p)^g log p + (1 - a) (1 - y) p^g log(1 - p))` (Lin et al., ICCV 2017).
    Focal {
        /// `g`: the greater, the less rows count that are predicted well.
        gamma: f64,
        /// `a`: the share of the positive rows' loss.
        alpha: f64,
    },
    /// `alpha` times the cross-entropy, and `1 - alpha` times that of a softmax over the rows of a group, of the logits of each
    /// row's own class (JRC: Sheng et al., KDD 2023). Two numbers `z`, `c`: the logits of the classes are `c + z / 2` and `c - z / 2`.
    Jrc {
        /// The share of the cross-entropy.
        alpha: f64,
    },
}

/// The loss of a regression, for a label `y` and the network's number `z`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum RegressionLoss {
    /// `(y - z)^2`.
    Mse,
    /// Half the square within `delta`, linear outside: `d (|e| - d/2)`.
    Huber {
        /// Where the square ends.
        delta: f64,
    },
    /// `log cosh(z - y)`.
    LogCosh,
    /// `q (y - z)` where `z` is less than `y`, `(1 - q) (z - y)` where it is more: `z` becomes the quantile.
    Quantile {
        /// The share of labels below.
        q: f64,
    },
    /// `e^z - y z - (y - y log y)`, half the deviance of a Poisson distribution of mean `e^z`.
    Poisson,
    /// `e^((2 - power) z) / (2 - power) + y e^((1 - power) z) / (power - 1)`: a Tweedie distribution of mean `e^z`.
    Tweedie {
        /// The variance is the mean to this power, between 1 (Poisson) and 2 (gamma).
        power: f64,
    },
    /// `-y log sigma(z)` where `y` is above 0, else `-log sigma(-z)`: the odds `e^z` become the mean of `y`, for rows of which few are
    /// above 0 (Covington et al., RecSys 2016).
    WeightedLogistic,
    /// Zero-inflated lognormal (Wang, Liu and Miao, 2019) with three numbers `z`, `m`, `k`: the cross-entropy of `y > 0`, and above 0 the
    /// negative logarithm of the density of a lognormal distribution with location `m` and scale `softplus(k)`.
    Ziln,
}

/// Where a label comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Label {
    /// The number in this column; missing where it is.
    Column(String),
    /// 1 where the condition holds, 0 where not, missing where it is missing.
    Where(Condition),
}

/// A condition on a row. A comparison with a missing value is missing, as in [`crate::condition`]; a sample space leaves such rows
/// out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Condition {
    /// A column against a constant.
    Compare {
        /// The column.
        column: String,
        /// The comparison.
        op: Compare,
        /// The constant.
        value: Constant,
    },
    /// Both.
    And(Box<Condition>, Box<Condition>),
    /// At least one.
    Or(Box<Condition>, Box<Condition>),
    /// Not.
    Not(Box<Condition>),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compare {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A constant of a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Constant {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl TaskKind {
    /// A probability with the plain cross-entropy.
    pub const fn binary(pos_weight: f64) -> TaskKind {
        TaskKind::Binary { loss: BinaryLoss::Bce { pos_weight, smoothing: 0.0 } }
    }

    /// Whether its loss compares the rows of a group.
    pub const fn compares_rows(&self) -> bool {
        matches!(
            self,
            TaskKind::Pairwise | TaskKind::Listwise { .. } | TaskKind::Binary { loss: BinaryLoss::Jrc { .. } }
        )
    }
}

impl Task {
    /// The kinds of the summands of its loss: its own where there is one.
    pub fn kinds(&self) -> Vec<TaskKind> {
        if self.losses.is_empty() { vec![self.kind] } else { self.losses.iter().map(|of| of.kind).collect() }
    }

    /// Whether its loss compares the rows of a group.
    pub fn compares_rows(&self) -> bool {
        self.kinds().iter().any(TaskKind::compares_rows)
    }

    /// The logits beside its own that stand directly behind those of the tasks.
    pub(super) fn further_logits(&self) -> usize {
        let of = |kind: &TaskKind| match kind {
            TaskKind::Regression { loss: RegressionLoss::Ziln, .. } => 2,
            TaskKind::Binary { loss: BinaryLoss::Jrc { .. } } => 1,
            TaskKind::Multiclass { classes, .. } => classes.saturating_sub(1),
            _ => 0,
        };
        self.kinds().iter().map(of).sum()
    }
}

impl RegressionLoss {
    /// Whether the network's number is the logarithm of the prediction.
    pub fn log_link(&self) -> bool {
        match self {
            RegressionLoss::Poisson | RegressionLoss::Tweedie { .. } | RegressionLoss::WeightedLogistic => true,
            RegressionLoss::Mse
            | RegressionLoss::Huber { .. }
            | RegressionLoss::LogCosh
            | RegressionLoss::Quantile { .. }
            | RegressionLoss::Ziln => false,
        }
    }

    /// Whether labels and predictions are 0 or above.
    pub fn of_amounts(&self) -> bool {
        self.log_link() || *self == RegressionLoss::Ziln
    }
}
