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
    /// What it is in the checked model.
    pub function: ScoreFn,
}

const fn unary(name: &'static str, form: &'static str, function: ScoreFn) -> Function {
    Function { name, form, least: 1, most: 1, function }
}

/// The functions of scores.
pub static FUNCTIONS: &[Function] = &[
    unary("log", "log(x)", ScoreFn::Log),
    unary("log1p", "log1p(x)", ScoreFn::Log1p),
    unary("exp", "exp(x)", ScoreFn::Exp),
    unary("sqrt", "sqrt(x)", ScoreFn::Sqrt),
    Function { name: "min", form: "min(a, b, ...)", least: 2, most: usize::MAX, function: ScoreFn::Min },
    Function { name: "max", form: "max(a, b, ...)", least: 2, most: usize::MAX, function: ScoreFn::Max },
    Function { name: "clamp", form: "clamp(x, low, high)", least: 3, most: 3, function: ScoreFn::Clamp },
    unary("sigmoid", "sigmoid(x)", ScoreFn::Sigmoid),
];
