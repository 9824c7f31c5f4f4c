//! Where each row of a table came from: file and line, so that a later error can name them.

use std::sync::Arc;

use crate::error::DataError;

/// File and line of each row; a row that came from no file has its first row number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins {
    files: Vec<Arc<str>>,
    /// Index into `files` (or [`NO_FILE`]) and line (or row), cut off at `u32::MAX`.
    rows: Vec<(u32, u32)>,
}

const NO_FILE: u32 = u32::MAX;

impl Origins {
    /// Rows that came from no file.
    pub(crate) fn none(rows: usize) -> Self {
        Self { files: Vec::new(), rows: (0..rows).map(|row| (NO_FILE, row as u32)).collect() }
    }

    /// No rows yet, of a file.
    pub(crate) fn of_file(file: &str) -> Self {
        Self { files: vec![file.into()], rows: Vec::new() }
    }

    /// Adds a row of the file.
    pub(crate) fn push(&mut self, line: u64) {
        self.rows.push((0, u32::try_from(line).unwrap_or(u32::MAX)));
    }

    /// These rows, in this order.
    pub(crate) fn take(&self, rows: &[u32]) -> Self {
        Self { files: self.files.clone(), rows: rows.iter().map(|&row| self.rows[row as usize]).collect() }
    }

    /// The rows of all parts, one after the other.
    pub(crate) fn concat<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            let first = all.files.len() as u32;
            all.files.extend(part.files.iter().cloned());
            let shift = |file| if file == NO_FILE { NO_FILE } else { first + file };
            all.rows.extend(part.rows.iter().map(|&(file, line)| (shift(file), line)));
        }
        all
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The error, placed at a row.
    pub(crate) fn place(&self, error: DataError, row: usize) -> DataError {
        let (file, line) = self.rows[row];
        match self.files.get(file as usize) {
            Some(file) => error.in_file(&**file).at_line(u64::from(line)),
            None => error.at_row(line as usize),
        }
    }
}
