//! `wide`: the linear part of Wide & Deep (Cheng et al., DLRS 2016).

use super::{Construct, Context, Reads};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::Size;
use crate::lower::{Member, Scope, Stream};
use crate::schema::Signature;

/// `wide(user, item)`. The checker writes this call itself: its inputs are the weights of the ids' values, a logit, and the
/// numbers, a vector.
pub static WIDE: Construct = Construct { signature: &SIGNATURE, reads: Reads::Fields, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "wide",
    docs: "A weight per task for each value of the features, which starts at 0: their sum is a summand of the tower's logit. A number \
           has one weight.",
    positional: 0,
    parameters: &[],
};

fn result(_: &Call, _: &Context, _: &mut Vec<Diagnostic>) -> Option<Type> {
    Some(Type::Logit)
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let tasks = scope.line_tasks();
    let mut parts = Vec::new();
    for (input, values) in inputs.iter().zip(&call.inputs) {
        parts.push(match values.ty {
            Type::Logit => {
                let own = scope.of_tasks(input, &tasks);
                scope.sum_width("wide", own)
            }
            _ => {
                let members: Vec<Member> = tasks.iter().map(|task| scope.member_of(*task, input)).collect();
                scope.linear("numbers", None, &members, input.value, Size::constant(1), false)
            }
        });
    }
    Stream { value: scope.add("wide", parts), tasks: Some(tasks) }
}
