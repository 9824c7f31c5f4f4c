//! What a model reads and predicts: features, tasks and the order in which both stand.
//!
//! Generated code makes one [`Schema`] from a model's configuration; the encoder, the embedding engine, the losses and the
//! metrics all read it. Positions in its lists are the only indices that cross crates: features in the order of the network's
//! input, tasks in the order of the network's logits.

use serde::{Deserialize, Serialize};

/// Everything that is read and predicted, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The model's name in its spec.
    pub model: String,
    /// Features in the order of their columns in the input matrix: entity by entity, as declared.
    pub features: Vec<Feature>,
    /// Tasks in the order of the logits.
    pub tasks: Vec<Task>,
    /// The column whose value groups rows (impressions of one user), if any: for GAUC, and for the pairs of pairwise tasks.
    pub group_by: Option<String>,
    /// What scores read beside predictions.
    #[serde(default)]
    pub scores: ScoreColumns,
}

/// The columns that scores read beside predictions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreColumns {
    /// Numbers as the data has them: the feature's name and its column.
    pub numbers: Vec<(String, String)>,
    /// Whether they read places within a request, hence groups.
    pub positions: bool,
}

/// One feature: a column of the data, and how it becomes columns of the input matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The feature's name in the spec.
    pub name: String,
    /// The entity that declares it: `user`, `item`, `context`, ...
    pub entity: String,
    /// The column of the data it is read from.
    pub column: String,
    /// What it is.
    pub kind: FeatureKind,
    /// The tasks that have a slice of its table for themselves, beside the shared one; features of one table agree.
    pub own: Vec<String>,
    /// The tasks that have a weight for each row of its table, which starts at 0; features of one table agree.
    pub wide: Vec<String>,
    /// Whether only training reads it: serving does without its column.
    pub train_only: bool,
}

/// How a column becomes columns of the input matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FeatureKind {
    /// One id a row, looked up in a table: `dim` columns.
    Id {
        /// How values become rows of the table.
        rows: Rows,
        /// Width of the embedding.
        dim: usize,
        /// Where values go that the training data did not hold (learned vocabularies only).
        unseen: Unseen,
        /// Standard deviation of the table's initial values.
        init: f64,
    },
    /// A bag or sequence of ids or words a row: pooled to `dim` columns.
    Ids {
        /// Whether the column holds texts whose [`words`](crate::words) are the ids.
        words: bool,
        /// How values become rows of the table; for a shared table that of its owner.
        rows: Rows,
        /// Width of the embedding.
        dim: usize,
        /// Where unseen values go.
        unseen: Unseen,
        /// Standard deviation of the table's initial values.
        init: f64,
        /// The feature whose table is read instead of an own one.
        share: Option<String>,
        /// Only the last `max_len` ids of a row are read; of a text the first `max_len` words.
        max_len: usize,
        /// How the ids' embeddings become one.
        pool: Pool,
    },
    /// A number: one column, or two with a missing indicator.
    Number {
        /// Applied first.
        transform: Transform,
        /// Applied second, with statistics of the training rows.
        scale: Scale,
        /// What a missing number becomes.
        missing: MissingNumber,
    },
}

/// How ids become rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rows {
    /// Values are hashed into this many rows.
    Buckets(usize),
    /// One row for each value that occurs at least `min_count` times in the training rows.
    Vocabulary {
        /// Occurrences in the training rows that earn an own row.
        min_count: usize,
    },
}

/// Where values go that a learned vocabulary does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unseen {
    /// To a row of their own.
    Own,
    /// To the row of missing values.
    Missing,
}

/// How a bag of embeddings becomes one vector. An empty bag gives zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pool {
    /// The mean.
    Mean,
    /// The sum.
    Sum,
    /// The elementwise maximum.
    Max,
    /// They stay a sequence of `max_len` places, the ids at its beginning and zeros behind them, followed by a column for each
    /// place that is 1 where there is an id.
    None,
}

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transform {
    /// The number itself.
    None,
    /// `log(1 + x)`, for x > -1.
    Log1p,
}

/// How a number is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// Not at all.
    None,
    /// Minus the training mean, over the training (population) standard deviation.
    Standard,
}

/// What a missing number becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MissingNumber {
    /// The training mean (0 after standard scaling).
    Mean,
    /// The training mean, and a second column that is 1 where the number is missing.
    Indicator,
}

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
    /// The task whose event conditions this one (`given`), as an index into [`Schema::tasks`]: the logit is that of
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

impl Feature {
    /// A feature that is read as its embedding or number alone.
    pub fn new(name: &str, entity: &str, column: &str, kind: FeatureKind) -> Self {
        let (name, entity, column) = (name.to_owned(), entity.to_owned(), column.to_owned());
        Self { name, entity, column, kind, own: Vec::new(), wide: Vec::new(), train_only: false }
    }

    /// The number of columns it fills in the input matrix.
    pub fn width(&self) -> usize {
        let row = self.row_width();
        match &self.kind {
            FeatureKind::Ids { max_len, pool: Pool::None, .. } => max_len * (row + 1),
            FeatureKind::Id { .. } | FeatureKind::Ids { .. } => row,
            FeatureKind::Number { missing: MissingNumber::Mean, .. } => 1,
            FeatureKind::Number { missing: MissingNumber::Indicator, .. } => 2,
        }
    }

    /// The width of a row of its table: the shared embedding, that of each task with an own one, and the weights of tasks. 0 for
    /// a number.
    pub fn row_width(&self) -> usize {
        match &self.kind {
            FeatureKind::Id { dim, .. } | FeatureKind::Ids { dim, .. } => dim * (1 + self.own.len()) + self.wide.len(),
            FeatureKind::Number { .. } => 0,
        }
    }
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
    fn further_logits(&self) -> usize {
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

impl Schema {
    /// Whether a task compares rows of a group, which batches then keep together.
    pub fn compares_rows(&self) -> bool {
        self.tasks.iter().any(Task::compares_rows)
    }

    /// The width of the input matrix.
    pub fn width(&self) -> usize {
        self.features.iter().map(Feature::width).sum()
    }

    /// The columns of the logits of each task: its own, and behind those of all tasks first, task by task, location and scale of a
    /// zero-inflated lognormal, the level of a joint loss, the further classes of a softmax; then one for each further threshold of an ordinal task.
    pub fn logits(&self) -> Vec<Vec<usize>> {
        let mut columns: Vec<Vec<usize>> = (0..self.tasks.len()).map(|t| vec![t]).collect();
        let mut next = self.tasks.len();
        let mut more = |of: fn(&Task) -> usize| {
            for (columns, task) in columns.iter_mut().zip(&self.tasks) {
                let count = of(task);
                columns.extend(next..next + count);
                next += count;
            }
        };
        more(Task::further_logits);
        more(|task| match task.kind {
            TaskKind::Ordinal { levels } => levels.saturating_sub(2),
            _ => 0,
        });
        columns
    }

    /// The number of columns of the logits.
    pub fn logit_columns(&self) -> usize {
        self.logits().iter().map(Vec::len).sum()
    }

    /// The chain of tasks whose product is task `t`: `t` itself, the task it is given, and so on.
    pub fn chain(&self, t: usize) -> Vec<usize> {
        let mut chain = vec![t];
        while let Some(next) = self.tasks[chain[chain.len() - 1]].given {
            chain.push(next);
        }
        chain
    }
}
