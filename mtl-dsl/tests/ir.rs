//! The IR: what each construct is lowered to, that passes keep every number, and who shares what.

#[path = "ir/evaluate.rs"]
mod evaluate;

use evaluate::{Weights, logits};
use mtl_dsl::{Source, check, ir, lower::lower, optimize::optimize, parse};

/// The model before and after the passes.
fn models(text: &str) -> (ir::Model, ir::Model) {
    let source = Source::new("test.mtl", text);
    let (ast, errors) = parse(&source);
    assert!(errors.is_empty(), "{errors:?}");
    let (model, diagnostics) = check(&ast);
    let lines: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.to_line(&source)).collect();
    let model = model.unwrap_or_else(|| panic!("{}", lines.join("\n")));
    let plain = lower(&model);
    (plain.clone(), optimize(plain))
}

/// A model of two tasks around the given lines.
fn spec(lines: &str) -> String {
    format!(
        "model Test {{
            features user {{ id: id(buckets: 10, dim: 3) }}
            features item {{ age: number(missing: mean), size: number(missing: mean) }}
            task a: binary;
            task b: binary;
            {lines}
        }}"
    )
}

/// Each construct by itself: the files of `constructs/`, lines of a model as in [`spec`].
fn constructs() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/constructs");
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    found.sort();
    assert!(found.len() > 10);
    found
}

fn construct(name: &str) -> String {
    constructs().into_iter().find(|(known, _)| known == name).unwrap().1
}

#[test]
fn constructs_become_primitives() {
    for (name, lines) in constructs() {
        insta::assert_snapshot!(name, models(&spec(&lines)).1);
    }
}

#[test]
fn a_picture_of_the_primitives() {
    insta::assert_snapshot!(models(&spec(&construct("mmoe"))).1.to_mermaid());
}

#[test]
fn specs_become_primitives() {
    insta::glob!("../../specs", "*.mtl", |path| {
        insta::assert_snapshot!(models(&std::fs::read_to_string(path).unwrap()).1);
    });
}

#[test]
fn passes_keep_every_number() {
    let weights = Weights::default();
    for (name, lines) in constructs() {
        let (plain, optimized) = models(&spec(&lines));
        let (before, after) = (logits(&plain, &weights), logits(&optimized, &weights));
        for (before, after) in before.iter().zip(&after) {
            assert!((before - after).abs() < 1e-12, "{name}: {before} became {after}");
        }
        assert!(before.iter().all(|logit| logit.abs() > 1e-6), "{name}: {before:?} tells nothing");
    }
}

#[test]
fn serving_keeps_every_number_and_nothing_of_training() {
    let weights = Weights::default();
    let specs = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../specs")).unwrap();
    let specs = specs.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let constructs: Vec<String> = constructs().iter().map(|(_, lines)| spec(lines)).collect();
    for (position, text) in constructs.iter().cloned().chain(specs).enumerate() {
        let model = models(&text).1;
        let serving = mtl_dsl::optimize::serving(model.clone());
        if position < constructs.len() {
            assert_eq!(logits(&model, &weights), logits(&serving, &weights), "{text}");
        }
        let printed = serving.to_string();
        for word in ["while training", "dropout(", "drop_rows(", "drop_gates(", "noise(", "penalty(", "gate(", "stop("]
        {
            assert!(!printed.contains(word), "{word} in {printed}");
        }
        assert!(serving.parameters() <= model.parameters());
    }
}

#[test]
fn serving_has_no_bias_tower() {
    let text = include_str!("../../specs/youtube_2019.mtl");
    insta::assert_snapshot!(mtl_dsl::optimize::serving(models(text).1));
}

#[test]
fn serving_has_no_teachers() {
    let text = include_str!("../../specs/cross_distil.mtl");
    let plain: String =
        text.lines().filter(|line| !line.trim_start().starts_with("distill {")).collect::<Vec<_>>().join("\n");
    let serving = mtl_dsl::optimize::serving(models(text).1).to_string();
    assert_eq!(serving, mtl_dsl::optimize::serving(models(&plain).1).to_string());
    assert!(models(text).1.to_string().contains("tower_click_then_like"));
}

