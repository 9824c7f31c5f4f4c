//! Options of a call against its signature.

use crate::ast::{Argument, Entry, Expr, Name};
use crate::check::Sink;
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{self, Number};
use crate::schema::{Default, Parameter, Shape, Signature};
use crate::source::Span;
use crate::suggest::did_you_mean;

mod values;

use values::read_value;
pub(super) use values::{column, is_option, number};

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

fn lower_first(docs: &str) -> String {
    let docs = docs.trim_end_matches('.');
    let mut characters = docs.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().to_string() + characters.as_str())
}
