//! A score in parts: the terms of its sum, or the factors of its product.
//!
//! A sum is followed through parts, other ranks, the branches of `if`, and factors and divisors in front of it; a product through parts and
//! other ranks.

use super::Generator;
use super::ranks::{PREFIX, PRODUCT, SUM, compare};
use crate::hir::{Model, Rank, ScoreExpr, ScoreFn, ScoreKind, ScoreOp};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::quote;

/// What the score of a rank is made of.
pub(super) struct Split {
    whole: Parts,
    lets: Vec<Parts>,
}

/// The parts of an expression.
#[derive(Clone, Copy)]
struct Parts {
    /// Terms of its sum.
    terms: usize,
    /// Those of them that depend on the row: a product is followed into a sum of two or more.
    varied: usize,
    /// Factors of its product.
    factors: usize,
    /// Whether it depends on the row.
    reads: bool,
}

/// Parts that a person reads; what has more is one.
const MOST: usize = 128;

impl Split {
    /// Whether it is shown as a product.
    pub fn is_product(&self) -> bool {
        self.whole.terms == 1 && self.whole.factors > 1
    }
}

/// How the scores of a model are split.
pub(super) fn splits(model: &Model) -> Vec<Split> {
    let mut splits: Vec<Split> = Vec::new();
    for rank in &model.ranks {
        let mut lets = Vec::new();
        for part in &rank.lets {
            lets.push(parts(&part.value, &lets, &splits));
        }
        let whole = parts(&rank.score, &lets, &splits);
        splits.push(Split { whole, lets });
    }
    splits
}

fn parts(expr: &ScoreExpr, lets: &[Parts], ranks: &[Split]) -> Parts {
    let of = |expr: &ScoreExpr| parts(expr, lets, ranks);
    let mut found = match &expr.kind {
        ScoreKind::Number(_) | ScoreKind::Param(_) => Parts { terms: 1, varied: 0, factors: 1, reads: false },
        ScoreKind::Input(_) | ScoreKind::Default(..) | ScoreKind::Fuse(_) => {
            Parts { terms: 1, varied: 1, factors: 1, reads: true }
        }
        ScoreKind::Let(part) => lets[*part],
        ScoreKind::Rank(rank) => ranks[*rank].whole,
        ScoreKind::Negate(operand) => Parts { factors: 1, ..of(operand) },
        ScoreKind::Binary(op, a, b) => {
            let (a, b) = (of(a), of(b));
            let reads = a.reads || b.reads;
            match op {
                ScoreOp::Add | ScoreOp::Subtract => {
                    Parts { terms: a.terms + b.terms, varied: a.varied + b.varied, factors: 1, reads }
                }
                ScoreOp::Multiply => {
                    let sum = distributed(a, b).map(|first| if first { a } else { b });
                    let (terms, varied) = sum.map_or((1, 1), |sum| (sum.terms, sum.varied));
                    Parts { terms, varied, factors: a.factors + b.factors, reads }
                }
                ScoreOp::Divide => {
                    let terms = if a.varied > 1 { a.terms } else { 1 };
                    Parts { terms, varied: a.varied, factors: a.factors + 1, reads }
                }
                ScoreOp::Power => Parts { terms: 1, varied: 1, factors: 1, reads },
            }
        }
        ScoreKind::If { left, right, then, otherwise, .. } => {
            let (then, otherwise) = (of(then), of(otherwise));
            let reads = then.reads || otherwise.reads || of(left).reads || of(right).reads;
            let varied = then.varied.max(otherwise.varied);
            Parts { terms: then.terms.max(otherwise.terms), varied, factors: 1, reads }
        }
        ScoreKind::Call(function, arguments) => {
            let all: Vec<Parts> = arguments.iter().map(of).collect();
            let reads = all.iter().any(|part| part.reads);
            match function {
                ScoreFn::Sum => {
                    let count = |of: fn(&Parts) -> usize| all.iter().map(of).sum();
                    Parts { terms: count(|part| part.terms), varied: count(|part| part.varied), factors: 1, reads }
                }
                ScoreFn::Product => {
                    let factors = all.iter().map(|part| part.factors).sum();
                    Parts { terms: 1, varied: 1, factors, reads }
                }
                _ => Parts { terms: 1, varied: 1, factors: 1, reads },
            }
        }
    };
    if !found.reads || found.terms > MOST {
        found.terms = 1;
    }
    if found.terms == 1 {
        found.varied = usize::from(found.reads);
    }
    if !found.reads || found.factors > MOST {
        found.factors = 1;
    }
    found
}

