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
    /// One vector per field, all of one width.
    Fields {
        /// Fields.
        count: usize,
        /// Width of each.
        width: usize,
    },
    /// One vector per place of a sequence, and which places hold something.
    Seq {
        /// Places.
        length: usize,
        /// Width of each.
        width: usize,
    },
    /// One number per task that is added to its logit as it is.
    Logit,
}

impl Type {
    /// The width of a vector.
    pub fn width(self) -> usize {
        match self {
            Type::Vec(width) | Type::EachVec(width) | Type::Fields { width, .. } | Type::Seq { width, .. } => width,
            Type::Logit => 1,
        }
    }

    /// Whether it is one vector, for all tasks or for each.
    pub fn is_vector(self) -> bool {
        matches!(self, Type::Vec(_) | Type::EachVec(_))
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Type::Vec(width) => write!(f, "vec[{width}]"),
            Type::EachVec(width) => write!(f, "each vec[{width}]"),
            Type::Fields { count, width } => write!(f, "fields[{count} x {width}]"),
            Type::Seq { length, width } => write!(f, "seq[{length} x {width}]"),
            Type::Logit => f.write_str("logit"),
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
    Input(Vec<FeatureId>, View),
    /// A `let`.
    Let(LetId),
    /// `concat(a, b, ...)` of vectors (at least one is not an input); a mix of `vec` and `each vec` is `each vec`.
    Concat(Vec<Expr>),
    /// `a + b`, element by element.
    Sum(Vec<Expr>),
    /// `a * b`, element by element.
    Product(Vec<Expr>),
    /// A call of a construct from the registry (`mlp`, `moe`, `mmoe`, `ple`, ...).
    Call(Call),
}

/// How features become slots of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// One slot of all of them.
    Flat,
    /// A slot for each feature; all have one width.
    Fields,
    /// A slot for each task: its own slices of the embeddings. A number stands in every slot.
    Own,
    /// A slot for each place of a sequence.
    Sequence,
    /// One slot with a column for each place of a sequence: 1 where it holds an id, else 0.
    Mask,
    /// A slot for each task: its weights of the features' values, a column for each feature.
    Wide,
}

impl Expr {
    /// What it reads directly.
    pub fn parts(&self) -> &[Expr] {
        match &self.kind {
            ExprKind::Input(..) | ExprKind::Let(_) => &[],
            ExprKind::Concat(parts) | ExprKind::Sum(parts) | ExprKind::Product(parts) => parts,
            ExprKind::Call(call) => &call.inputs,
        }
    }

    /// The same, to be changed.
    pub fn parts_mut(&mut self) -> &mut [Expr] {
        match &mut self.kind {
            ExprKind::Input(..) | ExprKind::Let(_) => &mut [],
            ExprKind::Concat(parts) | ExprKind::Sum(parts) | ExprKind::Product(parts) => parts,
            ExprKind::Call(call) => &mut call.inputs,
        }
    }
}

/// A call of a construct: which one, its inputs, its options with every default filled in, in the schema's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The construct's name in `crate::constructs`.
    pub construct: &'static str,
    /// Dataflow inputs: those without a name, then those of options.
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
    /// One of several alternatives, with its options: `top_k(2)`.
    Choice(&'static str, Vec<(&'static str, Value)>),
    /// Tasks: `chain: [click, buy]`.
    Tasks(Vec<TaskId>),
    /// Groups of tasks: `groups: [[click, like], [buy]]`.
    TaskGroups(Vec<Vec<TaskId>>),
    /// Pairs of tasks, a task and one it is given: `relations: [buy | click]`.
    Relations(Vec<(TaskId, TaskId)>),
    /// A representation: the position among the call's inputs.
    Input(usize),
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
    /// What its logits are the sum of, at least one term. Blocks called here belong to the tower: one copy per task.
    pub terms: Vec<Term>,
    /// Where the line stands.
    pub span: Span,
}

/// A summand of a tower: a representation from which an output layer reads, or a logit.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The representation.
    pub value: Expr,
    /// For `train_only(...)`, the share of training rows in which its input is hidden.
    pub train_only: Option<Number>,
}
