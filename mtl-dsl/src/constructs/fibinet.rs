//! `senet` and `bilinear`: fields weighed by what all of them say, and bilinear products of their pairs (Huang et al., RecSys 2019).

use super::{Construct, Context, Reads, fields_input, number, word};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Number, Type};
use crate::ir::{Activation, Size, Slot};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Range, Signature};

/// `senet(user, item, ratio: 3)`.
pub static SENET: Construct =
    Construct { signature: &SENET_SIGNATURE, reads: Reads::Fields, result: senet_result, template: None, lower: lower_senet };

/// `bilinear(user, item, weights: shared)`.
pub static BILINEAR: Construct = Construct {
    signature: &BILINEAR_SIGNATURE,
    reads: Reads::Fields,
    result: bilinear_result,
    template: None,
    lower: lower_bilinear,
};

static SENET_SIGNATURE: Signature = Signature {
    name: "senet",
    docs: "Each field times a weight that two small layers make of the means of all fields (Huang et al., RecSys 2019).",
    positional: 0,
    parameters: &[
        Parameter::number("ratio", Range::POSITIVE, 3.0, "Fields over the width of the hidden layer."),
        Parameter::word("excitation", &["relu", "sigmoid"], "relu", "The nonlinearity of the weights; the paper's is `relu`."),
    ],
};

static BILINEAR_SIGNATURE: Signature = Signature {
    name: "bilinear",
    docs: "The products `(v_i W) * v_j` of all pairs of fields, side by side (Huang et al., RecSys 2019).",
    positional: 0,
    parameters: &[Parameter::word("weights", &["shared", "each", "pairs"], "shared", "One `W`, one for each field, or one for each pair.")],
};

fn senet_result(call: &Call, _: &Context, _: &mut Vec<Diagnostic>) -> Option<Type> {
    Some(call.inputs[0].ty)
}

fn bilinear_result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    let (count, width) = fields_input(call);
    if count < 2 {
        sink.push(crate::diagnostic::diagnostic!(
            TypeMismatch, call.inputs[0].span, "`bilinear` multiplies pairs of fields, but this is `{}`", call.inputs[0].ty;
            help: "give it two fields or more"
        ));
        return None;
    }
    Some(Type::Vec(count * (count - 1) / 2 * width))
}

fn lower_senet(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let fields = inputs[0].value;
    let (count, _) = fields_input(call);
    let ratio = number(&call.options, "ratio");
    let hidden = Number { value: (count as f64 / ratio.value).ceil().max(1.0), ..ratio };
    let hidden = scope.count("squeezed", "Width of the hidden layer between the fields' means and their weights.", hidden);
    let one = [Member::shared(Slot::Own)];
    let means = scope.mean_width("means", fields);
    let means = scope.reshape("squeezed", means, Size::constant(1));
    let squeezed = scope.linear("squeeze", None, &one, means, hidden, true);
    let squeezed = scope.activate("squeeze", Activation::Relu, squeezed);
    let weights = scope.linear("excite", None, &one, squeezed, Size::constant(count), true);
    let weights = scope.activate("excite", Activation::from_word(word(&call.options, "excitation")), weights);
    let weights = scope.reshape("weights", weights, Size::constant(count));
    Stream { value: scope.multiply("weighted", weights, fields), tasks: None }
}

fn lower_bilinear(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let fields = inputs[0].value;
    let (count, _) = fields_input(call);
    let width = scope.shape(fields).width.clone();
    let pairs: Vec<(usize, usize)> = (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j))).collect();
    let named = |name: String, slot| Member { owner: Owner::Named(name), count: None, slot: Slot::At(slot) };
    let first = |mapped, scope: &mut Scope| scope.select("first", mapped, pairs.iter().map(|(i, _)| *i).collect());
    let first = match word(&call.options, "weights") {
        "pairs" => {
            let members: Vec<Member> = pairs.iter().map(|(i, j)| named(format!("{i}_{j}"), *i)).collect();
            scope.linear("bilinear", None, &members, fields, width, false)
        }
        "each" => {
            let members: Vec<Member> = (0..count).map(|i| named(i.to_string(), i)).collect();
            let mapped = scope.linear("bilinear", None, &members, fields, width, false);
            first(mapped, scope)
        }
        _ => {
            let mapped = scope.pointwise("bilinear", None, fields, width, false);
            first(mapped, scope)
        }
    };
    let second = scope.select("second", fields, pairs.iter().map(|(_, j)| *j).collect());
    let products = scope.multiply("products", first, second);
    Stream { value: scope.reshape("bilinear", products, Size::constant(1)), tasks: None }
}