/// Whether a product is a sum of its first factor's terms, or (false) of its second's; none where neither is a sum, or both are.
fn distributed(a: Parts, b: Parts) -> Option<bool> {
    match (a.varied > 1, b.varied > 1) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

impl Generator<'_> {
    /// The method that splits the score of a rank.
    pub(super) fn terms_fn_of(&self, rank: &Rank, part: &str, at: usize) -> TokenStream {
        let name = self.method(rank, "terms");
        let split = &self.splits[at];
        let (what, whole) = if split.is_product() { ("factors", "product") } else { ("terms", "sum") };
        let title = &rank.name.text;
        let about = super::docs(&format!("The {what} of `{title}`, whose {whole} is the score but for rounding."));
        let mut walk = Walk { generator: self, rank, split, used: vec![false; rank.lets.len()] };
        let body = match split.is_product() {
            true => walk.factors(&rank.score),
            false => walk.terms(&rank.score, &Factor::default()),
        };
        let needed = rank.lets.iter().zip(&walk.used).filter(|(_, used)| **used);
        let lets = needed.map(|(part, _)| {
            let (name, value) = (self.variable(&part.name), self.score(&part.value, rank, 0));
            quote! { let #name = #value; }
        });
        let params = self.parameters(rank, part);
        quote! {
            #about
            #[allow(clippy::vec_init_then_push)]
            pub fn #name(&self #params) -> Vec<(&'static str, f64)> {
                #(#lets)*
                let mut terms = Vec::new();
                #body
                terms
            }
        }
    }
}

/// What stands in front of a sum.
#[derive(Clone, Default)]
struct Factor {
    negative: bool,
    /// A product, as an operand of one.
    tokens: Option<TokenStream>,
}

impl Factor {
    fn negated(&self) -> Factor {
        Factor { negative: !self.negative, tokens: self.tokens.clone() }
    }

