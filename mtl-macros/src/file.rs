//! `mtl_file!`: a spec in a file of its own.

use std::path::Path;

use mtl_dsl::diagnostic::{Style, render};
use mtl_dsl::{Diagnostic, Source};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::LitStr;

use crate::emit::{self, Ends};

/// No span of rustc's lies in a foreign file: the path is underlined, and the message carries the snippet.
pub fn expand(input: TokenStream) -> TokenStream {
    let literal: LitStr = match syn::parse2(input) {
        Ok(literal) => literal,
        Err(error) => {
            let text = "`mtl_file!` takes the path of a spec\n\nhelp: write `mtl_file!(\"specs/feed.mtl\")`";
            return emit::error(text, (error.span(), error.span()));
        }
    };
    let ends = (literal.span(), literal.span());
    let name = literal.value();
    let Some(folder) = std::env::var_os("CARGO_MANIFEST_DIR") else {
        return emit::error("`mtl_file!` works under cargo only: CARGO_MANIFEST_DIR is not set", ends);
    };
    let path = Path::new(&folder).join(&name);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let text = format!("cannot read `{name}`: {error}\n\nhelp: the path starts at the folder of Cargo.toml");
            return emit::error(&text, ends);
        }
    };
    let mut out = tracked(&path, ends.0);
    out.extend(compiled(&Source::new(name, text), ends));
    out
}

/// Makes cargo look at the file again when it changes, on errors too.
fn tracked(path: &Path, span: Span) -> TokenStream {
    let Some(path) = path.to_str() else {
        return emit::error("the path of a spec must be UTF-8", (span, span));
    };
    quote! { const _: &[u8] = ::core::include_bytes!(#path); }
}

fn compiled(source: &Source, ends: Ends) -> TokenStream {
    // rustc writes `error: ` before the message itself.
    let rendered = |diagnostic: &Diagnostic| {
        let text = render(diagnostic, source, Style::Plain);
        let title = format!("{}[{}]: ", diagnostic.code.severity().name(), diagnostic.code.name());
        text.strip_prefix(&title).map_or(text.clone(), |rest| format!("[{}] {rest}", diagnostic.code.name()))
    };
    match mtl_dsl::compile(source) {
        Ok(compiled) => {
            let warning = |warning: &Diagnostic| emit::note(warning.code.name(), &rendered(warning), ends);
            let mut out: TokenStream = compiled.warnings.iter().map(warning).collect();
            out.extend(compiled.tokens(source, &|_| ends.0));
            out
        }
        Err(diagnostics) => {
            let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
            errors.map(|error| emit::error(&rendered(error), ends)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_a_file_is_shown_with_its_line() {
        let text = "model Feed {\n    features user { id: id(buckets: 9, dim: 4) }\n    task click: binaty;\n}\n";
        let tokens = compiled(&Source::new("specs/broken.mtl", text), (Span::call_site(), Span::call_site()));
        let items: syn::File = syn::parse2(tokens).expect("`compile_error!` items");
        let shown: Vec<String> = items.items.iter().map(|item| quote!(#item).to_string()).collect();
        assert!(shown.iter().all(|item| item.contains("compile_error !")), "{shown:?}");
        assert!(shown[1].contains("specs/broken.mtl:3:17") && shown[1].contains("did you mean `binary`?"), "{shown:?}");
    }
}
