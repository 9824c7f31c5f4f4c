//! `poso`: layers whose outputs a personal gate scales (Wang et al., 2021).

use super::gate_unit::gate_unit;
use super::mlp::numbers;
use super::{Construct, Context, Reads, input, number, shared_input, vector_input};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::Activation;
use crate::lower::{Scope, Stream};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `poso(x, [64], gate: user_active_degree)`.
pub static POSO: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "poso",
    docs: "Fully connected layers, each followed by a relu, whose outputs are scaled by gates that read what tells users apart (Wang et \
           al., \"POSO: Personalized Cold Start Modules for Large-scale Recommender Systems\", 2021). On a `vec` one block; on an `each \
           vec` one block per task.",
    positional: 1,
    parameters: &[
        Parameter::required("hidden", Shape::Widths, "Widths of the layers."),
        Parameter::required("gate", Shape::Input, "What the gates read: how active or how new a user is."),
        Parameter::number("gate_hidden", Range::SIZE, 16.0, "Width of the hidden layers of the gates."),
        Parameter::number("scale", Range::POSITIVE, 2.0, "The greatest scale; a gate whose logits are 0 gives half."),
    ],
};

/// As its input, with the width of the last layer.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    let gate = shared_input(call, input(&call.options, "gate"), sink);
    vector_input(call, sink).and(gate)?;
    let width = numbers(&call.options, "hidden").last().map_or(0, |width| width.value as usize);
    Some(match call.inputs[0].ty {
        Type::EachVec(_) => Type::EachVec(width),
        _ => Type::Vec(width),
    })
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let widths = scope.widths("hidden", "Widths of the layers.", numbers(&call.options, "hidden"));
    let hidden = scope.count("gate_hidden", "Width of the gates' hidden layers.", number(&call.options, "gate_hidden"));
    let factor = scope.real("scale", "The greatest scale.", number(&call.options, "scale"));
    let read = inputs[input(&call.options, "gate")].value;
    let tasks = scope.copies(&inputs[0]);
    let (mut value, members) = scope.own_members(&inputs[0], tasks.as_deref());
    for (width, layer) in widths.into_iter().zip(1..) {
        let mapped = scope.linear("hidden", Some(layer), &members, value, width.clone(), true);
        let mapped = scope.activate("hidden", Activation::Relu, mapped);
        let gate = gate_unit("gate", Some(layer), &members, read, [hidden.clone(), width], factor.clone(), scope);
        value = scope.multiply("scaled", gate, mapped);
    }
    Stream { value, tasks }
}
