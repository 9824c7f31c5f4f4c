//! Task-to-task fusion, task-owned embeddings, experts of categories: agreement with PyTorch (`goldens/experts.py`,
//! `goldens/gates.py`), and laws.

use mtl_runtime::mtl;
use mtl_tests::{
    Arrays, ROWS, assert_close, check_golden, golden, gradients, labels, logits, max_abs, network, normal, rows,
    trained, values, width, with,
};

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

#[test]
fn adatt_agrees_with_pytorch() {
    check_golden::<SmallAdatt>(&golden("adatt"), &Arrays::clone);
}

#[test]
fn stem_agrees_with_pytorch() {
    check_golden::<SmallStem>(&golden("stem"), &Arrays::clone);
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

mtl! { model SmallHome {
    features x {
        a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
    }
    task first: binary;
    task second: binary;
    let h = home(x, categories: [[second], [first]], meta: 2 * mlp([4]), shared: 1 * mlp([3]), category: 2 * mlp([3]),
        each: 1 * mlp([3]), rank: 2);
    tower each = mlp(h, [2]);
} }

mtl! { model SmallHomeOfOne {
    features x {
        a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
    }
    task first: binary;
    task second: binary;
    let h = home(x, categories: [[first, second]], meta: 2 * mlp([4]), shared: 1 * mlp([3]), category: 2 * mlp([3]),
        each: 1 * mlp([3]), rank: 2);
    tower each = mlp(h, [2]);
} }

mtl! { model SmallMssm {
    features x {
        a: id(buckets: 9, dim: 1), b: id(buckets: 9, dim: 1), c: id(buckets: 9, dim: 1), d: id(buckets: 9, dim: 1),
        e: id(buckets: 9, dim: 1),
    }
    task first: binary;
    task second: binary;
    let h = mssm(x, layers: [4, 3]);
    tower each = mlp(h, [2]);
} }

#[test]
fn home_agrees_with_pytorch() {
    check_golden::<SmallHome>(&golden("home"), &Arrays::clone);
    check_golden::<SmallHomeOfOne>(&golden("home_of_one_category"), &Arrays::clone);
}

#[test]
fn mssm_with_sure_gates_agrees_with_pytorch() {
    check_golden::<SmallMssm>(&golden("mssm"), &Arrays::clone);
}

mtl! { model Home {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary; task three: binary;
    let h = home(x, categories: [[one, two]], meta: 2 * mlp([4]), shared: 2 * mlp([3]), category: 1 * mlp([3]), each: 2 * mlp([3]));
    tower each = mlp(h, [3]);
} }

#[test]
fn categories_share_no_experts_and_feature_gates_start_at_one() {
    let home = network::<Home>(1);
    let x = rows::<Home>();
    // Task three alone: nothing of the first category moves, the shared experts do.
    let found = gradients(&home, &x, &labels(3), &[1.0; ROWS * 3], &[0.0, 0.0, 1.0]);
    for path in [
        "h.meta_experts_1.weight",
        "h.category_experts_1.weight",
        "h.meta_gates.weight",
        "h.category_feature_up.weight",
    ] {
        let (first, second) = found.of[path].split_at(found.of[path].len() / 2);
        assert_eq!(max_abs(first), 0.0, "{path}");
        assert!(max_abs(second) > 1e-6, "{path}");
    }
    for path in ["h.experts_1.weight", "h.self_gate.weight"] {
        let (others, own) = found.of[path].split_at(found.of[path].len() / 3 * 2);
        assert_eq!(max_abs(others), 0.0, "{path}");
        assert!(max_abs(own) > 1e-6, "{path}");
    }
    for path in ["h.shared_experts_1.weight", "h.meta_shared_experts_1.weight", "h.meta_shared_feature_up.weight"] {
        assert!(max_abs(&found.of[path]) > 1e-6, "{path}");
    }
    // One task of a category moves what both share.
    let found = gradients(&home, &x, &labels(3), &[1.0; ROWS * 3], &[1.0, 0.0, 0.0]);
    let category = &found.of["h.category_experts_1.weight"];
    assert!(max_abs(&category[..category.len() / 2]) > 1e-6 && max_abs(&category[category.len() / 2..]) == 0.0);
    // While the second map is 0, the first one changes nothing: the gate is 1.
    let other = with(network::<Home>(1), |path, shape| {
        path.ends_with("feature_down.weight").then(|| normal(path, shape.iter().product()))
    });
    assert_eq!(logits(&home, &x), logits(&other, &x));
    let gated = with(network::<Home>(1), |path, shape| {
        path.ends_with("feature_up.weight").then(|| normal(path, shape.iter().product()))
    });
    assert_ne!(logits(&home, &x), logits(&gated, &x));
}

#[test]
fn the_outputs_of_normed_experts_do_not_see_the_scale_of_their_weights() {
    let home = network::<Home>(1);
    let scaled = with(network::<Home>(1), |path, _| {
        path.contains("experts_1.").then(|| values(&home)[path].iter().map(|weight| 50.0 * weight).collect())
    });
    let x = rows::<Home>();
    assert_close("logits", &logits(&scaled, &x), &logits(&home, &x), 2e-2);
}

mtl! { model Mssm {
    features x { a: id(buckets: 9, dim: 2), b: id(buckets: 9, dim: 2), c: id(buckets: 9, dim: 2) }
    task one: binary; task two: binary;
    let h = mssm(x, layers: [4, 3]);
    tower each = mlp(h, [2]);
} }

#[test]
fn shut_gates_hide_fields_and_tasks() {
    // Task one reads field a alone, and no unit of task two.
    let network = with(network::<Mssm>(1), |path, _| match path {
        "h.fields_log_alpha.value" => Some(vec![40.0, -40.0, -40.0, 40.0, 40.0, 40.0]),
        "h.cells_2_log_alpha.value" => {
            let gate = |open: bool| [if open { 40.0 } else { -40.0 }; 3];
            Some([gate(true), gate(false), gate(true), gate(true)].concat())
        }
        _ => None,
    });
    let x = rows::<Mssm>();
    let found = gradients(&network, &x, &labels(2), &[1.0; ROWS * 2], &[1.0, 0.0]);
    let reached: Vec<bool> =
        (0..6).map(|column| found.x.iter().skip(column).step_by(6).any(|gradient| *gradient != 0.0)).collect();
    assert_eq!(reached, [true, true, false, false, false, false]);
    for path in ["h.fields.weight", "h.fields_bias.value", "h.cells_2_bias.value"] {
        let (own, other) = found.of[path].split_at(found.of[path].len() / 2);
        assert!(max_abs(own) > 1e-6 && max_abs(other) == 0.0, "{path}");
    }
    let both = gradients(&network, &x, &labels(2), &[1.0; ROWS * 2], &[0.0, 1.0]);
    let fields = &both.of["h.fields.weight"];
    assert!(max_abs(&fields[..fields.len() / 2]) > 1e-6, "task two reads the cells of task one");
}

#[test]
fn open_gates_of_fields_and_units_are_counted() {
    let (penalties, _) = trained(&network::<Mssm>(1), &rows::<Mssm>(), 0);
    // 2 x 3 gates of fields and 4 x 3 of units, each open with probability .8964.
    assert_eq!(penalties[0].0, "h.sparsity");
    assert_close("open", &[penalties[0].1], &[1e-4 * 18.0 * 0.8964], 1e-6);
}
