//! Subnetworks: how their masks are found, and what prepares them for serving.

use super::{Generator, ident, names};
use crate::ir::{Block, ConfigPath, MaskMethod, Op, Size, Symbol};
use proc_macro2::TokenStream;
use quote::quote;

impl Generator<'_> {
    /// How masks are found, and what prepares them for serving; nothing for most models.
    pub(super) fn subnet_fns(&self) -> TokenStream {
        let search = |block: &'_ Block| {
            block.graph.nodes.iter().find_map(|node| match &node.op {
                Op::Subnets { search, params, .. } => Some((search.clone(), params.clone())),
                _ => None,
            })
        };
        let found = self.ir.blocks.iter().find_map(|block| Some((block, search(block)?)));
        let Some((block, (search, params))) = found else { return TokenStream::new() };
        let (config, field) = (self.own_type("Config"), ident(&names::local(&block.name)));
        let layers = params.iter().map(|index| format!("{}.{}", block.name, block.params[*index].name));
        let at = |path: &ConfigPath| super::config::access(&path.within(&names::local(&block.name)));
        let size = |size: &Size| {
            super::model::size(size, &|symbol| match symbol {
                Symbol::Config(path) => at(path),
                _ => unreachable!("a number of the configuration"),
            })
        };
        let [rounds, warm_up, epochs] = [&search.rounds, &search.warm_up, &search.epochs].map(size);
        let (prune, least) = (at(&search.prune.path), at(&search.least_pruned.path));
        let (share, scope, turns, contrast) = match &search.method {
            MaskMethod::Magnitude { turns } => {
                let turns = ident(&names::pascal(turns));
                (quote! { share_of_round(#prune, #rounds) }, quote! { Global }, turns, quote! { None })
            }
            MaskMethod::Contrastive { contrast, margin } => {
                let (weight, margin) = (at(&contrast.path), at(&margin.path));
                let contrast = quote! { Some(Contrast { weight: #weight, margin: #margin }) };
                (prune, quote! { Layer }, ident("Batch"), contrast)
            }
        };
        let rewind = search.rewind;
        quote! {
            fn subnet(config: &#config) -> Option<Subnet> {
                Some(Subnet {
                    layers: &[#(#layers),*],
                    scope: PruningScope::#scope,
                    share: #share,
                    rounds: #rounds,
                    warm_up: #warm_up,
                    epochs: #epochs,
                    least_pruned: #least,
                    rewind: #rewind,
                    turns: Turns::#turns,
                    contrast: #contrast,
                })
            }
            fn compact(&mut self) { self.#field.compact(); }
        }
    }
}
