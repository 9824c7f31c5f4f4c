//! Representations: names, calls and types.

use super::Sink;
use super::features::width;
use super::options;
use crate::ast::{self, ExprKind as Written};
use crate::constructs;
use crate::diagnostic::diagnostic;
use crate::hir::{Call, Expr, ExprKind, Feature, FeatureId, Let, LetId, Type};
use crate::resolve::{Declared, Names};
use crate::source::Span;
use crate::suggest::did_you_mean;

/// The `let`s in order; none where one is wrong.
pub(super) fn check_lets(names: &Names<'_>, features: &[Option<Feature>], sink: &mut Sink) -> Vec<Option<Let>> {
    let mut lets: Vec<Option<Let>> = Vec::new();
    for binding in &names.lets {
        let dataflow = Dataflow { names, features, lets: &lets };
        let value = dataflow.expr(&binding.value, sink);
        let (name, docs) = (binding.name.clone(), binding.docs.clone());
        lets.push(value.map(|value| Let { name, docs, value }));
    }
    lets
}

/// What a representation can be made of.
pub(super) struct Dataflow<'a> {
    /// What is declared.
    pub names: &'a Names<'a>,
    /// Checked features.
    pub features: &'a [Option<Feature>],
    /// Checked `let`s so far: those that can be read.
    pub lets: &'a [Option<Let>],
}

