//! `cross_stitch`: a network per task whose activations are mixed after every layer (Misra et al., CVPR 2016).

use super::mlp::{ACTIVATION, DROPOUT, LAYERS, Layers, NORM, numbers};
use super::{Construct, Context, Reads, maybe_number, number, vector_input, word};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Number, Type};
use crate::ir::{Choice, Scale, Size, Slot, ValueInit};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `cross_stitch(x, layers: [256, 128], own: 0.9)`.
pub static CROSS_STITCH: Construct =
    Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

/// What a task keeps of its own at the start.
pub(super) const OWN: Parameter =
    Parameter::number("own", Range::ANY, 0.9, "The weight of a task's own activations at the start.");
/// What it takes from others at the start.
pub(super) const OTHER: Parameter = Parameter::optional(
    "other",
    Shape::Number(Range::ANY),
    "The weight of each other task's activations at the start; what `own` leaves, in equal parts, when left out.",
);

static SIGNATURE: Signature = Signature {
    name: "cross_stitch",
    docs: "A network for each task; after every layer each task's activations become a trained mixture of all tasks' (Misra et al., CVPR \
           2016).",
    positional: 0,
    parameters: &[
        LAYERS,
        OWN,
        OTHER,
        Parameter::word(
            "units",
            &["layer", "each"],
            "layer",
            "One weight for a layer's pair of tasks, or one for each unit.",
        ),
        ACTIVATION,
        DROPOUT,
        NORM,
    ],
};

/// `vec` or `each vec` to `each vec`.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vector_input(call, sink)?;
    numbers(&call.options, "layers").last().map(|width| Type::EachVec(width.value as usize))
}

/// The starts of a stitch between so many streams, as fields of the configuration.
pub(super) fn starts(call: &Call, streams: usize, scope: &mut Scope) -> (Scale, Scale) {
    let own = number(&call.options, "own");
    // As a person would write it: without the last digits of the division.
    let rest = ((1.0 - own.value) / (streams as f64 - 1.0).max(1.0) * 1e9).round() / 1e9;
    let other = maybe_number(&call.options, "other").unwrap_or(Number { value: rest, span: own.span });
    let own = scope.real("own", "The weight of a stream's own activations at the start.", own);
    (own, scope.real("other", "The weight of each other stream's activations at the start.", other))
}

/// One group of maps per layer, and a mixture behind it. A single task has nothing to mix.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let input = &inputs[0];
    let tasks = scope.copies(input).unwrap_or_else(|| scope.tasks());
    let layers = Layers::of_block(&call.options, 1, scope);
    let starts = (tasks.len() > 1).then(|| starts(call, tasks.len(), scope));
    let each_unit = word(&call.options, "units") == "each";
    let mut members = scope.members_of(&tasks, input);
    let mut value = input.value;
    for layer in 1..=layers.widths().len() {
        value = layers.apply_one(layer, "hidden", &members, value, scope);
        members.iter_mut().for_each(|member| member.slot = Slot::Own);
        let Some((own, other)) = &starts else { continue };
        let (part, width) = (format!("stitch_{layer}"), layers.widths()[layer - 1].clone());
        let init = ValueInit::Diagonal { own: own.clone(), other: other.clone(), units: each_unit };
        let count = Size::constant(tasks.len());
        value = match each_unit {
            false => {
                let stitch = scope.value(&part, &members, count, init);
                scope.mix("stitched", stitch, value, Choice::All)
            }
            true => {
                let pairs = pairs(&tasks, scope);
                let stitch = scope.value(&part, &pairs, width, init);
                let given = scope.stack("given", vec![value; tasks.len()]);
                let weighted = scope.multiply("weighted", stitch, given);
                let own = scope.own_and_shared(count.clone(), count, Size::constant(0));
                scope.gather("stitched", weighted, own)
            }
        };
    }
    Stream { value, tasks: Some(tasks) }
}

/// What each task takes from each: `click_from_like`.
fn pairs(tasks: &[usize], scope: &Scope) -> Vec<Member> {
    let pair = |to: usize, from: usize| {
        let name = format!("{}_from_{}", scope.task_name(to), scope.task_name(from));
        Member { owner: Owner::Named(name), count: None, slot: Slot::Own }
    };
    tasks.iter().flat_map(|to| tasks.iter().map(move |from| (*to, *from))).map(|(to, from)| pair(to, from)).collect()
}
