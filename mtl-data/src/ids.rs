//! A column of ids: 64-bit integers or texts, each possibly missing.

use std::borrow::Cow;

use crate::hash::{hash_integer, hash_text};
use crate::interner::Interner;

/// One id. An integer and its decimal text are the same id, so a file whose ids are all integers and one with a text among
/// them agree on the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id<'a> {
    /// An integer.
    Integer(i64),
    /// Any text that is not the decimal form of a 64-bit integer.
    Text(&'a str),
}

impl<'a> Id<'a> {
    /// The id that a text stands for.
    pub fn parse(text: &'a str) -> Self {
        integer(text.as_bytes()).map_or(Self::Text(text), Self::Integer)
    }

    /// Its hash: [`hash_integer`] or [`hash_text`].
    pub fn hash64(self) -> u64 {
        match self {
            Self::Integer(value) => hash_integer(value),
            Self::Text(text) => hash_text(text),
        }
    }
}

impl std::fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// The integer of which this is *the* decimal form: `12` and `-3`, but not `+1`, `007`, `-0`, `1.0`.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 19 || (digits[0] == b'0' && (digits.len() > 1 || negative)) {
        return None;
    }
    let mut value: u64 = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        // At most 19 digits: below 10^19 < 2^64.
        value = value * 10 + u64::from(digit - b'0');
    }
    if negative { 0i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() }
}

/// 64-bit integers, some of which may be missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Integers {
    values: Vec<i64>,
    /// Empty if none is missing.
    missing: Vec<bool>,
}

impl Integers {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of a row; none if it is missing.
    pub fn get(&self, row: usize) -> Option<i64> {
        (!self.is_missing(row)).then(|| self.values[row])
    }

    /// The values in row order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<i64>> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Adds a row.
    pub fn push(&mut self, value: Option<i64>) {
        if value.is_none() && self.missing.is_empty() {
            self.missing = vec![false; self.values.len()];
        }
        if value.is_none() || !self.missing.is_empty() {
            self.missing.push(value.is_none());
        }
        self.values.push(value.unwrap_or(0));
    }

    fn is_missing(&self, row: usize) -> bool {
        !self.missing.is_empty() && self.missing[row]
    }
}

impl FromIterator<Option<i64>> for Integers {
    fn from_iter<I: IntoIterator<Item = Option<i64>>>(values: I) -> Self {
        let values = values.into_iter();
        let mut column = Self { values: Vec::with_capacity(values.size_hint().0), missing: Vec::new() };
        values.for_each(|value| column.push(value));
        column
    }
}

/// Texts as codes into a dictionary of distinct texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Text {
    codes: Vec<u32>,
    dictionary: Vec<String>,
}

/// The code of a missing text.
pub(crate) const MISSING: u32 = u32::MAX;

impl Text {
    /// From codes below the dictionary's length or [`MISSING`]; the dictionary's texts are distinct.
    pub(crate) fn from_codes(codes: Vec<u32>, dictionary: Vec<String>) -> Self {
        Self { codes, dictionary }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The text of a row; none if it is missing.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.code(row).map(|code| self.dictionary[code].as_str())
    }

    /// The index of a row's text in [`Text::dictionary`]; none if it is missing.
    pub fn code(&self, row: usize) -> Option<usize> {
        let code = self.codes[row];
        (code != MISSING).then_some(code as usize)
    }

    /// The distinct texts; some may be those of rows that were filtered away.
    pub fn dictionary(&self) -> &[String] {
        &self.dictionary
    }
}

impl<S: AsRef<str>> FromIterator<Option<S>> for Text {
    fn from_iter<I: IntoIterator<Item = Option<S>>>(texts: I) -> Self {
        let mut interner = Interner::default();
        let codes = texts.into_iter().map(|text| text.map_or(MISSING, |text| interner.code(text.as_ref()))).collect();
        Self { codes, dictionary: interner.into_dictionary() }
    }
}

/// A column of ids.
#[derive(Debug, Clone, PartialEq)]
pub enum Ids {
    /// All are 64-bit integers.
    Integers(Integers),
    /// Some are not.
    Text(Text),
}

