//! The IR as a mermaid flow chart: `mtl graph --format mermaid`.

use super::print::thousands;
use super::{Block, Graph, Model, NodeId, Op, ParamKind};

impl Model {
    /// The model as a mermaid flow chart: one box per block, one node per primitive, shapes on the arrows.
    pub fn to_mermaid(&self) -> String {
        let mut lines = vec!["flowchart TD".to_owned()];
        for (index, block) in self.blocks.iter().enumerate() {
            lines.push(format!(
                "  subgraph b{index}[\"{}: {} parameters\"]",
                block.name,
                thousands(block.parameters())
            ));
            for (id, node) in block.graph.nodes.iter().enumerate() {
                if node.op != Op::Argument {
                    lines.push(format!("    b{index}_{id}[\"{}\"]", primitive(block, id)));
                }
            }
            lines.push("  end".to_owned());
        }
        for (id, node) in self.graph.nodes.iter().enumerate() {
            match &node.op {
                Op::Argument => lines.push(format!("  m{id}([\"{}\"])", node.name)),
                Op::Block(_) => {}
                Op::TrainOnly(_) => lines.push(format!("  m{id}[\"{} while training\"]", node.name)),
                Op::Columns { names, .. } => lines.push(format!("  m{id}([\"{}\"])", names.join(", "))),
                Op::Logits(_) => lines.push(format!("  m{id}([\"logits of {}\"])", self.tasks.join(", "))),
                _ => lines.push(format!("  m{id}[\"{}\"]", node.name)),
            }
        }
        for (id, node) in self.graph.nodes.iter().enumerate() {
            match node.op {
                Op::Block(block) => lines.extend(self.inside(block, &node.inputs)),
                Op::TrainOnly(block) => {
                    lines.extend(self.inside(block, &node.inputs[1..]));
                    let output = self.blocks[block].graph.output;
                    lines.push(format!("  b{block}_{} --> m{id}", output.0));
                    lines.push(arrow(&self.graph, node.inputs[0], &self.place(node.inputs[0]), &format!("m{id}")));
                }
                _ => lines.extend(
                    node.inputs.iter().map(|input| arrow(&self.graph, *input, &self.place(*input), &format!("m{id}"))),
                ),
            }
        }
        lines.join("\n") + "\n"
    }

    /// The arrows of a block that reads `inputs`.
    fn inside(&self, index: usize, inputs: &[NodeId]) -> Vec<String> {
        let graph = &self.blocks[index].graph;
        let place = |id: NodeId| match graph[id].op {
            Op::Argument => self.place(inputs[id.0]),
            _ => format!("b{index}_{}", id.0),
        };
        let arrows = graph
            .nodes
            .iter()
            .enumerate()
            .flat_map(|(id, node)| node.inputs.iter().map(move |input| (*input, NodeId(id))));
        arrows.map(|(from, to)| arrow(graph, from, &place(from), &place(to))).collect()
    }

    /// The node that shows a value of the model's graph: for a block, that of its output.
    fn place(&self, id: NodeId) -> String {
        match self.graph[id].op {
            Op::Block(block) => {
                let output = self.blocks[block].graph.output;
                match self.blocks[block].graph[output].op {
                    Op::Argument => self.place(self.graph[id].inputs[output.0]),
                    _ => format!("b{block}_{}", output.0),
                }
            }
            _ => format!("m{}", id.0),
        }
    }
}

fn arrow(graph: &Graph, value: NodeId, from: &str, to: &str) -> String {
    let shape = &graph[value].shape;
    format!("  {from} -- \"{} x {}\" --> {to}", shape.slots, shape.width)
}

fn primitive(block: &Block, id: usize) -> String {
    let node = &block.graph.nodes[id];
    match &node.op {
        Op::Linear { param, activation } => {
            let param = &block.params[*param];
            let ParamKind::Linear(linear) = &param.kind else { return node.name.clone() };
            let shape = format!("{} x {} x {}", linear.size(), linear.input, linear.output);
            format!("{}<br>linear {shape}, {}", param.name, activation.word())
        }
        Op::Subnets { params, activation, .. } => {
            let names: Vec<String> = params.iter().map(|param| block.params[*param].name.to_string()).collect();
            format!("{}<br>subnets of {} tasks, {}", names.join(", "), node.shape.slots, activation.word())
        }
        Op::Norm { param } => format!("{}<br>layer norm", block.params[*param].name),
        Op::Activate(activation) => activation.word().to_owned(),
        Op::Dropout { rate, .. } => format!("dropout {}", rate.value),
        Op::DropRows { rate, .. } => format!("drop rows {}", rate.value),
        Op::HardConcrete { .. } => format!("{}<br>hard concrete", node.name),
        Op::OpenChance { .. } => format!("{}<br>chance of an open gate", node.name),
        Op::Softmax => "softmax".to_owned(),
        Op::TopK { k } => format!("softmax of top {k}"),
        Op::Noise { .. } => "normal noise".to_owned(),
        Op::Selectors { experts, .. } => format!("selectors of {experts}"),
        Op::DropGates { rate, .. } => format!("drop gates {}", rate.value),
        Op::Value { param } => format!("{}<br>parameter", block.params[*param].name),
        Op::Gate { .. } => format!("{}<br>gate", node.name),
        Op::Gather(choice) => format!("{}<br>gather {choice}", node.name),
        Op::Add => "+".to_owned(),
        Op::Multiply => "x".to_owned(),
        Op::Affine { factor, shift } => format!("times {factor}, plus {shift}"),
        Op::Stop => "stop gradient".to_owned(),
        Op::Reshape { .. } => "reshape".to_owned(),
        Op::Transpose => "transpose".to_owned(),
        Op::Narrow { start, .. } => format!("columns from {start}"),
        Op::SumWidth => "sum over the width".to_owned(),
        Op::MeanWidth => "mean over the width".to_owned(),
        Op::Levels { .. } => "levels".to_owned(),
        Op::Through(_) => "mixtures".to_owned(),
        Op::ScaledDots => "scaled inner products".to_owned(),
        Op::PairDots => "inner products of pairs".to_owned(),
        Op::PairProducts => "products of pairs".to_owned(),
        Op::Attention { heads, .. } => format!("attention, {heads} heads"),
        Op::Penalty { name, .. } => format!("penalty {name}"),
        Op::Mix(choice) => format!("{}<br>mix {choice}", node.name),
        Op::Concat => "concat".to_owned(),
        Op::Stack => "stack".to_owned(),
        Op::Select(slots) => format!("select {slots:?}"),
        Op::Argument | Op::Columns { .. } | Op::Block(_) | Op::TrainOnly(_) | Op::Head(_) | Op::Logits(_) => {
            node.name.clone()
        }
    }
}
