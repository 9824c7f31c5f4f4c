//! Operations that have no value, or an infinite one, for some numbers.

use crate::check::Sink;
use crate::check::slopes::{self, Bounds};
use crate::diagnostic::diagnostic;
use crate::hir::{ScoreExpr, ScoreFn};

/// How a number is kept away from 0.
const AWAY: &str = "`max(x, 1e-6)`, `(x + 1e-6)` where x is never negative, or `if x > 1e-6 { ... } else { ... }` where x is an input or a name";

/// The bounds, if no value between them is infinite; `inverse` for what is large where something is small.
pub(super) fn finite(bounds: Bounds, score: &ScoreExpr, inverse: bool, sink: &mut Sink) -> Option<Bounds> {
    if bounds.value.is_finite() {
        return Some(bounds);
    }
    let problem = diagnostic!(Overflow, score.span, "this may be infinite: it lies in {}", bounds.value);
    sink.push(match inverse {
        true => problem.help(format!("keep what it divides by farther from 0: {AWAY}; or bound what is divided, as in `min(x, 100)`")),
        false => problem.help(
            "a score is a 64-bit number: bound what it is made of, as in `min(x, 100)` or `clamp(x, 0, 100)`, or take a logarithm",
        ),
    });
    None
}

pub(super) fn divide(a: Bounds, b: Bounds, divisor: &ScoreExpr, sink: &mut Sink) -> Option<Bounds> {
    if b.value.contains(0.0) {
        sink.push(diagnostic!(
            DivisionByZero, divisor.span, "this divisor may be 0: it lies in {}", b.value;
            help: "keep it away from 0: {AWAY}"
        ));
        return None;
    }
    Some(a.over(b))
}

pub(super) fn power(a: Bounds, b: Bounds, base: &ScoreExpr, exponent: &ScoreExpr, sink: &mut Sink) -> Option<Bounds> {
    let whole = b.value.low == b.value.high && b.value.low.fract() == 0.0;
    if !whole && a.value.low < 0.0 {
        sink.push(diagnostic!(
            NegativeBase, base.span, "this base may be negative: it lies in {}", a.value;
            label(exponent.span): "this exponent is not a whole number";
            help: "a power of a negative number is not a number: write `max(x, 0)`, or `clamp(x, 0, 1)`"
        ));
        return None;
    }
    if b.value.low < 0.0 && a.value.contains(0.0) {
        sink.push(diagnostic!(
            DivisionByZero, base.span, "this base may be 0: it lies in {}", a.value;
            label(exponent.span): "and this exponent may be negative";
            help: "0 to a negative power is infinite: keep the base away from 0, as in `(x + 1e-6)`, or the exponent at 0 or above"
        ));
        return None;
    }
    Some(if whole { a.whole_power(b.value.low) } else { a.power(b) })
}

pub(super) fn call(
    function: ScoreFn,
    arguments: &[(&ScoreExpr, Bounds)],
    whole: &ScoreExpr,
    sink: &mut Sink,
) -> Option<Bounds> {
    let (first, x) = (arguments[0].0, arguments[0].1.value);
    match function {
        ScoreFn::Log | ScoreFn::Log1p => {
            let (border, name, help) = match function {
                ScoreFn::Log => {
                    (0.0, "log", "write `log(x + 1e-6)` where x is never negative, else `log(max(x, 1e-6))`")
                }
                _ => (-1.0, "log1p", "write `log1p(max(x, 0))`"),
            };
            if x.low <= border {
                sink.push(diagnostic!(
                    LogDomain, first.span, "`{name}` takes numbers above {border}, and this lies in {x}";
                    help: "{help}"
                ));
                return None;
            }
        }
        ScoreFn::Sqrt => {
            if x.low < 0.0 {
                sink.push(diagnostic!(
                    SqrtDomain, first.span, "`sqrt` takes numbers from 0 up, and this lies in {x}"; help: "write `sqrt(max(x, 0))`"
                ));
                return None;
            }
        }
        ScoreFn::Clamp => {
            let (low, high) = (arguments[1].1.value, arguments[2].1.value);
            if low.high > high.low {
                sink.push(diagnostic!(
                    OutOfRange, whole.span, "the low end of `clamp` may be above its high end";
                    label(arguments[1].0.span): "lies in {low}"; label(arguments[2].0.span): "lies in {high}"
                ));
                return None;
            }
        }
        ScoreFn::Sum | ScoreFn::Product | ScoreFn::Exp | ScoreFn::Sigmoid | ScoreFn::Min | ScoreFn::Max => {}
    }
    let arguments: Vec<Bounds> = arguments.iter().map(|(_, bounds)| *bounds).collect();
    Some(slopes::call(function, &arguments))
}
