//! The state of a method as one list of numbers, for a checkpoint.

use super::Failure;

/// A reader of such a list, from its front.
pub(crate) struct Reader<'a> {
    rest: &'a [f64],
}

impl<'a> Reader<'a> {
    /// The reader of a list that must have a given length.
    pub(crate) fn new(state: &'a [f64], expected: usize) -> Result<Self, Failure> {
        Failure::unless_length(expected, state.len())?;
        Ok(Self { rest: state })
    }

    /// The next numbers; none are made up where the list is too short.
    pub(crate) fn take(&mut self, count: usize) -> Vec<f64> {
        let (front, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        front.to_vec()
    }

    /// The next number.
    pub(crate) fn one(&mut self) -> f64 {
        self.take(1).first().copied().unwrap_or(f64::NAN)
    }

    /// The next number, as a count.
    pub(crate) fn count(&mut self) -> u64 {
        self.one() as u64
    }

    /// The next numbers, each of which may be absent.
    pub(crate) fn options(&mut self, count: usize) -> Vec<Option<f64>> {
        self.take(count).into_iter().map(|value| (!value.is_nan()).then_some(value)).collect()
    }
}

/// Numbers each of which may be absent, as numbers.
pub(crate) fn numbers(options: &[Option<f64>]) -> impl Iterator<Item = f64> + '_ {
    options.iter().map(|value| value.unwrap_or(f64::NAN))
}
