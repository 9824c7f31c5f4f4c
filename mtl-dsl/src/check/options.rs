//! Options of a call against its signature.

use crate::ast::{Argument, BinaryOp, Entry, Expr, ExprKind, Name};
use crate::check::Sink;
use crate::constructs;
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{self, Block, Number};
use crate::schema::losses;
use crate::schema::{Choice, Default, Parameter, Range, Shape, Signature};
use crate::source::Span;
use crate::suggest::did_you_mean;

/// The options of a call: every parameter of its signature, in order.
pub(super) struct Options<'a> {
    values: Vec<(&'static Parameter, Option<Span>, Value<'a>)>,
}

/// The value of an option.
pub(super) enum Value<'a> {
    /// What the options of a construct hold.
    Plain(hir::Value),
    /// A column's name.
    Column(String),
    /// One of several signatures, with its options.
    Choice(&'static str, Options<'a>),
    /// Signatures with their options, the summands of a sum.
    Sum(Vec<Summand<'a>>),
    /// Something that a pass of its own checks.
    Expr(&'a Expr),
    /// Not written, and no default.
    Absent,
}

/// A summand of a sum of alternatives.
pub(super) struct Summand<'a> {
    /// Its name.
    pub name: &'static str,
    /// Its options.
    pub options: Options<'a>,
    /// Its factor, 1 where none is written.
    pub weight: Number,
    /// Where it is written.
    pub span: Span,
}

/// What reads the options that hold names.
pub(super) type Resolver<'r> = dyn FnMut(Shape, &Expr, &mut Sink) -> Option<hir::Value> + 'r;

/// An argument or entry as it was written.
pub(super) struct Given<'a> {
    name: Option<&'a Name>,
    value: &'a Expr,
}

impl<'a> Options<'a> {
    /// Where an option's value was written; none when it was not.
    pub fn written(&self, name: &str) -> Option<Span> {
        self.get(name).1
    }

    /// A number that is there.
    pub fn number(&self, name: &str) -> Number {
        self.maybe_number(name).unwrap_or_else(|| unreachable!("checked options hold the number `{name}`"))
    }

