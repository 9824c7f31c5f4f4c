//! Ranks: scores over what is known of a row, and parameters.

use super::inputs::{Inputs, OF_TASKS};
use super::{Sink, intervals, trends};
use crate::ast::{self, BinaryOp, Call, Expr, ExprKind, Name, UnaryOp};
use crate::diagnostic::diagnostic;
use crate::hir::{Compare, Rank, ScoreExpr, ScoreFn, ScoreInput, ScoreKind, ScoreLet, ScoreOp};
use crate::resolve::{Declared, Names};
use crate::schema::functions::{FUNCTIONS, FUSE, Function};
use crate::source::Span;
use crate::suggest::did_you_mean;

mod fuse;
mod params;
mod unused;

/// The ranks in order; none where one is wrong.
pub(super) fn check(inputs: Inputs<'_>, sink: &mut Sink) -> Vec<Option<Rank>> {
    let mut ranks = Vec::new();
    for (at, rank) in inputs.names.ranks.iter().enumerate() {
        let scope = Scope { names: inputs.names, inputs, rank, at, before: &ranks };
        let checked = scope.rank(sink);
        ranks.push(checked);
    }
    intervals::check(inputs.tasks, &mut ranks, sink);
    trends::check(inputs, &ranks, sink);
    ranks
}

/// What a score can be made of.
struct Scope<'a> {
    names: &'a Names<'a>,
    inputs: Inputs<'a>,
    rank: &'a ast::Rank,
    /// The place of this rank.
    at: usize,
    /// The ranks before it.
    before: &'a [Option<Rank>],
}

