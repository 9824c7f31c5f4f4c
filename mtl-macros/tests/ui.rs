//! What rustc shows for a mistake in a spec: the user's own tokens underlined.

#[test]
fn mistakes_are_shown_where_they_are() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*.rs");
}
