//! Gates, task-to-task fusion and task-owned embeddings: agreement with PyTorch (`goldens/experts.py`), and laws.

use mtl_runtime::{Model, mtl};
use mtl_tests::{Arrays, assert_close, check_golden, golden, gradients, logits, network, normal, values, width, with};

const ROWS: usize = 7;

fn rows<M: Model>() -> Vec<f32> {
    normal("rows", ROWS * width::<M>())
}

fn labels(tasks: usize) -> Vec<f32> {
    (0..ROWS * tasks).map(|at| f32::from(u8::from(at * 7 % 3 == 0))).collect()
}

fn max_abs(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |max, value| max.max(value.abs()))
}

mtl! { model SmallAdatt {
    features x {
        a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
    }
    task first: binary;
    task second: binary;
    let h = adatt(x, levels: [
        level(each: 2 * mlp([4]), shared: 2 * mlp([4])),
        level(each: 1 * mlp([3]), shared: 1 * mlp([3])),
    ]);
    tower each = mlp(h, [2]);
} }

mtl! { model SmallStem {
    features x {
        a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
    }
    task first: binary;
    task second: binary;
    let o = mmoe(x, experts: 2 * mlp([5]));
    let h = stem(x, own: o, levels: [
        level(each: 1 * mlp([4]), shared: 2 * mlp([4])),
        level(each: 1 * mlp([3]), shared: 1 * mlp([3])),
    ], gate: [3]);
    tower each = mlp(h, [2]);
} }

mtl! { model SmallTopK {
    features x {
        a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
    }
    task first: binary;
    task second: binary;
    let s = mlp(x, [4]);
    let h = mmoe(s, experts: 4 * mlp([3]), gate: top_k(2), gate_input: x);
    tower each = mlp(h, [2]);
} }

#[test]
fn adatt_agrees_with_pytorch() {
    check_golden::<SmallAdatt>(&golden("adatt"), &Arrays::clone);
}

#[test]
fn stem_agrees_with_pytorch() {
    check_golden::<SmallStem>(&golden("stem"), &Arrays::clone);
}

#[test]
fn a_sparse_mmoe_agrees_with_pytorch() {
    check_golden::<SmallTopK>(&golden("mmoe_top_k"), &Arrays::clone);
}

mtl! { model Dense {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mmoe(x, experts: 3 * mlp([4]));
    tower each = mlp(h, [3]);
} }

mtl! { model TopAll {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mmoe(x, experts: 3 * mlp([4]), gate: top_k(3));
    tower each = mlp(h, [3]);
} }

mtl! { model TopOne {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mmoe(x, experts: 3 * mlp([4]), gate: top_k(1));
    tower each = mlp(h, [3]);
} }

mtl! { model OneGate {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = moe(x, experts: 3 * mlp([4]));
    tower each = mlp(h, [3]);
} }

mtl! { model Cgc {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = cgc(x, shared: 3 * mlp([4]));
    tower each = mlp(h, [3]);
} }

/// A network with the other one's parameters, where they are called differently.
fn renamed<A: Model, B: Model>(a: &A, name: impl Fn(&str) -> String) -> B {
    let from = values(a);
    with(network::<B>(9), |path, _| Some(from[&name(path)].clone()))
}

#[test]
fn the_top_of_all_is_the_softmax_and_the_top_one_another() {
    let dense = network::<Dense>(1);
    let x = rows::<Dense>();
    let all: TopAll = renamed(&dense, str::to_owned);
    assert_eq!(logits(&dense, &x), logits(&all, &x));
    let one: TopOne = renamed(&dense, str::to_owned);
    assert_ne!(logits(&dense, &x), logits(&one, &x));
    // A single weight is 1 whatever its logit: the gate gets no gradient.
    let found = gradients(&one, &x, &labels(2), &[1.0; ROWS * 2], &[1.0, 1.0]);
    assert!(max_abs(&found.of["h.gates.weight"]) < 1e-7);
    assert!(max_abs(&found.of["h.experts_1.weight"]) > 1e-4);
}

