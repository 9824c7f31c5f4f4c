//! What was expected where reading stopped, in a sentence.

use std::collections::BTreeSet;

use pest::Parser;
use pest::error::InputLocation;

use super::text::{comment_length, number_length, text_length};
use super::{Grammar, Rule};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::schema::items::ITEMS;
use crate::source::Span;
use crate::suggest::did_you_mean;

/// Reads the text of `junk` by `rule` and says where and why that fails.
pub(super) fn explain(text: &str, junk: Span, rule: Rule) -> Diagnostic {
    let slice = &text[junk.range()];
    if let (Rule::only_item, Some(problem)) = (rule, unknown_item(text, junk)) {
        return problem;
    }
    // A switch of the whole process: parse attempts are recorded from now on, which costs nothing at the size of a spec.
    pest::set_error_detail(true);
    let Err(error) = Grammar::parse(rule, slice) else {
        // It can be read alone: what follows it is wrong.
        let (last, _) = around(text, junk.start as usize, junk.end as usize);
        return diagnostic!(Syntax, last, "unexpected text after this");
    };
    let (furthest, tokens) = match error.parse_attempts() {
        Some(attempts) => {
            (attempts.max_position, attempts.expected_tokens().iter().map(|token| format!("{token}")).collect())
        }
        None => match error.location {
            InputLocation::Pos(at) => (at, BTreeSet::new()),
            InputLocation::Span((at, _)) => (at, BTreeSet::new()),
        },
    };
    let mut at = junk.start as usize + furthest;
    // Documentation in a wrong place was read as the beginning of a comment.
    while text[..at].ends_with('/') {
        at -= 1;
    }
    let after_word = text[..at].bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let mut expected = sentence(&tokens, after_word);
    if rule == Rule::only_entry && expected.is_empty() {
        expected.push("`,`".to_owned());
    }
    let (previous, found) = around(text, junk.start as usize, at);
    let found_text = &text[found.range()];
    let wanted = match expected.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    };
    // A missing end is reported where it belongs: behind what it would end.
    let next_line = text.get(previous.end as usize..found.start as usize).is_some_and(|gap| gap.contains('\n'));
    let ends = expected.iter().any(|token| matches!(token.as_str(), "`;`" | "`,`"));
    let problem = if found_text == "///" {
        diagnostic!(Syntax, found, "`///` documents nothing here")
    } else if wanted.is_empty() {
        diagnostic!(Syntax, found, "unexpected `{found_text}`")
    } else if (ends && next_line) || found_text.is_empty() {
        diagnostic!(Syntax, previous, "expected {wanted} after `{}`", &text[previous.range()])
    } else {
        diagnostic!(Syntax, found, "expected {wanted}, found `{found_text}`")
    };
    match help(rule, first_word(slice).1, found_text) {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// An item that begins with a word of no item.
fn unknown_item(text: &str, junk: Span) -> Option<Diagnostic> {
    let (offset, word) = first_word(&text[junk.range()]);
    if word.is_empty() || ITEMS.iter().any(|(item, _)| *item == word) {
        return None;
    }
    let start = junk.start as usize + offset;
    let span = Span::new(start, start + word.len());
    Some(unknown_item_error(word, span))
}

/// The error for a statement or section that does not exist.
pub(crate) fn unknown_item_error(word: &str, span: Span) -> Diagnostic {
    let help = did_you_mean(word, "items", ITEMS.iter().map(|(item, _)| *item));
    diagnostic!(UnknownItem, span, "no item begins with `{word}`"; help: "{help}")
}

fn help(rule: Rule, word: &str, found: &str) -> Option<String> {
    match rule {
        Rule::only_model => Some("a spec is `model NAME { ... }`".to_owned()),
        Rule::only_entry => Some("an entry is `name: value`, and entries are separated by `,`".to_owned()),
        _ if found == "///" => {
            Some("it stands before an item, an entry or a parameter; other comments are `//`".to_owned())
        }
        _ => ITEMS.iter().find(|(item, _)| *item == word).map(|(_, form)| format!("the form is `{form}`")),
    }
}

/// What could have come, for a person: no rule names, no operators where something definite was missing.
fn sentence(tokens: &BTreeSet<String>, after_word: bool) -> Vec<String> {
    let has = |token: &str| tokens.contains(token);
    let mut expected = Vec::new();
    // Only expressions begin with `[`.
    if has("[") {
        expected.push("an expression".to_owned());
    } else if has("a..z") && !after_word {
        expected.push("a name".to_owned());
    }
    let definite = ["{", "}", ")", "]", ":", ";", ",", "=", "in", "else", "given", "param", "model"];
    for token in definite.into_iter().filter(|token| has(token)) {
        expected.push(format!("`{token}`"));
    }
    if expected.is_empty() && has("|") && !has("+") {
        expected.push("`|`".to_owned());
    }
    expected
}

/// Where the first word of a piece stands, behind documentation, and the word; empty when the piece begins with something else.
fn first_word(text: &str) -> (usize, &str) {
    let start = skip_blank(text, 0, true);
    let length = text[start..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    (start, &text[start..start + length])
}

/// The last token that ends at or before a place, and the token after it; tokens are counted from `start`.
fn around(text: &str, start: usize, at: usize) -> (Span, Span) {
    let mut found = next_token(text, start);
    let mut previous = found;
    while (found.end as usize) <= at && found.start < found.end {
        previous = found;
        found = next_token(text, found.end as usize);
    }
    (previous, found)
}

/// The token at or after a place; empty at the end.
fn next_token(text: &str, at: usize) -> Span {
    let start = skip_blank(text, at, false);
    let rest = &text[start..];
    let word = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let length = match rest.chars().next() {
        None => 0,
        Some('0'..='9') => number_length(rest),
        Some(_) if word > 0 => word,
        Some('"') => text_length(rest).unwrap_or(rest.len()),
        Some(_) if rest.starts_with("///") => 3,
        Some(first) => {
            let pair = ["==", "!=", "<=", ">=", "&&", "||", "..", "??", "=>", "->", "::"];
            pair.iter().find(|pair| rest.starts_with(**pair)).map_or(first.len_utf8(), |pair| pair.len())
        }
    };
    Span::new(start, start + length)
}

/// Skips spaces and comments, and documentation too if asked.
fn skip_blank(text: &str, mut at: usize, docs: bool) -> usize {
    loop {
        let rest = &text[at..];
        let blank = rest.len() - rest.trim_start().len();
        let plain = rest.starts_with("//") && (docs || !rest.starts_with("///") || rest.starts_with("////"));
        at += if blank > 0 {
            blank
        } else if plain {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment_length(rest, usize::MAX).unwrap_or(rest.len())
        } else {
            return at;
        };
    }
}
