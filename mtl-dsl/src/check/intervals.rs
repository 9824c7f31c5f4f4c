//! Intervals of scores: every value of a score is a finite number, whatever is predicted.
//!
//! A probability lies in `[0, 1]`, a regression is any 32-bit number, a position is 1 or more, a parameter lies in its interval; the bounds of every other value
//! follow. Within the branches of `if a > b` the bounds of `a` and `b` are those that the comparison leaves. With every value comes the
//! interval of its slope where predictions move.

use super::Sink;
use super::inputs::plain;
use super::interval::{ALL, Interval, PREDICTED, ROWS, ZERO};
use super::slopes::{self, Bounds};
use crate::hir::{Compare, Fusion, Param, Rank, ScoreExpr, ScoreInput, ScoreKind, ScoreOp, Task, TaskKind};

mod partial;

use partial::{call, divide, finite, power};

/// Checks the ranks for every prediction and every parameter; a wrong one is left out.
pub(super) fn check(tasks: &[Option<Task>], ranks: &mut [Option<Rank>], sink: &mut Sink) {
    let mut bounds = Vec::new();
    for at in 0..ranks.len() {
        let region = Region::default();
        let found = Pass { tasks, ranks, region: &region, moves: &[] }.rank(at, &bounds, sink);
        if found.is_none() {
            ranks[at] = None;
        }
        bounds.push(found);
    }
}

/// Intervals of leaves that are narrower than declared.
#[derive(Debug, Clone, Default)]
pub(super) struct Region {
    pub inputs: Vec<(ScoreInput, Interval)>,
    /// Inputs that are not missing.
    pub present: Vec<ScoreInput>,
    /// Of parameters, by rank and position.
    pub params: Vec<((usize, usize), Interval)>,
}

/// What an input can be. A number of the data has more digits than a prediction, and is no larger.
pub(super) fn declared(tasks: &[Option<Task>], input: ScoreInput) -> Interval {
    let task = match input {
        ScoreInput::Prediction(of) => of.task,
        ScoreInput::Calibrated(_) => return Interval { low: 0.0, high: 1.0 },
        ScoreInput::Position(_) => return Interval { low: 1.0, high: ROWS },
        ScoreInput::Number(_) => return PREDICTED,
    };
    match tasks[task.0].as_ref().map(|task| &task.kind) {
        Some(TaskKind::Binary { .. }) => Interval { low: 0.0, high: 1.0 },
        Some(TaskKind::Ordinal { levels }) => Interval { low: 1.0, high: levels.value },
        Some(TaskKind::Regression { loss, .. }) if loss.of_amounts() => Interval { low: 0.0, ..PREDICTED },
        Some(TaskKind::Regression { log1p: true, .. }) => Interval { low: -1.0, ..PREDICTED },
        _ => PREDICTED,
    }
}

/// What a parameter can be.
pub(super) fn param(param: &Param) -> Interval {
    Interval { low: param.low.value, high: param.high.value }
}

/// The analysis of ranks over one region, with slopes where predictions move.
pub(super) struct Pass<'a> {
    pub tasks: &'a [Option<Task>],
    pub ranks: &'a [Option<Rank>],
    pub region: &'a Region,
    /// How far inputs move, those that do.
    pub moves: &'a [(ScoreInput, Interval)],
}

impl Pass<'_> {
    /// The bounds of a rank, given those of the ranks before it; none where a part of it is wrong.
    pub fn rank(&self, at: usize, before: &[Option<Bounds>], sink: &mut Sink) -> Option<Bounds> {
        let rank = self.ranks[at].as_ref()?;
        let mut scope = Scope {
            pass: self,
            at,
            rank,
            before,
            moves: self.moves,
            predicted: self.moves.is_empty(),
            lets: Vec::new(),
            known: Vec::new(),
        };
        for part in &rank.lets {
            let bounds = scope.bounds(&part.value, sink);
            scope.lets.push(bounds);
        }
        let score = scope.bounds(&rank.score, sink);
        scope.lets.into_iter().collect::<Option<Vec<_>>>().and(score)
    }

    /// The bounds of a rank that was accepted; `order` is what it reads, and it.
    pub fn accepted(&self, order: &[usize]) -> Option<Bounds> {
        let mut bounds = vec![None; order.last()? + 1];
        for at in order {
            bounds[*at] = Some(self.rank(*at, &bounds, &mut Sink::new())?);
        }
        bounds.pop()?
    }
}

/// What is known about the leaves of a rank.
struct Scope<'a> {
    pass: &'a Pass<'a>,
    at: usize,
    rank: &'a Rank,
    before: &'a [Option<Bounds>],
    moves: &'a [(ScoreInput, Interval)],
    /// Whether predictions are 32-bit numbers and infinite values are wrong. On the way between two predictions, where slopes are taken,
    /// they are any numbers, and a value that is never predicted may be infinite.
    predicted: bool,
    lets: Vec<Option<Bounds>>,
    /// What comparisons around the current place say of a leaf, the innermost last.
    known: Vec<(ScoreKind, Interval)>,
}

