//! Representations: names, calls and types.

use super::Sink;
use super::features::width;
use super::options;
use crate::ast::{self, BinaryOp, ExprKind as Written};
use crate::constructs::{self, Context, Reads};
use crate::diagnostic::diagnostic;
use crate::hir::{Call, Expr, ExprKind, Feature, FeatureId, Let, LetId, Type, Value, View};
use crate::resolve::{Declared, Names};
use crate::schema::Shape;
use crate::source::Span;
use crate::suggest::did_you_mean;

mod of_tasks;

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
            Written::Call(call) => match call.name.text.as_str() {
                "concat" => self.concat(call, expr.span, sink),
                "fields" => self.fields_of(call, expr.span, sink),
                "own" => self.own(call, expr.span, sink),
                "wide" => self.wide(call, expr.span, sink),
                _ => self.call(call, expr.span, sink),
            },
            Written::Binary(BinaryOp::Multiply, left, right) if left.as_number().is_none() => {
                self.elementwise(ExprKind::Product, &[left, right], expr.span, sink)
            }
            Written::Binary(BinaryOp::Add, left, right) => {
                self.elementwise(ExprKind::Sum, &[left, right], expr.span, sink)
            }
            _ => {
                let problem = diagnostic!(MisplacedExpression, expr.span, "{} is no representation", expr.describe());
                sink.push(match &expr.kind {
                    Written::Binary(BinaryOp::Multiply, ..) => problem.help(
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
        match self.names.find(name) {
            Some((Declared::Entity(entity), _)) => {
                let all = self.names.features.iter().enumerate();
                let own = all.filter(|(_, (of, _))| *of == entity).map(|(feature, _)| FeatureId(feature));
                let vectors: Vec<FeatureId> = own.filter(|id| !self.is_sequence(*id)).collect();
                if vectors.is_empty() {
                    sink.push(diagnostic!(
                        TypeMismatch, span, "`{name}` holds sequences alone, and an entity's name stands for its vectors";
                        help: "read a sequence by its own name: `din(history, query: video_id)`"
                    ));
                    return None;
                }
                self.input(vectors, span)
            }
            Some((Declared::Feature(feature), _)) if self.is_sequence(FeatureId(feature)) => {
                self.sequence(FeatureId(feature), span)
            }
            Some((Declared::Feature(feature), _)) => self.input(vec![FeatureId(feature)], span),
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

    /// Features side by side. None where one is wrong, which was reported.
    pub(super) fn input(&self, features: Vec<FeatureId>, span: Span) -> Option<Expr> {
        let widths: Option<Vec<_>> = features.iter().map(|id| self.features[id.0].as_ref().map(width)).collect();
        Some(Expr { kind: ExprKind::Input(features, View::Flat), ty: Type::Vec(widths?.iter().sum()), span })
    }

    /// The values of a call that takes values without names only.
    pub(super) fn unnamed(&self, call: &ast::Call, sink: &mut Sink) -> Option<Vec<Expr>> {
        let mut parts: Vec<Option<Expr>> = Vec::new();
        for argument in &call.arguments {
            if let Some(name) = &argument.name {
                let block = &call.name.text;
                sink.push(diagnostic!(UnknownOption, name.span, "`{block}` has no option `{}`", name.text; help: "write `{block}(a, b)`"));
                parts.push(None);
                continue;
            }
            parts.push(self.expr(&argument.value, sink));
        }
        parts.into_iter().collect()
    }

    /// `concat(a, b, ...)`: neighbouring inputs become one, and so do nested `concat`s.
    fn concat(&self, call: &ast::Call, span: Span, sink: &mut Sink) -> Option<Expr> {
        if call.arguments.is_empty() {
            sink.push(diagnostic!(EmptyConcat, span, "`concat` of nothing"; help: "write what it joins: `concat(user, item)`"));
            return None;
        }
        let parts = self.unnamed(call, sink)?;
        if let Some(other) = parts.iter().find(|part| !part.ty.is_vector()) {
            sink.push(diagnostic!(
                TypeMismatch, other.span, "`concat` joins vectors, but this is `{}`", other.ty;
                label(call.name.span): "joins `vec` and `each vec`"; help: "{}", to_vector(other.ty)
            ));
            return None;
        }
        self.check_twice(&parts, sink)?;
        let each = parts.iter().any(|part| matches!(part.ty, Type::EachVec(_)));
        let width = parts.iter().map(|part| part.ty.width()).sum();
        let ty = if each { Type::EachVec(width) } else { Type::Vec(width) };
        let mut joined: Vec<Expr> = Vec::new();
        let flat = parts.into_iter().flat_map(|part| match part.kind {
            ExprKind::Concat(inner) => inner,
            _ => vec![part],
        });
        for part in flat {
            match (joined.last_mut(), part) {
                (
                    Some(Expr { kind: ExprKind::Input(before, View::Flat), ty: Type::Vec(width), span }),
                    Expr { kind: ExprKind::Input(more, View::Flat), ty, span: end },
                ) => {
                    before.extend(more);
                    *width += ty.width();
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

    /// `a + b` and `a * b`: vectors of one width, or fields of one shape. A `vec` is repeated for each task.
    fn elementwise(
        &self,
        kind: fn(Vec<Expr>) -> ExprKind,
        operands: &[&ast::Expr; 2],
        span: Span,
        sink: &mut Sink,
    ) -> Option<Expr> {
        let [left, right] = operands.map(|operand| self.expr(operand, sink));
        let (left, right) = (left?, right?);
        let ty = match (left.ty, right.ty) {
            (Type::Vec(a), Type::Vec(b)) if a == b => Type::Vec(a),
            (Type::Vec(a) | Type::EachVec(a), Type::Vec(b) | Type::EachVec(b)) if a == b => Type::EachVec(a),
            (a @ Type::Fields { .. }, b) if a == b => a,
            (a, b) if a.is_vector() && b.is_vector() => {
                sink.push(diagnostic!(
                    WidthMismatch, right.span, "element by element needs one width, but this is `{b}`";
                    label(left.span): "this is `{a}`"; help: "bring one of them to the other's width with `mlp`"
                ));
                return None;
            }
            (a, b) => {
                let logit = a == Type::Logit || b == Type::Logit;
                let problem = diagnostic!(
                    TypeMismatch, right.span, "no value is `{a}` and `{b}` element by element"; label(left.span): "this is `{a}`"
                );
                sink.push(if logit {
                    problem.help("a logit is a summand of a tower: `tower each = mlp(x, [64]) + wide(user);`")
                } else {
                    problem
                });
                return None;
            }
        };
        // A sum of sums is one sum.
        let parts = [left, right].into_iter().flat_map(|part| match part.kind {
            ExprKind::Sum(inner) if matches!(kind(Vec::new()), ExprKind::Sum(_)) => inner,
            ExprKind::Product(inner) if matches!(kind(Vec::new()), ExprKind::Product(_)) => inner,
            _ => vec![part],
        });
        Some(Expr { kind: kind(parts.collect()), ty, span })
    }

    /// Reports what one `concat` would hold twice.
    fn check_twice(&self, parts: &[Expr], sink: &mut Sink) -> Option<()> {
        let mut features: Vec<(FeatureId, Span)> = Vec::new();
        let mut lets: Vec<(LetId, Span)> = Vec::new();
        let errors = sink.len();
        for part in parts {
            match &part.kind {
                ExprKind::Input(read, View::Flat) => {
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

    /// A block: its first value without a name is what it reads, or all of them where it reads fields or several values.
    fn call(&self, call: &ast::Call, span: Span, sink: &mut Sink) -> Option<Expr> {
        let name = &call.name;
        let Some(construct) = constructs::find(&name.text) else {
            let known = constructs::ALL.iter().map(|construct| construct.signature.name);
            let help = did_you_mean(&name.text, "blocks", known.chain(["concat", "own"]));
            sink.push(diagnostic!(UnknownFunction, name.span, "no block named `{}`", name.text; help: "{help}"));
            return None;
        };
        let unnamed = |argument: &&ast::Argument| argument.name.is_none() && !options::is_option(&argument.value);
        let most = construct.reads.most();
        let inputs: Vec<&ast::Argument> = match most {
            1 => call.arguments.iter().find(|argument| argument.name.is_none()).filter(unnamed).into_iter().collect(),
            _ => call.arguments.iter().filter(unnamed).take(most).collect(),
        };
        let given =
            call.arguments.iter().filter(|argument| !inputs.iter().any(|input| std::ptr::eq(*input, *argument)));
        let given = options::arguments(given, sink);
        if inputs.len() < construct.reads.least() {
            let (problem, form) = match construct.reads.least() {
                1 => ("nothing to read", "its first value is a representation"),
                _ => ("too little to read", "its first two values are representations"),
            };
            let example = if construct.reads.least() == 1 { "x, ..." } else { "x, y" };
            sink.push(diagnostic!(
                MisplacedInput, name.span, "`{}` has {problem}", name.text; help: "{form}: `{}({example})`", name.text
            ));
        }
        let values: Vec<Option<Expr>> = inputs.iter().map(|input| self.expr(&input.value, sink)).collect();
        let options = options::read(construct.signature, given, name.span, sink);
        let mut inputs: Vec<Expr> = values.into_iter().collect::<Option<_>>()?;
        if inputs.len() < construct.reads.least() {
            return None;
        }
        if let Reads::Fields = construct.reads {
            inputs = vec![self.as_fields(inputs, name, sink)?];
        }
        let options = options?.resolve(&mut |shape, expr, sink| self.option(shape, expr, &mut inputs, sink), sink)?;
        let call = Call { construct: construct.signature.name, inputs, options, name_span: name.span };
        let ty = (construct.result)(&call, &Context { tasks: self.names.tasks.len() }, sink)?;
        Some(Expr { kind: ExprKind::Call(call), ty, span })
    }

    /// The value of an option that reads names.
    fn option(&self, shape: Shape, expr: &ast::Expr, inputs: &mut Vec<Expr>, sink: &mut Sink) -> Option<Value> {
        match shape {
            Shape::Input => {
                inputs.push(self.expr(expr, sink)?);
                Some(Value::Input(inputs.len() - 1))
            }
            Shape::Tasks => self.tasks(expr, &mut Vec::new(), sink).map(Value::Tasks),
            Shape::TaskGroups => self.groups(expr, sink).map(Value::TaskGroups),
            Shape::Relations => self.relations(expr, sink).map(Value::Relations),
            _ => unreachable!("no option of a block has this shape"),
        }
    }
}

/// How a value of this type becomes a vector.
pub(super) fn to_vector(ty: Type) -> &'static str {
    match ty {
        Type::Vec(_) | Type::EachVec(_) => "it is one",
        Type::Fields { .. } => "`flatten(...)` makes one vector of fields",
        Type::Seq { .. } => "`din(history, query: video_id)` makes one vector of a sequence",
        Type::Logit => "a logit is a summand of a tower: `tower each = mlp(x, [64]) + wide(user);`",
    }
}
