//! The value of an option, by its shape.

use super::{Options, Summand, Value, arguments, read};
use crate::ast::{BinaryOp, Expr, ExprKind};
use crate::check::Sink;
use crate::check::interval::short;
use crate::constructs;
use crate::diagnostic::{Code, Diagnostic, diagnostic};
use crate::hir::{self, Block, Number};
use crate::schema::losses;
use crate::schema::{Choice, LAST_WHOLE, Parameter, Range, Shape, Signature};
use crate::suggest::did_you_mean;

/// The most layers of a block, or levels.
const MOST_LAYERS: usize = 64;

pub(super) fn read_value<'a>(parameter: &'static Parameter, expr: &'a Expr, sink: &mut Sink) -> Option<Value<'a>> {
    let name = parameter.name;
    Some(match parameter.shape {
        Shape::Number(range) => Value::Plain(hir::Value::Number(number(&format!("`{name}`"), range, expr, sink)?)),
        Shape::Word(words) => Value::Plain(hir::Value::Word(word(name, words, expr, sink)?)),
        Shape::Widths => Value::Plain(hir::Value::Numbers(widths(name, expr, sink)?)),
        Shape::Block { may_be_empty } => Value::Plain(hir::Value::Block(block(name, may_be_empty, expr, sink)?)),
        Shape::Groups(signature) => Value::Plain(hir::Value::Groups(groups(name, signature, expr, sink)?)),
        Shape::Column => Value::Column(column(name, expr, sink)?),
        Shape::Choice(choice) => {
            let (name, options) = alternative(name, choice, expr, sink)?;
            Value::Choice(name, options)
        }
        Shape::Sum(choice) => Value::Sum(sum(name, choice, expr, sink)?),
        Shape::Label
        | Shape::Condition
        | Shape::Feature
        | Shape::Metric
        | Shape::Weighting
        | Shape::Input
        | Shape::Tasks
        | Shape::TaskGroups
        | Shape::Relations
        | Shape::Stages
        | Shape::Turns
        | Shape::Parts
        | Shape::Rates
        | Shape::Pairs => Value::Expr(expr),
    })
}

/// A number of a range; `what` names it in a message.
pub(in crate::check) fn number(what: &str, range: Range, expr: &Expr, sink: &mut Sink) -> Option<Number> {
    let Some(value) = expr.as_number() else {
        sink.push(diagnostic!(WrongArgument, expr.span, "{what} must be {}, found {}", range.words, expr.describe()));
        return None;
    };
    if range.whole && range.high == LAST_WHOLE && value > range.high {
        sink.push(diagnostic!(
            OutOfRange, expr.span, "{what} must be a whole number up to 9_007_199_254_740_991, found {}", short(value);
            help: "numbers are 64-bit floats, which hold every whole number below 2^53 and not all above"
        ));
        return None;
    }
    if !range.contains(value) {
        sink.push(diagnostic!(OutOfRange, expr.span, "{what} must be {}, found {}", range.words, as_written(value)));
        return None;
    }
    Some(Number { value, span: expr.span })
}

/// A number as a person would write it: without the digits of its power of ten.
fn as_written(value: f64) -> String {
    if value.abs() < 1e15 { value.to_string() } else { format!("{value:e}") }
}

fn word(name: &str, words: &'static [&'static str], expr: &Expr, sink: &mut Sink) -> Option<&'static str> {
    let ExprKind::Name(found) = &expr.kind else {
        let problem = diagnostic!(WrongArgument, expr.span, "`{name}` takes a word, found {}", expr.describe());
        let help = match &expr.kind {
            ExprKind::Text(text) if words.contains(&text.as_str()) => format!("write `{text}` without quotes"),
            _ => did_you_mean("", "words", words.iter().copied()),
        };
        sink.push(problem.help(help));
        return None;
    };
    let known = words.iter().find(|word| *word == found);
    if known.is_none() {
        let help = did_you_mean(found, "words", words.iter().copied());
        sink.push(diagnostic!(UnknownWord, expr.span, "`{name}` cannot be `{found}`"; help: "{help}"));
    }
    known.copied()
}

fn widths(name: &str, expr: &Expr, sink: &mut Sink) -> Option<Vec<Number>> {
    let ExprKind::List(items) = &expr.kind else {
        sink.push(diagnostic!(
            WrongArgument, expr.span, "`{name}` takes a list of widths, found {}", expr.describe(); help: "write `[64]`"
        ));
        return None;
    };
    if items.is_empty() {
        sink.push(
            diagnostic!(WrongArgument, expr.span, "`{name}` is empty"; help: "write one width a layer, such as `[64]`"),
        );
        return None;
    }
    few(name, "widths", items, sink)?;
    let widths: Vec<_> = items.iter().map(|item| number("a width", Range::SIZE, item, sink)).collect();
    widths.into_iter().collect()
}

