//! `pepnet` and `poso`: layers whose units are turned up or down by who is asking.

use super::mlp::{ACTIVATION, DROPOUT, LAYERS, Layers, NORM, numbers};
use super::{Construct, Context, Reads, input, input_position, number, vec_input};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, Type};
use crate::ir::{Activation, NodeId, Scale, Size, Slot};
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `pepnet(x, domain: context, prior: concat(user_id, video_id), layers: [128, 64])`.
pub static PEPNET: Construct =
    Construct { signature: &PEPNET_SIGNATURE, reads: Reads::One, result: pepnet_result, template: None, lower: lower_pepnet };

/// `poso(x, gate: user_active_degree, layers: [128, 64])`.
pub static POSO: Construct =
    Construct { signature: &POSO_SIGNATURE, reads: Reads::One, result: poso_result, template: None, lower: lower_poso };

const GATE_HIDDEN: Parameter = Parameter::number("gate_hidden", Range::SIZE, 32.0, "Width of the gates' hidden layers.");

static PEPNET_SIGNATURE: Signature = Signature {
    name: "pepnet",
    docs: "The input, gated by a domain; then a network per task whose layers' inputs are gated by a prior on user and item. A gate is twice a \
           sigmoid, and learns from the input without teaching it (Chang et al., KDD 2023).",
    positional: 0,
    parameters: &[
        Parameter::required("domain", Shape::Input, "What gates the input, such as the context."),
        Parameter::required("prior", Shape::Input, "What gates the layers, such as user and item ids."),
        LAYERS,
        GATE_HIDDEN,
        ACTIVATION,
        DROPOUT,
        NORM,
    ],
};

static POSO_SIGNATURE: Signature = Signature {
    name: "poso",
    docs: "Fully connected layers, each multiplied by a gate on what tells users apart, twice a sigmoid (Wang et al., 2021).",
    positional: 0,
    parameters: &[
        Parameter::required("gate", Shape::Input, "What the gates read, such as how active a user is."),
        LAYERS,
        GATE_HIDDEN,
        ACTIVATION,
        DROPOUT,
        NORM,
    ],
};

/// `vec` to `each vec`.
fn pepnet_result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    vec_option(call, "domain", sink)?;
    vec_option(call, "prior", sink)?;
    numbers(&call.options, "layers").last().map(|width| Type::EachVec(width.value as usize))
}

/// `vec` to `vec`.
fn poso_result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    vec_option(call, "gate", sink)?;
    numbers(&call.options, "layers").last().map(|width| Type::Vec(width.value as usize))
}

fn vec_option(call: &Call, name: &str, sink: &mut Vec<Diagnostic>) -> Option<()> {
    let value = input(call, name)?;
    if let Type::Vec(_) = value.ty {
        return Some(());
    }
    sink.push(diagnostic!(
        TypeMismatch, value.span, "`{name}` of `{}` is a `vec`, but this is `{}`", call.construct, value.ty;
        label(call.name_span): "its gates read one vector for all tasks"; help: "give it features: `{name}: context`"
    ));
    None
}

/// `2 sigmoid(relu(u W) W')`, as wide as what it gates.
fn gate(part: &str, members: &[Member], read: NodeId, hidden: &Size, width: Size, scope: &mut Scope) -> NodeId {
    let value = scope.linear(&format!("{part}_hidden"), None, members, read, hidden.clone(), true);
    let value = scope.activate(part, Activation::Relu, value);
    let own: Vec<Member> = members.iter().map(|member| Member { slot: Slot::Own, ..member.clone() }).collect();
    let value = scope.linear(part, None, &own, value, width, true);
    let value = scope.activate(part, Activation::Sigmoid, value);
    scope.affine(part, value, Scale::Constant(2.0), 0.0)
}

fn lower_pepnet(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let input = inputs[0].value;
    let (domain, prior) = (inputs[input_position(call, "domain")].value, inputs[input_position(call, "prior")].value);
    let tasks = scope.copies(&inputs[0]).unwrap_or_else(|| scope.tasks());
    let hidden = scope.count("gate_hidden", "Width of the gates' hidden layers.", number(&call.options, "gate_hidden"));
    let layers = Layers::of_block(&call.options, 1, scope);

    let width = scope.shape(input).width.clone();
    let still = scope.stop("still_input", input);
    let read = scope.concat("domain_gate_input", vec![domain, still]);
    let domain_gate = gate("domain_gate", &[Member::shared(Slot::Own)], read, &hidden, width, scope);
    let gated = scope.multiply("personal_input", domain_gate, input);

    let still = scope.stop("still_gated", gated);
    let read = scope.concat("prior_gate_input", vec![prior, still]);
    let members: Vec<Member> = scope.members_of(&tasks, &inputs[0]);
    let mut value = gated;
    for layer in 1..=layers.widths().len() {
        let width = scope.shape(value).width.clone();
        let prior_gate = gate(&format!("gate_{layer}"), &members, read, &hidden, width, scope);
        let gated = scope.multiply("gated", prior_gate, value);
        value = layers.apply_one(layer, "hidden", &members, gated, scope);
    }
    Stream { value, tasks: Some(tasks) }
}

fn lower_poso(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let read = inputs[input_position(call, "gate")].value;
    let tasks = scope.copies(&inputs[0]);
    let members = match &tasks {
        Some(tasks) => scope.members_of(tasks, &inputs[0]),
        None => vec![Member::shared(Slot::Own)],
    };
    let hidden = scope.count("gate_hidden", "Width of the gates' hidden layers.", number(&call.options, "gate_hidden"));
    let layers = Layers::of_block(&call.options, 1, scope);
    let mut value = inputs[0].value;
    for layer in 1..=layers.widths().len() {
        value = layers.apply_one(layer, "hidden", &members, value, scope);
        let width = layers.widths()[layer - 1].clone();
        let gate = gate(&format!("gate_{layer}"), &members, read, &hidden, width, scope);
        value = scope.multiply("gated", gate, value);
    }
    Stream { value, tasks }
}
