//! Laws of hard sharing, MMoE and PLE that hold for the generated networks: what equals what, and which gradient arrives where.

use mtl_runtime::{Model, mtl};
use mtl_tests::{ROWS, assert_close, gradients, labels, logits, max_abs, network, rows, values, with};

fn ones(tasks: usize) -> Vec<f32> {
    vec![1.0; ROWS * tasks]
}

mtl! { model Hard {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mlp(x, [5, 4]);
    tower each = mlp(h, [3]);
} }

mtl! { model HardSwapped {
    features x { a: number, b: number, c: number }
    task two: binary; task one: binary;
    let h = mlp(x, [5, 4]);
    tower each = mlp(h, [3]);
} }

mtl! { model HardAlone {
    features x { a: number, b: number, c: number }
    task one: binary;
    let h = mlp(x, [5, 4]);
    tower each = mlp(h, [3]);
} }

mtl! { model Plain {
    features x { a: number, b: number, c: number }
    task one: binary;
    tower one = mlp(x, [5, 4, 3]);
} }

#[test]
fn one_task_of_a_shared_bottom_is_a_plain_network() {
    let shared = network::<HardAlone>(1);
    let from = values(&shared);
    let plain = with(network::<Plain>(2), |path, _| {
        let (layer, part) = path.trim_start_matches("tower_one.").split_once('.').unwrap();
        let path = match layer {
            "hidden_1" | "hidden_2" => format!("h.{layer}.{part}"),
            "hidden_3" => format!("tower_each.hidden_1.{part}"),
            _ => format!("tower_each.{layer}.{part}"),
        };
        Some(from[&path].clone())
    });
    let x = rows::<Plain>();
    assert_eq!(logits(&shared, &x), logits(&plain, &x));
}

#[test]
fn the_order_of_tasks_moves_no_start_and_no_shared_gradient() {
    let (hard, swapped) = (network::<Hard>(1), network::<HardSwapped>(1));
    let x = rows::<Hard>();
    let transposed = |values: Vec<f32>| -> Vec<f32> { values.chunks(2).flat_map(|row| [row[1], row[0]]).collect() };
    assert_eq!(logits(&hard, &x), transposed(logits(&swapped, &x)));
    let a = gradients(&hard, &x, &labels(2), &ones(2), &[1.0, 2.0]);
    let b = gradients(&swapped, &x, &transposed(labels(2)), &ones(2), &[2.0, 1.0]);
    for path in ["h.hidden_1.weight", "h.hidden_2.weight", "h.hidden_2.bias"] {
        assert_close(path, &a.of[path], &b.of[path], 1e-6);
    }
}

#[test]
fn removing_a_task_moves_no_other_start() {
    let (all, alone) = (values(&network::<Hard>(1)), values(&network::<HardAlone>(1)));
    for (path, start) in &alone {
        assert_eq!(all[path][..start.len()], start[..], "{path}");
    }
}

#[test]
fn a_task_of_weight_zero_or_without_labels_gets_no_gradient_and_gives_none() {
    let (hard, alone) = (network::<Hard>(1), network::<HardAlone>(1));
    let x = rows::<Hard>();
    let first: Vec<f32> = labels(2).chunks(2).map(|row| row[0]).collect();
    let single = gradients(&alone, &x, &first, &ones(1), &[1.0]);
    let masked: Vec<f32> = (0..ROWS).flat_map(|_| [1.0, 0.0]).collect();
    for (weights, task_weights) in [(ones(2), [1.0, 0.0]), (masked, [1.0, 1.0])] {
        let found = gradients(&hard, &x, &labels(2), &weights, &task_weights);
        assert!(found.losses.iter().all(|loss| loss.is_finite()));
        for (path, gradient) in &found.of {
            let (own, others) = if path.starts_with("tower") {
                gradient.split_at(gradient.len() / 2)
            } else {
                (&gradient[..], &[][..])
            };
            assert_close(path, own, &single.of[path], 1e-6);
            assert_eq!(max_abs(others), 0.0, "{path}");
        }
    }
}

