//! The error of this crate: what went wrong, where, and what helps.

use std::fmt;
use std::path::Path;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong. Each message names the place and, where there is one, the remedy.
#[derive(Debug)]
pub enum Error {
    /// A value of the configuration or of the command line.
    Config(String),
    /// The data: files, columns, labels.
    Data(String),
    /// A checkpoint that cannot be read, or belongs to another model.
    Checkpoint(String),
    /// Training cannot go on.
    Training(String),
    /// A file that cannot be read or written.
    Io(String),
}

impl Error {
    /// A value of the configuration is wrong.
    pub fn config(message: impl Into<String>) -> Self {
        Self::Config(message.into())
    }
    /// The data are wrong.
    pub fn data(message: impl Into<String>) -> Self {
        Self::Data(message.into())
    }
    /// A checkpoint is wrong.
    pub fn checkpoint(path: &Path, message: impl fmt::Display) -> Self {
        Self::Checkpoint(format!("{}: {message}", path.display()))
    }
    /// Training cannot go on.
    pub fn training(message: impl Into<String>) -> Self {
        Self::Training(message.into())
    }
    /// A file cannot be read or written.
    pub fn io(path: &Path, error: impl fmt::Display) -> Self {
        Self::Io(format!("{}: {error}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Config(message)
        | Self::Data(message)
        | Self::Checkpoint(message)
        | Self::Training(message)
        | Self::Io(message)) = self;
        f.write_str(message)
    }
}

impl std::error::Error for Error {}

impl From<mtl_data::DataError> for Error {
    fn from(error: mtl_data::DataError) -> Self {
        Self::Data(error.to_string())
    }
}

impl From<mtl_eval::EvalError> for Error {
    fn from(error: mtl_eval::EvalError) -> Self {
        Self::Data(error.to_string())
    }
}
