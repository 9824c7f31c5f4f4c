//! What a person sees who runs `mtl`.

use std::path::PathBuf;
use std::process::{Command, Output};

fn mtl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mtl")).args(arguments).output().expect("the command runs")
}

fn spec(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../specs").join(name).display().to_string()
}

/// A spec with one mistake, in a file of its own.
fn mistaken(test: &str) -> String {
    let path = std::env::temp_dir().join(format!("mtl-{test}-{}.mtl", std::process::id()));
    let text = std::fs::read_to_string(spec("esmm.mtl")).unwrap().replace("given click", "given clik");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn check_is_silent_on_every_spec() {
    let specs: Vec<String> = std::fs::read_dir(spec("")).unwrap().map(|e| e.unwrap().path().display().to_string()).collect();
    let mut arguments = vec!["check"];
    arguments.extend(specs.iter().map(String::as_str));
    let output = mtl(&arguments);
    assert_eq!((stdout(&output), stderr(&output)), (String::new(), String::new()));
    assert!(output.status.success());
}

#[test]
fn check_shows_the_place_and_the_remedy() {
    let output = mtl(&["check", &mistaken("human")]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("given clik;") && text.contains("did you mean `click`?") && text.contains("1 error in "), "{text}");
}

#[test]
fn check_speaks_json() {
    let output = mtl(&["check", "--format", "json", &mistaken("json")]);
    assert_eq!(output.status.code(), Some(1));
    let lines = stdout(&output);
    let diagnostic: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(diagnostic["severity"], "error");
    assert_eq!(diagnostic["span"]["line"], 19);
}

#[test]
fn expand_and_graph_print_the_model() {
    let rust = stdout(&mtl(&["expand", &spec("esmm.mtl")]));
    assert!(rust.contains("pub struct Esmm") && rust.contains("// @generated"), "{rust}");
    let graph = stdout(&mtl(&["graph", &spec("esmm.mtl")]));
    assert!(graph.contains("linear"), "{graph}");
    let mermaid = stdout(&mtl(&["graph", "--format", "mermaid", &spec("esmm.mtl")]));
    assert!(mermaid.starts_with("flowchart"), "{mermaid}");
}

#[test]
fn explain_knows_every_code_and_no_other() {
    assert!(!stdout(&mtl(&["explain", "unknown-name"])).is_empty());
    let output = mtl(&["explain", "unknown-nam"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("unknown-name"));
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let missing = mtl(&["check", "no/such.mtl"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("cannot read `no/such.mtl`"));
    let folder = mtl(&["check", &spec("")]);
    assert_eq!(folder.status.code(), Some(1));
    assert!(stderr(&folder).contains("is a folder"));
    let path = std::env::temp_dir().join(format!("mtl-bytes-{}.mtl", std::process::id()));
    std::fs::write(&path, [b'm', 0xff]).unwrap();
    assert!(stderr(&mtl(&["check", &path.display().to_string()])).contains("byte 1 is not UTF-8"));
}
