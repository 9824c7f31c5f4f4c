//! What the spec expects of its scores.

use super::super::{Generator, ident, names, text};
use super::expression::compare;
use crate::hir::{Expect, ExpectSide};
use proc_macro2::TokenStream;
use quote::quote;

impl Generator<'_> {
    /// The runtime's view of the expectations.
    pub(in crate::generate) fn expectations_fn(&self) -> TokenStream {
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
        let text = text::excerpt(&expect.text);
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
                let fields = at.iter().map(|(input, value)| {
                    let ((field, _), value) = (self.input(*input), names::real(*value));
                    quote! { #field: #value }
                });
                let rest = (at.len() < self.outputs().len() + self.more_inputs().len())
                    .then(|| quote! { , ..Default::default() });
                let call = self.score_call(&self.model.ranks[*rank]);
                quote! { #one { #(#fields),* #rest }.#call }
            }
        }
    }
}
