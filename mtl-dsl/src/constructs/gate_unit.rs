//! The gate of PEPNet and POSO: two layers that end in a sigmoid, times a factor.

use crate::ir::{Activation, NodeId, Scale, Size};
use crate::lower::{Member, Scope};

/// `gamma * sigmoid(relu(input W + b) W' + b')`, as wide as what it scales; every member reads the only slot of `input` or its own.
pub(super) fn gate_unit(
    part: &str,
    layer: Option<usize>,
    members: &[Member],
    input: NodeId,
    [hidden, width]: [Size; 2],
    gamma: Scale,
    scope: &mut Scope,
) -> NodeId {
    let inner = scope.linear(&format!("{part}_hidden"), layer, members, input, hidden, true);
    let inner = scope.activate(part, Activation::Relu, inner);
    let logits = scope.linear(part, layer, members, inner, width, true);
    let gate = scope.activate(part, Activation::Sigmoid, logits);
    scope.affine(part, gate, gamma, 0.0)
}
