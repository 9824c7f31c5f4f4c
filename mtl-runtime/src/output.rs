//! Standard output of programs. A reader who has enough is no error, and no work is lost because nobody can be told of it.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;

use crate::error::{Error, Result};

/// Why nothing more is written.
static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line as `println!` does, and goes on where that would panic: [`finish`] says what went wrong.
#[macro_export]
macro_rules! say {
    () => { $crate::output::line(format_args!("")) };
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

/// Writes a line, unless an earlier one could not be.
pub fn line(text: fmt::Arguments<'_>) {
    let mut failed = FAILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if failed.is_none() {
        *failed = writeln!(io::stdout().lock(), "{text}").err();
    }
}

/// The end of a program.
///
/// # Errors
/// Where lines could not be written, for another reason than that nobody reads them.
pub fn finish() -> Result<()> {
    let failed = FAILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    match failed.map_or_else(|| io::stdout().flush(), Err) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Io(format!("standard output: {error}"))),
        _ => Ok(()),
    }
}
