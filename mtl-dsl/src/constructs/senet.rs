//! `senet`: fields scaled by their importance (FiBiNET: Huang et al., RecSys 2019).

use super::{Construct, Context, Reads, fields_input, number, several_fields, word};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::{Activation, Size, Slot};
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Parameter, Range, Signature};

/// `senet(user, item, ratio: 3)`.
pub static SENET: Construct = Construct { signature: &SIGNATURE, reads: Reads::Fields, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "senet",
    docs: "Each field times a number that two layers make of the means of all fields (Huang, Zhang and Zhang, \"FiBiNET\", RecSys \
           2019).",
    positional: 0,
    parameters: &[
        Parameter::number(
            "ratio",
            Range::SIZE,
            3.0,
            "Fields for each column of the layer between; it has at least one.",
        ),
        Parameter::word(
            "activation",
            &["relu", "sigmoid"],
            "relu",
            "Of the numbers: `relu`, as the paper, can silence a field for ever; `sigmoid` cannot.",
        ),
    ],
};

/// As its input.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    several_fields(call, sink)?;
    Some(call.inputs[0].ty)
}

/// Fields have no slots for tasks, so all tasks of a tower's line share the layers.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let fields = inputs[0].value;
    let count = fields_input(call).0;
    let reduced = (count / number(&call.options, "ratio").value as usize).max(1);
    let shared = [Member::shared(Slot::Own)];
    let means = scope.mean_width("means", fields);
    let means = scope.transpose("means", means);
    let inner = scope.linear("squeeze", None, &shared, means, Size::constant(reduced), true);
    let inner = scope.activate("squeeze", Activation::Relu, inner);
    let scales = scope.linear("excite", None, &shared, inner, Size::constant(count), true);
    let scales = scope.activate("excite", Activation::from_word(word(&call.options, "activation")), scales);
    let scales = scope.transpose("scales", scales);
    Stream { value: scope.multiply("scaled", scales, fields), tasks: None }
}
