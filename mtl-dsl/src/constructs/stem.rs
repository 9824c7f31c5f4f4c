//! `stem`: shared and own embeddings, and experts that every task reads but only its owner trains (Su et al., AAAI 2024).

use super::mlp::Layers;
use super::ple::{EACH, SHARED, group, level_width};
use super::{Construct, Context, Reads, input, vector_input};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, Type};
use crate::ir::{Activation, Pick, Size, Slot};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `stem(concat(user, item), own: own(user, item), shared: 4 * mlp([256]), each: 1 * mlp([256]))`.
pub static STEM: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "stem",
    docs: "Shared experts on shared embeddings, own experts on each task's own. A task's gate reads the sum of both embeddings and mixes all \
           experts; those of other tasks learn nothing from it (Su et al., AAAI 2024).",
    positional: 0,
    parameters: &[
        Parameter::required("own", Shape::Input, "Each task's own embeddings: `own(user, item)`."),
        SHARED,
        EACH,
        Parameter::optional(
            "gate_hidden",
            Shape::Widths,
            "Widths of the gates' hidden layers; linear gates when left out.",
        ),
    ],
};

/// `vec` to `each vec`, as wide as an expert.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    let width = vector_input(call, sink)?;
    let own = input(call, "own")?;
    if own.ty != Type::EachVec(width) || call.inputs[0].ty != Type::Vec(width) {
        sink.push(diagnostic!(
            TypeMismatch, own.span, "`stem` reads shared embeddings and each task's own of the same width, but these are `{}`", own.ty;
            label(call.inputs[0].span): "this is `{}`", call.inputs[0].ty;
            help: "write `stem(concat(user, item), own: own(user, item), ...)`"
        ));
        return None;
    }
    level_width(call, &call.options, sink).map(Type::EachVec)
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let (shared_input, own_input) = (&inputs[0], &inputs[super::input_position(call, "own")]);
    let tasks = scope.copies(shared_input).unwrap_or_else(|| scope.tasks());
    let own_value = scope.of_tasks(own_input, &tasks);
    let own = group(&call.options, "each");
    let shared = group(&call.options, "shared");
    let own_count = own.map_or(Size::constant(0), |block| scope.count("each", "Experts of each task.", block.count));
    let shared_count = shared.map_or(Size::constant(0), |block| scope.count("shared", "Shared experts.", block.count));
    let members = |count: Option<Size>| -> Vec<Member> {
        let slot = |position| if tasks.len() == 1 { Slot::Own } else { Slot::At(position) };
        let member = |(position, task): (usize, &usize)| Member {
            owner: Owner::Task(*task),
            count: count.clone(),
            slot: slot(position),
        };
        tasks.iter().enumerate().map(member).collect()
    };
    let mut parts = Vec::new();
    if let Some(block) = own {
        let layers = Layers::read(&block.options, "", scope);
        parts.push(layers.apply("own", &members(Some(own_count.clone())), own_value, scope));
    }
    if let Some(block) = shared {
        let prefix = if own.is_some() { "shared_" } else { "" };
        let layers = Layers::read(&block.options, prefix, scope);
        let member = Member { owner: Owner::All, count: Some(shared_count.clone()), slot: Slot::Own };
        parts.push(layers.apply("shared", &[member], shared_input.value, scope));
    }
    let experts = scope.stack("experts", parts);

    // A gate's columns: own experts, shared ones, those of the other tasks.
    let mut hidden = scope.add("gate_input", vec![own_value, shared_input.value]);
    let widths = super::mlp::numbers(&call.options, "gate_hidden");
    if !widths.is_empty() {
        let widths = scope.widths("gate_hidden", "Widths of the gates' hidden layers.", widths);
        for (width, layer) in widths.into_iter().zip(1..) {
            hidden = scope.linear("gate_hidden", Some(layer), &members(None), hidden, width, true);
            hidden = scope.activate("gate_hidden", Activation::Relu, hidden);
        }
    }
    let near = own_count.clone().plus(&shared_count);
    let far = own_count.clone().times(tasks.len() - 1);
    let gates = scope.gate("gates", &members(None), hidden, near.clone().plus(&far));
    let rows = Size::constant(tasks.len());
    let near_gates = scope.narrow("near_gates", gates, Size::constant(0), near.clone());
    let own_and_shared = scope.own_and_shared(rows.clone(), own_count.clone(), shared_count);
    let trained = scope.mix("trained", near_gates, experts, own_and_shared);
    if own.is_none() || tasks.len() == 1 {
        return Stream { value: trained, tasks: Some(tasks) };
    }
    let far_gates = scope.narrow("far_gates", gates, near, far);
    let others = scope.stop("others_experts", experts);
    let foreign = scope.choice("foreign", rows, Pick::Foreign { own: own_count });
    let read = scope.mix("read_only", far_gates, others, foreign);
    Stream { value: scope.add("mixed", vec![trained, read]), tasks: Some(tasks) }
}
