//! The IR as text: `mtl graph`.

use super::{
    Block, Choice, Config, ConfigValue, Graph, Linear, MaskMethod, Model, Node, NodeId, Op, Param, ParamKind, Penalty,
    Pick, Role, Scale, Shape, Slot, Through, View,
};
use std::fmt::{Display, Formatter, Result};

/// The whole model, block by block.
impl Display for Model {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "model {}: {}, {} parameters", self.name, self.tasks.join(", "), thousands(self.parameters()))?;
        for block in &self.blocks {
            write!(f, "\n{}", Numbered { block, tasks: &self.tasks })?;
        }
        writeln!(f, "\nlogits")?;
        for node in &self.graph.nodes {
            writeln!(f, "    {}", Line { node, graph: &self.graph, block: None, model: Some(self) })?;
        }
        Ok(())
    }
}

/// A block as it stands in a model.
struct Numbered<'a> {
    block: &'a Block,
    tasks: &'a [String],
}

impl Display for Numbered<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let block = self.block;
        match &block.role {
            Role::Let => write!(f, "let {}", block.name)?,
            Role::Tower(tasks) => {
                let names: Vec<&str> = tasks.iter().map(|t| self.tasks[*t].as_str()).collect();
                write!(f, "{} of {}", block.name, names.join(", "))?;
            }
        }
        writeln!(f, ": {} parameters", thousands(block.parameters()))?;
        for line in numbers(&block.config, "") {
            writeln!(f, "    {line}")?;
        }
        for node in &block.graph.nodes {
            writeln!(f, "    {}", Line { node, graph: &block.graph, block: Some(block), model: None })?;
        }
        writeln!(f, "    -> {}", local(&block.graph, block.graph.output))
    }
}

/// The numbers of a configuration, one line each.
fn numbers(config: &Config, prefix: &str) -> Vec<String> {
    let lines = |field: &super::ConfigField| match &field.value {
        ConfigValue::Count(n) => vec![format!("{prefix}{} = {n}", field.name)],
        ConfigValue::Widths(widths) => vec![format!("{prefix}{} = {widths:?}", field.name)],
        ConfigValue::Rate(rate) | ConfigValue::Real(rate) => vec![format!("{prefix}{} = {rate}", field.name)],
        ConfigValue::Group(group) => numbers(group, &format!("{prefix}{}.", field.name)),
    };
    config.fields.iter().flat_map(lines).collect()
}

/// One node: `%3 experts [B, 8, 128] = linear(%2, experts_2, relu)`.
struct Line<'a> {
    node: &'a Node,
    graph: &'a Graph,
    block: Option<&'a Block>,
    model: Option<&'a Model>,
}

