//! The typed IR: a model as graphs of primitives.
//!
//! `lower` makes it from the checked model, the passes of `optimize` rewrite it, `generate` prints it as Rust. A block is one
//! `let` or one tower line and becomes one struct; the model's own graph calls the blocks. Every value is a tensor
//! `[rows, slots, width]`: one slot for `vec[d]`, one per task for `each vec[d]`, one per expert inside a block. Sizes are sums over numbers
//! of the configuration (`size`), so what a shape says holds for every configuration.

mod mermaid;
mod print;
mod size;

pub(crate) use print::thousands;
pub use size::{ConfigPath, Size, Symbol};

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

/// The primitives.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The input matrix, or a block's argument.
    Argument,
    /// The input's columns of these entities and features.
    Columns {
        /// Their names.
        names: Vec<String>,
        /// How they become slots.
        view: View,
        /// True if they are the whole input, in its order.
        all: bool,
    },
    /// A block's value.
    Block(usize),
    /// A block's value, which is added to the first input while training and does not exist when serving.
    TrainOnly(usize),
    /// A parameter: one value for all rows.
    Value {
        /// Index into [`Block::params`].
        param: usize,
    },
    /// A grouped linear map, then an activation.
    Linear {
        /// Index into [`Block::params`].
        param: usize,
        /// Applied to the result.
        activation: Activation,
    },
    /// A function of each value.
    Activate(Activation),
    /// Layer norm of each slot, with scale and shift.
    Norm {
        /// Index into [`Block::params`].
        param: usize,
    },
    /// Inverted dropout; the identity when serving.
    Dropout {
        /// The rate.
        rate: Rate,
        /// Keys the mask.
        site: String,
    },
    /// Zeros in some rows, without scaling the others; the identity when serving.
    DropRows {
        /// The share of the rows.
        rate: Rate,
        /// Keys the choice.
        site: String,
    },
    /// A gate between 0 and 1 for each value, which is its logit: drawn while training, the middle of its distribution when serving
    /// (the hard concrete distribution of Louizos et al., ICLR 2018).
    HardConcrete {
        /// The temperature.
        temperature: Rate,
        /// Keys the draw.
        site: String,
    },
    /// The probability that a gate of [`Op::HardConcrete`] is not shut.
    OpenChance {
        /// The temperature.
        temperature: Rate,
    },
    /// Over the width.
    Softmax,
    /// The softmax over the `k` greatest of the width; the others are 0.
    TopK {
        /// How many; all where the width has no more.
        k: Size,
    },
    /// The weights of a gate, which evaluation reports: the identity.
    Gate {
        /// Its name in the report.
        name: String,
    },
    /// Sums of the second input's slots, weighted by the first input's rows.
    Mix(Choice),
    /// Sums of the input's slots: a slot for each list of the choice.
    Gather(Choice),
    /// Element by element; an input of one slot, one column or no rows of its own is repeated.
    Add,
    /// Element by element, as [`Op::Add`].
    Multiply,
    /// `factor * x + shift`.
    Affine {
        /// The factor.
        factor: Scale,
        /// The shift.
        shift: f64,
    },
    /// The identity, through which no gradient flows.
    Stop,
    /// The same numbers in other slots, in order.
    Reshape {
        /// Tells the sizes of a block apart.
        name: String,
    },
    /// Slots become columns and columns become slots.
    Transpose,
    /// Columns from one place on; how many, the shape says.
    Narrow {
        /// The first column.
        start: Size,
        /// Tells the sizes of a block apart.
        name: String,
    },
    /// The sum over the width.
    SumWidth,
    /// The mean over the width.
    MeanWidth,
    /// The inner product of each slot with the same slot of the second input, over the root of the width.
    ScaledDots,
    /// The inner product of each pair of slots, as columns: (0, 1), (0, 2), ..., (1, 2), ...
    PairDots,
    /// The product, element by element, of each pair of slots, in the order of [`Op::PairDots`].
    PairProducts,
    /// Multi-head attention of queries over keys and values: `softmax(q k^T / sqrt(d)) v` for each head.
    Attention {
        /// Heads; they divide the width.
        heads: Size,
        /// Tells the sizes of a block apart.
        name: String,
    },
    /// Along the width; one slot is repeated to as many as the others have.
    Concat,
    /// Along the slots.
    Stack,
    /// Some slots.
    Select(Vec<usize>),
    /// The first input, and something that training adds to the loss.
    Penalty {
        /// What.
        kind: Penalty,
        /// Its factor.
        weight: Scale,
        /// Its name in the report.
        name: String,
    },
    /// Logits of which some become those of mixtures; further columns are read and left out.
    Through(Vec<Through>),
    /// Logits, and behind them a column for each further level of an ordinal task: its logit less the sums of the block's positive
    /// steps.
    Levels {
        /// The block of the steps.
        block: usize,
        /// The task.
        task: usize,
    },
    /// While training, the first input and a block's value as one more column; the first input when serving.
    Head(usize),
    /// The towers' values in the order of the tasks: for each input, its columns of the logits.
    Logits(Vec<Vec<usize>>),
}

