//! Learned scores: what the runtime fits, and to what.

use super::super::{Generator, ident, names};
use crate::hir::{ExpectSide, Fusion, Predicted, Rank, ScoreExpr, ScoreInput, ScoreKind, TaskId, TaskKind};
use proc_macro2::TokenStream;
use quote::quote;

impl Generator<'_> {
    /// Statements that refuse a score whose networks were not fitted; nothing for most ranks.
    pub(super) fn fitted(&self, rank: &Rank) -> TokenStream {
        let check = |title: &str, params: TokenStream| quote! { entries::fitted(#title, &#params.fusion)?; };
        let others = self.ranks_of(rank).into_iter().map(|other| &self.model.ranks[other]);
        let others = others.filter(|other| other.fusion.is_some()).map(|other| {
            let params = self.variable(&other.name);
            check(&other.name.text, quote! { #params })
        });
        let own = rank.fusion.as_ref().map(|_| check(&rank.name.text, quote! { params }));
        others.chain(own).collect()
    }

    /// The runtime's view of the learned ranks; nothing for most models.
    pub(in crate::generate) fn learned_fn(&self) -> TokenStream {
        let learned: Vec<TokenStream> = self
            .model
            .ranks
            .iter()
            .enumerate()
            .filter_map(|(at, rank)| {
                let fusion = rank.fusion.as_ref()?;
                let ScoreKind::Fuse(inputs) = &rank.score.kind else { return None };
                Some(self.learned(at, rank, fusion, inputs))
            })
            .collect();
        if learned.is_empty() {
            return TokenStream::new();
        }
        let config = self.own_type("Config");
        quote! { fn learned() -> &'static [entries::Learned<#config>] { &[#(#learned),*] } }
    }

    fn learned(&self, at: usize, rank: &Rank, fusion: &Fusion, inputs: &[ScoreExpr]) -> TokenStream {
        let (title, field) = (&rank.name.text, ident(&names::field(&rank.name.text)));
        let (task, target) = (names::whole(fusion.target.0), self.target(fusion.target));
        let inputs = inputs.iter().filter_map(|input| {
            let (of, _) = input.kind.input()?;
            let (name, place, kind) = (self.input_name(of), names::whole(self.input(of).1), self.input_kind(of));
            let default = match &input.kind {
                ScoreKind::Default(_, default) => {
                    let ScoreKind::Number(value) = default.kind else { return None };
                    let value = names::real(value);
                    quote! { Some(#value) }
                }
                _ => quote! { None },
            };
            Some(quote! {
                entries::LearnedInput { name: #name, place: #place, kind: entries::FusionInput::#kind, default: #default }
            })
        });
        let widths = match fusion.widths.is_empty() {
            true => quote! { Vec::new() },
            false => quote! { config.ranks.#field.hidden.to_vec() },
        };
        let activation = ident(&names::pascal(fusion.activation));
        let reads = |other: usize| other == at || self.ranks_of(&self.model.ranks[other]).contains(&at);
        let readers =
            (0..self.model.ranks.len()).filter(|other| reads(*other)).map(|other| &self.model.ranks[other].name.text);
        let expectations = self.model.expects.iter().enumerate().filter(|(_, expect)| {
            [&expect.left, &expect.right]
                .into_iter()
                .any(|side| matches!(side, ExpectSide::Rank { rank, .. } if reads(*rank)))
        });
        let expectations = expectations.map(|(at, _)| names::whole(at));
        quote! {
            entries::Learned {
                rank: #title,
                task: #task,
                target: entries::FusionTarget::#target,
                inputs: &[#(#inputs),*],
                options: |config| entries::FusionOptions {
                    widths: #widths,
                    activation: entries::FusionActivation::#activation,
                    epochs: config.ranks.#field.epochs,
                    lr: config.ranks.#field.lr,
                    l2: config.ranks.#field.l2,
                },
                fusion: |config| &config.ranks.#field.fusion,
                set: |config, fusion| config.ranks.#field.fusion = fusion,
                readers: &[#(#readers),*],
                expectations: &[#(#expectations),*],
            }
        }
    }

    /// How the label of a task is predicted.
    fn target(&self, task: TaskId) -> TokenStream {
        match &self.model.tasks[task.0].kind {
            TaskKind::Regression { loss, .. } if loss.of_amounts() => quote! { Amount },
            TaskKind::Regression { log1p: true, .. } => quote! { Logarithm },
            TaskKind::Regression { .. } => quote! { Number },
            _ => quote! { Event },
        }
    }

    /// On which scale a network sees an input.
    fn input_kind(&self, input: ScoreInput) -> TokenStream {
        match input {
            ScoreInput::Calibrated(_) => quote! { Probability },
            ScoreInput::Position(_) => quote! { Amount },
            ScoreInput::Number(_) => quote! { Number },
            ScoreInput::Prediction(Predicted { task, .. }) => match &self.model.tasks[task.0].kind {
                TaskKind::Binary { .. } => quote! { Probability },
                TaskKind::Regression { loss, log1p } if *log1p || loss.of_amounts() => quote! { Amount },
                _ => quote! { Number },
            },
        }
    }
}
