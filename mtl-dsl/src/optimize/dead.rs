//! Values that nobody reads, and the blocks and parameters that only they used.

use crate::ir::{Block, Graph, Model, NodeId, Op};

/// Removes them. A block keeps its arguments.
pub fn remove(model: &mut Model) {
    let keep = live(&model.graph, |op| *op == Op::Argument);
    compact(&mut model.graph, &keep);
    let mut called = vec![false; model.blocks.len()];
    for node in &model.graph.nodes {
        if let Op::Block(block) | Op::TrainOnly(block) | Op::Head(block) | Op::Levels { block, .. } = node.op {
            called[block] = true;
        }
    }
    let position = positions(&called);
    retain(&mut model.blocks, &called);
    for node in &mut model.graph.nodes {
        if let Op::Block(block) | Op::TrainOnly(block) | Op::Head(block) | Op::Levels { block, .. } = &mut node.op {
            *block = position[*block];
        }
    }
    model.blocks.iter_mut().for_each(remove_in);
}

/// Removes them from a block.
pub fn remove_in(block: &mut Block) {
    let keep = live(&block.graph, |op| *op == Op::Argument);
    compact(&mut block.graph, &keep);
    let mut used = vec![false; block.params.len()];
    block.graph.nodes.iter_mut().for_each(|node| node.op.visit_params(|param| used[*param] = true));
    let position = positions(&used);
    retain(&mut block.params, &used);
    block.graph.nodes.iter_mut().for_each(|node| node.op.visit_params(|param| *param = position[*param]));
}

/// Which nodes the output needs.
fn live(graph: &Graph, always: impl Fn(&Op) -> bool) -> Vec<bool> {
    let mut live: Vec<bool> = graph.nodes.iter().map(|node| always(&node.op)).collect();
    live[graph.output.0] = true;
    for (id, node) in graph.nodes.iter().enumerate().rev() {
        if live[id] {
            node.inputs.iter().for_each(|input| live[input.0] = true);
        }
    }
    live
}

fn compact(graph: &mut Graph, keep: &[bool]) {
    let position = positions(keep);
    retain(&mut graph.nodes, keep);
    let readers = graph.nodes.iter_mut().flat_map(|node| &mut node.inputs);
    readers.chain([&mut graph.output]).for_each(|id| *id = NodeId(position[id.0]));
}

/// Where each kept element goes.
fn positions(keep: &[bool]) -> Vec<usize> {
    keep.iter().scan(0, |next, keep| Some(std::mem::replace(next, *next + usize::from(*keep)))).collect()
}

fn retain<T>(list: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    list.retain(|_| *keep.next().unwrap_or(&true));
}
