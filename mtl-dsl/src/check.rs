//! From syntax tree to checked model.
//!
//! Every pass reports into one sink and goes on, so that one run shows every mistake. What a mistake touches is left out silently by
//! the passes behind it. A model comes out only when there was no error.

mod best;
mod bisect;
mod conditions;
mod dataflow;
mod distill;
mod evaluate;
mod expects;
mod features;
mod inputs;
mod interval;
mod intervals;
mod losses;
mod options;
mod orders;
mod ranks;
mod reads;
mod slopes;
mod stages;
mod subnets;
mod tasks;
mod terms;
mod towers;
mod train;
mod trends;
mod tune;
mod unused;
mod views;
mod warm_up;
mod weighting;

use crate::ast::{self, Ast};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Entity, Feature, FeatureId, FeatureKind, Model, ScoreNumber};
use crate::resolve::{Names, resolve};
use inputs::Inputs;

/// Where the passes report.
type Sink = Vec<Diagnostic>;

/// Checks a tree; the model is there when no diagnostic is an error.
pub fn check(ast: &Ast) -> (Option<Model>, Vec<Diagnostic>) {
    let mut sink = Sink::new();
    let model = the_model(ast, &mut sink).and_then(|model| check_model(model, &mut sink));
    sink.sort_by_key(|diagnostic| diagnostic.span);
    (model, sink)
}

fn the_model<'a>(ast: &'a Ast, sink: &mut Sink) -> Option<&'a ast::Model> {
    let Some((first, rest)) = ast.models.split_first() else {
        sink.push(diagnostic!(NoModel, ast.end, "there is no model here"; help: "a spec is `model NAME {{ ... }}`"));
        return None;
    };
    for second in rest {
        sink.push(diagnostic!(
            SeveralModels, second.name.span, "a second model";
            label(first.name.span): "the first is here"; help: "a spec holds one model: put this one into a file of its own"
        ));
    }
    Some(first)
}

/// The order of the passes.
fn check_model(model: &ast::Model, sink: &mut Sink) -> Option<Model> {
    let names = resolve(model, sink);
    let features = features::check(&names, sink);
    let tasks = tasks::check(&names, &features, sink);
    let lets = dataflow::check_lets(&names, &features, sink);
    let towers = towers::check(&names, &features, &lets, sink);
    let weighting = weighting::check(&names, sink);
    let terms = terms::check(&names, &tasks, sink);
    let distill = distill::check(&names, &tasks, sink);
    let train = train::check(&names, &tasks, model.name.span, sink);
    let numbers: Vec<ScoreNumber> = features.iter().flatten().filter_map(score_number).collect();
    let grouped = train.as_ref().is_none_or(|train| train.group_by.is_some());
    let inputs = Inputs { names: &names, tasks: &tasks, numbers: &numbers, grouped };
    let ranks = ranks::check(inputs, sink);
    let expects = expects::check(inputs, &ranks, sink);
    let tune = tune::check(&names, &tasks, &ranks, train.as_ref(), sink);
    let orders = orders::check(inputs, &ranks, sink);
    if names.tasks.is_empty() {
        sink.push(diagnostic!(
            NoTasks, model.name.span, "`{}` has no tasks", model.name.text; help: "declare one, such as `task click: binary;`"
        ));
    }
    if sink.iter().any(Diagnostic::is_error) {
        return None;
    }
    let mut model = Model {
        name: model.name.clone(),
        docs: model.docs.clone(),
        entities: entities(&names),
        features: features.into_iter().collect::<Option<_>>()?,
        tasks: tasks.into_iter().collect::<Option<_>>()?,
        lets: lets.into_iter().collect::<Option<_>>()?,
        towers: towers?,
        weighting: weighting?,
        terms: terms?,
        distill: distill?,
        train: train?,
        numbers,
        ranks: ranks.into_iter().collect::<Option<_>>()?,
        expects: expects?.into_iter().chain(orders?).collect(),
        tune: tune?,
    };
    subnets::check(&model, sink);
    towers::check_classes(&model, sink);
    weighting::check_towers(&model, sink);
    weighting::check_losses(&model, &names, sink);
    warm_up::check(&model, &names, sink);
    unused::prune(&mut model, sink);
    if !sink.iter().any(Diagnostic::is_error) {
        stages::check(&model, sink);
    }
    (!sink.iter().any(Diagnostic::is_error)).then_some(model)
}

/// A feature as scores see it, if it is a number.
fn score_number(feature: &Feature) -> Option<ScoreNumber> {
    let Feature { name, column, kind, .. } = feature;
    let number = || ScoreNumber { name: name.clone(), column: column.clone() };
    matches!(kind, FeatureKind::Number { .. }).then(number)
}

fn entities(names: &Names<'_>) -> Vec<Entity> {
    let features_of = |entity| {
        let all = names.features.iter().enumerate();
        all.filter(move |(_, (owner, _))| *owner == entity).map(|(feature, _)| FeatureId(feature)).collect()
    };
    let entity = |(at, entity): (usize, &&ast::Features)| Entity {
        name: entity.name.clone(),
        docs: entity.docs.clone(),
        features: features_of(at),
    };
    names.entities.iter().enumerate().map(entity).collect()
}