    /// A number that may have been left out.
    pub fn maybe_number(&self, name: &str) -> Option<Number> {
        match &self.get(name).2 {
            Value::Plain(hir::Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A list of numbers.
    pub fn numbers(&self, name: &str) -> &[Number] {
        match &self.get(name).2 {
            Value::Plain(hir::Value::Numbers(numbers)) => numbers,
            _ => &[],
        }
    }

    /// A word; empty when it was left out.
    pub fn word(&self, name: &str) -> &'static str {
        match &self.get(name).2 {
            Value::Plain(hir::Value::Word(word)) => word,
            _ => "",
        }
    }

    /// A column.
    pub fn column(&self, name: &str) -> Option<String> {
        match &self.get(name).2 {
            Value::Column(column) => Some(column.clone()),
            _ => None,
        }
    }

    /// An alternative and its options.
    pub fn choice(&self, name: &str) -> (&'static str, &Options<'a>) {
        self.maybe_choice(name).unwrap_or_else(|| unreachable!("checked options hold the choice `{name}`"))
    }

    /// An alternative and its options, where it was written.
    pub fn maybe_choice(&self, name: &str) -> Option<(&'static str, &Options<'a>)> {
        match &self.get(name).2 {
            Value::Choice(choice, options) => Some((choice, options)),
            _ => None,
        }
    }

    /// The summands of a sum of alternatives.
    pub fn summands(&self, name: &str) -> &[Summand<'a>] {
        match &self.get(name).2 {
            Value::Sum(summands) => summands,
            _ => unreachable!("checked options hold the sum `{name}`"),
        }
    }

    /// An expression for a pass of its own.
    pub fn expr(&self, name: &str) -> Option<&'a Expr> {
        match self.get(name).2 {
            Value::Expr(expr) => Some(expr),
            _ => None,
        }
    }

    /// The options as a construct takes them; `names` reads those that stand for tasks or representations.
    pub fn resolve(self, names: &mut Resolver<'_>, sink: &mut Sink) -> Option<Vec<(&'static str, hir::Value)>> {
        let mut resolved = Vec::new();
        for (parameter, _, value) in self.values {
            let value = match value {
                Value::Plain(value) => Some(value),
                Value::Choice(name, options) => {
                    options.resolve(names, sink).map(|options| hir::Value::Choice(name, options))
                }
                Value::Expr(expr) => names(parameter.shape, expr, sink),
                Value::Column(_) | Value::Sum(_) => unreachable!("no construct reads a column or a sum"),
                Value::Absent => Some(hir::Value::None),
            };
            resolved.push(value.map(|value| (parameter.name, value)));
        }
        resolved.into_iter().collect()
    }

    /// The same for options without names.
    fn plain(self, sink: &mut Sink) -> Option<Vec<(&'static str, hir::Value)>> {
        self.resolve(&mut |_, _, _| unreachable!("templates and groups hold no names"), sink)
    }

    fn get(&self, name: &str) -> &(&'static Parameter, Option<Span>, Value<'a>) {
        let found = self.values.iter().find(|(parameter, ..)| parameter.name == name);
        found.unwrap_or_else(|| unreachable!("the signature has `{name}`"))
    }
}

/// Arguments, as [`read`] takes them; reports `a | b:` and `f(a):`, which name no option.
pub(super) fn arguments<'a>(arguments: impl IntoIterator<Item = &'a Argument>, sink: &mut Sink) -> Vec<Given<'a>> {
    let read = arguments.into_iter().map(|argument| {
        if let Some(more) = argument.function.as_ref().or(argument.given.as_ref()) {
            sink.push(diagnostic!(MisplacedExpression, more.span, "an option has one name"));
        }
        Given { name: argument.name.as_ref(), value: &argument.value }
    });
    read.collect()
}

/// Entries, as [`read`] takes them.
pub(super) fn entries(entries: &[Entry]) -> Vec<Given<'_>> {
    entries.iter().map(|entry| Given { name: Some(&entry.name), value: &entry.value }).collect()
}

/// Reads the options of a call at `at`. None when something is wrong, which is reported.
pub(super) fn read<'a>(
    signature: &'static Signature,
    given: Vec<Given<'a>>,
    at: Span,
    sink: &mut Sink,
) -> Option<Options<'a>> {
    let errors = sink.len();
    let mut written: Vec<Option<(Span, &'a Expr)>> = vec![None; signature.parameters.len()];
    let mut positional = 0..signature.positional;
    for given in given {
        let Some(place) = place(signature, &given, &mut positional, sink) else { continue };
        let span = given.name.map_or(given.value.span, |name| name.span);
        match written[place] {
            Some((first, _)) => sink.push(diagnostic!(
                DuplicateOption, span, "`{}` is written twice", signature.parameters[place].name;
                label(first): "first written here"
            )),
            None => written[place] = Some((span, given.value)),
        }
    }
    let mut values = Vec::new();
    let all_placed = sink.len() == errors;
    for (parameter, written) in signature.parameters.iter().zip(written) {
        let value = match written {
            Some((_, expr)) => read_value(parameter, expr, sink),
            // A value that found no place may have been meant for what is missing.
            None if all_placed || !matches!(parameter.default, Default::Required) => {
                default_value(signature, parameter, at, sink)
            }
            None => None,
        };
        values.extend(value.map(|value| (parameter, written.map(|(_, expr)| expr.span), value)));
    }
    (!sink[errors..].iter().any(Diagnostic::is_error)).then_some(Options { values })
}

