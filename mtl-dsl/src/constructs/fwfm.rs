//! `fwfm`: fields and the inner products of their pairs, to be weighed by each task (Pan et al., KDD 2019).

use super::{Construct, Context, Reads, fields_input};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::Size;
use crate::lower::{Scope, Stream};
use crate::schema::Signature;

/// `fwfm(user, item)`.
pub static FWFM: Construct = Construct { signature: &SIGNATURE, reads: Reads::Fields, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "fwfm",
    docs: "The fields side by side, then the inner product of each pair. The output layer of a tower weighs them, so `tower each = fwfm(user, \
           item)` is the multi-task field-weighted factorisation machine (Pan et al., KDD 2019).",
    positional: 0,
    parameters: &[],
};

fn result(call: &Call, _: &Context, _: &mut Vec<Diagnostic>) -> Option<Type> {
    let (count, width) = fields_input(call);
    Some(Type::Vec(count * width + count * (count - 1) / 2))
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let fields = inputs[0].value;
    let flat = scope.reshape("flat", fields, Size::constant(1));
    // A single field has no pair.
    let value = match fields_input(call).0 {
        1 => flat,
        _ => {
            let dots = scope.pair_dots("dots", fields);
            scope.concat("fwfm", vec![flat, dots])
        }
    };
    Stream { value, tasks: None }
}
