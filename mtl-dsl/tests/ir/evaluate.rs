//! A plain evaluation of the IR in `f64`: slow, obvious, and independent of the runtime.

use mtl_dsl::ir::{
    Activation, Block, Choice, Graph, Linear, LinearStart, Members, Model, Node, NodeId, Op, ParamKind, Pick, Scale,
    Slot, ValueInit, View,
};

/// Parameters as a function of their member's path.
#[derive(Default)]
pub struct Weights {
    /// Parameters whose path holds this text have other values.
    pub moved: Option<String>,
}

impl Weights {
    /// A number in -1..1 that depends on the path and the position.
    pub fn at(&self, path: &str, position: usize) -> f64 {
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
        Op::Columns { names, view, .. } => match view {
            View::Flat => vec![columns(names, &inputs[0][0])],
            View::Fields => names.iter().flat_map(|name| fields(name, &inputs[0][0])).collect(),
            // Slices that the input of the tests does not hold: numbers that tell tasks and features apart.
            View::Own | View::Wide | View::Sequence | View::Mask => {
                let (slots, width) = (node.shape.slots.value(), node.shape.width.value());
                let cell = |t: usize, i: usize| ((t * 31 + i * 7 + names.len()) as f64 * 0.61).cos();
                (0..slots).map(|t| (0..width).map(|i| cell(t, i)).collect()).collect()
            }
        },
        Op::Through(mixtures) => {
            let mut logits = inputs[0][0].clone();
            let p = |z: f64| 1.0 / (1.0 + (-z).exp());
            for of in mixtures {
                let between = p(logits[of.between]);
                let mixture = between * p(logits[of.task]) + (1.0 - between) * p(logits[of.otherwise]);
                logits[of.task] = (mixture / (1.0 - mixture)).ln();
            }
            logits.truncate(node.shape.width.value());
            vec![logits]
        }
        Op::Levels { block: index, task } => {
            let steps = block(&model.blocks[*index], Vec::new(), weights);
            let mut logits = inputs[0][0].clone();
            let mut logit = logits[*task];
            for step in &steps[0] {
                logit -= step.exp().ln_1p();
                logits.push(logit);
            }
            vec![logits]
        }
        // Serving has none of it.
        Op::TrainOnly(_) | Op::Head(_) => inputs[0].clone(),
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

/// An entity or a feature as fields.
fn fields(name: &str, input: &[f64]) -> Value {
    match name {
        "item" => vec![input[3..4].to_vec(), input[4..5].to_vec()],
        name => vec![columns(&[name.to_owned()], input)],
    }
}

fn block(block: &Block, arguments: Vec<Value>, weights: &Weights) -> Value {
    run(&block.graph, arguments, &|node, inputs| match &node.op {
        Op::Linear { param, activation } => {
            let ParamKind::Linear(linear) = &block.params[*param].kind else { panic!("not a linear map") };
            activate(*activation, affine(linear, &inputs[0], weights))
        }
        Op::Value { param } => {
            let ParamKind::Value(value) = &block.params[*param].kind else { panic!("not a value") };
            let slots = members(&value.members);
            let slot = |(position, (path, _)): (usize, &(String, Slot))| {
                let start = |column: usize| match &value.init {
                    // Near its start, so that the diagonal is told from the rest.
                    ValueInit::Diagonal { own, other, units: false } if column == position => factor(own),
                    ValueInit::Diagonal { own, other, .. } => factor(other) + 0.0 * factor(own),
                    _ => 0.0,
                };
                (0..value.width.value()).map(|i| start(i) + 0.1 * weights.at(path, i)).collect()
            };
            slots.iter().enumerate().map(slot).collect()
        }
        Op::Norm { .. } => inputs[0].iter().map(|slot| normal(slot)).collect(),
        // Masks start at one, so that every task has the whole network.
        Op::Subnets { params, activation, .. } => {
            let mut value = inputs[0].clone();
            for param in params {
                let ParamKind::Masked(masked) = &block.params[*param].kind else { panic!("not a masked map") };
                let member = Members { path: masked.path.clone(), count: None, slot: Slot::Own };
                let (input, output) = (masked.input.clone(), masked.output.clone());
                let linear = Linear { members: vec![member], input, output, bias: true, start: LinearStart::Uniform };
                let slots = value.iter().map(|slot| affine(&linear, &vec![slot.clone()], weights)[0].clone());
                value = activate(*activation, slots.collect());
            }
            if value.len() == 1 { vec![value[0].clone(); node.shape.slots.value()] } else { value }
        }
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
        Op::TopK { k } => inputs[0].iter().map(|row| top_k(row, k.value())).collect(),
        Op::Mix(choice) => mix(choice, &inputs[0], &inputs[1]),
        Op::Gather(choice) => {
            let rows = lists(choice, node.shape.slots.value(), inputs[0].len());
            let ones: Value = rows.iter().map(|list| vec![1.0; list.len()]).collect();
            mix(choice, &ones, &inputs[0])
        }
        Op::Selectors { gamma, .. } => {
            let width = node.shape.width.value();
            inputs[0].iter().map(|bits| selector(bits, width, gamma.value)).collect()
        }
        Op::Noise { .. } | Op::DropGates { .. } => inputs[0].clone(),
        Op::DropRows { .. } | Op::Gate { .. } | Op::Stop | Op::Penalty { .. } => inputs[0].clone(),
        Op::HardConcrete { .. } => map(&inputs[0], |x| (1.2 / (1.0 + (-x).exp()) - 0.1).clamp(0.0, 1.0)),
        Op::OpenChance { temperature } => {
            let shift = temperature.value * (0.1f64 / 1.1).ln();
            map(&inputs[0], |x| 1.0 / (1.0 + (shift - x).exp()))
        }
        Op::Add => elementwise(&inputs[0], &inputs[1], |a, b| a + b),
        Op::Multiply => elementwise(&inputs[0], &inputs[1], |a, b| a * b),
        Op::Affine { factor: by, shift } => map(&inputs[0], |x| factor(by) * x + shift),
        Op::Reshape { .. } => {
            let width = node.shape.width.value();
            inputs[0].concat().chunks(width).map(<[f64]>::to_vec).collect()
        }
        Op::Transpose => {
            let columns = inputs[0][0].len();
            (0..columns).map(|i| inputs[0].iter().map(|slot| slot[i]).collect()).collect()
        }
        Op::Narrow { start, .. } => {
            let (start, width) = (start.value(), node.shape.width.value());
            inputs[0].iter().map(|slot| slot[start..start + width].to_vec()).collect()
        }
        Op::SumWidth => inputs[0].iter().map(|slot| vec![slot.iter().sum()]).collect(),
        Op::MeanWidth => inputs[0].iter().map(|slot| vec![slot.iter().sum::<f64>() / slot.len() as f64]).collect(),
        Op::ScaledDots => {
            let dot = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let root = (inputs[0][0].len() as f64).sqrt();
            inputs[0].iter().zip(&inputs[1]).map(|pair| vec![dot(pair) / root]).collect()
        }
        Op::PairDots => vec![pairs(&inputs[0]).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum()).collect()],
        Op::PairProducts => pairs(&inputs[0]).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).collect()).collect(),
        Op::Attention { heads, .. } => attention(&inputs[0], &inputs[1], &inputs[2], heads.value()),
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
        match &param.kind {
            ParamKind::Linear(linear) => all.extend(members(&linear.members).into_iter().map(|(path, _)| path)),
            ParamKind::Value(value) => all.extend(members(&value.members).into_iter().map(|(path, _)| path)),
            ParamKind::Masked(masked) => all.push(masked.path.clone()),
            ParamKind::Norm { .. } => {}
        }
    }
    all
}

