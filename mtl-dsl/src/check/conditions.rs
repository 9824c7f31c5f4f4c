//! Conditions on the columns of a row: labels and sample spaces.

use super::Sink;
use super::options::column;
use crate::ast::{BinaryOp, Call, Expr, ExprKind, UnaryOp};
use crate::diagnostic::diagnostic;
use crate::hir::{Compare, Condition, Constant, Feature, FeatureKind, Label};
use crate::resolve::{Declared, Names};
use crate::source::Span;
use crate::suggest::did_you_mean;

/// What names mean in a condition.
pub(super) enum Scope<'a> {
    /// In a label: columns of the data.
    Columns,
    /// In a sample space: tasks and features.
    Declared {
        /// What is declared.
        names: &'a Names<'a>,
        /// Checked features.
        features: &'a [Option<Feature>],
        /// Checked labels of the tasks.
        labels: &'a [Option<Label>],
    },
}

/// A side of a comparison.
enum Side {
    Column(String),
    Constant(Constant),
}

impl Scope<'_> {
    /// Checks a condition.
    pub fn condition(&self, expr: &Expr, sink: &mut Sink) -> Option<Condition> {
        match &expr.kind {
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), left, right) => {
                let (left, right) = (self.condition(left, sink), self.condition(right, sink));
                let (left, right) = (Box::new(left?), Box::new(right?));
                Some(if *op == BinaryOp::And { Condition::And(left, right) } else { Condition::Or(left, right) })
            }
            ExprKind::Unary(UnaryOp::Not, operand) => Some(Condition::Not(Box::new(self.condition(operand, sink)?))),
            ExprKind::Binary(BinaryOp::Compare(op), left, right) => self.comparison(*op, left, right, expr.span, sink),
            ExprKind::Name(name) => self.bare(name, expr.span, sink),
            _ => {
                sink.push(diagnostic!(
                    NotACondition, expr.span, "{} is no condition", expr.describe();
                    help: "a condition compares a column with a constant: `{}`", self.example()
                ));
                None
            }
        }
    }

    fn comparison(&self, op: Compare, left: &Expr, right: &Expr, span: Span, sink: &mut Sink) -> Option<Condition> {
        // A text on the left of a text or number is a column; so is one beside a text that is not a column.
        let right_is_column = matches!(&right.kind, ExprKind::Name(_) | ExprKind::Call(_));
        let left = self.side(left, !right_is_column, sink);
        let right = self.side(right, false, sink);
        let (column, op, value) = match (left?, right?) {
            (Side::Column(column), Side::Constant(value)) => (column, op, value),
            (Side::Constant(value), Side::Column(column)) => (column, op.flipped(), value),
            (Side::Column(_), Side::Column(_)) => {
                sink.push(diagnostic!(
                    NotACondition, span, "both sides are columns"; help: "compare a column with a number or a text: `{}`", self.example()
                ));
                return None;
            }
            (Side::Constant(_), Side::Constant(_)) => {
                sink.push(diagnostic!(
                    NotACondition, span, "both sides are constants"; help: "compare a column with one: `{}`", self.example()
                ));
                return None;
            }
        };
        if matches!(value, Constant::Text(_)) && !matches!(op, Compare::Equal | Compare::NotEqual) {
            sink.push(diagnostic!(
                NotACondition, span, "texts have no order, so `{}` cannot compare them", op.symbol(); help: "use `==` or `!=`"
            ));
            return None;
        }
        Some(Condition::Compare { column, op, value })
    }

    fn side(&self, expr: &Expr, text_is_column: bool, sink: &mut Sink) -> Option<Side> {
        if let Some(value) = expr.as_number() {
            return Some(Side::Constant(Constant::Number(value)));
        }
        match (&expr.kind, self) {
            (ExprKind::Text(text), Scope::Columns) if text_is_column => Some(Side::Column(text.clone())),
            (ExprKind::Text(text), _) => Some(Side::Constant(Constant::Text(text.clone()))),
            (ExprKind::Call(call), _) if call.name.text == "column" => raw_column(call, sink).map(Side::Column),
            (ExprKind::Name(name), Scope::Columns) => Some(Side::Column(name.clone())),
            (ExprKind::Name(name), Scope::Declared { names, features, labels }) => match names.find(name) {
                Some((Declared::Task(task), at)) => match labels[task].as_ref()? {
                    Label::Column(column) => Some(Side::Column(column.clone())),
                    Label::Where(_) => {
                        sink.push(diagnostic!(
                            NotACondition, expr.span, "the label of `{name}` is a condition: it is true or false";
                            label(at): "declared here"; help: "write `{name}` or `!{name}`"
                        ));
                        None
                    }
                },
                Some((Declared::Feature(feature), _)) => {
                    feature_column(features[feature].as_ref()?, expr.span, sink).map(Side::Column)
                }
                _ => self.unknown(name, expr.span, sink),
            },
            _ => {
                sink.push(diagnostic!(
                    NotACondition, expr.span, "a condition compares columns and constants, found {}", expr.describe();
                    help: "write `{}`", self.example()
                ));
                None
            }
        }
    }

    /// A name alone: true where the label of that task is positive.
    fn bare(&self, name: &str, span: Span, sink: &mut Sink) -> Option<Condition> {
        let Scope::Declared { names, labels, .. } = self else {
            sink.push(diagnostic!(NotACondition, span, "a column alone is no condition"; help: "write `{name} == 1` or `{name} == 0`"));
            return None;
        };
        match names.find(name) {
            Some((Declared::Task(task), at)) => {
                let kind = names.tasks[task].kind.as_call().map(|(kind, _)| kind.text);
                if let Some(which @ ("multiclass" | "ordinal")) = kind.as_deref() {
                    let what = if which == "ordinal" { "levels" } else { "classes" };
                    sink.push(diagnostic!(
                        NotACondition, span, "`{name}` is one of several {what}, and neither true nor false"; label(at): "declared here";
                        help: "write `{name} == 2`"
                    ));
                    return None;
                }
                Some(match labels[task].clone()? {
                    Label::Where(condition) => condition,
                    Label::Column(column) => {
                        Condition::Compare { column, op: Compare::Greater, value: Constant::Number(0.0) }
                    }
                })
            }
            Some((Declared::Feature(_), _)) => {
                sink.push(diagnostic!(
                    NotACondition, span, "a feature alone is no condition"; help: "compare it: `{name} == 1`, `{name} == \"text\"`"
                ));
                None
            }
            _ => self.unknown(name, span, sink),
        }
    }

    fn unknown<T>(&self, name: &str, span: Span, sink: &mut Sink) -> Option<T> {
        if let Scope::Declared { names, .. } = self {
            let what = names.find(name).map_or("neither a task nor a feature".to_owned(), |(of, _)| {
                format!("{}, and neither a task nor a feature", of.noun())
            });
            let help = did_you_mean(name, "tasks and features", names.task_names().chain(names.feature_names()));
            sink.push(diagnostic!(
                UnknownColumn, span, "`{name}` is {what}";
                help: "another column of the data is written `column(\"{name}\")`"; help: "{help}"
            ));
        }
        None
    }

    fn example(&self) -> &'static str {
        match self {
            Scope::Columns => "income == \"50000+.\"",
            Scope::Declared { .. } => "column(\"is_ad\") == 0",
        }
    }
}

/// `column("name")`.
pub(super) fn raw_column(call: &Call, sink: &mut Sink) -> Option<String> {
    match call.arguments.as_slice() {
        [only] if only.name.is_none() => column("column", &only.value, sink),
        _ => {
            sink.push(
                diagnostic!(ArgumentCount, call.name.span, "`column` takes one name"; help: "write `column(\"name\")`"),
            );
            None
        }
    }
}

fn feature_column(feature: &Feature, span: Span, sink: &mut Sink) -> Option<String> {
    if let FeatureKind::Ids { words, .. } = feature.kind {
        let ids = if words { "words" } else { "ids" };
        sink.push(diagnostic!(
            NotACondition, span, "`{}` is a bag of {ids}, which no constant equals", feature.name.text;
            label(feature.name.span): "declared here"
        ));
        return None;
    }
    Some(feature.column.clone())
}
