//! A block under construction: what the constructs' lowerings write to.

use super::{Source, path};
use crate::constructs;
use crate::hir::{self, Call, ExprKind, Number, Type};
use crate::ir::{
    Activation, Block, Choice, Config, ConfigField, ConfigPath, ConfigValue, Graph, Linear, Members, Node, NodeId, Op,
    Param, ParamKind, ParamName, Rate, Role, Shape, Size, Slot, Symbol,
};

/// A representation in a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Its value.
    pub value: NodeId,
    /// Whose its slots are, task by task; `None`: one slot for all tasks.
    pub tasks: Option<Vec<usize>>,
}

/// Members of a group of blocks: one task's, or all tasks'.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Whose they are.
    pub task: Option<usize>,
    /// How many; `None` for one that is not counted.
    pub count: Option<Size>,
    /// The slot they read.
    pub slot: Slot,
}

/// Builds one block.
pub(super) struct Builder<'m> {
    model: &'m hir::Model,
    block: Block,
    /// The arguments' sources, in the order of their nodes.
    sources: Vec<Source>,
    /// True until the first call, whose numbers and parameters need no prefix.
    outermost: bool,
    /// Prefixes of the other calls so far.
    groups: Vec<String>,
}

/// Where a call's numbers and parameters stand in its block.
pub struct Scope<'b, 'm> {
    builder: &'b mut Builder<'m>,
    /// Groups of the configuration, from the outermost.
    groups: Vec<String>,
    /// Before the names of the parameters.
    prefix: String,
}

/// True if the expression calls a construct.
pub(super) fn calls(expr: &hir::Expr) -> bool {
    match &expr.kind {
        ExprKind::Call(_) => true,
        ExprKind::Concat(parts) => parts.iter().any(calls),
        ExprKind::Input(_) | ExprKind::Let(_) => false,
    }
}

/// What the expression reads from outside, each once.
pub(super) fn reads(expr: &hir::Expr, sources: &mut Vec<Source>) {
    let source = match &expr.kind {
        ExprKind::Input(features) => Source::Columns(features.clone()),
        ExprKind::Let(id) => Source::Let(*id),
        ExprKind::Concat(parts) => return parts.iter().for_each(|part| reads(part, sources)),
        ExprKind::Call(call) => return call.inputs.iter().for_each(|input| reads(input, sources)),
    };
    if !sources.contains(&source) {
        sources.push(source);
    }
}

/// The widths add up; a single slot is repeated.
pub(super) fn concat_shape<'s>(parts: impl Iterator<Item = &'s Shape>) -> Shape {
    let mut shape = Shape { slots: Size::constant(1), width: Size::constant(0) };
    for part in parts {
        shape.width = shape.width.plus(&part.width);
        if !part.slots.is(1) {
            shape.slots = part.slots.clone();
        }
    }
    shape
}