#[test]
fn a_task_in_two_halves_is_the_task() {
    let alone = network::<HardAlone>(1);
    let from = values(&alone);
    let twice = with(network::<Hard>(1), |path, _| {
        Some(match path.starts_with("tower") {
            true => from[path].repeat(2),
            false => from[path].clone(),
        })
    });
    let x = rows::<Hard>();
    let first: Vec<f32> = labels(2).chunks(2).map(|row| row[0]).collect();
    let both: Vec<f32> = first.iter().flat_map(|&label| [label, label]).collect();
    let (a, b) = (gradients(&alone, &x, &first, &ones(1), &[1.0]), gradients(&twice, &x, &both, &ones(2), &[0.5, 0.5]));
    for path in ["h.hidden_1.weight", "h.hidden_2.weight"] {
        assert_close(path, &b.of[path], &a.of[path], 1e-6);
    }
}

mtl! { model Mixture {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mmoe(x, experts: 3 * mlp([4]));
    tower each = mlp(h, [3]);
} }

mtl! { model OneGate {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = moe(x, experts: 3 * mlp([4]));
    tower each = mlp(h, [3]);
} }

/// Both gates of `Mixture` equal to the one of `OneGate`, and everything else the same.
fn tied() -> (Mixture, OneGate) {
    let one = network::<OneGate>(1);
    let from = values(&one);
    let mixture = with(network::<Mixture>(1), |path, shape| {
        Some(match path {
            "h.gates.weight" => from["h.gate.weight"].repeat(shape[0]),
            _ => from[path].clone(),
        })
    });
    (mixture, one)
}

#[test]
fn mmoe_with_tied_gates_is_one_gate() {
    let (mixture, one) = tied();
    let x = rows::<Mixture>();
    assert_close("logits", &logits(&mixture, &x), &logits(&one, &x), 1e-6);
    let a = gradients(&mixture, &x, &labels(2), &ones(2), &[1.0, 1.0]);
    let b = gradients(&one, &x, &labels(2), &ones(2), &[1.0, 1.0]);
    let (first, second) = a.of["h.gates.weight"].split_at(a.of["h.gates.weight"].len() / 2);
    let sum: Vec<f32> = first.iter().zip(second).map(|(a, b)| a + b).collect();
    assert_close("the gate's gradient is the sum over tasks", &sum, &b.of["h.gate.weight"], 1e-6);
    assert_close("experts", &a.of["h.experts_1.weight"], &b.of["h.experts_1.weight"], 1e-6);
}

#[test]
fn a_gate_of_zeros_averages_and_equal_experts_need_no_gate() {
    let x = rows::<Mixture>();
    let equal = with(network::<Mixture>(1), |path, shape| {
        let now = &values(&network::<Mixture>(1))[path];
        path.starts_with("h.experts").then(|| now[..now.len() / shape[0]].repeat(shape[0]))
    });
    let averaged =
        with(equal.clone(), |path, shape| (path == "h.gates.weight").then(|| vec![0.0; shape.iter().product()]));
    assert_close("equal experts", &logits(&equal, &x), &logits(&averaged, &x), 1e-6);
    let found = gradients(&equal, &x, &labels(2), &ones(2), &[1.0, 1.0]);
    assert!(max_abs(&found.of["h.gates.weight"]) < 1e-7, "a gate over equal experts has no gradient");
}

#[test]
fn the_order_of_experts_does_not_matter() {
    let mixture = network::<Mixture>(1);
    let from = values(&mixture);
    let reversed = with(mixture.clone(), |path, shape| {
        let now = &from[path];
        match path {
            "h.gates.weight" => Some(now.chunks(shape[2]).flat_map(|row| row.iter().rev().copied()).collect()),
            path if path.starts_with("h.experts") => {
                Some(now.chunks(now.len() / shape[0]).rev().flatten().copied().collect())
            }
            _ => None,
        }
    });
    let x = rows::<Mixture>();
    assert_close("logits", &logits(&reversed, &x), &logits(&mixture, &x), 1e-6);
}

#[test]
fn no_two_experts_start_alike() {
    let all = values(&network::<Mixture>(1));
    let experts: Vec<&[f32]> = all["h.experts_1.weight"].chunks(all["h.experts_1.weight"].len() / 3).collect();
    assert!(experts[0] != experts[1] && experts[1] != experts[2] && experts[0] != experts[2]);
}

