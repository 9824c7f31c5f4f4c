//! The functions of scores.

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
