//! `din`: a sequence pooled by how much each of its places has to do with a query (Zhou et al., KDD 2018).

use super::mlp::numbers;
use super::{Construct, Context, Reads, input, input_position, word};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, ExprKind, Type};
use crate::ir::{Activation, Choice, Scale, Size};
use crate::lower::{Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `din(history, query: video_id, hidden: [40])`.
pub static DIN: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "din",
    docs: "The places of a sequence, weighed by a small network on the place, the query, their difference and their product, and summed; the \
           weights are no softmax, and an empty sequence gives zeros (Zhou et al., KDD 2018).",
    positional: 0,
    parameters: &[
        Parameter::required("query", Shape::Input, "What the places are compared with, as wide as they are."),
        Parameter::required("hidden", Shape::Widths, "Widths of the weighing network's layers."),
        Parameter::word(
            "activation",
            &["relu", "gelu", "tanh", "sigmoid", "leaky_relu", "swish"],
            "sigmoid",
            "Applied after every layer of the weighing network.",
        ),
    ],
};

/// `seq` and `vec` of one width to `vec`.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    let sequence = &call.inputs[0];
    let (Type::Seq { width, .. }, ExprKind::Input(..)) = (sequence.ty, &sequence.kind) else {
        sink.push(diagnostic!(
            TypeMismatch, sequence.span, "`din` reads a sequence, but this is `{}`", sequence.ty;
            label(call.name_span): "reads a feature that is a sequence";
            help: "declare it with `ids(..., pool: none)` and write its name here"
        ));
        return None;
    };
    let query = input(call, "query")?;
    if query.ty != Type::Vec(width) {
        sink.push(diagnostic!(
            TypeMismatch, query.span, "the query is `{}`, and the sequence is `{}`", query.ty, sequence.ty;
            label(sequence.span): "each place is {width} wide"; help: "give it a `vec` as wide as a place, such as the id whose table the sequence shares"
        ));
        return None;
    }
    Some(Type::Vec(width))
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let places = inputs[0].value;
    let query = inputs[input_position(call, "query")].value;
    let mask = scope.mask_of(&call.inputs[0]);
    let minus = scope.affine("minus", places, Scale::Constant(-1.0), 0.0);
    let difference = scope.add("difference", vec![query, minus]);
    let product = scope.multiply("product", query, places);
    let mut value = scope.concat("compared", vec![query, places, difference, product]);
    let widths = scope.widths("hidden", "Widths of the weighing network's layers.", numbers(&call.options, "hidden"));
    let activation = Activation::from_word(word(&call.options, "activation"));
    for (width, layer) in widths.into_iter().zip(1..) {
        value = scope.pointwise("hidden", Some(layer), value, width, true);
        value = scope.activate("hidden", activation, value);
    }
    let weights = scope.pointwise("weight", None, value, Size::constant(1), true);
    let weights = scope.transpose("weights", weights);
    let weights = scope.multiply("weights", weights, mask);
    Stream { value: scope.mix("pooled", weights, places, Choice::All), tasks: None }
}
