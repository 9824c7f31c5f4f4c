//! A first pass over the characters: tokens are Rust's, brackets are balanced, nesting is bounded.
//!
//! What passes can be given to the grammar: its junk rules find the end of every bracket, and neither it nor any pass over the tree
//! runs out of stack.

use super::text;
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::source::Span;

/// Bytes of a text.
const LARGEST: usize = 1 << 20;
/// Brackets within brackets.
const DEEPEST: usize = 64;
/// Operators that an operand can stand under; it bounds the depth of the tree.
const OPERATORS: usize = 512;

/// What some editors begin a file with.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What keeps the text from being read by the grammar.
pub(super) fn scan(text: &str) -> Vec<Diagnostic> {
    if text.len() > LARGEST {
        let span = Span::new(LARGEST, LARGEST);
        return vec![diagnostic!(Limit, span, "a spec has at most {LARGEST} bytes, and this one has {}", text.len())];
    }
    let mut scan = Scan { text, at: 0, open: Vec::new(), operators: 0, problems: Vec::new() };
    while scan.at < text.len() && scan.step() {}
    scan.close_all();
    scan.problems
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Open>,
    /// Operators since the last separator, in the innermost bracket.
    operators: usize,
    problems: Vec<Diagnostic>,
}

/// A bracket that is open, and the operators it stands under.
struct Open {
    bracket: char,
    at: usize,
    operators: usize,
}

