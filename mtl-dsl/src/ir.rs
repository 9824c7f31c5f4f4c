//! The typed IR: a model as graphs of primitives.
//!
//! `lower` makes it from the checked model, the passes of `optimize` rewrite it, `generate` prints it as Rust. A block is one
//! `let` or one tower line and becomes one struct; the model's own graph calls the blocks. Every value is a tensor
//! `[rows, slots, width]`: one slot for `vec[d]`, one per task for `each vec[d]`, one per expert inside a block. Sizes are sums over numbers
//! of the configuration (`size`), so what a shape says holds for every configuration.

mod mermaid;
mod op;
mod parts;
mod print;
mod size;
mod training;

pub use op::{Activation, Choice, Op, Pick, Rate, Scale, Through};
pub use parts::{Part, Share, parts};
pub(crate) use print::thousands;
pub use size::{ConfigPath, Size, Symbol};
pub use training::{MaskMethod, MaskSearch, Penalty};

pub use crate::hir::View;
use crate::source::Span;

/// A model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its tasks in the order of the logits.
    pub tasks: Vec<String>,
    /// From the input matrix to the logits.
    pub graph: Graph,
    /// The blocks that the graph calls.
    pub blocks: Vec<Block>,
}

/// One `let` or one tower line: parameters, their configuration and a graph over them.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Its name: that of the `let`, or `tower_each`, `tower_click`. Its parameters' paths begin with it.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// The `///` lines of the spec.
    pub docs: String,
    /// Where its value stands.
    pub span: Span,
    /// Its numbers.
    pub config: Config,
    /// Its parameters in the order of their use.
    pub params: Vec<Param>,
    /// From its arguments to its value.
    pub graph: Graph,
}

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// `let NAME = ...`
    Let,
    /// `tower each = ...` or `tower NAME = ...`, for these tasks.
    Tower(Vec<usize>),
}

/// Nodes in an order in which each reads earlier ones only.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The node whose value is the graph's.
    pub output: NodeId,
}

/// Index into [`Graph::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NodeId(pub usize);

/// One primitive applied to values.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What a person would call its value.
    pub name: String,
    /// The primitive.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<NodeId>,
    /// Its value's shape.
    pub shape: Shape,
}

/// The shape of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// True for a value of each row; false for one value that all rows share, made of parameters alone.
    pub batched: bool,
    /// Slots.
    pub slots: Size,
    /// Width of a slot.
    pub width: Size,
}

/// A parameter of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: ParamName,
    /// What it is.
    pub kind: ParamKind,
}

/// A parameter's name in its block: `level_1_experts_2` is the second layer of the experts of level 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamName {
    /// Which part of the block, with its `_`; may be empty.
    pub scope: String,
    /// What it is.
    pub part: String,
    /// Its layer, counted from 1.
    pub layer: Option<usize>,
}

/// Kinds of parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamKind {
    /// A matrix (and a bias) for each member of a group.
    Linear(Linear),
    /// A scale and a shift for each slot.
    Norm {
        /// Slots.
        slots: Size,
        /// Width of a slot.
        width: Size,
    },
    /// Numbers for each slot that no input decides.
    Value(Value),
    /// One matrix and one bias, with a mask on the matrix for each of some tasks.
    Masked(Masked),
}

/// A linear map whose members are subnetworks of one matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Masked {
    /// Its path.
    pub path: String,
    /// How many tasks have a mask.
    pub tasks: usize,
    /// Width of the input.
    pub input: Size,
    /// Width of the output.
    pub output: Size,
}

/// A parameter that is a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Its slots in order.
    pub members: Vec<Members>,
    /// Width of a slot.
    pub width: Size,
    /// Its initial values.
    pub init: ValueInit,
}

/// The initial values of a [`Value`].
#[derive(Debug, Clone, PartialEq)]
pub enum ValueInit {
    /// This everywhere.
    Constant(f64),
    /// Normal with this deviation.
    Normal(f64),
    /// Uniform between `-bound` and `bound`.
    Uniform(f64),
    /// `own` where the column is that of the slot, `other` elsewhere. With `rows` slots in a slot of the result (a weight of each
    /// unit), the column is the slot within its row.
    Diagonal {
        /// On the diagonal.
        own: Scale,
        /// Beside it.
        other: Scale,
        /// Whether a slot is a pair of task and task, and each column a unit.
        units: bool,
    },
}

/// A grouped linear map.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// Its members in order.
    pub members: Vec<Members>,
    /// Width of the input.
    pub input: Size,
    /// Width of the output.
    pub output: Size,
    /// With a bias or without.
    pub bias: bool,
    /// Its initial values.
    pub start: LinearStart,
}

