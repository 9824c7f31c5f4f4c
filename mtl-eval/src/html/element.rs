//! Markup by construction: every element is closed, and every text and attribute escaped.

use std::fmt::{self, Display, Write};

/// An element under construction.
#[derive(Debug, Clone)]
pub(super) struct Element {
    name: &'static str,
    attributes: String,
    content: String,
}

/// Elements that never have content; those of SVG close themselves.
const EMPTY: [&str; 7] = ["meta", "link", "path", "line", "rect", "circle", "br"];

/// An element of this name.
pub(super) fn element(name: &'static str) -> Element {
    Element { name, attributes: String::new(), content: String::new() }
}

/// An element of this name and class.
pub(super) fn classed(name: &'static str, class: impl Display) -> Element {
    element(name).with("class", class)
}

impl Element {
    /// With this attribute.
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        let _ = write!(self.attributes, " {name}=\"{}\"", escaped(&value.to_string()));
        self
    }

    /// And this text in it.
    pub fn text(mut self, text: impl Display) -> Self {
        self.content += &escaped(&text.to_string());
        self
    }

    /// And this element in it.
    pub fn child(mut self, child: Element) -> Self {
        let _ = write!(self.content, "{child}");
        self
    }

    /// And these elements in it.
    pub fn children(self, children: impl IntoIterator<Item = Element>) -> Self {
        children.into_iter().fold(self, Element::child)
    }

    /// And this style sheet in it, which nobody but this crate wrote.
    pub fn style(mut self, css: &'static str) -> Self {
        self.content += css;
        self
    }
}

impl Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, attributes, content } = self;
        if EMPTY.contains(name) && content.is_empty() {
            write!(f, "<{name}{attributes}/>")
        } else {
            write!(f, "<{name}{attributes}>{content}</{name}>")
        }
    }
}

/// A text whose characters stand for themselves. Control characters, which no page may hold, are replaced.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\n' | '\t' => out.push(character),
            '\r' => {}
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