impl Scope<'_> {
    fn rank(&self, sink: &mut Sink) -> Option<Rank> {
        let rank = self.rank;
        if let ExprKind::Call(call) = &rank.score.kind
            && call.name.text == FUSE.name
        {
            return self.fused(call, sink);
        }
        let params: Vec<_> = rank.params.iter().map(|param| params::check(self.names, param, sink)).collect();
        let local: Vec<&Name> = self.locals().collect();
        for (at, name) in local.iter().enumerate() {
            if let Some(first) = local[..at].iter().find(|other| other.text == name.text) {
                sink.push(diagnostic!(
                    DuplicateName, name.span, "`{}` is declared twice", name.text; label(first.span): "first declared here"
                ));
            }
        }
        let mut lets = Vec::new();
        for (at, part) in rank.lets.iter().enumerate() {
            params::check_name(self.names, &part.name, "the `let`", sink);
            let value = self.expr(&part.value, at, sink);
            lets.push(value.map(|value| ScoreLet { name: part.name.clone(), docs: part.docs.clone(), value }));
        }
        let score = self.expr(&rank.score, lets.len(), sink);
        let params = params.into_iter().collect::<Option<Vec<_>>>()?;
        let lets = lets.into_iter().collect::<Option<Vec<_>>>()?;
        let (name, docs) = (rank.name.clone(), rank.docs.clone());
        Some(unused::left_out(Rank { name, docs, params, lets, score: score?, fusion: None }, sink))
    }

    /// The names of the rank's parameters and parts.
    fn locals(&self) -> impl Iterator<Item = &Name> {
        let params = self.rank.params.iter().map(|param| &param.name);
        params.chain(self.rank.lets.iter().map(|part| &part.name))
    }

    /// A score in which the first `lets` parts can be read.
    fn expr(&self, expr: &Expr, lets: usize, sink: &mut Sink) -> Option<ScoreExpr> {
        let kind = match &expr.kind {
            ExprKind::Number(value) => ScoreKind::Number(*value),
            ExprKind::Name(name) => self.name(name, lets, expr.span, sink)?,
            ExprKind::Conditional(task, given) => ScoreKind::Input(self.inputs.conditional(task, given, sink)?),
            ExprKind::Unary(UnaryOp::Negate, operand) => ScoreKind::Negate(Box::new(self.expr(operand, lets, sink)?)),
            ExprKind::Binary(BinaryOp::Default, input, default) => {
                let (input, default) = (self.defaulted(input, lets, sink), self.expr(default, lets, sink));
                ScoreKind::Default(input?, Box::new(default?))
            }
            ExprKind::Binary(op, left, right) => {
                let Some(op) = arithmetic(*op) else { return misplaced(expr, sink) };
                let (left, right) = (self.expr(left, lets, sink), self.expr(right, lets, sink));
                ScoreKind::Binary(op, Box::new(left?), Box::new(right?))
            }
            ExprKind::If { condition, then, otherwise } => {
                let condition = self.condition(condition, lets, sink);
                let (then, otherwise) = (self.expr(then, lets, sink), self.expr(otherwise, lets, sink));
                let (op, left, right) = condition?;
                let (left, right) = (Box::new(left), Box::new(right));
                ScoreKind::If { op, left, right, then: Box::new(then?), otherwise: Box::new(otherwise?) }
            }
            ExprKind::Call(call) => self.call(call, lets, sink)?,
            _ => return misplaced(expr, sink),
        };
        Some(ScoreExpr { kind, span: expr.span })
    }

    fn name(&self, name: &str, lets: usize, span: Span, sink: &mut Sink) -> Option<ScoreKind> {
        if let Some(param) = self.rank.params.iter().position(|param| param.name.text == name) {
            return Some(ScoreKind::Param(param));
        }
        if let Some(part) = self.rank.lets.iter().position(|part| part.name.text == name) {
            if part >= lets {
                return self.too_early(name, self.rank.lets[part].name.span, span, sink);
            }
            return Some(ScoreKind::Let(part));
        }
        if let Some(input) = self.inputs.named(name, span, sink) {
            return input.map(ScoreKind::Input);
        }
        match self.names.find(name) {
            Some((Declared::Rank(rank), at)) if rank >= self.at => self.too_early(name, at, span, sink),
            Some((Declared::Rank(rank), _)) => self.before[rank].as_ref().map(|_| ScoreKind::Rank(rank)),
            other => {
                let what = other.map_or_else(String::new, |(of, _)| format!(": `{name}` is {}", of.noun()));
                let local = self.locals().map(|name| name.text.as_str());
                let before = self.names.ranks[..self.at].iter().map(|rank| rank.name.text.as_str());
                let numbers = self.inputs.numbers.iter().map(|number| number.name.text.as_str());
                let known = self.names.task_names().chain(local).chain(before).chain(numbers);
                let help = did_you_mean(name, "tasks, parameters, ranks and numbers", known);
                sink.push(
                    diagnostic!(UnknownName, span, "no task, parameter or rank named `{name}`{what}"; help: "{help}"),
                );
                None
            }
        }
    }

    /// What stands before `??`.
    fn defaulted(&self, expr: &Expr, lets: usize, sink: &mut Sink) -> Option<ScoreInput> {
        match self.expr(expr, lets, sink)?.kind {
            ScoreKind::Input(input) => Some(input),
            _ => {
                sink.push(diagnostic!(
                    MisplacedExpression, expr.span, "only what is read of a row can be missing, and this is {}", expr.describe();
                    help: "`??` binds tighter than any operator, and stands behind a task or a number: `2 * click ?? 0.02`"
                ));
                None
            }
        }
    }

    fn too_early<T>(&self, name: &str, declared: Span, span: Span, sink: &mut Sink) -> Option<T> {
        if self.names.ranks[self.at].name.text == name {
            sink.push(diagnostic!(
                UseBeforeDeclaration, span, "`{name}` reads itself"; help: "a score reads what is declared before it"
            ));
            return None;
        }
        sink.push(diagnostic!(
            UseBeforeDeclaration, span, "`{name}` is declared later";
            label(declared): "declared here"; help: "a score reads what is declared before it: move the declaration up"
        ));
        None
    }

    fn condition(&self, expr: &Expr, lets: usize, sink: &mut Sink) -> Option<(Compare, ScoreExpr, ScoreExpr)> {
        let ExprKind::Binary(BinaryOp::Compare(op), left, right) = &expr.kind else {
            sink.push(diagnostic!(
                MisplacedExpression, expr.span, "the condition of an `if` is a comparison, found {}", expr.describe();
                help: "write `if click > 0.5 {{ a }} else {{ b }}`; conditions are joined by an `if` within an `if`"
            ));
            return None;
        };
        let compares = |side: &Expr| matches!(side.kind, ExprKind::Binary(BinaryOp::Compare(_), ..));
        if compares(left) || compares(right) {
            sink.push(diagnostic!(
                MisplacedExpression, expr.span, "an `if` has one comparison, and this is two of them";
                help: "write an `if` within an `if`: `if a > b {{ if b > c {{ x }} else {{ y }} }} else {{ y }}`"
            ));
            return None;
        }
        let (left, right) = (self.expr(left, lets, sink), self.expr(right, lets, sink));
        Some((*op, left?, right?))
    }

    fn call(&self, call: &Call, lets: usize, sink: &mut Sink) -> Option<ScoreKind> {
        let name = &call.name;
        if OF_TASKS.contains(&name.text.as_str()) {
            return self.inputs.call(call, sink).map(ScoreKind::Input);
        }
        if name.text == FUSE.name {
            sink.push(diagnostic!(
                MisplacedExpression, name.span, "`fuse` is the whole score of a rank, and no part of one";
                help: "declare `rank learned = fuse(...);` before this rank, and read `learned` here"
            ));
            return None;
        }
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == name.text) else {
            let known = FUNCTIONS.iter().map(|function| function.name).chain(OF_TASKS).chain([FUSE.name]);
            let help = did_you_mean(&name.text, "functions", known);
            sink.push(diagnostic!(UnknownFunction, name.span, "no function named `{}`", name.text; help: "{help}"));
            return None;
        };
        let mut arguments = Vec::new();
        let mut named: Vec<[Option<&str>; 3]> = Vec::new();
        for argument in &call.arguments {
            if function.weights {
                if let Some(name) = &argument.name {
                    let of = [argument.function.as_ref(), Some(name), argument.given.as_ref()];
                    let of = of.map(|name| name.map(|name| name.text.as_str()));
                    if named.contains(&of) {
                        sink.push(diagnostic!(DuplicateOption, name.span, "`{}` is given twice", name.text));
                    }
                    named.push(of);
                }
                arguments.push(self.term(function, argument, lets, sink));
                continue;
            }
            if let Some(named) = &argument.name {
                sink.push(diagnostic!(
                    UnknownOption, named.span, "`{}` has no option `{}`", name.text, named.text; help: "write `{}`", function.form
                ));
                arguments.push(None);
                continue;
            }
            arguments.push(self.expr(&argument.value, lets, sink));
        }
        if !(function.least..=function.most).contains(&arguments.len()) {
            let least = function.least;
            let takes = match least == 1 {
                true if function.weights => format!("one to {} weights", function.most),
                true => "one value".to_owned(),
                false if function.most > least => format!("{least} values or more"),
                false => format!("{least} values"),
            };
            sink.push(diagnostic!(
                ArgumentCount, name.span, "`{}` takes {takes}, found {}", name.text, arguments.len(); help: "write `{}`", function.form
            ));
            return None;
        }
        Some(ScoreKind::Call(function.function, arguments.into_iter().collect::<Option<_>>()?))
    }

    /// A term of `sum(task: weight)`, or a power of `product(task: exponent)`.
    fn term(&self, function: &Function, argument: &ast::Argument, lets: usize, sink: &mut Sink) -> Option<ScoreExpr> {
        let weight = self.expr(&argument.value, lets, sink);
        let Some(name) = &argument.name else {
            sink.push(diagnostic!(
                WrongArgument, argument.value.span, "`{}` takes a weight for each task, found {}", function.name, argument.value.describe();
                help: "write `{}`", function.form
            ));
            return None;
        };
        let end = argument.given.as_ref().unwrap_or(name).span;
        let (kind, span) = match (&argument.function, &argument.given) {
            (Some(function), given) => {
                let input = self.inputs.called(function, name, given.as_ref(), sink)?;
                (ScoreKind::Input(input), function.span.to(end))
            }
            (None, Some(given)) => (ScoreKind::Input(self.inputs.conditional(name, given, sink)?), name.span.to(end)),
            (None, None) => (self.name(&name.text, lets, name.span, sink)?, name.span),
        };
        let (of, weight) = (Box::new(ScoreExpr { kind, span }), Box::new(weight?));
        let kind = match function.function {
            ScoreFn::Product => ScoreKind::Binary(ScoreOp::Power, of, weight),
            _ => ScoreKind::Binary(ScoreOp::Multiply, weight, of),
        };
        Some(ScoreExpr { kind, span: span.to(argument.value.span) })
    }
}

fn arithmetic(op: BinaryOp) -> Option<ScoreOp> {
    Some(match op {
        BinaryOp::Add => ScoreOp::Add,
        BinaryOp::Subtract => ScoreOp::Subtract,
        BinaryOp::Multiply => ScoreOp::Multiply,
        BinaryOp::Divide => ScoreOp::Divide,
        BinaryOp::Power => ScoreOp::Power,
        _ => return None,
    })
}

fn misplaced(expr: &Expr, sink: &mut Sink) -> Option<ScoreExpr> {
    let problem = diagnostic!(MisplacedExpression, expr.span, "{} is no score", expr.describe());
    sink.push(match &expr.kind {
        ExprKind::Binary(BinaryOp::Compare(_), ..) => {
            problem.help("a comparison stands in an `if`: `if a > b { 1 } else { 0 }`")
        }
        _ => {
            problem.help("a score is made of tasks, parameters, ranks, numbers, `+ - * / ^`, `??`, `if` and functions")
        }
    });
    None
}