/// The initial values of a [`Linear`].
#[derive(Debug, Clone, PartialEq)]
pub enum LinearStart {
    /// Uniform, as wide as its input asks for.
    Uniform,
    /// Member `t` is `own` times the identity on block `t` of its input and `other` times it on the other blocks; no bias.
    Blocks {
        /// On its own block.
        own: Scale,
        /// On the others.
        other: Scale,
    },
    /// Uniform between minus and plus `share` of `bound`.
    Within {
        /// A number of the configuration, or a constant.
        bound: Scale,
        /// A factor of it.
        share: f64,
    },
}

/// Members of a group that read the same slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    /// The path that keys their initial values.
    pub path: String,
    /// How many; `None` for one whose path is complete (it ends in a task's name).
    pub count: Option<Size>,
    /// The slot they read, where the input has several.
    pub slot: Slot,
}

/// The slot that a member reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Its own: the slot of its position in the group, or the only one.
    Own,
    /// This one.
    At(usize),
    /// Every slot, one after the other: one map for all of them.
    Every,
}

/// Numbers of a block that its configuration can change.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Fields in the order of the spec.
    pub fields: Vec<ConfigField>,
}

/// A field of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigField {
    /// Its name.
    pub name: String,
    /// What it is.
    pub docs: String,
    /// Its value.
    pub value: ConfigValue,
}

/// The value of a field, as in the spec.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigValue {
    /// A count.
    Count(usize),
    /// Widths, layer by layer.
    Widths(Vec<usize>),
    /// A rate in `0..1`.
    Rate(f64),
    /// A number.
    Real(f64),
    /// A group of fields.
    Group(Config),
}

impl Graph {
    /// Adds a node.
    pub fn push(&mut self, name: &str, op: Op, inputs: Vec<NodeId>, shape: Shape) -> NodeId {
        self.nodes.push(Node { name: name.to_owned(), op, inputs, shape });
        NodeId(self.nodes.len() - 1)
    }

    /// How often each node is read; the output counts as one reader.
    pub fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.nodes.len()];
        for node in &self.nodes {
            node.inputs.iter().for_each(|id| uses[id.0] += 1);
        }
        uses[self.output.0] += 1;
        uses
    }
}

impl std::ops::Index<NodeId> for Graph {
    type Output = Node;
    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}

impl std::ops::IndexMut<NodeId> for Graph {
    fn index_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0]
    }
}

impl Block {
    /// The arguments: the first nodes of its graph.
    pub fn arguments(&self) -> impl Iterator<Item = &Node> {
        self.graph.nodes.iter().take_while(|node| node.op == Op::Argument)
    }

    /// The layers of its subnetworks, and their activation.
    pub fn subnets(&self) -> Option<(&[usize], Activation)> {
        self.graph.nodes.iter().find_map(|node| match &node.op {
            Op::Subnets { params, activation, .. } => Some((&params[..], *activation)),
            _ => None,
        })
    }

    /// The number of its trained values.
    pub fn parameters(&self) -> usize {
        self.params.iter().map(|param| param.kind.parameters()).sum()
    }
}

impl Model {
    /// The number of trained values in its blocks.
    pub fn parameters(&self) -> usize {
        self.blocks.iter().map(Block::parameters).sum()
    }
}

impl Linear {
    /// The number of members.
    pub fn size(&self) -> Size {
        self.members.iter().map(Members::size).sum()
    }
}

impl Value {
    /// The number of slots.
    pub fn size(&self) -> Size {
        self.members.iter().map(Members::size).sum()
    }
}

impl Shape {
    /// A value of each row.
    pub fn new(slots: Size, width: Size) -> Shape {
        Shape { batched: true, slots, width }
    }
}

impl Members {
    /// How many they are.
    pub fn size(&self) -> Size {
        self.count.clone().unwrap_or_else(|| Size::constant(1))
    }
}

impl ParamKind {
    /// The number of trained values.
    pub fn parameters(&self) -> usize {
        match self {
            ParamKind::Linear(linear) => {
                linear.size().value() * (linear.input.value() + usize::from(linear.bias)) * linear.output.value()
            }
            ParamKind::Norm { slots, width } => 2 * slots.value() * width.value(),
            ParamKind::Value(value) => value.size().value() * value.width.value(),
            ParamKind::Masked(masked) => (masked.input.value() + 1) * masked.output.value(),
        }
    }
}

impl Config {
    /// The field of this name.
    pub fn get(&self, name: &str) -> Option<&ConfigField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl std::fmt::Display for ParamName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.scope, self.part)?;
        match self.layer {
            Some(layer) => write!(f, "_{layer}"),
            None => Ok(()),
        }
    }
}
