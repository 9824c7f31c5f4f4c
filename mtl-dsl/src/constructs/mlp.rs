//! `mlp`: a stack of fully connected layers.

use super::{Construct, Options, option};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type, Value};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `mlp(x, [256, 128])`.
pub static MLP: Construct =
    Construct { signature: &SIGNATURE, result, template: Some(width) };

static SIGNATURE: Signature = Signature {
    name: "mlp",
    docs: "Fully connected layers. On a `vec` one block; on an `each vec` one block per task. Every layer, the last one too, is \
           linear, then norm, activation and dropout.",
    positional: 1,
    parameters: &[
        Parameter::required("hidden", Shape::Widths, "Widths of the layers."),
        Parameter::word(
            "activation",
            &["relu", "gelu", "tanh", "sigmoid", "leaky_relu", "none"],
            "relu",
            "Applied after every layer.",
        ),
        Parameter::number("dropout", Range::BELOW_ONE, 0.0, "Share of the activations set to 0 while training."),
        Parameter::word("norm", &["none", "layer"], "none", "Normalisation between a layer and its activation."),
    ],
};

/// As its input, with the width of the last layer.
fn result(call: &Call, _: &mut Vec<Diagnostic>) -> Option<Type> {
    let width = width(&call.options);
    Some(match call.inputs[0].ty {
        Type::Vec(_) => Type::Vec(width),
        Type::EachVec(_) => Type::EachVec(width),
    })
}

fn width(options: &Options) -> usize {
    match option(options, "hidden") {
        Value::Numbers(widths) => widths.last().map_or(0, |width| width.value as usize),
        _ => 0,
    }
}
