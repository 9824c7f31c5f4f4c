//! `pepnet`: personalised embeddings and layers (Chang et al., KDD 2023).

use super::gate_unit::gate_unit;
use super::mlp::numbers;
use super::{Construct, Context, Reads, input, number, shared_input};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::Activation;
use crate::lower::{Scope, Stream};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `pepnet(x, domain: context, prior: concat(user_id, video_id), layers: [64])`.
pub static PEPNET: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "pepnet",
    docs: "Layers per task whose inputs are scaled by gates: the first input by a gate that reads the domain, that of each layer by a \
           gate that reads the prior. The gates also read what they scale, without teaching it (Chang et al., \"PEPNet: Parameter and \
           Embedding Personalized Network\", KDD 2023).",
    positional: 0,
    parameters: &[
        Parameter::required("domain", Shape::Input, "What tells the domains apart, for the gate of the input."),
        Parameter::required("prior", Shape::Input, "What tells users and items apart, for the gates of the layers."),
        Parameter::required("layers", Shape::Widths, "Widths of each task's layers; each is followed by a relu."),
        Parameter::number("gate_hidden", Range::SIZE, 64.0, "Width of the hidden layers of the gates."),
        Parameter::number("gamma", Range::POSITIVE, 2.0, "The greatest scale; a gate whose logits are 0 gives half."),
    ],
};

/// `vec` to `each vec`, as wide as the last layer.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    let domain = shared_input(call, input(&call.options, "domain"), sink);
    let prior = shared_input(call, input(&call.options, "prior"), sink);
    shared_input(call, 0, sink).and(domain).and(prior)?;
    numbers(&call.options, "layers").last().map(|width| Type::EachVec(width.value as usize))
}

/// One gate of the input for all tasks (in a tower one per task), then layers and their gates per task.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let hidden = scope.count("gate_hidden", "Width of the gates' hidden layers.", number(&call.options, "gate_hidden"));
    let gamma = scope.real("gamma", "The greatest scale.", number(&call.options, "gamma"));
    let widths = scope.widths("layers", "Widths of the layers.", numbers(&call.options, "layers"));
    let (domain, prior) = (inputs[input(&call.options, "domain")].value, inputs[input(&call.options, "prior")].value);

    let copies = scope.copies(&inputs[0]);
    let (x, shared) = scope.own_members(&inputs[0], copies.as_deref());
    let stopped = scope.stop("stopped", x);
    let read = scope.concat("domain_and_x", vec![domain, stopped]);
    let sizes = [hidden.clone(), scope.shape(x).width.clone()];
    let gate = gate_unit("domain_gate", None, &shared, read, sizes, gamma.clone(), scope);
    let embedding = scope.multiply("embedding", gate, x);

    let tasks = copies.unwrap_or_else(|| scope.tasks());
    let own = scope.own_members(&inputs[0], Some(&tasks)).1;
    let stopped = scope.stop("stopped", embedding);
    let read = scope.concat("prior_and_embedding", vec![prior, stopped]);
    let mut value = embedding;
    for (width, layer) in widths.into_iter().zip(1..) {
        let sizes = [hidden.clone(), scope.shape(value).width.clone()];
        let gate = gate_unit("gate", Some(layer), &own, read, sizes, gamma.clone(), scope);
        let scaled = scope.multiply("scaled", gate, value);
        let mapped = scope.linear("hidden", Some(layer), &own, scaled, width, true);
        value = scope.activate("hidden", Activation::Relu, mapped);
    }
    Stream { value, tasks: Some(tasks) }
}
