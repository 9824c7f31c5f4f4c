//! `adatt`: adaptive task-to-task fusion (Li et al., KDD 2023).

use super::ple::{Streams, agree, group, layers};
use super::{Construct, Context, Options, Reads, block, option, template_width, vec_input, warn_single_expert};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Number, Type, Value};
use crate::ir::{Choice, NodeId, Pick, Size, ValueInit};
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `adatt(x, levels: [level(each: 2 * mlp([64]), shared: 1 * mlp([64])), ...])`.
pub static ADATT: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "adatt",
    docs: "Levels of task-owned and maybe shared experts. At each level a task's gate mixes the experts of all tasks and the shared \
           ones, and the task's own experts are added once more.",
    positional: 0,
    parameters: &[Parameter::required(
        "levels",
        Shape::Groups(&LEVEL),
        "The levels, from the input up: `[level(each: ...), ...]`.",
    )],
};

/// A level of which every task has experts.
pub(super) static LEVEL: Signature = Signature {
    name: "level",
    docs: "One level: experts of each task, and shared ones.",
    positional: 0,
    parameters: &[
        Parameter::required("each", Shape::Block { may_be_empty: false }, "Experts of each task."),
        Parameter::optional("shared", Shape::Block { may_be_empty: false }, "Experts of all tasks."),
    ],
};

/// `vec` to `each vec`, as wide as an expert of the last level.
fn result(call: &Call, context: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    levels_width(call, context, sink).map(Type::EachVec)
}

/// The levels of a call.
pub(super) fn levels(call: &Call) -> &[Vec<(&'static str, Value)>] {
    match option(&call.options, "levels") {
        Value::Groups(levels) => levels,
        _ => unreachable!("levels are required"),
    }
}

/// The width of the last level; reports experts that cannot be added and gates without a choice.
pub(super) fn levels_width(call: &Call, context: &Context, sink: &mut Vec<Diagnostic>) -> Option<usize> {
    let mut width = None;
    for level in levels(call) {
        let (own, shared) = (block(level, "each")?, block(level, "shared"));
        if let Some(shared) = shared {
            agree(own, shared, sink)?;
        } else if context.tasks == 1 && own.count.value == 1.0 {
            warn_single_expert(own, sink);
        }
        width = Some(template_width(own));
    }
    width
}

/// The levels from the input up. The shared stream goes on, after the tasks' slots, as long as a level above has shared experts.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let levels = levels(call);
    let tasks = scope.copies(&inputs[0]).unwrap_or_else(|| scope.tasks());
    let any_shared = levels.iter().any(|level| group(level, "shared").is_some());
    let mut streams = Streams::of(&inputs[0], any_shared, scope);
    for (position, options) in levels.iter().enumerate() {
        let goes_on = levels[position + 1..].iter().any(|level| group(level, "shared").is_some());
        let mut scope = scope.inner(&format!("level_{}", position + 1));
        streams = lower_level(options, &tasks, &streams, goes_on, &mut scope);
    }
    Stream { value: streams.value, tasks: Some(tasks) }
}

/// One level: experts on their streams, a gate per task over all of them, and the own experts added.
fn lower_level(options: &Options, tasks: &[usize], streams: &Streams, goes_on: bool, scope: &mut Scope) -> Streams {
    let experts = Experts::lower(options, tasks, streams, scope);
    let members: Vec<Member> = tasks.iter().map(|task| streams.member(Some(*task), None)).collect();
    let mixed = fuse("gates", &members, streams.value, &experts, scope);
    let (own, count) = (experts.own, block(options, "each").map(|own| own.count));
    let choice = match tasks {
        [_] => Choice::All,
        _ => {
            let own = experts.own_count.clone();
            let pick = Pick::OwnAndShared { own, shared: Size::constant(0) };
            scope.choice("own", Size::constant(tasks.len()), pick)
        }
    };
    let mine = residual("own_weights", &members, own, (experts.own_count.clone(), count), choice, scope);
    let fused = scope.add("fused", vec![mixed, mine]);
    if !goes_on {
        return Streams { value: fused, own: Some(tasks.to_vec()), shared: None };
    }
    let member = [streams.member(None, None)];
    let mut shared = fuse("shared_gate", &member, streams.value, &experts, scope);
    if let Some((value, count)) = experts.shared.clone() {
        let number = block(options, "shared").map(|shared| shared.count);
        let mine = residual("shared_weights", &member, value, (count, number), Choice::All, scope);
        shared = scope.add("shared", vec![shared, mine]);
    }
    let value = scope.stack("streams", vec![fused, shared]);
    Streams { value, own: Some(tasks.to_vec()), shared: Some(tasks.len()) }
}

/// The experts of a level: the tasks' own, task after task, then the shared ones.
pub(super) struct Experts {
    pub own: NodeId,
    pub own_count: Size,
    pub shared: Option<(NodeId, Size)>,
    pub all: NodeId,
    pub count: Size,
}

impl Experts {
    pub fn lower(options: &Options, tasks: &[usize], streams: &Streams, scope: &mut Scope) -> Experts {
        let Some(own) = block(options, "each") else { unreachable!("experts of each task are required") };
        let own_count = scope.count("each", "Experts of each task.", own.count);
        let group = block(options, "shared");
        let shared_count = group.map(|group| scope.count("shared", "Shared experts.", group.count));
        let (own_layers, shared_layers) = layers(Some(own), group, scope);
        let Some(own_layers) = own_layers else { unreachable!("layers of a block that is there") };
        let members: Vec<_> = tasks.iter().map(|task| streams.member(Some(*task), Some(own_count.clone()))).collect();
        let own = own_layers.apply("own", &members, streams.value, scope);
        let shared = shared_layers.zip(shared_count).map(|(layers, count)| {
            let member = streams.member(None, Some(count.clone()));
            (layers.apply("shared", &[member], streams.value, scope), count)
        });
        let mut count = own_count.clone().times(tasks.len());
        let mut parts = vec![own];
        if let Some((value, shared)) = &shared {
            count = count.plus(shared);
            parts.push(*value);
        }
        let all = scope.stack("experts", parts);
        Experts { own, own_count, shared, all, count }
    }
}

/// All experts, mixed by softmax gates that are linear with a bias.
fn fuse(part: &str, members: &[Member], input: NodeId, experts: &Experts, scope: &mut Scope) -> NodeId {
    let logits = scope.linear(part, None, members, input, experts.count.clone(), true);
    let gates = scope.softmax(part, logits);
    let gates = scope.watch_gate(part, members, gates);
    scope.mix("mixed", gates, experts.all, Choice::All)
}

/// The own expert, or where the spec has several a sum with trained weights.
fn residual(
    part: &str,
    members: &[Member],
    experts: NodeId,
    (count, written): (Size, Option<Number>),
    choice: Choice,
    scope: &mut Scope,
) -> NodeId {
    let number = written.map_or(1.0, |number| number.value);
    if number <= 1.0 {
        return scope.gather("own", experts, choice);
    }
    let weights = scope.value(part, members, count, ValueInit::Uniform(number.sqrt().recip()));
    scope.mix("own", weights, experts, choice)
}
