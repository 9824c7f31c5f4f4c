use burn::tensor::Tensor;
use mtl_data::Rng;
use mtl_data::schema::{Label, Schema, Task, TaskKind};

use super::{Distill, Known, Lesson, Row, Rows, pairs};
use crate::ops::tests::{check_gradient, close, noise, tensor, values};

const LESSONS: [Lesson; 2] = [Lesson { task: 0, helper: 1, score: 2 }, Lesson { task: 1, helper: 0, score: 5 }];
const COLUMNS: usize = 8;

fn distill() -> Distill {
    Distill {
        lessons: LESSONS.to_vec(),
        taught: vec![],
        temperature: 2.0,
        weight: 0.4,
        correct: true,
        margin: -0.3,
        comparisons: 1.0,
        partners: 100,
        warm_up: 0,
    }
}

fn schema() -> Schema {
    let task = |name: &str| Task {
        name: name.into(),
        kind: TaskKind::binary(1.0),
        losses: vec![],
        label: Label::Column(name.into()),
        sample_space: None,
        weight_column: None,
        given: None,
    };
    let tasks = vec![task("click"), task("like")];
    Schema { model: "Test".into(), features: vec![], tasks, group_by: None, scores: Default::default() }
}

/// Rows of every cell, one without a label, one of weight 0.
fn labels(count: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut labels, mut weights) = (Vec::new(), Vec::new());
    for row in 0..count {
        let (a, b) = [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1.0, f32::NAN), (0.0, 0.0), (0.0, 1.0)][row % 7];
        labels.extend([a, b]);
        weights.extend([[1.0, 2.0, 0.5, 1.5, 1.0, 0.0, 1.0][row % 7], [1.0, 1.0, 3.0][row % 3]]);
    }
    (labels, weights)
}

fn rows<'a>(logits: &'a [f32], labels: &'a [f32], weights: &'a [f32]) -> Rows<'a> {
    Rows { logits, columns: COLUMNS, labels, weights, tasks: 2 }
}

fn known<'a>(schema: &'a Schema, labels: &'a [f32], weights: &'a [f32]) -> Known<'a> {
    Known { schema, labels, weights, said: &[] }
}

/// Columns `moved` may move; the others are constants.
fn check(name: &str, moved: &[usize], f: impl Fn(&Tensor<2>, &[f32], &[f32]) -> Tensor<1>) {
    const ROWS: usize = 14;
    let (labels, weights) = labels(ROWS);
    let (base, shape) = noise(11, [1, ROWS, COLUMNS]);
    let columns: Vec<(Vec<f32>, [usize; 3])> = moved
        .iter()
        .map(|column| (base.iter().skip(*column).step_by(COLUMNS).copied().collect::<Vec<f32>>(), [1, ROWS, 1]))
        .collect();
    let loss = |x: Vec<Tensor<3>>| {
        let whole = tensor::<3>(&base, shape);
        let part = |column: usize| match moved.iter().position(|other| *other == column) {
            Some(at) => x[at].clone(),
            None => whole.clone().slice([0..1, 0..ROWS, column..column + 1]),
        };
        let logits = Tensor::cat((0..COLUMNS).map(part).collect(), 2).squeeze_dim::<2>(0);
        f(&logits, &labels, &weights)
    };
    check_gradient(name, &columns, &loss);
    // Nothing reaches the other columns.
    let logits = tensor::<2>(&base, [ROWS, COLUMNS]).require_grad();
    let gradients = f(&logits, &labels, &weights).backward();
    let slopes = logits.grad(&gradients).map(values).unwrap_or_default();
    for (at, slope) in slopes.iter().enumerate() {
        assert!(moved.contains(&(at % COLUMNS)) || *slope == 0.0, "{name}: {at} has slope {slope}");
    }
    assert!(slopes.iter().any(|slope| *slope != 0.0));
}

#[test]
fn each_part_has_the_gradient_of_its_value_along_what_it_trains_and_none_along_the_rest() {
    let part = |at: usize| {
        move |logits: &Tensor<2>, labels: &[f32], weights: &[f32]| {
            distill().teachers(logits, &known(&schema(), labels, weights)).remove(at).1
        }
    };
    check("teacher", &[2], part(0));
    check("calibration", &[3, 4], part(1));
    check("the other teacher", &[5], part(2));
    check("the other calibration", &[6, 7], part(3));
    check("students", &[0, 1], |logits, labels, weights| {
        distill().students(0.4, tensor(&[0.0, 0.0], [2]), logits, &known(&schema(), labels, weights)).sum()
    });
}

