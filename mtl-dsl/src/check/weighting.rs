//! The `loss` block: the weighting of the tasks' losses.

use super::{Sink, options};
use crate::ast::{Expr, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{self, Method, MethodOption, Model, TaskId, View, Weighting};
use crate::resolve::Names;
use crate::schema::losses::LOSS;
use crate::schema::weightings::{self, METHODS, Needs};
use crate::schema::{Shape, Signature};
use crate::source::Span;
use crate::suggest::did_you_mean;

mod of_tasks;

use of_tasks::{each_task, fixed};

/// The weighting; the plain sum when none is written.
pub(super) fn check(names: &Names<'_>, sink: &mut Sink) -> Option<Weighting> {
    let Some(block) = names.loss else { return Some(Weighting::Equal) };
    let options = options::read(&LOSS, options::entries(&block.entries), block.word.span, sink)?;
    let weighting = options.expr("weighting").map_or(Some(Weighting::Equal), |expr| weighting(names, expr, sink))?;
    match weighting {
        Weighting::Method(method) => around(*method, names, &options, block.word.span, sink),
        other => {
            let unused = ["normalize", "at", "scale_towers", "warm_up", "floor", "cap"];
            let written = unused.iter().find_map(|name| Some((name, options.written(name)?)));
            if let Some((name, span)) = written {
                sink.push(diagnostic!(
                    ConflictingOptions, span, "`{name}` has no effect on this weighting";
                    help: "leave it out, or choose a weighting that is asked in each step, such as `dwa`"
                ));
                return None;
            }
            Some(other)
        }
    }
}

/// Methods whose weights have no fixed relation to those of a sum or a mean; and so have those that look at parameters alone.
const OWN_SCALE: [&str; 6] = ["gls", "log_loss", "stch", "imtl_l", "nash", "fairgrad"];

/// What stands around a method, and whether it can be.
fn around(
    method: Method,
    names: &Names<'_>,
    options: &options::Options<'_>,
    at: Span,
    sink: &mut Sink,
) -> Option<Weighting> {
    let known = METHODS.iter().find(|known| known.signature.name == method.name)?;
    let span = options.expr("weighting").map_or(at, |expr| expr.span);
    let errors = sink.len();
    if known.needs != Needs::Losses && names.tasks.len() == 1 {
        sink.push(diagnostic!(
            ConflictingOptions, span, "`{}` balances the gradients of several tasks, and there is one", method.name;
            help: "leave `weighting` out"
        ));
    }
    for name in ["at", "scale_towers"] {
        if let (Needs::Losses, Some(span)) = (known.needs, options.written(name)) {
            sink.push(diagnostic!(
                ConflictingOptions, span, "`{name}` has no effect on `{}`, which looks at losses alone", method.name;
                help: "leave it out"
            ));
        }
    }
    if let (Needs::Parameters, "representation", Some(span)) = (known.needs, options.word("at"), options.written("at"))
    {
        sink.push(diagnostic!(
            ConflictingOptions, span, "`{}` remembers gradients value by value, and a representation is that of other rows in each step", method.name;
            help: "write `at: parameters`, or leave it out"
        ));
    }
    if let (Needs::Representation, "parameters", Some(span)) = (known.needs, options.word("at"), options.written("at"))
    {
        sink.push(diagnostic!(
            ConflictingOptions, span, "`{}` drops values of what towers read", method.name; help: "leave `at` out"
        ));
    }
    let at_parameters = known.needs == Needs::Parameters || options.word("at") == "parameters";
    // One drops values, the other scales tensors.
    let without_weights = known.needs == Needs::Representation || (method.name == "metabalance" && at_parameters);
    for name in ["normalize", "floor", "cap"] {
        let Some(span) = options.written(name) else { continue };
        if without_weights {
            let name_of = method.name;
            sink.push(diagnostic!(
                ConflictingOptions, span, "`{name}` is about weights of tasks, and here `{name_of}` has none"; help: "leave it out"
            ));
        } else if name == "normalize" && (known.needs == Needs::Parameters || OWN_SCALE.contains(&method.name)) {
            sink.push(diagnostic!(
                ConflictingOptions, span, "`{}` has a scale of its own, which is neither that of a sum nor that of a mean", method.name;
                help: "leave `normalize` out, and choose learning rates for this weighting"
            ));
        }
    }
    let mut each = |name: &str| match options.expr(name) {
        None => Some(None),
        Some(expr) => each_task(names, name, expr, None, sink).map(Some),
    };
    let (floors, caps) = (each("floor"), each("cap"));
    if let (Some(Some(caps)), Some(span)) = (&caps, options.written("cap"))
        && caps.iter().all(|cap| *cap == 0.0)
    {
        sink.push(diagnostic!(
            OutOfRange, span, "every weight is capped at 0: nothing would be trained"; help: "raise `cap`, or leave it out"
        ));
    }
    if let (Some(Some(floors)), Some(Some(caps)), Some(span)) = (&floors, &caps, options.written("floor"))
        && floors.iter().zip(caps).any(|(floor, cap)| floor > cap)
    {
        sink.push(
            diagnostic!(ConflictingOptions, span, "a floor is above its cap"; help: "lower the floor or raise the cap"),
        );
    }
    if sink.len() > errors {
        return None;
    }
    Some(Weighting::Method(Box::new(Method {
        at_parameters,
        scale_towers: options.word("scale_towers") == "true",
        normalize: Some(options.word("normalize")).filter(|word| !word.is_empty()),
        warm_up: options.maybe_number("warm_up").map_or(0, |epochs| epochs.value as usize),
        floors: floors?,
        caps: caps?,
        ..method
    })))
}

/// Reports a tower whose representation does not belong to one task each, where gradients are compared there.
pub(super) fn check_towers(model: &Model, sink: &mut Sink) {
    let Weighting::Method(method) = &model.weighting else { return };
    let known = METHODS.iter().find(|known| known.signature.name == method.name);
    if method.at_parameters || known.is_none_or(|known| known.needs == Needs::Losses) {
        return;
    }
    let values = known.is_some_and(|known| known.needs == Needs::Representation);
    if values {
        let terms = model.towers.iter().flat_map(|tower| &tower.terms);
        for stream in terms.filter_map(|term| reads_stream(&term.value)) {
            sink.push(diagnostic!(
                ConflictingOptions, stream, "`{}` drops values of one vector that all tasks read, and of this each reads a stream of its own", method.name;
                help: "let all towers read one vector, such as that of `mlp` or `moe`, or choose another weighting, such as `pcgrad`"
            ));
        }
    }
    for tower in model.towers.iter().filter(|tower| tower.tasks.len() > 1) {
        if let Some(block) = tower.terms.iter().find_map(|term| joins_slots(&term.value)) {
            let help = match values {
                true => {
                    "let all towers read one vector, such as a `let` of `mlp` or `moe`, or choose another weighting, such as `pcgrad`"
                }
                false => "write it in a `let` that the towers read, or `at: parameters` in `loss`",
            };
            sink.push(diagnostic!(
                ConflictingOptions, block, "gradients are compared at what towers read, and this is not a vector of each task";
                help: "{help}"
            ));
        }
    }
}

/// Reports a loss that can be negative under a weighting that cannot have it.
pub(super) fn check_losses(model: &Model, names: &Names<'_>, sink: &mut Sink) {
    let name = match &model.weighting {
        Weighting::Equal | Weighting::Fixed(_) => return,
        // The weight of a loss below 0 has no optimum.
        Weighting::Uncertainty => "uncertainty",
        Weighting::Method(method) => {
            let known = METHODS.iter().find(|known| known.signature.name == method.name);
            // `mgda` divides by losses where it is told to.
            let divides = |(_, option): &(_, MethodOption)| {
                matches!(option, MethodOption::Word("loss" | "both")) && method.name == "mgda"
            };
            if !known.is_some_and(|known| known.positive) && !method.options.iter().any(divides) {
                return;
            }
            method.name
        }
    };
    let entries = names.loss.map_or(&[][..], |block| &block.entries);
    let Some(entry) = entries.iter().find(|entry| entry.name.text == "weighting") else { return };
    for task in model.tasks.iter().filter(|task| task.kind.loss_can_be_negative()) {
        sink.push(diagnostic!(
            ConflictingOptions, entry.value.span, "`{name}` needs losses above 0, and that of `{}` can be below", task.name.text;
            label(task.name.span): "declared here";
            help: "choose another weighting, such as `equal` or `fixed`, or another loss of the task"
        ));
    }
}

/// Where an expression reads something else than vectors, or computes more than layers of them.
fn joins_slots(expr: &hir::Expr) -> Option<Span> {
    let plain = match &expr.kind {
        hir::ExprKind::Input(_, view) => matches!(view, View::Flat | View::Own | View::Wide),
        hir::ExprKind::Call(call) => matches!(call.construct, "mlp" | "wide" | "stop"),
        _ => true,
    };
    if plain { expr.parts().iter().find_map(joins_slots) } else { Some(expr.span) }
}

/// Where an expression reads a vector of each task from outside.
fn reads_stream(expr: &hir::Expr) -> Option<Span> {
    let outside = matches!(&expr.kind, hir::ExprKind::Input(..) | hir::ExprKind::Let(_));
    match outside && matches!(expr.ty, hir::Type::EachVec(_)) {
        true => Some(expr.span),
        false => expr.parts().iter().find_map(reads_stream),
    }
}

fn weighting(names: &Names<'_>, expr: &Expr, sink: &mut Sink) -> Option<Weighting> {
    let Some((called, given)) = expr.as_call() else {
        let help = did_you_mean("", "weightings", weightings::names());
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
            let Some(method) = METHODS.iter().find(|method| method.signature.name == other) else {
                let help = did_you_mean(other, "weightings", weightings::names());
                sink.push(diagnostic!(UnknownWeighting, called.span, "no weighting named `{other}`"; help: "{help}"));
                return None;
            };
            let options = options::read(&method.signature, options::arguments(given, sink), called.span, sink)?;
            self::method(names, &method.signature, &options, sink)
        }
    }
}

