//! `best`: what picks the best epoch.

use super::Sink;
use crate::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::diagnostic::diagnostic;
use crate::hir::{Metric, MetricKind, Number, Task, TaskId, TaskKind};
use crate::resolve::Names;
use crate::schema::train::METRICS;
use crate::source::Span;
use crate::suggest::did_you_mean;

/// Metrics with their factors.
pub(super) type Sum = Vec<(Number, Metric)>;

/// The mean of the metric that fits the tasks, where nothing is written.
pub(super) fn usual(tasks: &[Option<Task>], at: Span) -> Sum {
    let any = |of: fn(&TaskKind) -> bool| tasks.iter().flatten().any(|task| of(&task.kind));
    let kind = if any(|kind| matches!(kind, TaskKind::Binary { .. })) {
        MetricKind::Auc
    } else if any(|kind| matches!(kind, TaskKind::Pairwise | TaskKind::Listwise { .. })) {
        MetricKind::Gauc
    } else if any(|kind| matches!(kind, TaskKind::Multiclass { .. }))
        && !any(|kind| matches!(kind, TaskKind::Regression { .. } | TaskKind::Ordinal { .. }))
    {
        MetricKind::Accuracy
    } else {
        MetricKind::Rmse
    };
    vec![(Number { value: 1.0, span: at }, Metric { kind, task: None })]
}

/// A sum of metrics, and whether the best epoch of each task is kept too: `auc(click)`, `auc(click) + 0.5 * auc(like)`, `each`,
/// `each(auc(click))`.
pub(super) fn check(
    names: &Names<'_>,
    tasks: &[Option<Task>],
    expr: &Expr,
    grouped: bool,
    sink: &mut Sink,
) -> Option<(Sum, bool)> {
    if let Some((called, given)) = expr.as_call().filter(|(called, _)| called.text == "each") {
        return match given {
            [] => Some((usual(tasks, expr.span), true)),
            [only] if only.name.is_none() => Some((sum(names, tasks, &only.value, grouped, sink)?, true)),
            [first, ..] => {
                sink.push(diagnostic!(
                    ArgumentCount, first.value.span, "`{}` takes what picks the epoch of the common model", called.text;
                    help: "write `each`, or `each(auc(task))`"
                ));
                None
            }
        };
    }
    Some((sum(names, tasks, expr, grouped, sink)?, false))
}

/// The terms of a sum. All of them must rise, or all fall, as a model gets better.
fn sum(names: &Names<'_>, tasks: &[Option<Task>], expr: &Expr, grouped: bool, sink: &mut Sink) -> Option<Sum> {
    let mut written = Vec::new();
    summands(expr, 1.0, &mut written);
    let mut terms = Vec::new();
    for (sign, expr) in written {
        let (factor, of) = factor(expr, sink)?;
        let number = Number { value: sign * factor, span: expr.span };
        terms.push((number, metric(names, tasks, of, grouped, sink)?));
    }
    let rises = |(factor, metric): &(Number, Metric)| metric.kind.ascending() == (factor.value > 0.0);
    let first = terms.first().map(rises);
    if let Some((factor, _)) = terms.iter().find(|term| Some(rises(term)) != first) {
        sink.push(diagnostic!(
            ConflictingOptions, factor.span, "one of two summands falls as a model gets better, and the other rises";
            help: "subtract what falls as a model gets better: `auc(click) - 0.1 * logloss(like)`"
        ));
        return None;
    }
    Some(terms)
}

fn summands<'e>(expr: &'e Expr, sign: f64, terms: &mut Vec<(f64, &'e Expr)>) {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::Add, left, right) => {
            summands(left, sign, terms);
            summands(right, sign, terms);
        }
        ExprKind::Binary(BinaryOp::Subtract, left, right) => {
            summands(left, sign, terms);
            summands(right, -sign, terms);
        }
        ExprKind::Unary(UnaryOp::Negate, operand) if operand.as_number().is_none() => summands(operand, -sign, terms),
        _ => terms.push((sign, expr)),
    }
}

/// `0.5 * auc(click)`, or a metric alone.
fn factor<'e>(expr: &'e Expr, sink: &mut Sink) -> Option<(f64, &'e Expr)> {
    let ExprKind::Binary(BinaryOp::Multiply, left, right) = &expr.kind else { return Some((1.0, expr)) };
    let (value, of, at) = match (left.as_number(), right.as_number()) {
        (Some(value), None) => (value, right, left.span),
        (None, Some(value)) => (value, left, right.span),
        _ => {
            sink.push(diagnostic!(
                WrongArgument, expr.span, "a summand of `best` is a number times a metric"; help: "write `0.7 * auc(click)`"
            ));
            return None;
        }
    };
    if value == 0.0 || !value.is_finite() {
        sink.push(diagnostic!(
            OutOfRange, at, "a metric times {value} decides nothing"; help: "leave the metric out"
        ));
        return None;
    }
    Some((value, of))
}

