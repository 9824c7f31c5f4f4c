//! What is left of a model when it serves.
//!
//! ```text
//! before                                            after
//! %4 hidden = dropout(%3 hidden, rate)              %5 logits = logits(%3 hidden)
//! %5 logits = logits(%4 hidden)
//! %6 logits = %5 logits + bias(%2 x) while training
//! ```

use super::{dead, graphs, replace};
use crate::ir::{Model, NodeId, Op};

/// The model without what exists while training only, and without what only that read. No pass of [`super::optimize`]: the generated
/// network does both.
pub fn serving(mut model: Model) -> Model {
    for graph in graphs(&mut model) {
        for id in (0..graph.nodes.len()).rev() {
            if passes_on(&graph.nodes[id].op) {
                let input = graph.nodes[id].inputs[0];
                replace(graph, NodeId(id), input);
            }
        }
    }
    dead::remove(&mut model);
    model
}

/// Whether serving gives on the first input as it is.
fn passes_on(op: &Op) -> bool {
    matches!(
        op,
        Op::TrainOnly(_)
            | Op::Head(_)
            | Op::Dropout { .. }
            | Op::DropRows { .. }
            | Op::DropGates { .. }
            | Op::Noise { .. }
            | Op::Gate { .. }
            | Op::Penalty { .. }
            | Op::Stop
    )
}
