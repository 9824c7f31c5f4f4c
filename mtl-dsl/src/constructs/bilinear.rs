//! `bilinear`: products of pairs of fields under a matrix (FiBiNET: Huang et al., RecSys 2019).

use super::{Construct, Context, Reads, fields_input, several_fields, word};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::{NodeId, Size, Slot};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Signature};

/// `bilinear(user, item, weights: each)`.
pub static BILINEAR: Construct =
    Construct { signature: &SIGNATURE, reads: Reads::Fields, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "bilinear",
    docs: "For each pair of fields the first times a matrix, times the second element by element, as fields (Huang, Zhang and Zhang, \
           \"FiBiNET\", RecSys 2019).",
    positional: 0,
    parameters: &[Parameter::word(
        "weights",
        &["shared", "each", "pairs"],
        "shared",
        "One matrix for all pairs, one for each first field, or one for each pair.",
    )],
};

/// A field for each pair.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    several_fields(call, sink)?;
    let (count, width) = fields_input(call);
    Some(Type::Fields { count: count * (count - 1) / 2, width })
}

/// Fields have no slots for tasks, so all tasks of a tower's line share the matrices.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let (fields, count) = (inputs[0].value, fields_input(call).0);
    let pairs: Vec<(usize, usize)> = (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j))).collect();
    let (firsts, seconds): (Vec<usize>, Vec<usize>) = pairs.into_iter().unzip();
    let group = |size| [Member { owner: Owner::All, count: Some(Size::constant(size)), slot: Slot::Own }];
    let map = |scope: &mut Scope, members: &[Member], input: NodeId| {
        let width = scope.shape(input).width.clone();
        scope.linear("pair", None, members, input, width, false)
    };
    let left = match word(&call.options, "weights") {
        "pairs" => {
            let size = firsts.len();
            let left = scope.select("firsts", fields, firsts);
            map(scope, &group(size), left)
        }
        weights => {
            // The last field comes first in no pair.
            let fields = scope.select("fields", fields, (0..count - 1).collect());
            let mapped = match weights {
                "each" => map(scope, &group(count - 1), fields),
                _ => map(scope, &[Member::shared(Slot::Every)], fields),
            };
            scope.select("firsts", mapped, firsts)
        }
    };
    let right = scope.select("seconds", fields, seconds);
    Stream { value: scope.multiply("pairs", left, right), tasks: None }
}
