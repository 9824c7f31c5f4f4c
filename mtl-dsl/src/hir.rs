//! The checked model: every name resolved, every option explicit, every value typed.
//!
//! `check` makes it from a syntax tree without errors; `lower` makes the IR from it. It holds no text that still needs
//! interpretation, and every node keeps the span it came from.

use crate::source::Span;

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it was declared.
    pub span: Span,
}

/// A number and where it stands; a default has the span of the call it completes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// Its value.
    pub value: f64,
    /// Where it was written.
    pub span: Span,
}

/// Index into [`Model::features`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeatureId(pub usize);
/// Index into [`Model::tasks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub usize);
/// Index into [`Model::lets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LetId(pub usize);

/// One `model NAME { ... }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: Name,
    /// Its `///` lines.
    pub docs: String,
    /// Entities in the order of declaration.
    pub entities: Vec<Entity>,
    /// Features that are read, entity by entity, in the order of the input matrix. (Unread ones gave a warning and are gone.)
    pub features: Vec<Feature>,
    /// Tasks in the order of declaration.
    pub tasks: Vec<Task>,
    /// Representations in the order of declaration; each reads earlier ones only.
    pub lets: Vec<Let>,
    /// Towers: each task is in exactly one.
    pub towers: Vec<Tower>,
    /// Weighting of the losses.
    pub weighting: Weighting,
    /// The `train` entries, defaults filled in.
    pub train: Train,
    /// Scores.
    pub ranks: Vec<Rank>,
    /// Assertions about scores.
    pub expects: Vec<Expect>,
}

/// `features NAME { ... }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Its name.
    pub name: Name,
    /// Its `///` lines.
    pub docs: String,
    /// Its features.
    pub features: Vec<FeatureId>,
}

/// One feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: Name,
    /// Its `///` lines.
    pub docs: String,
    /// The entity's name.
    pub entity: String,
    /// The column it is read from.
    pub column: String,
    /// What it is.
    pub kind: FeatureKind,
}

/// The kinds of features; `category` is an id with a learned vocabulary. The fields are those of `mtl_data::schema`.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureKind {
    /// `id(...)` and `category(...)`.
    Id {
        /// True when written as `category`.
        category: bool,
        /// Buckets or vocabulary.
        rows: Rows,
        /// Width.
        dim: Number,
        /// True: unseen values share the row of missing ones.
        unseen_is_missing: bool,
        /// Standard deviation at the start.
        init: Number,
    },
    /// `ids(...)`. With `share` set, rows, dim, unseen and init are those of the shared feature.
    Ids {
        /// Buckets or vocabulary.
        rows: Rows,
        /// Width.
        dim: Number,
        /// As above.
        unseen_is_missing: bool,
        /// As above.
        init: Number,
        /// The feature whose table it reads.
        share: Option<FeatureId>,
        /// Ids read at most.
        max_len: Number,
        /// Pooling.
        pool: Pool,
    },
    /// `number(...)`.
    Number {
        /// `log1p` or not.
        log1p: bool,
        /// `standard` or not.
        standard: bool,
        /// An indicator column for missing values.
        indicator: bool,
    },
}

/// How ids become rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rows {
    /// `buckets: n`.
    Buckets(Number),
    /// `vocab: auto`, with `min_count`.
    Vocabulary {
        /// Occurrences that earn a row.
        min_count: Number,
    },
}

/// Pooling of a bag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// `mean`.
    Mean,
    /// `sum`.
    Sum,
    /// `max`.
    Max,
}

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
}

/// Kinds of tasks.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskKind {
    /// `binary(...)`.
    Binary {
        /// Factor of the positive rows' loss.
        pos_weight: Number,
    },
    /// `regression(...)`.
    Regression {
        /// `transform: log1p`.
        log1p: bool,
        /// The loss.
        loss: RegressionLoss,
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

/// The type of a representation (language.md, principle 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// One vector for all tasks.
    Vec(usize),
    /// One vector per task.
    EachVec(usize),
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Type::Vec(width) => write!(f, "vec[{width}]"),
            Type::EachVec(width) => write!(f, "each vec[{width}]"),
        }
    }
}

/// `let NAME = expr;`
#[derive(Debug, Clone, PartialEq)]
pub struct Let {
    /// Its name: its parameters' paths begin with it.
    pub name: Name,
    /// Its `///` lines.
    pub docs: String,
    /// Its value.
    pub value: Expr,
}

/// A typed dataflow expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type, under the spec's own numbers.
    pub ty: Type,
    /// Where it stands.
    pub span: Span,
}

/// Forms of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// The embeddings and numbers of these features (an entity or a feature was named; neighbours in `concat` are merged).
    Input(Vec<FeatureId>),
    /// A `let`.
    Let(LetId),
    /// `concat(a, b, ...)` of vectors (at least one is not an input); a mix of `vec` and `each vec` is `each vec`.
    Concat(Vec<Expr>),
    /// A call of a construct from the registry (`mlp`, `moe`, `mmoe`, `ple`, ...).
    Call(Call),
}

