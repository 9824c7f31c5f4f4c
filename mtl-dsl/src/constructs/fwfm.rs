//! `fwfm`: fields and their inner products (Pan et al., WWW 2018; MT-FwFM: Pan et al., KDD 2019).

use super::{Construct, Context, Reads, fields_input, several_fields};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::Size;
use crate::lower::{Scope, Stream};
use crate::schema::Signature;

/// `fwfm(user, item)`.
pub static FWFM: Construct = Construct { signature: &SIGNATURE, reads: Reads::Fields, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "fwfm",
    docs: "The fields side by side, then the inner product of each pair. The output layer of `tower each = fwfm(...)` weighs both for \
           each task over shared embeddings: a field-weighted factorisation machine per task (Pan et al., \"Predicting Different Types \
           of Conversions with Multi-Task Learning in Online Advertising\", KDD 2019).",
    positional: 0,
    parameters: &[],
};

/// A column for each value of a field, and one for each pair of fields.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    several_fields(call, sink)?;
    let (count, width) = fields_input(call);
    Some(Type::Vec(count * width + count * (count - 1) / 2))
}

fn lower(_: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let flat = scope.reshape("flat", inputs[0].value, Size::constant(1));
    let pairs = scope.pair_dots("pairs", inputs[0].value);
    Stream { value: scope.concat("terms", vec![flat, pairs]), tasks: None }
}
