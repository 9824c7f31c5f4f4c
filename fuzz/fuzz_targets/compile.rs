//! Compiling any text ends, without a panic, and everything said about it can be shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mtl_dsl::diagnostic::{Style, render};
use mtl_dsl::{Source, compile};

fuzz_target!(|text: &str| {
    let source = Source::new("fuzz.mtl", text);
    let words = match compile(&source) {
        Ok(compiled) => {
            assert!(!compiled.rust(&source).is_empty());
            compiled.warnings
        }
        Err(words) => words,
    };
    for word in words {
        let places = std::iter::once(word.span).chain(word.labels.iter().map(|label| label.span));
        for place in places {
            assert!(text.get(place.range()).is_some(), "{word:?}");
        }
        assert!(!render(&word, &source, Style::Plain).is_empty());
    }
});
