//! The parts of a model that training can hold still or slow down: lets, towers, entities, features.

use super::{Block, Members, Model, Param, ParamKind, Role};
use crate::hir::{self, FeatureKind};

/// A part by its name, and what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The name of a let, a task (its tower), an entity or a feature; `each` for `tower each`.
    pub name: String,
    /// Blocks of the network, or a task's share of them.
    pub shares: Vec<Share>,
    /// Tables, by the names of the features that own them.
    pub tables: Vec<String>,
}

/// One of the equal shares that a block's tasks have in it: a slice of the first axis of each parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The block's position in [`Model::blocks`].
    pub block: usize,
    /// Which share.
    pub at: usize,
    /// Of how many.
    pub of: usize,
}

/// The parts that hold something: lets, tasks, `each`, entities, features. A task whose tower is one with others' has no part of its own.
pub fn parts(model: &hir::Model, ir: &Model) -> Vec<Part> {
    let holds = |part: &Part| !part.shares.is_empty() || !part.tables.is_empty();
    let blocks = || ir.blocks.iter().enumerate().filter(|(_, block)| !block.params.is_empty());
    let lets = blocks().filter(|(_, block)| block.role == Role::Let).map(|(index, block)| Part {
        name: block.name.clone(),
        shares: vec![Share { block: index, at: 0, of: 1 }],
        tables: Vec::new(),
    });
    let owned = |block: &Block| match &block.role {
        Role::Tower(tasks) => tasks.clone(),
        Role::Let => Vec::new(),
    };
    let tasks = ir.tasks.iter().enumerate().map(|(task, name)| {
        let share = |(index, block): (usize, &Block)| {
            let tasks = owned(block);
            let at = tasks.iter().position(|owner| *owner == task)?;
            splits(block, ir).then_some(Share { block: index, at, of: tasks.len() })
        };
        Part { name: name.clone(), shares: blocks().filter_map(share).collect(), tables: Vec::new() }
    });
    let each: Vec<usize> =
        model.towers.iter().filter(|tower| tower.each).flat_map(|tower| &tower.tasks).map(|task| task.0).collect();
    let of_each = blocks().filter(|(_, block)| {
        let tasks = owned(block);
        !tasks.is_empty() && tasks.iter().all(|task| each.contains(task))
    });
    let of_each = of_each.flat_map(|(block, of)| {
        let count = if splits(of, ir) { owned(of).len() } else { 1 };
        (0..count).map(move |at| Share { block, at, of: count })
    });
    let each = Part { name: "each".into(), shares: of_each.collect(), tables: Vec::new() };
    let table = |feature: &hir::Feature| match feature.kind {
        FeatureKind::Id { .. } | FeatureKind::Ids { share: None, .. } => Some(feature.name.text.clone()),
        FeatureKind::Ids { .. } | FeatureKind::Number { .. } => None,
    };
    let entities = model.entities.iter().map(|entity| Part {
        name: entity.name.text.clone(),
        shares: Vec::new(),
        tables: entity.features.iter().filter_map(|id| table(&model.features[id.0])).collect(),
    });
    let features = model.features.iter().map(|feature| Part {
        name: feature.name.text.clone(),
        shares: Vec::new(),
        tables: table(feature).into_iter().collect(),
    });
    lets.chain(tasks).chain([each]).chain(entities).chain(features).filter(holds).collect()
}

/// Whether each task of a block has an equal share of every parameter, in the order of the tasks.
fn splits(block: &Block, ir: &Model) -> bool {
    let Role::Tower(tasks) = &block.role else { return false };
    let names: Vec<&str> = tasks.iter().filter_map(|task| ir.tasks.get(*task)).map(String::as_str).collect();
    names.len() == 1 || block.params.iter().all(|param| param_splits(param, &names))
}

fn param_splits(param: &Param, tasks: &[&str]) -> bool {
    match &param.kind {
        ParamKind::Linear(linear) => members_split(&linear.members, tasks),
        ParamKind::Value(value) => members_split(&value.members, tasks),
        ParamKind::Norm { slots, .. } => slots.terms.is_empty() && slots.constant == tasks.len(),
        ParamKind::Masked(_) => false,
    }
}

fn members_split(members: &[Members], tasks: &[&str]) -> bool {
    let share = members.len() / tasks.len();
    if share * tasks.len() != members.len() {
        return false;
    }
    let of_task = |(own, task): (&[Members], &&str)| {
        own.iter().all(|member| member.path.rsplit('.').next() == Some(task))
            && own.iter().zip(members).all(|(member, first)| member.count == first.count)
    };
    share > 0 && members.chunks(share).zip(tasks).all(of_task)
}
