//! `sluice`: cross-stitch between subspaces of the tasks' layers, and a mixture of the layers (Ruder et al., AAAI 2019).

use super::cross_stitch::{OTHER, OWN, starts};
use super::mlp::{ACTIVATION, DROPOUT, LAYERS, Layers, NORM, numbers};
use super::{Construct, Context, Reads, number, vector_input};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, Type};
use crate::ir::{Choice, Penalty, Pick, Size, Slot, ValueInit};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Range, Signature};

/// `sluice(x, layers: [256, 256], subspaces: 2, orthogonal: 0.01)`.
pub static SLUICE: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

/// Every subspace of a task is mixed with every other one, so their number is small.
const SUBSPACES: Range = Range { high: 64.0, ..Range::whole(1.0, "a whole number from 1 to 64") };

static SIGNATURE: Signature = Signature {
    name: "sluice",
    docs: "A network for each task, whose layers are split into subspaces that are mixed across tasks; a task reads a trained mixture of its \
           layers, which have one width (Ruder et al., AAAI 2019).",
    positional: 0,
    parameters: &[
        LAYERS,
        Parameter::number("subspaces", SUBSPACES, 2.0, "Subspaces of a layer; they divide its width."),
        Parameter::number(
            "orthogonal",
            Range::NOT_NEGATIVE,
            0.0,
            "Weight of the penalty that keeps the subspaces of a layer orthogonal.",
        ),
        OWN,
        OTHER,
        ACTIVATION,
        DROPOUT,
        NORM,
    ],
};

/// `vec` or `each vec` to `each vec`.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vector_input(call, sink)?;
    let widths = numbers(&call.options, "layers");
    let (first, rest) = widths.split_first()?;
    if let Some(other) = rest.iter().find(|width| width.value != first.value) {
        sink.push(diagnostic!(
            WidthMismatch, other.span, "`sluice` mixes its layers, so they have one width, but this is {}", other.value;
            label(first.span): "this is {}", first.value; help: "write `layers: [{0}, {0}]`", first.value
        ));
        return None;
    }
    let subspaces = number(&call.options, "subspaces");
    if first.value % subspaces.value != 0.0 {
        sink.push(diagnostic!(
            WidthMismatch, first.span, "{} subspaces do not divide a layer of {}", subspaces.value, first.value;
            help: "write a width that is a multiple of {}", subspaces.value
        ));
        return None;
    }
    let orthogonal = number(&call.options, "orthogonal");
    if orthogonal.value > 0.0 && subspaces.value == 1.0 {
        sink.push(diagnostic!(
            ConflictingOptions, orthogonal.span, "a single subspace is orthogonal to nothing, so `orthogonal` has no effect";
            label(subspaces.span): "one subspace"; help: "write `subspaces: 2`, or leave `orthogonal` out"
        ));
        return None;
    }
    Some(Type::EachVec(first.value as usize))
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let input = &inputs[0];
    let tasks = scope.copies(input).unwrap_or_else(|| scope.tasks());
    let subspaces = number(&call.options, "subspaces").value as usize;
    let layers = Layers::of_block(&call.options, subspaces, scope);
    let streams = tasks.len() * subspaces;
    let starts = (streams > 1).then(|| starts(call, streams, scope));
    let mut members = scope.members_of(&tasks, input);
    let subspaces_of: Vec<Member> = tasks
        .iter()
        .flat_map(|task| (0..subspaces).map(|g| format!("{}_{}", scope.task_name(*task), g)).collect::<Vec<_>>())
        .map(|name| Member { owner: Owner::Named(name), count: None, slot: Slot::Own })
        .collect();
    let mut value = input.value;
    let mut all = Vec::new();
    for layer in 1..=layers.widths().len() {
        value = layers.apply_one(layer, "hidden", &members, value, scope);
        members.iter_mut().for_each(|member| member.slot = Slot::Own);
        if let Some((own, other)) = &starts {
            let init = ValueInit::Diagonal { own: own.clone(), other: other.clone(), units: false };
            let alpha = scope.value(&format!("alpha_{layer}"), &subspaces_of, Size::constant(streams), init);
            let parts = scope.reshape("subspaces", value, Size::constant(streams));
            let mixed = scope.mix("mixed", alpha, parts, Choice::All);
            value = scope.reshape("stitched", mixed, Size::constant(tasks.len()));
        }
        all.push(value);
    }
    let count = Size::constant(all.len());
    if all.len() > 1 {
        let beta = scope.value("beta", &members, count.clone(), ValueInit::Constant(1.0 / all.len() as f64));
        let stacked = scope.stack("layers", all);
        let across = scope.choice("layer_choice", Size::constant(tasks.len()), Pick::Strided { count });
        value = scope.mix("layer_mixture", beta, stacked, across);
    }
    let orthogonal = number(&call.options, "orthogonal");
    if orthogonal.value > 0.0 {
        let weight =
            scope.real("orthogonal", "Weight of the penalty on subspaces that are not orthogonal.", orthogonal);
        let kind = Penalty::Orthogonal { params: scope.params("hidden"), subspaces };
        value = scope.penalty("orthogonal", kind, weight, vec![value]);
    }
    Stream { value, tasks: Some(tasks) }
}
