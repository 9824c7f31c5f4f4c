//! `stop`: a value through which no gradient flows.

use super::{Construct, Context, Reads};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::lower::{Scope, Stream};
use crate::schema::Signature;

/// `stop(x)`.
pub static STOP: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "stop",
    docs: "Its input, as it is; what made the input learns nothing from here.",
    positional: 0,
    parameters: &[],
};

/// As its input.
fn result(call: &Call, _: &Context, _: &mut Vec<Diagnostic>) -> Option<Type> {
    Some(call.inputs[0].ty)
}

fn lower(_: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    Stream { value: scope.stop("stopped", inputs[0].value), ..inputs[0].clone() }
}