fn members(groups: &[Members]) -> Vec<(String, Slot)> {
    let mut all = Vec::new();
    for members in groups {
        match &members.count {
            None => all.push((members.path.clone(), members.slot)),
            Some(count) => all.extend((0..count.value()).map(|i| (format!("{}.{i}", members.path), members.slot))),
        }
    }
    all
}

fn factor(scale: &Scale) -> f64 {
    match scale {
        Scale::Constant(value) => *value,
        Scale::Config(rate) => rate.value,
    }
}

fn map(value: &Value, f: impl Fn(f64) -> f64) -> Value {
    value.iter().map(|slot| slot.iter().map(|x| f(*x)).collect()).collect()
}

/// What has one slot or one column is repeated.
fn elementwise(a: &Value, b: &Value, f: impl Fn(f64, f64) -> f64) -> Value {
    let (slots, width) = (a.len().max(b.len()), a[0].len().max(b[0].len()));
    let at = |value: &Value, s: usize, i: usize| value[s.min(value.len() - 1)][i.min(value[0].len() - 1)];
    (0..slots).map(|s| (0..width).map(|i| f(at(a, s, i), at(b, s, i))).collect()).collect()
}

fn pairs(value: &Value) -> impl Iterator<Item = (&Vec<f64>, &Vec<f64>)> {
    value.iter().enumerate().flat_map(|(i, a)| value[i + 1..].iter().map(move |b| (a, b)))
}

