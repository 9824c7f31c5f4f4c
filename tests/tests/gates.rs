//! Gates: agreement with PyTorch (`goldens/gates.py`, `goldens/experts.py`), and laws.

use mtl_runtime::model::Pass;
use mtl_runtime::{Model, mtl};
use mtl_tests::{
    Arrays, ROWS, assert_close, check_golden, golden, gradients, input, labels, logits, max_abs, network, normal,
    numbers, rows, trained, values, width, with,
};

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
fn a_sparse_mmoe_agrees_with_pytorch() {
    check_golden::<SmallTopK>(&golden("mmoe_top_k"), &Arrays::clone);
}

mtl! { model SmallDselect {
    features x {
        a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
    }
    task first: binary;
    task second: binary;
    let h = mmoe(x, experts: 3 * mlp([4]), gate: dselect_k(k: 2, gamma: 2.5, entropy: 0.1));
    tower each = mlp(h, [2]);
} }

#[test]
fn dselect_k_agrees_with_pytorch() {
    check_golden::<SmallDselect>(&golden("dselect_k"), &Arrays::clone);
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

mtl! { model Selected {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mmoe(x, experts: 4 * mlp([4]), gate: dselect_k(k: 2, entropy: 0.5));
    tower each = mlp(h, [3]);
} }

mtl! { model SelectedOfThree {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mmoe(x, experts: 3 * mlp([4]), gate: dselect_k(k: 2, gamma: 3.0, entropy: 0.5));
    tower each = mlp(h, [3]);
} }

mtl! { model TopTwo {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mmoe(x, experts: 4 * mlp([4]), gate: top_k(2));
    tower each = mlp(h, [3]);
} }

mtl! { model NoisyTwo {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mmoe(x, experts: 4 * mlp([4]), gate: noisy_top_k(k: 2, balance: 1.0));
    tower each = mlp(h, [3]);
} }

mtl! { model Dropped {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mmoe(x, experts: 3 * mlp([4]), gate_dropout: 0.5);
    tower each = mlp(h, [3]);
} }

/// The mean weights of the gates over rows, task after task, and their entropies.
fn gates<M: Model>(network: &M, x: &[f32]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let pass = Pass::watching();
    network.forward(input::<M>(x), &pass);
    let found = pass.gates();
    let used = found.get("h.gates").unwrap();
    (used.weights.clone(), used.entropy.clone())
}

/// All of the loss, by its backward pass and by differences of one parameter.
fn check_slopes<M: Model>(network: impl Fn() -> M, path: &str, x: &[f32]) {
    let network_of = |moved: Option<(usize, f32)>| {
        let of = network();
        let now = values(&of)[path].clone();
        with(of, |other, _| {
            let (at, by) = moved.filter(|_| other == path)?;
            let mut moved = now.clone();
            moved[at] += by;
            Some(moved)
        })
    };
    let whole = |moved| numbers(trained(&network_of(Some(moved)), x, 5).1)[0];
    let found = slopes(&network_of(None), path, x);
    let numeric: Vec<f32> = (0..found.len()).map(|at| (whole((at, 4e-3)) - whole((at, -4e-3))) / 8e-3).collect();
    assert!(max_abs(&found) > 1e-3, "{path}: {found:?}");
    let scale = max_abs(&found);
    for (found, numeric) in found.iter().zip(&numeric) {
        assert!((found - numeric).abs() < 0.01 * scale + 1e-4, "{path}: {found} and {numeric}");
    }
}

/// The gradient of all of the loss.
fn slopes<M: Model>(network: &M, path: &str, x: &[f32]) -> Vec<f32> {
    mtl_tests::gradients_of(network, trained(network, x, 5).1)[path].clone()
}

/// Gates far from their start.
fn moved<M: Model>(seed: u64) -> M {
    with(network::<M>(seed), |path, shape| {
        path.starts_with("h.gates").then(|| normal(path, shape.iter().product()).iter().map(|z| 0.5 * z).collect())
    })
}

#[test]
fn selectors_share_all_weight_where_each_code_has_an_expert() {
    let x = rows::<Selected>();
    let (weights, _) = gates(&moved::<Selected>(1), &x);
    assert!(weights.iter().all(|weights| (weights.iter().sum::<f64>() - 1.0).abs() < 1e-5), "{weights:?}");
    let (weights, _) = gates(&moved::<SelectedOfThree>(1), &x);
    assert!(weights.iter().all(|weights| weights.iter().sum::<f64>() < 0.999), "{weights:?}");
    // Near the start every bit is a half.
    let (weights, _) = gates(&network::<Selected>(1), &x);
    assert!(weights.concat().iter().all(|weight| (weight - 0.25).abs() < 0.02), "{weights:?}");
    let start = values(&network::<Selected>(1));
    assert!(max_abs(&start["h.gates_codes.weight"]) <= 0.01 && max_abs(&start["h.gates_weights.weight"]) <= 0.05);
}

#[test]
fn sure_selectors_choose_two_experts_at_most() {
    let sure = with(moved::<Selected>(1), |path, shape| {
        let count = shape.iter().product();
        (path == "h.gates_codes.weight").then(|| normal(path, count).iter().map(|z| 1e4 * z).collect())
    });
    // Row by row, so that a mean is a weight.
    for row in rows::<Selected>().chunks(width::<Selected>()) {
        for weights in gates(&sure, row).0 {
            assert!(weights.iter().filter(|weight| **weight > 0.0).count() <= 2, "{weights:?}");
        }
    }
    let (penalties, _) = trained(&sure, &rows::<Selected>(), 0);
    let of = |name: &str| penalties.iter().find(|(known, _)| *known == name).unwrap().1;
    assert!(of("h.gates_entropy").abs() < 1e-4 && of("h.gates_lost") == 0.0, "{penalties:?}");
}

#[test]
fn selectors_are_pulled_to_codes_with_an_expert() {
    let x = rows::<SelectedOfThree>();
    let (penalties, _) = trained(&network::<SelectedOfThree>(1), &x, 0);
    // 4 selectors of 3 experts with a quarter each, and a quarter lost.
    let entropy = 4.0 * 3.0 * 0.25 * 4f32.ln();
    assert_eq!(penalties[0].0, "h.gates_entropy");
    assert_close("entropy", &[penalties[0].1], &[0.5 * entropy], 0.01);
    assert_eq!(penalties[1].0, "h.gates_lost");
    assert_close("lost", &[penalties[1].1], &[4.0 * (1.0 / 0.75 - 1.0)], 0.02);
    check_slopes(|| moved::<SelectedOfThree>(1), "h.gates_codes.weight", &x);
    check_slopes(|| moved::<SelectedOfThree>(1), "h.gates_weights.weight", &x);
}

#[test]
fn noise_is_for_training_alone_and_a_function_of_its_step() {
    let noisy = moved::<NoisyTwo>(1);
    let x = rows::<NoisyTwo>();
    let top: TopTwo = renamed(&noisy, str::to_owned);
    assert_eq!(logits(&noisy, &x), logits(&top, &x));
    let training = |step| numbers(noisy.forward(input::<NoisyTwo>(&x), &Pass::training(3, step)));
    assert_eq!(training(5), training(5));
    assert_ne!(training(5), training(6));
    assert_ne!(training(5), logits(&noisy, &x));
    let start = values(&network::<NoisyTwo>(1));
    assert!(max_abs(&start["h.gates.weight"]) == 0.0 && max_abs(&start["h.gates_noise.weight"]) == 0.0);
    // The start is no dead end.
    assert!(max_abs(&slopes(&network::<NoisyTwo>(1), "h.gates.weight", &x)) > 1e-3);
}

#[test]
fn noisy_gates_have_their_gradients_and_penalties() {
    let x = rows::<NoisyTwo>();
    // Logits so far apart that no difference changes which are the greatest.
    let apart = || {
        with(moved::<NoisyTwo>(1), |path, shape| {
            let count = shape.iter().product();
            (path == "h.gates.weight").then(|| normal("apart", count).iter().map(|z| 3.0 * z).collect())
        })
    };
    check_slopes(apart, "h.gates.weight", &x);
    check_slopes(apart, "h.gates_noise.weight", &x);
    // One expert that takes all rows: sums B, 0 of two kept weights, of which one is 1: coefficient sqrt(3) for each gate.
    let taken = with(network::<NoisyTwo>(1), |path, shape| {
        let count: usize = shape.iter().product();
        Some(match path {
            // The first column of each task's gate, on inputs that are made positive below.
            "h.gates.weight" => (0..count).map(|at| if at % 4 == 0 { 40.0 } else { 0.0 }).collect(),
            "h.gates_noise.weight" => vec![-3.0; count],
            _ => return None,
        })
    });
    let positive: Vec<f32> = x.iter().map(|value| value.abs() + 0.5).collect();
    let (penalties, _) = trained(&taken, &positive, 5);
    assert_eq!(penalties.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["h.gates_importance", "h.gates_load"]);
    assert_close("importance", &[penalties[0].1], &[2.0 * 3.0], 1e-3);
    assert!(penalties[1].1 > 0.1, "{penalties:?}");
}

#[test]
fn gates_are_dropped_in_training_alone() {
    let dense = network::<Dense>(1);
    let dropped: Dropped = renamed(&dense, str::to_owned);
    let x = rows::<Dense>();
    assert_eq!(logits(&dense, &x), logits(&dropped, &x));
    let training = |step| numbers(dropped.forward(input::<Dropped>(&x), &Pass::training(3, step)));
    assert_eq!(training(5), training(5));
    assert_ne!(training(5), training(6));
    assert_ne!(training(5), logits(&dense, &x));
    check_slopes(|| moved::<Dropped>(1), "h.gates.weight", &x);
    // Equal experts are the same whoever is left: what remains has all of the weight.
    let equal = with(network::<Dropped>(1), |path, _| {
        let from = values(&dropped)[path].clone();
        path.starts_with("h.experts_1").then(|| from[..from.len() / 3].repeat(3))
    });
    let found = numbers(equal.forward(input::<Dropped>(&x), &Pass::training(3, 5)));
    assert_close("all of the weight", &found, &logits(&equal, &x), 1e-5);
}