/// Reports a list of layers that is too long: each of them is written out.
fn few(name: &str, what: &str, items: &[Expr], sink: &mut Sink) -> Option<()> {
    let Some(first) = items.get(MOST_LAYERS) else { return Some(()) };
    sink.push(diagnostic!(
        OutOfRange, first.span, "`{name}` has at most {MOST_LAYERS} {what}, found {}", items.len(); help: "write fewer of them"
    ));
    None
}

fn groups(
    name: &str,
    signature: &'static Signature,
    expr: &Expr,
    sink: &mut Sink,
) -> Option<Vec<Vec<(&'static str, hir::Value)>>> {
    let form = signature.name;
    let items = match &expr.kind {
        ExprKind::List(items) if !items.is_empty() => items,
        _ => {
            let found = if let ExprKind::List(_) = expr.kind { "an empty list".to_owned() } else { expr.describe() };
            sink.push(diagnostic!(
                WrongArgument, expr.span, "`{name}` takes a list, found {found}"; help: "write `[{form}(...), {form}(...)]`"
            ));
            return None;
        }
    };
    few(name, "entries", items, sink)?;
    let mut groups = Vec::new();
    for item in items {
        match item.as_call() {
            Some((called, given)) if called.text == form => {
                let given = arguments(given, sink);
                groups.push(read(signature, given, called.span, sink).and_then(|options| options.plain(sink)));
            }
            _ => {
                sink.push(diagnostic!(
                    WrongArgument,
                    item.span,
                    "`{name}` holds `{form}(...)`, found {}",
                    item.describe()
                ));
                groups.push(None);
            }
        }
    }
    groups.into_iter().collect()
}

/// `count * block(options)`.
fn block(name: &str, may_be_empty: bool, expr: &Expr, sink: &mut Sink) -> Option<Block> {
    let (count, template) = match &expr.kind {
        ExprKind::Binary(BinaryOp::Multiply, template, count) if count.as_number().is_some() => {
            let block = template.as_call().map_or("mlp".to_owned(), |(called, _)| called.text);
            sink.push(diagnostic!(
                WrongArgument, count.span, "the number of blocks stands in front of the block";
                help: "write `{} * {block}(...)`", as_written(count.as_number().unwrap_or(1.0))
            ));
            return None;
        }
        ExprKind::Binary(BinaryOp::Multiply, count, template) => {
            let range = if may_be_empty { Range::COUNT } else { Range::SIZE };
            (number("a number of blocks", range, count, sink), template.as_ref())
        }
        _ => (Some(Number { value: 1.0, span: expr.span }), expr),
    };
    let Some((called, given)) = template.as_call() else {
        let found = template.describe();
        let problem = match name {
            "block" => Diagnostic::new(Code::WrongArgument, template.span, format!("this is a network, found {found}")),
            _ => diagnostic!(WrongArgument, template.span, "`{name}` takes a group of blocks, found {found}"),
        };
        let widths = widths_as_written(template).unwrap_or("[256]".to_owned());
        let count = if name == "block" { "" } else { "4 * " };
        sink.push(problem.help(format!("write `{count}mlp({widths})`")));
        return None;
    };
    let templates = || constructs::ALL.iter().filter(|construct| construct.template.is_some());
    let Some(construct) = templates().find(|construct| construct.signature.name == called.text) else {
        let help = did_you_mean(&called.text, "blocks that can be experts", templates().map(|of| of.signature.name));
        sink.push(match constructs::find(&called.text) {
            Some(_) => diagnostic!(WrongArgument, called.span, "`{}` cannot be an expert", called.text; help: "{help}"),
            None => diagnostic!(UnknownFunction, called.span, "no block named `{}`", called.text; help: "{help}"),
        });
        return None;
    };
    if let Some(input) = given.iter().find(|argument| argument.name.is_none() && !is_option(&argument.value)) {
        sink.push(diagnostic!(
            MisplacedInput, input.value.span, "an expert is given its input by the block around it";
            help: "write `{}` without an input", called.text
        ));
        return None;
    }
    let given = arguments(given, sink);
    let options = read(construct.signature, given, called.span, sink)?.plain(sink)?;
    Some(Block { count: count?, construct: construct.signature.name, options, span: expr.span })
}

/// A list of numbers in the words of the language.
fn widths_as_written(expr: &Expr) -> Option<String> {
    let ExprKind::List(items) = &expr.kind else { return None };
    let widths: Option<Vec<String>> = items.iter().map(|item| item.as_number().map(as_written)).collect();
    widths.filter(|widths| !widths.is_empty()).map(|widths| format!("[{}]", widths.join(", ")))
}

