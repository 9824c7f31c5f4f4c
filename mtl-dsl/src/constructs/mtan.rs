//! `mtan`: a shared trunk under masks of each task (Liu et al., CVPR 2019).

use super::mlp::numbers;
use super::{Construct, Context, Reads, vec_input};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::Activation;
use crate::lower::{Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `mtan(x, [64, 32])`.
pub static MTAN: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "mtan",
    docs: "A trunk of fully connected layers that all tasks share; each task masks what each layer makes, by a mask that reads the \
           layer and what the task took from the layer below (Liu, Johns and Davison, \"End-to-End Multi-Task Learning with \
           Attention\", CVPR 2019, with layers in place of convolutions).",
    positional: 1,
    parameters: &[Parameter::required("layers", Shape::Widths, "Widths of the layers; each is followed by a relu.")],
};

/// `vec` to `each vec`, as wide as the last layer.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    numbers(&call.options, "layers").last().map(|width| Type::EachVec(width.value as usize))
}

/// One trunk, in a tower one per task; two layers per task and layer make the mask.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let widths = scope.widths("layers", "Widths of the layers.", numbers(&call.options, "layers"));
    let copies = scope.copies(&inputs[0]);
    let (mut trunk, shared) = scope.own_members(&inputs[0], copies.as_deref());
    let tasks = copies.unwrap_or_else(|| scope.tasks());
    let own = scope.own_members(&inputs[0], Some(&tasks)).1;
    let mut taken = None;
    for (width, layer) in widths.into_iter().zip(1..) {
        let mapped = scope.linear("trunk", Some(layer), &shared, trunk, width.clone(), true);
        trunk = scope.activate("trunk", Activation::Relu, mapped);
        let read = match taken {
            Some(below) => scope.concat("trunk_and_taken", vec![trunk, below]),
            None => trunk,
        };
        let inner = scope.linear("mask_hidden", Some(layer), &own, read, width.clone(), true);
        let inner = scope.activate("mask_hidden", Activation::Relu, inner);
        let mask = scope.linear("mask", Some(layer), &own, inner, width, true);
        let mask = scope.activate("mask", Activation::Sigmoid, mask);
        taken = Some(scope.multiply("taken", mask, trunk));
    }
    Stream { value: taken.unwrap_or(trunk), tasks: Some(tasks) }
}
