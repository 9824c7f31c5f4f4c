//! From the checked model to the IR. Cannot fail: everything that could was checked.
//!
//! Afterwards every construct is primitives. A `let` or tower line that calls a construct is a block; a `let` that only names or
//! concatenates values stays in the model's graph.

mod block;
mod scope;

pub use block::{Member, Owner, Stream};
pub use scope::Scope;

use crate::hir::{self, ExprKind, FeatureId, LetId, View};
use crate::ir::{
    Block, Config, ConfigPath, Graph, Members, Model, Node, NodeId, Op, Param, ParamKind, ParamName, Role, Shape, Size,
    Slot, Symbol, Through, Value, ValueInit,
};
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
    let (name, shape) = columns(model, &whole, View::Flat, &[]);
    lowering.ir.graph.push(&name, Op::Argument, Vec::new(), shape);
    for binding in &model.lets {
        let term = hir::Term { value: binding.value.clone(), train_only: None };
        let value = match calls(&binding.value) {
            true => lowering.line(&[&term], &binding.name.text, Role::Let, &binding.docs),
            false => lowering.plain(&binding.value, &binding.name.text),
        };
        lowering.lets.push(value);
    }
    // Behind the tasks' columns those of further towers and classes, in the order of the tasks; then what mixtures alone read.
    let mut columns = model.tasks.len();
    let mut further = Vec::new();
    for task in &model.tasks {
        further.push(columns);
        columns += task.numbers() - 1 + task.further_towers().len();
    }
    let (mut towers, mut heads) = (Vec::new(), Vec::new());
    for tower in &model.towers {
        let (several, one): (Vec<usize>, Vec<usize>) =
            tower.tasks.iter().map(|task| task.0).partition(|task| model.tasks[*task].numbers() > 1);
        let name = match tower.each {
            true => "tower_each".to_owned(),
            false => format!("tower_{}", model.tasks[tower.tasks[0].0].name.text),
        };
        if !one.is_empty() {
            towers.push((lowering.tower(&name, tower, &one), one));
        }
        // A number for each class is as wide as no other task's.
        for task in several {
            let declared = &model.tasks[task];
            let name = format!("tower_{}", declared.name.text);
            let classes = further[task]..further[task] + declared.numbers() - 1;
            towers.push((lowering.tower(&name, tower, &[task]), std::iter::once(task).chain(classes).collect()));
        }
        let tasks: Vec<usize> = tower.tasks.iter().map(|task| task.0).collect();
        heads.extend(lowering.heads(tower, &tasks));
    }
    for (task, declared) in model.tasks.iter().enumerate() {
        let Some(tower) = model.towers.iter().find(|tower| tower.tasks.contains(&hir::TaskId(task))) else { continue };
        for (part, column) in declared.further_towers().iter().zip(further[task]..) {
            let name = format!("tower_{}_{part}", declared.name.text);
            towers.push((lowering.tower(&name, tower, &[task]), vec![column]));
        }
    }
    let mut mixtures = Vec::new();
    for tower in &model.towers {
        for task in tower.tasks.iter().filter(|task| model.tasks[task.0].through.is_some()) {
            let name = format!("tower_{}_otherwise", model.tasks[task.0].name.text);
            let otherwise = columns + mixtures.len();
            towers.push((lowering.tower(&name, tower, &[task.0]), vec![otherwise]));
            let between = model.tasks[task.0].through.map_or(task.0, |between| between.0);
            mixtures.push(Through { task: task.0, between, otherwise });
        }
    }
    let shape = |columns| Shape::new(Size::constant(1), Size::constant(columns));
    let (inputs, places): (Vec<NodeId>, Vec<Vec<usize>>) = towers.into_iter().unzip();
    let graph = &mut lowering.ir.graph;
    graph.output = graph.push("logits", Op::Logits(places), inputs, shape(columns + mixtures.len()));
    if !mixtures.is_empty() {
        let shape = shape(columns);
        graph.output = graph.push("logits", Op::Through(mixtures), vec![graph.output], shape);
    }
    for (task, declared) in model.tasks.iter().enumerate().filter(|(_, task)| task.further_levels() > 0) {
        let name = format!("tower_{}_levels", declared.name.text);
        let further = declared.further_levels();
        lowering.ir.blocks.push(numbers(&name, "steps", task, further, declared));
        let block = lowering.ir.blocks.len() - 1;
        let graph = &mut lowering.ir.graph;
        let columns = graph[graph.output].shape.width.value() + declared.further_levels();
        let op = Op::Levels { block, task };
        let shape = Shape::new(Size::constant(1), Size::constant(columns));
        graph.output = graph.push("logits", op, vec![graph.output], shape);
    }
    heads.into_iter().for_each(|(block, inputs)| lowering.head(block, inputs));
    lowering.lessons();
    lowering.ir
}

