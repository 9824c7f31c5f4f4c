//! `masknet`: blocks whose input is masked by what the embeddings say of it (Wang et al., DLP-KDD 2021).

use super::{Construct, Context, Reads, number, word};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::{Activation, Size, Slot};
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `masknet(user, item, blocks: 2, width: 64, mask: 128)`.
pub static MASKNET: Construct = Construct { signature: &SIGNATURE, reads: Reads::Fields, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "masknet",
    docs: "Blocks `relu(norm(W (mask * h)))` whose mask is a small network on the embeddings as they are; `h` is the normalised embeddings in \
           each block (parallel, side by side) or the block before (serial) (Wang et al., DLP-KDD 2021).",
    positional: 0,
    parameters: &[
        Parameter::number("blocks", Range::SIZE, 2.0, "Blocks."),
        Parameter::required("width", Shape::Number(Range::SIZE), "Width of a block."),
        Parameter::required("mask", Shape::Number(Range::SIZE), "Width of the masks' hidden layer."),
        Parameter::word("mode", &["parallel", "serial"], "parallel", "How the blocks stand."),
    ],
};

fn result(call: &Call, _: &Context, _: &mut Vec<Diagnostic>) -> Option<Type> {
    let (blocks, width) = (number(&call.options, "blocks").value, number(&call.options, "width").value);
    let parallel = word(&call.options, "mode") == "parallel";
    Some(Type::Vec(width as usize * if parallel { blocks as usize } else { 1 }))
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let width = scope.count("width", "Width of a block.", number(&call.options, "width"));
    let mask_width = scope.count("mask", "Width of the masks' hidden layer.", number(&call.options, "mask"));
    let parallel = word(&call.options, "mode") == "parallel";
    let embeddings = scope.reshape("embeddings", inputs[0].value, Size::constant(1));
    let normal = scope.norm("embeddings", 1, inputs[0].value);
    let normal = scope.reshape("normal", normal, Size::constant(1));
    let one = [Member::shared(Slot::Own)];
    let mut blocks = Vec::new();
    let mut value = normal;
    for block in 1..=number(&call.options, "blocks").value as usize {
        let read = if parallel { normal } else { value };
        let hidden = scope.linear("mask_hidden", Some(block), &one, embeddings, mask_width.clone(), true);
        let hidden = scope.activate("mask_hidden", Activation::Relu, hidden);
        let read_width = scope.shape(read).width.clone();
        let mask = scope.linear("mask", Some(block), &one, hidden, read_width, true);
        let masked = scope.multiply("masked", mask, read);
        let linear = scope.linear("block", Some(block), &one, masked, width.clone(), true);
        let linear = scope.norm("block", block, linear);
        value = scope.activate("block", Activation::Relu, linear);
        blocks.push(value);
    }
    let value = if parallel { scope.concat("blocks", blocks) } else { value };
    Stream { value, tasks: None }
}
