//! Expectations: assertions about ranks, evaluated with the defaults of their parameters.

use super::evaluate::{self, holds};
use super::interval::short;
use super::reads::{self, Prediction};
use super::{Sink, ranks, trends};
use crate::ast::{self, BinaryOp, Call, Expr, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{Expect, ExpectSide, Rank, Task, TaskId, TaskKind};
use crate::resolve::{Declared, Names};
use crate::source::Span;
use crate::suggest::did_you_mean;

/// The expectations; none when one is wrong.
pub(super) fn check(
    names: &Names<'_>,
    tasks: &[Option<Task>],
    ranks: &[Option<Rank>],
    sink: &mut Sink,
) -> Option<Vec<Expect>> {
    let scope = Scope { names, tasks, ranks };
    let expects: Vec<_> = names.expects.iter().map(|expect| scope.expect(expect, sink)).collect();
    expects.into_iter().collect()
}

/// What expectations are about.
pub(super) struct Scope<'a> {
    pub names: &'a Names<'a>,
    pub tasks: &'a [Option<Task>],
    pub ranks: &'a [Option<Rank>],
}

/// The prediction that an argument is about, and where it is named.
pub(super) struct Argued {
    pub prediction: Prediction,
    pub name: Span,
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
        let Some((Declared::Rank(rank), _)) = self.names.find(&call.name.text) else {
            let known = self.names.ranks.iter().map(|rank| rank.name.text.as_str());
            let help = did_you_mean(&call.name.text, "ranks", known);
            sink.push(diagnostic!(UnknownRank, call.name.span, "no rank named `{}`", call.name.text; help: "{help}"));
            return None;
        };
        self.predictions(rank, call, sink).map(|at| ExpectSide::Rank { rank, at })
    }

    /// The predictions a rank is evaluated at: exactly those that it reads.
    fn predictions(&self, rank: usize, call: &Call, sink: &mut Sink) -> Option<Vec<(Prediction, f64)>> {
        let errors = sink.len();
        self.ranks[rank].as_ref()?;
        let read = reads::predictions(self.ranks, rank);
        let mut at: Vec<(Prediction, f64)> = Vec::new();
        for argument in &call.arguments {
            let Some((prediction, value)) = self.argument(argument, sink) else { continue };
            let name = argument.name.as_ref().map_or(argument.value.span, |name| name.span);
            if at.iter().any(|(other, _)| *other == prediction) {
                sink.push(diagnostic!(
                    DuplicateOption,
                    name,
                    "`{}` is given twice",
                    trends::label(self.names, prediction)
                ));
            } else if !read.contains(&prediction) {
                sink.push(diagnostic!(
                    ExpectArguments, name, "`{}` does not read `{}`", call.name.text, trends::label(self.names, prediction); help: "leave it out"
                ));
            }
            at.push((prediction, value));
        }
        for missing in read
            .iter()
            .filter(|prediction| !call.arguments.iter().any(|argument| self.names_it(argument, **prediction)))
        {
            sink.push(diagnostic!(
                ExpectArguments, call.name.span, "`{}` also reads `{}`", call.name.text, trends::label(self.names, *missing);
                help: "give it a value: `{}: 0.5`", trends::label(self.names, *missing)
            ));
        }
        (sink.len() == errors).then_some(at)
    }

    /// The prediction of an argument.
    pub fn prediction(&self, argument: &ast::Argument, sink: &mut Sink) -> Option<Argued> {
        let Some(name) = &argument.name else {
            sink.push(diagnostic!(
                ExpectArguments, argument.value.span, "a prediction has a name"; help: "write `task: value`"
            ));
            return None;
        };
        let prediction = match &argument.given {
            Some(given) => (ranks::conditional(self.names, self.tasks, name, given, sink)?, true),
            None => match self.names.task(&name.text) {
                Some(task) => (TaskId(task), false),
                None => {
                    let help = did_you_mean(&name.text, "tasks", self.names.task_names());
                    sink.push(diagnostic!(UnknownTask, name.span, "no task named `{}`", name.text; help: "{help}"));
                    return None;
                }
            },
        };
        Some(Argued { prediction, name: name.span })
    }

    fn argument(&self, argument: &ast::Argument, sink: &mut Sink) -> Option<(Prediction, f64)> {
        let prediction = self.prediction(argument, sink)?.prediction;
        let Some(value) = argument.value.as_number() else {
            let found = argument.value.describe();
            sink.push(diagnostic!(WrongArgument, argument.value.span, "a prediction is a number, found {found}"));
            return None;
        };
        let binary = matches!(self.tasks[prediction.0.0].as_ref()?.kind, TaskKind::Binary { .. });
        if binary && !(0.0..=1.0).contains(&value) {
            sink.push(diagnostic!(
                OutOfRange,
                argument.value.span,
                "`{}` is a probability: {value} is not from 0 to 1",
                trends::label(self.names, prediction)
            ));
            return None;
        }
        Some((prediction, value))
    }

    /// Whether an argument names this prediction.
    fn names_it(&self, argument: &ast::Argument, (task, conditional): Prediction) -> bool {
        let named = argument.name.as_ref().and_then(|name| self.names.task(&name.text));
        named == Some(task.0) && argument.given.is_some() == conditional
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
