//! Intervals of scores: no power, logarithm, root or division leaves the real numbers, whatever is predicted.
//!
//! A probability lies in `[0, 1]`, an amount at 0 or above, another regression anywhere, a parameter in its interval; the bounds of every other value follow. Within
//! the branches of `if a > b` the bounds of `a` and `b` are those that the comparison leaves.

use super::{Sink, evaluate};
use crate::diagnostic::diagnostic;
use crate::hir::{Compare, Param, ScoreExpr, ScoreFn, ScoreKind, ScoreOp, Task, TaskKind};

/// The numbers from `low` to `high`, both included. Strict bounds are those of the next float.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Interval {
    low: f64,
    high: f64,
}

const ALL: Interval = Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };

/// Checks a score for every prediction and every parameter.
pub(super) fn check(tasks: &[Option<Task>], params: &[Param], score: &ScoreExpr, sink: &mut Sink) {
    let mut scope = Scope { tasks, params, known: Vec::new() };
    scope.interval(score, sink);
}

/// What is known about the leaves of a score.
struct Scope<'a> {
    tasks: &'a [Option<Task>],
    params: &'a [Param],
    /// What comparisons around the current place say of a leaf, the innermost last.
    known: Vec<(ScoreKind, Interval)>,
}

impl Scope<'_> {
    /// The interval of a value; none where a part of it is wrong.
    fn interval(&mut self, score: &ScoreExpr, sink: &mut Sink) -> Option<Interval> {
        match &score.kind {
            ScoreKind::Number(value) => Some(Interval { low: *value, high: *value }),
            leaf @ (ScoreKind::Task(_) | ScoreKind::Conditional(_) | ScoreKind::Param(_)) => Some(self.leaf(leaf)),
            ScoreKind::Negate(operand) => self.interval(operand, sink).map(Interval::negated),
            ScoreKind::Binary(op, left, right) => {
                let (a, b) = (self.interval(left, sink), self.interval(right, sink));
                let (a, b) = (a?, b?);
                match op {
                    ScoreOp::Add => Some(a.plus(b)),
                    ScoreOp::Subtract => Some(a.plus(b.negated())),
                    ScoreOp::Multiply if left.kind == right.kind => Some(a.whole_power(2.0)),
                    ScoreOp::Multiply => Some(a.times(b)),
                    ScoreOp::Divide => divide(a, b, right, sink),
                    ScoreOp::Power => power(a, b, left, right, sink),
                }
            }
            ScoreKind::If { op, left, right, then, otherwise } => {
                let (a, b) = (self.interval(left, sink), self.interval(right, sink));
                let (a, b) = (a?, b?);
                let then = self.branch(*op, (left, a), (right, b), then, sink);
                let otherwise = self.branch(op.negated(), (left, a), (right, b), otherwise, sink);
                match (then?, otherwise?) {
                    (Branch::Never, Branch::Never) => Some(ALL),
                    (Branch::Never, Branch::In(only)) | (Branch::In(only), Branch::Never) => Some(only),
                    (Branch::In(a), Branch::In(b)) => Some(a.join(b)),
                }
            }
            ScoreKind::Call(function, arguments) => {
                let arguments: Vec<_> =
                    arguments.iter().map(|argument| (argument, self.interval(argument, sink))).collect();
                let known: Vec<_> =
                    arguments.into_iter().map(|(of, interval)| Some((of, interval?))).collect::<Option<_>>()?;
                call(*function, &known, score, sink)
            }
        }
    }

    fn leaf(&self, leaf: &ScoreKind) -> Interval {
        if let Some((_, interval)) = self.known.iter().rev().find(|(of, _)| of == leaf) {
            return *interval;
        }
        match leaf {
            ScoreKind::Param(param) => {
                let param = &self.params[*param];
                Interval { low: param.low.value, high: param.high.value }
            }
            ScoreKind::Task(task) | ScoreKind::Conditional(task) => match &self.tasks[task.0] {
                Some(Task { kind: TaskKind::Binary { .. }, .. }) => Interval { low: 0.0, high: 1.0 },
                Some(Task { kind: TaskKind::Regression { loss, .. }, .. }) if loss.of_amounts() => {
                    Interval { low: 0.0, high: f64::INFINITY }
                }
                Some(Task { kind: TaskKind::Ordinal { levels }, .. }) => Interval { low: 1.0, high: levels.value },
                _ => ALL,
            },
            _ => ALL,
        }
    }

    /// A branch of an `if` under the comparison that leads there.
    fn branch(
        &mut self,
        op: Compare,
        (left, a): (&ScoreExpr, Interval),
        (right, b): (&ScoreExpr, Interval),
        branch: &ScoreExpr,
        sink: &mut Sink,
    ) -> Option<Branch> {
        let (a, b) = (a.narrowed(op, b), b.narrowed(op.flipped(), a));
        if a.is_empty() || b.is_empty() {
            return Some(Branch::Never);
        }
        let outside = self.known.len();
        for (score, interval) in [(left, a), (right, b)] {
            if let leaf @ (ScoreKind::Task(_) | ScoreKind::Conditional(_) | ScoreKind::Param(_)) = &score.kind {
                self.known.push((leaf.clone(), interval));
            }
        }
        let interval = self.interval(branch, sink);
        self.known.truncate(outside);
        interval.map(Branch::In)
    }
}

enum Branch {
    /// Its comparison never holds.
    Never,
    /// Its value.
    In(Interval),
}

