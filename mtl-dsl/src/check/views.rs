//! Features as fields, as sequences, as each task's own, and as weights of a tower: `fields`, `own`, `wide`.

use super::Sink;
use super::dataflow::Dataflow;
use super::features::width;
use crate::ast;
use crate::diagnostic::diagnostic;
use crate::hir::{Call, Expr, ExprKind, Feature, FeatureId, FeatureKind, Name, Pool, Type, View};
use crate::source::Span;

impl Dataflow<'_> {
    /// Whether a feature is a sequence, `pool: none`.
    pub(super) fn is_sequence(&self, id: FeatureId) -> bool {
        let feature = self.features[id.0].as_ref();
        feature.is_some_and(|feature| matches!(feature.kind, FeatureKind::Ids { pool: Pool::None, .. }))
    }

    /// A sequence, place by place.
    pub(super) fn sequence(&self, id: FeatureId, span: Span) -> Option<Expr> {
        let FeatureKind::Ids { dim, max_len, .. } = &self.features[id.0].as_ref()?.kind else { return None };
        let ty = Type::Seq { length: max_len.value as usize, width: dim.value as usize };
        Some(Expr { kind: ExprKind::Input(vec![id], View::Sequence), ty, span })
    }

    /// `fields(user, item)`.
    pub(super) fn fields_of(&self, call: &ast::Call, span: Span, sink: &mut Sink) -> Option<Expr> {
        let inputs = self.some(call, span, sink)?;
        Some(Expr { span, ..self.as_fields(inputs, &call.name, sink)? })
    }

    /// `own(user, item)`: the embeddings that each task has of these features for itself.
    pub(super) fn own(&self, call: &ast::Call, span: Span, sink: &mut Sink) -> Option<Expr> {
        let features = self.features_in(&self.some(call, span, sink)?, &call.name, sink)?;
        let width = features.iter().filter_map(|id| self.features[id.0].as_ref()).map(width).sum();
        Some(Expr { kind: ExprKind::Input(features, View::Own), ty: Type::EachVec(width), span })
    }

    /// `wide(user, item)`: a weight per task for each value of these features; numbers have one each.
    pub(super) fn wide(&self, call: &ast::Call, span: Span, sink: &mut Sink) -> Option<Expr> {
        let features = self.features_in(&self.some(call, span, sink)?, &call.name, sink)?;
        let (ids, numbers): (Vec<_>, Vec<_>) = features.into_iter().partition(|id| !self.is_number(*id));
        let part = |features: Vec<FeatureId>, view, ty| {
            (!features.is_empty()).then_some(Expr { kind: ExprKind::Input(features, view), ty, span })
        };
        let total = numbers.iter().filter_map(|id| self.features[id.0].as_ref()).map(width).sum();
        let (count, inputs) =
            (ids.len(), [part(ids, View::Wide, Type::Logit), part(numbers, View::Flat, Type::Vec(total))]);
        debug_assert!(count > 0 || total > 0);
        let call = Call {
            construct: "wide",
            inputs: inputs.into_iter().flatten().collect(),
            options: Vec::new(),
            name_span: call.name.span,
        };
        Some(Expr { kind: ExprKind::Call(call), ty: Type::Logit, span })
    }

    /// Representations as fields: one that is fields already, or features. A number becomes a field by a map of its own.
    pub(super) fn as_fields(&self, mut inputs: Vec<Expr>, name: &Name, sink: &mut Sink) -> Option<Expr> {
        if inputs.len() == 1 && matches!(inputs[0].ty, Type::Fields { .. }) {
            return inputs.pop();
        }
        let span = inputs.iter().map(|input| input.span).reduce(|a, b| a.to(b))?;
        let features = self.features_in(&inputs, name, sink)?;
        let (numbers, ids): (Vec<_>, Vec<_>) = features.into_iter().partition(|id| self.is_number(*id));
        let feature = |id: &FeatureId| self.features[id.0].as_ref();
        let Some(first) = ids.first().and_then(feature) else {
            sink.push(diagnostic!(
                TypeMismatch, span, "`{}` reads fields, and numbers alone have no width", name.text;
                help: "give it at least one `id` or `category` beside the numbers"
            ));
            return None;
        };
        let dim = width(first);
        if let Some(other) = ids.iter().filter_map(feature).find(|other| width(other) != dim) {
            sink.push(diagnostic!(
                WidthMismatch, span, "fields have one width, but `{}` has {} and `{}` has {dim}", other.name.text, width(other), first.name.text;
                label(other.name.span): "{} wide", width(other); label(first.name.span): "{dim} wide";
                help: "give the features that are read as fields one `dim`"
            ));
            return None;
        }
        let ty = Type::Fields { count: ids.len() + numbers.len(), width: dim };
        if numbers.is_empty() {
            return Some(Expr { kind: ExprKind::Input(ids, View::Fields), ty, span });
        }
        let part = |features: Vec<FeatureId>, width| {
            let ty = Type::Fields { count: features.len(), width };
            (!features.is_empty()).then_some(Expr { kind: ExprKind::Input(features, View::Fields), ty, span })
        };
        let indicator = |id: &FeatureId| feature(id).is_some_and(|feature| width(feature) == 2);
        let (twos, ones) = numbers.into_iter().partition(indicator);
        let inputs = [part(ids, dim), part(ones, 1), part(twos, 2)].into_iter().flatten().collect();
        let call = Call { construct: "fields", inputs, options: Vec::new(), name_span: name.span };
        Some(Expr { kind: ExprKind::Call(call), ty, span })
    }

    /// The values of a call, of which there is at least one.
    fn some(&self, call: &ast::Call, span: Span, sink: &mut Sink) -> Option<Vec<Expr>> {
        let name = &call.name.text;
        if call.arguments.is_empty() {
            sink.push(diagnostic!(MisplacedInput, span, "`{name}` has nothing to read"; help: "write the features: `{name}(user, item)`"));
            return None;
        }
        self.unnamed(call, sink)
    }

    /// The features that representations are, each once.
    fn features_in(&self, inputs: &[Expr], name: &Name, sink: &mut Sink) -> Option<Vec<FeatureId>> {
        let mut features: Vec<FeatureId> = Vec::new();
        for input in inputs {
            let ExprKind::Input(read, View::Flat) = &input.kind else {
                sink.push(diagnostic!(
                    TypeMismatch, input.span, "`{}` reads features, but this is `{}`", name.text, input.ty;
                    label(name.span): "reads features as they are declared"; help: "give it entities and features: `{}(user, item)`", name.text
                ));
                return None;
            };
            if let Some(twice) =
                read.iter().find(|id| features.contains(id)).and_then(|id| self.features[id.0].as_ref())
            {
                sink.push(diagnostic!(DuplicateInput, input.span, "`{}` reads `{}` twice", name.text, twice.name.text));
                return None;
            }
            features.extend(read);
        }
        Some(features)
    }

    fn is_number(&self, id: FeatureId) -> bool {
        self.features[id.0].as_ref().is_some_and(|Feature { kind, .. }| matches!(kind, FeatureKind::Number { .. }))
    }
}
