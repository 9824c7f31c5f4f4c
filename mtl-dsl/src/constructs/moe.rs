//! `moe`: experts mixed by one gate for all tasks (the OMoE of Ma et al., KDD 2018).

use super::gates::{self, GATE, GATE_DROPOUT, GATE_INPUT, Gate};
use super::mlp::Layers;
use super::{Construct, Context, Reads, block, template_width, vec_input, warn_single_expert};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::{Choice, NodeId, Size, Slot};
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `moe(x, experts: 8 * mlp([256, 128]))`.
pub static MOE: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "moe",
    docs: "Experts that all tasks share, mixed by one softmax gate that is linear in the input.",
    positional: 0,
    parameters: &[
        Parameter::required("experts", Shape::Block { may_be_empty: false }, "The experts: `8 * mlp([256])`."),
        GATE,
        GATE_INPUT,
        GATE_DROPOUT,
    ],
};

/// `vec` to `vec`, as wide as an expert.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    let experts = block(&call.options, "experts")?;
    if experts.count.value == 1.0 {
        warn_single_expert(experts, sink);
    }
    gates::check(call, experts.count.value as usize, sink)?;
    Some(Type::Vec(template_width(experts)))
}

/// One group of experts and one gate; in a tower one of both per task.
pub(super) fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let input = &inputs[0];
    let tasks = scope.copies(input);
    let owners: Vec<Option<usize>> = match &tasks {
        Some(tasks) => tasks.iter().copied().map(Some).collect(),
        None => vec![None],
    };
    let (experts, count) = experts(call, &owners, input, scope);
    let read = gates::input(call, inputs).unwrap_or(input);
    let gates: Vec<Member> = owners.iter().map(|owner| member(*owner, None, read, scope)).collect();
    let part = if tasks.is_some() { "gates" } else { "gate" };
    let gate = Gate::read(&call.options, scope);
    let gates = gate.apply(part, &gates, read.value, count.clone(), scope);
    let choice = match &tasks {
        Some(tasks) => scope.own_and_shared(Size::constant(tasks.len()), count, Size::constant(0)),
        None => Choice::All,
    };
    Stream { value: scope.mix("mixed", gates, experts, choice), tasks }
}

/// The outputs of a call's experts, as many for each owner, and how many an owner has.
pub(super) fn experts(call: &Call, owners: &[Option<usize>], input: &Stream, scope: &mut Scope) -> (NodeId, Size) {
    let Some(template) = block(&call.options, "experts") else { unreachable!("experts are required") };
    let count = scope.count("experts", "Experts.", template.count);
    let layers = Layers::read(&template.options, "", scope);
    let members: Vec<Member> = owners.iter().map(|owner| member(*owner, Some(count.clone()), input, scope)).collect();
    (layers.apply("experts", &members, input.value, scope), count)
}

fn member(owner: Option<usize>, count: Option<Size>, input: &Stream, scope: &Scope) -> Member {
    let slot = owner.map_or(Slot::Own, |task| scope.slot_of(task, input));
    Member { owner: owner.into(), count, slot }
}