impl Scan<'_> {
    /// Reads a token; false when the rest cannot be looked at.
    fn step(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else { return false };
        let length = match first {
            ' ' | '\t' | '\r' | '\n' => 1,
            BYTE_ORDER_MARK if self.at == 0 => first.len_utf8(),
            '/' if rest.starts_with("//") => self.line_comment(rest),
            '/' if rest.starts_with("/*") => match self.block_comment(rest) {
                Some(length) => length,
                None => return false,
            },
            '"' => match self.text_literal(rest) {
                Some(length) => length,
                None => return false,
            },
            '0'..='9' => self.number(rest),
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = rest.bytes().take_while(|byte| is_word(*byte)).count();
                if matches!(&rest[..length], "if" | "else") {
                    self.operators += 1;
                }
                length
            }
            '{' | '(' | '[' => {
                self.open.push(Open { bracket: first, at: self.at, operators: self.operators });
                self.operators = 0;
                1
            }
            '}' | ')' | ']' => {
                if !self.close(first) {
                    return false;
                }
                1
            }
            ',' | ';' => {
                self.operators = 0;
                1
            }
            ':' | '=' => 1,
            '+' | '-' | '*' | '/' | '^' | '<' | '>' | '!' | '&' | '|' | '.' | '?' => {
                self.operators += 1;
                1
            }
            other => self.unexpected(rest, other),
        };
        self.at += length;
        self.within_limits()
    }

    fn line_comment(&mut self, rest: &str) -> usize {
        let length = rest.find('\n').unwrap_or(rest.len());
        if rest.starts_with("//!") {
            self.refuse_inner_docs(3);
        }
        length
    }

    fn block_comment(&mut self, rest: &str) -> Option<usize> {
        let documents = rest.starts_with("/**") && !rest.starts_with("/***") && !rest.starts_with("/**/");
        if documents || rest.starts_with("/*!") {
            self.refuse_inner_docs(3);
        }
        let length = text::comment_length(rest, DEEPEST);
        if length.is_none() {
            self.problems.push(diagnostic!(
                UnclosedDelimiter, self.span(2), "this comment is never closed";
                help: "end it with `*/`; at most {DEEPEST} comments stand within each other"
            ));
        }
        length
    }

    fn refuse_inner_docs(&mut self, length: usize) {
        self.problems.push(diagnostic!(
            UnexpectedCharacter, self.span(length), "this comment would document something in Rust, but nothing in mtl";
            help: "comments are `//` and `/* */`; `///` documents the item that follows"
        ));
    }

    fn text_literal(&mut self, rest: &str) -> Option<usize> {
        let length = text::text_length(rest);
        match length {
            Some(length) => {
                text::check_escapes(&rest[..length], self.at, &mut self.problems);
                self.refuse_suffix(rest, length, "a text");
            }
            None => {
                let span = self.span(1);
                self.problems
                    .push(diagnostic!(UnclosedDelimiter, span, "this text is never closed"; help: "end it with `\"`"));
            }
        }
        length
    }

    fn number(&mut self, rest: &str) -> usize {
        let length = text::number_length(rest);
        if text::number(&rest[..length]).is_infinite() {
            self.problems.push(diagnostic!(
                UnexpectedCharacter,
                self.span(length),
                "this number is too large for a 64-bit float"
            ));
        }
        self.refuse_suffix(rest, length, "a number");
        length
    }

    fn refuse_suffix(&mut self, rest: &str, length: usize, what: &str) {
        let suffix = rest.bytes().skip(length).take_while(|byte| is_word(*byte)).count();
        if suffix > 0 {
            let span = Span::new(self.at + length, self.at + length + suffix);
            let word = &rest[length..length + suffix];
            self.problems.push(diagnostic!(
                UnexpectedCharacter, span, "{what} has no suffix, but this one ends in `{word}`";
                help: "numbers are written `1_000`, `0.5`, `1e-3`; a space ends a literal"
            ));
        }
    }

    fn unexpected(&mut self, rest: &str, character: char) -> usize {
        let letter = |character: &char| !character.is_ascii() && character.is_alphanumeric();
        let letters: String = rest.chars().take_while(letter).collect();
        if !letters.is_empty() {
            let several = if letters.len() > character.len_utf8() { "s" } else { "" };
            let span = self.span(letters.len());
            self.problems.push(diagnostic!(
                UnexpectedCharacter, span, "unexpected character{several} `{letters}`";
                help: "names are made of the letters a to z, digits and `_`; a column with another name stands in quotes, as in `column: \"länge\"`"
            ));
            return letters.len();
        }
        let span = self.span(character.len_utf8());
        let shown = if character == '\'' { "'".to_owned() } else { character.escape_debug().to_string() };
        let problem = diagnostic!(UnexpectedCharacter, span, "unexpected character `{shown}`");
        self.problems.push(match character {
            '#' => problem.help("comments begin with `//`"),
            '\'' => problem.help("texts stand in double quotes"),
            BYTE_ORDER_MARK => {
                problem.help("a byte-order mark stands at the beginning of a file alone: remove this one")
            }
            _ => problem,
        });
        character.len_utf8()
    }

    /// Closes the innermost bracket; false when it is of another kind.
    fn close(&mut self, bracket: char) -> bool {
        let span = self.span(1);
        match self.open.pop() {
            Some(open) if closing(open.bracket) == bracket => {
                self.operators = open.operators;
                true
            }
            Some(open) => {
                self.problems.push(diagnostic!(
                    UnclosedDelimiter, Span::new(open.at, open.at + 1), "this `{}` is not closed", open.bracket;
                    label(span): "`{}` was expected before this `{bracket}`", closing(open.bracket)
                ));
                self.open.clear();
                false
            }
            None => {
                self.problems.push(diagnostic!(UnclosedDelimiter, span, "this `{bracket}` closes nothing"));
                false
            }
        }
    }

    fn close_all(&mut self) {
        if let (Some(open), true) = (self.open.pop(), self.problems.is_empty()) {
            let span = Span::new(open.at, open.at + 1);
            self.problems.push(diagnostic!(
                UnclosedDelimiter, span, "this `{}` is never closed", open.bracket;
                help: "add `{}` where it ends", closing(open.bracket)
            ));
        }
    }

    fn within_limits(&mut self) -> bool {
        let operators = self.operators + self.open.iter().map(|open| open.operators).sum::<usize>();
        let fine = self.open.len() <= DEEPEST && operators <= OPERATORS;
        if !fine {
            let span = Span::new(self.at - 1, self.at);
            self.problems.push(diagnostic!(
                Limit, span, "this is nested too deep";
                help: "at most {DEEPEST} brackets within each other, and {OPERATORS} operators in an expression"
            ));
        }
        fine
    }

    /// The next `length` bytes.
    fn span(&self, length: usize) -> Span {
        Span::new(self.at, (self.at + length).min(self.text.len()))
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn closing(bracket: char) -> char {
    match bracket {
        '{' => '}',
        '(' => ')',
        _ => ']',
    }
}
