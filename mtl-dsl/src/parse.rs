//! From text to syntax tree.
//!
//! Parsing never fails: it gives what could be read, and a diagnostic for every piece that could not.

mod expected;
mod expression;
mod scan;
mod text;

use pest::Parser;
use pest::iterators::{Pair, Pairs};
use pest_derive::Parser;

use crate::ast::{
    Ast, Entry, Expect, Features, Item, Let, Model, Name, Order, Param, Rank, Section, Task, Tower, Trend,
};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::source::{Source, Span};
pub(crate) use expected::unknown_item_error;
use expression::{arguments, comparison, expression};

/// The grammar; its rules are private to the parser.
#[derive(Parser)]
#[grammar = "mtl.pest"]
struct Grammar;

/// Reads a text. A model, item or entry that does not follow the grammar is left out and reported.
pub fn parse(source: &Source) -> (Ast, Vec<Diagnostic>) {
    let text = source.text();
    let end = Span::new(text.trim_end().len(), text.trim_end().len());
    let problems = scan::scan(text);
    if !problems.is_empty() {
        return (Ast { models: Vec::new(), end }, problems);
    }
    let mut builder = Builder { text, diagnostics: Vec::new() };
    let models = match Grammar::parse(Rule::file, text) {
        Ok(pairs) => pairs.flat_map(Pair::into_inner).filter_map(|pair| builder.model(pair)).collect(),
        // Only a limit of the parser itself: the file rule accepts every balanced text.
        Err(error) => {
            builder.diagnostics.push(diagnostic!(
                Limit,
                end,
                "this text is too much for the parser: {}",
                error.variant.message()
            ));
            Vec::new()
        }
    };
    (Ast { models, end }, builder.diagnostics)
}

struct Builder<'a> {
    text: &'a str,
    diagnostics: Vec<Diagnostic>,
}

impl Builder<'_> {
    fn model(&mut self, pair: Pair<'_, Rule>) -> Option<Model> {
        match pair.as_rule() {
            Rule::model => {
                let mut inner = meaningful(pair);
                let docs = docs(&mut inner)?;
                let name = name(&inner.next()?);
                let items = inner.filter_map(|item| self.item(item)).collect();
                Some(Model { docs, name, items })
            }
            Rule::junk_file => {
                self.explain(Rule::only_model, &pair);
                None
            }
            _ => None,
        }
    }

    fn item(&mut self, pair: Pair<'_, Rule>) -> Option<Item> {
        if pair.as_rule() == Rule::junk_item {
            self.explain(Rule::only_item, &pair);
            return None;
        }
        let mut inner = meaningful(pair);
        let docs = docs(&mut inner)?;
        let item = inner.next()?;
        let (rule, span) = (item.as_rule(), span(&item));
        let mut parts = meaningful(item);
        let name = |parts: &mut Parts<'_>| parts.next().map(|pair| name(&pair));
        Some(match rule {
            Rule::features => {
                Item::Features(Features { docs, name: name(&mut parts)?, entries: self.entries(parts.next()?) })
            }
            Rule::task => {
                let name = name(&mut parts)?;
                let kind = expression(parts.next()?);
                let given = parts.next().and_then(|given| meaningful(given).next()).map(|pair| self::name(&pair));
                Item::Task(Task { docs, name, kind, given })
            }
            Rule::let_item => Item::Let(Let { docs, name: name(&mut parts)?, value: expression(parts.next()?) }),
            Rule::tower => Item::Tower(Tower { name: name(&mut parts)?, value: expression(parts.next()?), span }),
            Rule::rank => Item::Rank(rank(docs, name(&mut parts)?, parts)?),
            Rule::order => Item::Order(self.order(parts)?),
            Rule::expect => {
                let comparison = expression(parts.next()?);
                let text = self.text[comparison.span.range()].to_owned();
                Item::Expect(Expect { comparison, text })
            }
            _ => {
                let word = name(&mut parts)?;
                let mut second = parts.next()?;
                let mut label = None;
                if second.as_rule() == Rule::name {
                    label = Some(self::name(&second));
                    second = parts.next()?;
                }
                Item::Section(Section { word, name: label, entries: self.entries(second) })
            }
        })
    }

    fn order(&self, mut parts: Parts<'_>) -> Option<Order> {
        let (rank, left, op, right) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let within = parts.next();
        let whole = span(&rank).to(span(within.as_ref().unwrap_or(&right)));
        Some(Order {
            rank: name(&rank),
            left: arguments(left),
            op: comparison(&op),
            right: arguments(right),
            within: within.map(arguments).unwrap_or_default(),
            text: self.text[whole.range()].to_owned(),
            span: whole,
        })
    }

    fn entries(&mut self, pair: Pair<'_, Rule>) -> Vec<Entry> {
        let mut entries = Vec::new();
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::junk_entry => self.explain(Rule::only_entry, &pair),
                _ => entries.extend(entry(pair)),
            }
        }
        entries
    }

    /// The second look: reads a skipped piece by a rule that it should have followed, and says what that missed.
    fn explain(&mut self, rule: Rule, junk: &Pair<'_, Rule>) {
        self.diagnostics.push(expected::explain(self.text, span(junk), rule));
    }
}

