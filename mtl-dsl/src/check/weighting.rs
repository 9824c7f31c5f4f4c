//! The `loss` block: the weighting of the tasks' losses.

use super::{Sink, options};
use crate::ast::{Argument, Expr};
use crate::diagnostic::diagnostic;
use crate::hir::{Number, Weighting};
use crate::resolve::Names;
use crate::schema::losses::{LOSS, WEIGHTINGS};
use crate::source::Span;
use crate::suggest::did_you_mean;

/// The weighting; the plain sum when none is written.
pub(super) fn check(names: &Names<'_>, sink: &mut Sink) -> Option<Weighting> {
    let Some(block) = names.loss else { return Some(Weighting::Equal) };
    let options = options::read(&LOSS, options::entries(&block.entries), block.word.span, sink)?;
    options.expr("weighting").map_or(Some(Weighting::Equal), |expr| weighting(names, expr, sink))
}

fn weighting(names: &Names<'_>, expr: &Expr, sink: &mut Sink) -> Option<Weighting> {
    let known = || WEIGHTINGS.iter().map(|(name, _)| *name);
    let Some((called, given)) = expr.as_call() else {
        let help = did_you_mean("", "weightings", known());
        let found = expr.describe();
        sink.push(
            diagnostic!(WrongArgument, expr.span, "`weighting` takes a weighting, found {found}"; help: "{help}"),
        );
        return None;
    };
    let plain = |weighting, sink: &mut Sink| match given.first() {
        None => Some(weighting),
        Some(first) => {
            sink.push(diagnostic!(ArgumentCount, first.value.span, "`{}` has no options", called.text; help: "write `{}` alone", called.text));
            None
        }
    };
    match called.text.as_str() {
        "equal" => plain(Weighting::Equal, sink),
        "uncertainty" => plain(Weighting::Uncertainty, sink),
        "fixed" => fixed(names, given, called.span, sink).map(Weighting::Fixed),
        other => {
            let help = did_you_mean(other, "weightings", known());
            sink.push(diagnostic!(UnknownWeighting, called.span, "no weighting named `{other}`"; help: "{help}"));
            None
        }
    }
}

/// `fixed(task: weight, ...)`.
fn fixed(names: &Names<'_>, given: &[Argument], at: Span, sink: &mut Sink) -> Option<Vec<Number>> {
    let errors = sink.len();
    let mut weights: Vec<Option<(Span, Number)>> = vec![None; names.tasks.len()];
    if given.is_empty() {
        sink.push(diagnostic!(
            ArgumentCount, at, "`fixed` without weights is `equal`"; help: "write `fixed(task: weight, ...)`, or `equal`"
        ));
    }
    for argument in given {
        let Some(name) = argument.name.as_ref().filter(|_| argument.given.is_none()) else {
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
    (sink.len() == errors).then(|| weights.into_iter().map(|weight| weight.map_or(one, |(_, weight)| weight)).collect())
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