fn attention(queries: &Value, keys: &Value, values: &Value, heads: usize) -> Value {
    let width = queries[0].len() / heads;
    let head = |query: &Vec<f64>, h: usize| -> Vec<f64> {
        let part = |vector: &Vec<f64>| vector[h * width..(h + 1) * width].to_vec();
        let score =
            |key: &Vec<f64>| part(query).iter().zip(part(key)).map(|(q, k)| q * k).sum::<f64>() / (width as f64).sqrt();
        let weights = softmax(&keys.iter().map(score).collect::<Vec<f64>>());
        (0..width).map(|i| weights.iter().zip(values).map(|(w, value)| w * part(value)[i]).sum()).collect()
    };
    queries.iter().map(|query| (0..heads).flat_map(|h| head(query, h)).collect()).collect()
}

fn affine(linear: &Linear, input: &Value, weights: &Weights) -> Value {
    if let [(path, Slot::Every)] = &members(&linear.members)[..] {
        let own =
            Linear { members: vec![Members { path: path.clone(), count: None, slot: Slot::Own }], ..linear.clone() };
        return input.iter().map(|slot| affine(&own, &vec![slot.clone()], weights)[0].clone()).collect();
    }
    let member = |(position, (path, slot)): (usize, (String, Slot))| {
        let x = match slot {
            Slot::At(slot) => &input[slot],
            Slot::Own if input.len() == 1 => &input[0],
            Slot::Own => &input[position],
            Slot::Every => unreachable!(),
        };
        assert_eq!(x.len(), linear.input.value(), "input of {path}");
        let width = linear.output.value();
        // Near its start, as other values.
        let start = |i: usize, j: usize| match &linear.start {
            LinearStart::Blocks { own, .. } if i % width == j && i / width == position => factor(own),
            LinearStart::Blocks { other, .. } if i % width == j => factor(other),
            _ => 0.0,
        };
        let column = |j: usize| {
            let weight = |i: usize| start(i, j) + weights.at(&format!("{path}.weight"), i * width + j);
            let sum: f64 = x.iter().enumerate().map(|(i, x)| x * weight(i)).sum();
            sum + if linear.bias { weights.at(&format!("{path}.bias"), j) } else { 0.0 }
        };
        (0..width).map(column).collect()
    };
    members(&linear.members).into_iter().enumerate().map(member).collect()
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
            Activation::Swish => *x / (1.0 + (-*x).exp()),
            Activation::Softplus => x.exp().ln_1p(),
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

fn top_k(row: &[f64], k: usize) -> Vec<f64> {
    let rank = |i: usize| (0..row.len()).filter(|&j| row[j] > row[i] || row[j] == row[i] && j < i).count();
    let powers: Vec<f64> = (0..row.len()).map(|i| if rank(i) < k { row[i].exp() } else { 0.0 }).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|x| x / sum).collect()
}

/// The weight of each expert, by the bits of its number.
fn selector(bits: &[f64], experts: usize, gamma: f64) -> Vec<f64> {
    let step = |t: f64| match t {
        t if t <= -gamma / 2.0 => 0.0,
        t if t >= gamma / 2.0 => 1.0,
        t => -2.0 * t.powi(3) / gamma.powi(3) + 1.5 * t / gamma + 0.5,
    };
    let bit = |j: usize, (b, t): (usize, &f64)| if j >> b & 1 == 1 { step(*t) } else { 1.0 - step(*t) };
    (0..experts).map(|j| bits.iter().enumerate().map(|at| bit(j, at)).product()).collect()
}

/// The slots that each row reads.
fn lists(choice: &Choice, rows: usize, slots: usize) -> Vec<Vec<usize>> {
    let Choice::Lists { rows, pick, .. } = choice else { return vec![(0..slots).collect(); rows] };
    let rows = rows.value();
    let list = |t: usize| match pick {
        Pick::OwnAndShared { own, shared } => {
            let (own, shared) = (own.value(), shared.value());
            (t * own..(t + 1) * own).chain(rows * own..rows * own + shared).collect()
        }
        Pick::Foreign { own } => (0..rows * own.value()).filter(|slot| slot / own.value() != t).collect(),
        Pick::Strided { count } => (0..count.value()).map(|j| j * rows + t).collect(),
    };
    (0..rows).map(list).collect()
}

fn mix(choice: &Choice, weights: &Value, values: &Value) -> Value {
    let row = |(experts, weights): (Vec<usize>, &Vec<f64>)| {
        assert_eq!(experts.len(), weights.len(), "a weight for each expert");
        let mut sum = vec![0.0; values[0].len()];
        for (expert, weight) in experts.iter().zip(weights) {
            sum.iter_mut().zip(&values[*expert]).for_each(|(sum, x)| *sum += weight * x);
        }
        sum
    };
    lists(choice, weights.len(), values.len()).into_iter().zip(weights).map(row).collect()
}