#[test]
fn passes_merge_experts_of_one_shape() {
    let linears = |model: &ir::Model| {
        let nodes = model.blocks.iter().flat_map(|block| &block.graph.nodes);
        nodes.filter(|node| matches!(node.op, ir::Op::Linear { .. })).count()
    };
    for (name, before, after) in
        [("cgc", 7, 5), ("ple", 9, 7), ("ple_norm_dropout", 9, 7), ("cgc_unlike_experts", 6, 6)]
    {
        let (plain, optimized) = models(&spec(&construct(name)));
        assert_eq!((linears(&plain), linears(&optimized)), (before, after), "{name}");
    }
}

#[test]
fn the_passes_keep_the_parameters() {
    for (name, lines) in constructs() {
        let (plain, optimized) = models(&spec(&lines));
        let paths = |model: &ir::Model| {
            let mut paths: Vec<String> = evaluate::paths(model);
            paths.sort();
            paths
        };
        assert_eq!(paths(&plain), paths(&optimized), "{name}");
        assert_eq!(plain.parameters(), optimized.parameters(), "{name}");
    }
}

/// The tasks whose logits depend on the parameters whose path holds `part`.
fn reach(lines: &str, part: &str) -> Vec<usize> {
    let model = models(&spec(lines)).1;
    assert!(evaluate::paths(&model).iter().any(|path| path.contains(part)), "no parameter `{part}`");
    let base = logits(&model, &Weights::default());
    let moved = logits(&model, &Weights { moved: Some(part.to_owned()) });
    (0..base.len()).filter(|t| (base[*t] - moved[*t]).abs() > 1e-9).collect()
}

#[test]
fn own_experts_serve_their_task_alone_in_cgc() {
    let cgc = "let h = cgc(concat(user, item), shared: 2 * mlp([4]), each: 2 * mlp([4])); tower each = mlp(h, [2]);";
    assert_eq!(reach(cgc, "h.own_1.a"), [0]);
    assert_eq!(reach(cgc, "h.own_1.b"), [1]);
    assert_eq!(reach(cgc, "h.shared_1"), [0, 1]);
    assert_eq!(reach(cgc, "h.gates.b"), [1]);
    assert_eq!(reach(cgc, "tower_each.hidden_1.a"), [0]);
}

#[test]
fn own_experts_reach_other_tasks_through_the_shared_stream_below_the_last_level() {
    let ple = &construct("ple");
    assert_eq!(reach(ple, "h.level_1_own_1.a"), [0, 1]);
    assert_eq!(reach(ple, "h.level_1_shared_gate"), [0, 1]);
    assert_eq!(reach(ple, "h.level_1_gates.a"), [0]);
    assert_eq!(reach(ple, "h.level_2_own_1.a"), [0]);
    assert_eq!(reach(ple, "h.level_2_shared_1"), [0, 1]);
}

#[test]
fn without_shared_experts_the_tasks_are_strangers() {
    let ple = "let h = ple(concat(user, item), levels: [level(each: 2 * mlp([4])), level(each: 2 * mlp([3]))]);
        tower each = mlp(h, [2]);";
    for path in ["h.level_1_own_1.a", "h.level_1_gates.a", "h.level_2_own_1.a", "tower_each.output.a"] {
        assert_eq!(reach(ple, path), [0], "{path}");
    }
}

#[test]
fn what_a_let_makes_is_shared_and_what_a_tower_makes_is_not() {
    assert_eq!(reach("let h = mlp(user, [4]); tower each = h;", "h.hidden_1"), [0, 1]);
    assert_eq!(reach("tower each = mlp(user, [4]);", "tower_each.hidden_1.a"), [0]);
    let each = "let h = mmoe(user, experts: 2 * mlp([4])); let g = mlp(h, [3]); tower each = g;";
    assert_eq!(reach(each, "g.hidden_1.b"), [1]);
    assert_eq!(reach("tower each = moe(user, experts: 2 * mlp([4]));", "tower_each.experts_1.b"), [1]);
}

#[test]
fn one_level_of_ple_is_cgc() {
    let experts = "shared: 2 * mlp([4, 3]), each: 1 * mlp([4, 3])";
    let cgc = models(&spec(&format!("let h = cgc(user, {experts}); tower each = h;"))).1;
    let ple = models(&spec(&format!("let h = ple(user, levels: [level({experts})]); tower each = h;"))).1;
    // The level is part of the names alone.
    let plain = |model: &ir::Model| model.to_string().replace("level_1_", "").replace("level_1.", "");
    assert_eq!(plain(&cgc), plain(&ple));
}