/// The block of trained numbers of a task, from 0: an ordinal task's steps from level to level, a teacher's calibration.
fn numbers(name: &str, part: &str, task: usize, count: usize, declared: &hir::Task) -> Block {
    let path = format!("{name}.{part}.{}", declared.name.text);
    let width = Size::constant(count);
    let value = Value {
        members: vec![Members { path, count: None, slot: Slot::Own }],
        width: width.clone(),
        init: ValueInit::Constant(0.0),
    };
    let mut graph = Graph::default();
    let shape = Shape { batched: false, slots: Size::constant(1), width };
    graph.output = graph.push(part, Op::Value { param: 0 }, Vec::new(), shape);
    Block {
        name: name.to_owned(),
        role: Role::Tower(vec![task]),
        docs: String::new(),
        span: declared.name.span,
        config: Config::default(),
        params: vec![Param {
            name: ParamName { scope: String::new(), part: part.into(), layer: None },
            kind: ParamKind::Value(value),
        }],
        graph,
    }
}

impl hir::Task {
    /// The levels of an ordinal task behind the first two, between which its logit decides.
    pub fn further_levels(&self) -> usize {
        match &self.kind {
            hir::TaskKind::Ordinal { levels } => levels.value as usize - 2,
            _ => 0,
        }
    }
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
    Columns(Vec<FeatureId>, View),
    /// The value of a `let`.
    Let(LetId),
}

