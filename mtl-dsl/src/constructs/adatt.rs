//! `adatt`: task-to-task fusion of all experts with a residual of a task's own (Li et al., KDD 2023).

use super::mlp::Layers;
use super::ple::{LEVEL, check_levels, group};
use super::{Construct, Context, Options, Reads, option, vector_input};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type, Value};
use crate::ir::{Choice, NodeId, Size, Slot, ValueInit};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `adatt(x, levels: [level(each: 2 * mlp([256])), level(each: 2 * mlp([128]))])`.
pub static ADATT: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "adatt",
    docs: "Levels of experts of each task, and maybe shared ones. At each level a task's stream is a gated mixture of all experts plus its own \
           experts; a shared stream likewise below the last level (Li et al., KDD 2023).",
    positional: 0,
    parameters: &[Parameter::required(
        "levels",
        Shape::Groups(&LEVEL),
        "The levels, from the input up: `[level(each: ..., shared: ...), ...]`.",
    )],
};

/// `vec` or `each vec` to `each vec`, as wide as an expert of the last level.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vector_input(call, sink)?;
    check_levels(call, sink).map(Type::EachVec)
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let Value::Groups(levels) = option(&call.options, "levels") else { unreachable!("levels are required") };
    let input = &inputs[0];
    let tasks = scope.copies(input).unwrap_or_else(|| scope.tasks());
    let mut value = input.value;
    let mut slots: Vec<Slot> = tasks.iter().map(|task| scope.slot_of(*task, input)).collect();
    // Before the first level the shared stream reads what all read; an `each vec` has no such slot.
    let mut shared_slot = input.tasks.is_none().then_some(Slot::Own);
    for (position, options) in levels.iter().enumerate() {
        let last = position + 1 == levels.len();
        let mut scope = scope.inner(&format!("level_{}", position + 1));
        let streams = Streams { value, tasks: &tasks, slots: &slots, shared: shared_slot };
        let (next, goes_on) = lower_level(options, &streams, last, &mut scope);
        value = next;
        slots = (0..tasks.len()).map(Slot::At).collect();
        shared_slot = goes_on.then_some(Slot::At(tasks.len()));
    }
    Stream { value, tasks: Some(tasks) }
}

/// What a level reads.
struct Streams<'s> {
    value: NodeId,
    tasks: &'s [usize],
    slots: &'s [Slot],
    shared: Option<Slot>,
}

impl Streams<'_> {
    fn members(&self, count: Option<Size>) -> Vec<Member> {
        let member =
            |(task, slot): (&usize, &Slot)| Member { owner: Owner::Task(*task), count: count.clone(), slot: *slot };
        self.tasks.iter().zip(self.slots).map(member).collect()
    }
}

/// A level's streams, and whether the shared one goes on behind the tasks'.
fn lower_level(options: &Options, streams: &Streams<'_>, last: bool, scope: &mut Scope) -> (NodeId, bool) {
    let tasks = Size::constant(streams.tasks.len());
    let own = group(options, "each").map(|block| (block, scope.count("each", "Experts of each task.", block.count)));
    let shared = group(options, "shared").filter(|_| streams.shared.is_some());
    let shared = shared.map(|block| (block, scope.count("shared", "Shared experts.", block.count)));
    let mut parts = Vec::new();
    let (mut own_experts, mut shared_experts) = (None, None);
    if let Some((block, count)) = &own {
        let layers = Layers::read(&block.options, "", scope);
        own_experts = Some(layers.apply("own", &streams.members(Some(count.clone())), streams.value, scope));
        parts.extend(own_experts);
    }
    if let (Some((block, count)), Some(slot)) = (&shared, streams.shared) {
        let prefix = if own.is_some() { "shared_" } else { "" };
        let layers = Layers::read(&block.options, prefix, scope);
        let member = Member { owner: Owner::All, count: Some(count.clone()), slot };
        shared_experts = Some(layers.apply("shared", &[member], streams.value, scope));
        parts.extend(shared_experts);
    }
    let count =
        |group: &Option<(_, Size)>| group.as_ref().map_or(Size::constant(0), |(_, count): &(_, Size)| count.clone());
    let (own_count, shared_count) = (count(&own), count(&shared));
    let all = own_count.clone().times(streams.tasks.len()).plus(&shared_count);
    let experts = scope.stack("experts", parts);

    let gates = scope.biased_gate("gates", &streams.members(None), streams.value, all.clone());
    let mut fused = scope.mix("fused", gates, experts, Choice::All);
    if let (Some(own_experts), Some((block, _))) = (own_experts, &own) {
        let choice = scope.own_and_shared(tasks, own_count.clone(), Size::constant(0));
        let residual = match block.count.value == 1.0 {
            true => scope.gather("residual", own_experts, choice),
            false => {
                let bound = (1.0 / block.count.value).sqrt();
                let members: Vec<Member> = streams.members(None);
                let weights = scope.value("residual_weights", &members, own_count, ValueInit::Uniform(bound));
                scope.mix("residual", weights, own_experts, choice)
            }
        };
        fused = scope.add("streams", vec![fused, residual]);
    }
    let (Some(shared_experts), Some(slot), false) = (shared_experts, streams.shared, last) else {
        return (fused, false);
    };
    let gate = scope.biased_gate("shared_gate", &[Member { owner: Owner::All, count: None, slot }], streams.value, all);
    let mixed = scope.mix("shared_fused", gate, experts, Choice::All);
    let weights = ValueInit::Constant(1.0);
    let weights = scope.value("shared_residual_weights", &[Member::shared(Slot::Own)], shared_count, weights);
    let residual = scope.mix("shared_residual", weights, shared_experts, Choice::All);
    let shared = scope.add("shared_stream", vec![mixed, residual]);
    (scope.stack("all_streams", vec![fused, shared]), true)
}