impl Scope<'_> {
    /// The bounds of a value; none where a part of it is wrong.
    fn bounds(&mut self, score: &ScoreExpr, sink: &mut Sink) -> Option<Bounds> {
        let bounds = match &score.kind {
            ScoreKind::Number(value) => return Some(Bounds::constant(*value)),
            ScoreKind::Negate(operand) => return self.bounds(operand, sink).map(Bounds::negated),
            ScoreKind::Binary(op, left, right) => {
                let (a, b) = (self.bounds(left, sink), self.bounds(right, sink));
                let (a, b) = (a?, b?);
                let bounds = match op {
                    ScoreOp::Add => a.plus(b),
                    ScoreOp::Subtract => a.plus(b.negated()),
                    ScoreOp::Multiply if left.kind == right.kind => a.whole_power(2.0),
                    ScoreOp::Multiply => a.times(b),
                    ScoreOp::Divide => divide(a, b, right, sink)?,
                    ScoreOp::Power => power(a, b, left, right, sink)?,
                };
                let inverse = *op == ScoreOp::Divide || (*op == ScoreOp::Power && b.value.low < 0.0);
                return if self.predicted { finite(bounds, score, inverse, sink) } else { Some(bounds) };
            }
            ScoreKind::If { op, left, right, then, otherwise } => {
                return self.if_else(*op, (left, right), (then, otherwise), sink);
            }
            ScoreKind::Call(function, arguments) => {
                let arguments: Vec<_> =
                    arguments.iter().map(|argument| (argument, self.bounds(argument, sink))).collect();
                let known: Vec<_> =
                    arguments.into_iter().map(|(of, bounds)| Some((of, bounds?))).collect::<Option<_>>()?;
                call(*function, &known, score, sink)?
            }
            ScoreKind::Default(input, default) => {
                let (known, default) = (self.leaf(&ScoreKind::Input(*input))?, self.bounds(default, sink)?);
                let present = self.pass.region.present.contains(input)
                    || self.pass.moves.iter().any(|(moving, _)| moving == input);
                return Some(self.compared(&score.kind, if present { known } else { known.join(default) }));
            }
            ScoreKind::Fuse(inputs) => return Some(self.fused(self.rank.fusion.as_ref()?, inputs)),
            leaf => return self.leaf(leaf),
        };
        if self.predicted { finite(bounds, score, false, sink) } else { Some(bounds) }
    }

    /// A learned score lies where its target does. Of its slope nothing is known before it is fitted.
    fn fused(&self, fusion: &Fusion, inputs: &[ScoreExpr]) -> Bounds {
        let reads =
            |of: ScoreInput| inputs.iter().any(|input| input.kind.input().is_some_and(|(input, _)| input == of));
        let moves = self.moves.iter().any(|(of, slope)| *slope != ZERO && reads(*of));
        let value = declared(self.pass.tasks, plain(fusion.target.0));
        Bounds { value, slope: if moves { ALL } else { ZERO } }
    }

    fn leaf(&self, leaf: &ScoreKind) -> Option<Bounds> {
        let bounds = match leaf {
            ScoreKind::Param(at) => {
                let narrow = self.pass.region.params.iter().find(|(of, _)| *of == (self.at, *at));
                let value = narrow.map_or_else(|| param(&self.rank.params[*at]), |(_, interval)| *interval);
                Bounds { value, slope: ZERO }
            }
            ScoreKind::Let(part) => self.lets[*part]?,
            ScoreKind::Rank(rank) => self.before[*rank]?,
            leaf => {
                let (of, _) = leaf.input()?;
                let narrow = self.pass.region.inputs.iter().find(|(other, _)| *other == of);
                let value = narrow.map_or_else(|| declared(self.pass.tasks, of), |(_, interval)| *interval);
                let slope = self.moves.iter().find(|(other, _)| *other == of).map_or(ZERO, |(_, slope)| *slope);
                Bounds { value, slope }
            }
        };
        Some(self.compared(leaf, bounds))
    }

    /// The bounds of something where the comparisons around the current place hold.
    fn compared(&self, of: &ScoreKind, bounds: Bounds) -> Bounds {
        let known = self.known.iter().rev().find(|(other, _)| same(other, of));
        known.map_or(bounds, |(_, value)| Bounds { value: *value, ..bounds })
    }

    fn if_else(
        &mut self,
        op: Compare,
        (left, right): (&ScoreExpr, &ScoreExpr),
        (then, otherwise): (&ScoreExpr, &ScoreExpr),
        sink: &mut Sink,
    ) -> Option<Bounds> {
        let (a, b) = (self.bounds(left, sink), self.bounds(right, sink));
        let (a, b) = (a?, b?);
        let (one, other) = ((left, a), (right, b));
        let yes = self.branch(op, one, other, then, sink);
        let no = self.branch(op.negated(), one, other, otherwise, sink);
        let (yes, no) = match (yes?, no?) {
            // Nothing comes here.
            (Branch::Never, Branch::Never) => return Some(Bounds::constant(0.0)),
            (Branch::Never, Branch::In(only)) | (Branch::In(only), Branch::Never) => return Some(only),
            (Branch::In(yes), Branch::In(no)) => (yes, no),
        };
        let (joined, rise) = (yes.join(no), a.slope.minus(b.slope));
        if rise == ZERO {
            return Some(joined);
        }
        let jump = self.jump((one, other), (then, otherwise), rise).unwrap_or_else(|| yes.value.minus(no.value));
        Some(Bounds { slope: slopes::with_jump(joined.slope, op, rise, jump), ..joined })
    }

    /// How far the branches of an `if` lie apart where its sides are equal, which is where it turns if the sides are continuous; none where
    /// that is not known.
    fn jump(
        &mut self,
        (one, other): ((&ScoreExpr, Bounds), (&ScoreExpr, Bounds)),
        (then, otherwise): (&ScoreExpr, &ScoreExpr),
        rise: Interval,
    ) -> Option<Interval> {
        if !rise.is_finite() {
            return None;
        }
        let outside = (std::mem::take(&mut self.moves), std::mem::replace(&mut self.predicted, false));
        let quiet = &mut Sink::new();
        let then = self.branch(Compare::Equal, one, other, then, quiet);
        let otherwise = self.branch(Compare::Equal, one, other, otherwise, quiet);
        (self.moves, self.predicted) = outside;
        match (then?, otherwise?) {
            (Branch::In(then), Branch::In(otherwise)) => Some(then.value.minus(otherwise.value)),
            _ => Some(ZERO),
        }
    }

    /// A branch of an `if` under the comparison that leads there.
    fn branch(
        &mut self,
        op: Compare,
        (left, a): (&ScoreExpr, Bounds),
        (right, b): (&ScoreExpr, Bounds),
        branch: &ScoreExpr,
        sink: &mut Sink,
    ) -> Option<Branch> {
        let (a, b) = (self.narrowed(left, a.value, op, b.value), self.narrowed(right, b.value, op.flipped(), a.value));
        if a.is_empty() || b.is_empty() {
            return Some(Branch::Never);
        }
        let outside = self.known.len();
        for (score, interval) in [(left, a), (right, b)] {
            if is_leaf(&score.kind) {
                self.known.push((score.kind.clone(), interval));
            }
        }
        let bounds = self.bounds(branch, sink);
        self.known.truncate(outside);
        bounds.map(Branch::In)
    }

    /// What a comparison leaves of a side. A prediction above 0 is a 32-bit number above 0, not too small to divide by.
    fn narrowed(&self, side: &ScoreExpr, value: Interval, op: Compare, other: Interval) -> Interval {
        let left = value.narrowed(op, other);
        let strict = matches!(op, Compare::Less | Compare::Greater | Compare::NotEqual);
        match self.prediction(&side.kind) {
            Some(default) if self.predicted && strict => match default.filter(|default| left.contains(*default)) {
                Some(default) => left.cut_to_singles(value).join(Interval::point(default)),
                None => left.cut_to_singles(value),
            },
            _ => left,
        }
    }

    /// The number that stands for a missing prediction, if this is a prediction, maybe under a name, or one with such a default.
    fn prediction(&self, kind: &ScoreKind) -> Option<Option<f64>> {
        match kind {
            ScoreKind::Input(ScoreInput::Prediction(_)) => Some(None),
            ScoreKind::Default(ScoreInput::Prediction(_), default) => Some(Some(constant(default)?)),
            ScoreKind::Let(part) => self.prediction(&self.rank.lets[*part].value.kind),
            _ => None,
        }
    }
}

enum Branch {
    /// Its comparison never holds.
    Never,
    /// Its value.
    In(Bounds),
}

/// Whether comparisons say something of this: a leaf, maybe with a number as its default.
fn is_leaf(kind: &ScoreKind) -> bool {
    match kind {
        ScoreKind::Param(_) | ScoreKind::Let(_) | ScoreKind::Rank(_) | ScoreKind::Input(_) => true,
        ScoreKind::Default(_, default) => constant(default).is_some(),
        _ => false,
    }
}

/// The value of a number with its sign.
fn constant(score: &ScoreExpr) -> Option<f64> {
    match &score.kind {
        ScoreKind::Number(value) => Some(*value),
        ScoreKind::Negate(operand) => constant(operand).map(|value| -value),
        _ => None,
    }
}

/// Whether two leaves are one, wherever they stand.
fn same(a: &ScoreKind, b: &ScoreKind) -> bool {
    match (a, b) {
        (ScoreKind::Default(a, x), ScoreKind::Default(b, y)) => a == b && constant(x) == constant(y),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests;
