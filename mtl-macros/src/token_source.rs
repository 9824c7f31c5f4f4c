//! A spec's text rebuilt from tokens, with the span of every piece of it.
//!
//! The parser reads text; rustc underlines tokens. Every token is written out once, and where it came to stand is remembered, so a
//! place in the text leads back to the user's tokens without any search.

use std::ops::Range;

use mtl_dsl::Source;
use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

/// The text of a token stream and where its tokens stand in it.
pub struct TokenSource {
    source: Source,
    /// In the order of the text.
    tokens: Vec<(Range<usize>, Span)>,
}

impl TokenSource {
    /// Writes the tokens out: where the host tells lines and columns the text looks as the user wrote it, comments left blank.
    pub fn new(stream: TokenStream) -> Self {
        let mut writer = Writer::default();
        writer.stream(stream);
        Self { source: Source::new("mtl!", writer.text), tokens: writer.tokens }
    }

    /// The text.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The first and the last token that a range of the text touches; where it touches none, the one before it.
    pub fn ends(&self, span: mtl_dsl::Span) -> (Span, Span) {
        let (start, end) = (span.start as usize, (span.end as usize).max(span.start as usize + 1));
        let first = self.tokens.partition_point(|(range, _)| range.end <= start);
        let after = self.tokens.partition_point(|(range, _)| range.start < end);
        let last = after.saturating_sub(1).min(self.tokens.len().saturating_sub(1));
        let span = |index: usize| self.tokens.get(index).map_or_else(Span::call_site, |(_, span)| *span);
        (span(first.min(last)), span(last))
    }
}

#[derive(Default)]
struct Writer {
    text: String,
    tokens: Vec<(Range<usize>, Span)>,
    /// Line and column of the end of the text, as the host counts them; the first token fixes the origin.
    place: Option<(usize, usize)>,
    /// The last token was a punctuation mark that the next one continues.
    joint: bool,
}

impl Writer {
    fn stream(&mut self, stream: TokenStream) {
        let mut trees = stream.into_iter().peekable();
        while let Some(tree) = trees.next() {
            match tree {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    let docs = match trees.peek() {
                        Some(TokenTree::Group(group)) => doc_text(group.stream()).map(|text| (text, group.span())),
                        _ => None,
                    };
                    match docs {
                        Some((text, span)) => {
                            trees.next();
                            self.docs(&text, span);
                        }
                        None => self.leaf("#", punct.span(), punct.spacing() == Spacing::Joint),
                    }
                }
                TokenTree::Punct(punct) => {
                    self.leaf(&punct.as_char().to_string(), punct.span(), punct.spacing() == Spacing::Joint);
                }
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::Parenthesis => ("(", ")"),
                        // What a `macro_rules!` variable stands for.
                        Delimiter::None => ("", ""),
                    };
                    if !open.is_empty() {
                        self.leaf(open, group.span_open(), false);
                    }
                    self.stream(group.stream());
                    if !close.is_empty() {
                        self.leaf(close, group.span_close(), false);
                    }
                }
                TokenTree::Ident(ident) => self.leaf(&ident.to_string(), ident.span(), false),
                TokenTree::Literal(literal) => self.leaf(&literal.to_string(), literal.span(), false),
            }
        }
    }

    fn leaf(&mut self, text: &str, span: Span, joint: bool) {
        self.space(span);
        let start = self.text.len();
        self.text.push_str(text);
        self.tokens.push((start..self.text.len(), span));
        if let Some((_, column)) = &mut self.place {
            *column += text.chars().count();
        }
        self.joint = joint;
    }

    /// `///` lines.
    fn docs(&mut self, docs: &str, span: Span) {
        self.space(span);
        for line in docs.split('\n') {
            let start = self.text.len();
            self.text.push_str("///");
            self.text.push_str(line.trim_end_matches('\r'));
            self.tokens.push((start..self.text.len(), span));
            self.text.push('\n');
        }
        if let Some((line, _)) = position(span) {
            self.place = Some((line + docs.split('\n').count(), 1));
        }
        self.joint = false;
    }

    /// Blanks up to the place of the next token; one blank where the host tells no places or they go backwards.
    fn space(&mut self, span: Span) {
        let next = position(span);
        match (self.place, next) {
            (Some((line, column)), Some((to_line, to_column))) if (to_line, to_column) >= (line, column) => {
                self.text.extend(std::iter::repeat_n('\n', to_line - line));
                let from = if to_line > line { 1 } else { column };
                self.text.extend(std::iter::repeat_n(' ', to_column.saturating_sub(from)));
            }
            _ if !self.text.is_empty() && !self.text.ends_with('\n') && !self.joint => self.text.push(' '),
            _ => {}
        }
        self.place = next;
    }
}