impl Lowering<'_> {
    /// The value of a `let` or tower line.
    fn line(&mut self, terms: &[&hir::Term], name: &str, role: Role, docs: &str) -> NodeId {
        let (block, inputs) = self.block(terms, name, role, docs);
        let shape = self.outside(&self.ir.blocks[block], &inputs);
        let label = name.strip_prefix("tower_").unwrap_or(name);
        self.ir.graph.push(label, Op::Block(block), inputs, shape)
    }

    /// The value of a tower with what training adds.
    fn train_only(&mut self, terms: &[&hir::Term], name: &str, role: Role, value: NodeId) -> NodeId {
        let (block, inputs) = self.block(terms, name, role, "");
        let (label, shape) = (self.ir.graph[value].name.clone(), self.ir.graph[value].shape.clone());
        self.ir.graph.push(&label, Op::TrainOnly(block), [vec![value], inputs].concat(), shape)
    }

    /// The value of a tower line for some of its tasks, with what training adds.
    fn tower(&mut self, name: &str, tower: &hir::Tower, tasks: &[usize]) -> NodeId {
        let (serving, training): (Vec<_>, Vec<_>) = tower.terms.iter().partition(|term| term.train_only.is_none());
        let value = self.line(&serving, name, Role::Tower(tasks.to_vec()), "");
        match training[..] {
            [] => value,
            _ => self.train_only(&training, &format!("{name}_train_only"), Role::Tower(tasks.to_vec()), value),
        }
    }

    /// The second towers of these tasks that terms of the loss train: built like the first, with parameters of their own.
    fn heads(&mut self, tower: &hir::Tower, tasks: &[usize]) -> Vec<(usize, Vec<NodeId>)> {
        let terms: Vec<&hir::Term> = tower.terms.iter().filter(|term| term.train_only.is_none()).collect();
        let mut heads = Vec::new();
        for term in &self.hir.terms {
            let hir::LossTerm::Causal { kind, task, .. } = term else { continue };
            if let (Some(head), true) = (kind.head(), tasks.contains(&task.0)) {
                let name = format!("tower_{}_{head}", self.hir.tasks[task.0].name.text);
                heads.push(self.block(&terms, &name, Role::Tower(vec![task.0]), ""));
            }
        }
        heads
    }

    /// The teachers of `distill`, each with its calibration, behind all other columns: towers built like the task's, with parameters of
    /// their own.
    fn lessons(&mut self) {
        let Some(distill) = &self.hir.distill else { return };
        for lesson in distill.lessons() {
            let task = lesson.task.0;
            let Some(tower) = self.hir.towers.iter().find(|tower| tower.tasks.contains(&lesson.task)) else { continue };
            let terms: Vec<&hir::Term> = tower.terms.iter().filter(|term| term.train_only.is_none()).collect();
            let name = lesson.tower(self.hir);
            let (teacher, inputs) = self.block(&terms, &name, Role::Tower(vec![task]), "");
            self.head(teacher, inputs);
            let name = format!("{name}_calibration");
            self.ir.blocks.push(numbers(&name, "numbers", task, 2, &self.hir.tasks[task]));
            self.head(self.ir.blocks.len() - 1, Vec::new());
        }
    }

    /// Columns that training has behind the logits.
    fn head(&mut self, block: usize, inputs: Vec<NodeId>) {
        let graph = &mut self.ir.graph;
        let shape = graph[graph.output].shape.clone();
        graph.output = graph.push("logits", Op::Head(block), [vec![graph.output], inputs].concat(), shape);
    }

    /// The block of a line, and what it reads.
    fn block(&mut self, terms: &[&hir::Term], name: &str, role: Role, docs: &str) -> (usize, Vec<NodeId>) {
        let mut sources = Vec::new();
        terms.iter().for_each(|term| reads(&term.value, &mut sources));
        let inputs: Vec<NodeId> = sources.iter().map(|source| self.source(source)).collect();
        let arguments = sources.iter().zip(&inputs).map(|(source, id)| (source.clone(), self.ir.graph[*id].clone()));
        let block = Builder::new(self.hir, name, role, arguments.collect()).build(terms, docs);
        self.ir.blocks.push(block);
        (self.ir.blocks.len() - 1, inputs)
    }

    /// A value without a block: names and `concat` only.
    fn plain(&mut self, value: &hir::Expr, name: &str) -> NodeId {
        match &value.kind {
            ExprKind::Input(features, view) => self.source(&Source::Columns(features.clone(), *view)),
            ExprKind::Let(id) => self.lets[id.0],
            ExprKind::Concat(parts) => {
                let inputs: Vec<NodeId> = parts.iter().map(|part| self.plain(part, name)).collect();
                let shape = block::concat_shape(inputs.iter().map(|id| &self.ir.graph[*id].shape));
                self.ir.graph.push(name, Op::Concat, inputs, shape)
            }
            ExprKind::Call(_) | ExprKind::Sum(_) | ExprKind::Product(_) => {
                unreachable!("a line that computes is a block")
            }
        }
    }

    /// The node of a source; columns get one when they are read first.
    fn source(&mut self, source: &Source) -> NodeId {
        let (features, view) = match source {
            Source::Let(id) => return self.lets[id.0],
            Source::Columns(features, view) => (features, *view),
        };
        let graph = &mut self.ir.graph;
        let op = Op::Columns { names: names_of(self.hir, features), view, all: is_whole(self.hir, features, view) };
        if let Some(known) = graph.nodes.iter().position(|node| node.op == op) {
            return NodeId(known);
        }
        let (name, shape) = columns(self.hir, features, view, &graph.nodes);
        graph.push(&name, op, vec![NodeId(0)], shape)
    }

    /// The shape of a block's value in terms of the model's configuration.
    fn outside(&self, block: &Block, inputs: &[NodeId]) -> Shape {
        let graph = &self.ir.graph;
        let arguments: Vec<_> = block.arguments().zip(inputs).collect();
        let replace = |symbol: &Symbol, value: usize| match symbol {
            Symbol::Config(path) => Size::symbol(Symbol::Config(path.within(&block.name)), value),
            Symbol::Width(name) | Symbol::Slots(name) => {
                let argument = arguments.iter().find(|(argument, _)| argument.name == *name);
                let of = |shape: &Shape| {
                    if matches!(symbol, Symbol::Width(_)) { shape.width.clone() } else { shape.slots.clone() }
                };
                argument.map_or(Size::constant(value), |(_, id)| of(&graph[**id].shape))
            }
            Symbol::Bits(_) => unreachable!("replaced within"),
        };
        let shape = &block.graph[block.graph.output].shape;
        Shape::new(shape.slots.substitute(&replace), shape.width.substitute(&replace))
    }
}

