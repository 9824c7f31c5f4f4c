//! `fields`: features as vectors of one width, and `flatten`, one vector of them.

use super::{Construct, Context, Reads, fields_input};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::Size;
use crate::lower::{Member, Scope, Stream};
use crate::schema::Signature;

/// `fields(user, item)`. The checker writes this call itself, where numbers are among the features: its inputs are the ids, the
/// numbers of one column and those of two, each as fields.
pub static FIELDS: Construct = Construct {
    signature: &FIELDS_SIGNATURE,
    reads: Reads::Fields,
    result: as_read,
    template: None,
    lower: lower_fields,
};

/// `flatten(fields(user, item))`.
pub static FLATTEN: Construct = Construct {
    signature: &FLATTEN_SIGNATURE,
    reads: Reads::Fields,
    result: flat,
    template: None,
    lower: lower_flatten,
};

static FIELDS_SIGNATURE: Signature = Signature {
    name: "fields",
    docs: "Features as fields: one vector each, all of one width. A number `x` becomes the field `x w + b` with a trained `w` and `b`.",
    positional: 0,
    parameters: &[],
};

static FLATTEN_SIGNATURE: Signature =
    Signature { name: "flatten", docs: "Fields side by side, as one vector.", positional: 0, parameters: &[] };

fn as_read(call: &Call, _: &Context, _: &mut Vec<Diagnostic>) -> Option<Type> {
    Some(call.inputs[0].ty)
}

fn flat(call: &Call, _: &Context, _: &mut Vec<Diagnostic>) -> Option<Type> {
    let (count, width) = fields_input(call);
    Some(Type::Vec(count * width))
}

fn lower_fields(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let width = scope.shape(inputs[0].value).width.clone();
    let mut parts = vec![inputs[0].value];
    for (input, values) in inputs.iter().zip(&call.inputs).skip(1) {
        let Type::Fields { width: columns, .. } = values.ty else { unreachable!("numbers are read as fields") };
        let part = if columns == 1 { "numbers" } else { "numbers_or_missing" };
        let members: Vec<Member> = scope.named_members(&scope.feature_names(values));
        parts.push(scope.linear(part, None, &members, input.value, width.clone(), true));
    }
    Stream { value: scope.stack("fields", parts), tasks: None }
}

fn lower_flatten(_: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    Stream { value: scope.reshape("flat", inputs[0].value, Size::constant(1)), tasks: None }
}