impl Display for Line<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let node = self.node;
        let position = self.graph.nodes.iter().position(|other| std::ptr::eq(other, node)).unwrap_or(0);
        let inputs: Vec<String> = node.inputs.iter().map(|id| local(self.graph, *id)).collect();
        let inputs = inputs.join(", ");
        write!(f, "{} {}", local(self.graph, NodeId(position)), node.shape)?;
        if node.op == Op::Argument {
            return Ok(());
        }
        f.write_str(" = ")?;
        let param = |index: usize| self.block.map(|block| &block.params[index]);
        match &node.op {
            Op::Argument => Ok(()),
            Op::Columns { names, view, .. } => write!(f, "{}({inputs}: {})", view_word(*view), names.join(", ")),
            Op::Block(block) => {
                let name = self.model.map_or("", |model| &model.blocks[*block].name);
                write!(f, "{name}({inputs})")
            }
            Op::TrainOnly(block) => {
                let name = self.model.map_or("", |model| &model.blocks[*block].name);
                let (value, read) = inputs.split_once(", ").unwrap_or((&inputs, ""));
                write!(f, "{value} + {name}({read}) while training")
            }
            Op::Through(mixtures) => {
                let one = |of: &Through| format!("{} through {}, otherwise {}", of.task, of.between, of.otherwise);
                let mixtures: Vec<String> = mixtures.iter().map(one).collect();
                write!(f, "mixtures({inputs}: {})", mixtures.join("; "))
            }
            Op::Levels { block, task } => {
                let name = self.model.map_or("", |model| &model.blocks[*block].name);
                write!(f, "levels({inputs}: {task} by {name})")
            }
            Op::Head(block) => {
                let name = self.model.map_or("", |model| &model.blocks[*block].name);
                let (value, read) = inputs.split_once(", ").unwrap_or((&inputs, ""));
                write!(f, "{value} and {name}({read}) while training")
            }
            Op::Value { param: index } => {
                let name = param(*index).map(|param| param.name.to_string()).unwrap_or_default();
                write!(f, "parameter({name})")
            }
            Op::Linear { param: index, activation } => {
                write!(f, "linear({inputs}, {}", activation.word())?;
                if let Some(Param { name, kind: ParamKind::Linear(linear) }) = param(*index) {
                    let (size, bias) = (linear.size(), if linear.bias { "bias" } else { "no bias" });
                    write!(f, "; {name} [{size}, {}, {}] {bias}{}", linear.input, linear.output, Parts(linear))?;
                }
                f.write_str(")")
            }
            Op::Subnets { params, activation, dropout, search } => {
                let layer = |index: &usize| match param(*index) {
                    Some(Param { name, kind: ParamKind::Masked(of) }) => {
                        format!("{name} [{}, {}], {} masks", of.input, of.output, of.tasks)
                    }
                    _ => String::new(),
                };
                let layers: Vec<String> = params.iter().map(layer).collect();
                let found = match &search.method {
                    MaskMethod::Magnitude { .. } => format!("keep {}", search.prune.value),
                    MaskMethod::Contrastive { .. } => format!("prune {}", search.prune.value),
                };
                let (layers, rounds) = (layers.join("; "), &search.rounds);
                write!(f, "subnets({inputs}, {}; {layers}; {found} in {rounds} rounds", activation.word())?;
                match dropout {
                    Some((rate, _)) => write!(f, "; dropout {} = {})", rate.path, rate.value),
                    None => f.write_str(")"),
                }
            }
            Op::Activate(activation) => write!(f, "{}({inputs})", activation.word()),
            Op::Norm { param: index } => {
                let name = param(*index).map(|param| param.name.to_string()).unwrap_or_default();
                write!(f, "layer_norm({inputs}; {name})")
            }
            Op::Dropout { rate, .. } => write!(f, "dropout({inputs}, {} = {})", rate.path, rate.value),
            Op::DropRows { rate, .. } => write!(f, "drop_rows({inputs}, {} = {})", rate.path, rate.value),
            Op::HardConcrete { temperature, .. } => {
                write!(f, "hard_concrete({inputs}, {} = {})", temperature.path, temperature.value)
            }
            Op::OpenChance { temperature } => {
                write!(f, "open_chance({inputs}, {} = {})", temperature.path, temperature.value)
            }
            Op::Softmax => write!(f, "softmax({inputs})"),
            Op::TopK { k } => write!(f, "top_k({inputs}, {k})"),
            Op::Noise { .. } => write!(f, "noise({inputs})"),
            Op::Selectors { gamma, experts, .. } => {
                write!(f, "selectors({inputs} of {experts}, {} = {})", gamma.path, gamma.value)
            }
            Op::DropGates { rate, .. } => write!(f, "drop_gates({inputs}, {} = {})", rate.path, rate.value),
            Op::Gate { .. } => write!(f, "gate({inputs})"),
            Op::Mix(choice) => write!(f, "mix({inputs}; {choice})"),
            Op::Gather(choice) => write!(f, "gather({inputs}; {choice})"),
            Op::Add => write!(f, "add({inputs})"),
            Op::Multiply => write!(f, "multiply({inputs})"),
            Op::Affine { factor, shift } if *shift == 0.0 => write!(f, "scale({inputs}, {factor})"),
            Op::Affine { factor, shift } => write!(f, "affine({inputs}, {factor}, {shift})"),
            Op::Stop => write!(f, "stop({inputs})"),
            Op::Reshape { .. } => write!(f, "reshape({inputs})"),
            Op::Transpose => write!(f, "transpose({inputs})"),
            Op::Narrow { start, .. } => write!(f, "narrow({inputs} from {start})"),
            Op::SumWidth => write!(f, "sum_width({inputs})"),
            Op::MeanWidth => write!(f, "mean_width({inputs})"),
            Op::ScaledDots => write!(f, "scaled_dots({inputs})"),
            Op::PairDots => write!(f, "pair_dots({inputs})"),
            Op::PairProducts => write!(f, "pair_products({inputs})"),
            Op::Attention { heads, .. } => write!(f, "attention({inputs}, {heads} heads)"),
            Op::Penalty { kind, weight, .. } => {
                let params = |list: &[usize]| -> String {
                    let names = list.iter().filter_map(|index| param(*index)).map(|param| param.name.to_string());
                    names.collect::<Vec<_>>().join(", ")
                };
                let what = match kind {
                    Penalty::Distance(list) => format!("distance of {}", params(list)),
                    Penalty::TraceNorm(list) => format!("trace norm of {}", params(list)),
                    Penalty::Orthogonal { params: list, subspaces } => {
                        format!("{subspaces} subspaces not orthogonal in {}", params(list))
                    }
                    Penalty::Load { k } => format!("load of the top {k}"),
                    other => other.word().to_owned(),
                };
                write!(f, "penalty({inputs}: {weight} * {what})")
            }
            Op::Concat => write!(f, "concat({inputs})"),
            Op::Stack => write!(f, "stack({inputs})"),
            Op::Select(slots) => write!(f, "select({inputs}: {slots:?})"),
            Op::Logits(tasks) => {
                let tasks: Vec<String> = tasks.iter().map(|tasks| format!("{tasks:?}")).collect();
                write!(f, "logits({inputs}: {})", tasks.join(", "))
            }
        }
    }
}

