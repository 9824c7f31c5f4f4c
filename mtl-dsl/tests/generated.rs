//! Generated code: each construct's block, and whole files.

use mtl_dsl::{Source, compile};

fn rust(name: &str, text: &str) -> String {
    let source = Source::new(name, text);
    let compiled = compile(&source).unwrap_or_else(|diagnostics| {
        let lines: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.to_line(&source)).collect();
        panic!("{}", lines.join("\n"))
    });
    compiled.rust(&source)
}

/// The structs of the blocks: what stands between the model and its configuration.
fn blocks(lines: &str) -> String {
    let text = format!(
        "model Test {{
            features user {{ id: id(buckets: 10, dim: 3) }}
            features item {{ age: number(missing: mean), size: number(missing: mean) }}
            task a: binary;
            task b: binary;
            {lines}
        }}"
    );
    let code = rust("test.mtl", &text);
    let (_, after) = code.split_once("impl Model for Test {").expect("a model");
    let (_, after) = after.split_once("\n    }\n\n").expect("its end");
    let (blocks, _) = after.split_once("    /// Every number of `Test`").expect("a configuration");
    blocks.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// The construct cases of the IR, as Rust.
#[test]
fn constructs() {
    insta::glob!("constructs/*.mtl", |path| {
        let lines = std::fs::read_to_string(path).unwrap();
        insta::assert_snapshot!(blocks(&lines));
    });
}

#[test]
fn a_tower_for_each_task_and_documents() {
    insta::assert_snapshot!(blocks(
        "/// Two levels.
        let h = ple(user, levels: [
            level(shared: 2 * mlp([4]), each: 1 * mlp([4])),
            level(shared: 2 * mlp([3, 2]), each: 2 * mlp([2])),
        ]);
        tower b = h;
        tower a = mlp(h, [2]);"
    ));
}

#[test]
fn specs() {
    insta::glob!("../../specs", "*.mtl", |path| {
        let name = format!("specs/{}", path.file_name().unwrap().to_string_lossy());
        insta::assert_snapshot!(rust(&name, &std::fs::read_to_string(path).unwrap()));
    });
}

#[test]
fn odd() {
    insta::assert_snapshot!(rust("odd.mtl", include_str!("generated/odd.mtl")));
}

#[test]
fn code_is_a_function_of_the_spec() {
    let text = include_str!("generated/odd.mtl");
    assert_eq!(rust("odd.mtl", text), rust("odd.mtl", text));
}

#[test]
fn tokens_and_text_are_the_same_code() {
    let source = Source::new("odd.mtl", include_str!("generated/odd.mtl"));
    let compiled = compile(&source).expect("a model");
    let tokens = compiled.tokens(&source, &|_| proc_macro2::Span::call_site());
    let text: proc_macro2::TokenStream = compiled.rust(&source).parse().expect("Rust");
    let normal = |tokens: proc_macro2::TokenStream| {
        let file = syn::parse2(tokens).expect("a file");
        prettyplease::unparse(&file)
    };
    assert_eq!(normal(tokens), normal(text));
}

#[test]
fn names_lead_back_to_the_spec() {
    let text =
        "model Deep { features user { id: id(buckets: 10, dim: 3) } task click: binary; tower each = mlp(user, [2]); }";
    let source = Source::new("deep.mtl", text);
    let compiled = compile(&source).expect("a model");
    let seen = std::cell::RefCell::new(Vec::new());
    compiled.tokens(&source, &|span| {
        seen.borrow_mut().push(source.slice(span).to_owned());
        proc_macro2::Span::call_site()
    });
    for name in ["Deep", "click", "mlp(user, [2])"] {
        assert!(seen.borrow().iter().any(|text| text == name), "no identifier has the span of `{name}`");
    }
}

#[test]
fn losses_of_tasks() {
    insta::assert_snapshot!(rust("losses.mtl", include_str!("cases/good/losses.mtl")));
}
