//! Groups of equal shape that are stacked, such as a level's own and shared experts.
//!
//! ```text
//! a = linear(x; own)                          both = linear(x; own and shared)
//! b = linear(x; shared)                 ->
//! both = stack(a, b)
//!
//! both = stack(linear(a), linear(b))    ->    both = linear(stack(a, b)), and on with that stack
//! ```
//! The same for norms and dropout. One batched product instead of two, layer by layer, down to the input that both read.

use crate::ir::{Block, Linear, Members, Model, Node, NodeId, Op, Param, ParamKind, ParamName, Shape, Slot};

/// Merges them.
pub fn merge(model: &mut Model) {
    for block in &mut model.blocks {
        // A merge may put a stack before the merged group; it is the next candidate.
        while (0..block.graph.nodes.len()).any(|id| merge_at(block, NodeId(id))) {
            super::dead::remove_in(block);
        }
    }
}

/// Replaces the stack by one operation on the stack of its inputs' inputs, where that is possible.
fn merge_at(block: &mut Block, stack: NodeId) -> bool {
    let uses = block.graph.uses();
    let node = &block.graph[stack];
    let [a, b] = node.inputs[..] else { return false };
    if node.op != Op::Stack || uses[a.0] != 1 || uses[b.0] != 1 {
        return false;
    }
    let (part, shape) = (node.name.clone(), node.shape.clone());
    let (first, second) = (&block.graph[a], &block.graph[b]);
    let names_parameters = |op: &Op| matches!(op, Op::Penalty { kind, .. } if !kind.params().is_empty());
    if block.graph.nodes.iter().any(|node| names_parameters(&node.op)) {
        // A penalty names its parameters.
        return false;
    }
    let common = first.inputs == second.inputs;
    let merged = match (&first.op, &second.op) {
        (&Op::Linear { param: p, activation }, &Op::Linear { param: q, activation: other }) if activation == other => {
            let (ParamKind::Linear(own), ParamKind::Linear(shared)) = (&block.params[p].kind, &block.params[q].kind)
            else {
                return false;
            };
            let slots = |node: &Node| &block.graph[node.inputs[0]].shape;
            let Some(linear) = merge_linear((own, slots(first)), (shared, slots(second)), common) else { return false };
            Op::Linear { param: merge_param(block, p, &part, ParamKind::Linear(linear)), activation }
        }
        (&Op::Norm { param: p }, Op::Norm { .. }) if !common => {
            let kind = ParamKind::Norm { slots: shape.slots.clone(), width: shape.width.clone() };
            let part = format!("{part}_norm");
            Op::Norm { param: merge_param(block, p, &part, kind) }
        }
        (Op::Activate(a), Op::Activate(b)) if a == b && !common => first.op.clone(),
        (Op::Dropout { rate, site }, Op::Dropout { rate: other, .. }) if rate == other && !common => {
            Op::Dropout { rate: rate.clone(), site: site.clone() }
        }
        _ => return false,
    };
    let inputs: Vec<NodeId> = [a, b].iter().flat_map(|id| block.graph[*id].inputs.clone()).collect();
    let op = std::mem::replace(&mut block.graph[stack].op, merged);
    if common {
        block.graph[stack].inputs = vec![inputs[0]];
        return true;
    }
    let slots = inputs.iter().map(|id| block.graph[*id].shape.slots.clone()).sum();
    let width = block.graph[inputs[0]].shape.width.clone();
    let below = Node { name: part, op, inputs, shape: Shape::new(slots, width) };
    // `a` is read by the stack alone, so its place, after its input, is free; `b` may come later, so the stack's own place is safe.
    insert_before(block, stack, below);
    true
}

/// One group for both, if they agree in shape and their slots can be told apart.
fn merge_linear(
    (own, own_input): (&Linear, &Shape),
    (shared, shared_input): (&Linear, &Shape),
    common: bool,
) -> Option<Linear> {
    if (&own.input, &own.output, own.bias, &own.start) != (&shared.input, &shared.output, shared.bias, &shared.start) {
        return None;
    }
    let positional = |linear: &Linear, input: &Shape| {
        linear.members.iter().all(|member| member.slot == Slot::Own) && linear.size() == input.slots
    };
    let named = |linear: &Linear| linear.members.iter().all(|member| matches!(member.slot, Slot::At(_)));
    let every = |linear: &Linear| linear.members.iter().any(|member| member.slot == Slot::Every);
    if every(own) || every(shared) {
        return None;
    }
    let fits = match common {
        true => own_input.slots.is(1) || named(own) && named(shared),
        false => positional(own, own_input) && positional(shared, shared_input),
    };
    let members: Vec<Members> = own.members.iter().chain(&shared.members).cloned().collect();
    fits.then(|| Linear { members, ..own.clone() })
}

/// Adds the parameter of both groups, named after the stack.
fn merge_param(block: &mut Block, first: usize, part: &str, kind: ParamKind) -> usize {
    let name = ParamName { part: part.to_owned(), ..block.params[first].name.clone() };
    // At the place of the first, so that the order stays that of use; the old ones are dead now.
    block.params.insert(first, Param { name, kind });
    block.graph.nodes.iter_mut().for_each(|node| node.op.visit_params(|param| *param += usize::from(*param >= first)));
    first
}

/// Inserts `node` before the one at `at`, which then reads it alone.
fn insert_before(block: &mut Block, at: NodeId, node: Node) {
    let graph = &mut block.graph;
    graph.nodes.insert(at.0, node);
    for later in &mut graph.nodes[at.0 + 1..] {
        later.inputs.iter_mut().filter(|id| id.0 >= at.0).for_each(|id| id.0 += 1);
    }
    graph[NodeId(at.0 + 1)].inputs = vec![at];
    graph.output.0 += usize::from(graph.output.0 >= at.0);
}
