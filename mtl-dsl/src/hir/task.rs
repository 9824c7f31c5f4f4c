//! What is predicted: tasks, their losses and labels, and conditions on rows.

use super::{Name, Number, TaskId};

/// One task.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its name.
    pub name: Name,
    /// Its `///` lines.
    pub docs: String,
    /// Its kind.
    pub kind: TaskKind,
    /// Where its label comes from.
    pub label: Label,
    /// Its sample space.
    pub sample_space: Option<Condition>,
    /// The column of its row weights.
    pub weight_column: Option<String>,
    /// `given`.
    pub given: Option<TaskId>,
    /// `through: TASK`.
    pub through: Option<TaskId>,
    /// The column of the groups, which is that of `train` too, where rows are compared.
    pub group: Option<Name>,
    /// The summands of its loss, where there are several.
    pub losses: Vec<Summand>,
    /// How its probability is calibrated.
    pub calibration: Option<Calibration>,
}

/// A calibration of probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Calibration {
    /// A line through the logits.
    Platt,
    /// A non-decreasing function.
    Isotonic,
    /// A factor of the logits.
    Temperature,
    /// The odds times the share of negative rows that was kept.
    DownSampling(Number),
}

/// A summand of a task's loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Summand {
    /// Its name.
    pub name: &'static str,
    /// Its factor.
    pub weight: Number,
    /// What it is: the loss of a task of this kind.
    pub kind: TaskKind,
}

impl Task {
    /// The kinds of the summands of its loss: its own where there is one.
    pub fn kinds(&self) -> impl Iterator<Item = &TaskKind> {
        let own = self.losses.is_empty().then_some(&self.kind);
        own.into_iter().chain(self.losses.iter().map(|of| &of.kind))
    }

    /// The parts of the names of the further towers that give its loss more numbers.
    pub fn further_towers(&self) -> &'static [&'static str] {
        let joint = |kind: &TaskKind| matches!(kind, TaskKind::Binary { loss: BinaryLoss::Jrc { .. } });
        match &self.kind {
            TaskKind::Regression { loss: RegressionLoss::Ziln, .. } => &["location", "scale"],
            _ if self.kinds().any(joint) => &["level"],
            _ => &[],
        }
    }

    /// The numbers that its tower says: one, or one for each class.
    pub fn numbers(&self) -> usize {
        match &self.kind {
            TaskKind::Multiclass { classes, .. } => classes.value as usize,
            _ => 1,
        }
    }
}

/// What the conditional probability of a task is called: `buy_given_click`.
pub fn conditional_name(task: &str, given: &str) -> String {
    format!("{task}_given_{given}")
}

/// Kinds of tasks.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskKind {
    /// `binary(...)`.
    Binary {
        /// The loss.
        loss: BinaryLoss,
    },
    /// `ordinal(...)`.
    Ordinal {
        /// The greatest level; the least is 1.
        levels: Number,
    },
    /// `multiclass(...)`.
    Multiclass {
        /// How many classes.
        classes: Number,
        /// How far labels are moved towards all classes alike.
        smoothing: Number,
    },
    /// `pairwise(...)` with the loss of pairs.
    Pairwise,
    /// `pairwise(...)` with the loss of lists.
    Listwise {
        /// What labels are divided by.
        temperature: Number,
    },
    /// `regression(...)`, and `count(...)` with the loss of a Poisson distribution.
    Regression {
        /// `transform: log1p`.
        log1p: bool,
        /// The loss.
        loss: RegressionLoss,
    },
}

impl TaskKind {
    /// Whether its loss can be below 0, as the negative logarithm of a density can.
    pub fn loss_can_be_negative(&self) -> bool {
        matches!(self, TaskKind::Regression { loss: RegressionLoss::Ziln, .. })
    }

    /// Whether its loss compares the rows of a group.
    pub fn compares_rows(&self) -> bool {
        matches!(
            self,
            TaskKind::Pairwise | TaskKind::Listwise { .. } | TaskKind::Binary { loss: BinaryLoss::Jrc { .. } }
        )
    }
}

/// Losses of a probability.
#[derive(Debug, Clone, PartialEq)]
pub enum BinaryLoss {
    /// `bce`.
    Bce {
        /// Factor of the positive rows' loss.
        pos_weight: Number,
        /// `smoothing`, where it is written.
        smoothing: Option<Number>,
    },
    /// `focal(gamma: g, alpha: a)`.
    Focal {
        /// How much less rows count that are predicted well.
        gamma: Number,
        /// The share of the positive rows.
        alpha: Number,
    },
    /// `jrc(alpha: a)`.
    Jrc {
        /// The share of the cross-entropy.
        alpha: Number,
    },
}

/// Losses of a regression.
#[derive(Debug, Clone, PartialEq)]
pub enum RegressionLoss {
    /// `mse`.
    Mse,
    /// `huber(delta: d)`.
    Huber {
        /// Where the square ends.
        delta: Number,
    },
    /// `log_cosh`.
    LogCosh,
    /// `quantile(q: q)`.
    Quantile {
        /// The share of labels below.
        q: Number,
    },
    /// That of a `count`.
    Poisson,
    /// `tweedie(power: p)`.
    Tweedie {
        /// The variance is the mean to this power.
        power: Number,
    },
    /// `weighted_logistic`.
    WeightedLogistic,
    /// `ziln`.
    Ziln,
}

impl RegressionLoss {
    /// Whether labels and predictions are 0 or above.
    pub fn of_amounts(&self) -> bool {
        match self {
            RegressionLoss::Poisson
            | RegressionLoss::Tweedie { .. }
            | RegressionLoss::WeightedLogistic
            | RegressionLoss::Ziln => true,
            RegressionLoss::Mse
            | RegressionLoss::Huber { .. }
            | RegressionLoss::LogCosh
            | RegressionLoss::Quantile { .. } => false,
        }
    }
}

/// Where a label comes from: a column, or a condition on columns.
#[derive(Debug, Clone, PartialEq)]
pub enum Label {
    /// A column.
    Column(String),
    /// A condition: `label: f41 == "50000+."`.
    Where(Condition),
}

/// A condition on the columns of a row (names already turned into columns).
#[derive(Debug, Clone, PartialEq)]
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
    /// `a && b`
    And(Box<Condition>, Box<Condition>),
    /// `a || b`
    Or(Box<Condition>, Box<Condition>),
    /// `!a`
    Not(Box<Condition>),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl Compare {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Compare::Equal => "==",
            Compare::NotEqual => "!=",
            Compare::Less => "<",
            Compare::LessOrEqual => "<=",
            Compare::Greater => ">",
            Compare::GreaterOrEqual => ">=",
        }
    }

    /// The same comparison with its sides exchanged.
    pub fn flipped(self) -> Compare {
        match self {
            Compare::Less => Compare::Greater,
            Compare::LessOrEqual => Compare::GreaterOrEqual,
            Compare::Greater => Compare::Less,
            Compare::GreaterOrEqual => Compare::LessOrEqual,
            Compare::Equal | Compare::NotEqual => self,
        }
    }

    /// The comparison that holds where this one does not.
    pub fn negated(self) -> Compare {
        match self {
            Compare::Equal => Compare::NotEqual,
            Compare::NotEqual => Compare::Equal,
            Compare::Less => Compare::GreaterOrEqual,
            Compare::LessOrEqual => Compare::Greater,
            Compare::Greater => Compare::LessOrEqual,
            Compare::GreaterOrEqual => Compare::Less,
        }
    }
}

/// A constant of a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}
