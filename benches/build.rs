//! Writes the specs of the benchmarks, and compiles them: each family of sharing on each data set, MMoE under kinds of weighting, and a shared
//! bottom under kinds of distillation.
//!
//! A file of `families` holds the `let` and `tower` lines of one family; lines of tasks, and the line of the loss, replace those of the
//! data set. Features, tasks and training are those of `specs/DATASET_shared_bottom.mtl`, so that the models of a data set differ in sharing alone.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The data sets, and the entities that a family reads.
const DATASETS: [(&str, &str); 2] = [("census", "person"), ("kuairand", "user, item, context")];

/// The rarest task of each.
const RARE: [&str; 2] = ["income", "is_like"];

fn main() {
    println!("cargo::rerun-if-changed=families");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    let (mut specs, mut models) = (Vec::new(), String::new());
    for (dataset, entities) in DATASETS {
        let base = format!("../specs/{dataset}_shared_bottom.mtl");
        println!("cargo::rerun-if-changed={base}");
        let base = std::fs::read_to_string(base).expect("the data set's spec");
        let mut families: Vec<(String, String)> = Vec::new();
        for folder in ["families".to_owned(), format!("families/{dataset}")] {
            families.extend(bodies(Path::new(&folder)));
        }
        families.sort();
        // A network for each task alone: what sharing is held against.
        for task in tasks(&base) {
            let body = "let h = mlp(x, [256, 128]);\ntower each = mlp(h, [64]);".to_owned();
            families.push((format!("single_{task}"), body));
        }
        for (family, body) in families {
            let model = pascal(&format!("{dataset}_{family}"));
            let text = spec(&base, &model, &family, &body.replace("ENTITIES", entities), entities);
            let path = out.join(format!("{dataset}_{family}.mtl"));
            if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
                std::fs::write(&path, text).expect("the output folder");
            }
            specs.push(path);
            let _ = writeln!(models, "include!(concat!(env!(\"OUT_DIR\"), \"/{dataset}_{family}.rs\"));");
            let _ = writeln!(
                models,
                "pub const {}: Family = Family::of::<{model}>(\"{dataset}\", \"{family}\");",
                constant(&model)
            );
        }
    }
    distilled(&out, &mut specs);
    let weighted = weighted(&out, &mut specs);
    std::fs::write(out.join("weightings.rs"), weighted).expect("the output folder");
    mtl_dsl::build(&specs);
    let names = models.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next().map(str::to_owned));
    let all = names.collect::<Vec<_>>().join(", ");
    let _ = writeln!(models, "pub const ALL: &[Family] = &[{all}];");
    std::fs::write(out.join("families.rs"), models).expect("the output folder");
}

/// What a weighting looks at, as a line of the spec: the methods of each are settings of one model.
const LOOKS: [(&str, &str); 6] = [
    ("equal", "equal"),
    ("fixed", "fixed(RARE: 5.0)"),
    ("uncertainty", "uncertainty"),
    ("losses", "dwa"),
    ("representation", "pcgrad"),
    ("parameters", "pcgrad, at: parameters"),
];

/// Numbers of tasks of the cost table.
const TASKS: [usize; 3] = [2, 8, 32];

/// MMoE on the data sets, and on made-up rows with several numbers of tasks, under each kind of weighting: the Rust that includes them.
fn weighted(out: &Path, specs: &mut Vec<PathBuf>) -> String {
    let mut models = String::new();
    let mut add = |name: &str, text: String| {
        let path = out.join(format!("{name}.mtl"));
        if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            std::fs::write(&path, text).expect("the output folder");
        }
        specs.push(path);
        let _ = writeln!(models, "include!(concat!(env!(\"OUT_DIR\"), \"/{name}.rs\"));");
    };
    for (looks, weighting) in LOOKS {
        for ((dataset, entities), rare) in DATASETS.into_iter().zip(RARE) {
            let weighting = weighting.replace("RARE", rare);
            let base =
                std::fs::read_to_string(format!("../specs/{dataset}_shared_bottom.mtl")).expect("the data set's spec");
            let body = format!(
                "let h = mmoe(x, experts: 8 * mlp([256, 128]));\ntower each = mlp(h, [64]);\nloss {{ weighting: {weighting} }}"
            );
            let name = format!("{dataset}_weighted_{looks}");
            add(&name, spec(&base, &pascal(&name), &name, &body, entities));
        }
        for tasks in TASKS {
            let weighting = weighting.replace("RARE", "t0");
            let name = format!("cost_{tasks}_{looks}");
            let mut text = format!("model {} {{\n    features x {{\n", pascal(&name));
            (0..26).for_each(|at| text.push_str(&format!("        id_{at}: id(buckets: 1_000, dim: 8),\n")));
            text.push_str("    }\n");
            (0..tasks).for_each(|at| text.push_str(&format!("    task t{at}: binary;\n")));
            text.push_str("    let h = mmoe(x, experts: 8 * mlp([256, 128]));\n    tower each = mlp(h, [64]);\n");
            text.push_str(&format!("    loss {{ weighting: {weighting} }}\n"));
            text.push_str(
                "    train { optimizer: adam(lr: 1e-3), embeddings: adam(lr: 1e-3), batch: 1024, epochs: 1 }\n}\n",
            );
            add(&name, text);
        }
    }
    models
}

