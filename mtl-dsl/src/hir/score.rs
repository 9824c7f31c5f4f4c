//! Scores over what is known of a row, and assertions about them.

use super::{Compare, Model, Name, Number, TaskId};
use crate::source::Span;

/// `rank NAME { params; lets; expr }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rank {
    /// Its name.
    pub name: Name,
    /// Its `///` lines.
    pub docs: String,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Its named parts that are read, each reading earlier ones only.
    pub lets: Vec<ScoreLet>,
    /// The score.
    pub score: ScoreExpr,
    /// How the score is fitted, where it is [learned](ScoreKind::Fuse).
    pub fusion: Option<Fusion>,
}

/// `fuse(mlp([16]), on: [...], target: TASK)`: how a learned score is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Fusion {
    /// The task whose label it predicts.
    pub target: TaskId,
    /// Widths of the layers between inputs and score; none for a line.
    pub widths: Vec<Number>,
    /// What follows each of them.
    pub activation: &'static str,
    /// Passes over the validation rows.
    pub epochs: Number,
    /// Learning rate.
    pub lr: Number,
    /// Penalty of squared weights.
    pub l2: Number,
}

/// `let NAME = expr;` in a rank.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreLet {
    /// Its name.
    pub name: Name,
    /// Its `///` lines.
    pub docs: String,
    /// Its value.
    pub value: ScoreExpr,
}

/// `param NAME = default in lo..hi;` or `request NAME = default in lo..hi;`
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
    /// Whether each request sets it, and nothing tunes it.
    pub request: bool,
}

/// What a score can read of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScoreInput {
    /// A prediction: a probability (the product along the chain), or a number in the label's unit.
    Prediction(Predicted),
    /// `calibrated(click)`: a probability after the calibration of its task.
    Calibrated(TaskId),
    /// `rank_of(click)`: the place of a prediction among those of its request, from 1; equal ones share the middle of their places.
    Position(Predicted),
    /// A `number` feature in the unit of its column: its place in [`Model::numbers`](super::Model::numbers).
    Number(usize),
}

/// A task's prediction, or that of `buy | click`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Predicted {
    /// The task.
    pub task: TaskId,
    /// True for the conditional probability of a chained task.
    pub conditional: bool,
}

/// A `number` feature as scores see it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreNumber {
    /// The feature's name.
    pub name: Name,
    /// The column it is read from.
    pub column: String,
}

/// A scalar expression over inputs and parameters.
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
    /// Something that is known of the row.
    Input(ScoreInput),
    /// `input ?? b`: `b` where the input is missing.
    Default(ScoreInput, Box<ScoreExpr>),
    /// A parameter of this rank, by position.
    Param(usize),
    /// A named part of this rank, by position.
    Let(usize),
    /// An earlier rank of the model.
    Rank(usize),
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
    /// `fuse(...)`, the whole score of a rank that has a [`Fusion`]: inputs, each maybe with a default.
    Fuse(Vec<ScoreExpr>),
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
    /// `sum(task: weight, ...)`: its terms are its arguments.
    Sum,
    /// `product(task: exponent, ...)`: its powers are its arguments.
    Product,
}

impl Rank {
    /// Whether its score depends on numbers of the configuration: its parameters, or what was fitted.
    pub fn is_configured(&self) -> bool {
        !self.params.is_empty() || self.fusion.is_some()
    }

    /// Calls `on` with every node of the rank, parents first.
    pub fn visit(&self, on: &mut impl FnMut(&ScoreExpr)) {
        self.lets.iter().for_each(|part| part.value.visit(on));
        self.score.visit(on);
    }
}

impl Model {
    /// What its scores read beside predictions, each once.
    pub fn score_inputs(&self) -> Vec<ScoreInput> {
        let mut inputs = Vec::new();
        self.ranks.iter().for_each(|rank| rank.visit(&mut |node| inputs.extend(node.kind.input().map(|(of, _)| of))));
        inputs.retain(|input| !matches!(input, ScoreInput::Prediction(_)));
        inputs.sort_unstable();
        inputs.dedup();
        inputs
    }

    /// The numbers that its scores read.
    pub fn scored_numbers(&self) -> Vec<&ScoreNumber> {
        let number = |input| if let ScoreInput::Number(number) = input { Some(&self.numbers[number]) } else { None };
        self.score_inputs().into_iter().filter_map(number).collect()
    }
}

impl ScoreKind {
    /// The input that it reads itself, and whether the score needs it: without a default.
    pub fn input(&self) -> Option<(ScoreInput, bool)> {
        match self {
            ScoreKind::Input(input) => Some((*input, true)),
            ScoreKind::Default(input, _) => Some((*input, false)),
            _ => None,
        }
    }
}

impl ScoreExpr {
    /// Calls `on` with every node of the expression, parents first.
    pub fn visit(&self, on: &mut impl FnMut(&ScoreExpr)) {
        on(self);
        match &self.kind {
            ScoreKind::Number(_)
            | ScoreKind::Input(_)
            | ScoreKind::Param(_)
            | ScoreKind::Let(_)
            | ScoreKind::Rank(_) => {}
            ScoreKind::Negate(operand) | ScoreKind::Default(_, operand) => operand.visit(on),
            ScoreKind::Binary(_, left, right) => {
                left.visit(on);
                right.visit(on);
            }
            ScoreKind::If { left, right, then, otherwise, .. } => {
                for part in [left, right, then, otherwise] {
                    part.visit(on);
                }
            }
            ScoreKind::Call(_, arguments) | ScoreKind::Fuse(arguments) => {
                arguments.iter().for_each(|argument| argument.visit(on));
            }
        }
    }
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
        /// Index into the ranks of the model.
        rank: usize,
        /// What is known of the row.
        at: Vec<(ScoreInput, f64)>,
    },
}
