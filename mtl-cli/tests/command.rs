//! What a person sees who runs `mtl`.

use std::path::PathBuf;
use std::process::{Command, Output};

fn mtl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mtl")).args(arguments).output().expect("the command runs")
}

fn spec(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../specs").join(name).display().to_string()
}

/// A file of the test's own.
fn written(name: &str, bytes: &[u8]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).expect("a file in the target folder");
    path.display().to_string()
}

/// One mistake, on line 4.
const MISTAKEN: &str = "model Small {
    features user { id: id(buckets: 10, dim: 4) }
    task click: binary;
    task like:  binary(where: clik);
    tower each = mlp(user, [4]);
}
";

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn check_is_silent_on_every_spec() {
    let specs: Vec<String> =
        std::fs::read_dir(spec("")).unwrap().map(|e| e.unwrap().path().display().to_string()).collect();
    let mut arguments = vec!["check"];
    arguments.extend(specs.iter().map(String::as_str));
    let output = mtl(&arguments);
    assert_eq!((stdout(&output), stderr(&output)), (String::new(), String::new()));
    assert!(output.status.success());
}

#[test]
fn check_shows_the_place_and_the_remedy() {
    let output = mtl(&["check", &written("human.mtl", MISTAKEN.as_bytes())]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    for part in ["(where: clik);", "did you mean `click`?", "human.mtl:4:31", "1 error in "] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
}

#[test]
fn check_speaks_json() {
    let output = mtl(&["check", "--format", "json", &written("json.mtl", MISTAKEN.as_bytes())]);
    assert_eq!(output.status.code(), Some(1));
    let lines = stdout(&output);
    let diagnostic: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(diagnostic["severity"], "error");
    assert_eq!((&diagnostic["span"]["line"], &diagnostic["span"]["column"]), (&4.into(), &31.into()));
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
fn the_serving_graph_has_nothing_of_training() {
    let whole = stdout(&mtl(&["graph", &spec("youtube_2019.mtl")]));
    let serving = stdout(&mtl(&["graph", "--serving", &spec("youtube_2019.mtl")]));
    assert!(whole.contains("while training") && whole.contains("tower_click_train_only"), "{whole}");
    assert!(!serving.contains("while training") && !serving.contains("train_only"), "{serving}");
    assert!(serving.contains("tower_click"), "{serving}");
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
    let bytes = mtl(&["check", &written("bytes.mtl", &[b'm', 0xff])]);
    assert!(stderr(&bytes).contains("byte 1 is not UTF-8"));
}

#[test]
fn a_runs_json_becomes_a_page() {
    let run = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../mtl-eval/tests/data/feed.json").display().to_string();
    let page = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("feed.html").display().to_string();
    let output = mtl(&["report", &run, "--out", &page]);
    assert!(output.status.success(), "{}", stderr(&output));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<h1>Feed</h1>"));
}

#[test]
fn a_file_that_is_no_run_has_no_page() {
    let page = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("none.html").display().to_string();
    let output = mtl(&["report", &written("no_run.json", b"{\"model\": 1}"), "--out", &page]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is not the report of a run"), "{}", stderr(&output));
    let missing = mtl(&["report", "no/such.json", "--out", &page]);
    assert!(stderr(&missing).contains("cannot read `no/such.json`"));
    let nowhere = mtl(&["report", &spec("../mtl-eval/tests/data/feed.json"), "--out", "no/such/folder.html"]);
    assert!(stderr(&nowhere).contains("cannot write"));
}
