//! `mtl! { ... }` and `mtl_file!("specs/feed.mtl")`: the mtl compiler as Rust macros.
//!
//! A shell over `mtl_dsl::compile`: spans in, `compile_error!` out. The macros add no syntax. Users get them from `mtl_runtime`.

mod emit;
mod file;
mod token_source;

use proc_macro2::TokenStream;
use token_source::TokenSource;

/// A model, written in place.
///
/// Expands to one module with the network, its configuration, typed columns and predictions, and to a `pub use` of all of it.
/// What is wrong with the spec is reported at the tokens it is about.
#[proc_macro]
pub fn mtl(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    in_place(input.into()).into()
}

/// A model from a file, by its path from the folder of the crate's `Cargo.toml`.
///
/// Expands to what `mtl!` gives for the file's text. An edit of the file compiles the crate again.
#[proc_macro]
pub fn mtl_file(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    file::expand(input.into()).into()
}

fn in_place(input: TokenStream) -> TokenStream {
    let tokens = TokenSource::new(input);
    match mtl_dsl::compile(tokens.source()) {
        Ok(compiled) => {
            let warnings = compiled.warnings.iter().map(|warning| emit::warning(warning, tokens.ends(warning.span)));
            let mut out: TokenStream = warnings.collect();
            out.extend(compiled.tokens(tokens.source(), &|span| tokens.ends(span).0));
            out
        }
        Err(diagnostics) => diagnostics
            .iter()
            .map(|diagnostic| match diagnostic.is_error() {
                true => emit::error(&emit::message(diagnostic), tokens.ends(diagnostic.span)),
                false => emit::warning(diagnostic, tokens.ends(diagnostic.span)),
            })
            .collect(),
    }
}
