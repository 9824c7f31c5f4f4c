//! `mmoe`: experts mixed by one gate per task (Ma et al., KDD 2018).

use super::gates::{self, GATE, GATE_DROPOUT, GATE_INPUT, Gate};
use super::{Construct, Context, Reads, block, moe, template_width, vec_input, warn_single_expert};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::Choice;
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `mmoe(x, experts: 8 * mlp([256, 128]))`.
pub static MMOE: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "mmoe",
    docs: "Experts that all tasks share, mixed for each task by its own softmax gate that is linear in the input.",
    positional: 0,
    parameters: &[
        Parameter::required("experts", Shape::Block { may_be_empty: false }, "The experts: `8 * mlp([256])`."),
        GATE,
        GATE_INPUT,
        GATE_DROPOUT,
    ],
};

/// `vec` to `each vec`, as wide as an expert.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    let experts = block(&call.options, "experts")?;
    if experts.count.value == 1.0 {
        warn_single_expert(experts, sink);
    }
    gates::check(call, experts.count.value as usize, sink)?;
    Some(Type::EachVec(template_width(experts)))
}

/// One group of experts on one input, one gate per task. In a tower, where every task has its own copy and reads its own mixture
/// only, that is a `moe` per task.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let input = &inputs[0];
    if scope.copies(input).is_some() {
        return moe::lower(call, inputs, scope);
    }
    let (experts, count) = moe::experts(call, &[None], input, scope);
    let (tasks, read) = (scope.tasks(), gates::input(call, inputs).unwrap_or(input));
    let gates: Vec<Member> = tasks.iter().map(|task| scope.member_of(*task, read)).collect();
    let gate = Gate::read(&call.options, scope);
    let gates = gate.apply("gates", &gates, read.value, count, scope);
    Stream { value: scope.mix("mixed", gates, experts, Choice::All), tasks: Some(tasks) }
}