    fn times(&self, other: &TokenStream) -> Factor {
        let tokens = match &self.tokens {
            Some(tokens) => quote! { #tokens * #other },
            None => other.clone(),
        };
        Factor { negative: self.negative, tokens: Some(tokens) }
    }

    fn over(&self, other: &TokenStream) -> Factor {
        let tokens = match &self.tokens {
            Some(tokens) => quote! { #tokens / #other },
            None => quote! { 1.0 / #other },
        };
        Factor { negative: self.negative, tokens: Some(tokens) }
    }

    /// Itself as an expression; none where it is 1.
    fn expression(&self) -> Option<TokenStream> {
        match (&self.tokens, self.negative) {
            (Some(tokens), true) => Some(quote! { -(#tokens) }),
            (Some(tokens), false) => Some(tokens.clone()),
            (None, true) => Some(quote! { -1.0 }),
            (None, false) => None,
        }
    }
}

/// The same without parentheses around the whole.
fn bare(tokens: &TokenStream) -> TokenStream {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::Parenthesis => group.stream(),
        _ => tokens.clone(),
    }
}

/// The way through a formula; it notes which parts are read as values.
struct Walk<'a> {
    generator: &'a Generator<'a>,
    rank: &'a Rank,
    split: &'a Split,
    used: Vec<bool>,
}

impl Walk<'_> {
    fn parts(&self, expr: &ScoreExpr) -> Parts {
        parts(expr, &self.split.lets, &self.generator.splits)
    }

    fn mark(&mut self, expr: &ScoreExpr) {
        expr.visit(&mut |node| {
            if let ScoreKind::Let(part) = node.kind {
                self.used[part] = true;
            }
        });
        // A part is made of earlier ones.
        for at in (0..self.used.len()).rev().filter(|at| self.used[*at]).collect::<Vec<_>>() {
            self.rank.lets[at].value.visit(&mut |node| {
                if let ScoreKind::Let(part) = node.kind {
                    self.used[part] = true;
                }
            });
        }
    }

    fn value(&mut self, expr: &ScoreExpr, binding: u8) -> TokenStream {
        self.mark(expr);
        self.generator.score(expr, self.rank, binding)
    }

    /// Statements that add the terms of a sum.
    fn terms(&mut self, expr: &ScoreExpr, factor: &Factor) -> TokenStream {
        if self.parts(expr).terms == 1 {
            return self.term(expr, factor);
        }
        match &expr.kind {
            ScoreKind::Let(part) => self.terms(&self.rank.lets[*part].value, factor),
            ScoreKind::Rank(rank) => {
                let call = self.other(*rank);
                match factor.expression().as_ref().map(bare) {
                    Some(factor) => quote! { terms.extend(entries::scaled(#call, #factor)); },
                    None => quote! { terms.extend(#call); },
                }
            }
            ScoreKind::Negate(operand) => self.terms(operand, &factor.negated()),
            ScoreKind::Binary(op, a, b) => match op {
                ScoreOp::Add | ScoreOp::Subtract => {
                    let second = if *op == ScoreOp::Add { factor.clone() } else { factor.negated() };
                    let (a, b) = (self.terms(a, factor), self.terms(b, &second));
                    quote! { #a #b }
                }
                ScoreOp::Multiply => {
                    let (sum, other) = match distributed(self.parts(a), self.parts(b)) {
                        Some(true) => (a, b),
                        _ => (b, a),
                    };
                    let other = self.value(other, PRODUCT + 1);
                    self.terms(sum, &factor.times(&other))
                }
                ScoreOp::Divide => {
                    let other = self.value(b, PRODUCT + 1);
                    self.terms(a, &factor.over(&other))
                }
                ScoreOp::Power => self.term(expr, factor),
            },
            ScoreKind::If { op, left, right, then, otherwise } => {
                let (left, right, op) = (self.value(left, SUM), self.value(right, SUM), compare(*op));
                let (then, otherwise) = (self.terms(then, factor), self.terms(otherwise, factor));
                quote! { if #left #op #right { #then } else { #otherwise } }
            }
            ScoreKind::Call(ScoreFn::Sum, arguments) => {
                arguments.iter().map(|argument| self.terms(argument, factor)).collect()
            }
            _ => self.term(expr, factor),
        }
    }

    fn term(&mut self, expr: &ScoreExpr, factor: &Factor) -> TokenStream {
        let label = self.generator.excerpt(expr.span);
        let value = match factor.expression() {
            Some(_) if factor.tokens.is_none() => {
                let value = self.value(expr, PREFIX);
                quote! { -#value }
            }
            Some(factor) => {
                let value = self.value(expr, PRODUCT + 1);
                quote! { #factor * #value }
            }
            None => self.value(expr, 0),
        };
        quote! { terms.push((#label, #value)); }
    }

    /// Statements that add the factors of a product.
    fn factors(&mut self, expr: &ScoreExpr) -> TokenStream {
        if self.parts(expr).factors == 1 {
            return self.term(expr, &Factor::default());
        }
        match &expr.kind {
            ScoreKind::Let(part) => self.factors(&self.rank.lets[*part].value),
            ScoreKind::Rank(rank) if self.generator.splits[*rank].is_product() => {
                let call = self.other(*rank);
                quote! { terms.extend(#call); }
            }
            ScoreKind::Binary(ScoreOp::Multiply, a, b) => {
                let (a, b) = (self.factors(a), self.factors(b));
                quote! { #a #b }
            }
            ScoreKind::Binary(ScoreOp::Divide, a, b) => {
                let label = format!("1 / ({})", self.generator.excerpt(b.span));
                let (a, b) = (self.factors(a), self.value(b, PRODUCT + 1));
                quote! { #a terms.push((#label, 1.0 / #b)); }
            }
            ScoreKind::Call(ScoreFn::Product, arguments) => {
                arguments.iter().map(|argument| self.factors(argument)).collect()
            }
            _ => self.term(expr, &Factor::default()),
        }
    }

    /// The parts of another rank.
    fn other(&self, rank: usize) -> TokenStream {
        let rank = &self.generator.model.ranks[rank];
        let (name, arguments): (Ident, Vec<Ident>) =
            (self.generator.method(rank, "terms"), self.generator.arguments(rank));
        quote! { self.#name(#(#arguments),*) }
    }
}
