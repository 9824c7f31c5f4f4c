//! Interactions against plain loops over their equations, in `f64`.

#[allow(dead_code, reason = "these tests need the numbers alone")]
#[path = "ir/evaluate.rs"]
mod evaluate;

use evaluate::{Weights, logits};
use mtl_dsl::{Source, check, lower::lower, optimize::optimize, parse};

fn found(value: &str) -> Vec<f64> {
    let source = Source::new(
        "test.mtl",
        format!(
            "model Test {{
                features user {{ id: id(buckets: 10, dim: 3) }}
                features item {{ age: number(missing: mean), size: number(missing: mean) }}
                task a: binary; task b: binary;
                let h = {value};
                tower each = h;
            }}"
        ),
    );
    let (model, diagnostics) = check(&parse(&source).0);
    let lines: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.to_line(&source)).collect();
    logits(&optimize(lower(&model.unwrap_or_else(|| panic!("{}", lines.join("\n"))))), &Weights::default())
}

fn at(path: &str, position: usize) -> f64 {
    Weights::default().at(path, position)
}

fn linear(path: &str, x: &[f64], width: usize, bias: bool) -> Vec<f64> {
    let column =
        |j: usize| x.iter().enumerate().map(|(i, x)| x * at(&format!("{path}.weight"), i * width + j)).sum::<f64>();
    (0..width).map(|j| column(j) + if bias { at(&format!("{path}.bias"), j) } else { 0.0 }).collect()
}

/// What the evaluation takes for a relu.
fn relu(x: Vec<f64>) -> Vec<f64> {
    x.into_iter().map(|x| x.max(0.1 * x)).collect()
}

fn times(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    times(a, b).iter().sum()
}

fn norm(x: &[f64]) -> Vec<f64> {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    x.iter().map(|x| (x - mean) / (variance + 1e-5).sqrt()).collect()
}

fn softmax(x: Vec<f64>) -> Vec<f64> {
    let sum: f64 = x.iter().map(|x| x.exp()).sum();
    x.into_iter().map(|x| x.exp() / sum).collect()
}

fn sigmoid(x: Vec<f64>) -> Vec<f64> {
    x.into_iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect()
}

fn input() -> Vec<f64> {
    (0..5).map(|i| (f64::from(i) * 1.7 + 0.3).sin()).collect()
}

/// The id's vector and those of the two numbers.
fn fields() -> Vec<Vec<f64>> {
    let x = input();
    let number = |name: &str, i: usize| linear(&format!("h.fields_numbers.{name}"), &x[i..=i], 3, true);
    vec![x[..3].to_vec(), number("age", 3), number("size", 4)]
}

/// The logits of both tasks are these of their representations.
fn expect(value: &str, of: impl Fn(&str) -> Vec<f64>) {
    let found = found(value);
    for (task, found) in ["a", "b"].iter().zip(found) {
        let expected = linear(&format!("tower_each.output.{task}"), &of(task), 1, true)[0];
        assert!((found - expected).abs() < 1e-9, "{value}, task {task}: {found}, expected {expected}");
    }
}

#[test]
fn fm_and_fwfm_are_loops_over_pairs() {
    let v = fields();
    let pairs = [(0, 1), (0, 2), (1, 2)];
    let sum = |k: usize| pairs.iter().map(|(f, g)| v[*f][k] * v[*g][k]).sum::<f64>();
    expect("fm(user, item)", |_| (0..3).map(sum).collect());
    let dots: Vec<f64> = pairs.iter().map(|(f, g)| dot(&v[*f], &v[*g])).collect();
    expect("fwfm(user, item)", |_| [v.concat(), dots.clone()].concat());
    let deep = relu(linear("h.hidden_1", &v.concat(), 4, true));
    expect("deepfm(user, item, hidden: [4])", |_| (0..3).map(sum).chain(deep.clone()).collect());
}

#[test]
fn cross_layers_of_both_kinds() {
    let x = input();
    for rank in [None, Some(2)] {
        let mut h = x.clone();
        for layer in 1..=3 {
            let down = rank.map_or_else(|| h.clone(), |rank| linear(&format!("h.down_{layer}"), &h, rank, false));
            let crossed = times(&x, &linear(&format!("h.cross_{layer}"), &down, 5, true));
            h = h.iter().zip(crossed).map(|(h, crossed)| h + crossed).collect();
        }
        let option = rank.map_or_else(String::new, |rank| format!(", rank: {rank}"));
        expect(&format!("dcn(concat(user, item){option})"), |_| h.clone());
    }
}

#[test]
fn masks_read_the_embedding_as_it_is() {
    let embedding = fields().concat();
    let normed: Vec<f64> = fields().iter().flat_map(|field| norm(field)).collect();
    let block = |member: &str, layer: usize, below: &[f64]| {
        let inner = relu(linear(&format!("h.mask_hidden_{layer}{member}"), &embedding, 18, true));
        let mask = linear(&format!("h.mask_{layer}{member}"), &inner, below.len(), true);
        relu(norm(&linear(&format!("h.block_{layer}{member}"), &times(&mask, below), 4, true)))
    };
    let parallel = [block(".0", 1, &normed), block(".1", 1, &normed)].concat();
    expect("masknet(user, item, hidden: 4)", |_| parallel.clone());
    let serial = block("", 2, &block("", 1, &normed));
    expect("masknet(user, item, hidden: 4, mode: serial)", |_| serial.clone());
}

