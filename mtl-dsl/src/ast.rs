//! The syntax tree: what was written, every piece with its span.
//!
//! Nothing here is resolved or checked: a kind, an option or a block can have any name.

use crate::source::Span;

pub use crate::hir::Name;

/// A text: the models it holds (a spec has one; the checker says so).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ast {
    /// Its models.
    pub models: Vec<Model>,
    /// Where the text ends.
    pub end: Span,
}

/// `model NAME { items }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Its `///` lines.
    pub docs: String,
    /// Its name.
    pub name: Name,
    /// What it holds, as far as it could be read.
    pub items: Vec<Item>,
}

/// A statement of a model.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `features NAME { entries }`
    Features(Features),
    /// `task NAME: kind(options) given OTHER;`
    Task(Task),
    /// `let NAME = expr;`
    Let(Let),
    /// `tower NAME = expr;`
    Tower(Tower),
    /// `rank NAME { params expr }` or `rank NAME = expr;`
    Rank(Rank),
    /// `expect expr;`
    Expect(Expect),
    /// `expect RANK order (...) > (...);`
    Order(Order),
    /// Any other word with a block of entries: `loss { ... }`, `train { ... }`.
    Section(Section),
}

/// `features NAME { entries }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Its `///` lines.
    pub docs: String,
    /// The entity.
    pub name: Name,
    /// The features.
    pub entries: Vec<Entry>,
}

/// `name: value` in a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its `///` lines.
    pub docs: String,
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
}

/// `task NAME: kind(options) given OTHER;`.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its `///` lines.
    pub docs: String,
    /// Its name.
    pub name: Name,
    /// Its kind with options.
    pub kind: Expr,
    /// The task it is given.
    pub given: Option<Name>,
}

/// `let NAME = expr;`.
#[derive(Debug, Clone, PartialEq)]
pub struct Let {
    /// Its `///` lines.
    pub docs: String,
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
}

/// `tower NAME = expr;`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tower {
    /// The task, or `each`.
    pub name: Name,
    /// The representation.
    pub value: Expr,
    /// The whole line.
    pub span: Span,
}

/// `rank NAME { params lets trends expr }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rank {
    /// Its `///` lines.
    pub docs: String,
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Its named parts.
    pub lets: Vec<Let>,
    /// What it rises and falls in.
    pub trends: Vec<Trend>,
    /// The score.
    pub score: Expr,
}

/// `increasing in a, b;` or `decreasing in a;`.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// Whether the score rises.
    pub rises: bool,
    /// The predictions.
    pub of: Vec<Expr>,
}

/// `param NAME = default in low..high;`, or `request` in place of `param`.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its `///` lines.
    pub docs: String,
    /// Its name.
    pub name: Name,
    /// Its default.
    pub default: Expr,
    /// Its interval.
    pub interval: Expr,
    /// Whether each request sets it.
    pub request: bool,
}

/// `expect comparison;`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// The comparison.
    pub comparison: Expr,
    /// Its text, as written.
    pub text: String,
}

/// `expect RANK order (predictions) > (predictions) in (ranges);`.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The rank.
    pub rank: Name,
    /// The predictions on the left.
    pub left: Vec<Argument>,
    /// The comparison.
    pub op: crate::hir::Compare,
    /// The predictions on the right.
    pub right: Vec<Argument>,
    /// Ranges of predictions that both sides share.
    pub within: Vec<Argument>,
    /// Its text, as written.
    pub text: String,
    /// Where it stands, without `expect`.
    pub span: Span,
}

/// `WORD NAME? { entries }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// What it is: `loss`, `train`, ...
    pub word: Name,
    /// A name, for sections that have one.
    pub name: Option<Name>,
    /// Its entries.
    pub entries: Vec<Entry>,
}

/// An expression. Parentheses are in its span and nowhere else.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// Forms of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `1_000`, `1e-3`
    Number(f64),
    /// `"text"`, escapes resolved
    Text(String),
    /// `name`
    Name(String),
    /// `name(arguments)`
    Call(Call),
    /// `a | b`
    Conditional(Name, Name),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `(a, b)`
    Tuple(Vec<Expr>),
    /// `-a`, `!a`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`, `a && b`, `a..b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `if condition { then } else { otherwise }`
    If {
        /// The condition.
        condition: Box<Expr>,
        /// Value where it holds.
        then: Box<Expr>,
        /// Value where not.
        otherwise: Box<Expr>,
    },
}

/// `name(arguments)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What is called.
    pub name: Name,
    /// With what.
    pub arguments: Vec<Argument>,
}

/// `value`, `name: value`, `name | given: value`, or with a function around the name, `rank_of(name): value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// The function of `rank_of(click): 2`.
    pub function: Option<Name>,
    /// The name, if it has one.
    pub name: Option<Name>,
    /// The second name of `buy | click: 0.5`.
    pub given: Option<Name>,
    /// The value.
    pub value: Expr,
}

/// Operators of one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Negate,
    /// `!`
    Not,
}

/// Operators of two operands, from the loosest to the tightest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `..`
    Range,
    /// `||`
    Or,
    /// `&&`
    And,
    /// `== != < <= > >=`
    Compare(crate::hir::Compare),
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
    /// `??`
    Default,
}

impl Expr {
    /// The expression as a call: a bare name is a call without arguments.
    pub fn as_call(&self) -> Option<(Name, &[Argument])> {
        match &self.kind {
            ExprKind::Name(name) => Some((Name { text: name.clone(), span: self.span }, &[])),
            ExprKind::Call(call) => Some((call.name.clone(), &call.arguments)),
            _ => None,
        }
    }

    /// The expression as a number, with its sign.
    pub fn as_number(&self) -> Option<f64> {
        match &self.kind {
            ExprKind::Number(value) => Some(*value),
            ExprKind::Unary(UnaryOp::Negate, operand) => operand.as_number().map(|value| -value),
            _ => None,
        }
    }

    /// What it is, for messages: "a number", "a call of `mlp`".
    pub fn describe(&self) -> String {
        match &self.kind {
            ExprKind::Number(_) => "a number".to_owned(),
            ExprKind::Text(_) => "a text".to_owned(),
            ExprKind::Name(name) => format!("the name `{name}`"),
            ExprKind::Call(call) => format!("a call of `{}`", call.name.text),
            ExprKind::Conditional(..) => "a conditional probability".to_owned(),
            ExprKind::List(_) => "a list".to_owned(),
            ExprKind::Tuple(_) => "a tuple".to_owned(),
            ExprKind::Unary(UnaryOp::Negate, operand) if operand.as_number().is_some() => "a number".to_owned(),
            ExprKind::Unary(op, _) => format!("an expression with `{}`", op.symbol()),
            ExprKind::Binary(BinaryOp::Range, ..) => "a range".to_owned(),
            ExprKind::Binary(op, ..) => format!("an expression with `{}`", op.symbol()),
            ExprKind::If { .. } => "an `if`".to_owned(),
        }
    }
}

impl UnaryOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            UnaryOp::Negate => "-",
            UnaryOp::Not => "!",
        }
    }
}

impl BinaryOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Range => "..",
            BinaryOp::Or => "||",
            BinaryOp::And => "&&",
            BinaryOp::Compare(op) => op.symbol(),
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Power => "^",
            BinaryOp::Default => "??",
        }
    }
}
