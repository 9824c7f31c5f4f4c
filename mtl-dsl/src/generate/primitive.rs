//! Primitives: the expression of each in `forward`.

use super::constants::{columns_field, experts_field, heads_field, k_field, rate_field, slots_field};
use super::{ident, names};
use crate::ir::{Activation, Block, Choice, Node, Op, Penalty, Scale};
use proc_macro2::TokenStream;
use quote::quote;

/// The expression of a primitive of a block.
pub(super) fn primitive(block: &Block, node: &Node, inputs: &[TokenStream]) -> TokenStream {
    let first = inputs.first();
    let param = |index: usize| ident(&block.params[index].name.to_string());
    match &node.op {
        Op::Value { param: index } => {
            let param = param(*index);
            quote! { self.#param.get() }
        }
        Op::Linear { param: index, activation } => {
            let (param, activation) = (param(*index), activation_path(*activation));
            quote! { self.#param.forward(#first, #activation) }
        }
        Op::Subnets { params, activation, dropout, .. } => {
            let layers = params.iter().map(|index| param(*index));
            let activation = activation_path(*activation);
            let dropout = match dropout {
                Some((rate, sites)) => {
                    let field = ident(&rate_field(&rate.path.fields));
                    quote! { Some((self.#field, &[#(#sites),*])) }
                }
                None => quote! { None },
            };
            quote! { subnets(#first, &[#(&self.#layers),*], #activation, #dropout, &self.subnets, pass) }
        }
        Op::Norm { param: index } => {
            let param = param(*index);
            quote! { self.#param.forward(#first) }
        }
        Op::Activate(activation) => {
            let activation = activation_path(*activation);
            quote! { activate(#first, #activation) }
        }
        Op::Dropout { rate, site } => {
            let field = ident(&rate_field(&rate.path.fields));
            quote! { dropout(#first, self.#field, pass, #site) }
        }
        Op::DropRows { rate, site } => {
            let field = ident(&rate_field(&rate.path.fields));
            quote! { drop_rows(#first, self.#field, pass, #site) }
        }
        Op::HardConcrete { temperature, site } => {
            let field = ident(&rate_field(&temperature.path.fields));
            quote! { hard_concrete(#first, self.#field, pass, #site) }
        }
        Op::OpenChance { temperature } => {
            let field = ident(&rate_field(&temperature.path.fields));
            quote! { open_chance(#first, self.#field) }
        }
        Op::Softmax => quote! { softmax(#first) },
        Op::TopK { k } => {
            let k = ident(&k_field(k));
            quote! { top_k(#first, self.#k) }
        }
        Op::Noise { site } => quote! { noisy(#(#inputs),*, pass, #site) },
        Op::Selectors { gamma, name, .. } => {
            let (experts, gamma) = (ident(&experts_field(name)), ident(&rate_field(&gamma.path.fields)));
            quote! { selectors(#first, self.#experts, self.#gamma) }
        }
        Op::DropGates { rate, site } => {
            let field = ident(&rate_field(&rate.path.fields));
            quote! { drop_gates(#first, self.#field, pass, #site) }
        }
        Op::Gate { name, of } => quote! { pass.gate(#name, &[#(#of),*], #first) },
        Op::Mix(of) => {
            let choice = choice(of);
            quote! { mix(#(#inputs),*, &#choice) }
        }
        Op::Gather(of) => {
            let choice = choice(of);
            quote! { gather(#first, &#choice) }
        }
        Op::Add => quote! { add(#(#inputs),*) },
        Op::Multiply => quote! { multiply(#(#inputs),*) },
        Op::Affine { factor, shift } => {
            let (factor, shift) = (scale(factor), names::real(*shift));
            quote! { affine(#first, #factor, #shift) }
        }
        Op::Stop => quote! { stop(#first) },
        // The block knows sizes when it is made; here they are read off the values.
        Op::Reshape { name } => match node.shape.slots.is_constant() {
            true => {
                let slots = names::whole(node.shape.slots.value());
                quote! { reshape(#first, #slots) }
            }
            false => {
                let field = ident(&slots_field(name));
                quote! { reshape(#first, self.#field) }
            }
        },
        Op::Transpose => quote! { transpose(#first) },
        Op::Narrow { name, .. } => {
            let field = ident(&columns_field(name));
            quote! { narrow(#first, &self.#field) }
        }
        Op::SumWidth => quote! { sum_width(#first) },
        Op::MeanWidth => quote! { mean_width(#first) },
        Op::ScaledDots => quote! { scaled_dots(#(#inputs),*) },
        Op::PairDots => quote! { pair_dots(#first) },
        Op::PairProducts => quote! { pair_products(#first) },
        Op::Attention { name, .. } => {
            let field = ident(&heads_field(name));
            quote! { attention(#(#inputs),*, self.#field) }
        }
        Op::Penalty { kind, weight, name } => {
            let weight = scale(weight);
            let params = |list: &[usize]| -> Vec<TokenStream> {
                let of = |index: &usize| {
                    let param = param(*index);
                    quote! { &self.#param }
                };
                list.iter().map(of).collect()
            };
            match kind {
                Penalty::Distance(list) => {
                    let params = params(list);
                    quote! { pass.penalty(#name, #weight, #first, || distance(&[#(#params),*])) }
                }
                Penalty::TraceNorm(list) => {
                    let params = params(list);
                    quote! { pass.penalty(#name, #weight, #first, || trace_norm(&[#(#params),*])) }
                }
                Penalty::Orthogonal { params: list, subspaces } => {
                    let (params, subspaces) = (params(list), names::whole(*subspaces));
                    quote! { pass.penalty(#name, #weight, #first, || orthogonality(&[#(#params),*], #subspaces)) }
                }
                Penalty::Load { k } => {
                    let (of, k) = (&inputs[1..], ident(&k_field(k)));
                    quote! { pass.penalty(#name, #weight, #first, || imbalance(top_chance(#(#of),*, self.#k))) }
                }
                Penalty::Mean | Penalty::Entropy | Penalty::Lost | Penalty::Imbalance => {
                    let (of, function) = (&inputs[1], ident(kind.word()));
                    quote! { pass.penalty(#name, #weight, #first, || #function(#of)) }
                }
            }
        }
        Op::Concat => quote! { concat(vec![#(#inputs),*]) },
        Op::Stack => quote! { stack(vec![#(#inputs),*]) },
        Op::Select(slots) => {
            let slots = slots.iter().map(|slot| names::whole(*slot));
            quote! { select(#first, &[#(#slots),*]) }
        }
        Op::Argument
        | Op::Columns { .. }
        | Op::Block(_)
        | Op::TrainOnly(_)
        | Op::Head(_)
        | Op::Levels { .. }
        | Op::Through(_)
        | Op::Logits(_) => {
            unreachable!("stands in the model's own graph")
        }
    }
}

/// A factor: a number, or a field.
pub(super) fn scale(scale: &Scale) -> TokenStream {
    match scale {
        Scale::Constant(value) => names::real(*value),
        Scale::Config(rate) => {
            let field = ident(&rate_field(&rate.path.fields));
            quote! { self.#field }
        }
    }
}

pub(super) fn activation_path(activation: Activation) -> TokenStream {
    let name = ident(&names::pascal(activation.word()));
    quote! { Activation::#name }
}

/// Which slots a mix reads.
pub(super) fn choice(choice: &Choice) -> TokenStream {
    match choice {
        Choice::All => quote! { Choice::All },
        Choice::Lists { name, .. } => {
            let field = ident(name);
            quote! { self.#field }
        }
    }
}