/// Line and column from 1, inside a real macro; `None` elsewhere and with hosts that do not tell.
fn position(span: Span) -> Option<(usize, usize)> {
    if !proc_macro::is_available() {
        return None;
    }
    let span = span.unwrap();
    let (line, column) = (span.line(), span.column());
    (line > 0 && column > 0).then_some((line, column))
}

/// The text of `[doc = "..."]`, which rustc makes of `/// ...`.
fn doc_text(attribute: TokenStream) -> Option<String> {
    let mut trees = attribute.into_iter();
    match (trees.next()?, trees.next()?, trees.next()?, trees.next()) {
        (TokenTree::Ident(doc), TokenTree::Punct(equals), TokenTree::Literal(text), None)
            if doc == "doc" && equals.as_char() == '=' =>
        {
            syn::parse_str::<syn::LitStr>(&text.to_string()).ok().map(|text| text.value())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn rebuilt(text: &str) -> TokenSource {
        TokenSource::new(text.parse().expect("a spec is Rust tokens"))
    }

    /// The syntax tree, printed without places and blanks: the tree holds expectations as they were written.
    fn tree(source: &Source) -> String {
        let (ast, errors) = mtl_dsl::parse(source);
        assert!(errors.is_empty(), "{errors:?}\n{}", source.text());
        let text = format!("{ast:?}");
        let mut parts = text.split("Span { start: ");
        let first = parts.next().unwrap_or_default().to_owned();
        squeezed(&parts.fold(first, |tree, part| tree + part.split_once('}').expect("the end of a span").1))
    }

    fn squeezed(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    #[test]
    fn every_spec_survives_the_way_through_tokens() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../specs");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let tokens = rebuilt(&text);
            let source = Source::new("", text.clone());
            assert_eq!(tree(tokens.source()), tree(&source), "{}", path.display());
            let (from_text, from_tokens) =
                (mtl_dsl::compile(&source).unwrap(), mtl_dsl::compile(tokens.source()).unwrap());
            let code = |compiled: mtl_dsl::Compiled, source: &Source| {
                let rust = compiled.rust(source);
                let (before, _) = rust.split_once("const SPEC").expect("the spec's text stands last");
                // Documentation is broken into lines by its blanks, which the rebuilt text has more of here than in a macro.
                let lines = before.lines().filter(|line| !line.contains("//"));
                lines.map(squeezed).collect::<String>()
            };
            let (from_text, from_tokens) = (code(from_text, &source), code(from_tokens, tokens.source()));
            assert_eq!(from_text, from_tokens, "{}", path.display());
            seen += 1;
        }
        assert!(seen >= 8, "specs are missing");
    }

    #[test]
    fn a_place_in_the_text_leads_to_its_tokens() {
        let text = "model A { let /* 日本語 */ hidden = mlp(x, [64, wide_name]); }";
        let tokens = rebuilt(text);
        let at = tokens.source().text().find("wide_name").unwrap();
        let (first, last) = tokens.ends(mtl_dsl::Span::new(at, at + "wide_name".len()));
        let of = |span: Span| span.source_text();
        assert_eq!((of(first), of(last)), (Some("wide_name".to_owned()), Some("wide_name".to_owned())));
        let from = tokens.source().text().find("mlp").unwrap();
        let (first, last) = tokens.ends(mtl_dsl::Span::new(from, at + 3));
        assert_eq!((of(first), of(last)), (Some("mlp".to_owned()), Some("wide_name".to_owned())));
    }

    #[test]
    fn joint_punctuation_stays_together_and_docs_stay_docs() {
        let tokens = rebuilt("/// Two\nmodel A { task b: binary(where: a == 1 && b >= 2); rank r = 0.0..1.5; }");
        assert!(tokens.source().text().starts_with("/// Two\nmodel A {"), "{}", tokens.source().text());
        assert!(tokens.source().text().contains("a == 1 && b >= 2"));
        assert!(tokens.source().text().contains("0.0 .. 1.5"));
    }

    #[test]
    fn an_end_of_text_leads_to_the_last_token() {
        let tokens = rebuilt("model A");
        let end = tokens.source().text().len();
        let (first, last) = tokens.ends(mtl_dsl::Span::new(end, end));
        assert_eq!((first.source_text(), last.source_text()), (Some("A".to_owned()), Some("A".to_owned())));
    }
}
