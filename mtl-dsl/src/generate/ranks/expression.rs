//! The formula of a score as a Rust expression.

use super::super::{Generator, ident, names};
use crate::hir::{Compare, Rank, ScoreExpr, ScoreFn, ScoreKind, ScoreOp};
use proc_macro2::TokenStream;
use quote::quote;

/// Binding of operators, the loosest first.
pub(in crate::generate) const LOOSE: u8 = 0;
pub(in crate::generate) const SUM: u8 = 1;
pub(in crate::generate) const PRODUCT: u8 = 2;
pub(in crate::generate) const PREFIX: u8 = 4;
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

impl Generator<'_> {
    /// A score as an expression; `binding` is how tightly what stands around it binds.
    pub(in crate::generate) fn score(&self, expr: &ScoreExpr, rank: &Rank, binding: u8) -> TokenStream {
        let receiver = |expr: &ScoreExpr| self.score(expr, rank, METHOD);
        let argument = |expr: &ScoreExpr| self.score(expr, rank, 0);
        let (own, tokens) = match &expr.kind {
            ScoreKind::Number(number) => {
                let tokens = if binding == METHOD { typed(*number) } else { names::real(*number) };
                (if *number < 0.0 { PREFIX } else { ATOM }, tokens)
            }
            ScoreKind::Input(input) => {
                let (field, _) = self.input(*input);
                (ATOM, quote! { self.#field })
            }
            ScoreKind::Default(input, default) => {
                let ((field, _), default) = (self.input(*input), argument(default));
                (ATOM, quote! { entries::known_or(self.#field, #default) })
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
                let arguments = self.arguments(other);
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
            ScoreKind::Fuse(inputs) => {
                let inputs = inputs.iter().map(argument);
                (ATOM, quote! { params.fusion.score([#(#inputs),*]) })
            }
        };
        match own < binding {
            true => quote! { (#tokens) },
            false => tokens,
        }
    }
}

/// A comparison as an operator.
pub(in crate::generate) fn compare(op: Compare) -> TokenStream {
    match op {
        Compare::Equal => quote! { == },
        Compare::NotEqual => quote! { != },
        Compare::Less => quote! { < },
        Compare::LessOrEqual => quote! { <= },
        Compare::Greater => quote! { > },
        Compare::GreaterOrEqual => quote! { >= },
    }
}
