//! `dcn`: cross layers (DCN-v2: Wang et al., WWW 2021).

use super::{Construct, Context, Reads, number, option, vector_input};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type, Value};
use crate::lower::{Scope, Stream};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `dcn(x, layers: 3, rank: 32)`.
pub static DCN: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

/// Each layer is written out, so their number is small.
const LAYERS: Range = Range { high: 64.0, words: "a whole number from 1 to 64", ..Range::POSITIVE_WHOLE };

static SIGNATURE: Signature = Signature {
    name: "dcn",
    docs: "Cross layers: `x0 * (W x + b) + x`, element by element, on the input `x0` and what the layer below made of it (Wang et al., \
           \"DCN V2: Improved Deep & Cross Network\", WWW 2021). On a `vec` one block; on an `each vec` one block per task.",
    positional: 0,
    parameters: &[
        Parameter::number("layers", LAYERS, 3.0, "Cross layers."),
        Parameter::optional(
            "rank",
            Shape::Number(Range::SIZE),
            "Rank of the matrices `W = U V`; without it they are full.",
        ),
    ],
};

/// As its input.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vector_input(call, sink)?;
    Some(call.inputs[0].ty)
}

/// One block for all tasks, or one per task: in a tower, and on an `each vec`.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let rank = match option(&call.options, "rank") {
        Value::Number(rank) => Some(scope.count("rank", "Rank of the cross matrices.", *rank)),
        _ => None,
    };
    let tasks = scope.copies(&inputs[0]);
    let (start, members) = scope.own_members(&inputs[0], tasks.as_deref());
    let width = scope.shape(start).width.clone();
    let mut value = start;
    for layer in 1..=number(&call.options, "layers").value as usize {
        let below = value;
        if let Some(rank) = &rank {
            value = scope.linear("down", Some(layer), &members, value, rank.clone(), false);
        }
        value = scope.linear("cross", Some(layer), &members, value, width.clone(), true);
        let crossed = scope.multiply("crossed", start, value);
        value = scope.add("x", vec![crossed, below]);
    }
    Stream { value, tasks }
}
