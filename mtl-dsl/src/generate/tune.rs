//! How a score is tuned: the spec's `tune` block as a description.

use super::{Generator, ident, names};
use crate::hir::{Goal, Search};
use proc_macro2::TokenStream;
use quote::quote;

impl Generator<'_> {
    /// The `tune` block; nothing for most models.
    pub(super) fn tune_fn(&self) -> TokenStream {
        let Some(tune) = &self.model.tune else { return TokenStream::new() };
        let rank = &self.model.ranks[tune.rank].name.text;
        let goals = tune.goals.iter().map(|goal| self.goal(goal));
        let constraints = tune.constraints.iter().map(|goal| self.goal(goal));
        let (method, option, number) = match tune.method {
            Search::CmaEs { evaluations } => ("CmaEs", "evaluations", evaluations),
            Search::Random { evaluations } => ("Random", "evaluations", evaluations),
            Search::Grid { steps } => ("Grid", "steps", steps),
        };
        let (method, option, number) = (ident(method), ident(option), names::whole(number.value as usize));
        let params = tune.params.iter().map(|(rank, param)| {
            let rank = &self.model.ranks[*rank];
            let (rank, param) = (&rank.name.text, &rank.params[*param].name.text);
            let path = format!("ranks.{}.{}", names::field(rank), names::field(param));
            quote! { TuneParam { rank: #rank, name: #param, path: #path } }
        });
        quote! {
            fn tune() -> Option<Tune> {
                Some(Tune {
                    rank: #rank,
                    goals: &[#(#goals),*],
                    constraints: &[#(#constraints),*],
                    method: TuneMethod::#method { #option: #number },
                    params: &[#(#params),*],
                })
            }
        }
    }

    fn goal(&self, goal: &Goal) -> TokenStream {
        let (text, constant) = (self.excerpt(goal.span), names::real(goal.constant));
        let terms = goal.terms.iter().map(|(factor, metric)| {
            let (factor, task) = (names::real(*factor), names::whole(metric.task.0));
            let k = names::whole(metric.k.map_or(0, |k| k.value as usize));
            let metric = match metric.name {
                "auc" => quote! { Auc },
                "gauc" => quote! { Gauc(TuneGroups::Rows) },
                "ndcg" => quote! { Ndcg(#k) },
                "map" => quote! { Map(#k) },
                "recall" => quote! { Recall(#k) },
                "hit_rate" => quote! { HitRate(#k) },
                "mrr" => quote! { Mrr },
                _ => quote! { Xauc },
            };
            quote! { (#factor, TuneMetric::#metric, #task) }
        });
        quote! { TuneGoal { text: #text, terms: &[#(#terms),*], constant: #constant } }
    }
}
