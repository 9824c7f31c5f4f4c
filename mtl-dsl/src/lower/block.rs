//! A block under construction: from an expression to the calls of its constructs.

use super::Source;
use super::scope::Scope;
use crate::constructs;
use crate::hir::{self, Call, ExprKind, Number, Type, View};
use crate::ir::{Block, Config, Graph, Node, NodeId, Op, Role, Shape, Size, Slot, Symbol};

/// A representation in a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Its value.
    pub value: NodeId,
    /// Whose its slots are, task by task; `None`: what all tasks share.
    pub tasks: Option<Vec<usize>>,
}

/// Members of a group of blocks: one task's, or all tasks'.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Whose they are.
    pub owner: Owner,
    /// How many; `None` for one that is not counted.
    pub count: Option<Size>,
    /// The slot they read.
    pub slot: Slot,
}

/// Whose a member is: what its path ends in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Everyone's.
    All,
    /// A task's.
    Task(usize),
    /// That of something else with a name: a feature, a group of tasks.
    Named(String),
}

impl From<Option<usize>> for Owner {
    fn from(task: Option<usize>) -> Owner {
        task.map_or(Owner::All, Owner::Task)
    }
}

impl Member {
    /// The only member, everyone's.
    pub fn shared(slot: Slot) -> Member {
        Member { owner: Owner::All, count: None, slot }
    }
}

/// Builds one block.
pub(super) struct Builder<'m> {
    pub(super) model: &'m hir::Model,
    pub(super) block: Block,
    /// The arguments' sources, in the order of their nodes.
    pub(super) sources: Vec<Source>,
    /// True until the first call, whose numbers and parameters need no prefix.
    pub(super) outermost: bool,
    /// Prefixes of the other calls so far.
    pub(super) groups: Vec<String>,
}

/// True if the expression computes something.
pub(super) fn calls(expr: &hir::Expr) -> bool {
    match &expr.kind {
        ExprKind::Call(_) | ExprKind::Sum(_) | ExprKind::Product(_) => true,
        ExprKind::Concat(_) | ExprKind::Input(..) | ExprKind::Let(_) => expr.parts().iter().any(calls),
    }
}

/// What the expression reads from outside, each once.
pub(super) fn reads(expr: &hir::Expr, sources: &mut Vec<Source>) {
    let source = match &expr.kind {
        ExprKind::Input(features, view) => Source::Columns(features.clone(), *view),
        ExprKind::Let(id) => Source::Let(*id),
        _ => return expr.parts().iter().for_each(|part| reads(part, sources)),
    };
    if !sources.contains(&source) {
        sources.push(source.clone());
    }
    // A sequence comes with its mask.
    if let Source::Columns(features, View::Sequence) = source {
        let mask = Source::Columns(features, View::Mask);
        if !sources.contains(&mask) {
            sources.push(mask);
        }
    }
}

