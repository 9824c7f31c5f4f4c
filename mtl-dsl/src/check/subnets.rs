//! `subnet`: its masks are found by stages of training of their own, so a model has one, for all tasks.

use super::Sink;
use crate::constructs::Options;
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
                    help: "{}", remedy(call, "`weighting`")
                ));
            }
            if let Some(distill) = model.distill.as_ref().filter(|distill| !distill.pairs.is_empty() && in_turns(call))
            {
                sink.push(diagnostic!(
                    ConflictingOptions, call.name_span, "tasks take steps in turn, and `distill` is about two tasks";
                    label(distill.span): "this one"; help: "{}", remedy(call, "`distill`")
                ));
            }
            if let Some(term) = model.terms.first().filter(|_| in_turns(call)) {
                sink.push(diagnostic!(
                    ConflictingOptions, call.name_span, "tasks take steps in turn, and a term of the loss is about two tasks";
                    label(term.span()): "this one"; help: "{}", remedy(call, "the term")
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
    let Some((_, options)) = masks(call) else { return false };
    !options.iter().any(|(name, value)| *name == "turns" && matches!(value, Value::Word("together")))
}

/// How masks are found, and the options of that.
fn masks(call: &Call) -> Option<(&'static str, &Options)> {
    match call.options.iter().find(|(name, _)| *name == "masks")? {
        (_, Value::Choice(search, options)) => Some((search, options)),
        _ => None,
    }
}

/// How one step for all tasks is written, beside leaving out what needs it.
fn remedy(call: &Call, needs: &str) -> String {
    match masks(call).map(|(search, _)| search) {
        Some(search @ ("magnitude" | "lottery")) => {
            format!("write `masks: {search}(turns: together)`, or leave {needs} out")
        }
        _ => format!(
            "`contrastive` has no other way: write `masks: magnitude(turns: together)` in its place, or leave {needs} out"
        ),
    }
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
