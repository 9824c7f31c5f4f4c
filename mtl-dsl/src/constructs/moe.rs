//! `moe`: experts mixed by one gate for all tasks (the OMoE of Ma et al., KDD 2018).

use super::{Construct, block, template_width, vec_input, warn_single_expert};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::schema::{Parameter, Shape, Signature};

/// `moe(x, experts: 8 * mlp([256, 128]))`.
pub static MOE: Construct = Construct { signature: &SIGNATURE, result, template: None };

static SIGNATURE: Signature = Signature {
    name: "moe",
    docs: "Experts that all tasks share, mixed by one softmax gate that is linear in the input.",
    positional: 0,
    parameters: &[Parameter::required("experts", Shape::Block { may_be_empty: false }, "The experts: `8 * mlp([256])`.")],
};

/// `vec` to `vec`, as wide as an expert.
fn result(call: &Call, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    let experts = block(&call.options, "experts")?;
    if experts.count.value == 1.0 {
        warn_single_expert(experts, sink);
    }
    Some(Type::Vec(template_width(experts)))
}