/// A method with its options.
fn method(
    names: &Names<'_>,
    signature: &'static Signature,
    given: &options::Options<'_>,
    sink: &mut Sink,
) -> Option<Weighting> {
    let mut options = Vec::new();
    for parameter in signature.parameters {
        let name = parameter.name;
        let value = match parameter.shape {
            Shape::Word(_) => MethodOption::Word(given.word(name)),
            Shape::Tasks => MethodOption::Task(the_task(names, given.expr(name)?, sink)?),
            Shape::Weighting => MethodOption::Each(match given.expr(name) {
                None => vec![0.0; names.tasks.len()],
                Some(expr) => {
                    let floors = each_task(names, name, expr, Some(0.0), sink)?;
                    let sum: f64 = floors.iter().sum();
                    if sum >= 1.0 {
                        sink.push(diagnostic!(
                            OutOfRange, expr.span, "the least weights sum to {sum}, and all weights to 1"; help: "lower them"
                        ));
                        return None;
                    }
                    floors
                }
            }),
            _ => MethodOption::Number(given.maybe_number(name).map(|number| number.value)),
        };
        options.push((name, value));
    }
    Some(Weighting::Method(Box::new(Method {
        name: signature.name,
        options,
        at_parameters: false,
        scale_towers: false,
        normalize: None,
        warm_up: 0,
        floors: None,
        caps: None,
    })))
}

/// `target: buy`.
fn the_task(names: &Names<'_>, expr: &Expr, sink: &mut Sink) -> Option<TaskId> {
    let ExprKind::Name(name) = &expr.kind else {
        let one = match &expr.kind {
            ExprKind::List(items) => items.iter().find_map(Expr::as_call).map(|(called, _)| called.text),
            _ => None,
        };
        let one = one.as_deref().or_else(|| names.task_names().next()).unwrap_or("click");
        sink.push(diagnostic!(
            WrongArgument, expr.span, "`target` takes a task, found {}", expr.describe(); help: "write `target: {one}`"
        ));
        return None;
    };
    let found = names.task(name);
    if found.is_none() {
        let help = did_you_mean(name, "tasks", names.task_names());
        sink.push(diagnostic!(UnknownTask, expr.span, "no task named `{name}`"; help: "{help}"));
    }
    found.map(TaskId)
}