#[test]
fn fields_are_scaled_by_what_their_means_say() {
    let v = fields();
    let means: Vec<f64> = v.iter().map(|field| field.iter().sum::<f64>() / 3.0).collect();
    let scales = relu(linear("h.senet_excite", &relu(linear("h.senet_squeeze", &means, 1, true)), 3, true));
    let fields: Vec<Vec<f64>> =
        v.iter().zip(scales).map(|(field, by)| field.iter().map(|x| x * by).collect()).collect();
    expect("flatten(senet(user, item))", |_| fields.concat());
}

#[test]
fn pairs_of_fields_under_a_matrix() {
    let v = fields();
    for (option, member) in [("shared", ["", "", ""]), ("each", [".0", ".0", ".1"]), ("pairs", [".0", ".1", ".2"])] {
        let pair = |((f, g), member): ((usize, usize), &str)| {
            times(&linear(&format!("h.bilinear_pair{member}"), &v[f], 3, false), &v[g])
        };
        let pairs: Vec<f64> = [(0, 1), (0, 2), (1, 2)].into_iter().zip(member).flat_map(pair).collect();
        expect(&format!("flatten(bilinear(user, item, weights: {option}))"), |_| pairs.clone());
    }
}

#[test]
fn masks_read_what_the_task_took() {
    expect("mtan(concat(user, item), [4, 3])", |task| {
        let (mut trunk, mut taken) = (input(), Vec::new());
        for (width, layer) in [(4, 1), (3, 2)] {
            trunk = relu(linear(&format!("h.trunk_{layer}"), &trunk, width, true));
            let read = [trunk.clone(), taken].concat();
            let inner = relu(linear(&format!("h.mask_hidden_{layer}.{task}"), &read, width, true));
            let mask = sigmoid(linear(&format!("h.mask_{layer}.{task}"), &inner, width, true));
            taken = times(&mask, &trunk);
        }
        taken
    });
}

fn relate(part: &str, x: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let map =
        |name: &str| -> Vec<Vec<f64>> { x.iter().map(|x| linear(&format!("h.{part}_{name}"), x, 4, false)).collect() };
    let (queries, keys, values) = (map("queries"), map("keys"), map("values"));
    let attended = queries.iter().map(|query| -> Vec<f64> {
        let head = |h: std::ops::Range<usize>| -> Vec<f64> {
            let scores = keys.iter().map(|key| dot(&query[h.clone()], &key[h.clone()]) / 2.0_f64.sqrt()).collect();
            let weights = softmax(scores);
            h.map(|k| weights.iter().zip(&values).map(|(weight, value)| weight * value[k]).sum()).collect()
        };
        [head(0..2), head(2..4)].concat()
    });
    x.iter().zip(attended).map(|(x, a)| norm(&x.iter().zip(a).map(|(x, a)| x + a).collect::<Vec<_>>())).collect()
}

#[test]
fn tasks_attend_to_fields() {
    let embeddings =
        ["a", "b"].map(|task| (0..4).map(|i| 0.1 * at(&format!("h.tasks.{task}"), i)).collect::<Vec<f64>>());
    let tasks = relate("task", &embeddings);
    let fields = relate("field", &fields().iter().map(|field| linear("h.fields", field, 4, true)).collect::<Vec<_>>());
    expect("mran(user, item, heads: 2, dim: 4)", |task| {
        let asked = linear("h.align", &tasks[usize::from(task == "b")], 4, false);
        let alpha = softmax(fields.iter().map(|field| dot(&asked, field)).collect());
        fields.iter().zip(alpha).flat_map(|(field, alpha)| field.iter().map(move |x| (1.0 + alpha) * x)).collect()
    });
}

fn gate(path: &str, layer: &str, member: &str, read: &[f64], width: usize) -> Vec<f64> {
    let inner = relu(linear(&format!("h.{path}_hidden{layer}{member}"), read, 5, true));
    let gate = sigmoid(linear(&format!("h.{path}{layer}{member}"), &inner, width, true));
    gate.into_iter().map(|x| 2.0 * x).collect()
}

#[test]
fn gates_scale_inputs_in_pepnet_and_outputs_in_poso() {
    let x = input();
    let embedding = times(&gate("domain_gate", "", "", &[&x[3..4], &x].concat(), 5), &x);
    let read = [&x[..3], &embedding].concat();
    expect("pepnet(concat(user, item), domain: age, prior: user, layers: [4, 3], gate_hidden: 5)", |task| {
        let (member, mut h) = (format!(".{task}"), embedding.clone());
        for (width, layer) in [4, 3].into_iter().zip(["_1", "_2"]) {
            let scaled = times(&gate("gate", layer, &member, &read, h.len()), &h);
            h = relu(linear(&format!("h.hidden{layer}{member}"), &scaled, width, true));
        }
        h
    });
    expect("poso(concat(user, item), [4, 3], gate: age, gate_hidden: 5)", |_| {
        let mut h = x.clone();
        for (width, layer) in [4, 3].into_iter().zip(["_1", "_2"]) {
            let mapped = relu(linear(&format!("h.hidden{layer}"), &h, width, true));
            h = times(&gate("gate", layer, "", &x[3..4], width), &mapped);
        }
        h
    });
}
