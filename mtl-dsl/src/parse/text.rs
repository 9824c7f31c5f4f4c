//! The values of literals.

use crate::diagnostic::{Diagnostic, diagnostic};
use crate::source::Span;

/// The value of a number literal; infinite when it is too large.
pub(super) fn number(literal: &str) -> f64 {
    literal.replace('_', "").parse().unwrap_or(f64::INFINITY)
}

/// The value of a text literal, quotes included; escapes that `check_escapes` refused stand for themselves.
pub(super) fn unquote(literal: &str) -> String {
    let body = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(literal);
    let mut value = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        let (character, length) = escape(&rest[at..]).unwrap_or(('\\', 1));
        value.push(character);
        rest = &rest[at + length..];
    }
    value.push_str(rest);
    value
}

/// Reports the escapes of a text literal that Rust does not have.
pub(super) fn check_escapes(literal: &str, start: usize, sink: &mut Vec<Diagnostic>) {
    let mut at = 0;
    while let Some(next) = literal[at..].find('\\') {
        at += next;
        at += match escape(&literal[at..]) {
            Some((_, length)) => length,
            None => {
                let length = 1 + literal[at + 1..].chars().next().map_or(0, char::len_utf8);
                let span = Span::new(start + at, start + at + length);
                sink.push(diagnostic!(
                    UnexpectedCharacter, span, "unknown escape in a text";
                    help: "the escapes are those of Rust: `\\\\` `\\\"` `\\n` `\\t` `\\r` `\\0` `\\x41` `\\u{{e9}}`"
                ));
                length
            }
        };
    }
}

/// The character of the escape at the beginning, and the escape's length.
fn escape(text: &str) -> Option<(char, usize)> {
    let simple = |character| Some((character, 2));
    match text[1..].chars().next()? {
        'n' => simple('\n'),
        't' => simple('\t'),
        'r' => simple('\r'),
        '0' => simple('\0'),
        '\\' => simple('\\'),
        '"' => simple('"'),
        '\'' => simple('\''),
        'x' => {
            let code = hexadecimal(text.get(2..4)?)?;
            (code < 0x80).then(|| char::from_u32(code)).flatten().map(|character| (character, 4))
        }
        'u' => {
            let (digits, _) = text.get(2..)?.strip_prefix('{')?.split_once('}')?;
            if digits.len() > 6 {
                return None;
            }
            Some((char::from_u32(hexadecimal(digits)?)?, 4 + digits.len()))
        }
        _ => None,
    }
}

fn hexadecimal(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}
