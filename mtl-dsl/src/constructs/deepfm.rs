//! `deepfm`: a factorisation machine beside layers (Guo et al., IJCAI 2017).

use super::mlp::{Layers, numbers};
use super::{Construct, Context, Reads, fields_input, fm, several_fields};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::{Activation, Size};
use crate::lower::{Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `deepfm(user, item, hidden: [64])`.
pub static DEEPFM: Construct = Construct { signature: &SIGNATURE, reads: Reads::Fields, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "deepfm",
    docs: "The interactions of `fm` beside fully connected layers over the same fields (Guo et al., \"DeepFM\", IJCAI 2017). The linear \
           part of the paper is a summand of the tower: `tower each = deepfm(user, item, hidden: [64]) + wide(user, item);`.",
    positional: 0,
    parameters: &[Parameter::required("hidden", Shape::Widths, "Widths of the layers; each is followed by a relu.")],
};

/// As wide as a field and the last layer.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    several_fields(call, sink)?;
    let last = numbers(&call.options, "hidden").last().map_or(0, |width| width.value as usize);
    Some(Type::Vec(fields_input(call).1 + last))
}

/// The interactions have no parameters; the layers are one block, or in a tower one per task.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let widths = scope.widths("hidden", "Widths of the layers.", numbers(&call.options, "hidden"));
    let interactions = fm::interactions(inputs[0].value, scope);
    let flat = Stream { value: scope.reshape("flat", inputs[0].value, Size::constant(1)), tasks: None };
    let tasks = scope.copies(&flat);
    let (flat, members) = scope.own_members(&flat, tasks.as_deref());
    let deep = Layers::of(widths, Activation::Relu).apply("hidden", &members, flat, scope);
    Stream { value: scope.concat("deepfm", vec![interactions, deep]), tasks }
}