#[test]
fn equal_gates_are_one_gate() {
    let one = network::<OneGate>(1);
    let from = values(&one);
    let many: Dense = with(network::<Dense>(2), |path, _| {
        Some(if path == "h.gates.weight" { from["h.gate.weight"].repeat(2) } else { from[path].clone() })
    });
    let x = rows::<Dense>();
    assert_close("logits", &logits(&many, &x), &logits(&one, &x), 1e-6);
}

#[test]
fn cgc_without_own_experts_is_mmoe() {
    let dense = network::<Dense>(1);
    let cgc: Cgc = renamed(&dense, |path| path.replace("h.shared_1", "h.experts_1"));
    let x = rows::<Dense>();
    assert_close("logits", &logits(&cgc, &x), &logits(&dense, &x), 1e-6);
}

mtl! { model Fused {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = adatt(x, levels: [level(each: 1 * mlp([4]))]);
    tower each = mlp(h, [3]);
} }

#[test]
fn the_weights_of_a_task_add_up_to_two() {
    // Equal experts make the sum of the weights the factor of their output, which a linear tower layer shows.
    let fused = network::<Fused>(1);
    let from = values(&fused);
    let equal = |gates: f32| {
        with(network::<Fused>(1), |path, _| {
            let half = from[path].len() / 2;
            Some(match path {
                "h.level_1_own_1.weight" | "h.level_1_own_1.bias" => from[path][..half].repeat(2),
                path if path.starts_with("h.level_1_gates") => from[path].iter().map(|value| value * gates).collect(),
                _ => from[path].clone(),
            })
        })
    };
    let x = rows::<Fused>();
    let (a, b) = (equal(1.0), equal(-5.0));
    assert_close("whatever the gates", &logits(&a, &x), &logits(&b, &x), 1e-5);
    // Twice the experts' output is that of experts of twice the weights (a relu) with a gate and no residual.
    let bottom: Each = with(network::<Each>(1), |path, _| {
        Some(match path {
            "h.hidden_1.weight" | "h.hidden_1.bias" => {
                let own = &from[&path.replace("h.hidden_1", "h.level_1_own_1")];
                own[..own.len() / 2].iter().map(|value| 2.0 * value).collect()
            }
            _ => from[path].clone(),
        })
    });
    assert_close("twice", &logits(&a, &x), &logits(&bottom, &x), 1e-5);
}

mtl! { model Each {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mlp(x, [4]);
    tower each = mlp(h, [3]);
} }

mtl! { model Stem {
    features x { a: id(buckets: 5, dim: 4), b: id(buckets: 5, dim: 4) }
    task one: binary; task two: binary;
    let h = stem(x, own: own(x), levels: [level(shared: 1 * mlp([4]), each: 2 * mlp([4]))]);
    tower each = mlp(h, [3]);
} }

#[test]
fn a_task_trains_neither_the_experts_nor_the_embeddings_of_another() {
    let stem = network::<Stem>(1);
    let x = rows::<Stem>();
    let found = gradients(&stem, &x, &labels(2), &[1.0; ROWS * 2], &[1.0, 0.0]);
    for path in ["h.level_1_own_1.weight", "h.level_1_own_1.bias"] {
        let (own, other) = found.of[path].split_at(found.of[path].len() / 2);
        assert!(max_abs(own) > 1e-5, "{path}");
        assert_eq!(max_abs(other), 0.0, "{path}");
    }
    assert!(max_abs(&found.of["h.level_1_shared_1.weight"]) > 1e-5);
    // All forward: the other task's experts do change this task's logits.
    let moved = with(network::<Stem>(1), |path, _| {
        let mut now = values(&stem)[path].clone();
        let half = now.len() / 2;
        (path == "h.level_1_own_1.bias").then(|| {
            now[half..].iter_mut().for_each(|value| *value += 1.0);
            now
        })
    });
    let (a, b) = (logits(&stem, &x), logits(&moved, &x));
    assert!((a[0] - b[0]).abs() > 1e-4);
    // A slice of the input per task, beside the shared one.
    let width = width::<Stem>();
    let columns: Vec<usize> = (0..width)
        .filter(|column| found.x.iter().skip(*column).step_by(width).all(|gradient| *gradient == 0.0))
        .collect();
    assert_eq!(columns.len(), width / 3, "the other task's slices and no others get no gradient: {columns:?}");
}