/// `%3 experts`, so that two values of one name stay apart.
fn local(graph: &Graph, id: NodeId) -> String {
    format!("%{} {}", id.0, graph[id].name)
}

impl Display for Shape {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let rows = if self.batched { "B" } else { "1" };
        write!(f, "[{rows}, {}, {}]", self.slots, self.width)
    }
}

/// The name of a view in the text.
fn view_word(view: View) -> &'static str {
    match view {
        View::Flat => "columns",
        View::Fields => "fields",
        View::Own => "own",
        View::Sequence => "sequence",
        View::Mask => "mask",
        View::Wide => "wide",
    }
}

impl Display for Scale {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Scale::Constant(value) => value.fmt(f),
            Scale::Config(rate) => write!(f, "{} = {}", rate.path, rate.value),
        }
    }
}

impl Display for Choice {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Choice::All => f.write_str("all"),
            Choice::Lists { pick: Pick::OwnAndShared { own, shared }, .. } if shared.is(0) => write!(f, "own {own}"),
            Choice::Lists { pick: Pick::OwnAndShared { own, shared }, .. } => {
                write!(f, "own {own} and shared {shared}")
            }
            Choice::Lists { pick: Pick::Foreign { own }, .. } => write!(f, "the others' {own}"),
            Choice::Lists { rows, pick: Pick::Strided { count }, .. } => write!(f, "{count}, each {rows} apart"),
        }
    }
}

/// Which groups a map was merged from, and which slots its members read: ` of 5 own_1, 2 shared_1 reading 0, 1, 2, 2`.
struct Parts<'a>(&'a Linear);

impl Display for Parts<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut parts: Vec<(&str, usize)> = Vec::new();
        for members in &self.0.members {
            let name = members.path.split('.').nth(1).unwrap_or(&members.path);
            match parts.iter_mut().find(|part| part.0 == name) {
                Some(part) => part.1 += members.size().value(),
                None => parts.push((name, members.size().value())),
            }
        }
        if parts.len() > 1 {
            let parts: Vec<String> = parts.iter().map(|(name, count)| format!("{count} {name}")).collect();
            write!(f, " of {}", parts.join(", "))?;
        }
        let slots = self.0.members.iter().flat_map(|members| match members.slot {
            Slot::At(slot) => vec![slot; members.size().value()],
            Slot::Own | Slot::Every => Vec::new(),
        });
        if self.0.members.iter().any(|members| members.slot == Slot::Every) {
            return f.write_str(" for every slot");
        }
        let slots: Vec<usize> = slots.collect();
        if slots.iter().copied().eq(0..slots.len()) {
            return Ok(());
        }
        let slots: Vec<String> = slots.iter().map(usize::to_string).collect();
        write!(f, " reading {}", slots.join(", "))
    }
}

/// `1_234_567`.
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|chunk| std::str::from_utf8(chunk).ok()).collect();
    groups.join("_")
}
