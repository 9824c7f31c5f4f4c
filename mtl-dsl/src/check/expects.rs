//! Expectations: assertions about ranks, evaluated with the defaults of their parameters; of learned ranks, once they are fitted.

use super::Sink;
use super::evaluate::{self, holds};
use super::inputs::{self, Inputs};
use super::interval::{Interval, short};
use super::intervals::{self, Pass, Region};
use super::reads;
use crate::ast::{self, BinaryOp, Call, Expr, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{Compare, Expect, ExpectSide, Rank, ScoreInput};
use crate::resolve::Declared;
use crate::source::Span;
use crate::suggest::did_you_mean;

/// The expectations; none when one is wrong.
pub(super) fn check(inputs: Inputs<'_>, ranks: &[Option<Rank>], sink: &mut Sink) -> Option<Vec<Expect>> {
    let scope = Scope { inputs, ranks };
    let expects: Vec<_> = inputs.names.expects.iter().map(|expect| scope.expect(expect, sink)).collect();
    expects.into_iter().collect()
}

/// What expectations are about.
struct Scope<'a> {
    inputs: Inputs<'a>,
    ranks: &'a [Option<Rank>],
}

impl Scope<'_> {
    fn expect(&self, expect: &ast::Expect, sink: &mut Sink) -> Option<Expect> {
        let span = expect.comparison.span;
        let ExprKind::Binary(BinaryOp::Compare(op), left, right) = &expect.comparison.kind else {
            sink.push(diagnostic!(
                MisplacedExpression, span, "an expectation is a comparison, found {}", expect.comparison.describe();
                help: "write `expect score(click: 0.5) > score(click: 0.4);`"
            ));
            return None;
        };
        let (left, right) = (self.side(left, sink), self.side(right, sink));
        let (left, right) = (left?, right?);
        if let (ExpectSide::Number(_), ExpectSide::Number(_)) = (&left, &right) {
            sink.push(diagnostic!(MisplacedExpression, span, "an expectation is about a rank, and this has none"));
            return None;
        }
        let known = [&left, &right].into_iter().all(|side| match side {
            ExpectSide::Number(_) => true,
            ExpectSide::Rank { rank, .. } => reads::learned(self.ranks, *rank).is_empty(),
        });
        if !known {
            self.can_hold(&left, *op, &right, span, sink)?;
            return Some(Expect { left, op: *op, right, text: expect.text.clone(), span });
        }
        let (a, b) = (self.value(&left)?, self.value(&right)?);
        if !holds(*op, a, b) {
            sink.push(diagnostic!(
                FalseExpect, span, "this expectation is false: {} {} {}", short(a), op.symbol(), short(b);
                help: "change the rank, the defaults of its parameters, or the expectation"
            ));
            return None;
        }
        Some(Expect { left, op: *op, right, text: expect.text.clone(), span })
    }

    /// Reports a comparison of learned scores that fails whatever is fitted.
    fn can_hold(&self, left: &ExpectSide, op: Compare, right: &ExpectSide, span: Span, sink: &mut Sink) -> Option<()> {
        if same(left, right) && !holds(op, 0.0, 0.0) {
            sink.push(diagnostic!(
                FalseExpect, span, "this expectation is false: both sides are the same score"; help: "change one of them"
            ));
            return None;
        }
        let (a, b) = (self.interval(left)?, self.interval(right)?);
        if a.narrowed(op, b).is_empty() {
            sink.push(diagnostic!(
                FalseExpect, span, "this expectation is false whatever is learned: the left side lies in {a}, the right side in {b}";
                help: "change the rank, the defaults of its parameters, or the expectation"
            ));
            return None;
        }
        Some(())
    }

    /// Where a side lies whatever is learned.
    fn interval(&self, side: &ExpectSide) -> Option<Interval> {
        let (rank, at) = match side {
            ExpectSide::Number(value) => return Some(Interval::point(*value)),
            ExpectSide::Rank { rank, at } => (*rank, at),
        };
        let order = reads::closure(self.ranks, rank)?;
        let params = order.iter().flat_map(|at| {
            let count = self.ranks[*at].as_ref().map_or(0, |rank| rank.params.len());
            (0..count).map(|param| ((*at, param), Interval::point(evaluate::default(self.ranks, *at, param))))
        });
        let region = Region {
            inputs: at.iter().map(|(of, value)| (*of, Interval::point(*value))).collect(),
            present: at.iter().map(|(of, _)| *of).collect(),
            params: params.collect(),
        };
        let pass = Pass { tasks: self.inputs.tasks, ranks: self.ranks, region: &region, moves: &[] };
        pass.accepted(&order).map(|bounds| bounds.value)
    }

    fn side(&self, expr: &Expr, sink: &mut Sink) -> Option<ExpectSide> {
        if let Some(value) = expr.as_number() {
            return Some(ExpectSide::Number(value));
        }
        let ExprKind::Call(call) = &expr.kind else {
            sink.push(diagnostic!(
                MisplacedExpression, expr.span, "an expectation compares ranks and numbers, found {}", expr.describe();
                help: "write a rank at predictions, as in `score(click: 0.5)`"
            ));
            return None;
        };
        let Some((Declared::Rank(rank), _)) = self.inputs.names.find(&call.name.text) else {
            let known = self.inputs.names.ranks.iter().map(|rank| rank.name.text.as_str());
            let help = did_you_mean(&call.name.text, "ranks", known);
            sink.push(diagnostic!(UnknownRank, call.name.span, "no rank named `{}`", call.name.text; help: "{help}"));
            return None;
        };
        self.predictions(rank, call, sink).map(|at| ExpectSide::Rank { rank, at })
    }

    /// The predictions a rank is evaluated at: exactly those that it reads.
    fn predictions(&self, rank: usize, call: &Call, sink: &mut Sink) -> Option<Vec<(ScoreInput, f64)>> {
        let errors = sink.len();
        self.ranks[rank].as_ref()?;
        let read = reads::inputs(self.ranks, rank);
        let mut at: Vec<(ScoreInput, f64)> = Vec::new();
        for argument in &call.arguments {
            let Some((prediction, value)) = self.argument(argument, sink) else { continue };
            let name = inputs::place(argument);
            if at.iter().any(|(other, _)| *other == prediction) {
                sink.push(diagnostic!(DuplicateOption, name, "`{}` is given twice", self.inputs.label(prediction)));
            } else if !read.contains(&prediction) {
                sink.push(diagnostic!(
                    ExpectArguments, name, "`{}` does not read `{}`", call.name.text, self.inputs.label(prediction); help: "leave it out"
                ));
            }
            at.push((prediction, value));
        }
        let quiet = &mut Sink::new();
        let named: Vec<_> =
            call.arguments.iter().filter_map(|argument| self.inputs.argument(argument, quiet)).collect();
        for missing in read.iter().filter(|input| !named.contains(input)) {
            sink.push(diagnostic!(
                ExpectArguments, call.name.span, "`{}` also reads `{}`", call.name.text, self.inputs.label(*missing);
                help: "give it a value: `{}: {}`", self.inputs.label(*missing), example(*missing)
            ));
        }
        if sink.len() > errors {
            return None;
        }
        for ((of, value), argument) in at.iter().zip(&call.arguments) {
            let above = self.inputs.before(*of).find_map(|of| at.iter().find(|(other, _)| *other == of));
            if let Some((whole, most)) = above.filter(|(_, most)| value > most) {
                let (part, whole) = (self.inputs.label(*of), self.inputs.label(*whole));
                sink.push(diagnostic!(
                    OutOfRange, argument.value.span, "`{part}` is {}, and `{whole}`, without which it does not happen, {}", short(*value), short(*most);
                    help: "a chained task is at most as probable as the task that it is given"
                ));
                return None;
            }
        }
        Some(at)
    }

    fn argument(&self, argument: &ast::Argument, sink: &mut Sink) -> Option<(ScoreInput, f64)> {
        let input = self.inputs.argument(argument, sink)?;
        let Some(value) = argument.value.as_number() else {
            let found = argument.value.describe();
            sink.push(diagnostic!(WrongArgument, argument.value.span, "a prediction is a number, found {found}"));
            return None;
        };
        let possible = intervals::declared(self.inputs.tasks, input);
        if !possible.contains(value) {
            let text = self.inputs.label(input);
            sink.push(diagnostic!(
                OutOfRange,
                argument.value.span,
                "`{text}` lies in {possible}, and {} is no part of that",
                short(value)
            ));
            return None;
        }
        Some((input, value))
    }

    fn value(&self, side: &ExpectSide) -> Option<f64> {
        match side {
            ExpectSide::Number(value) => Some(*value),
            ExpectSide::Rank { rank, at } => {
                let prediction = |of| at.iter().find(|(other, _)| *other == of).map_or(f64::NAN, |(_, value)| *value);
                evaluate::rank(
                    self.ranks,
                    *rank,
                    &|rank, param| evaluate::default(self.ranks, rank, param),
                    &prediction,
                )
            }
        }
    }
}

/// Whether two sides are one rank at the same predictions.
fn same(left: &ExpectSide, right: &ExpectSide) -> bool {
    match (left, right) {
        (ExpectSide::Rank { rank: a, at: x }, ExpectSide::Rank { rank: b, at: y }) => {
            a == b && x.iter().all(|of| y.contains(of))
        }
        _ => false,
    }
}

/// A value to begin with.
fn example(input: ScoreInput) -> &'static str {
    match input {
        ScoreInput::Prediction(_) | ScoreInput::Calibrated(_) => "0.5",
        ScoreInput::Position(_) | ScoreInput::Number(_) => "1",
    }
}
