//! The numbers of scores: parameters, and how learned ones are fitted.

use super::Field;
use crate::generate::{Generator, names};
use crate::hir;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

impl Generator<'_> {
    /// Those of each rank that has any.
    pub(super) fn rank_fields(&self) -> Vec<Field> {
        let ranks = self.model.ranks.iter().zip(&self.names.ranks).filter(|(rank, _)| rank.is_configured());
        let fields = ranks.map(|(rank, part)| {
            let ty = self.own_type(&format!("{part}Params"));
            Field {
                docs: format!("Parameters of `{}`.", rank.name.text),
                name: names::field(&rank.name.text),
                ty: quote! { #ty },
                default: quote! { #ty::new() },
            }
        });
        fields.collect()
    }

    /// The parameters of one rank.
    pub(in crate::generate) fn rank_params(&self, rank: &hir::Rank, part: &str) -> TokenStream {
        let fields = rank.params.iter().map(|param| {
            let set = if param.request { "Set by each request, in" } else { "In" };
            let range = format!("{set} `{:?}..{:?}`.", param.low.value, param.high.value);
            Field {
                docs: format!("{}\n{range}", param.docs).trim().to_owned(),
                name: names::field(&param.name.text),
                ty: quote! { f64 },
                default: names::real(param.default.value),
            }
        });
        let fields = fields.chain(rank.fusion.iter().flat_map(fusion_fields));
        let about = format!("Parameters of `{}`: `ranks.{}.NAME`.", rank.name.text, rank.name.text);
        self.config_struct(&format!("{part}Params"), &about, fields.collect())
    }
}

/// The numbers of a learned score, and what is fitted.
fn fusion_fields(fusion: &hir::Fusion) -> Vec<Field> {
    let field = |name: &str, docs: &str, ty: TokenStream, default: TokenStream| Field {
        docs: docs.to_owned(),
        name: name.to_owned(),
        ty,
        default,
    };
    let mut fields = Vec::new();
    if !fusion.widths.is_empty() {
        let (count, widths) = (names::whole(fusion.widths.len()), fusion.widths.iter());
        let widths = widths.map(|width| names::whole(width.value as usize));
        fields.push(field("hidden", "Widths of the layers.", quote! { [usize; #count] }, quote! { [#(#widths),*] }));
    }
    let epochs = names::whole(fusion.epochs.value as usize).into_token_stream();
    fields.push(field("epochs", "Passes over the validation rows.", quote! { usize }, epochs));
    let lr = names::real(fusion.lr.value);
    fields.push(field("lr", "Learning rate of the first step; it falls in a line to 0.", quote! { f64 }, lr));
    let docs = "Half of it times the sum of squared weights is added to the loss.";
    fields.push(field("l2", docs, quote! { f64 }, names::real(fusion.l2.value)));
    let (ty, default) = (quote! { entries::Fusion }, quote! { entries::Fusion::default() });
    fields.push(field("fusion", "What was fitted to validation rows after training.", ty, default));
    fields
}
