//! Reading any text ends, without a panic, and every place it names is in the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mtl_dsl::{Source, parse};

fuzz_target!(|text: &str| {
    let source = Source::new("fuzz.mtl", text);
    let (_, problems) = parse(&source);
    for problem in problems {
        assert!(text.get(problem.span.range()).is_some(), "{problem:?}");
    }
});
