//! Ranks: scores over predictions and parameters.

use super::intervals;
use super::{Sink, options};
use crate::ast::{self, BinaryOp, Call, Expr, ExprKind, Name, UnaryOp};
use crate::diagnostic::diagnostic;
use crate::hir::{Compare, Param, Rank, ScoreExpr, ScoreKind, ScoreOp, Task, TaskId};
use crate::resolve::{Declared, Names, check_style};
use crate::schema::Range;
use crate::schema::functions::FUNCTIONS;
use crate::source::Span;
use crate::suggest::did_you_mean;

/// Any number.
const REAL: Range =
    Range { whole: false, low: f64::MIN, low_included: true, high: f64::MAX, high_included: true, words: "a number" };

/// The ranks in order; none where one is wrong.
pub(super) fn check(names: &Names<'_>, tasks: &[Option<Task>], sink: &mut Sink) -> Vec<Option<Rank>> {
    names.ranks.iter().map(|rank| check_rank(names, tasks, rank, sink)).collect()
}

fn check_rank(names: &Names<'_>, tasks: &[Option<Task>], rank: &ast::Rank, sink: &mut Sink) -> Option<Rank> {
    let params: Vec<_> = rank.params.iter().map(|param| check_param(names, param, sink)).collect();
    for (at, param) in rank.params.iter().enumerate() {
        if let Some(first) = rank.params[..at].iter().find(|other| other.name.text == param.name.text) {
            sink.push(diagnostic!(
                DuplicateName, param.name.span, "`{}` is declared twice", param.name.text;
                label(first.name.span): "first declared here"
            ));
        }
    }
    let scope = Scope { names, tasks, params: &rank.params };
    let score = scope.expr(&rank.score, sink);
    let params: Vec<Param> = params.into_iter().collect::<Option<_>>()?;
    let score = score?;
    for (at, param) in params.iter().enumerate() {
        if !reads(&score, &ScoreKind::Param(at)) {
            sink.push(diagnostic!(
                UnusedParam, param.name.span, "`{}` does not read `{}`", rank.name.text, param.name.text;
                help: "use it in the score, or remove it"
            ));
        }
    }
    intervals::check(tasks, &params, &score, sink);
    Some(Rank { name: rank.name.clone(), docs: rank.docs.clone(), params, score })
}

fn check_param(names: &Names<'_>, param: &ast::Param, sink: &mut Sink) -> Option<Param> {
    check_style(&param.name, sink);
    if let Some((declared, at)) = names.find(&param.name.text) {
        sink.push(diagnostic!(
            DuplicateName, param.name.span, "`{}` is declared twice", param.name.text;
            label(at): "first declared here, as {}", declared.noun(); help: "give the parameter a name of its own"
        ));
    }
    let default = options::number("a default", REAL, &param.default, sink);
    let ExprKind::Binary(BinaryOp::Range, low, high) = &param.interval.kind else {
        sink.push(diagnostic!(
            WrongArgument, param.interval.span, "a parameter lies in an interval, found {}", param.interval.describe();
            help: "write `in 0.0..1.0`"
        ));
        return None;
    };
    let (low, high) = (options::number("an end", REAL, low, sink), options::number("an end", REAL, high, sink));
    let (default, low, high) = (default?, low?, high?);
    if low.value > high.value {
        sink.push(diagnostic!(
            ParamInterval, param.interval.span, "this interval is empty: {} is above {}", low.value, high.value;
            help: "write the least value first"
        ));
        return None;
    }
    if default.value < low.value || default.value > high.value {
        sink.push(diagnostic!(
            ParamInterval, default.span, "the default {} is outside {}..{}", default.value, low.value, high.value;
            label(param.interval.span): "the interval"
        ));
        return None;
    }
    Some(Param { name: param.name.clone(), docs: param.docs.clone(), default, low, high })
}

/// Whether a score holds this node.
pub(super) fn reads(score: &ScoreExpr, kind: &ScoreKind) -> bool {
    let mut found = false;
    visit(score, &mut |node| found |= node.kind == *kind);
    found
}

/// Calls `on` with every node of a score, parents first.
pub(super) fn visit(score: &ScoreExpr, on: &mut impl FnMut(&ScoreExpr)) {
    on(score);
    match &score.kind {
        ScoreKind::Number(_) | ScoreKind::Task(_) | ScoreKind::Conditional(_) | ScoreKind::Param(_) => {}
        ScoreKind::Negate(operand) => visit(operand, on),
        ScoreKind::Binary(_, left, right) => {
            visit(left, on);
            visit(right, on);
        }
        ScoreKind::If { left, right, then, otherwise, .. } => {
            for part in [left, right, then, otherwise] {
                visit(part, on);
            }
        }
        ScoreKind::Call(_, arguments) => arguments.iter().for_each(|argument| visit(argument, on)),
    }
}

