//! `subnet`: its masks are found by stages of training of their own, so a model has one, for all tasks.

use super::Sink;
use crate::diagnostic::diagnostic;
use crate::hir::{Call, Expr, ExprKind, Model, Value, Weighting};
use crate::source::Span;

/// Reports a second one, one in a tower, and a loss that its steps cannot train.
pub(super) fn check(model: &Model, sink: &mut Sink) {
    let mut found: Option<Span> = None;
    for binding in &model.lets {
        for call in calls(&binding.value) {
            if let Some(first) = found {
                sink.push(diagnostic!(
                    MisplacedExpression, call.name_span, "a second `subnet`"; label(first): "the first is here";
                    help: "training looks for the masks of one network: write one `subnet` with all layers"
                ));
                continue;
            }
            found = Some(call.name_span);
            if matches!(model.weighting, Weighting::Method(_)) && in_turns(call) {
                sink.push(diagnostic!(
                    ConflictingOptions, call.name_span, "tasks take steps in turn, and the weighting balances those of one step";
                    help: "write `masks: magnitude(turns: together)`, or leave `weighting` out"
                ));
            }
            if let Some(distill) = model.distill.as_ref().filter(|distill| !distill.pairs.is_empty() && in_turns(call))
            {
                sink.push(diagnostic!(
                    ConflictingOptions, call.name_span, "tasks take steps in turn, and `distill` is about two tasks";
                    label(distill.span): "this one"; help: "write `masks: magnitude(turns: together)`, or leave `distill` out"
                ));
            }
            if let Some(term) = model.terms.first().filter(|_| in_turns(call)) {
                sink.push(diagnostic!(
                    ConflictingOptions, call.name_span, "tasks take steps in turn, and a term of the loss is about two tasks";
                    label(term.span()): "this one"; help: "write `masks: magnitude(turns: together)`, or leave the term out"
                ));
            }
        }
    }
    for term in model.towers.iter().flat_map(|tower| &tower.terms) {
        for call in calls(&term.value) {
            sink.push(diagnostic!(
                MisplacedExpression, call.name_span, "a `subnet` is shared by all tasks, and a tower belongs to its own";
                help: "write it in a line of its own: `let h = subnet(...);`"
            ));
        }
    }
}

/// Whether tasks take steps of their own.
fn in_turns(call: &Call) -> bool {
    let masks = call.options.iter().find(|(name, _)| *name == "masks");
    let Some((_, Value::Choice(_, options))) = masks else { return false };
    !options.iter().any(|(name, value)| *name == "turns" && matches!(value, Value::Word("together")))
}

/// The calls of `subnet` in an expression.
pub(super) fn calls(expr: &Expr) -> Vec<&Call> {
    let mut found: Vec<&Call> = expr.parts().iter().flat_map(calls).collect();
    if let ExprKind::Call(call) = &expr.kind
        && call.construct == "subnet"
    {
        found.push(call);
    }
    found
}