/// `auc` or `auc(click)`.
fn metric(names: &Names<'_>, tasks: &[Option<Task>], expr: &Expr, grouped: bool, sink: &mut Sink) -> Option<Metric> {
    let known = || METRICS.iter().map(|(name, _)| *name);
    let Some((called, given)) = expr.as_call() else {
        let help = did_you_mean("", "metrics", known());
        sink.push(
            diagnostic!(WrongArgument, expr.span, "`best` takes a metric, found {}", expr.describe(); help: "{help}"),
        );
        return None;
    };
    let kind = match called.text.as_str() {
        "auc" => MetricKind::Auc,
        "gauc" => MetricKind::Gauc,
        "logloss" => MetricKind::Logloss,
        "rmse" => MetricKind::Rmse,
        "accuracy" => MetricKind::Accuracy,
        "loss" => MetricKind::Loss,
        other => {
            let help = did_you_mean(other, "metrics", known());
            sink.push(diagnostic!(UnknownMetric, called.span, "no metric named `{other}`"; help: "{help}"));
            return None;
        }
    };
    if kind == MetricKind::Gauc && !grouped {
        sink.push(diagnostic!(
            MissingGroup, called.span, "`gauc` needs `group_by`"; help: "name the column that groups rows: `group_by: user_id`"
        ));
        return None;
    }
    let task = match given {
        [] => None,
        [only] if only.name.is_none() && kind != MetricKind::Loss => Some(task(names, &only.value, sink)?),
        [first, ..] => {
            let help = if kind == MetricKind::Loss {
                "`loss` is of the whole model"
            } else {
                "name one task, or none for the mean"
            };
            sink.push(diagnostic!(ArgumentCount, first.value.span, "`{}` is of one task or of all", called.text; help: "{help}"));
            return None;
        }
    };
    let fits = |task: &Task| match kind {
        MetricKind::Loss => true,
        MetricKind::Rmse => matches!(task.kind, TaskKind::Regression { .. } | TaskKind::Ordinal { .. }),
        MetricKind::Gauc => {
            matches!(task.kind, TaskKind::Binary { .. } | TaskKind::Pairwise | TaskKind::Listwise { .. })
        }
        MetricKind::Accuracy => matches!(task.kind, TaskKind::Multiclass { .. }),
        MetricKind::Logloss => matches!(task.kind, TaskKind::Binary { .. } | TaskKind::Multiclass { .. }),
        _ => matches!(task.kind, TaskKind::Binary { .. }),
    };
    let needs = match kind {
        MetricKind::Rmse => "`regression`",
        MetricKind::Gauc => "`binary` and `pairwise`",
        MetricKind::Accuracy => "`multiclass`",
        MetricKind::Logloss => "`binary` and `multiclass`",
        _ => "`binary`",
    };
    let known = tasks.iter().all(Option::is_some);
    match task {
        Some(TaskId(at)) if !tasks[at].as_ref().is_none_or(fits) => {
            let name = &names.tasks[at].name;
            sink.push(diagnostic!(
                MetricMismatch, expr.span, "`{}` is a metric of {needs} tasks, and `{}` is none", called.text, name.text;
                label(name.span): "declared here"
            ));
            None
        }
        None if known && !tasks.is_empty() && !tasks.iter().flatten().any(fits) => {
            sink.push(diagnostic!(
                MetricMismatch, expr.span, "`{}` is a metric of {needs} tasks, and this model has none", called.text;
                help: "choose another metric, such as `loss`"
            ));
            None
        }
        task => Some(Metric { kind, task }),
    }
}

fn task(names: &Names<'_>, expr: &Expr, sink: &mut Sink) -> Option<TaskId> {
    let Some((name, [])) = expr.as_call() else {
        sink.push(diagnostic!(WrongArgument, expr.span, "a metric is of a task, found {}", expr.describe()));
        return None;
    };
    let found = names.task(&name.text);
    if found.is_none() {
        let help = did_you_mean(&name.text, "tasks", names.task_names());
        sink.push(diagnostic!(UnknownTask, name.span, "no task named `{}`", name.text; help: "{help}"));
    }
    found.map(TaskId)
}
