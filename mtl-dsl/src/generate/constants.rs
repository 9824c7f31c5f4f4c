//! What a block's `forward` needs beside its parameters: numbers of the configuration, choices, sizes.

use super::block::block_size;
use super::{ident, names};
use crate::ir::{Block, Choice, Op, ParamKind, Pick, Scale, Size, Symbol};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// A field of a block that is no parameter: numbers that `forward` needs.
pub(super) struct Constant {
    pub field: TokenStream,
    pub init: TokenStream,
}

/// What `forward` needs of the configuration, each once: rates, choices, sizes.
pub(super) fn constants(block: &Block) -> Vec<Constant> {
    let mut constants: Vec<(String, Constant)> = Vec::new();
    let mut add = |name: String, constant: &dyn Fn(&Ident) -> Constant| {
        if constants.iter().all(|(known, _)| *known != name) {
            let field = ident(&name);
            constants.push((name, constant(&field)));
        }
    };
    let number = |about: &'static str, path: &crate::ir::ConfigPath| {
        let path = super::config::access(path);
        move |field: &Ident| Constant {
            field: quote! { #[doc = #about] pub #field: f64 },
            init: quote! { #field: #path },
        }
    };
    let size = |about: &'static str, size: &Size| {
        let size = block_size(size);
        move |field: &Ident| Constant {
            field: quote! { #[doc = #about] #field: usize },
            init: quote! { #field: #size },
        }
    };
    for node in &block.graph.nodes {
        match &node.op {
            Op::Dropout { rate, .. } => {
                add(
                    rate_field(&rate.path.fields),
                    &number(" Share of the activations set to 0 while training.", &rate.path),
                );
            }
            Op::Subnets { dropout, .. } => {
                if let Some((rate, _)) = dropout {
                    add(
                        rate_field(&rate.path.fields),
                        &number(" Share of the activations set to 0 while training.", &rate.path),
                    );
                }
                add("subnets".to_owned(), &|field| Constant {
                    field: quote! {
                        /// What serving computes.
                        #[module(skip)]
                        #field: Compacted
                    },
                    init: quote! { #field: Compacted::default() },
                });
            }
            Op::DropRows { rate, .. } => {
                add(rate_field(&rate.path.fields), &number(" Share of the rows set to 0 while training.", &rate.path));
            }
            Op::HardConcrete { temperature, .. } | Op::OpenChance { temperature } => {
                add(rate_field(&temperature.path.fields), &number(" Temperature of gates.", &temperature.path));
            }
            Op::Affine { factor: Scale::Config(rate), .. } => {
                add(rate_field(&rate.path.fields), &number(" A factor.", &rate.path));
            }
            Op::Penalty { weight: Scale::Config(rate), .. } => {
                add(rate_field(&rate.path.fields), &number(" Weight of a penalty.", &rate.path));
            }
            Op::Reshape { name } if !node.shape.slots.is_constant() => {
                add(slots_field(name), &size(" Slots of a value.", &node.shape.slots));
            }
            Op::TopK { k } => add(k_field(k), &size(" Experts to which a gate gives a weight.", k)),
            Op::Selectors { gamma, experts, name } => {
                add(rate_field(&gamma.path.fields), &number(" Width of the selectors' smooth step.", &gamma.path));
                add(experts_field(name), &size(" Experts of a gate.", experts));
            }
            Op::DropGates { rate, .. } => {
                let about = " Share of the gates' weights set to 0 while training.";
                add(rate_field(&rate.path.fields), &number(about, &rate.path));
            }
            Op::Attention { heads, name } => add(heads_field(name), &size(" Heads of attention.", heads)),
            _ => {}
        }
    }
    for node in &block.graph.nodes {
        match &node.op {
            Op::Mix(Choice::Lists { name, rows, pick }) | Op::Gather(Choice::Lists { name, rows, pick }) => {
                add(name.clone(), &|field| {
                    let rows = block_size(rows);
                    let lists = match pick {
                        Pick::OwnAndShared { own, shared } => {
                            let (own, shared) = (block_size(own), block_size(shared));
                            quote! { Choice::own_and_shared(#rows, #own, #shared) }
                        }
                        Pick::Foreign { own } => {
                            let own = block_size(own);
                            quote! { Choice::foreign(#rows, #own) }
                        }
                        Pick::Strided { count } => {
                            let count = block_size(count);
                            quote! { Choice::strided(#rows, #count) }
                        }
                    };
                    Constant {
                        field: quote! {
                            /// Which slots each result is made of.
                            #[module(skip)]
                            #field: Choice
                        },
                        init: quote! { #field: #lists },
                    }
                });
            }
            Op::Narrow { start, name } => add(columns_field(name), &|field| {
                let (start, width) = (block_size(start), block_size(&node.shape.width));
                Constant {
                    field: quote! {
                        /// Columns of a value.
                        #[module(skip)]
                        #field: std::ops::Range<usize>
                    },
                    init: quote! {
                        #field: {
                            let start = #start;
                            start..start + #width
                        }
                    },
                }
            }),
            _ => {}
        }
    }
    constants.into_iter().map(|(_, constant)| constant).collect()
}

pub(super) fn slots_field(name: &str) -> String {
    format!("{name}_slots")
}

pub(super) fn columns_field(name: &str) -> String {
    format!("{name}_columns")
}

/// The field of the configuration that a size is, within its block.
pub(super) fn k_field(k: &Size) -> String {
    let path = k.symbols().find_map(|symbol| match symbol {
        Symbol::Config(path) => Some(rate_field(&path.fields)),
        _ => None,
    });
    path.unwrap_or_else(|| "top_k".to_owned())
}

pub(super) fn heads_field(name: &str) -> String {
    format!("{name}_heads")
}

pub(super) fn experts_field(name: &str) -> String {
    format!("{name}_experts")
}

/// `level_1_dropout`.
pub(super) fn rate_field(path: &[String]) -> String {
    path.join("_")
}

/// True if something that a block is made with depends on the width of the argument with this variable.
pub(super) fn uses_width(block: &Block, argument: &Ident) -> bool {
    let depends = |size: &Size| {
        size.symbols().any(|symbol| matches!(symbol, Symbol::Width(name) if *argument == names::local(name)))
    };
    let params = block.params.iter().any(|param| match &param.kind {
        ParamKind::Linear(linear) => depends(&linear.input) || depends(&linear.output) || depends(&linear.size()),
        ParamKind::Norm { slots, width } => depends(slots) || depends(width),
        ParamKind::Value(value) => depends(&value.size()) || depends(&value.width),
        ParamKind::Masked(masked) => depends(&masked.input) || depends(&masked.output),
    });
    params
        || block.graph.nodes.iter().any(|node| match &node.op {
            Op::Reshape { .. } => !node.shape.slots.is_constant() && depends(&node.shape.slots),
            Op::Narrow { start, .. } => depends(start) || depends(&node.shape.width),
            Op::Attention { heads, .. } => depends(heads),
            Op::TopK { k } => depends(k),
            Op::Selectors { experts, .. } => depends(experts),
            Op::Mix(Choice::Lists { rows, pick, .. }) | Op::Gather(Choice::Lists { rows, pick, .. }) => {
                depends(rows)
                    || match pick {
                        Pick::OwnAndShared { own, shared } => depends(own) || depends(shared),
                        Pick::Foreign { own } => depends(own),
                        Pick::Strided { count } => depends(count),
                    }
            }
            _ => false,
        })
}