impl<'m> Builder<'m> {
    pub(super) fn new(model: &'m hir::Model, name: &str, role: Role, arguments: Vec<(Source, Node)>) -> Builder<'m> {
        let mut graph = Graph::default();
        let mut sources = Vec::new();
        for (source, node) in arguments {
            let mut name = match &source {
                Source::Let(id) => model.lets[id.0].name.text.clone(),
                Source::Columns(_) => node.name,
            };
            while graph.nodes.iter().any(|other| other.name == name) {
                name.push('_');
            }
            let width = Size::symbol(Symbol::Width(name.clone()), node.shape.width.value());
            graph.push(&name, Op::Argument, Vec::new(), Shape { slots: node.shape.slots, width });
            sources.push(source);
        }
        let block = Block {
            name: name.to_owned(),
            role,
            docs: String::new(),
            span: Default::default(),
            config: Config::default(),
            params: Vec::new(),
            graph,
        };
        Builder { model, block, sources, outermost: true, groups: Vec::new() }
    }

    pub(super) fn build(mut self, value: &hir::Expr, docs: &str) -> Block {
        self.block.docs = docs.to_owned();
        self.block.span = value.span;
        let stream = self.expr(value);
        self.block.graph.output = match self.block.role.clone() {
            Role::Let => stream.value,
            Role::Tower(tasks) => {
                let mut scope = Scope { builder: &mut self, groups: Vec::new(), prefix: String::new() };
                let members = tasks.iter().map(|t| scope.member_of(*t, &stream)).collect::<Vec<_>>();
                scope.linear("output", None, &members, stream.value, Size::constant(1), true)
            }
        };
        self.block
    }

    fn expr(&mut self, expr: &hir::Expr) -> Stream {
        match &expr.kind {
            ExprKind::Input(features) => self.argument(&Source::Columns(features.clone()), expr.ty),
            ExprKind::Let(id) => self.argument(&Source::Let(*id), expr.ty),
            ExprKind::Concat(parts) => {
                self.outermost = false;
                let parts = parts.iter().map(|part| self.expr(part)).collect();
                self.concat(parts)
            }
            ExprKind::Call(call) => self.call(call),
        }
    }

    fn argument(&self, source: &Source, ty: Type) -> Stream {
        let position = self.sources.iter().position(|known| known == source);
        let value = NodeId(position.unwrap_or_else(|| unreachable!("sources were collected from this expression")));
        let tasks = matches!(ty, Type::EachVec(_)).then(|| (0..self.model.tasks.len()).collect());
        Stream { value, tasks }
    }

    fn call(&mut self, call: &Call) -> Stream {
        let (groups, prefix) = match std::mem::replace(&mut self.outermost, false) {
            true => (Vec::new(), String::new()),
            false => {
                let group = self.free_group(call.construct);
                (vec![group.clone()], format!("{group}_"))
            }
        };
        let inputs: Vec<Stream> = call.inputs.iter().map(|input| self.expr(input)).collect();
        let construct = constructs::find(call.construct);
        let construct = construct.unwrap_or_else(|| unreachable!("checked calls name a construct"));
        (construct.lower)(call, &inputs, &mut Scope { builder: self, groups, prefix })
    }

    /// A name for an inner call's numbers: its construct's, counted from the second on.
    fn free_group(&mut self, construct: &str) -> String {
        let mut name = construct.to_owned();
        let mut n = 2;
        while self.groups.contains(&name) {
            name = format!("{construct}_{n}");
            n += 1;
        }
        self.groups.push(name.clone());
        name
    }

    /// Values side by side. Where several tasks' slots meet, they are brought into one order of tasks.
    fn concat(&mut self, parts: Vec<Stream>) -> Stream {
        let tasks = match &self.block.role {
            Role::Tower(tasks) if parts.iter().any(|part| part.tasks.is_some()) => Some(tasks.clone()),
            _ => parts.iter().find_map(|part| part.tasks.clone()),
        };
        let graph = &mut self.block.graph;
        let mut inputs = Vec::new();
        for part in parts {
            let own = match (&part.tasks, &tasks) {
                (Some(has), Some(wanted)) if has != wanted => {
                    let slots = wanted.iter().filter_map(|task| has.iter().position(|own| own == task)).collect();
                    let shape = Shape { slots: Size::constant(wanted.len()), ..graph[part.value].shape.clone() };
                    let name = graph[part.value].name.clone();
                    graph.push(&name, Op::Select(slots), vec![part.value], shape)
                }
                _ => part.value,
            };
            inputs.push(own);
        }
        let shape = concat_shape(inputs.iter().map(|id| &graph[*id].shape));
        Stream { value: graph.push("concat", Op::Concat, inputs, shape), tasks }
    }
}

impl<'m> Scope<'_, 'm> {
    /// The tasks that get a copy each of a block that reads `input`: all of the line's tasks in a tower, those of the input elsewhere.
    pub fn copies(&self, input: &Stream) -> Option<Vec<usize>> {
        match &self.builder.block.role {
            Role::Tower(tasks) => Some(tasks.clone()),
            Role::Let => input.tasks.clone(),
        }
    }

    /// All tasks of the model.
    pub fn tasks(&self) -> Vec<usize> {
        (0..self.builder.model.tasks.len()).collect()
    }

    /// The member of a group that belongs to `task` and reads its slot of `input`.
    pub fn member_of(&self, task: usize, input: &Stream) -> Member {
        Member { task: Some(task), count: None, slot: self.slot_of(task, input) }
    }

    /// The slot of `task`.
    pub fn slot_of(&self, task: usize, input: &Stream) -> Slot {
        let position = input.tasks.as_ref().and_then(|tasks| tasks.iter().position(|own| *own == task));
        position.map_or(Slot::Own, Slot::At)
    }

    /// A scope inside this one: a group of the configuration and a prefix of the parameters.
    pub fn inner(&mut self, name: &str) -> Scope<'_, 'm> {
        let groups = self.groups.iter().cloned().chain([name.to_owned()]).collect();
        Scope { builder: &mut *self.builder, groups, prefix: format!("{}{name}_", self.prefix) }
    }

    /// A count of the configuration.
    pub fn count(&mut self, name: &str, docs: &str, number: Number) -> Size {
        let value = number.value as usize;
        let path = self.field(name, docs, ConfigValue::Count(value));
        Size::symbol(Symbol::Config(path), value)
    }

    /// Layer widths of the configuration.
    pub fn widths(&mut self, name: &str, docs: &str, numbers: &[Number]) -> Vec<Size> {
        let values: Vec<usize> = numbers.iter().map(|number| number.value as usize).collect();
        let path = self.field(name, docs, ConfigValue::Widths(values.clone()));
        let size = |(i, value)| Size::symbol(Symbol::Config(ConfigPath { index: Some(i), ..path.clone() }), value);
        values.into_iter().enumerate().map(size).collect()
    }

    /// A rate of the configuration.
    pub fn rate(&mut self, name: &str, docs: &str, number: Number) -> Rate {
        Rate { path: self.field(name, docs, ConfigValue::Rate(number.value)), value: number.value }
    }

