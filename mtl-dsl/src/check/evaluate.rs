//! The value of a score.

use super::reads;
use crate::hir::{Compare, Rank, ScoreExpr, ScoreFn, ScoreInput, ScoreKind, ScoreOp};

/// The value of a rank at these inputs, NaN where one is missing or the rank is learned; `param` gives the value of a parameter by rank
/// and position.
pub(super) fn rank(
    ranks: &[Option<Rank>],
    rank: usize,
    param: &dyn Fn(usize, usize) -> f64,
    at: &dyn Fn(ScoreInput) -> f64,
) -> Option<f64> {
    let mut values = vec![f64::NAN; rank + 1];
    for of in reads::closure(ranks, rank)? {
        let formula = ranks[of].as_ref()?;
        let mut leaves = Leaves { at, params: &|index| param(of, index), lets: Vec::new(), ranks: &values };
        for part in &formula.lets {
            let value = evaluate(&part.value, &leaves);
            leaves.lets.push(value);
        }
        let value = evaluate(&formula.score, &leaves);
        values[of] = value;
    }
    values.last().copied()
}

/// The default of a parameter.
pub(super) fn default(ranks: &[Option<Rank>], rank: usize, param: usize) -> f64 {
    ranks[rank].as_ref().map_or(f64::NAN, |rank| rank.params[param].default.value)
}

/// The values of what a score is made of.
pub(super) struct Leaves<'a> {
    pub at: &'a dyn Fn(ScoreInput) -> f64,
    pub params: &'a dyn Fn(usize) -> f64,
    pub lets: Vec<f64>,
    pub ranks: &'a [f64],
}

/// The value of a score.
pub(super) fn evaluate(score: &ScoreExpr, leaves: &Leaves<'_>) -> f64 {
    let value = |score: &ScoreExpr| evaluate(score, leaves);
    match &score.kind {
        ScoreKind::Number(number) => *number,
        ScoreKind::Input(input) => (leaves.at)(*input),
        ScoreKind::Default(input, default) => match (leaves.at)(*input) {
            missing if missing.is_nan() => value(default),
            known => known,
        },
        ScoreKind::Param(param) => (leaves.params)(*param),
        ScoreKind::Let(part) => leaves.lets[*part],
        ScoreKind::Rank(rank) => leaves.ranks[*rank],
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
        // Nothing is fitted yet.
        ScoreKind::Fuse(_) => f64::NAN,
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
        ScoreFn::Sum => arguments[1..].iter().fold(first, |sum, term| sum + term),
        ScoreFn::Product => arguments[1..].iter().fold(first, |product, power| product * power),
    }
}

#[cfg(test)]
mod tests;
