//! Drops what no tower reads, with a warning each.

use std::collections::BTreeSet;

use super::Sink;
use crate::diagnostic::diagnostic;
use crate::hir::{Call, Expr, ExprKind, FeatureId, FeatureKind, LetId, Model};

/// Drops unread features and `let`s from a model and numbers the rest anew.
pub(super) fn prune(model: &mut Model, sink: &mut Sink) {
    let mut used = Used::default();
    for tower in &model.towers {
        used.visit(&tower.value);
    }
    // A `let` reads earlier ones only, so one walk from the last to the first sees all.
    for (id, binding) in model.lets.iter().enumerate().rev() {
        if used.lets.contains(&LetId(id)) {
            used.visit(&binding.value);
        }
    }
    // A table that is shared stays with the feature that owns it.
    for feature in used.features.clone() {
        if let FeatureKind::Ids { share: Some(owner), .. } = model.features[feature.0].kind {
            used.features.insert(owner);
        }
    }
    warn(model, &used, sink);
    drop_unused(model, &used);
}

/// What the towers read.
#[derive(Default)]
struct Used {
    features: BTreeSet<FeatureId>,
    lets: BTreeSet<LetId>,
}

impl Used {
    fn visit(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Input(features) => self.features.extend(features),
            ExprKind::Let(id) => {
                self.lets.insert(*id);
            }
            ExprKind::Concat(parts) | ExprKind::Call(Call { inputs: parts, .. }) => {
                parts.iter().for_each(|part| self.visit(part))
            }
        }
    }
}

fn warn(model: &Model, used: &Used, sink: &mut Sink) {
    for entity in &model.entities {
        let unused: Vec<_> = entity.features.iter().filter(|id| !used.features.contains(id)).collect();
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
    for value in values.chain(model.towers.iter_mut().map(|tower| &mut tower.value)) {
        renumber(value, &feature, &binding);
    }
}

fn renumber(expr: &mut Expr, feature: &impl Fn(FeatureId) -> FeatureId, binding: &impl Fn(LetId) -> LetId) {
    match &mut expr.kind {
        ExprKind::Input(features) => features.iter_mut().for_each(|id| *id = feature(*id)),
        ExprKind::Let(id) => *id = binding(*id),
        ExprKind::Concat(parts) | ExprKind::Call(Call { inputs: parts, .. }) => {
            parts.iter_mut().for_each(|part| renumber(part, feature, binding));
        }
    }
}

/// Keeps the items whose position is kept.
fn retain<T>(items: &mut Vec<T>, keep: impl Fn(usize) -> bool) {
    let mut at = 0..items.len();
    items.retain(|_| at.next().is_some_and(&keep));
}