/// The columns of a mixture of two probabilities: `P(task) = P(between) P(task | between) + P(not between) P(task | otherwise)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Through {
    /// The task: before, `P(task | between)`; afterwards the mixture.
    pub task: usize,
    /// What decides between the two.
    pub between: usize,
    /// `P(task | otherwise)`.
    pub otherwise: usize,
}

/// A factor: a constant or a number of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub enum Scale {
    /// Always this.
    Constant(f64),
    /// A number of the configuration.
    Config(Rate),
}

/// What training adds to the loss.
#[derive(Debug, Clone, PartialEq)]
pub enum Penalty {
    /// The sum over pairs of members of the squared distance of their parameters (indices into [`Block::params`]).
    Distance(Vec<usize>),
    /// The sum of the trace norms of the matrices whose columns are the members' weights.
    TraceNorm(Vec<usize>),
    /// The sum over members of the squared products of the columns of different subspaces (Ruder et al. 2019).
    Orthogonal {
        /// The maps.
        params: Vec<usize>,
        /// Into how many subspaces a map's result is split.
        subspaces: usize,
    },
    /// The mean over rows of the sum of the second input.
    Mean,
}

/// Activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// The identity.
    None,
    /// `max(x, 0)`
    Relu,
    /// `x Phi(x)`
    Gelu,
    /// Hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `x`, or `0.01 x` below zero.
    LeakyRelu,
    /// `x sigmoid(x)`
    Swish,
    /// `log(1 + exp(x))`
    Softplus,
}

/// A rate of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// Where it stands.
    pub path: ConfigPath,
    /// The spec's number.
    pub value: f64,
}

/// Which slots a mix or a gathering reads for each slot of its result.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// All, in order.
    All,
    /// A list for each row of the result.
    Lists {
        /// Tells the choices of a block apart: `level_1_choice`.
        name: String,
        /// Rows.
        rows: Size,
        /// Which slots each row reads.
        pick: Pick,
    },
}

/// The lists of a [`Choice`].
#[derive(Debug, Clone, PartialEq)]
pub enum Pick {
    /// Row `t`: the own slots of `t`, then the shared ones; the slots are laid out as own of the first row, own of the second, ..., shared.
    OwnAndShared {
        /// Own slots of a row.
        own: Size,
        /// Shared slots.
        shared: Size,
    },
    /// Row `t`: the own slots of all other rows, in the same layout.
    Foreign {
        /// Own slots of a row.
        own: Size,
    },
    /// Row `i`: slots `i`, `i + rows`, `i + 2 rows`, ...
    Strided {
        /// Slots of a row.
        count: Size,
    },
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

impl Op {
    /// The index of its parameter.
    pub fn param_mut(&mut self) -> Option<&mut usize> {
        match self {
            Op::Linear { param, .. } | Op::Norm { param } | Op::Value { param } => Some(param),
            _ => None,
        }
    }

    /// Calls `visit` with the index of every parameter that it reads.
    pub fn visit_params(&mut self, mut visit: impl FnMut(&mut usize)) {
        if let Op::Penalty {
            kind: Penalty::Distance(params) | Penalty::TraceNorm(params) | Penalty::Orthogonal { params, .. },
            ..
        } = self
        {
            params.iter_mut().for_each(&mut visit);
        }
        if let Some(param) = self.param_mut() {
            visit(param);
        }
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

impl Activation {
    /// Its word in the language.
    pub fn word(self) -> &'static str {
        match self {
            Activation::None => "none",
            Activation::Relu => "relu",
            Activation::Gelu => "gelu",
            Activation::Tanh => "tanh",
            Activation::Sigmoid => "sigmoid",
            Activation::LeakyRelu => "leaky_relu",
            Activation::Swish => "swish",
            Activation::Softplus => "softplus",
        }
    }

    /// The activation of this word of the language.
    pub fn from_word(word: &str) -> Activation {
        use Activation::*;
        [Relu, Gelu, Tanh, Sigmoid, LeakyRelu, Swish, Softplus].into_iter().find(|a| a.word() == word).unwrap_or(None)
    }
}
