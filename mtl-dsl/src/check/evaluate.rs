//! The value of a score.

use super::expects::Prediction;
use crate::hir::{Compare, ScoreExpr, ScoreFn, ScoreKind, ScoreOp};

/// The value of a score at these parameters and predictions.
pub(super) fn evaluate(score: &ScoreExpr, params: &[f64], at: &dyn Fn(Prediction) -> f64) -> f64 {
    let value = |score: &ScoreExpr| evaluate(score, params, at);
    match &score.kind {
        ScoreKind::Number(number) => *number,
        ScoreKind::Task(task) => at((*task, false)),
        ScoreKind::Conditional(task) => at((*task, true)),
        ScoreKind::Param(param) => params[*param],
        ScoreKind::Negate(operand) => -value(operand),
        ScoreKind::Binary(op, left, right) => {
            let (left, right) = (value(left), value(right));
            match op {
                ScoreOp::Add => left + right,
                ScoreOp::Subtract => left - right,
                ScoreOp::Multiply => left * right,
                ScoreOp::Divide => left / right,
                ScoreOp::Power => left.powf(right),
            }
        }
        ScoreKind::If { op, left, right, then, otherwise } => {
            if holds(*op, value(left), value(right)) {
                value(then)
            } else {
                value(otherwise)
            }
        }
        ScoreKind::Call(function, arguments) => call(*function, &arguments.iter().map(value).collect::<Vec<_>>()),
    }
}

/// Whether a comparison of numbers holds.
pub(super) fn holds(op: Compare, left: f64, right: f64) -> bool {
    match op {
        Compare::Equal => left == right,
        Compare::NotEqual => left != right,
        Compare::Less => left < right,
        Compare::LessOrEqual => left <= right,
        Compare::Greater => left > right,
        Compare::GreaterOrEqual => left >= right,
    }
}

/// The value of a function; it has as many arguments as the table of functions says.
pub(super) fn call(function: ScoreFn, arguments: &[f64]) -> f64 {
    let first = arguments[0];
    match function {
        ScoreFn::Log => first.ln(),
        ScoreFn::Log1p => first.ln_1p(),
        ScoreFn::Exp => first.exp(),
        ScoreFn::Sqrt => first.sqrt(),
        ScoreFn::Min => arguments.iter().copied().fold(first, f64::min),
        ScoreFn::Max => arguments.iter().copied().fold(first, f64::max),
        ScoreFn::Clamp => first.max(arguments[1]).min(arguments[2]),
        ScoreFn::Sigmoid => 1.0 / (1.0 + (-first).exp()),
    }
}
