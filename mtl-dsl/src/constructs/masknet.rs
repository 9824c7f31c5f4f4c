//! `masknet`: layers under masks that read the embedding (Wang et al., DLP-KDD 2021).

use super::{Construct, Context, Reads, number, word};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::{Activation, NodeId, Size, Slot};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `masknet(user, item, hidden: 64, blocks: 2)`.
pub static MASKNET: Construct =
    Construct { signature: &SIGNATURE, reads: Reads::Fields, result, template: None, lower };

/// Each block of a chain is written out, so their number is small.
const BLOCKS: Range = Range { high: 64.0, words: "a whole number from 1 to 64", ..Range::POSITIVE_WHOLE };

static SIGNATURE: Signature = Signature {
    name: "masknet",
    docs: "Blocks `relu(norm(W (m * h)))` whose mask `m` is made by two layers from the embedding as it is, while `h` is the normed \
           embedding or the block below (Wang, She and Zhang, \"MaskNet\", DLP-KDD 2021).",
    positional: 0,
    parameters: &[
        Parameter::required("hidden", Shape::Number(Range::SIZE), "Width of a block."),
        Parameter::number("blocks", BLOCKS, 2.0, "Blocks."),
        Parameter::number("ratio", Range::SIZE, 2.0, "Width of a mask's hidden layer, in widths of the embedding."),
        Parameter::word("mode", &["parallel", "serial"], "parallel", "Blocks side by side, or each on the one below."),
    ],
};

/// As wide as the blocks side by side, or as the last of them.
fn result(call: &Call, _: &Context, _: &mut Vec<Diagnostic>) -> Option<Type> {
    let [hidden, blocks] = ["hidden", "blocks"].map(|name| number(&call.options, name).value as usize);
    Some(Type::Vec(if word(&call.options, "mode") == "serial" { hidden } else { hidden * blocks }))
}

/// In a tower, each task has blocks of its own.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let hidden = scope.count("hidden", "Width of a block.", number(&call.options, "hidden"));
    let ratio = scope.count("ratio", "Width of a mask's hidden layer.", number(&call.options, "ratio"));
    let flat = scope.reshape("flat", inputs[0].value, Size::constant(1));
    let normed = scope.norm("embedding", 1, inputs[0].value);
    let normed = scope.reshape("normed", normed, Size::constant(1));
    let tasks = scope.copies(&inputs[0]);
    let owners: Vec<Owner> = match &tasks {
        Some(tasks) => tasks.iter().map(|task| Owner::Task(*task)).collect(),
        None => vec![Owner::All],
    };
    let rows = Size::constant(owners.len());
    let members = |count: Option<Size>| -> Vec<Member> {
        owners.iter().map(|owner| Member { owner: owner.clone(), count: count.clone(), slot: Slot::Own }).collect()
    };
    let aggregation = ratio.product(&scope.shape(flat).width.clone());
    let blocks = number(&call.options, "blocks");
    let value = if word(&call.options, "mode") == "serial" {
        let members = members(None);
        (1..=blocks.value as usize)
            .fold(normed, |below, layer| block(layer, &members, [flat, below], [&aggregation, &hidden], scope))
    } else {
        let count = scope.count("blocks", "Blocks.", blocks);
        let blocks = block(1, &members(Some(count)), [flat, normed], [&aggregation, &hidden], scope);
        scope.reshape("side_by_side", blocks, rows)
    };
    Stream { value, tasks }
}

fn block(
    layer: usize,
    members: &[Member],
    [embedding, below]: [NodeId; 2],
    [aggregation, hidden]: [&Size; 2],
    scope: &mut Scope,
) -> NodeId {
    let width = scope.shape(below).width.clone();
    let inner = scope.linear("mask_hidden", Some(layer), members, embedding, aggregation.clone(), true);
    let inner = scope.activate("mask_hidden", Activation::Relu, inner);
    let mask = scope.linear("mask", Some(layer), members, inner, width, true);
    let masked = scope.multiply("masked", mask, below);
    let mapped = scope.linear("block", Some(layer), members, masked, hidden.clone(), true);
    let normed = scope.norm("block", layer, mapped);
    scope.activate("block", Activation::Relu, normed)
}
