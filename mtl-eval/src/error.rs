//! The error of this crate: what is wrong with the numbers, in which row, and what to do about it.

use std::fmt;

/// What is wrong, in which row (as far as that is known), and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalError {
    message: String,
    row: Option<usize>,
    remedy: Option<String>,
}

impl EvalError {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), row: None, remedy: None }
    }

    /// At this row, counted from 0.
    pub fn at_row(mut self, row: usize) -> Self {
        self.row = Some(row);
        self
    }

    /// What to do about it.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The row, counted from 0, if one is to blame.
    pub fn row(&self) -> Option<usize> {
        self.row
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(row) = self.row {
            write!(f, " in row {row}")?;
        }
        match &self.remedy {
            Some(remedy) => write!(f, ": {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for EvalError {}
