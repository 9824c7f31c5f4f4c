//! Drops what no tower reads, with a warning where no score reads it either.

use std::collections::BTreeSet;

use super::Sink;
use crate::diagnostic::diagnostic;
use crate::hir::{Expr, ExprKind, Feature, FeatureId, FeatureKind, LetId, Model, Reading, View};

/// Drops unread features and `let`s from a model and numbers the rest anew.
pub(super) fn prune(model: &mut Model, sink: &mut Sink) {
    let mut used = Used::default();
    let terms = || model.towers.iter().flat_map(|tower| &tower.terms);
    terms().filter(|term| term.train_only.is_none()).for_each(|term| used.visit(&term.value));
    used.follow(model);
    let serving = used.features.clone();
    terms().for_each(|term| used.visit(&term.value));
    used.follow(model);
    let readings: Vec<Reading> = (0..model.features.len())
        .map(FeatureId)
        .map(|id| Reading {
            own: used.own.contains(&id),
            wide: used.wide.contains(&id),
            train_only: used.features.contains(&id) && !serving.contains(&id),
        })
        .collect();
    // A table that is shared stays with the feature that owns it.
    for feature in used.features.clone() {
        if let FeatureKind::Ids { share: Some(owner), .. } = model.features[feature.0].kind {
            used.features.insert(owner);
        }
    }
    for (feature, reading) in model.features.iter_mut().zip(readings) {
        feature.reading = reading;
    }
    share_slices(model);
    warn(model, &used, sink);
    drop_unused(model, &used);
}

/// Features of one table have the same slices of it.
fn share_slices(model: &mut Model) {
    let owner = |feature: &Feature| if let FeatureKind::Ids { share, .. } = feature.kind { share } else { None };
    for reader in 0..model.features.len() {
        if let Some(FeatureId(owner)) = owner(&model.features[reader]) {
            let Reading { own, wide, .. } = model.features[reader].reading;
            let reading = &mut model.features[owner].reading;
            (reading.own, reading.wide) = (reading.own | own, reading.wide | wide);
        }
    }
    for reader in 0..model.features.len() {
        if let Some(FeatureId(owner)) = owner(&model.features[reader]) {
            let Reading { own, wide, .. } = model.features[owner].reading;
            let reading = &mut model.features[reader].reading;
            (reading.own, reading.wide) = (own, wide);
        }
    }
}

/// What the towers read.
#[derive(Default)]
struct Used {
    features: BTreeSet<FeatureId>,
    own: BTreeSet<FeatureId>,
    wide: BTreeSet<FeatureId>,
    lets: BTreeSet<LetId>,
}

impl Used {
    fn visit(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Input(features, view) => {
                self.features.extend(features);
                match view {
                    View::Own => self.own.extend(features),
                    View::Wide => self.wide.extend(features),
                    View::Flat | View::Fields | View::Sequence | View::Mask => {}
                }
            }
            ExprKind::Let(id) => {
                self.lets.insert(*id);
            }
            _ => expr.parts().iter().for_each(|part| self.visit(part)),
        }
    }

    /// Adds what the `let`s read that are read. A `let` reads earlier ones only, so one walk from the last to the first sees all.
    fn follow(&mut self, model: &Model) {
        for (id, binding) in model.lets.iter().enumerate().rev() {
            if self.lets.contains(&LetId(id)) {
                self.visit(&binding.value);
            }
        }
    }
}

fn warn(model: &Model, used: &Used, sink: &mut Sink) {
    let scored = model.scored_numbers();
    let is_scored = |id: &FeatureId| scored.iter().any(|number| number.name == model.features[id.0].name);
    for entity in &model.entities {
        let unread = |id: &&FeatureId| !used.features.contains(id) && !is_scored(id);
        let unused: Vec<_> = entity.features.iter().filter(unread).collect();
        if unused.len() == entity.features.len() {
            sink.push(diagnostic!(
                UnusedFeature, entity.name.span, "no tower reads `{}`", entity.name.text;
                help: "read it, as in `concat({}, ...)`, or remove it", entity.name.text
            ));
            continue;
        }
        for id in unused {
            let name = &model.features[id.0].name;
            sink.push(diagnostic!(
                UnusedFeature, name.span, "no tower reads `{}`", name.text;
                help: "read it, or remove it; a condition can name its column: `column(\"{}\")`", model.features[id.0].column
            ));
        }
    }
    for (id, binding) in model.lets.iter().enumerate() {
        if !used.lets.contains(&LetId(id)) {
            let name = &binding.name;
            sink.push(
                diagnostic!(UnusedLet, name.span, "no tower reads `{}`", name.text; help: "read it, or remove it"),
            );
        }
    }
}

fn drop_unused(model: &mut Model, used: &Used) {
    // The position among the used ones is the new number.
    let feature = |id: FeatureId| FeatureId(used.features.range(..id).count());
    let binding = |id: LetId| LetId(used.lets.range(..id).count());
    retain(&mut model.features, |id| used.features.contains(&FeatureId(id)));
    retain(&mut model.lets, |id| used.lets.contains(&LetId(id)));
    for entity in &mut model.entities {
        entity.features.retain(|id| used.features.contains(id));
        entity.features.iter_mut().for_each(|id| *id = feature(*id));
    }
    model.entities.retain(|entity| !entity.features.is_empty());
    for kept in &mut model.features {
        if let FeatureKind::Ids { share: Some(owner), .. } = &mut kept.kind {
            *owner = feature(*owner);
        }
    }
    let values = model.lets.iter_mut().map(|binding| &mut binding.value);
    let terms = model.towers.iter_mut().flat_map(|tower| &mut tower.terms);
    for value in values.chain(terms.map(|term| &mut term.value)) {
        renumber(value, &feature, &binding);
    }
}

fn renumber(expr: &mut Expr, feature: &impl Fn(FeatureId) -> FeatureId, binding: &impl Fn(LetId) -> LetId) {
    match &mut expr.kind {
        ExprKind::Input(features, _) => features.iter_mut().for_each(|id| *id = feature(*id)),
        ExprKind::Let(id) => *id = binding(*id),
        _ => expr.parts_mut().iter_mut().for_each(|part| renumber(part, feature, binding)),
    }
}

/// Keeps the items whose position is kept.
fn retain<T>(items: &mut Vec<T>, keep: impl Fn(usize) -> bool) {
    let mut at = 0..items.len();
    items.retain(|_| at.next().is_some_and(&keep));
}
