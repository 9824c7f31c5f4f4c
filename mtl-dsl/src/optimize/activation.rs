//! Activations that follow a linear map.
//!
//! ```text
//! y = linear(x)
//! z = activate(y, relu)    ->    z = linear(x, relu)
//! ```

use super::replace;
use crate::ir::{Activation, Graph, Model, NodeId, Op};

/// Makes them part of the map, where nothing else reads it.
pub fn fuse(model: &mut Model) {
    super::graphs(model).for_each(fuse_in);
}

fn fuse_in(graph: &mut Graph) {
    for id in (0..graph.nodes.len()).map(NodeId) {
        let Op::Activate(outer) = graph[id].op else { continue };
        let map = graph[id].inputs[0];
        let uses = graph.uses()[map.0];
        if let Op::Linear { activation, .. } = &mut graph[map].op
            && uses == 1
            && *activation == Activation::None
        {
            *activation = outer;
            replace(graph, id, map);
        }
    }
}
