//! Passes over the IR: the same numbers with fewer operations.
//!
//! Each pass is one file with a picture of before and after. They run in this order:

mod activation;
mod dead;
mod experts;
mod identity;
mod serving;

pub use serving::serving;

use crate::ir::{Graph, Model, NodeId};

/// All passes.
pub fn optimize(mut model: Model) -> Model {
    let passes = [
        // Afterwards no value is a copy of another.
        identity::remove,
        // Afterwards an activation that follows a linear map is part of it.
        activation::fuse,
        // Afterwards groups of equal shape that are stacked are one group.
        experts::merge,
    ];
    for pass in passes {
        pass(&mut model);
        // Afterwards every value is read, which the next pass relies on.
        dead::remove(&mut model);
    }
    model
}

/// Every reader of `from` reads `to`.
fn replace(graph: &mut Graph, from: NodeId, to: NodeId) {
    let readers = graph.nodes.iter_mut().flat_map(|node| &mut node.inputs);
    for input in readers.chain([&mut graph.output]) {
        if *input == from {
            *input = to;
        }
    }
}

/// All graphs of a model.
fn graphs(model: &mut Model) -> impl Iterator<Item = &mut Graph> {
    model.blocks.iter_mut().map(|block| &mut block.graph).chain([&mut model.graph])
}
