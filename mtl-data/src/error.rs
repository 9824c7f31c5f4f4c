//! The error of this crate: what is wrong with the data, where, and what to do about it.

use std::fmt;

/// What is wrong, where it stands (as far as that is known), and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataError(Box<Details>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Details {
    message: String,
    file: Option<String>,
    line: Option<u64>,
    row: Option<usize>,
    column: Option<String>,
    value: Option<String>,
    remedy: Option<String>,
}

/// Longer values are cut in messages.
const SHOWN: usize = 80;

impl DataError {
    /// An error without a place; the `in_*` and `at_*` methods add it.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Details { message: message.into(), ..Details::default() }))
    }

    /// In this file.
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.0.file = Some(file.into());
        self
    }

    /// At this line of the file, counted from 1.
    pub fn at_line(mut self, line: u64) -> Self {
        self.0.line = Some(line);
        self
    }

    /// At this row of a table that came from no file, counted from 0.
    pub fn at_row(mut self, row: usize) -> Self {
        self.0.row = Some(row);
        self
    }

    /// In this column.
    pub fn in_column(mut self, column: impl Into<String>) -> Self {
        self.0.column = Some(column.into());
        self
    }

    /// The value that is wrong.
    pub fn with_value(mut self, value: impl fmt::Display) -> Self {
        let value = value.to_string();
        self.0.value = Some(match value.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}...", &value[..end]),
            None => value,
        });
        self
    }

    /// What to do about it.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The file, if the data came from one.
    pub fn file(&self) -> Option<&str> {
        self.0.file.as_deref()
    }

    /// The line in the file, counted from 1.
    pub fn line(&self) -> Option<u64> {
        self.0.line
    }

    /// The row of a table that came from no file, counted from 0.
    pub fn row(&self) -> Option<usize> {
        self.0.row
    }

    /// The column.
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// The value.
    pub fn value(&self) -> Option<&str> {
        self.0.value.as_deref()
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }
}

/// `FILE:LINE: column C: MESSAGE: VALUE`, with the remedy on a line of its own.
impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = &self.0;
        if let Some(file) = &d.file {
            write!(f, "{file}:")?;
            if let Some(line) = d.line {
                write!(f, "{line}:")?;
            }
            write!(f, " ")?;
        }
        if let Some(row) = d.row {
            write!(f, "row {row}: ")?;
        }
        if let Some(column) = &d.column {
            write!(f, "column `{column}`: ")?;
        }
        write!(f, "{}", d.message)?;
        if let Some(value) = &d.value {
            write!(f, ": `{value}`")?;
        }
        if let Some(remedy) = &d.remedy {
            write!(f, "\n  help: {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for DataError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_place_value_and_remedy() {
        let error = DataError::new("not a number")
            .in_file("log.csv")
            .at_line(17)
            .in_column("duration_ms")
            .with_value("abc")
            .remedy("correct the value, or skip such rows");
        assert_eq!(
            error.to_string(),
            "log.csv:17: column `duration_ms`: not a number: `abc`\n  help: correct the value, or skip such rows"
        );
        assert_eq!(DataError::new("no rows").at_row(3).to_string(), "row 3: no rows");
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        let error = DataError::new("too long").with_value("ü".repeat(200));
        assert_eq!(error.value(), Some(format!("{}...", "ü".repeat(SHOWN)).as_str()));
    }
}
