//! `dbmtl`: what tasks know of each other along a graph of tasks (Wang et al., "Deep Bayesian Multi-Target Learning for Recommender
//! Systems", 2019).

use super::mlp::Layers;
use super::{Construct, Context, Reads, option, vector_input};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, Number, TaskId, Type, Value};
use crate::ir::{NodeId, Slot};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `dbmtl(x, hidden: [64], relation: [32], relations: [like | click, buy | click])`.
pub static DBMTL: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "dbmtl",
    docs: "A network per task, and a second one that also reads what the second networks of the tasks it is given have found.",
    positional: 0,
    parameters: &[
        Parameter::required("hidden", Shape::Widths, "Widths of the first networks' layers."),
        Parameter::required("relation", Shape::Widths, "Widths of the second networks' layers."),
        Parameter::required(
            "relations",
            Shape::Relations,
            "Which task is given which: `[like | click, buy | click]`. There is no circle.",
        ),
        Parameter::word(
            "activation",
            &["relu", "gelu", "tanh", "sigmoid", "leaky_relu", "swish", "none"],
            "relu",
            "Applied after every layer.",
        ),
        Parameter::number("dropout", Range::BELOW_ONE, 0.0, "Share of the activations set to 0 while training."),
    ],
};

/// A vector to `each vec`, as wide as the second networks.
fn result(call: &Call, context: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vector_input(call, sink)?;
    let relations = relations(call);
    if relations.is_empty() {
        sink.push(diagnostic!(
            WrongArgument, call.name_span, "without relations no task knows of another";
            help: "write `relations: [buy | click]`, or `mlp` in the towers"
        ));
        return None;
    }
    let sorted = sorted(relations, &(0..context.tasks).collect::<Vec<_>>());
    if sorted.len() < context.tasks {
        sink.push(diagnostic!(
            GivenCycle, call.name_span, "the relations go round in a circle";
            help: "leave one of them out: a task cannot be told what it tells"
        ));
        return None;
    }
    widths(call, "relation").last().map(|width| Type::EachVec(width.value as usize))
}

fn relations(call: &Call) -> &[(TaskId, TaskId)] {
    match option(&call.options, "relations") {
        Value::Relations(relations) => relations,
        _ => unreachable!("`relations` are pairs of tasks in their signature"),
    }
}

fn widths<'a>(call: &'a Call, name: &str) -> &'a [Number] {
    match option(&call.options, name) {
        Value::Numbers(widths) => widths,
        _ => unreachable!("widths are a list of numbers"),
    }
}

/// The tasks that a task is given, in the order in which they are written.
fn given(relations: &[(TaskId, TaskId)], task: usize) -> impl Iterator<Item = usize> {
    relations.iter().filter(move |(of, _)| of.0 == task).map(|(_, given)| given.0)
}

/// The tasks, each after those that it is given; those on a circle and behind it are left out.
fn sorted(relations: &[(TaskId, TaskId)], tasks: &[usize]) -> Vec<usize> {
    let mut sorted: Vec<usize> = Vec::new();
    while let Some(next) = tasks
        .iter()
        .find(|task| !sorted.contains(task) && given(relations, **task).all(|before| sorted.contains(&before)))
    {
        sorted.push(*next);
    }
    sorted
}

/// The first networks are one group. A tower has networks of its own for its tasks and those that they are given.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let (input, relations) = (&inputs[0], relations(call));
    let wanted = scope.line_tasks();
    let mut tasks = wanted.clone();
    let mut at = 0;
    while let Some(task) = tasks.get(at).copied() {
        let more: Vec<usize> = given(relations, task).filter(|before| !tasks.contains(before)).collect();
        tasks.extend(more);
        at += 1;
    }

    let hidden = scope.widths("hidden", "Widths of the first networks' layers.", widths(call, "hidden"));
    let first = Layers::of_widths(&call.options, hidden, scope);
    let second = scope.widths("relation", "Widths of the second networks' layers.", widths(call, "relation"));
    let second = first.with_widths(second);
    let members = scope.members_of(&tasks, input);
    let own = first.apply("own", &members, input.value, scope);
    let mut found: Vec<Option<NodeId>> = vec![None; scope.tasks().len()];
    for task in sorted(relations, &tasks) {
        let name = scope.task_name(task).to_owned();
        let slot = tasks.iter().position(|other| *other == task).unwrap_or_default();
        let mut read = vec![if tasks.len() == 1 { own } else { scope.select(&format!("own_{name}"), own, vec![slot]) }];
        read.extend(given(relations, task).filter_map(|before| found[before]));
        let read = if let [only] = read[..] { only } else { scope.concat(&format!("known_{name}"), read) };
        let member = Member { owner: Owner::All, count: None, slot: Slot::Own };
        found[task] = Some(second.apply("relation", &[member], read, &mut scope.inner(&name)));
    }
    let parts = wanted.iter().filter_map(|task| found[*task]).collect();
    Stream { value: scope.stack("related", parts), tasks: Some(wanted) }
}