/// The features' names as the schema knows them: an entity's name for all of its features.
fn names_of(model: &hir::Model, features: &[FeatureId]) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = features;
    while let Some((first, after)) = rest.split_first() {
        // An entity's name stands for its vectors; a sequence is named itself.
        let sequence = model.features[first.0].is_sequence();
        let starts = |e: &&hir::Entity| e.features.first() == Some(first) && rest.starts_with(&e.features);
        let whole = model.entities.iter().find(starts).filter(|_| !sequence);
        let (name, next) = match whole {
            Some(entity) => (&entity.name.text, &rest[entity.features.len()..]),
            None => (&model.features[first.0].name.text, after),
        };
        names.push(name.clone());
        rest = next;
    }
    names
}

/// Whether a view is the input matrix as it is: all features, of which none has anything beside its embedding or number.
fn is_whole(model: &hir::Model, features: &[FeatureId], view: View) -> bool {
    let beside = |feature: &hir::Feature| feature.reading.own || feature.reading.wide || feature.is_sequence();
    let all = features.iter().map(|id| id.0).eq(0..model.features.len());
    view == View::Flat && all && !model.features.iter().any(beside)
}

/// The name and shape of columns of the input matrix: `input` for all of them, else a name that no other node has.
fn columns(model: &hir::Model, features: &[FeatureId], view: View, others: &[Node]) -> (String, Shape) {
    let short =
        Some(names_of(model, features).join("_")).filter(|name| name.len() < 30).unwrap_or("columns".to_owned());
    let short = match view {
        View::Flat | View::Sequence => short,
        View::Fields => format!("{short}_fields"),
        View::Own => format!("own_{short}"),
        View::Mask => format!("{short}_mask"),
        View::Wide => format!("wide_{short}"),
    };
    let counted = (2..).map(|n| format!("{short}_{n}"));
    let mut names = std::iter::once(short.clone()).chain(counted);
    let name = match others.is_empty() || is_whole(model, features, view) {
        true => "input".to_owned(),
        false => names.find(|name| others.iter().all(|node| node.name != *name)).unwrap_or_default(),
    };
    let tasks = Size::constant(model.tasks.len());
    let first = &model.features[features[0].0];
    let width = |value| Size::symbol(Symbol::Width(name.clone()), value);
    let sum = features.iter().map(|id| model.features[id.0].width()).sum();
    let shape = match view {
        View::Flat => Shape::new(Size::constant(1), width(sum)),
        View::Own => Shape::new(tasks, width(sum)),
        View::Fields => Shape::new(Size::constant(features.len()), width(first.width())),
        View::Sequence => Shape::new(Size::symbol(Symbol::Slots(name.clone()), first.places()), width(first.width())),
        View::Mask => Shape::new(Size::constant(1), width(first.places())),
        View::Wide => Shape::new(tasks, Size::constant(features.len())),
    };
    (name, shape)
}

impl hir::Feature {
    /// The width of its embedding, or of its number.
    pub fn width(&self) -> usize {
        match &self.kind {
            hir::FeatureKind::Id { dim, .. } | hir::FeatureKind::Ids { dim, .. } => dim.value as usize,
            hir::FeatureKind::Number { indicator, .. } => 1 + usize::from(*indicator),
        }
    }

    /// Whether it is a sequence, `pool: none`.
    pub fn is_sequence(&self) -> bool {
        matches!(self.kind, hir::FeatureKind::Ids { pool: hir::Pool::None, .. })
    }

    /// The places of a sequence.
    fn places(&self) -> usize {
        if let hir::FeatureKind::Ids { max_len, .. } = &self.kind { max_len.value as usize } else { 0 }
    }
}

/// A path of one field.
fn path(field: &str) -> ConfigPath {
    ConfigPath { fields: vec![field.to_owned()], index: None }
}
