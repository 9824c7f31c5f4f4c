//! A column under construction, one field at a time.

use crate::column::{Bags, Column, Numbers};
use crate::error::DataError;
use crate::ids::{Ids, Integers, MISSING, Text, integer};
use crate::interner::Interner;
use crate::read::ReadOptions;
use crate::table::number;

/// One field of a file; none is a missing value.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a>(Option<&'a [u8]>);

impl<'a> Field<'a> {
    /// The field as the options say; `valid` if it is known to be UTF-8, otherwise it is checked.
    pub(crate) fn new(bytes: &'a [u8], valid: bool, options: &ReadOptions) -> Result<Self, DataError> {
        if !valid && std::str::from_utf8(bytes).is_err() {
            return Err(DataError::new("not UTF-8").remedy("convert the file to UTF-8"));
        }
        let bytes = if options.trim { &bytes[bytes.iter().take_while(|&&byte| byte == b' ').count()..] } else { bytes };
        Ok(Self((!options.missing.iter().any(|missing| missing.as_bytes() == bytes)).then_some(bytes)))
    }
}

/// A column under construction.
pub(crate) enum Builder {
    /// One id a row.
    Ids(IdBuilder),
    /// A list of ids a row.
    Lists { separator: u8, ids: IdBuilder, ends: Vec<usize>, count: usize },
    /// One number a row.
    Numbers { values: Vec<f64>, next: f64 },
}

impl Builder {
    pub(crate) fn ids() -> Self {
        Self::Ids(IdBuilder::default())
    }

    pub(crate) fn lists(separator: u8) -> Self {
        Self::Lists { separator, ids: IdBuilder::default(), ends: Vec::new(), count: 0 }
    }

    pub(crate) fn numbers() -> Self {
        Self::Numbers { values: Vec::new(), next: f64::NAN }
    }

    /// Whether the field fits. Only fields that were checked are pushed.
    pub(crate) fn check(&mut self, field: Field<'_>) -> Result<(), DataError> {
        if let Self::Numbers { next, .. } = self {
            *next = match field.0 {
                None => f64::NAN,
                Some(bytes) => std::str::from_utf8(bytes).ok().and_then(number).ok_or_else(|| {
                    DataError::new("not a number").remedy(
                        "correct the value, name it in the `missing` of the read options, or skip ill-formed rows",
                    )
                })?,
            };
        }
        Ok(())
    }

    /// Adds a row: the field of the last check.
    pub(crate) fn push(&mut self, field: Field<'_>) {
        match self {
            Self::Ids(ids) => ids.push(field.0),
            Self::Lists { separator, ids, ends, count } => {
                for id in field.0.into_iter().flat_map(|list| list.split(|byte| byte == separator)) {
                    if !id.is_empty() {
                        ids.push(Some(id));
                        *count += 1;
                    }
                }
                ends.push(*count);
            }
            Self::Numbers { values, next } => values.push(*next),
        }
    }

    pub(crate) fn finish(self) -> Column {
        match self {
            Self::Ids(ids) => Column::Ids(ids.finish()),
            Self::Lists { ids, ends, .. } => Column::Bags(Bags::from_ends(ends, ids.finish())),
            Self::Numbers { values, .. } => Column::Numbers(Numbers(values)),
        }
    }
}

/// Ids under construction: integers until the first text.
pub(crate) enum IdBuilder {
    Integers(Integers),
    Text { codes: Vec<u32>, interner: Interner },
}

impl Default for IdBuilder {
    fn default() -> Self {
        Self::Integers(Integers::default())
    }
}

impl IdBuilder {
    /// Adds a row; the bytes are UTF-8.
    fn push(&mut self, id: Option<&[u8]>) {
        if let Self::Integers(integers) = self {
            match id.map(integer) {
                None => return integers.push(None),
                Some(Some(value)) => return integers.push(Some(value)),
                Some(None) => {
                    let mut interner = Interner::default();
                    let code = |value: Option<i64>| value.map_or(MISSING, |value| interner.code(&value.to_string()));
                    let codes = integers.iter().map(code).collect();
                    *self = Self::Text { codes, interner };
                }
            }
        }
        if let Self::Text { codes, interner } = self {
            codes.push(id.map_or(MISSING, |id| interner.code(std::str::from_utf8(id).unwrap_or_default())));
        }
    }

    fn finish(self) -> Ids {
        match self {
            Self::Integers(integers) => Ids::Integers(integers),
            Self::Text { codes, interner } => Ids::Text(Text::from_codes(codes, interner.into_dictionary())),
        }
    }
}