#[test]
fn the_teacher_compares_neighbouring_cells() {
    let score = |values: [f32; 4]| -> Vec<f32> {
        values.into_iter().flat_map(|value| [0.0, 0.0, value, 0.0, 0.0, 0.0, 0.0, 0.0]).collect()
    };
    let all = [1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    let cost = |logits: &[f32], labels: &[f32]| LESSONS[0].teach(&rows(logits, labels, &[1.0; 8]), 100).value;
    let softplus = |x: f64| x.exp().ln_1p();
    let found = cost(&score([3.0, 1.0, 0.5, 2.0]), &all);
    assert!((found - (softplus(-2.0) + softplus(-0.5) + softplus(1.5))).abs() < 1e-9);
    assert!(cost(&score([300.0, 200.0, 100.0, 0.0]), &all) < 1e-9, "wide gaps in the right order");
    // Without the task's cell alone, both stand above the helper's alone.
    let without = [1.0, 1.0, f32::NAN, 0.0, 0.0, 1.0, 0.0, 0.0];
    let found = cost(&score([3.0, 1.0, 0.5, 2.0]), &without);
    assert!((found - (softplus(-2.5) + softplus(1.5))).abs() < 1e-9);
    assert_eq!(cost(&score([3.0, 1.0, 0.5, 2.0]), &[f32::NAN; 8]), 0.0);
}

#[test]
fn the_helper_and_the_task_swapped_are_the_other_teacher() {
    let (logits, _) = noise(5, [1, 14, COLUMNS]);
    let (labels, _) = labels(14);
    let swapped = |values: &[f32]| values.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect::<Vec<f32>>();
    let other = Lesson { task: 1, helper: 0, score: 2 };
    let weights = vec![1.0; 28];
    let here = LESSONS[0].teach(&rows(&logits, &labels, &weights), 3);
    let there = other.teach(&rows(&logits, &swapped(&labels), &weights), 3);
    assert_eq!((here.value, here.slopes), (there.value, there.slopes));
}

#[test]
fn a_corrected_label_is_on_its_side_of_the_margin() {
    let mut rng = Rng::new(3);
    let distill = distill();
    let plain = Distill { correct: false, ..distill.clone() };
    let mut moved = 0;
    for _ in 0..200 {
        let logits: Vec<f32> = (0..COLUMNS).map(|_| rng.normal() as f32).collect();
        let of = |distill: &Distill, label: f64| {
            distill.corrected(&LESSONS[0], &Row { at: 0, logits: &logits, label, share: 1.0 })
        };
        let (positive, negative) = (of(&distill, 1.0), of(&distill, 0.0));
        let free = LESSONS[0].calibrated(&logits);
        assert!(positive >= distill.margin && negative <= distill.margin);
        assert_eq!((positive, negative), (free.max(-0.3), free.min(-0.3)));
        assert_eq!((of(&plain, 1.0), of(&plain, 0.0)), (free, free));
        moved += usize::from(positive != free);
    }
    assert!(moved > 20);
}

#[test]
fn calibration_keeps_the_order_and_starts_as_the_score_itself() {
    let mut logits = [0.0f32; COLUMNS];
    logits[2] = 1.7;
    assert!((LESSONS[0].calibrated(&logits) - 1.7).abs() < 1e-6);
    for raw in [-50.0, -3.0, -0.1, 0.0, 0.2, 40.0] {
        logits[3] = raw;
        assert!(LESSONS[0].calibration(&logits)[0] > 0.0, "{raw}");
    }
}

#[test]
fn without_a_share_losses_are_what_they_were() {
    let (logits, _) = noise(5, [1, 7, COLUMNS]);
    let (labels, weights) = labels(7);
    let (numbers, logits) = (logits.clone(), tensor::<2>(&logits, [7, COLUMNS]));
    let losses = || tensor::<1>(&[0.5, 0.7], [2]);
    let schema = schema();
    let known = &known(&schema, &labels, &weights);
    let found = distill().students(0.0, losses(), &logits, known);
    assert_eq!(values(found), [0.5, 0.7]);
    // A task without a teacher keeps its loss; the others keep what teachers leave.
    let one = Distill { lessons: vec![LESSONS[0]], ..distill() };
    let found = values(one.students(0.25, losses(), &logits, known));
    let soft = one.student(&LESSONS[0], 1.0, &rows(&numbers, &labels, &weights)).value as f32;
    close("losses", &found, &[0.75 * 0.5 + 0.25 * soft, 0.7], 1e-6);
    // Two teachers of one task have the share together.
    let two = Distill { lessons: vec![LESSONS[0]; 2], ..distill() };
    close("two teachers", &values(two.students(0.25, losses(), &logits, known)), &found, 1e-6);
}

#[test]
fn the_share_grows_over_the_first_epochs() {
    let grows = Distill { warm_up: 2, ..distill() };
    assert_eq!([0, 1, 2, 3].map(|epoch| grows.share(epoch)), [0.0, 0.2, 0.4, 0.4]);
    assert_eq!(distill().share(0), 0.4);
}

#[test]
fn pairs_are_all_of_them_or_so_many_for_each_row_of_the_larger_side() {
    let found = |better, worse, partners| {
        let mut found = Vec::new();
        pairs(better, worse, partners, |i, j| found.push((i, j)));
        found.sort_unstable();
        found
    };
    assert_eq!(found(2, 3, 9), [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
    assert_eq!(found(2, 3, 1), [(0, 0), (0, 2), (1, 1)]);
    assert_eq!(found(3, 1, 4), [(0, 0), (1, 0), (2, 0)]);
    assert!(found(0, 3, 4).is_empty());
}

#[test]
fn numbers_out_of_range_are_problems() {
    let wrong = [
        Distill { temperature: 0.0, ..distill() },
        Distill { weight: 1.5, ..distill() },
        Distill { margin: f64::NAN, ..distill() },
        Distill { comparisons: 0.0, ..distill() },
        Distill { partners: 0, ..distill() },
    ];
    for (wrong, name) in wrong.iter().zip(["temperature", "weight", "margin", "comparisons", "partners"]) {
        assert!(wrong.problem().is_some_and(|problem| problem.contains(name)), "{name}");
    }
    assert_eq!(distill().problem(), None);
}

#[test]
fn teachers_are_reported_by_name() {
    let (logits, _) = noise(5, [1, 7, COLUMNS]);
    let (labels, weights) = labels(7);
    let found = distill().teachers(&tensor(&logits, [7, COLUMNS]), &known(&schema(), &labels, &weights));
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["teacher.click>like", "calibration.click>like", "teacher.like>click", "calibration.like>click"]);
}