fn entry(pair: Pair<'_, Rule>) -> Option<Entry> {
    let mut inner = meaningful(pair);
    Some(Entry { docs: docs(&mut inner)?, name: name(&inner.next()?), value: expression(inner.next()?) })
}

fn rank(docs: String, name: Name, parts: Parts<'_>) -> Option<Rank> {
    let (mut params, mut lets, mut trends, mut score) = (Vec::new(), Vec::new(), Vec::new(), None);
    for part in parts {
        match part.as_rule() {
            Rule::param | Rule::request => params.push(param(part)?),
            Rule::rank_let => lets.push(rank_let(part)?),
            rule @ (Rule::increasing | Rule::decreasing) => {
                let of = meaningful(part).map(expression).collect();
                trends.push(Trend { rises: rule == Rule::increasing, of });
            }
            _ => score = Some(expression(part)),
        }
    }
    Some(Rank { docs, name, params, lets, trends, score: score? })
}

fn rank_let(pair: Pair<'_, Rule>) -> Option<Let> {
    let mut inner = meaningful(pair);
    Some(Let { docs: docs(&mut inner)?, name: name(&inner.next()?), value: expression(inner.next()?) })
}

fn param(pair: Pair<'_, Rule>) -> Option<Param> {
    let request = pair.as_rule() == Rule::request;
    let mut inner = meaningful(pair);
    Some(Param {
        docs: docs(&mut inner)?,
        name: name(&inner.next()?),
        default: expression(inner.next()?),
        interval: expression(inner.next()?),
        request,
    })
}

type Parts<'a> = std::iter::Filter<Pairs<'a, Rule>, fn(&Pair<'a, Rule>) -> bool>;

/// The parts of a rule without its keywords.
fn meaningful(pair: Pair<'_, Rule>) -> Parts<'_> {
    pair.into_inner().filter(|part| {
        !matches!(
            part.as_rule(),
            Rule::kw_model
                | Rule::kw_features
                | Rule::kw_task
                | Rule::kw_given
                | Rule::kw_let
                | Rule::kw_tower
                | Rule::kw_rank
                | Rule::kw_param
                | Rule::kw_in
                | Rule::kw_request
                | Rule::kw_order
                | Rule::kw_increasing
                | Rule::kw_decreasing
                | Rule::kw_expect
                | Rule::kw_if
                | Rule::kw_else
        )
    })
}

/// The text of the `///` lines that come first, without their common space.
fn docs(parts: &mut Parts<'_>) -> Option<String> {
    let lines: Vec<_> = parts.next()?.into_inner().map(|line| line.as_str()["///".len()..].trim_end()).collect();
    let lines: Vec<_> = lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    Some(lines.join("\n"))
}

fn name(pair: &Pair<'_, Rule>) -> Name {
    Name { text: pair.as_str().to_owned(), span: span(pair) }
}

/// The span of a rule that ends in a token (a rule that ends in an optional part has the space before that part in its span).
fn span(pair: &Pair<'_, Rule>) -> Span {
    let span = pair.as_span();
    Span::new(span.start(), span.end())
}
