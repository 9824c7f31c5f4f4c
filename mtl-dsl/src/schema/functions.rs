//! The functions of scores.

use super::{Choice, Parameter, Range, Shape, Signature};
use crate::diagnostic::Code;
use crate::hir::ScoreFn;

/// A function of scores.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is called.
    pub form: &'static str,
    /// The least number of arguments.
    pub least: usize,
    /// The greatest number of arguments.
    pub most: usize,
    /// Whether its arguments are weights by task.
    pub weights: bool,
    /// What it is in the checked model.
    pub function: ScoreFn,
}

const fn unary(name: &'static str, form: &'static str, function: ScoreFn) -> Function {
    Function { name, form, least: 1, most: 1, weights: false, function }
}

const fn several(name: &'static str, form: &'static str, least: usize, most: usize, function: ScoreFn) -> Function {
    Function { name, form, least, most, weights: false, function }
}

const fn weights(name: &'static str, form: &'static str, function: ScoreFn) -> Function {
    Function { name, form, least: 1, most: MOST_WEIGHTS, weights: true, function }
}

/// Terms of a sum, which are operators of one expression.
const MOST_WEIGHTS: usize = 256;

/// The functions of scores.
pub static FUNCTIONS: &[Function] = &[
    unary("log", "log(x)", ScoreFn::Log),
    unary("log1p", "log1p(x)", ScoreFn::Log1p),
    unary("exp", "exp(x)", ScoreFn::Exp),
    unary("sqrt", "sqrt(x)", ScoreFn::Sqrt),
    several("min", "min(a, b, ...)", 2, usize::MAX, ScoreFn::Min),
    several("max", "max(a, b, ...)", 2, usize::MAX, ScoreFn::Max),
    several("clamp", "clamp(x, low, high)", 3, 3, ScoreFn::Clamp),
    unary("sigmoid", "sigmoid(x)", ScoreFn::Sigmoid),
    weights("sum", "sum(task: weight, ...)", ScoreFn::Sum),
    weights("product", "product(task: exponent, ...)", ScoreFn::Product),
];

/// The widest layer of a learned score, and the most inputs: it is served as a scalar function without memory of its own.
pub const WIDEST: usize = 128;

const EPOCHS: Range = Range { high: 100_000.0, ..Range::whole(1.0, "a whole number from 1 to 100_000") };

/// What a learned score is computed by.
static NETWORKS: Choice = Choice {
    noun: "network",
    plural: "networks",
    unknown: Code::UnknownFunction,
    of: &[
        Signature {
            name: "mlp",
            docs: "Fully connected layers, and one number behind them.",
            positional: 1,
            parameters: &[
                Parameter::required("hidden", Shape::Widths, "Widths of the layers."),
                Parameter::word(
                    "activation",
                    &["relu", "tanh", "sigmoid", "leaky_relu", "swish"],
                    "relu",
                    "Applied after every layer.",
                ),
            ],
        },
        Signature { name: "linear", docs: "A weighted sum.", positional: 0, parameters: &[] },
    ],
};

/// `fuse`: the whole score of a rank that is learned.
pub static FUSE: Signature = Signature {
    name: "fuse",
    docs: "A score that a small network makes of predictions, fitted on validation rows after training.",
    positional: 1,
    parameters: &[
        Parameter {
            default: super::Default::Required,
            ..Parameter::choice("network", &NETWORKS, "mlp", "What computes the score: `mlp([16])` or `linear`.")
        },
        Parameter::required(
            "on",
            Shape::Input,
            "What it reads of a row: `[click, buy | click, rank_of(like), price ?? 0]`.",
        ),
        Parameter::required("target", Shape::Tasks, "The task whose label it predicts: binary or a regression."),
        Parameter::number("epochs", EPOCHS, 50.0, "Passes over the validation rows."),
        Parameter::number("lr", Range::POSITIVE, 0.01, "Learning rate of the first step; it falls in a line to 0."),
        Parameter::number(
            "l2",
            Range::NOT_NEGATIVE,
            0.0001,
            "Half of it times the sum of squared weights is added to the loss.",
        ),
    ],
};
