//! `mtan`: a shared trunk, of whose layers each task sees what its mask lets through (Liu et al., CVPR 2019).

use super::mlp::{ACTIVATION, DROPOUT, LAYERS, Layers, NORM, numbers};
use super::{Construct, Context, Reads, number, vec_input};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::{Activation, Slot};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Range, Signature};

/// `mtan(x, layers: [256, 128])`.
pub static MTAN: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "mtan",
    docs: "A shared stack of layers; each task multiplies every layer by a mask, a small network on that layer and on what the task saw of the \
           layer below (Liu et al., CVPR 2019).",
    positional: 0,
    parameters: &[
        LAYERS,
        Parameter::number("mask", Range::SIZE, 32.0, "Width of the masks' hidden layers."),
        ACTIVATION,
        DROPOUT,
        NORM,
    ],
};

/// `vec` to `each vec`.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    numbers(&call.options, "layers").last().map(|width| Type::EachVec(width.value as usize))
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let tasks = scope.copies(&inputs[0]).unwrap_or_else(|| scope.tasks());
    let hidden = scope.count("mask", "Width of the masks' hidden layers.", number(&call.options, "mask"));
    let layers = Layers::of_block(&call.options, 1, scope);
    let members: Vec<Member> = tasks.iter().map(|task| Member { owner: Owner::Task(*task), count: None, slot: Slot::Own }).collect();
    let mut trunk = inputs[0].value;
    let mut seen = None;
    for layer in 1..=layers.widths().len() {
        trunk = layers.apply_one(layer, "hidden", &[Member::shared(Slot::Own)], trunk, scope);
        let read = match seen {
            None => trunk,
            Some(seen) => scope.concat("mask_input", vec![trunk, seen]),
        };
        let mask = scope.linear("mask_hidden", Some(layer), &members, read, hidden.clone(), true);
        let mask = scope.activate("mask_hidden", Activation::Relu, mask);
        let mask = scope.linear("mask", Some(layer), &members, mask, layers.widths()[layer - 1].clone(), true);
        let mask = scope.activate("mask", Activation::Sigmoid, mask);
        seen = Some(scope.multiply("seen", mask, trunk));
    }
    Stream { value: seen.unwrap_or(trunk), tasks: Some(tasks) }
}
