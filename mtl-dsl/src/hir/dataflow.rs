//! Representations: their types, the calls they are made of, and towers.

use super::{FeatureId, LetId, Name, Number, TaskId};
use crate::source::Span;

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
