//! The primitives, and what they are told beside their inputs.

use super::{ConfigPath, MaskSearch, Penalty, Size, View};

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
        /// Index into [`Block::params`](super::Block::params).
        param: usize,
    },
    /// A grouped linear map, then an activation.
    Linear {
        /// Index into [`Block::params`](super::Block::params).
        param: usize,
        /// Applied to the result.
        activation: Activation,
    },
    /// A stack of layers of which each task has a subnetwork: one slot for each task. Serving computes what a subnetwork has left.
    Subnets {
        /// Indices into [`Block::params`](super::Block::params), layer by layer.
        params: Vec<usize>,
        /// Applied after each layer.
        activation: Activation,
        /// The rate of dropout after each layer, and what keys it, layer by layer.
        dropout: Option<(Rate, Vec<String>)>,
        /// How the masks are found.
        search: Box<MaskSearch>,
    },
    /// A function of each value.
    Activate(Activation),
    /// Layer norm of each slot, with scale and shift.
    Norm {
        /// Index into [`Block::params`](super::Block::params).
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
    /// Normal noise on the first input, of the deviations in the second; the first input when serving.
    Noise {
        /// Keys the draw.
        site: String,
    },
    /// Weights of experts from the bits of a code: the product over bits of a smooth step or its complement, as the expert's number in
    /// binary has it (Hazimeh et al., NeurIPS 2021).
    Selectors {
        /// The width of the smooth step.
        gamma: Rate,
        /// How many experts.
        experts: Size,
        /// Tells the sizes of a block apart.
        name: String,
    },
    /// Some of a gate's weights set to 0, never all, and the others scaled to the same sum; the identity when serving.
    DropGates {
        /// The share of the weights.
        rate: Rate,
        /// Keys the choice.
        site: String,
    },
    /// The weights of a gate, which evaluation reports: the identity.
    Gate {
        /// Its name in the report.
        name: String,
        /// Whose the gates are, where there are several.
        of: Vec<String>,
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
        if let Op::Subnets { params, .. } = self {
            params.iter_mut().for_each(&mut visit);
        }
        if let Some(param) = self.param_mut() {
            visit(param);
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
