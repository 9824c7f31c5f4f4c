//! `fm`: the interactions of a factorisation machine (Rendle, ICDM 2010).

use super::{Construct, Context, Reads, fields_input, several_fields};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::{Choice, NodeId, Scale};
use crate::lower::{Scope, Stream};
use crate::schema::Signature;

/// `fm(user, item)`.
pub static FM: Construct = Construct { signature: &SIGNATURE, reads: Reads::Fields, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "fm",
    docs: "The sum of the products, element by element, of each pair of fields: half of the squared sum less the sum of squares. Its \
           columns add up to the pairs' term of a factorisation machine (Rendle, \"Factorization Machines\", ICDM 2010).",
    positional: 0,
    parameters: &[],
};

/// As wide as a field.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    several_fields(call, sink)?;
    Some(Type::Vec(fields_input(call).1))
}

fn lower(_: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    Stream { value: interactions(inputs[0].value, scope), tasks: None }
}

/// The sum over pairs of fields of their products, in time linear in the fields.
pub(super) fn interactions(fields: NodeId, scope: &mut Scope) -> NodeId {
    let sum = scope.gather("sum", fields, Choice::All);
    let squared_sum = scope.multiply("squared_sum", sum, sum);
    let squares = scope.multiply("squares", fields, fields);
    let squares = scope.gather("sum_of_squares", squares, Choice::All);
    let less = scope.affine("less", squares, Scale::Constant(-1.0), 0.0);
    let twice = scope.add("twice", vec![squared_sum, less]);
    scope.affine("interactions", twice, Scale::Constant(0.5), 0.0)
}
