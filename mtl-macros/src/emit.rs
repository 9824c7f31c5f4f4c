//! Diagnostics as Rust items that make rustc print them.

use mtl_dsl::Diagnostic;
use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

/// The first and the last token that a message is about.
pub type Ends = (Span, Span);

/// Message, labels and help as one text; rustc indents what follows an empty line.
pub fn message(diagnostic: &Diagnostic) -> String {
    let mut text = format!("{} [{}]", diagnostic.message, diagnostic.code.name());
    for help in &diagnostic.help {
        text.push_str(&format!("\n\nhelp: {help}"));
    }
    text
}

/// `compile_error!` with its path at the first token and its braces at the last: rustc underlines from one to the other.
pub fn error(message: &str, (first, last): Ends) -> TokenStream {
    let punct = |character, spacing| {
        let mut punct = Punct::new(character, spacing);
        punct.set_span(first);
        TokenTree::from(punct)
    };
    let mut text = Literal::string(message);
    text.set_span(last);
    let mut braces = Group::new(Delimiter::Brace, TokenTree::from(text).into());
    braces.set_span(last);
    [
        punct(':', Spacing::Joint),
        punct(':', Spacing::Alone),
        Ident::new("core", first).into(),
        punct(':', Spacing::Joint),
        punct(':', Spacing::Alone),
        Ident::new("compile_error", first).into(),
        punct('!', Spacing::Alone),
        braces.into(),
    ]
    .into_iter()
    .collect()
}

/// A warning: stable Rust gives a macro no other way than the use of something deprecated, here a constant named after the code.
pub fn warning(diagnostic: &Diagnostic, ends: Ends) -> TokenStream {
    note(diagnostic.code.name(), &message(diagnostic), ends)
}

/// As [`warning`], with a text of one's own.
pub fn note(code: &str, text: &str, (first, _): Ends) -> TokenStream {
    let name = Ident::new(&code.replace('-', "_"), first);
    let used = quote_spanned! { first => #name };
    quote! {
        #[allow(non_upper_case_globals)]
        const _: () = {
            #[deprecated(note = #text)]
            const #name: () = ();
            #used
        };
    }
}
