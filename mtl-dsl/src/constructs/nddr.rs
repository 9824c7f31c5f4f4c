//! `nddr`: every task's layer reads all tasks' activations, reduced to its own width (Gao et al., CVPR 2019).

use super::cross_stitch::{OTHER, OWN, starts};
use super::mlp::{ACTIVATION, DROPOUT, LAYERS, Layers, numbers};
use super::{Construct, Context, Reads, vector_input, word};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::{LinearStart, Size, Slot};
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Parameter, Signature};

/// `nddr(x, layers: [256, 128], own: 0.9)`.
pub static NDDR: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "nddr",
    docs: "A network for each task; after every layer each task's activations become a linear map of all tasks', which starts as a weighted \
           sum, and are normalised (Gao et al., CVPR 2019; layer norm instead of batch norm).",
    positional: 0,
    parameters: &[
        LAYERS,
        OWN,
        OTHER,
        ACTIVATION,
        DROPOUT,
        Parameter::word("norm", &["layer", "none"], "layer", "Normalisation behind each fusion."),
    ],
};

/// `vec` or `each vec` to `each vec`.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vector_input(call, sink)?;
    numbers(&call.options, "layers").last().map(|width| Type::EachVec(width.value as usize))
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let input = &inputs[0];
    let tasks = scope.copies(input).unwrap_or_else(|| scope.tasks());
    let norm = word(&call.options, "norm") == "layer";
    let layers = Layers::of_block(&call.options, 1, scope).without_norm();
    let starts = (tasks.len() > 1).then(|| starts(call, tasks.len(), scope));
    let mut members = scope.members_of(&tasks, input);
    let mut value = input.value;
    for layer in 1..=layers.widths().len() {
        value = layers.apply_one(layer, "hidden", &members, value, scope);
        members.iter_mut().for_each(|member| member.slot = Slot::Own);
        let Some((own, other)) = &starts else { continue };
        let all = scope.reshape("all", value, Size::constant(1));
        let start = LinearStart::Blocks { own: own.clone(), other: other.clone() };
        let width = layers.widths()[layer - 1].clone();
        value = scope.linear_from("fusion", Some(layer), &members as &[Member], all, width, true, start);
        if norm {
            value = scope.norm("fusion", layer, value);
        }
    }
    Stream { value, tasks: Some(tasks) }
}