/// Whether an unnamed argument can only be an option, and no representation.
pub(in crate::check) fn is_option(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::List(_) | ExprKind::Text(_)) || expr.as_number().is_some()
}

/// A column by name or text.
pub(in crate::check) fn column(name: &str, expr: &Expr, sink: &mut Sink) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(column) => Some(column.clone()),
        ExprKind::Text(column) if !column.is_empty() => Some(column.clone()),
        _ => {
            sink.push(diagnostic!(
                WrongArgument, expr.span, "`{name}` takes a column, found {}", expr.describe();
                help: "write its name, in double quotes where it is no name of mtl: `\"user-id\"`"
            ));
            None
        }
    }
}

/// `bce + 0.3 * jrc(alpha: 0.5)`: each alternative once, with a factor where there are several.
fn sum<'a>(name: &str, choice: &'static Choice, expr: &'a Expr, sink: &mut Sink) -> Option<Vec<Summand<'a>>> {
    let (mut terms, mut rest) = (Vec::new(), expr);
    while let ExprKind::Binary(BinaryOp::Add, left, right) = &rest.kind {
        terms.insert(0, right.as_ref());
        rest = left;
    }
    terms.insert(0, rest);
    let one = terms.len() == 1;
    let mut summands: Vec<Summand<'a>> = Vec::new();
    let errors = sink.len();
    for term in terms {
        let (weight, of) = match &term.kind {
            ExprKind::Binary(BinaryOp::Multiply, of, weight) if weight.as_number().is_some() => {
                (Some(weight), of.as_ref())
            }
            ExprKind::Binary(BinaryOp::Multiply, weight, of) => (Some(weight), of.as_ref()),
            _ => (None, term),
        };
        if of.as_call().is_none() {
            let mut names = Vec::new();
            called_in(of, &mut names);
            let [first, second, ..] = &names[..] else {
                alternative(name, choice, of, sink);
                continue;
            };
            let (found, plural) = (of.describe(), choice.plural);
            sink.push(diagnostic!(
                WrongArgument, of.span, "{plural} are added, found {found}"; help: "write `{first} + 0.3 * {second}`"
            ));
            continue;
        }
        if let (Some(weight), true) = (weight, one) {
            sink.push(diagnostic!(
                ConflictingOptions, weight.span, "a factor stands beside other summands, and this is the only {}", choice.noun;
                help: "leave it out; how much the task counts is `loss {{ weighting: fixed(..) }}`"
            ));
            continue;
        }
        let weight = match weight {
            Some(weight) => number("a factor", Range::NOT_NEGATIVE, weight, sink),
            None => Some(Number { value: 1.0, span: of.span }),
        };
        let Some((found, options)) = alternative(name, choice, of, sink) else { continue };
        if let Some(first) = summands.iter().find(|other| other.name == found) {
            sink.push(diagnostic!(
                DuplicateOption, of.span, "`{found}` is written twice"; label(first.span): "first written here"
            ));
            continue;
        }
        summands.extend(weight.map(|weight| Summand { name: found, options, weight, span: of.span }));
    }
    (sink.len() == errors).then_some(summands)
}

/// The names in a list, or between operators.
fn called_in(expr: &Expr, names: &mut Vec<String>) {
    match &expr.kind {
        ExprKind::List(items) => items.iter().for_each(|item| called_in(item, names)),
        ExprKind::Binary(_, left, right) => {
            called_in(left, names);
            called_in(right, names);
        }
        _ => names.extend(expr.as_call().map(|(called, _)| called.text)),
    }
}

fn alternative<'a>(
    name: &str,
    choice: &'static Choice,
    expr: &'a Expr,
    sink: &mut Sink,
) -> Option<(&'static str, Options<'a>)> {
    let all = choice.of.iter().map(|of| of.name);
    let Some((called, given)) = expr.as_call() else {
        let help = did_you_mean("", choice.plural, all);
        sink.push(
            diagnostic!(WrongArgument, expr.span, "`{name}` takes a word, found {}", expr.describe(); help: "{help}"),
        );
        return None;
    };
    let Some(of) = choice.of.iter().find(|of| of.name == called.text) else {
        let help = did_you_mean(&called.text, choice.plural, all);
        sink.push(match losses::kind_of(&called.text) {
            Some(kind) if choice.noun == "loss" => diagnostic!(
                LossMismatch, called.span, "`{}` is a loss of `{kind}` tasks", called.text; help: "{help}"
            ),
            _ => Diagnostic::new(choice.unknown, called.span, format!("no {} named `{}`", choice.noun, called.text))
                .help(help),
        });
        return None;
    };
    let given = arguments(given, sink);
    Some((of.name, read(of, given, called.span, sink)?))
}
