//! Scores: each rank as one scalar function of a row's predictions, and what the spec expects of it.

use super::{Generator, docs, ident, names, prediction};
use crate::hir::{Compare, Expect, ExpectSide, Name, Rank, ScoreExpr, ScoreFn, ScoreKind, ScoreOp, TaskId};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

impl Generator<'_> {
    /// Parameters, score functions and the scores of many rows.
    pub(super) fn rank_items(&self) -> Vec<TokenStream> {
        let ranks: Vec<(&Rank, &String)> = self.model.ranks.iter().zip(&self.names.ranks).collect();
        if ranks.is_empty() {
            return Vec::new();
        }
        let with_params = ranks.iter().filter(|(rank, _)| !rank.params.is_empty());
        let mut items: Vec<TokenStream> = with_params.map(|(rank, part)| self.rank_params(rank, part)).collect();
        let functions = self.members(ranks.iter().map(|(rank, part)| self.score_fn(rank, part)).collect());
        let one = self.own_type("Prediction");
        items.push(quote! { impl #one { #functions } });
        items.extend(self.scores(&ranks));
        items
    }

    fn score_fn(&self, rank: &Rank, part: &str) -> TokenStream {
        let name = self.ident(&names::field(&rank.name.text), rank.name.span);
        let formula = format!("`{}`", self.formula(rank));
        let docs = docs(format!("{}\n\n{formula}", rank.docs).trim());
        let params = (!rank.params.is_empty()).then(|| {
            let ty = self.own_type(&format!("{part}Params"));
            quote! { , params: &#ty }
        });
        let others = self.params_of_others(rank).into_iter().map(|other| {
            let (name, ty) = (
                self.variable(&self.model.ranks[other].name),
                self.own_type(&format!("{}Params", self.names.ranks[other])),
            );
            quote! { , #name: &#ty }
        });
        let lets = rank.lets.iter().map(|part| {
            let (name, value) = (self.variable(&part.name), self.score(&part.value, rank, 0));
            quote! { let #name = #value; }
        });
        let body = self.score(&rank.score, rank, 0);
        quote! { #docs pub fn #name(&self #params #(#others)*) -> f64 { #(#lets)* #body } }
    }

    /// The ranks whose parameters a rank is given besides its own.
    fn params_of_others(&self, rank: &Rank) -> Vec<usize> {
        let mut read = vec![false; self.model.ranks.len()];
        let mark = |of: &Rank, read: &mut Vec<bool>| {
            of.visit(&mut |node| {
                if let ScoreKind::Rank(other) = node.kind {
                    read[other] = true;
                }
            });
        };
        mark(rank, &mut read);
        for at in (0..read.len()).rev() {
            if read[at] {
                mark(&self.model.ranks[at], &mut read);
            }
        }
        (0..read.len()).filter(|at| read[*at] && !self.model.ranks[*at].params.is_empty()).collect()
    }

    /// A part of a rank, or the parameters of another one, beside `params`.
    fn variable(&self, name: &Name) -> Ident {
        match name.text.as_str() {
            "params" => self.ident("params_", name.span),
            text => self.ident(&names::field(text), name.span),
        }
    }

    /// A formula in one line, its parts first.
    fn formula(&self, rank: &Rank) -> String {
        let parts =
            rank.lets.iter().map(|part| format!("let {} = {}; ", part.name.text, self.excerpt(part.value.span)));
        parts.chain([self.excerpt(rank.score.span)]).collect()
    }

    fn scores(&self, ranks: &[(&Rank, &String)]) -> Vec<TokenStream> {
        let scores = self.own_type("Scores");
        let titles = ranks.iter().map(|(rank, _)| &rank.name.text);
        let fields: Vec<Ident> =
            ranks.iter().map(|(rank, _)| self.ident(&names::field(&rank.name.text), rank.name.span)).collect();
        let about = ranks.iter().map(|(rank, _)| docs(&format!("`{}`", self.formula(rank))));
        vec![
            quote! {
                /// The scores of many rows.
                #[derive(Debug, Clone, Default, PartialEq)]
                pub struct #scores { #(#about pub #fields: Vec<f64>),* }
            },
            quote! {
                impl From<&Predictions> for #scores {
                    /// The model's scores by their names.
                    fn from(predictions: &Predictions) -> Self {
                        let rank = |name: &str| predictions.rank(name).unwrap_or_default().to_vec();
                        Self { #(#fields: rank(#titles)),* }
                    }
                }
            },
        ]
    }

    /// `score(&config.ranks.score)`.
    fn score_call(&self, rank: &Rank) -> TokenStream {
        let name = ident(&names::field(&rank.name.text));
        let own = (!rank.params.is_empty()).then_some(&rank.name);
        let others = self.params_of_others(rank);
        let all = own.into_iter().chain(others.iter().map(|other| &self.model.ranks[*other].name));
        let arguments = all.map(|name| ident(&names::field(&name.text)));
        quote! { #name(#(&config.ranks.#arguments),*) }
    }

    /// Whether a score depends on parameters, its own or another rank's.
    fn has_params(&self, rank: &Rank) -> bool {
        !rank.params.is_empty() || !self.params_of_others(rank).is_empty()
    }

    /// The runtime's view of the ranks.
    pub(super) fn ranks_fn(&self) -> TokenStream {
        let config = self.own_type("Config");
        let ranks = self.model.ranks.iter().map(|rank| {
            let (name, formula) = (&rank.name.text, self.formula(rank));
            let call = self.score_call(rank);
            let params = rank.params.iter().map(|param| {
                let (title, low, high) =
                    (&param.name.text, names::real(param.low.value), names::real(param.high.value));
                let (rank, field) = (ident(&names::field(name)), ident(&names::field(title)));
                quote! { RankParam { name: #title, value: config.ranks.#rank.#field, low: #low, high: #high } }
            });
            let word = |reads: bool| {
                if reads {
                    quote! { config }
                } else {
                    quote! { _ }
                }
            };
            let (config, of_score) = (word(!rank.params.is_empty()), word(self.has_params(rank)));
            quote! {
                Rank {
                    name: #name,
                    formula: #formula,
                    params: |#config| Vec::from([#(#params),*]),
                    score: |#of_score, row| prediction(row).#call,
                }
            }
        });
        quote! { fn ranks() -> &'static [Rank<#config>] { &[#(#ranks),*] } }
    }

    /// The runtime's view of the expectations.
    pub(super) fn expectations_fn(&self) -> TokenStream {
        let config = self.own_type("Config");
        let (sides, expectations): (Vec<_>, Vec<_>) =
            self.model.expects.iter().zip(1..).map(|(expect, number)| self.expectation(expect, number)).unzip();
        quote! {
            fn expectations() -> &'static [Expectation<#config>] {
                #(#sides)*
                &[#(#expectations),*]
            }
        }
    }

    /// The function of both sides, and the assertion that calls it.
    fn expectation(&self, expect: &Expect, number: usize) -> (TokenStream, TokenStream) {
        let text = super::text::excerpt(&expect.text);
        let (left, right) = (self.side(&expect.left), self.side(&expect.right));
        let op = compare(expect.op);
        let reads = [&expect.left, &expect.right].into_iter().any(|side| match side {
            ExpectSide::Rank { rank, .. } => self.has_params(&self.model.ranks[*rank]),
            ExpectSide::Number(_) => false,
        });
        let (sides, ty) = (ident(&format!("sides_{number}")), self.own_type("Config"));
        let config = if reads {
            quote! { config }
        } else {
            quote! { _ }
        };
        let function = quote! { fn #sides(#config: &#ty) -> (f64, f64) { (#left, #right) } };
        let expectation = quote! {
            Expectation {
                text: #text,
                sides: #sides,
                holds: |config| {
                    let (left, right) = #sides(config);
                    left #op right
                },
            }
        };
        (function, expectation)
    }

    fn side(&self, side: &ExpectSide) -> TokenStream {
        match side {
            ExpectSide::Number(number) => names::real(*number),
            ExpectSide::Rank { rank, at } => {
                let one = self.own_type("Prediction");
                let fields = at.iter().map(|((task, conditional), value)| {
                    let (field, value) = (self.output(*task, *conditional), names::real(*value));
                    quote! { #field: #value }
                });
                let rest = (at.len() < self.outputs().len()).then(|| quote! { , ..Default::default() });
                let call = self.score_call(&self.model.ranks[*rank]);
                quote! { #one { #(#fields),* #rest }.#call }
            }
        }
    }

    /// The field of a prediction.
    fn output(&self, task: TaskId, conditional: bool) -> Ident {
        let name = &self.ir.tasks[task.0];
        match self.model.tasks[task.0].given.filter(|_| conditional) {
            Some(given) => ident(&prediction::conditional(name, &self.ir.tasks[given.0])),
            None => ident(&names::field(name)),
        }
    }

    /// A score as an expression; `binding` is how tightly what stands around it binds.
    fn score(&self, expr: &ScoreExpr, rank: &Rank, binding: u8) -> TokenStream {
        let receiver = |expr: &ScoreExpr| self.score(expr, rank, METHOD);
        let argument = |expr: &ScoreExpr| self.score(expr, rank, 0);
        let (own, tokens) = match &expr.kind {
            ScoreKind::Number(number) => {
                let tokens = if binding == METHOD { typed(*number) } else { names::real(*number) };
                (if *number < 0.0 { PREFIX } else { ATOM }, tokens)
            }
            ScoreKind::Task(task) => {
                let field = self.output(*task, false);
                (ATOM, quote! { self.#field })
            }
            ScoreKind::Conditional(task) => {
                let field = self.output(*task, true);
                (ATOM, quote! { self.#field })
            }
            ScoreKind::Param(index) => {
                let field = ident(&names::field(&rank.params[*index].name.text));
                (ATOM, quote! { params.#field })
            }
            ScoreKind::Let(part) => {
                let name = self.variable(&rank.lets[*part].name);
                (ATOM, quote! { #name })
            }
            ScoreKind::Rank(other) => {
                let other = &self.model.ranks[*other];
                let name = ident(&names::field(&other.name.text));
                let own = (!other.params.is_empty()).then_some(&other.name);
                let others = self.params_of_others(other);
                let all = own.into_iter().chain(others.iter().map(|at| &self.model.ranks[*at].name));
                let arguments = all.map(|name| self.variable(name));
                (ATOM, quote! { self.#name(#(#arguments),*) })
            }
            ScoreKind::Negate(of) => {
                let of = self.score(of, rank, PREFIX);
                (PREFIX, quote! { -#of })
            }
            ScoreKind::Binary(op, a, b) => {
                let infix = |own: u8, symbol: TokenStream| {
                    let (a, b) = (self.score(a, rank, own), self.score(b, rank, own + 1));
                    (own, quote! { #a #symbol #b })
                };
                match op {
                    ScoreOp::Add => infix(SUM, quote! { + }),
                    ScoreOp::Subtract => infix(SUM, quote! { - }),
                    ScoreOp::Multiply => infix(PRODUCT, quote! { * }),
                    ScoreOp::Divide => infix(PRODUCT, quote! { / }),
                    ScoreOp::Power => {
                        let (base, exponent) = (receiver(a), argument(b));
                        (ATOM, quote! { #base.powf(#exponent) })
                    }
                }
            }
            ScoreKind::If { op, left, right, then, otherwise } => {
                let (left, right) = (self.score(left, rank, SUM), self.score(right, rank, SUM));
                let (op, then, otherwise) = (compare(*op), argument(then), argument(otherwise));
                // A statement that begins with `if` would end with it.
                (LOOSE, quote! { if #left #op #right { #then } else { #otherwise } })
            }
            ScoreKind::Call(function @ (ScoreFn::Sum | ScoreFn::Product), terms) => {
                let (own, symbol) = match function {
                    ScoreFn::Sum => (SUM, quote! { + }),
                    _ => (PRODUCT, quote! { * }),
                };
                let first = self.score(&terms[0], rank, own);
                let rest = terms[1..].iter().map(|term| self.score(term, rank, own + 1));
                (own, quote! { #first #(#symbol #rest)* })
            }
            ScoreKind::Call(function, arguments) => {
                let first = receiver(&arguments[0]);
                let rest: Vec<TokenStream> = arguments[1..].iter().map(argument).collect();
                let tokens = match function {
                    ScoreFn::Log => quote! { #first.ln() },
                    ScoreFn::Log1p => quote! { #first.ln_1p() },
                    ScoreFn::Exp => quote! { #first.exp() },
                    ScoreFn::Sqrt => quote! { #first.sqrt() },
                    ScoreFn::Min => quote! { #first #(.min(#rest))* },
                    ScoreFn::Max => quote! { #first #(.max(#rest))* },
                    ScoreFn::Clamp => {
                        let (low, high) = (&rest[0], &rest[1]);
                        match (&arguments[1].kind, &arguments[2].kind) {
                            (ScoreKind::Number(a), ScoreKind::Number(b)) if a <= b => {
                                quote! { #first.clamp(#low, #high) }
                            }
                            // `f64::clamp` refuses bounds in the wrong order.
                            _ => quote! { #first.max(#low).min(#high) },
                        }
                    }
                    ScoreFn::Sigmoid => {
                        let of = argument(&arguments[0]);
                        quote! { entries::sigmoid(#of) }
                    }
                    ScoreFn::Sum | ScoreFn::Product => unreachable!("written as operators above"),
                };
                (ATOM, tokens)
            }
        };
        match own < binding {
            true => quote! { (#tokens) },
            false => tokens,
        }
    }
}

/// Binding of operators, the loosest first.
const LOOSE: u8 = 0;
const SUM: u8 = 1;
const PRODUCT: u8 = 2;
const PREFIX: u8 = 4;
const METHOD: u8 = 5;
const ATOM: u8 = 6;

/// A constant whose type does not depend on what stands around it.
fn typed(number: f64) -> TokenStream {
    let text = format!("{:?}_f64", number.abs());
    let literal: proc_macro2::Literal =
        text.parse().unwrap_or_else(|_| proc_macro2::Literal::f64_suffixed(number.abs()));
    match number < 0.0 {
        true => quote! { -#literal },
        false => quote! { #literal },
    }
}

fn compare(op: Compare) -> TokenStream {
    match op {
        Compare::Equal => quote! { == },
        Compare::NotEqual => quote! { != },
        Compare::Less => quote! { < },
        Compare::LessOrEqual => quote! { <= },
        Compare::Greater => quote! { > },
        Compare::GreaterOrEqual => quote! { >= },
    }
}
