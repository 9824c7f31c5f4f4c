//! `fm`: the pairwise term of factorisation machines, and `deepfm`, the same beside a deep network.

use super::mlp::{ACTIVATION, DROPOUT, Layers, NORM, numbers};
use super::{Construct, Context, Reads, fields_input};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::{Choice, NodeId, Scale, Size};
use crate::lower::{Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `fm(user, item)`.
pub static FM: Construct = Construct { signature: &FM_SIGNATURE, reads: Reads::Fields, result: as_wide_as_a_field, template: None, lower: lower_fm };

/// `deepfm(user, item, hidden: [64])`.
pub static DEEPFM: Construct =
    Construct { signature: &DEEPFM_SIGNATURE, reads: Reads::Fields, result: deepfm_result, template: None, lower: lower_deepfm };

static FM_SIGNATURE: Signature = Signature {
    name: "fm",
    docs: "The products of all pairs of fields, summed: half of the squared sum minus the sum of squares, as a vector; its columns sum to the \
           second-order term of a factorisation machine (Rendle, ICDM 2010).",
    positional: 0,
    parameters: &[],
};

static DEEPFM_SIGNATURE: Signature = Signature {
    name: "deepfm",
    docs: "`fm` beside fully connected layers on the fields, side by side; `wide` is its first-order part (Guo et al., IJCAI 2017).",
    positional: 0,
    parameters: &[
        Parameter::required("hidden", Shape::Widths, "Widths of the deep part's layers."),
        ACTIVATION,
        DROPOUT,
        NORM,
    ],
};

fn as_wide_as_a_field(call: &Call, _: &Context, _: &mut Vec<Diagnostic>) -> Option<Type> {
    Some(Type::Vec(fields_input(call).1))
}

fn deepfm_result(call: &Call, _: &Context, _: &mut Vec<Diagnostic>) -> Option<Type> {
    let deep = numbers(&call.options, "hidden").last()?.value as usize;
    Some(Type::Vec(fields_input(call).1 + deep))
}

fn lower_fm(_: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    Stream { value: pairs(inputs[0].value, scope), tasks: None }
}

/// `((sum_f v_f)^2 - sum_f v_f^2) / 2`.
fn pairs(fields: NodeId, scope: &mut Scope) -> NodeId {
    let sum = scope.gather("sum", fields, Choice::All);
    let of_sum = scope.multiply("square_of_sum", sum, sum);
    let squares = scope.multiply("squares", fields, fields);
    let of_each = scope.gather("sum_of_squares", squares, Choice::All);
    let minus = scope.affine("minus", of_each, Scale::Constant(-1.0), 0.0);
    let both = scope.add("pairs_twice", vec![of_sum, minus]);
    scope.affine("pairs", both, Scale::Constant(0.5), 0.0)
}

fn lower_deepfm(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let fields = inputs[0].value;
    let pairs = pairs(fields, scope);
    let layers = Layers::read(&call.options, "", scope);
    let flat = Stream { value: scope.reshape("flat", fields, Size::constant(1)), tasks: None };
    let tasks = scope.copies(&flat);
    let members = match &tasks {
        Some(tasks) => scope.members_of(tasks, &flat),
        None => vec![crate::lower::Member::shared(crate::ir::Slot::Own)],
    };
    let deep = layers.apply("hidden", &members, flat.value, scope);
    Stream { value: scope.concat("deepfm", vec![pairs, deep]), tasks }
}