impl Dataflow<'_> {
    /// Checks and types a representation.
    pub fn expr(&self, expr: &ast::Expr, sink: &mut Sink) -> Option<Expr> {
        match &expr.kind {
            Written::Name(name) => self.name(name, expr.span, sink),
            Written::Call(call) if call.name.text == "concat" => self.concat(call, expr.span, sink),
            Written::Call(call) => self.call(call, expr.span, sink),
            _ => {
                let problem = diagnostic!(MisplacedExpression, expr.span, "{} is no representation", expr.describe());
                sink.push(match &expr.kind {
                    Written::Binary(ast::BinaryOp::Multiply, count, _) if count.as_number().is_some() => problem.help(
                        "a group of blocks is given to a block that mixes it: `mmoe(x, experts: 4 * mlp([256]))`",
                    ),
                    _ => problem.help(
                        "a representation is an entity, a feature, a `let`, `concat(...)` or a block: `mlp(x, [64])`",
                    ),
                });
                None
            }
        }
    }

    fn name(&self, name: &str, span: Span, sink: &mut Sink) -> Option<Expr> {
        let input = |features: Vec<usize>| {
            let widths: Option<Vec<_>> = features.iter().map(|id| self.features[*id].as_ref().map(width)).collect();
            let kind = ExprKind::Input(features.into_iter().map(FeatureId).collect());
            Some(Expr { kind, ty: Type::Vec(widths?.iter().sum()), span })
        };
        match self.names.find(name) {
            Some((Declared::Entity(entity), _)) => {
                let all = self.names.features.iter().enumerate();
                input(all.filter(|(_, (of, _))| *of == entity).map(|(feature, _)| feature).collect())
            }
            Some((Declared::Feature(feature), _)) => input(vec![feature]),
            Some((Declared::Let(id), at)) => match self.lets.get(id) {
                Some(read) => Some(Expr { kind: ExprKind::Let(LetId(id)), ty: read.as_ref()?.value.ty, span }),
                None => {
                    let what = if id == self.lets.len() { "itself" } else { "a `let` that comes later" };
                    sink.push(diagnostic!(
                        UseBeforeDeclaration, span, "this `let` reads {what}"; label(at): "`{name}` is declared here";
                        help: "representations are computed from top to bottom"
                    ));
                    None
                }
            },
            other => {
                let what = other.map_or_else(String::new, |(of, _)| format!(": `{name}` is {}", of.noun()));
                let entities = self.names.entities.iter().map(|entity| entity.name.text.as_str());
                let lets = self.names.lets[..self.lets.len()].iter().map(|binding| binding.name.text.as_str());
                let help = did_you_mean(name, "representations", entities.chain(lets));
                sink.push(diagnostic!(UnknownName, span, "no representation named `{name}`{what}"; help: "{help}"));
                None
            }
        }
    }

    /// `concat(a, b, ...)`: neighbouring inputs become one, and so do nested `concat`s.
    fn concat(&self, call: &ast::Call, span: Span, sink: &mut Sink) -> Option<Expr> {
        if call.arguments.is_empty() {
            sink.push(diagnostic!(EmptyConcat, span, "`concat` of nothing"; help: "write what it joins: `concat(user, item)`"));
            return None;
        }
        let mut parts: Vec<Option<Expr>> = Vec::new();
        for argument in &call.arguments {
            if let Some(name) = &argument.name {
                sink.push(diagnostic!(UnknownOption, name.span, "`concat` has no option `{}`", name.text; help: "write `concat(a, b)`"));
                parts.push(None);
                continue;
            }
            parts.push(self.expr(&argument.value, sink));
        }
        let parts: Vec<Expr> = parts.into_iter().collect::<Option<_>>()?;
        self.check_twice(&parts, sink)?;
        let each = parts.iter().any(|part| matches!(part.ty, Type::EachVec(_)));
        let width = parts.iter().map(|part| width_of(part.ty)).sum();
        let ty = if each { Type::EachVec(width) } else { Type::Vec(width) };
        let mut joined: Vec<Expr> = Vec::new();
        let flat = parts.into_iter().flat_map(|part| match part.kind {
            ExprKind::Concat(inner) => inner,
            _ => vec![part],
        });
        for part in flat {
            match (joined.last_mut(), part) {
                (
                    Some(Expr { kind: ExprKind::Input(before), ty: Type::Vec(width), span }),
                    Expr { kind: ExprKind::Input(more), ty, span: end },
                ) => {
                    before.extend(more);
                    *width += width_of(ty);
                    *span = span.to(end);
                }
                (_, part) => joined.push(part),
            }
        }
        let only = joined.len() == 1;
        match joined.pop() {
            Some(single) if only => Some(Expr { span, ..single }),
            last => {
                joined.extend(last);
                Some(Expr { kind: ExprKind::Concat(joined), ty, span })
            }
        }
    }

    /// Reports what one `concat` would hold twice.
    fn check_twice(&self, parts: &[Expr], sink: &mut Sink) -> Option<()> {
        let mut features: Vec<(FeatureId, Span)> = Vec::new();
        let mut lets: Vec<(LetId, Span)> = Vec::new();
        let errors = sink.len();
        for part in parts {
            match &part.kind {
                ExprKind::Input(read) => {
                    if let Some((id, first)) = features.iter().find(|(id, _)| read.contains(id)) {
                        let name = &self.names.features[id.0].1.name.text;
                        sink.push(diagnostic!(
                            DuplicateInput, part.span, "`concat` reads `{name}` twice"; label(*first): "it is read here already"
                        ));
                    }
                    features.extend(read.iter().map(|id| (*id, part.span)));
                }
                ExprKind::Let(id) => {
                    if let Some((_, first)) = lets.iter().find(|(other, _)| other == id) {
                        let name = &self.names.lets[id.0].name.text;
                        sink.push(diagnostic!(
                            DuplicateInput, part.span, "`concat` reads `{name}` twice"; label(*first): "it is read here already"
                        ));
                    }
                    lets.push((*id, part.span));
                }
                _ => {}
            }
        }
        (sink.len() == errors).then_some(())
    }

    /// A block: its first value without a name is what it reads.
    fn call(&self, call: &ast::Call, span: Span, sink: &mut Sink) -> Option<Expr> {
        let name = &call.name;
        let Some(construct) = constructs::find(&name.text) else {
            let known = constructs::ALL.iter().map(|construct| construct.signature.name);
            let help = did_you_mean(&name.text, "blocks", known.chain(["concat"]));
            sink.push(diagnostic!(UnknownFunction, name.span, "no block named `{}`", name.text; help: "{help}"));
            return None;
        };
        let first = call.arguments.iter().position(|argument| argument.name.is_none());
        let input = first.filter(|at| !options::is_option(&call.arguments[*at].value));
        let mut given = options::arguments(&call.arguments, sink);
        let input = match input {
            Some(at) => {
                given.remove(at);
                self.expr(&call.arguments[at].value, sink)
            }
            None => {
                sink.push(diagnostic!(
                    MisplacedInput, name.span, "`{}` has nothing to read", name.text;
                    help: "its first value is a representation: `{}(x, ...)`", name.text
                ));
                None
            }
        };
        let options = options::read(construct.signature, given, name.span, sink);
        let call = Call {
            construct: construct.signature.name,
            inputs: vec![input?],
            options: options?.into_plain(),
            name_span: name.span,
        };
        let ty = (construct.result)(&call, sink)?;
        Some(Expr { kind: ExprKind::Call(call), ty, span })
    }
}

fn width_of(ty: Type) -> usize {
    match ty {
        Type::Vec(width) | Type::EachVec(width) => width,
    }
}
