//! `din`: a sequence weighted by what is asked for (Zhou et al., KDD 2018).

use super::mlp::{Layers, numbers};
use super::{Construct, Context, Reads, input, shared_input, word};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, ExprKind, Type, View};
use crate::ir::{Activation, Choice, NodeId, Scale, Size, Slot};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `din(history, query: video_id, hidden: [40])`.
pub static DIN: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "din",
    docs: "The sum of a sequence's places, each weighted by layers that read the query, the place, their difference and their product \
           (Zhou et al., \"Deep Interest Network for Click-Through Rate Prediction\", KDD 2018). Places that hold nothing weigh 0.",
    positional: 0,
    parameters: &[
        Parameter::required("query", Shape::Input, "What is asked for: the item, as wide as a place."),
        Parameter::required(
            "hidden",
            Shape::Widths,
            "Widths of the layers under the weight; each is followed by a sigmoid.",
        ),
        Parameter::word(
            "weights",
            &["plain", "softmax"],
            "plain",
            "`plain` keeps the strength of an interest, as the paper; with `softmax` the weights add up to 1.",
        ),
    ],
};

/// A sequence to a `vec`, as wide as a place.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    let (sequence, position) = (&call.inputs[0], input(&call.options, "query"));
    let Type::Seq { width, .. } = sequence.ty else {
        sink.push(diagnostic!(
            TypeMismatch, sequence.span, "`din` reads a sequence, but this is `{}`", sequence.ty;
            label(call.name_span): "reads a feature place by place";
            help: "declare a feature `history: ids(share: video_id, max_len: 20, pool: none)` and read it"
        ));
        return None;
    };
    if !matches!(sequence.kind, ExprKind::Input(_, View::Sequence)) {
        sink.push(diagnostic!(
            TypeMismatch, sequence.span, "`din` reads a feature, but this is computed";
            label(call.name_span): "needs to know which places hold something"; help: "give it the sequence by its own name"
        ));
        return None;
    }
    let query = shared_input(call, position, sink)?;
    if query != width {
        sink.push(diagnostic!(
            WidthMismatch, call.inputs[position].span, "the query of `din` is as wide as a place, but this is `{}`", call.inputs[position].ty;
            label(sequence.span): "a place is {width} wide"; help: "ask with the feature whose table the sequence shares"
        ));
        return None;
    }
    Some(Type::Vec(width))
}

/// One set of layers, in a tower one per task.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let widths = scope.widths("hidden", "Widths of the layers.", numbers(&call.options, "hidden"));
    let (places, query) = (inputs[0].value, inputs[input(&call.options, "query")].value);
    let mask = scope.mask(places);
    let negative = scope.affine("negative", places, Scale::Constant(-1.0), 0.0);
    let difference = scope.add("difference", vec![query, negative]);
    let product = scope.multiply("product", query, places);
    let read = scope.concat("query_and_places", vec![query, places, difference, product]);

    let tasks = scope.copies(&inputs[0]);
    let owners: Vec<Option<usize>> = match &tasks {
        Some(tasks) => tasks.iter().copied().map(Some).collect(),
        None => vec![None],
    };
    let softmax = word(&call.options, "weights") == "softmax";
    let weights: Vec<NodeId> =
        owners.iter().map(|owner| weights(*owner, &widths, read, mask, softmax, scope)).collect();
    let weights = scope.stack("weights", weights);
    Stream { value: scope.mix("interest", weights, places, Choice::All), tasks }
}

/// The weights of the places, as columns.
fn weights(
    owner: Option<usize>,
    widths: &[Size],
    read: NodeId,
    mask: NodeId,
    softmax: bool,
    scope: &mut Scope,
) -> NodeId {
    // One map for every place is a parameter of its own for each task.
    let prefix = owner.map_or_else(String::new, |task| format!("{}_", scope.task_name(task)));
    let members = [Member { owner: Owner::All, count: None, slot: Slot::Every }];
    let layers = Layers::of(widths.to_vec(), Activation::Sigmoid);
    let hidden = layers.apply(&format!("{prefix}hidden"), &members, read, scope);
    let weights = scope.pointwise(&format!("{prefix}weight"), None, hidden, Size::constant(1), true);
    let mut weights = scope.transpose("weights", weights);
    if softmax {
        // Beside what an empty place gets, every logit is large.
        let empty = scope.affine("empty", mask, Scale::Constant(1e9), -1e9);
        weights = scope.add("weights", vec![weights, empty]);
        weights = scope.softmax("weights", weights);
    }
    scope.multiply("weights", weights, mask)
}