/// Kinds of distillation, as a line of the spec.
const DISTILLED: [(&str, &str); 3] = [
    ("click_and_like", "distill { pairs: [(is_click, is_like)] }"),
    ("long_view_and_like", "distill { pairs: [(long_view, is_like)] }"),
    ("taught", "distill { teacher: [is_click, long_view, is_like] }"),
];

/// The shared bottom on KuaiRand under each kind of distillation.
fn distilled(out: &Path, specs: &mut Vec<PathBuf>) {
    let base = std::fs::read_to_string("../specs/kuairand_shared_bottom.mtl").expect("the data set's spec");
    for (kind, line) in DISTILLED {
        let name = format!("kuairand_{kind}");
        let body = format!("let h = mlp(x, [256, 128]);\ntower each = mlp(h, [64]);\n{line}");
        let text = spec(&base, &pascal(&name), &name, &body, DATASETS[1].1);
        let path = out.join(format!("{name}.mtl"));
        if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            std::fs::write(&path, text).expect("the output folder");
        }
        specs.push(path);
    }
}

/// The families of a folder: their names and lines.
fn bodies(folder: &Path) -> Vec<(String, String)> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = files.map(|file| file.expect("a file").path()).filter(|path| path.extension().is_some());
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).expect("a family"))
    };
    files.map(read).collect()
}

/// The names of a spec's tasks.
fn tasks(base: &str) -> Vec<String> {
    let names = base.lines().filter_map(|line| line.trim().strip_prefix("task ")?.split(':').next());
    names.map(str::to_owned).collect()
}

/// The data set's spec with the lines of a family.
fn spec(base: &str, model: &str, family: &str, body: &str, entities: &str) -> String {
    let (mut replaced, mut lines, mut loss) = (Vec::new(), Vec::new(), None);
    for line in body.lines() {
        match () {
            () if line.starts_with("task ") => replaced.push(line),
            () if line.starts_with("loss ") => loss = Some(format!("    {line}")),
            () => lines.push(line),
        }
    }
    let mut text = String::new();
    for line in base.lines().filter(|line| !line.starts_with("///")) {
        let line = line.trim_end();
        if let Some(name) = line.trim().strip_prefix("task ").and_then(|rest| rest.split(':').next()) {
            let own = replaced.iter().find(|line| line[5..].split(':').next() == Some(name));
            match own {
                _ if family.strip_prefix("single_").is_some_and(|only| only != name) => {}
                Some(own) => text.push_str(&format!("    {own}\n")),
                None => text.push_str(&format!("{line}\n")),
            }
        } else if line.starts_with("model ") {
            let _ = writeln!(text, "model {model} {{");
        } else if line.starts_with("    loss ") {
            if body.contains("(x,") {
                let _ = writeln!(text, "    let x = concat({entities});");
            }
            lines.iter().for_each(|line| text.push_str(&format!("    {line}\n")));
            let _ = writeln!(text, "{}", loss.as_deref().unwrap_or(line));
        } else if line.starts_with("    /// One score") {
            break;
        } else if !line.starts_with("    let ") && !line.starts_with("    tower ") && line != "}" {
            let _ = writeln!(text, "{line}");
        }
    }
    text + "}\n"
}

fn pascal(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').map(word).collect()
}

fn constant(model: &str) -> String {
    let letter = |(at, letter): (usize, char)| match letter.is_uppercase() && at > 0 {
        true => format!("_{letter}"),
        false => letter.to_uppercase().to_string(),
    };
    model.chars().enumerate().map(letter).collect()
}