impl Ids {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(integers) => integers.len(),
            Self::Text(text) => text.len(),
        }
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id of a row; none if it is missing.
    pub fn get(&self, row: usize) -> Option<Id<'_>> {
        match self {
            Self::Integers(integers) => integers.get(row).map(Id::Integer),
            Self::Text(text) => text.get(row).map(Id::parse),
        }
    }

    /// Calls `f` once for each distinct text (once for each row of integers) and gives its result for every row; a missing id
    /// gives `missing`.
    pub fn map<T: Copy>(&self, missing: T, mut f: impl FnMut(Id<'_>) -> T) -> Vec<T> {
        match self {
            Self::Integers(integers) => {
                integers.iter().map(|value| value.map_or(missing, |value| f(Id::Integer(value)))).collect()
            }
            Self::Text(text) => {
                let mapped: Vec<T> = text.dictionary.iter().map(|entry| f(Id::parse(entry))).collect();
                (0..text.len()).map(|row| text.code(row).map_or(missing, |code| mapped[code])).collect()
            }
        }
    }

    /// The ids of these rows, in this order; missing where there is no row.
    pub(crate) fn gather(&self, rows: impl Iterator<Item = Option<usize>>) -> Self {
        match self {
            Self::Integers(integers) => Self::Integers(rows.map(|row| integers.get(row?)).collect()),
            Self::Text(text) => Self::Text(Text {
                codes: rows.map(|row| row.map_or(MISSING, |row| text.codes[row])).collect(),
                dictionary: text.dictionary.clone(),
            }),
        }
    }

    /// The rows of all parts, one after the other.
    pub fn concat(parts: &[&Self]) -> Self {
        let integers: Option<Vec<&Integers>> = parts.iter().map(|part| part.as_integers()).collect();
        if let Some(integers) = integers {
            return Self::Integers(integers.iter().flat_map(|part| part.iter()).collect());
        }
        let mut interner = Interner::default();
        let mut codes = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            match part {
                Self::Integers(integers) => codes.extend(
                    integers.iter().map(|value| value.map_or(MISSING, |value| interner.code(&value.to_string()))),
                ),
                Self::Text(text) => {
                    let new: Vec<u32> = text.dictionary.iter().map(|entry| interner.code(entry)).collect();
                    codes.extend((0..text.len()).map(|row| text.code(row).map_or(MISSING, |code| new[code])));
                }
            }
        }
        Self::Text(Text { codes, dictionary: interner.into_dictionary() })
    }

    /// The integers, if all ids are.
    pub fn as_integers(&self) -> Option<&Integers> {
        match self {
            Self::Integers(integers) => Some(integers),
            Self::Text(_) => None,
        }
    }

    /// The text of a row as it stood in the file; none if it is missing.
    pub fn text(&self, row: usize) -> Option<Cow<'_, str>> {
        match self {
            Self::Integers(integers) => integers.get(row).map(|value| Cow::Owned(value.to_string())),
            Self::Text(text) => text.get(row).map(Cow::Borrowed),
        }
    }
}

impl From<Vec<Option<i64>>> for Ids {
    fn from(values: Vec<Option<i64>>) -> Self {
        Self::Integers(values.into_iter().collect())
    }
}

impl From<Vec<i64>> for Ids {
    fn from(values: Vec<i64>) -> Self {
        Self::Integers(Integers { values, missing: Vec::new() })
    }
}

/// Ids beyond `i64::MAX` are kept as text: nothing is lost.
impl From<Vec<Option<u64>>> for Ids {
    fn from(values: Vec<Option<u64>>) -> Self {
        let signed = values.iter().map(|value| value.map(i64::try_from).transpose()).collect::<Result<Vec<_>, _>>();
        match signed {
            Ok(signed) => signed.into(),
            Err(_) => Self::Text(values.into_iter().map(|value| value.map(|value| value.to_string())).collect()),
        }
    }
}

/// Ids beyond `i64::MAX` are kept as text: nothing is lost.
impl From<Vec<u64>> for Ids {
    fn from(values: Vec<u64>) -> Self {
        values.into_iter().map(Some).collect::<Vec<_>>().into()
    }
}

impl From<Vec<u32>> for Ids {
    fn from(values: Vec<u32>) -> Self {
        values.into_iter().map(i64::from).collect::<Vec<_>>().into()
    }
}

impl From<Vec<Option<String>>> for Ids {
    fn from(texts: Vec<Option<String>>) -> Self {
        Self::Text(texts.into_iter().collect())
    }
}

impl From<Vec<String>> for Ids {
    fn from(texts: Vec<String>) -> Self {
        Self::Text(texts.into_iter().map(Some).collect())
    }
}

impl From<Vec<&str>> for Ids {
    fn from(texts: Vec<&str>) -> Self {
        Self::Text(texts.into_iter().map(Some).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_decimal_form_is_an_integer() {
        for (text, value) in [("0", 0), ("12", 12), ("-3", -3), ("9223372036854775807", i64::MAX)] {
            assert_eq!(integer(text.as_bytes()), Some(value));
        }
        assert_eq!(integer(b"-9223372036854775808"), Some(i64::MIN));
        for text in ["", "-", "-0", "+1", "007", "1.0", "1e3", " 1", "9223372036854775808", "12345678901234567890"] {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn ids_beyond_the_float_range_stay_apart() {
        let ids = Ids::from(vec![u64::MAX, u64::MAX - 1, (1 << 53) + 1, 1 << 53]);
        let hashes = ids.map(0, |id| id.hash64());
        assert_eq!(ids.text(0).as_deref(), Some("18446744073709551615"));
        assert!(hashes.iter().enumerate().all(|(i, a)| hashes[..i].iter().all(|b| a != b)));
    }

    #[test]
    fn an_integer_and_its_text_are_one_id() {
        let integers = Ids::from(vec![12i64, -3]);
        let texts = Ids::from(vec!["12", "-3", "x"]);
        assert_eq!(integers.map(0, |id| id.hash64()), texts.map(0, |id| id.hash64())[..2]);
        let both = Ids::concat(&[&integers, &texts]);
        assert_eq!(both.get(0), both.get(2));
        assert_eq!(both.get(4), Some(Id::Text("x")));
    }

    #[test]
    fn missing_survives_take_and_concat() {
        let ids = Ids::from(vec![Some(5i64), None, Some(7)]);
        let taken = ids.gather([Some(2), Some(1)].into_iter());
        assert_eq!((taken.get(0), taken.get(1)), (Some(Id::Integer(7)), None));
        let both = Ids::concat(&[&taken, &Ids::from(vec![None, Some("a".to_owned())])]);
        assert_eq!(
            (0..4).map(|row| both.text(row)).collect::<Vec<_>>(),
            [Some("7".into()), None, None, Some("a".into())]
        );
    }
}
