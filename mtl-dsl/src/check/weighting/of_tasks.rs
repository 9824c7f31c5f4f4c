//! Numbers of a weighting that each task has for itself.

use crate::ast::{Argument, Expr};
use crate::check::{Sink, options};
use crate::diagnostic::diagnostic;
use crate::hir::Number;
use crate::resolve::Names;
use crate::schema::Range;
use crate::source::Span;
use crate::suggest::did_you_mean;

/// A number for each task: one for all, or `each(click: 0.1, like: 0.2)`, where `rest` stands for a task that is not named.
pub(super) fn each_task(
    names: &Names<'_>,
    what: &str,
    expr: &Expr,
    rest: Option<f64>,
    sink: &mut Sink,
) -> Option<Vec<f64>> {
    if expr.as_number().is_some() {
        let number = options::number(&format!("`{what}`"), Range::NOT_NEGATIVE, expr, sink)?;
        return Some(vec![number.value; names.tasks.len()]);
    }
    let Some((_, given)) = expr.as_call().filter(|(called, _)| called.text == "each") else {
        sink.push(diagnostic!(
            WrongArgument, expr.span, "`{what}` takes a number for each task, found {}", expr.describe();
            help: "write `each(task: 0.1, ...)`"
        ));
        return None;
    };
    if given.is_empty() {
        sink.push(diagnostic!(
            ArgumentCount, expr.span, "`each` of no task has no effect"; help: "write `each(task: 0.1, ...)`, or leave `{what}` out"
        ));
        return None;
    }
    let mut values: Vec<Option<f64>> =
        vec![rest.or(Some(if what == "cap" { f64::MAX } else { 0.0 })); names.tasks.len()];
    let mut seen: Vec<(usize, Span)> = Vec::new();
    let errors = sink.len();
    for argument in given {
        let Some(name) = argument.name.as_ref().filter(|_| argument.given.is_none() && argument.function.is_none())
        else {
            sink.push(diagnostic!(
                ArgumentCount, argument.value.span, "this number belongs to no task"; help: "write `each(task: 0.1, ...)`"
            ));
            continue;
        };
        let Some(task) = names.task(&name.text) else {
            let help = did_you_mean(&name.text, "tasks", names.task_names());
            sink.push(diagnostic!(UnknownTask, name.span, "no task named `{}`", name.text; help: "{help}"));
            continue;
        };
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == task) {
            sink.push(diagnostic!(
                DuplicateOption, name.span, "`{}` stands here twice", name.text; label(*first): "first written here"
            ));
            continue;
        }
        seen.push((task, name.span));
        values[task] = options::number(&format!("`{what}`"), Range::NOT_NEGATIVE, &argument.value, sink)
            .map(|number| number.value);
    }
    (sink.len() == errors).then(|| values.into_iter().map(|value| value.unwrap_or(0.0)).collect())
}

/// `fixed(task: weight, ...)`.
pub(super) fn fixed(names: &Names<'_>, given: &[Argument], at: Span, sink: &mut Sink) -> Option<Vec<Number>> {
    let errors = sink.len();
    let mut weights: Vec<Option<(Span, Number)>> = vec![None; names.tasks.len()];
    if given.is_empty() {
        sink.push(diagnostic!(
            ArgumentCount, at, "`fixed` without weights is `equal`"; help: "write `fixed(task: weight, ...)`, or `equal`"
        ));
    }
    for argument in given {
        let Some(name) = argument.name.as_ref().filter(|_| argument.given.is_none() && argument.function.is_none())
        else {
            sink.push(diagnostic!(
                ArgumentCount, argument.value.span, "a weight belongs to a task"; help: "write `fixed(task: weight, ...)`"
            ));
            continue;
        };
        let Some(task) = names.task(&name.text) else {
            let help = did_you_mean(&name.text, "tasks", names.task_names());
            sink.push(diagnostic!(UnknownTask, name.span, "no task named `{}`", name.text; help: "{help}"));
            continue;
        };
        if let Some((first, _)) = weights[task] {
            sink.push(diagnostic!(
                DuplicateOption, name.span, "`{}` is weighted twice", name.text; label(first): "first weighted here"
            ));
            continue;
        }
        weights[task] = weight(&argument.value, sink).map(|weight| (name.span, weight));
    }
    let one = Number { value: 1.0, span: at };
    let weights: Vec<Number> = weights.into_iter().map(|weight| weight.map_or(one, |(_, weight)| weight)).collect();
    if sink.len() == errors && !weights.is_empty() && weights.iter().all(|weight| weight.value == 0.0) {
        sink.push(diagnostic!(
            OutOfRange, at, "every task has the weight 0: nothing would be trained"; help: "raise one; a task that is not named has 1"
        ));
    }
    (sink.len() == errors).then_some(weights)
}

fn weight(expr: &Expr, sink: &mut Sink) -> Option<Number> {
    let Some(value) = expr.as_number() else {
        sink.push(diagnostic!(WrongArgument, expr.span, "a weight is a number, found {}", expr.describe()));
        return None;
    };
    if value < 0.0 {
        sink.push(diagnostic!(
            NegativeWeight, expr.span, "a weight is not negative, found {value}";
            help: "training would make this task worse; 0 leaves it out of training"
        ));
        return None;
    }
    Some(Number { value, span: expr.span })
}
