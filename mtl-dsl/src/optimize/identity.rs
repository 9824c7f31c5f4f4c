//! Values that are copies of others.
//!
//! ```text
//! columns(input: all of it)    ->  input
//! concat(x), stack(x)          ->  x
//! select(x: every slot)        ->  x
//! activate(x, none)            ->  x
//! reshape(x: its own slots)    ->  x
//! ```

use super::replace;
use crate::ir::{Activation, Graph, Model, NodeId, Op};

/// Removes them.
pub fn remove(model: &mut Model) {
    super::graphs(model).for_each(remove_in);
}

fn remove_in(graph: &mut Graph) {
    for id in (0..graph.nodes.len()).map(NodeId) {
        let node = &graph[id];
        let copies = match &node.op {
            Op::Columns { all, .. } => *all,
            Op::Concat | Op::Stack => node.inputs.len() == 1,
            Op::Select(slots) => {
                graph[node.inputs[0]].shape.slots.is(slots.len()) && slots.iter().copied().eq(0..slots.len())
            }
            Op::Activate(activation) => *activation == Activation::None,
            Op::Reshape { .. } => graph[node.inputs[0]].shape == node.shape,
            _ => false,
        };
        if copies {
            let original = node.inputs[0];
            replace(graph, id, original);
        }
    }
}
