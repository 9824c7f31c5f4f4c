//! The records of a separated file, each with the line it begins at.

use std::io::{self, Read};

use csv::ByteRecord;

use crate::error::DataError;

/// Reads record by record.
pub(crate) struct Records<'a, R> {
    csv: csv::Reader<io::Chain<R, &'static [u8]>>,
    /// The file's name, for messages.
    name: &'a str,
    /// The record at hand, and its first line.
    record: (ByteRecord, u64),
    /// The record after it, if there is `more`.
    ahead: (ByteRecord, u64),
    more: bool,
}

impl<'a, R: Read> Records<'a, R> {
    /// Before the first record.
    pub(crate) fn new(source: R, name: &'a str, delimiter: u8) -> Result<Self, DataError> {
        let csv = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            // With the default terminator, and after blank lines, the line of a record is wrong; see `fetch`.
            .terminator(csv::Terminator::Any(b'\n'))
            .buffer_capacity(1 << 16)
            .from_reader(source.chain(&b"\n\n"[..]));
        let mut records = Self { csv, name, record: Default::default(), ahead: Default::default(), more: false };
        records.more = records.fetch()?;
        Ok(records)
    }

    /// Moves on to the next record; false at the end.
    pub(crate) fn advance(&mut self) -> Result<bool, DataError> {
        std::mem::swap(&mut self.record, &mut self.ahead);
        if !self.more {
            return Ok(false);
        }
        // Two line breaks follow the file, and a record ends with one: only an open quote leaves none.
        let end = self.csv.position().byte();
        self.more = self.fetch()?;
        if !self.more && self.csv.position().byte() == end {
            let error = DataError::new("a quote is never closed").in_file(self.name).at_line(self.record.1 + 1);
            return Err(error.remedy("close it, or double it where it belongs to a value"));
        }
        Ok(true)
    }

    /// The first line of the record, counted from 1.
    pub(crate) fn line(&self) -> u64 {
        self.record.1
    }

    /// The number of fields of the record.
    pub(crate) fn len(&self) -> usize {
        self.record.0.len()
    }

    /// True if all its bytes are ASCII.
    pub(crate) fn is_ascii(&self) -> bool {
        self.record.0.as_slice().is_ascii()
    }

    /// A field of the record, without the carriage return of a line that ends in two characters.
    pub(crate) fn field(&self, index: usize) -> &[u8] {
        match &self.record.0[index] {
            [value @ .., b'\r'] if index + 1 == self.len() => value,
            value => value,
        }
    }

    /// Reads one record ahead; blank lines are none.
    fn fetch(&mut self) -> Result<bool, DataError> {
        let (record, line) = &mut self.ahead;
        loop {
            let start = self.csv.position().line();
            let more = self.csv.read_byte_record(record).map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(error) => damaged(&error, self.name).at_line(start),
                kind => DataError::new(format!("cannot be read: {kind:?}")).in_file(self.name).at_line(start),
            })?;
            // The reader has passed the line breaks within the record and the one after it.
            let breaks = record.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
            *line = self.csv.position().line().saturating_sub(1 + breaks);
            if !more || record.as_slice() != b"\r" {
                return Ok(more);
            }
        }
    }
}

/// The error of a source that cannot be read to its end.
pub(crate) fn damaged(error: &io::Error, name: &str) -> DataError {
    DataError::new(format!("the file is damaged or cut off: {error}"))
        .in_file(name)
        .remedy("fetch the file again, and compare its checksum")
}
