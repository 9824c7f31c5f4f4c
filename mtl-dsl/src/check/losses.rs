//! The losses of a task: its kind, and the summands of a loss that is a sum.

use super::Sink;
use super::options::{Options, Summand as Written};
use crate::ast;
use crate::diagnostic::diagnostic;
use crate::hir::{BinaryLoss, Name, RegressionLoss, Summand, TaskKind};

/// What a task's loss says of it.
pub(super) struct Losses {
    /// Its kind.
    pub kind: TaskKind,
    /// The summands, where there are several.
    pub summands: Vec<Summand>,
    /// The column whose values group its rows.
    pub group: Option<Name>,
}

/// The loss of a task of this kind; none where its options are at odds.
pub(super) fn check(kind: &str, options: &Options<'_>, task: &ast::Task, sink: &mut Sink) -> Option<Losses> {
    let alone = |kind| Some(Losses { kind, summands: Vec::new(), group: None });
    match kind {
        "count" => return alone(TaskKind::Regression { log1p: false, loss: RegressionLoss::Poisson }),
        "ordinal" => return alone(TaskKind::Ordinal { levels: options.number("levels") }),
        "multiclass" => {
            let (classes, smoothing) = (options.number("classes"), options.number("smoothing"));
            return alone(TaskKind::Multiclass { classes, smoothing });
        }
        _ => {}
    }
    let written = options.summands("loss");
    let summand = |of: &Written<'_>| Summand { name: of.name, weight: of.weight, kind: loss(kind, options, of) };
    let summands: Vec<Summand> = written.iter().map(summand).collect();
    let errors = sink.len();
    if let [first, .., last] = written
        && written.iter().all(|of| of.weight.value == 0.0)
    {
        sink.push(diagnostic!(
            OutOfRange, first.weight.span.to(last.weight.span), "every factor of this loss is 0: nothing is left to train `{}`", task.name.text;
            help: "give a loss a factor above 0, or leave the task out"
        ));
    }
    match kind {
        "binary" => binary(options, written, task, sink),
        "regression" => regression(options, written, sink),
        _ => {}
    }
    if sink.len() > errors {
        return None;
    }
    let own = summands.iter().position(|of| !matches!(of.kind, TaskKind::Pairwise | TaskKind::Listwise { .. }));
    let kind = summands[own.unwrap_or(0)].kind.clone();
    let grouped = !matches!(kind, TaskKind::Regression { .. });
    let group = if grouped { options.column("group").zip(options.written("group")) } else { None };
    let group = group.map(|(text, span)| Name { text, span });
    Some(Losses { kind, summands: if written.len() > 1 { summands } else { Vec::new() }, group })
}

/// One loss as the kind of task that has it.
fn loss(kind: &str, options: &Options<'_>, of: &Written<'_>) -> TaskKind {
    let number = |name| of.options.number(name);
    let binary = |loss| TaskKind::Binary { loss };
    let regression = |loss| TaskKind::Regression { log1p: options.word("transform") == "log1p", loss };
    match (kind, of.name) {
        (_, "bpr") => TaskKind::Pairwise,
        (_, "list_net") => TaskKind::Listwise { temperature: number("temperature") },
        ("binary", "focal") => binary(BinaryLoss::Focal { gamma: number("gamma"), alpha: number("alpha") }),
        ("binary", "jrc") => binary(BinaryLoss::Jrc { alpha: number("alpha") }),
        ("binary", _) => {
            let smoothing = of.options.written("smoothing").map(|_| number("smoothing"));
            binary(BinaryLoss::Bce { pos_weight: options.number("pos_weight"), smoothing })
        }
        (_, "huber") => regression(RegressionLoss::Huber { delta: number("delta") }),
        (_, "log_cosh") => regression(RegressionLoss::LogCosh),
        (_, "quantile") => regression(RegressionLoss::Quantile { q: number("q") }),
        (_, "tweedie") => regression(RegressionLoss::Tweedie { power: number("power") }),
        (_, "weighted_logistic") => regression(RegressionLoss::WeightedLogistic),
        (_, "ziln") => regression(RegressionLoss::Ziln),
        _ => regression(RegressionLoss::Mse),
    }
}

/// What is wrong with the losses of a probability.
fn binary(options: &Options<'_>, written: &[Written<'_>], task: &ast::Task, sink: &mut Sink) {
    let has = |name: &str| written.iter().any(|of| of.name == name);
    if let (false, Some(span)) = (has("bce"), options.written("pos_weight")) {
        let (what, instead) = match written.iter().any(|of| of.name == "focal") {
            true => ("`focal`, whose `alpha` weighs positive rows", "leave it out, and write `alpha`"),
            false => ("a loss without `bce`", "leave it out, or add `bce` to the loss"),
        };
        sink.push(diagnostic!(ConflictingOptions, span, "`pos_weight` has no effect on {what}"; help: "{instead}"));
    }
    let compares = |of: &&Written<'_>| matches!(of.name, "jrc" | "bpr" | "list_net");
    let Some(first) = written.iter().find(compares) else {
        if let Some(span) = options.written("group") {
            sink.push(diagnostic!(
                ConflictingOptions, span, "`group` has no effect: no loss of `{}` compares rows", task.name.text;
                help: "leave it out, or add such a loss: `loss: bce + 0.3 * bpr`"
            ));
        }
        return;
    };
    if !["bce", "focal", "jrc"].into_iter().any(has) {
        sink.push(diagnostic!(
            LossMismatch, first.span, "`{}` orders rows, and alone says nothing of a probability", first.name;
            help: "write `bce + 0.3 * {}`, or a `pairwise` task for an order alone", first.name
        ));
    }
    if options.written("group").is_none() {
        sink.push(diagnostic!(
            MissingOption, first.span, "`{}` compares the rows of a group, and `{}` has none", first.name, task.name.text;
            help: "name the column of a request, a session or a user: `group: session_id`"
        ));
    }
    if let Some(given) = &task.given {
        sink.push(diagnostic!(
            ConflictingOptions, first.span, "`{}` compares logits, and `{}` is a product of probabilities", first.name, task.name.text;
            label(given.span): "`{}` is given `{}` here", task.name.text, given.text;
            help: "write `bce` or `focal`, or a task of its own for the order"
        ));
    }
}

/// What is wrong with the losses of a number.
fn regression(options: &Options<'_>, written: &[Written<'_>], sink: &mut Sink) {
    let log1p = options.word("transform") == "log1p";
    let amount = |name: &str| matches!(name, "tweedie" | "weighted_logistic" | "ziln");
    for of in written.iter().filter(|of| amount(of.name)) {
        if let (true, Some(span)) = (log1p, options.written("transform")) {
            sink.push(diagnostic!(
                ConflictingOptions, span, "`{}` is of amounts, and sees to their logarithm itself", of.name;
                help: "leave `transform` out"
            ));
        }
    }
    let says = |name: &str| match name {
        "quantile" => "a quantile",
        "tweedie" => "the logarithm of a mean",
        "weighted_logistic" => "the logarithm of odds",
        "ziln" => "three numbers of a distribution",
        _ => "the middle of a number",
    };
    if let [first, rest @ ..] = written
        && let Some(other) = rest.iter().find(|of| says(of.name) != says(first.name))
    {
        sink.push(diagnostic!(
            LossMismatch, other.span, "`{}` and `{}` are no losses of one output: the tower says {} for one, {} for the other",
            first.name, other.name, says(first.name), says(other.name);
            label(first.span): "the other one";
            help: "`mse`, `huber` and `log_cosh` go together; for another meaning declare a second task with the same label"
        ));
    }
}
