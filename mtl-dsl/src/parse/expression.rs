//! Expressions: precedence and spans.

use std::sync::LazyLock;

use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::{Rule, meaningful, name, span, text};
use crate::ast::{Argument, BinaryOp, Call, Expr, ExprKind, UnaryOp};
use crate::hir::Compare;

/// From the loosest to the tightest. A power binds tighter than a sign on its left, as in `-a ^ 2`; on its right stands any sign. A
/// default binds tightest: `-a ?? 1 ^ 2` is `-((a ?? 1) ^ 2)`.
static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    PrattParser::new()
        .op(Op::infix(Rule::range, Assoc::Left))
        .op(Op::infix(Rule::or, Assoc::Left))
        .op(Op::infix(Rule::and, Assoc::Left))
        .op(Op::infix(Rule::compare, Assoc::Left))
        .op(Op::infix(Rule::add, Assoc::Left) | Op::infix(Rule::subtract, Assoc::Left))
        .op(Op::infix(Rule::multiply, Assoc::Left) | Op::infix(Rule::divide, Assoc::Left))
        .op(Op::prefix(Rule::negate) | Op::prefix(Rule::not))
        .op(Op::infix(Rule::power, Assoc::Right))
        .op(Op::infix(Rule::default, Assoc::Right))
});

/// The tree of an `expr` pair.
pub(super) fn expression(pair: Pair<'_, Rule>) -> Expr {
    PRECEDENCE
        .map_primary(primary)
        .map_prefix(|operator, operand| {
            let op = if operator.as_rule() == Rule::not { UnaryOp::Not } else { UnaryOp::Negate };
            Expr { span: span(&operator).to(operand.span), kind: ExprKind::Unary(op, Box::new(operand)) }
        })
        .map_infix(|left, operator, right| Expr {
            span: left.span.to(right.span),
            kind: ExprKind::Binary(binary(&operator), Box::new(left), Box::new(right)),
        })
        .parse(pair.into_inner())
}

fn binary(operator: &Pair<'_, Rule>) -> BinaryOp {
    match operator.as_rule() {
        Rule::range => BinaryOp::Range,
        Rule::or => BinaryOp::Or,
        Rule::and => BinaryOp::And,
        Rule::add => BinaryOp::Add,
        Rule::subtract => BinaryOp::Subtract,
        Rule::multiply => BinaryOp::Multiply,
        Rule::divide => BinaryOp::Divide,
        Rule::power => BinaryOp::Power,
        Rule::default => BinaryOp::Default,
        _ => BinaryOp::Compare(comparison(operator)),
    }
}

/// The comparison of a `compare` pair.
pub(super) fn comparison(operator: &Pair<'_, Rule>) -> Compare {
    match operator.as_str() {
        "==" => Compare::Equal,
        "!=" => Compare::NotEqual,
        "<=" => Compare::LessOrEqual,
        "<" => Compare::Less,
        ">=" => Compare::GreaterOrEqual,
        _ => Compare::Greater,
    }
}

fn primary(pair: Pair<'_, Rule>) -> Expr {
    let whole = span(&pair);
    let kind = match pair.as_rule() {
        Rule::number => ExprKind::Number(text::number(pair.as_str())),
        Rule::text => ExprKind::Text(text::unquote(pair.as_str())),
        Rule::list => ExprKind::List(pair.into_inner().map(expression).collect()),
        Rule::if_else => return if_else(pair),
        Rule::reference => return reference(pair),
        _ => return group(pair),
    };
    Expr { kind, span: whole }
}

/// `(a)` is `a`; `(a, b)` and `(a,)` are tuples.
fn group(pair: Pair<'_, Rule>) -> Expr {
    let whole = span(&pair);
    let mut trailing = false;
    let mut of = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::trailing => trailing = true,
            _ => of.push(expression(part)),
        }
    }
    let kind = match of.pop() {
        Some(only) if of.is_empty() && !trailing => only.kind,
        Some(last) => {
            of.push(last);
            ExprKind::Tuple(of)
        }
        None => ExprKind::Tuple(of),
    };
    Expr { kind, span: whole }
}

fn if_else(pair: Pair<'_, Rule>) -> Expr {
    let whole = span(&pair);
    let mut parts = meaningful(pair).map(|part| match part.as_rule() {
        Rule::if_else => if_else(part),
        _ => expression(part),
    });
    let mut part = || Box::new(parts.next().unwrap_or(Expr { kind: ExprKind::Tuple(Vec::new()), span: whole }));
    Expr { kind: ExprKind::If { condition: part(), then: part(), otherwise: part() }, span: whole }
}

/// `name`, `name(arguments)` or `name | name`.
fn reference(pair: Pair<'_, Rule>) -> Expr {
    let mut parts = pair.clone().into_inner();
    let first = parts.next().map_or_else(|| name(&pair), |part| name(&part));
    match parts.next() {
        None => Expr { span: first.span, kind: ExprKind::Name(first.text) },
        Some(second) if second.as_rule() == Rule::name => {
            let given = name(&second);
            Expr { span: first.span.to(given.span), kind: ExprKind::Conditional(first, given) }
        }
        Some(list) => {
            let whole = first.span.to(span(&list));
            Expr { span: whole, kind: ExprKind::Call(Call { name: first, arguments: arguments(list) }) }
        }
    }
}

/// The arguments of an `arguments` pair.
pub(super) fn arguments(pair: Pair<'_, Rule>) -> Vec<Argument> {
    pair.into_inner().filter_map(argument).collect()
}

fn argument(pair: Pair<'_, Rule>) -> Option<Argument> {
    let mut parts = pair.into_inner();
    let first = parts.next()?;
    if first.as_rule() != Rule::argument_name {
        return Some(Argument { function: None, name: None, given: None, value: expression(first) });
    }
    let value = expression(parts.next()?);
    let mut names = first.into_inner();
    let head = names.next()?;
    if head.as_rule() == Rule::called {
        let mut names = head.into_inner().map(|part| name(&part));
        return Some(Argument { function: names.next(), name: names.next(), given: names.next(), value });
    }
    Some(Argument { function: None, name: Some(name(&head)), given: names.next().map(|part| name(&part)), value })
}
