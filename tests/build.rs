//! Compiles every spec by the build-script helper, and writes the sources that compile it by `mtl_file!` and by `mtl!`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    let folder = Path::new("../specs");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut specs: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the specs").map(|entry| entry.unwrap().path()).collect();
    specs.sort();
    mtl_dsl::build(&specs);

    let (mut by_build, mut by_file, mut by_macro, mut models) = Default::default();
    for spec in &specs {
        let stem = spec.file_stem().unwrap().to_str().expect("a UTF-8 name");
        let text = std::fs::read_to_string(spec).expect("a spec");
        let name = text
            .lines()
            .find_map(|line| line.strip_prefix("model "))
            .and_then(|rest| rest.split_whitespace().next())
            .expect("a model");
        line(&mut by_build, &format!("include!(concat!(env!(\"OUT_DIR\"), \"/{stem}.rs\"));"));
        line(&mut by_file, &format!("::mtl_runtime::mtl_file!(\"../specs/{stem}.mtl\");"));
        line(&mut by_macro, &format!("::mtl_runtime::mtl! {{\n{text}\n}}"));
        line(&mut models, &format!("$check!({stem}, {name});"));
    }
    let models = format!(
        "/// Calls a macro with the file and the model of every spec.\n#[macro_export]\nmacro_rules! each_spec {{ ($check:ident) => {{\n{models}}} }}\n"
    );
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    for (file, text) in
        [("by_build.rs", by_build), ("by_file.rs", by_file), ("by_macro.rs", by_macro), ("each_spec.rs", models)]
    {
        std::fs::write(out.join(file), text).expect("the output folder");
    }
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes all");
}