fn divide(a: Interval, b: Interval, divisor: &ScoreExpr, sink: &mut Sink) -> Option<Interval> {
    if b.low <= 0.0 && b.high >= 0.0 {
        sink.push(diagnostic!(
            DivisionByZero, divisor.span, "this divisor may be 0: it lies in {b}";
            help: "keep it away from 0: `(x + 1e-6)`, `max(x, 1e-6)`, or `if x > 0 {{ ... }} else {{ ... }}`"
        ));
        return None;
    }
    Some(a.times(Interval { low: 1.0 / b.high, high: 1.0 / b.low }))
}

fn power(a: Interval, b: Interval, base: &ScoreExpr, exponent: &ScoreExpr, sink: &mut Sink) -> Option<Interval> {
    let whole = b.low == b.high && b.low.fract() == 0.0;
    if !whole && a.low < 0.0 {
        sink.push(diagnostic!(
            NegativeBase, base.span, "this base may be negative: it lies in {a}";
            label(exponent.span): "this exponent is not a whole number";
            help: "a power of a negative number is not a number: write `max(x, 0)`, or `clamp(x, 0, 1)`"
        ));
        return None;
    }
    if b.low < 0.0 && a.low <= 0.0 && a.high >= 0.0 {
        sink.push(diagnostic!(
            DivisionByZero, base.span, "this base may be 0: it lies in {a}";
            label(exponent.span): "and this exponent may be negative";
            help: "0 to a negative power is infinite: keep the base away from 0, as in `(x + 1e-6)`, or the exponent at 0 or above"
        ));
        return None;
    }
    Some(if whole { a.whole_power(b.low) } else { a.corners(b, f64::powf) })
}

fn call(
    function: ScoreFn,
    arguments: &[(&ScoreExpr, Interval)],
    whole: &ScoreExpr,
    sink: &mut Sink,
) -> Option<Interval> {
    let (first, x) = arguments[0];
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
            let ((_, low), (_, high)) = (arguments[1], arguments[2]);
            if low.high > high.low {
                sink.push(diagnostic!(
                    OutOfRange, whole.span, "the low end of `clamp` may be above its high end";
                    label(arguments[1].0.span): "lies in {low}"; label(arguments[2].0.span): "lies in {high}"
                ));
                return None;
            }
        }
        ScoreFn::Exp | ScoreFn::Sigmoid | ScoreFn::Min | ScoreFn::Max => {}
    }
    // Every function rises in every argument, so that bounds go to bounds.
    let bounds = |bound: fn(&Interval) -> f64| {
        let arguments: Vec<f64> = arguments.iter().map(|(_, interval)| bound(interval)).collect();
        evaluate::call(function, &arguments)
    };
    Some(Interval { low: bounds(|interval| interval.low), high: bounds(|interval| interval.high) })
}

impl Interval {
    fn is_empty(self) -> bool {
        self.low > self.high
    }

    fn join(self, other: Interval) -> Interval {
        Interval { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    fn negated(self) -> Interval {
        Interval { low: -self.high, high: -self.low }
    }

    fn plus(self, other: Interval) -> Interval {
        Interval { low: self.low + other.low, high: self.high + other.high }.without_nan()
    }

    fn times(self, other: Interval) -> Interval {
        self.corners(other, |a, b| if a == 0.0 || b == 0.0 { 0.0 } else { a * b })
    }

    /// The interval of a function that is monotone in either argument: its extremes are at the corners.
    fn corners(self, other: Interval, function: impl Fn(f64, f64) -> f64) -> Interval {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for a in [self.low, self.high] {
            for b in [other.low, other.high] {
                let value = function(a, b);
                if value.is_nan() {
                    return ALL;
                }
                (low, high) = (low.min(value), high.max(value));
            }
        }
        Interval { low, high }
    }

    /// The interval of a power with a whole exponent. A negative one comes with a base that is never 0.
    fn whole_power(self, exponent: f64) -> Interval {
        let (a, b) = (self.low.powf(exponent), self.high.powf(exponent));
        let ends = Interval { low: a.min(b), high: a.max(b) };
        if exponent % 2.0 == 0.0 && exponent > 0.0 && self.low < 0.0 && self.high > 0.0 {
            return Interval { low: 0.0, high: ends.high };
        }
        ends.without_nan()
    }

    /// What is left of it where `self op other` holds for some number of `other`.
    fn narrowed(self, op: Compare, other: Interval) -> Interval {
        match op {
            Compare::Less => Interval { high: self.high.min(other.high.next_down()), ..self },
            Compare::LessOrEqual => Interval { high: self.high.min(other.high), ..self },
            Compare::Greater => Interval { low: self.low.max(other.low.next_up()), ..self },
            Compare::GreaterOrEqual => Interval { low: self.low.max(other.low), ..self },
            Compare::Equal => Interval { low: self.low.max(other.low), high: self.high.min(other.high) },
            Compare::NotEqual => self.without_end(other),
        }
    }

    /// Without a single number at one of its ends: `x != 0` leaves the positive numbers of `[0, 1]`.
    fn without_end(self, other: Interval) -> Interval {
        match other.low == other.high {
            true if self.low == other.low => Interval { low: self.low.next_up(), ..self },
            true if self.high == other.low => Interval { high: self.high.next_down(), ..self },
            _ => self,
        }
    }

    fn without_nan(self) -> Interval {
        if self.low.is_nan() || self.high.is_nan() { ALL } else { self }
    }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.low {
            f64::NEG_INFINITY => write!(f, "(-inf, ")?,
            low if low == 0.0_f64.next_up() => write!(f, "(0, ")?,
            // Adding 0 turns -0 into 0.
            low => write!(f, "[{}, ", low + 0.0)?,
        }
        match self.high {
            f64::INFINITY => write!(f, "inf)"),
            high if high == 0.0_f64.next_down() => write!(f, "0)"),
            high => write!(f, "{}]", high + 0.0),
        }
    }
}

#[cfg(test)]
mod tests;
