//! What the constructs' lowerings write with: the tasks, numbers, parameters and [primitives](primitives) of a block under construction.

mod primitives;

use super::block::{Builder, Member, Owner, Stream};
use super::{Source, path};
use crate::hir::{self, ExprKind, Number, View};
use crate::ir::{
    Activation, Config, ConfigField, ConfigPath, ConfigValue, Linear, LinearStart, MaskSearch, Masked, Members, NodeId,
    Op, Param, ParamKind, ParamName, Rate, Role, Scale, Shape, Size, Slot, Symbol, Value, ValueInit,
};

/// Where a call's numbers and parameters stand in its block.
pub struct Scope<'b, 'm> {
    pub(super) builder: &'b mut Builder<'m>,
    /// Groups of the configuration, from the outermost.
    pub(super) groups: Vec<String>,
    /// Before the names of the parameters.
    pub(super) prefix: String,
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

    /// The tasks of the line: a tower's own, or all.
    pub fn line_tasks(&self) -> Vec<usize> {
        match &self.builder.block.role {
            Role::Tower(tasks) => tasks.clone(),
            Role::Let => self.tasks(),
        }
    }

    /// The name of a task.
    pub fn task_name(&self, task: usize) -> &str {
        &self.builder.model.tasks[task].name.text
    }

    /// The names of the features that an input reads.
    pub fn feature_names(&self, input: &hir::Expr) -> Vec<String> {
        let ExprKind::Input(features, _) = &input.kind else { return Vec::new() };
        features.iter().map(|id| self.builder.model.features[id.0].name.text.clone()).collect()
    }

    /// One member for each name, on the slot of its position.
    pub fn named_members(&self, names: &[String]) -> Vec<Member> {
        let slot = |position| if names.len() == 1 { Slot::Own } else { Slot::At(position) };
        let member = |(position, name): (usize, &String)| Member {
            owner: Owner::Named(name.clone()),
            count: None,
            slot: slot(position),
        };
        names.iter().enumerate().map(member).collect()
    }

    /// The member of a group that belongs to `task` and reads its slot of `input`.
    pub fn member_of(&self, task: usize, input: &Stream) -> Member {
        Member { owner: Owner::Task(task), count: None, slot: self.slot_of(task, input) }
    }

    /// The members of a group with one for each of `tasks`, on their slots of `input`.
    pub fn members_of(&self, tasks: &[usize], input: &Stream) -> Vec<Member> {
        tasks.iter().map(|task| self.member_of(*task, input)).collect()
    }

    /// `input` with the slots of `tasks` in this order, and the members of a group on it: one of each task, or everyone's.
    pub fn own_members(&mut self, input: &Stream, tasks: Option<&[usize]>) -> (NodeId, Vec<Member>) {
        let Some(tasks) = tasks else { return (input.value, vec![Member::shared(Slot::Own)]) };
        let member = |task: &usize| Member { owner: Owner::Task(*task), count: None, slot: Slot::Own };
        (self.of_tasks(input, tasks), tasks.iter().map(member).collect())
    }

    /// The mask of a sequence that is an argument of the block: a column for each place, 1 where it holds something.
    pub fn mask(&self, sequence: NodeId) -> NodeId {
        let position = self.builder.sources.get(sequence.0).and_then(|source| match source {
            Source::Columns(features, View::Sequence) => {
                let mask = Source::Columns(features.clone(), View::Mask);
                self.builder.sources.iter().position(|other| *other == mask)
            }
            _ => None,
        });
        NodeId(position.unwrap_or_else(|| unreachable!("a sequence comes with its mask")))
    }

