//! The values of literals.

use crate::diagnostic::{Diagnostic, diagnostic};
use crate::source::Span;

/// The value of a number literal; infinite when it is too large.
pub(super) fn number(literal: &str) -> f64 {
    literal.replace('_', "").parse().unwrap_or(f64::INFINITY)
}

/// The length of the number literal at the beginning.
pub(super) fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'_').count();
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') && bytes.get(length + 1).is_some_and(u8::is_ascii_digit) {
        length += 1 + digits(length + 1);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = bytes[length + 1 + sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

/// The length of the text literal at the beginning; none when it is never closed.
pub(super) fn text_length(rest: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The length of the block comment at the beginning, comments within it included; none when it is never closed, or when it
/// holds more than `deepest` within each other.
pub(super) fn comment_length(rest: &str, deepest: usize) -> Option<usize> {
    let (mut depth, mut at) = (0, 0);
    loop {
        match rest.as_bytes().get(at..at + 2)? {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
        if depth > deepest {
            return None;
        }
    }
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