/// The parameter that an argument is for.
fn place(
    signature: &'static Signature,
    given: &Given<'_>,
    positional: &mut std::ops::Range<usize>,
    sink: &mut Sink,
) -> Option<usize> {
    let names = || signature.parameters.iter().map(|parameter| parameter.name);
    match given.name {
        Some(name) => {
            let place = names().position(|parameter| parameter == name.text);
            if place.is_none() {
                let help = did_you_mean(&name.text, "options", names());
                sink.push(diagnostic!(
                    UnknownOption, name.span, "`{}` has no option `{}`", signature.name, name.text; help: "{help}"
                ));
            }
            place
        }
        None => {
            let place = positional.next();
            if place.is_none() {
                let help = did_you_mean("", "options", names());
                sink.push(diagnostic!(
                    ArgumentCount, given.value.span, "`{}` takes no further value without a name", signature.name;
                    help: "write `name: value`; {help}"
                ));
            }
            place
        }
    }
}

fn default_value<'a>(
    signature: &'static Signature,
    parameter: &'static Parameter,
    at: Span,
    sink: &mut Sink,
) -> Option<Value<'a>> {
    Some(match (parameter.default, parameter.shape) {
        (Default::Required, _) => {
            sink.push(diagnostic!(
                MissingOption, at, "`{}` needs `{}`", signature.name, parameter.name; help: "{}", lower_first(parameter.docs)
            ));
            return None;
        }
        (Default::Number(value), _) => Value::Plain(hir::Value::Number(Number { value, span: at })),
        (Default::Word(word), Shape::Choice(choice)) => {
            let of = choice.of.iter().find(|of| of.name == word)?;
            Value::Choice(of.name, read(of, Vec::new(), at, sink)?)
        }
        (Default::Word(word), Shape::Sum(choice)) => {
            let of = choice.of.iter().find(|of| of.name == word)?;
            let options = read(of, Vec::new(), at, sink)?;
            Value::Sum(vec![Summand { name: of.name, options, weight: Number { value: 1.0, span: at }, span: at }])
        }
        (Default::Word(word), Shape::Word(_)) => Value::Plain(hir::Value::Word(word)),
        (Default::Word(_) | Default::Absent, _) => Value::Absent,
    })
}

fn read_value<'a>(parameter: &'static Parameter, expr: &'a Expr, sink: &mut Sink) -> Option<Value<'a>> {
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
pub(super) fn number(what: &str, range: Range, expr: &Expr, sink: &mut Sink) -> Option<Number> {
    let Some(value) = expr.as_number() else {
        sink.push(diagnostic!(WrongArgument, expr.span, "{what} must be {}, found {}", range.words, expr.describe()));
        return None;
    };
    if !range.contains(value) {
        sink.push(diagnostic!(OutOfRange, expr.span, "{what} must be {}, found {value}", range.words));
        return None;
    }
    Some(Number { value, span: expr.span })
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
    let widths: Vec<_> = items.iter().map(|item| number("a width", Range::SIZE, item, sink)).collect();
    widths.into_iter().collect()
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
        ExprKind::Binary(BinaryOp::Multiply, count, template) => {
            let range = if may_be_empty { Range::COUNT } else { Range::SIZE };
            (number("a number of blocks", range, count, sink), template.as_ref())
        }
        _ => (Some(Number { value: 1.0, span: expr.span }), expr),
    };
    let Some((called, given)) = template.as_call() else {
        sink.push(diagnostic!(
            WrongArgument, template.span, "`{name}` takes a group of blocks, found {}", template.describe();
            help: "write `4 * mlp([256])`"
        ));
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

/// Whether an unnamed argument can only be an option, and no representation.
pub(super) fn is_option(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::List(_) | ExprKind::Text(_)) || expr.as_number().is_some()
}

/// A column by name or text.
pub(super) fn column(name: &str, expr: &Expr, sink: &mut Sink) -> Option<String> {
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
            ExprKind::Binary(BinaryOp::Multiply, weight, of) => (Some(weight), of.as_ref()),
            _ => (None, term),
        };
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

fn lower_first(docs: &str) -> String {
    let docs = docs.trim_end_matches('.');
    let mut characters = docs.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().to_string() + characters.as_str())
}
