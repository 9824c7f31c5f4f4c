//! From the checked model to the IR. Cannot fail: everything that could was checked.
//!
//! Afterwards every construct is primitives. A `let` or tower line that calls a construct is a block; a `let` that only names or
//! concatenates values stays in the model's graph.

mod block;

pub use block::{Member, Scope, Stream};

use crate::hir::{self, ExprKind, FeatureId, LetId};
use crate::ir::{Block, ConfigPath, Graph, Model, Node, NodeId, Op, Role, Shape, Size, Symbol};
use block::{Builder, calls, reads};

/// The model as primitives.
pub fn lower(model: &hir::Model) -> Model {
    let mut lowering = Lowering {
        hir: model,
        ir: Model {
            name: model.name.text.clone(),
            tasks: model.tasks.iter().map(|task| task.name.text.clone()).collect(),
            graph: Graph::default(),
            blocks: Vec::new(),
        },
        lets: Vec::new(),
    };
    let whole: Vec<FeatureId> = (0..model.features.len()).map(FeatureId).collect();
    let (name, shape) = columns(model, &whole, &[]);
    lowering.ir.graph.push(&name, Op::Argument, Vec::new(), shape);
    for binding in &model.lets {
        let value = lowering.line(&binding.value, &binding.name.text, Role::Let, &binding.docs);
        lowering.lets.push(value);
    }
    let mut towers = Vec::new();
    for tower in &model.towers {
        let name = match tower.each {
            true => "tower_each".to_owned(),
            false => format!("tower_{}", model.tasks[tower.tasks[0].0].name.text),
        };
        let tasks: Vec<usize> = tower.tasks.iter().map(|task| task.0).collect();
        towers.push((lowering.line(&tower.value, &name, Role::Tower(tasks.clone()), ""), tasks));
    }
    let shape = Shape { slots: Size::constant(1), width: Size::constant(model.tasks.len()) };
    let (inputs, tasks) = towers.into_iter().unzip();
    lowering.ir.graph.output = lowering.ir.graph.push("logits", Op::Logits(tasks), inputs, shape);
    lowering.ir
}

struct Lowering<'m> {
    hir: &'m hir::Model,
    ir: Model,
    /// The value of each `let` so far.
    lets: Vec<NodeId>,
}

/// What an expression reads from outside.
#[derive(Debug, Clone, PartialEq)]
enum Source {
    /// These features' columns.
    Columns(Vec<FeatureId>),
    /// The value of a `let`.
    Let(LetId),
}

impl Lowering<'_> {
    /// The value of a `let` or tower line.
    fn line(&mut self, value: &hir::Expr, name: &str, role: Role, docs: &str) -> NodeId {
        if role == Role::Let && !calls(value) {
            return self.plain(value, name);
        }
        let mut sources = Vec::new();
        reads(value, &mut sources);
        let inputs: Vec<NodeId> = sources.iter().map(|source| self.source(source)).collect();
        let arguments = sources.iter().zip(&inputs).map(|(source, id)| (source.clone(), self.ir.graph[*id].clone()));
        let block = Builder::new(self.hir, name, role, arguments.collect()).build(value, docs);
        let shape = self.outside(&block, &inputs);
        self.ir.blocks.push(block);
        let label = name.strip_prefix("tower_").unwrap_or(name);
        self.ir.graph.push(label, Op::Block(self.ir.blocks.len() - 1), inputs, shape)
    }

    /// A value without a block: names and `concat` only.
    fn plain(&mut self, value: &hir::Expr, name: &str) -> NodeId {
        match &value.kind {
            ExprKind::Input(features) => self.source(&Source::Columns(features.clone())),
            ExprKind::Let(id) => self.lets[id.0],
            ExprKind::Concat(parts) => {
                let inputs: Vec<NodeId> = parts.iter().map(|part| self.plain(part, name)).collect();
                let shape = block::concat_shape(inputs.iter().map(|id| &self.ir.graph[*id].shape));
                self.ir.graph.push(name, Op::Concat, inputs, shape)
            }
            ExprKind::Call(_) => unreachable!("a line with a call is a block"),
        }
    }

    /// The node of a source; columns get one when they are read first.
    fn source(&mut self, source: &Source) -> NodeId {
        let features = match source {
            Source::Let(id) => return self.lets[id.0],
            Source::Columns(features) => features,
        };
        let graph = &mut self.ir.graph;
        let op = Op::Columns {
            names: names_of(self.hir, features),
            all: features.iter().map(|id| id.0).eq(0..self.hir.features.len()),
        };
        if let Some(known) = graph.nodes.iter().position(|node| node.op == op) {
            return NodeId(known);
        }
        let (name, shape) = columns(self.hir, features, &graph.nodes);
        graph.push(&name, op, vec![NodeId(0)], shape)
    }

    /// The shape of a block's value in terms of the model's configuration.
    fn outside(&self, block: &Block, inputs: &[NodeId]) -> Shape {
        let graph = &self.ir.graph;
        let arguments: Vec<_> = block.arguments().zip(inputs).collect();
        let replace = |symbol: &Symbol, value: usize| match symbol {
            Symbol::Config(path) => Size::symbol(Symbol::Config(path.within(&block.name)), value),
            Symbol::Width(name) => {
                let argument = arguments.iter().find(|(argument, _)| argument.name == *name);
                argument.map_or(Size::constant(value), |(_, id)| graph[**id].shape.width.clone())
            }
        };
        let shape = &block.graph[block.graph.output].shape;
        Shape { slots: shape.slots.substitute(&replace), width: shape.width.substitute(&replace) }
    }
}

/// The features' names as the schema knows them: an entity's name for all of its features.
fn names_of(model: &hir::Model, features: &[FeatureId]) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = features;
    while let Some((first, after)) = rest.split_first() {
        let whole = model.entities.iter().find(|e| e.features.first() == Some(first) && rest.starts_with(&e.features));
        let (name, next) = match whole {
            Some(entity) => (&entity.name.text, &rest[entity.features.len()..]),
            None => (&model.features[first.0].name.text, after),
        };
        names.push(name.clone());
        rest = next;
    }
    names
}

/// The name and shape of columns of the input matrix: `input` for all of them, else a name that no other node has.
fn columns(model: &hir::Model, features: &[FeatureId], others: &[Node]) -> (String, Shape) {
    let all = features.iter().map(|id| id.0).eq(0..model.features.len());
    let short =
        Some(names_of(model, features).join("_")).filter(|name| name.len() < 30).unwrap_or("columns".to_owned());
    let counted = (2..).map(|n| format!("{short}_{n}"));
    let mut names = std::iter::once(short.clone()).chain(counted);
    let name = match all {
        true => "input".to_owned(),
        false => names.find(|name| others.iter().all(|node| node.name != *name)).unwrap_or_default(),
    };
    let width = features.iter().map(|id| model.features[id.0].width()).sum();
    let shape = Shape { slots: Size::constant(1), width: Size::symbol(Symbol::Width(name.clone()), width) };
    (name, shape)
}

impl hir::Feature {
    /// The number of columns it fills in the input matrix.
    pub fn width(&self) -> usize {
        match &self.kind {
            hir::FeatureKind::Id { dim, .. } | hir::FeatureKind::Ids { dim, .. } => dim.value as usize,
            hir::FeatureKind::Number { indicator, .. } => 1 + usize::from(*indicator),
        }
    }
}

/// A path of one field.
fn path(field: &str) -> ConfigPath {
    ConfigPath { fields: vec![field.to_owned()], index: None }
}
