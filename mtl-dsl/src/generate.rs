//! From the IR to Rust: code that a person would write, named after the spec. Cannot fail.
//!
//! One module per model: the network, a struct for each block, the configuration, the typed columns, and predictions with
//! their scores. Names of the runtime stand in `names` and in the templates here; nothing else in this crate knows it.

mod block;
mod config;
mod constants;
mod explain;
mod frontier;
mod loss;
mod model;
mod names;
mod prediction;
mod primitive;
mod ranks;
mod schema;
mod subnet;
mod table;
mod text;
mod train;
mod tune;

use crate::hir;
use crate::ir;
use crate::source::{Source, Span};
use names::Names;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The version of the interface to the runtime that generated code is written for.
const CODEGEN: usize = 4;

/// The model as tokens; identifiers from the spec get the span that `span` gives for their place in it.
pub fn tokens(
    model: &hir::Model,
    ir: &ir::Model,
    source: &Source,
    span: &dyn Fn(Span) -> proc_macro2::Span,
) -> TokenStream {
    Generator { model, ir, source, names: Names::new(model, ir), splits: explain::splits(model), span, printed: false }
        .file()
}

/// The model as formatted text with a header.
pub fn rust(model: &hir::Model, ir: &ir::Model, source: &Source) -> String {
    let span = &|_| proc_macro2::Span::call_site();
    let (names, splits) = (Names::new(model, ir), explain::splits(model));
    let generator = Generator { model, ir, source, names, splits, span, printed: true };
    text::print(&generator.file(), source.name())
}

/// What every part of the generator knows.
struct Generator<'a> {
    model: &'a hir::Model,
    ir: &'a ir::Model,
    source: &'a Source,
    names: Names,
    /// How the score of each rank is split.
    splits: Vec<explain::Split>,
    span: &'a dyn Fn(Span) -> proc_macro2::Span,
    /// True for printed code, which has blank lines and comments that tokens cannot have.
    printed: bool,
}

impl Generator<'_> {
    fn file(&self) -> TokenStream {
        let module = self.ident(&names::snake(&self.model.name.text), self.model.name.span);
        let docs = format!(" Model `{}`: network, configuration, columns, predictions.", self.model.name.text);
        let mut items = vec![self.tasks_const()];
        items.extend(self.model_items());
        items.extend(self.ir.blocks.iter().zip(0..).flat_map(|(block, index)| self.block_items(block, index)));
        items.extend(self.config_items());
        items.extend(self.table_items());
        items.extend(self.prediction_items());
        items.extend(self.rank_items());
        items.push(self.spec_const());
        let items = self.spaced(items);
        let version = names::whole(CODEGEN);
        quote! {
            #[doc = #docs]
            #[allow(dead_code)]
            pub mod #module {
                use ::mtl_runtime::__private::*;
                const _: () = require_codegen(#version);
                #items
            }
            #[allow(unused_imports)]
            pub use #module::*;
        }
    }

    /// The tasks' names, as parameters' paths end in them.
    fn tasks_const(&self) -> TokenStream {
        let tasks = &self.ir.tasks;
        let count = names::whole(tasks.len());
        quote! {
            /// The tasks in the order of the logits.
            pub const TASKS: [&str; #count] = [#(#tasks),*];
        }
    }

    /// Items with blank lines between them.
    fn spaced(&self, items: Vec<TokenStream>) -> TokenStream {
        let blank = text::blank(self.printed);
        quote! { #(#blank #items)* }
    }

    /// Members of an impl or trait block with blank lines between them.
    fn members(&self, items: Vec<TokenStream>) -> TokenStream {
        let mut items = items.into_iter().filter(|item| !item.is_empty());
        let first = items.next();
        let rest = self.spaced(items.collect());
        quote! { #first #rest }
    }

    /// An identifier with the span of its declaration in the spec.
    fn ident(&self, name: &str, span: Span) -> Ident {
        Ident::new(name, (self.span)(span))
    }

    /// A type of the model: `Feed` + `part`, with the span of `span`.
    fn type_named(&self, part: &str, span: Span) -> Ident {
        self.ident(&format!("{}{part}", self.names.model), span)
    }

    /// A type of the model that belongs to no single name of the spec.
    fn own_type(&self, part: &str) -> Ident {
        self.type_named(part, self.model.name.span)
    }

    /// The spec's text at a place, on one line and without comments.
    fn excerpt(&self, span: Span) -> String {
        text::excerpt(self.source.slice(span))
    }
}

/// An identifier that has no place in the spec.
fn ident(name: &str) -> Ident {
    Ident::new(name, proc_macro2::Span::call_site())
}

/// `///` lines.
fn docs(text: &str) -> TokenStream {
    let lines = text.lines().map(|line| match line.is_empty() {
        true => String::new(),
        false => format!(" {line}"),
    });
    quote! { #(#[doc = #lines])* }
}