/// A call of a construct: which one, its inputs, its options with every default filled in, in the schema's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The construct's name in `crate::constructs`.
    pub construct: &'static str,
    /// Positional dataflow inputs.
    pub inputs: Vec<Expr>,
    /// Options and positional parameters by name, complete.
    pub options: Vec<(&'static str, Value)>,
    /// Where the construct's name stands.
    pub name_span: Span,
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(Number),
    /// A word of an enumerated option: `relu`, `layer`, `none`.
    Word(&'static str),
    /// A list of numbers: hidden widths.
    Numbers(Vec<Number>),
    /// A template: a block called without input, maybe `n *` of it.
    Block(Block),
    /// A list of templates or of option groups, as `ple`'s `levels: [level(...), ...]`.
    Groups(Vec<Vec<(&'static str, Value)>>),
    /// A given-away option: nothing.
    None,
}

/// `count * block(...)`: `count` independent blocks of one shape. Its options are those of the block's construct, complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// How many; 1 when no factor is written.
    pub count: Number,
    /// The block's construct (`mlp`).
    pub construct: &'static str,
    /// Its options, complete.
    pub options: Vec<(&'static str, Value)>,
    /// Where it stands.
    pub span: Span,
}

/// A tower line: the representation from which the logits of its tasks are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Tower {
    /// The tasks it serves, in the order of declaration: all tasks without a tower of their own for `each`, else one.
    pub tasks: Vec<TaskId>,
    /// True for `tower each`.
    pub each: bool,
    /// The representation. Blocks called here belong to the tower: one copy per task.
    pub value: Expr,
    /// Where the line stands.
    pub span: Span,
}

/// `loss { weighting: ... }`.
#[derive(Debug, Clone, PartialEq)]
pub enum Weighting {
    /// The plain sum.
    Equal,
    /// A factor per task, in the order of the tasks (1 where the spec names none).
    Fixed(Vec<Number>),
    /// Homoscedastic uncertainty (Kendall et al. 2018): a trained log-variance per task.
    Uncertainty,
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
    /// Passes over the training rows.
    pub epochs: Number,
    /// Seed of everything random.
    pub seed: Number,
    /// Largest global norm of the dense gradient.
    pub clip: Option<Number>,
    /// Epochs without a better `best` metric before training stops; none: never.
    pub patience: Option<Number>,
    /// The validation metric that picks the best epoch.
    pub best: Metric,
    /// The column that groups rows for GAUC.
    pub group_by: Option<String>,
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
    /// The weighted training objective on validation rows; lower is better.
    Loss,
}

/// `rank NAME { params; expr }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rank {
    /// Its name.
    pub name: Name,
    /// Its `///` lines.
    pub docs: String,
    /// Its parameters.
    pub params: Vec<Param>,
    /// The score.
    pub score: ScoreExpr,
}

/// `param NAME = default in lo..hi;`
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its `///` lines.
    pub docs: String,
    /// Its default.
    pub default: Number,
    /// The least value.
    pub low: Number,
    /// The greatest value.
    pub high: Number,
}

/// A scalar expression over predictions and parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreExpr {
    /// What it is.
    pub kind: ScoreKind,
    /// Where it stands.
    pub span: Span,
}

/// Forms of a score expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ScoreKind {
    /// A constant.
    Number(f64),
    /// A task's prediction: a probability (the product along the chain), or a number in the label's unit.
    Task(TaskId),
    /// `buy | click`: the conditional probability of a chained task.
    Conditional(TaskId),
    /// A parameter of this rank, by position.
    Param(usize),
    /// `-a`
    Negate(Box<ScoreExpr>),
    /// `a + b` and so on.
    Binary(ScoreOp, Box<ScoreExpr>, Box<ScoreExpr>),
    /// `if c { a } else { b }`
    If {
        /// Comparison.
        op: Compare,
        /// Its left side.
        left: Box<ScoreExpr>,
        /// Its right side.
        right: Box<ScoreExpr>,
        /// Value where it holds.
        then: Box<ScoreExpr>,
        /// Value where not.
        otherwise: Box<ScoreExpr>,
    },
    /// A function.
    Call(ScoreFn, Vec<ScoreExpr>),
}

/// Binary operators of scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `^`
    Power,
}

/// Functions of scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreFn {
    /// Natural logarithm.
    Log,
    /// `log(1 + x)`.
    Log1p,
    /// Exponential.
    Exp,
    /// Square root.
    Sqrt,
    /// The least of two or more.
    Min,
    /// The greatest of two or more.
    Max,
    /// `clamp(x, low, high)`.
    Clamp,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
}

/// `expect score(click: 0.5, like: 0.1) > score(click: 0.6, like: 0.01);` Tasks that are not named have no part in the score
/// (naming all that it reads is checked).
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// Left side.
    pub left: ExpectSide,
    /// The comparison.
    pub op: Compare,
    /// Right side.
    pub right: ExpectSide,
    /// Its text, as written.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// One side of an expectation.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpectSide {
    /// A constant.
    Number(f64),
    /// A rank at given predictions.
    Rank {
        /// Index into [`Model::ranks`].
        rank: usize,
        /// Predictions by task (for a chained task `(t, true)` is the conditional one).
        at: Vec<((TaskId, bool), f64)>,
    },
}