mtl! { model Progressive {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = ple(x, levels: [
        level(shared: 1 * mlp([4]), each: 1 * mlp([4])),
        level(shared: 1 * mlp([4]), each: 1 * mlp([4])),
    ]);
    tower each = mlp(h, [3]);
} }

mtl! { model OneLevel {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = ple(x, levels: [level(shared: 2 * mlp([4]), each: 1 * mlp([4]))]);
    tower each = mlp(h, [3]);
} }

mtl! { model Customized {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = cgc(x, shared: 2 * mlp([4]), each: 1 * mlp([4]));
    tower each = mlp(h, [3]);
} }

mtl! { model SharedOnly {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = cgc(x, shared: 3 * mlp([4]));
    tower each = mlp(h, [3]);
} }

mtl! { model OwnOnly {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = cgc(x, each: 2 * mlp([4]));
    tower each = mlp(h, [3]);
} }

/// `to` with the parameters of `from`, which come in the same order and shapes under other names.
fn in_order<A: Model, B: Model>(from: &A, to: B) -> B {
    let mut from = mtl_runtime::parameters::parameters(from).into_iter();
    with(to, |path, shape| {
        let parameter = from.next().expect("as many parameters");
        assert_eq!(parameter.shape, shape, "{path}");
        Some(parameter.values)
    })
}

#[test]
fn one_level_of_ple_is_cgc() {
    let ple = network::<OneLevel>(1);
    let cgc = in_order(&ple, network::<Customized>(2));
    let x = rows::<OneLevel>();
    assert_eq!(logits(&ple, &x), logits(&cgc, &x));
}

#[test]
fn cgc_without_own_experts_is_mmoe() {
    let mixture = network::<Mixture>(1);
    let cgc = in_order(&mixture, network::<SharedOnly>(2));
    let x = rows::<Mixture>();
    assert_close("logits", &logits(&cgc, &x), &logits(&mixture, &x), 1e-6);
}

/// The largest gradient of each member of a group, for the loss of one task.
fn members<M: Model>(path: &str, count: usize, task: usize) -> Vec<f32> {
    let mut weights = [0.0; 2];
    weights[task] = 1.0;
    let found = gradients(&network::<M>(1), &rows::<M>(), &labels(2), &ones(2), &weights);
    let gradient = &found.of[path];
    gradient.chunks(gradient.len() / count).map(max_abs).collect()
}

#[test]
fn without_shared_experts_tasks_do_not_touch() {
    let found = members::<OwnOnly>("h.own_1.weight", 4, 0);
    assert!(found[0] > 0.0 && found[1] > 0.0 && found[2] == 0.0 && found[3] == 0.0, "{found:?}");
}

#[test]
fn own_experts_hear_other_tasks_below_the_last_level_only() {
    // Members: own of one, own of two, shared.
    let first = members::<Progressive>("h.level_1_experts_1.weight", 3, 0);
    assert!(first.iter().all(|gradient| *gradient > 0.0), "through the shared stream's gate: {first:?}");
    let last = members::<Progressive>("h.level_2_experts_1.weight", 3, 0);
    assert!(last[0] > 0.0 && last[1] == 0.0 && last[2] > 0.0, "{last:?}");
}

mtl! { model Chain {
    features x { a: number, b: number, c: number }
    task click: binary; task buy: binary given click;
    tower each = mlp(x, [4]);
} }

#[test]
fn a_chain_learns_its_last_task_from_rows_without_the_first() {
    let chain = network::<Chain>(1);
    let x = rows::<Chain>();
    let nothing = vec![0.0; ROWS * 2];
    let found = gradients(&chain, &x, &nothing, &ones(2), &[0.0, 1.0]);
    let bias = &found.of["tower_each.output.bias"];
    assert!(bias[0] > 0.0 && bias[1] > 0.0, "rows without a click push both probabilities down: {bias:?}");
    let predictions = mtl_runtime::loss::predictions(&Chain::schema(&Chain::default_config()), &logits(&chain, &x));
    for row in predictions.chunks(3) {
        assert!(row[1] <= row[0] && row[1] <= row[2] && row[1] > 0.0 && row[0] < 1.0, "{row:?}");
        assert!((row[1] - row[0] * row[2]).abs() < 1e-6);
    }
}
