//! `dot`: the inner product of two vectors as a logit (matrix factorisation; Rank and Rate: Hadash et al., RecSys 2018).

use super::mlp::Layers;
use super::{Construct, Context, Reads, block, word};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, Type};
use crate::ir::{NodeId, Size, Slot, ValueInit};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `dot(user_id, item_id, through: mlp([32]))`.
pub static DOT: Construct = Construct { signature: &SIGNATURE, reads: Reads::Two, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "dot",
    docs: "The inner product of two vectors, as a logit: matrix factorisation where they are embeddings. `through` maps both by the same \
           layers first (Hadash, Sar Shalom and Osadchy, \"Rank and Rate\", RecSys 2018).",
    positional: 0,
    parameters: &[
        Parameter::optional(
            "through",
            Shape::Block { may_be_empty: false },
            "Layers that map both vectors, with the same parameters: `mlp([32])`.",
        ),
        Parameter::word("bias", &["none", "trained"], "none", "A trained number of each task, from 0, that is added."),
    ],
};

/// Two vectors of one width to a logit.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    let [a, b] = &call.inputs[..] else { unreachable!("`dot` reads two values") };
    if let Some(other) = [a, b].into_iter().find(|input| !input.ty.is_vector()) {
        let help = match other.ty {
            Type::Fields { .. } => "`flatten(...)` makes one vector of fields",
            Type::Seq { .. } => "`din(history, query: video_id)` makes one vector of a sequence",
            _ => "give it vectors, such as two features of one `dim`",
        };
        sink.push(diagnostic!(
            TypeMismatch, other.span, "`dot` reads a vector, but this is `{}`", other.ty;
            label(call.name_span): "reads `vec` or `each vec`"; help: "{help}"
        ));
        return None;
    }
    if a.ty.width() != b.ty.width() {
        sink.push(diagnostic!(
            WidthMismatch, b.span, "an inner product is of one width, but this is `{}`", b.ty;
            label(a.span): "this is `{}`", a.ty; help: "give both features one `dim`, or bring one to the other's width with `mlp`"
        ));
        return None;
    }
    if let Some(template) = block(&call.options, "through").filter(|template| template.count.value != 1.0) {
        sink.push(diagnostic!(
            WrongArgument, template.span, "both vectors of `dot` go through one network";
            help: "write `mlp([32])` without a number in front"
        ));
        return None;
    }
    Some(Type::Logit)
}

/// The layers belong to the `let`, or to each task of a tower or of an `each vec`.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let tasks = scope.line_tasks();
    let copies = inputs.iter().find_map(|input| scope.copies(input));
    let [mut a, mut b] = [&inputs[0], &inputs[1]].map(|input| match &copies {
        Some(copies) => scope.of_tasks(input, copies),
        None => input.value,
    });
    if let Some(template) = block(&call.options, "through") {
        let layers = Layers::read(&template.options, "", scope);
        let members = match &copies {
            Some(copies) => copies.iter().map(|task| own(*task)).collect(),
            None => vec![Member::shared(Slot::Own)],
        };
        [a, b] = layers.apply_tied("tied", &members, [a, b], scope);
    }
    let product = scope.multiply("products", a, b);
    let mut value = scope.sum_width("dot", product);
    value = for_tasks(value, &tasks, copies.as_deref(), scope);
    if word(&call.options, "bias") == "trained" {
        let members: Vec<Member> = tasks.iter().map(|task| own(*task)).collect();
        let bias = scope.value("bias", &members, Size::constant(1), ValueInit::Constant(0.0));
        value = scope.add("biased", vec![value, bias]);
    }
    Stream { value, tasks: Some(tasks) }
}

fn own(task: usize) -> Member {
    Member { owner: Owner::Task(task), count: None, slot: Slot::Own }
}

/// A slot for each task: what all share is repeated.
fn for_tasks(value: NodeId, tasks: &[usize], copies: Option<&[usize]>, scope: &mut Scope) -> NodeId {
    if scope.shape(value).slots.is(1) {
        return if tasks.len() == 1 { value } else { scope.select("dot", value, vec![0; tasks.len()]) };
    }
    scope.of_tasks(&Stream { value, tasks: copies.map(<[usize]>::to_vec) }, tasks)
}
