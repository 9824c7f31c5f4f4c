//! `dcn`: cross layers, full or of low rank (Wang et al., WWW 2021).

use super::{Construct, Context, Reads, maybe_number, number, vector_input};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::Slot;
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `dcn(x, layers: 3, rank: 32)`.
pub static DCN: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "dcn",
    docs: "Cross layers, `x0 * (W x + b) + x`, as wide as their input; with `rank`, `W` is a product of two narrow matrices (DCN-v2, Wang et \
           al., WWW 2021).",
    positional: 0,
    parameters: &[
        Parameter::number("layers", Range::SIZE, 3.0, "Cross layers."),
        Parameter::optional("rank", Shape::Number(Range::SIZE), "Rank of `W`; full when left out."),
    ],
};

/// As its input.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vector_input(call, sink)?;
    Some(call.inputs[0].ty)
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let input = &inputs[0];
    let tasks = scope.copies(input);
    let mut members = match &tasks {
        Some(tasks) => scope.members_of(tasks, input),
        None => vec![Member::shared(Slot::Own)],
    };
    let rank = maybe_number(&call.options, "rank").map(|rank| scope.count("rank", "Rank of the cross layers' matrices.", rank));
    // One order of slots for `x0` and the layers.
    let start = match &tasks {
        Some(tasks) => scope.of_tasks(input, tasks),
        None => input.value,
    };
    if tasks.is_some() && input.tasks.is_some() {
        members.iter_mut().for_each(|member| member.slot = Slot::Own);
    }
    let width = scope.shape(start).width.clone();
    let mut value = start;
    for layer in 1..=number(&call.options, "layers").value as usize {
        let mapped = match &rank {
            None => scope.linear("cross", Some(layer), &members, value, width.clone(), true),
            Some(rank) => {
                let down = scope.linear("down", Some(layer), &members, value, rank.clone(), false);
                members.iter_mut().for_each(|member| member.slot = Slot::Own);
                scope.linear("up", Some(layer), &members, down, width.clone(), true)
            }
        };
        members.iter_mut().for_each(|member| member.slot = Slot::Own);
        let crossed = scope.multiply("crossed", start, mapped);
        value = scope.add("cross", vec![crossed, value]);
    }
    Stream { value, tasks }
}