    /// The slots of `tasks`, in this order; the only slot of a value that all share.
    pub fn of_tasks(&mut self, input: &Stream, tasks: &[usize]) -> NodeId {
        match &input.tasks {
            Some(has) if has != tasks => {
                let slots = tasks.iter().filter_map(|task| has.iter().position(|own| own == task)).collect();
                let name = self.builder.block.graph[input.value].name.clone();
                self.select(&name, input.value, slots)
            }
            _ => input.value,
        }
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

    /// A number of the configuration.
    pub fn real(&mut self, name: &str, docs: &str, number: Number) -> Scale {
        Scale::Config(Rate { path: self.field(name, docs, ConfigValue::Real(number.value)), value: number.value })
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
        self.linear_from(part, layer, members, input, width, bias, LinearStart::Uniform)
    }

    /// The same with a start of its own.
    #[allow(clippy::too_many_arguments)]
    pub fn linear_from(
        &mut self,
        part: &str,
        layer: Option<usize>,
        members: &[Member],
        input: NodeId,
        width: Size,
        bias: bool,
        start: LinearStart,
    ) -> NodeId {
        let (name, members) = self.members(part, layer, members);
        let every = members.iter().any(|member| member.slot == Slot::Every);
        let linear = Linear { members, input: self.shape(input).width.clone(), output: width.clone(), bias, start };
        let slots = if every { self.shape(input).slots.clone() } else { linear.size() };
        let shape = Shape { slots, width, ..self.shape(input).clone() };
        let param = self.param(name, ParamKind::Linear(linear));
        self.push(part, Op::Linear { param, activation: Activation::None }, vec![input], shape)
    }

    /// What made `value`, with its parameters, on another input of as many slots and columns.
    pub fn again(&mut self, value: NodeId, input: NodeId) -> NodeId {
        let node = self.builder.block.graph[value].clone();
        let shape = Shape { batched: self.shape(input).batched, ..node.shape };
        self.push(&node.name, node.op, vec![input], shape)
    }

    /// One linear map for every slot of `input`.
    pub fn pointwise(&mut self, part: &str, layer: Option<usize>, input: NodeId, width: Size, bias: bool) -> NodeId {
        self.linear(part, layer, &[Member::shared(Slot::Every)], input, width, bias)
    }

    /// Numbers that no input decides, a slot for each member.
    pub fn value(&mut self, part: &str, members: &[Member], width: Size, init: ValueInit) -> NodeId {
        let (name, members) = self.members(part, None, members);
        let value = Value { members, width: width.clone(), init };
        let shape = Shape { batched: false, slots: value.size(), width };
        let param = self.param(name, ParamKind::Value(value));
        self.push(part, Op::Value { param }, Vec::new(), shape)
    }

    /// The parameter's name, and its members with their paths.
    fn members(&self, part: &str, layer: Option<usize>, members: &[Member]) -> (ParamName, Vec<Members>) {
        let name = ParamName { scope: self.prefix.clone(), part: part.to_owned(), layer };
        let path = format!("{}.{name}", self.builder.block.name);
        let owned = |member: &Member| match &member.owner {
            Owner::All => path.clone(),
            Owner::Task(task) => format!("{path}.{}", self.task_name(*task)),
            Owner::Named(owner) => format!("{path}.{owner}"),
        };
        let with_path =
            |member: &Member| Members { path: owned(member), count: member.count.clone(), slot: member.slot };
        (name, members.iter().map(with_path).collect())
    }

    /// A stack of layers of these widths, with a mask on each matrix for each of `tasks`.
    #[allow(clippy::too_many_arguments)]
    pub fn subnets(
        &mut self,
        part: &str,
        tasks: &[usize],
        input: &Stream,
        widths: &[Size],
        activation: Activation,
        dropout: Option<Rate>,
        search: MaskSearch,
    ) -> NodeId {
        let read = self.of_tasks(input, tasks);
        let shape = self.shape(read).clone();
        let (mut params, mut sites, mut below) = (Vec::new(), Vec::new(), shape.width.clone());
        for (width, layer) in widths.iter().zip(1..) {
            let name = ParamName { scope: self.prefix.clone(), part: part.to_owned(), layer: Some(layer) };
            let path = format!("{}.{name}", self.builder.block.name);
            sites.push(path.clone());
            let masked = Masked { path, tasks: tasks.len(), input: below, output: width.clone() };
            params.push(self.param(name, ParamKind::Masked(masked)));
            below = width.clone();
        }
        let dropout = dropout.map(|rate| (rate, sites));
        let shape = Shape { slots: Size::constant(tasks.len()), width: below, ..shape };
        let search = Box::new(search);
        self.push(part, Op::Subnets { params, activation, dropout, search }, vec![read], shape)
    }

    /// The parameters of this scope's block so far whose part of the name is `part`, layer by layer.
    pub fn params(&self, part: &str) -> Vec<usize> {
        let named = |(_, param): &(usize, &Param)| param.name.scope == self.prefix && param.name.part == part;
        self.builder.block.params.iter().enumerate().filter(named).map(|(index, _)| index).collect()
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
