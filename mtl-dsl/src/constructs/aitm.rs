//! `aitm`: adaptive information transfer along a chain of tasks (Xi et al., KDD 2021).

use super::mlp::Layers;
use super::{Construct, Context, Reads, number, option, vector_input};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, Type, Value};
use crate::ir::{Activation, Choice, NodeId, Size, Slot};
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `aitm(x, chain: [click, buy], hidden: [64], width: 32)`.
pub static AITM: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "aitm",
    docs: "A network per task; along the chain each task attends to its own network and to what the task before it passes on.",
    positional: 0,
    parameters: &[
        Parameter::required("chain", Shape::Tasks, "The tasks in the order of their events: `[click, buy]`."),
        Parameter::optional("hidden", Shape::Widths, "Widths of the networks' layers before the last one."),
        Parameter::number("width", Range::SIZE, 32.0, "Width of the networks' last layer and of what is passed on."),
        Parameter::word(
            "activation",
            &["relu", "gelu", "tanh", "sigmoid", "leaky_relu", "swish", "none"],
            "relu",
            "Applied after every layer of the networks.",
        ),
        Parameter::number(
            "dropout",
            Range::BELOW_ONE,
            0.0,
            "Share of the networks' activations set to 0 while training.",
        ),
    ],
};

/// A vector to `each vec[width]`.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vector_input(call, sink)?;
    if chain(call).len() < 2 {
        sink.push(diagnostic!(
            WrongArgument, call.name_span, "a chain of one task passes nothing on";
            help: "name the tasks in the order of their events, `chain: [click, buy]`, or write `mlp`"
        ));
        return None;
    }
    Some(Type::EachVec(number(&call.options, "width").value as usize))
}

fn chain(call: &Call) -> Vec<usize> {
    match option(&call.options, "chain") {
        Value::Tasks(tasks) => tasks.iter().map(|task| task.0).collect(),
        _ => unreachable!("`chain` is a list of tasks in its signature"),
    }
}

/// One group of networks, then the transfers one after the other. A tower has a chain of its own, of which its tasks read theirs.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let (input, chain) = (&inputs[0], chain(call));
    let wanted = scope.line_tasks();
    let last = wanted.iter().filter_map(|task| chain.iter().position(|link| link == task)).max();
    let chain = last.map_or(&[][..], |last| &chain[..=last]);
    let others = wanted.iter().filter(|task| !chain.contains(task));
    let tasks: Vec<usize> = chain.iter().chain(others).copied().collect();

    let width = scope.count(
        "width",
        "Width of the networks' last layer and of what is passed on.",
        number(&call.options, "width"),
    );
    let members = scope.members_of(&tasks, input);
    let mut widths = match option(&call.options, "hidden") {
        Value::Numbers(hidden) => scope.widths("hidden", "Widths of the layers before the last one.", hidden),
        _ => Vec::new(),
    };
    widths.push(width.clone());
    let own = Layers::of_widths(&call.options, widths, scope).apply("own", &members, input.value, scope);
    let mut links: Vec<NodeId> = Vec::new();
    for (slot, task) in chain.iter().enumerate() {
        let name = scope.task_name(*task).to_owned();
        let bottom = scope.select(&format!("own_{name}"), own, vec![slot]);
        links.push(match links.last() {
            None => bottom,
            Some(before) => attend(*before, bottom, &width, &mut scope.inner(&name)),
        });
    }
    let parts = wanted.iter().map(|task| {
        let slot = tasks.iter().position(|other| other == task).unwrap_or_default();
        let name = format!("own_{}", scope.task_name(*task));
        links.get(slot).copied().unwrap_or_else(|| scope.select(&name, own, vec![slot]))
    });
    let parts = parts.collect();
    Stream { value: scope.stack("linked", parts), tasks: Some(wanted) }
}

/// What a task makes of its own network and of what the task before passes on: each weighs itself, `<u W1, u W2> / sqrt(width)`.
fn attend(before: NodeId, own: NodeId, width: &Size, scope: &mut Scope) -> NodeId {
    let passed = scope.linear("transfer", None, &[Member::shared(Slot::Own)], before, width.clone(), true);
    let passed = scope.activate("passed", Activation::Relu, passed);
    let both = scope.stack("both", vec![passed, own]);
    let [queries, keys, values] =
        ["query", "key", "value"].map(|part| scope.pointwise(part, None, both, width.clone(), false));
    let scores = scope.scaled_dots("scores", queries, keys);
    let scores = scope.transpose("scores", scores);
    let weights = scope.softmax("weights", scores);
    let weights = scope.watch_gate("weights", &[], weights);
    scope.mix("linked", weights, values, Choice::All)
}