/// The widths add up; a single slot is repeated.
pub(super) fn concat_shape<'s>(parts: impl Iterator<Item = &'s Shape>) -> Shape {
    let mut shape = Shape::new(Size::constant(1), Size::constant(0));
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
                Source::Columns(..) => node.name,
            };
            while graph.nodes.iter().any(|other| other.name == name) {
                name.push('_');
            }
            let width = Size::symbol(Symbol::Width(name.clone()), node.shape.width.value());
            let slots = match node.shape.slots.is_constant() {
                true => node.shape.slots,
                false => Size::symbol(Symbol::Slots(name.clone()), node.shape.slots.value()),
            };
            graph.push(&name, Op::Argument, Vec::new(), Shape::new(slots, width));
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

    pub(super) fn build(mut self, terms: &[&hir::Term], docs: &str) -> Block {
        self.block.docs = docs.to_owned();
        self.block.span = terms.iter().map(|term| term.value.span).reduce(|a, b| a.to(b)).unwrap_or_default();
        self.outermost = terms.len() == 1;
        let mut values = Vec::new();
        for (term, position) in terms.iter().zip(1..) {
            let stream = self.expr(&term.value);
            let stream = match term.train_only {
                Some(rate) if rate.value > 0.0 => self.hidden(stream, rate),
                _ => stream,
            };
            values.push(match self.block.role.clone() {
                Role::Let => stream.value,
                Role::Tower(tasks) => self.logit(term, stream, &tasks, position),
            });
        }
        let mut scope = Scope { builder: &mut self, groups: Vec::new(), prefix: String::new() };
        self.block.graph.output = scope.add("logit", values);
        self.block
    }

    /// A term's logits. The first term's output layer has the bias; what is a logit already has no output layer.
    fn logit(&mut self, term: &hir::Term, stream: Stream, tasks: &[usize], position: usize) -> NodeId {
        let mut scope = Scope { builder: self, groups: Vec::new(), prefix: String::new() };
        if term.value.ty == Type::Logit {
            return scope.of_tasks(&stream, tasks);
        }
        let members = tasks.iter().map(|t| scope.member_of(*t, &stream)).collect::<Vec<_>>();
        let layer = (position > 1).then_some(position);
        let bias = position == 1 && term.train_only.is_none();
        let numbers = match tasks {
            [task] => scope.builder.model.tasks[*task].numbers(),
            _ => 1,
        };
        scope.linear("output", layer, &members, stream.value, Size::constant(numbers), bias)
    }

    /// A representation that is hidden in some of the training rows.
    fn hidden(&mut self, stream: Stream, rate: Number) -> Stream {
        let mut scope = Scope { builder: self, groups: Vec::new(), prefix: String::new() };
        let rate = scope.rate("drop_input", "Share of the training rows in which the input is hidden.", rate);
        Stream { value: scope.drop_rows("hidden_input", &rate, stream.value), ..stream }
    }

    fn expr(&mut self, expr: &hir::Expr) -> Stream {
        match &expr.kind {
            ExprKind::Input(features, view) => self.argument(&Source::Columns(features.clone(), *view), expr.ty),
            ExprKind::Let(id) => self.argument(&Source::Let(*id), expr.ty),
            ExprKind::Concat(parts) => {
                let parts = self.parts(parts);
                self.concat(parts)
            }
            ExprKind::Sum(parts) => {
                let parts = self.parts(parts);
                self.elementwise(parts, |scope, a, b| scope.add("sum", vec![a, b]))
            }
            ExprKind::Product(parts) => {
                let parts = self.parts(parts);
                self.elementwise(parts, |scope, a, b| scope.multiply("product", a, b))
            }
            ExprKind::Call(call) => self.call(call),
        }
    }

    /// The operands of what has no numbers of its own.
    fn parts(&mut self, parts: &[hir::Expr]) -> Vec<Stream> {
        self.outermost = false;
        parts.iter().map(|part| self.expr(part)).collect()
    }

    fn elementwise(&mut self, parts: Vec<Stream>, combine: fn(&mut Scope, NodeId, NodeId) -> NodeId) -> Stream {
        let (tasks, inputs) = self.one_order(parts);
        let mut scope = Scope { builder: self, groups: Vec::new(), prefix: String::new() };
        let value = inputs.into_iter().reduce(|a, b| combine(&mut scope, a, b));
        Stream { value: value.unwrap_or_else(|| unreachable!("an operator has operands")), tasks }
    }

    pub(super) fn argument(&self, source: &Source, ty: Type) -> Stream {
        let position = self.sources.iter().position(|known| known == source);
        let value = NodeId(position.unwrap_or_else(|| unreachable!("sources were collected from this expression")));
        let tasks = matches!(ty, Type::EachVec(_) | Type::Logit).then(|| (0..self.model.tasks.len()).collect());
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

    /// Values side by side.
    fn concat(&mut self, parts: Vec<Stream>) -> Stream {
        let (tasks, inputs) = self.one_order(parts);
        let graph = &mut self.block.graph;
        let shape = concat_shape(inputs.iter().map(|id| &graph[*id].shape));
        Stream { value: graph.push("concat", Op::Concat, inputs, shape), tasks }
    }

    /// Where several tasks' slots meet, they are brought into one order of tasks.
    fn one_order(&mut self, parts: Vec<Stream>) -> (Option<Vec<usize>>, Vec<NodeId>) {
        let tasks = match &self.block.role {
            Role::Tower(tasks) if parts.iter().any(|part| part.tasks.is_some()) => Some(tasks.clone()),
            _ => parts.iter().find_map(|part| part.tasks.clone()),
        };
        let mut scope = Scope { builder: self, groups: Vec::new(), prefix: String::new() };
        let inputs = parts.iter().map(|part| match (&part.tasks, &tasks) {
            (Some(_), Some(wanted)) => scope.of_tasks(part, wanted),
            _ => part.value,
        });
        let inputs = inputs.collect();
        (tasks, inputs)
    }
}
