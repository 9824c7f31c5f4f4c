//! The reasons for which a method has no weights for a batch, or cannot be made.

use std::fmt;

/// What kept a method from an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// An input or a result that is infinite or not a number.
    NotFinite,
    /// A loss that must be positive and is not: the method takes its logarithm or divides by it.
    NotPositive {
        /// The place of the task.
        task: usize,
        /// Its loss.
        loss: f64,
    },
    /// A solver without a solution, such as a bargain between gradients that no direction can serve.
    NoSolution,
    /// A number of values that is not that of the tasks.
    Length {
        /// The number there should be.
        expected: usize,
        /// The number there is.
        found: usize,
    },
    /// An option outside its range, in words.
    Option(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite => f.write_str("a loss or a gradient is infinite or not a number"),
            Self::NotPositive { task, loss } => write!(f, "the loss of task {task} is {loss}, and must be positive"),
            Self::NoSolution => f.write_str("the solver found no weights"),
            Self::Length { expected, found } => write!(f, "{found} values for {expected}"),
            Self::Option(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// A failure unless every value is finite.
    pub(crate) fn unless_finite(values: &[f64]) -> Result<(), Self> {
        if values.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(Self::NotFinite) }
    }

    /// A failure unless there are as many values as expected.
    pub(crate) fn unless_length(expected: usize, found: usize) -> Result<(), Self> {
        if expected == found { Ok(()) } else { Err(Self::Length { expected, found }) }
    }

    /// A failure about an option unless a condition holds.
    pub(crate) fn unless(condition: bool, message: impl FnOnce() -> String) -> Result<(), Self> {
        if condition { Ok(()) } else { Err(Self::Option(message())) }
    }
}
