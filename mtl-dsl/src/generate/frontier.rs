//! Where the tasks' gradients are compared: what towers read, and the experts of which it is made.

use super::primitive::{choice, primitive};
use super::{Generator, ident};
use crate::hir::{Type, Weighting};
use crate::ir::{Block, Node, NodeId, Op, Role, View};
use crate::schema::weightings::{METHODS, Needs};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

impl Generator<'_> {
    /// Whether gradients are compared at what towers read.
    pub(super) fn cuts(&self) -> bool {
        let needs = |name: &str| METHODS.iter().find(|known| known.signature.name == name).map(|known| known.needs);
        match &self.model.weighting {
            Weighting::Method(method) => !method.at_parameters && needs(method.name) != Some(Needs::Losses),
            _ => false,
        }
    }

    /// What a block reads; for a tower, where gradients are compared there, the tasks' representations.
    pub(super) fn represented(
        &self,
        index: usize,
        node: &Node,
        inputs: &[TokenStream],
        pass: &Ident,
    ) -> Vec<TokenStream> {
        let block = &self.ir.blocks[index];
        // The first input of what training adds is the value that it is added to.
        let first = usize::from(matches!(node.op, Op::TrainOnly(_) | Op::Head(_)));
        if !self.cuts() || block.role == Role::Let {
            return inputs[first..].to_vec();
        }
        let ty = self.type_named(&self.names.blocks[index], block.span);
        let read = inputs[first..].iter().zip(&node.inputs[first..]).map(|(input, id)| {
            let name = self.value_name(*id);
            match self.is_each(&self.ir.graph[*id]) {
                true => quote! { #pass.represent_each(#name, #input) },
                false => quote! { #pass.represent(#name, #input, #ty::TASKS) },
            }
        });
        read.collect()
    }

    /// What a value of the model's graph is called, which no other is.
    fn value_name(&self, id: NodeId) -> String {
        let graph = &self.ir.graph;
        let name = &graph[id].name;
        match graph.nodes.iter().filter(|node| node.name == *name).count() {
            1 => name.clone(),
            _ => format!("{name}_{}", id.0),
        }
    }

    /// Whether a value of the model's graph has a slot for each task.
    fn is_each(&self, node: &Node) -> bool {
        match &node.op {
            Op::Argument => false,
            Op::Columns { view, .. } => matches!(view, View::Own | View::Wide),
            _ => {
                let binding = self.model.lets.iter().find(|binding| binding.name.text == node.name);
                binding.is_some_and(|binding| matches!(binding.value.ty, Type::EachVec(_)))
            }
        }
    }

    /// The name under which a block's value is compared at the experts of which it is made, and the sums of them: the steps that end in
    /// the block's value, up to additions, where towers read it as the tasks' streams.
    pub(super) fn mixtures(&self, index: usize) -> Option<(String, Vec<NodeId>)> {
        if !self.cuts() || self.ir.blocks[index].role != Role::Let {
            return None;
        }
        let model = &self.ir.graph;
        let id = NodeId(model.nodes.iter().position(|node| node.op == Op::Block(index))?);
        let reads = |node: &Node| match node.op {
            Op::Block(tower) | Op::TrainOnly(tower) | Op::Head(tower) => {
                self.ir.blocks[tower].role != Role::Let && node.inputs.contains(&id)
            }
            _ => false,
        };
        if !self.is_each(&model[id]) || !model.nodes.iter().any(reads) {
            return None;
        }
        let graph = &self.ir.blocks[index].graph;
        let (mut open, mut found) = (vec![graph.output], Vec::new());
        while let Some(id) = open.pop() {
            match &graph[id].op {
                Op::Mix(_) | Op::Gather(_) => found.push(id),
                Op::Add => open.extend(graph[id].inputs.iter().rev()),
                Op::Penalty { .. } => open.push(graph[id].inputs[0]),
                _ => {}
            }
        }
        // Experts are told apart by their place, so all sums must be of one group, or of the first members of it.
        let experts = |id: &NodeId| graph[*id].inputs.last().copied();
        let group = found.first().and_then(experts)?;
        let begins = |other: NodeId| graph[group].op == Op::Stack && graph[group].inputs.first() == Some(&other);
        found.retain(|id| experts(id).is_some_and(|other| other == group || begins(other)));
        Some((self.value_name(id), found))
    }

    /// A primitive of a block; one that mixes what towers read tells the pass how.
    pub(super) fn step(
        &self,
        block: &Block,
        mixtures: &Option<(String, Vec<NodeId>)>,
        id: NodeId,
        inputs: &[TokenStream],
    ) -> TokenStream {
        let node = &block.graph[id];
        let named = mixtures.as_ref().filter(|(_, found)| found.contains(&id));
        match (&node.op, named) {
            (Op::Mix(of) | Op::Gather(of), Some((name, _))) => {
                let method = ident(if matches!(node.op, Op::Mix(_)) { "mix" } else { "gather" });
                let choice = choice(of);
                quote! { pass.#method(#name, #(#inputs),*, &#choice) }
            }
            _ => primitive(block, node, inputs),
        }
    }
}
