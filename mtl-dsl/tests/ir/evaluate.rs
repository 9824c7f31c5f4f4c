//! A plain evaluation of the IR in `f64`: slow, obvious, and independent of the runtime.

use mtl_dsl::ir::{Activation, Block, Choice, Graph, Linear, Model, Node, NodeId, Op, ParamKind, Slot};

/// Parameters as a function of their member's path.
#[derive(Default)]
pub struct Weights {
    /// Parameters whose path holds this text have other values.
    pub moved: Option<String>,
}

impl Weights {
    /// A number in -1..1 that depends on the path and the position.
    fn at(&self, path: &str, position: usize) -> f64 {
        let moved = self.moved.as_ref().is_some_and(|part| path.contains(part));
        let key = format!("{path}#{position}#{moved}");
        // FNV-1a, and a multiplication that spreads its last bits.
        let hash = key
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

/// One row: slots of equal width.
type Value = Vec<Vec<f64>>;

/// The logits of one row.
pub fn logits(model: &Model, weights: &Weights) -> Vec<f64> {
    let width = model.graph.nodes[0].shape.width.value();
    let input: Value = vec![(0..width).map(|i| (i as f64 * 1.7 + 0.3).sin()).collect()];
    run(&model.graph, vec![input], &|node, inputs| match &node.op {
        Op::Block(index) => block(&model.blocks[*index], inputs.to_vec(), weights),
        Op::Columns { names, .. } => vec![columns(names, &inputs[0][0])],
        Op::Logits(tasks) => {
            let mut logits = vec![0.0; tasks.iter().map(Vec::len).sum()];
            for (tasks, values) in tasks.iter().zip(inputs) {
                tasks.iter().zip(values).for_each(|(task, value)| logits[*task] = value[0]);
            }
            vec![logits]
        }
        _ => common(node, inputs),
    })[0]
        .clone()
}

/// The columns of the tests' features: `user` is 3 wide, the numbers of `item` follow.
fn columns(names: &[String], input: &[f64]) -> Vec<f64> {
    let range = |name: &str| match name {
        "user" | "id" => 0..3,
        "item" => 3..5,
        "age" => 3..4,
        "size" => 4..5,
        other => panic!("no feature {other}"),
    };
    names.iter().flat_map(|name| input[range(name)].to_vec()).collect()
}

fn block(block: &Block, arguments: Vec<Value>, weights: &Weights) -> Value {
    run(&block.graph, arguments, &|node, inputs| match &node.op {
        Op::Linear { param, activation } => {
            let ParamKind::Linear(linear) = &block.params[*param].kind else { panic!("not a linear map") };
            activate(*activation, affine(linear, &inputs[0], weights))
        }
        Op::Norm { .. } => inputs[0].iter().map(|slot| normal(slot)).collect(),
        _ => common(node, inputs),
    })
}

fn run(graph: &Graph, arguments: Vec<Value>, primitive: &dyn Fn(&Node, &[Value]) -> Value) -> Value {
    let mut arguments = arguments.into_iter();
    let mut values: Vec<Value> = Vec::new();
    for node in &graph.nodes {
        let inputs: Vec<Value> = node.inputs.iter().map(|NodeId(id)| values[*id].clone()).collect();
        let value = match node.op {
            Op::Argument => arguments.next().expect("an argument"),
            _ => primitive(node, &inputs),
        };
        assert_eq!(value.len(), node.shape.slots.value(), "slots of {}", node.name);
        assert!(value.iter().all(|slot| slot.len() == node.shape.width.value()), "width of {}", node.name);
        values.push(value);
    }
    values[graph.output.0].clone()
}

fn common(node: &Node, inputs: &[Value]) -> Value {
    match &node.op {
        Op::Activate(activation) => activate(*activation, inputs[0].clone()),
        Op::Dropout { .. } => inputs[0].clone(),
        Op::Softmax => inputs[0].iter().map(|row| softmax(row)).collect(),
        Op::Mix(choice) => mix(choice, &inputs[0], &inputs[1]),
        Op::Concat => {
            let slots = inputs.iter().map(Vec::len).max().unwrap_or(0);
            let slot =
                |s: usize| inputs.iter().flat_map(move |input| input[if input.len() == 1 { 0 } else { s }].clone());
            (0..slots).map(|s| slot(s).collect()).collect()
        }
        Op::Stack => inputs.concat(),
        Op::Select(slots) => slots.iter().map(|slot| inputs[0][*slot].clone()).collect(),
        other => panic!("{other:?} stands elsewhere"),
    }
}

/// The paths of all members.
pub fn paths(model: &Model) -> Vec<String> {
    let mut all = Vec::new();
    for param in model.blocks.iter().flat_map(|block| &block.params) {
        if let ParamKind::Linear(linear) = &param.kind {
            all.extend(members(linear).into_iter().map(|(path, _)| path));
        }
    }
    all
}

fn members(linear: &Linear) -> Vec<(String, Slot)> {
    let mut all = Vec::new();
    for members in &linear.members {
        match &members.count {
            None => all.push((members.path.clone(), members.slot)),
            Some(count) => all.extend((0..count.value()).map(|i| (format!("{}.{i}", members.path), members.slot))),
        }
    }
    all
}

fn affine(linear: &Linear, input: &Value, weights: &Weights) -> Value {
    let member = |(position, (path, slot)): (usize, (String, Slot))| {
        let x = match slot {
            Slot::At(slot) => &input[slot],
            Slot::Own if input.len() == 1 => &input[0],
            Slot::Own => &input[position],
        };
        assert_eq!(x.len(), linear.input.value(), "input of {path}");
        let width = linear.output.value();
        let column = |j: usize| {
            let sum: f64 =
                x.iter().enumerate().map(|(i, x)| x * weights.at(&format!("{path}.weight"), i * width + j)).sum();
            sum + if linear.bias { weights.at(&format!("{path}.bias"), j) } else { 0.0 }
        };
        (0..width).map(column).collect()
    };
    members(linear).into_iter().enumerate().map(member).collect()
}

fn activate(activation: Activation, mut value: Value) -> Value {
    for x in value.iter_mut().flatten() {
        *x = match activation {
            Activation::None => *x,
            // No test is to hide behind a zero.
            Activation::Relu | Activation::LeakyRelu => x.max(0.1 * *x),
            Activation::Gelu => *x / (1.0 + (-1.702 * *x).exp()),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => 1.0 / (1.0 + (-*x).exp()),
        };
    }
    value
}

fn normal(slot: &[f64]) -> Vec<f64> {
    let n = slot.len() as f64;
    let mean = slot.iter().sum::<f64>() / n;
    let variance = slot.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    slot.iter().map(|x| (x - mean) / (variance + 1e-5).sqrt()).collect()
}

fn softmax(row: &[f64]) -> Vec<f64> {
    let powers: Vec<f64> = row.iter().map(|x| x.exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|x| x / sum).collect()
}

fn mix(choice: &Choice, weights: &Value, values: &Value) -> Value {
    let row = |(t, weights): (usize, &Vec<f64>)| {
        let experts: Vec<usize> = match choice {
            Choice::All => (0..values.len()).collect(),
            Choice::OwnAndShared { tasks, own, shared, .. } => {
                let (own, shared) = (own.value(), shared.value());
                (t * own..(t + 1) * own).chain(tasks * own..tasks * own + shared).collect()
            }
        };
        assert_eq!(experts.len(), weights.len(), "a weight for each expert");
        let mut sum = vec![0.0; values[0].len()];
        for (expert, weight) in experts.iter().zip(weights) {
            sum.iter_mut().zip(&values[*expert]).for_each(|(sum, x)| *sum += weight * x);
        }
        sum
    };
    weights.iter().enumerate().map(row).collect()
}