/// The task of `a | b`, where `a` is given `b`.
pub(super) fn conditional(
    names: &Names<'_>,
    tasks: &[Option<Task>],
    task: &Name,
    given: &Name,
    sink: &mut Sink,
) -> Option<TaskId> {
    let find = |name: &Name, sink: &mut Sink| {
        let found = names.task(&name.text);
        if found.is_none() {
            let help = did_you_mean(&name.text, "tasks", names.task_names());
            sink.push(diagnostic!(UnknownTask, name.span, "no task named `{}`", name.text; help: "{help}"));
        }
        found
    };
    let (at, other) = (find(task, sink), find(given, sink));
    let (at, other) = (at?, other?);
    let chained = tasks[at].as_ref()?.given;
    if chained == Some(TaskId(other)) {
        return Some(TaskId(at));
    }
    let problem = diagnostic!(
        NotConditional, task.span.to(given.span), "`{}` is not given `{}`", task.text, given.text;
        label(names.tasks[at].name.span): "declared here"
    );
    sink.push(match chained {
        Some(TaskId(parent)) => problem.help(format!("write `{} | {}`", task.text, names.tasks[parent].name.text)),
        None => {
            problem.help(format!("declare `task {}: ... given {};`, or write `{}`", task.text, given.text, task.text))
        }
    });
    None
}

/// What a score can be made of.
struct Scope<'a> {
    names: &'a Names<'a>,
    tasks: &'a [Option<Task>],
    params: &'a [ast::Param],
}

impl Scope<'_> {
    fn expr(&self, expr: &Expr, sink: &mut Sink) -> Option<ScoreExpr> {
        let kind = match &expr.kind {
            ExprKind::Number(value) => ScoreKind::Number(*value),
            ExprKind::Name(name) => self.name(name, expr.span, sink)?,
            ExprKind::Conditional(task, given) => {
                ScoreKind::Conditional(conditional(self.names, self.tasks, task, given, sink)?)
            }
            ExprKind::Unary(UnaryOp::Negate, operand) => ScoreKind::Negate(Box::new(self.expr(operand, sink)?)),
            ExprKind::Binary(op, left, right) => {
                let Some(op) = arithmetic(*op) else { return misplaced(expr, sink) };
                let (left, right) = (self.expr(left, sink), self.expr(right, sink));
                ScoreKind::Binary(op, Box::new(left?), Box::new(right?))
            }
            ExprKind::If { condition, then, otherwise } => {
                let condition = self.condition(condition, sink);
                let (then, otherwise) = (self.expr(then, sink), self.expr(otherwise, sink));
                let (op, left, right) = condition?;
                let (left, right) = (Box::new(left), Box::new(right));
                ScoreKind::If { op, left, right, then: Box::new(then?), otherwise: Box::new(otherwise?) }
            }
            ExprKind::Call(call) => self.call(call, sink)?,
            _ => return misplaced(expr, sink),
        };
        Some(ScoreExpr { kind, span: expr.span })
    }

    fn name(&self, name: &str, span: Span, sink: &mut Sink) -> Option<ScoreKind> {
        if let Some(param) = self.params.iter().position(|param| param.name.text == name) {
            return Some(ScoreKind::Param(param));
        }
        match self.names.find(name) {
            Some((Declared::Task(task), _)) => Some(ScoreKind::Task(TaskId(task))),
            other => {
                let what = other.map_or_else(String::new, |(of, _)| format!(": `{name}` is {}", of.noun()));
                let params = self.params.iter().map(|param| param.name.text.as_str());
                let help = did_you_mean(name, "tasks and parameters", self.names.task_names().chain(params));
                sink.push(diagnostic!(UnknownName, span, "no task or parameter named `{name}`{what}"; help: "{help}"));
                None
            }
        }
    }

    fn condition(&self, expr: &Expr, sink: &mut Sink) -> Option<(Compare, ScoreExpr, ScoreExpr)> {
        let ExprKind::Binary(BinaryOp::Compare(op), left, right) = &expr.kind else {
            sink.push(diagnostic!(
                MisplacedExpression, expr.span, "the condition of an `if` is a comparison, found {}", expr.describe();
                help: "write `if click > 0.5 {{ a }} else {{ b }}`; conditions are joined by an `if` within an `if`"
            ));
            return None;
        };
        let (left, right) = (self.expr(left, sink), self.expr(right, sink));
        Some((*op, left?, right?))
    }

    fn call(&self, call: &Call, sink: &mut Sink) -> Option<ScoreKind> {
        let name = &call.name;
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == name.text) else {
            let help = did_you_mean(&name.text, "functions", FUNCTIONS.iter().map(|function| function.name));
            sink.push(diagnostic!(UnknownFunction, name.span, "no function named `{}`", name.text; help: "{help}"));
            return None;
        };
        let mut arguments = Vec::new();
        for argument in &call.arguments {
            if let Some(named) = &argument.name {
                sink.push(diagnostic!(
                    UnknownOption, named.span, "`{}` has no option `{}`", name.text, named.text; help: "write `{}`", function.form
                ));
                arguments.push(None);
                continue;
            }
            arguments.push(self.expr(&argument.value, sink));
        }
        if !(function.least..=function.most).contains(&arguments.len()) {
            let least = function.least;
            let takes = match least == 1 {
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
        _ => problem.help("a score is made of tasks, parameters, numbers, `+ - * / ^`, `if` and functions"),
    });
    None
}
