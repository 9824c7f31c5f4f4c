//! Scores: each rank as one scalar function of a row's predictions.

use super::{Generator, docs, ident, names};
use crate::hir::{Name, Rank, ScoreInput, ScoreKind};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

mod expects;
mod expression;
mod learned;

pub(super) use expression::{PREFIX, PRODUCT, SUM, compare};

impl Generator<'_> {
    /// Parameters, score functions and the scores of many rows.
    pub(super) fn rank_items(&self) -> Vec<TokenStream> {
        let ranks: Vec<(&Rank, &String)> = self.model.ranks.iter().zip(&self.names.ranks).collect();
        if ranks.is_empty() {
            return Vec::new();
        }
        let with_params = ranks.iter().filter(|(rank, _)| rank.is_configured());
        let mut items: Vec<TokenStream> = with_params.map(|(rank, part)| self.rank_params(rank, part)).collect();
        let functions = ranks.iter().zip(0..).flat_map(|((rank, part), at)| {
            [self.score_fn(rank, part), self.scores_fn(rank, part), self.terms_fn_of(rank, part, at)]
        });
        let functions = self.members(functions.collect());
        let one = self.own_type("Prediction");
        items.push(quote! { impl #one { #functions } });
        items.extend(self.scores(&ranks));
        items
    }

    fn score_fn(&self, rank: &Rank, part: &str) -> TokenStream {
        let name = self.ident(&names::field(&rank.name.text), rank.name.span);
        let formula = format!("`{}`", self.formula(rank));
        let docs = docs(format!("{}\n\n{formula}", rank.docs).trim());
        let params = self.parameters(rank, part);
        let lets = rank.lets.iter().map(|part| {
            let (name, value) = (self.variable(&part.name), self.score(&part.value, rank, 0));
            quote! { let #name = #value; }
        });
        let body = self.score(&rank.score, rank, 0);
        quote! { #docs pub fn #name(&self #params) -> f64 { #(#lets)* #body } }
    }

    /// The parameters of a rank and of those that it reads, as arguments behind the first.
    pub(super) fn parameters(&self, rank: &Rank, part: &str) -> TokenStream {
        let params = (rank.is_configured()).then(|| {
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
        quote! { #params #(#others)* }
    }

    /// The score of many rows.
    fn scores_fn(&self, rank: &Rank, part: &str) -> TokenStream {
        let (name, own) = (self.method(rank, "all"), self.ident(&names::field(&rank.name.text), rank.name.span));
        let params = self.parameters(rank, part);
        let arguments = (rank.is_configured()).then(|| ident("params"));
        let others = self.params_of_others(rank).into_iter().map(|other| self.variable(&self.model.ranks[other].name));
        let arguments = arguments.into_iter().chain(others);
        let (names, fields): (Vec<String>, Vec<Ident>) =
            self.needs(rank).into_iter().map(|input| (self.input_name(input), self.input(input).0)).unzip();
        let about = docs(&format!(
            "The score `{}` of each row, written to `scores`, which is as long: an error where a number is missing that it reads.",
            rank.name.text
        ));
        let title = &rank.name.text;
        let row = ident(if fields.is_empty() { "_" } else { "row" });
        let fitted = self.fitted(rank);
        quote! {
            #about
            pub fn #name(rows: &[Self] #params, scores: &mut [f64]) -> Result<(), MissingInput> {
                #fitted
                let needs = |#row: &Self| [#(row.#fields),*];
                entries::scores(#title, [#(#names),*], rows, scores, needs, |row| row.#own(#(#arguments),*))
            }
        }
    }

    /// What a rank needs of each row, itself or through other ranks: what it reads without a default.
    fn needs(&self, rank: &Rank) -> Vec<ScoreInput> {
        let mut needs = Vec::new();
        let read = self.ranks_of(rank).into_iter().map(|other| &self.model.ranks[other]);
        for of in read.chain([rank]) {
            of.visit(&mut |node| {
                if let Some((input, true)) = node.kind.input() {
                    needs.push(input);
                }
            });
        }
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    /// The name of a further method of a rank: `score_all`.
    pub(super) fn method(&self, rank: &Rank, what: &str) -> Ident {
        let mut name = format!("{}_{what}", rank.name.text);
        while self.model.ranks.iter().any(|other| names::field(&other.name.text) == name) {
            name.push('_');
        }
        ident(&name)
    }

    /// The ranks whose parameters a rank is given besides its own.
    fn params_of_others(&self, rank: &Rank) -> Vec<usize> {
        let read = self.ranks_of(rank).into_iter();
        read.filter(|at| self.model.ranks[*at].is_configured()).collect()
    }

    /// The ranks that a rank reads, itself or through others.
    fn ranks_of(&self, rank: &Rank) -> Vec<usize> {
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
        (0..read.len()).filter(|at| read[*at]).collect()
    }

    /// A part of a rank, or the parameters of another one, beside what its methods name themselves.
    pub(super) fn variable(&self, name: &Name) -> Ident {
        match name.text.as_str() {
            "params" | "needs" | "row" | "rows" | "scores" | "terms" => {
                self.ident(&format!("{}_", name.text), name.span)
            }
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
        self.named_call(&ident(&names::field(&rank.name.text)), rank)
    }

    fn named_call(&self, name: &Ident, rank: &Rank) -> TokenStream {
        let own = (rank.is_configured()).then_some(&rank.name);
        let others = self.params_of_others(rank);
        let all = own.into_iter().chain(others.iter().map(|other| &self.model.ranks[*other].name));
        let arguments = all.map(|name| ident(&names::field(&name.text)));
        quote! { #name(#(&config.ranks.#arguments),*) }
    }

    /// Whether a score depends on parameters, its own or another rank's.
    fn has_params(&self, rank: &Rank) -> bool {
        rank.is_configured() || !self.params_of_others(rank).is_empty()
    }

    /// What the scores read beside predictions; nothing for most models.
    pub(super) fn inputs_fn(&self) -> TokenStream {
        let inputs = self.model.score_inputs();
        if inputs.is_empty() {
            return TokenStream::new();
        }
        let inputs = inputs.into_iter().map(|input| match input {
            ScoreInput::Calibrated(task) => {
                let task = &self.ir.tasks[task.0];
                quote! { Input::Calibrated(#task) }
            }
            ScoreInput::Prediction(of) | ScoreInput::Position(of) => {
                let of = self.input_name(ScoreInput::Prediction(of));
                quote! { Input::Position(#of) }
            }
            ScoreInput::Number(number) => {
                let number = &self.model.numbers[number].name.text;
                quote! { Input::Number(#number) }
            }
        });
        quote! { fn inputs() -> &'static [Input] { &[#(#inputs),*] } }
    }

    /// The runtime's view of the ranks.
    pub(super) fn ranks_fn(&self) -> TokenStream {
        let config = self.own_type("Config");
        let ranks = self.model.ranks.iter().enumerate().map(|(at, rank)| {
            let (name, formula) = (&rank.name.text, self.formula(rank));
            let call = self.score_call(rank);
            let params = rank.params.iter().map(|param| {
                let (title, low, high) =
                    (&param.name.text, names::real(param.low.value), names::real(param.high.value));
                let (rank, field) = (ident(&names::field(name)), ident(&names::field(title)));
                let request = param.request;
                quote! {
                    RankParam {
                        name: #title,
                        value: config.ranks.#rank.#field,
                        low: #low,
                        high: #high,
                        request: #request,
                    }
                }
            });
            let word = |reads: bool| {
                if reads {
                    quote! { config }
                } else {
                    quote! { _ }
                }
            };
            let (config, of_score) = (word(!rank.params.is_empty()), word(self.has_params(rank)));
            let needs = self.needs(rank).into_iter().map(|input| {
                let (place, name) = (names::whole(self.input(input).1), self.input_name(input));
                quote! { (#place, #name) }
            });
            let split = ident(if self.splits[at].is_product() { "Product" } else { "Sum" });
            let terms = self.named_call(&self.method(rank, "terms"), rank);
            quote! {
                Rank {
                    name: #name,
                    formula: #formula,
                    params: |#config| Vec::from([#(#params),*]),
                    needs: &[#(#needs),*],
                    score: |#of_score, row| prediction(row).#call,
                    split: Split::#split,
                    terms: |#of_score, row| prediction(row).#terms,
                }
            }
        });
        quote! { fn ranks() -> &'static [Rank<#config>] { &[#(#ranks),*] } }
    }

    /// The parameters that another rank is given within a rank.
    pub(super) fn arguments(&self, other: &Rank) -> Vec<Ident> {
        let own = (other.is_configured()).then_some(&other.name);
        let others = self.params_of_others(other);
        let all = own.into_iter().chain(others.iter().map(|at| &self.model.ranks[*at].name));
        all.map(|name| self.variable(name)).collect()
    }
}
