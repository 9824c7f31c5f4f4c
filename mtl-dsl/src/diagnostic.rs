//! Diagnostics: what is wrong with a spec, where, and what to do.

mod code;
mod json;
#[cfg(feature = "render")]
mod render;

pub use code::{Code, Severity};
#[cfg(feature = "render")]
pub use render::{Style, render};

use crate::source::{Source, Span};

/// One message about a spec.
///
/// Messages begin with a lower-case word, quote the spec in back-ticks and have no final period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of message.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// The smallest piece of text that is to blame.
    pub span: Span,
    /// Other places that matter.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Vec<String>,
}

/// A remark on a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The remark.
    pub message: String,
}

impl Diagnostic {
    /// A message without labels and help.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        let message = message.into();
        debug_assert!(!message.ends_with('.'), "a message has no final period: {message}");
        Diagnostic { code, message, span, labels: Vec::new(), help: Vec::new() }
    }

    /// Adds a remark on another place.
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help.push(help.into());
        self
    }

    /// Whether it keeps the spec from compiling.
    pub fn is_error(&self) -> bool {
        self.code.severity() == Severity::Error
    }

    /// One line: `name:line:column: severity[code]: message`.
    pub fn to_line(&self, source: &Source) -> String {
        let at = source.position(self.span.start);
        let severity = self.code.severity().name();
        format!("{}:{}:{}: {severity}[{}]: {}", source.name(), at.line, at.column, self.code.name(), self.message)
    }
}

/// Makes a [`Diagnostic`] in one readable statement:
/// ``diagnostic!(UnknownTask, span, "no task named `{name}`"; label(other): "..."; help: "...")``.
macro_rules! diagnostic {
    ($code:ident, $span:expr, $message:literal $(, $value:expr)* $(; $part:ident $(($at:expr))? : $text:literal $(, $of:expr)*)* $(;)?) => {
        $crate::diagnostic::Diagnostic::new($crate::diagnostic::Code::$code, $span, format!($message $(, $value)*))
            $(.$part($($at,)? format!($text $(, $of)*)))*
    };
}
pub(crate) use diagnostic;
