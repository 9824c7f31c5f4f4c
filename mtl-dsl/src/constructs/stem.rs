//! `stem`: shared and task-owned embeddings, all of them read and the own ones alone trained (Su et al., AAAI 2024).

use super::adatt::{LEVEL, levels, levels_width};
use super::ple::{common, layers};
use super::{Construct, Context, Options, Reads, block, option, vec_input};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, Type, Value};
use crate::ir::{Activation, Choice, NodeId, Pick, Size, Slot};
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `stem(concat(user, item), own: own(user, item), levels: [level(shared: 4 * mlp([64]), each: 1 * mlp([64]))])`.
pub static STEM: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "stem",
    docs: "Experts of each task on the task's own embeddings and shared experts on the shared ones. A task's gate mixes all of them, \
           but its loss trains no other task's experts.",
    positional: 0,
    parameters: &[
        Parameter::required("own", Shape::Input, "The embeddings of each task: `own(user, item)`."),
        Parameter::required("levels", Shape::Groups(&LEVEL), "The levels, from the input up: `[level(...), ...]`."),
        Parameter::optional(
            "gate",
            Shape::Widths,
            "Widths of the gates' hidden layers; without them gates are linear.",
        ),
    ],
};

/// `vec` and `each vec` of one width to `each vec`, as wide as an expert of the last level.
fn result(call: &Call, context: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    let width = vec_input(call, sink)?;
    let own = own_input(call);
    match own.ty {
        Type::EachVec(found) if found == width => {}
        Type::EachVec(found) => {
            sink.push(diagnostic!(
                WidthMismatch, own.span, "the embeddings of each task are {found} wide, but the shared ones {width}";
                label(call.inputs[0].span): "{width} wide";
                help: "a gate reads their sum: read the same features, `stem(concat(user, item), own: own(user, item), ...)`"
            ));
            return None;
        }
        other => {
            sink.push(diagnostic!(
                TypeMismatch, own.span, "`own` of `stem` reads an `each vec`, but this is `{other}`";
                label(call.name_span): "reads a vector of each task";
                help: "`own(user, item)` gives each task embeddings of its own"
            ));
            return None;
        }
    }
    levels_width(call, context, sink).map(Type::EachVec)
}

fn own_position(call: &Call) -> usize {
    match option(&call.options, "own") {
        Value::Input(position) => *position,
        _ => unreachable!("`own` is required"),
    }
}

fn own_input(call: &Call) -> &crate::hir::Expr {
    &call.inputs[own_position(call)]
}

/// The levels from the input up. The shared stream goes on to the last.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let own = &inputs[own_position(call)];
    let tasks = scope.copies(&inputs[0]).unwrap_or_else(|| scope.tasks());
    let own = Stream { value: scope.of_tasks(own, &tasks), tasks: Some(tasks.clone()) };
    let shared = Stream { value: common(&inputs[0], scope), tasks: None };
    let mut streams = (shared, own);
    let hidden = match option(&call.options, "gate") {
        Value::Numbers(widths) => scope.widths("gate", "Widths of the gates' hidden layers.", widths),
        _ => Vec::<Size>::new(),
    };
    let levels = levels(call);
    for (position, options) in levels.iter().enumerate() {
        let last = position + 1 == levels.len();
        let mut scope = scope.inner(&format!("level_{}", position + 1));
        streams = lower_level(options, &tasks, streams, &hidden, last, &mut scope);
    }
    streams.1
}

/// One level. The columns of a task's gate are its own experts, the shared ones, and those of the other tasks, whose outputs get no
/// gradient.
fn lower_level(
    options: &Options,
    tasks: &[usize],
    (shared, own): (Stream, Stream),
    hidden: &[Size],
    last: bool,
    scope: &mut Scope,
) -> (Stream, Stream) {
    let Some(each) = block(options, "each") else { unreachable!("experts of each task are required") };
    let own_count = scope.count("each", "Experts of each task.", each.count);
    let group = block(options, "shared");
    let shared_count = group.map_or(Size::constant(0), |of| scope.count("shared", "Shared experts.", of.count));
    let (own_layers, shared_layers) = layers(Some(each), group, scope);
    let counted = |count: &Size, member: Member| Member { count: Some(count.clone()), ..member };
    let members: Vec<Member> = scope.members_of(tasks, &own).into_iter().map(|m| counted(&own_count, m)).collect();
    let Some(own_layers) = own_layers else { unreachable!("layers of a block that is there") };
    let mine = own_layers.apply("own", &members, own.value, scope);
    let mut parts = vec![mine];
    if let Some(layers) = shared_layers {
        let member = counted(&shared_count, Member::shared(Slot::Own));
        parts.push(layers.apply("shared", &[member], shared.value, scope));
    }
    let experts = scope.stack("experts", parts);
    let all = own_count.clone().times(tasks.len()).plus(&shared_count);

    let sum = scope.add("sum", vec![own.value, shared.value]);
    let sum = Stream { value: sum, tasks: Some(tasks.to_vec()) };
    let members = scope.members_of(tasks, &sum);
    let gates = gate("gates", &members, sum.value, hidden, all.clone(), scope);
    let trained = own_count.clone().plus(&shared_count);
    let near = scope.narrow("near", gates, Size::constant(0), trained.clone());
    let rows = Size::constant(tasks.len());
    let choice = scope.own_and_shared(rows.clone(), own_count.clone(), shared_count);
    let mut value = scope.mix("mixed", near, experts, choice);
    if tasks.len() > 1 {
        let foreign = own_count.clone().times(tasks.len() - 1);
        let far = scope.narrow("far", gates, trained, foreign);
        let still = scope.stop("still", mine);
        let choice = scope.choice("foreign", rows, Pick::Foreign { own: own_count });
        let lent = scope.mix("lent", far, still, choice);
        value = scope.add("mixed", vec![value, lent]);
    }
    let own = Stream { value, tasks: Some(tasks.to_vec()) };
    if last {
        return (shared, own);
    }
    let gate = gate("shared_gate", &[Member::shared(Slot::Own)], shared.value, hidden, all, scope);
    let value = scope.mix("shared", gate, experts, Choice::All);
    (Stream { value, tasks: None }, own)
}

/// A softmax over an `mlp` with biases.
fn gate(part: &str, members: &[Member], input: NodeId, hidden: &[Size], experts: Size, scope: &mut Scope) -> NodeId {
    let mut members = members.to_vec();
    let mut value = input;
    for (width, layer) in hidden.iter().zip(1..) {
        value = scope.linear(part, Some(layer), &members, value, width.clone(), true);
        value = scope.activate(part, Activation::Relu, value);
        members.iter_mut().for_each(|member| member.slot = Slot::Own);
    }
    let logits = scope.linear(part, None, &members, value, experts, true);
    let gates = scope.softmax(part, logits);
    scope.watch_gate(part, &members, gates)
}