    fn field(&mut self, name: &str, docs: &str, value: ConfigValue) -> ConfigPath {
        let mut config = &mut self.builder.block.config;
        for group in &self.groups {
            let known = config.fields.iter().position(|field| field.name == *group);
            let position = known.unwrap_or_else(|| {
                let docs = format!("Numbers of `{group}`.");
                config.fields.push(ConfigField {
                    name: group.clone(),
                    docs,
                    value: ConfigValue::Group(Config::default()),
                });
                config.fields.len() - 1
            });
            match &mut config.fields[position].value {
                ConfigValue::Group(inner) => config = inner,
                _ => unreachable!("groups and numbers have different names"),
            }
        }
        config.fields.push(ConfigField { name: name.to_owned(), docs: docs.to_owned(), value });
        self.groups.iter().rev().fold(path(name), |path, group| path.within(group))
    }

    /// A grouped linear map of `input`, one matrix per member.
    pub fn linear(
        &mut self,
        part: &str,
        layer: Option<usize>,
        members: &[Member],
        input: NodeId,
        width: Size,
        bias: bool,
    ) -> NodeId {
        let name = ParamName { scope: self.prefix.clone(), part: part.to_owned(), layer };
        let path = format!("{}.{name}", self.builder.block.name);
        let tasks = &self.builder.model.tasks;
        let members: Vec<Members> = members
            .iter()
            .map(|member| Members {
                path: member.task.map_or(path.clone(), |t| format!("{path}.{}", tasks[t].name.text)),
                count: member.count.clone(),
                slot: member.slot,
            })
            .collect();
        let linear = Linear { members, input: self.shape(input).width.clone(), output: width.clone(), bias };
        let shape = Shape { slots: linear.size(), width };
        let param = self.param(name, ParamKind::Linear(linear));
        self.push(part, Op::Linear { param, activation: Activation::None }, vec![input], shape)
    }

    /// Layer norm of each slot.
    pub fn norm(&mut self, part: &str, layer: usize, input: NodeId) -> NodeId {
        let name = ParamName { scope: self.prefix.clone(), part: format!("{part}_norm"), layer: Some(layer) };
        let shape = self.shape(input).clone();
        let param = self.param(name, ParamKind::Norm { slots: shape.slots.clone(), width: shape.width.clone() });
        self.push(part, Op::Norm { param }, vec![input], shape)
    }

    /// A function of each value.
    pub fn activate(&mut self, part: &str, activation: Activation, input: NodeId) -> NodeId {
        let shape = self.shape(input).clone();
        self.push(part, Op::Activate(activation), vec![input], shape)
    }

    /// Inverted dropout.
    pub fn dropout(&mut self, part: &str, layer: usize, rate: &Rate, input: NodeId) -> NodeId {
        let site = format!("{}.{}{part}_{layer}", self.builder.block.name, self.prefix);
        let shape = self.shape(input).clone();
        self.push(part, Op::Dropout { rate: rate.clone(), site }, vec![input], shape)
    }

    /// A softmax gate, linear in its input and without bias (as in the papers), over `experts` columns.
    pub fn gate(&mut self, part: &str, members: &[Member], input: NodeId, experts: Size) -> NodeId {
        let logits = self.linear(part, None, members, input, experts, false);
        let shape = self.shape(logits).clone();
        self.push(part, Op::Softmax, vec![logits], shape)
    }

    /// Sums of the slots of `values`, weighted by the rows of `weights`.
    pub fn mix(&mut self, name: &str, weights: NodeId, values: NodeId, choice: Choice) -> NodeId {
        let shape = Shape { slots: self.shape(weights).slots.clone(), width: self.shape(values).width.clone() };
        self.push(name, Op::Mix(choice), vec![weights, values], shape)
    }

    /// The choice of own experts, then shared ones, for each of `tasks` rows.
    pub fn own_and_shared(&self, tasks: usize, own: Size, shared: Size) -> Choice {
        match tasks {
            1 => Choice::All,
            _ => Choice::OwnAndShared { name: format!("{}choice", self.prefix), tasks, own, shared },
        }
    }

    /// Values of one width, slot after slot.
    pub fn stack(&mut self, name: &str, parts: Vec<NodeId>) -> NodeId {
        let slots = parts.iter().map(|id| self.shape(*id).slots.clone()).sum();
        let width = self.shape(parts[0]).width.clone();
        self.push(name, Op::Stack, parts, Shape { slots, width })
    }

    /// The shape of a value.
    pub fn shape(&self, id: NodeId) -> &Shape {
        &self.builder.block.graph[id].shape
    }

    fn param(&mut self, name: ParamName, kind: ParamKind) -> usize {
        self.builder.block.params.push(Param { name, kind });
        self.builder.block.params.len() - 1
    }

    fn push(&mut self, part: &str, op: Op, inputs: Vec<NodeId>, shape: Shape) -> NodeId {
        self.builder.block.graph.push(part, op, inputs, shape)
    }
}
