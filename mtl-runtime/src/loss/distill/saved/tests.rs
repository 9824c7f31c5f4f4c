use burn::tensor::Tensor;
use mtl_data::schema::{Label, RegressionLoss, Schema, Task, TaskKind, Transform};

use super::super::{Distill, Known, Lesson};
use super::{odds, said};
use crate::ops::tests::{check_gradient, close, noise, tensor, values};

const TASKS: usize = 3;
const ROWS: usize = 6;

/// A click, a purchase after it, and a number.
fn schema() -> Schema {
    let task = |name: &str, kind: TaskKind, given: Option<usize>| Task {
        name: name.into(),
        kind,
        losses: vec![],
        label: Label::Column(name.into()),
        sample_space: None,
        weight_column: None,
        given,
    };
    let number = TaskKind::Regression { transform: Transform::Log1p, loss: RegressionLoss::Mse };
    let tasks = vec![
        task("click", TaskKind::binary(1.0), None),
        task("buy", TaskKind::binary(1.0), Some(0)),
        task("watch", number, None),
    ];
    Schema { model: "Test".into(), features: vec![], tasks, group_by: None, scores: Default::default() }
}

fn distill(taught: &[usize]) -> Distill {
    Distill {
        lessons: vec![],
        taught: taught.to_vec(),
        temperature: 2.5,
        weight: 0.4,
        correct: false,
        margin: 0.0,
        comparisons: 1.0,
        partners: 1,
        warm_up: 0,
    }
}

/// Losses of 0, so that the teacher's part is seen alone.
fn taught(distill: &Distill, logits: &Tensor<2>, labels: &[f32], weights: &[f32], said: &[f32]) -> Tensor<1> {
    let known = Known { schema: &schema(), labels, weights, said };
    distill.students(1.0, tensor(&[0.0; TASKS], [TASKS]), logits, &known)
}

#[test]
fn the_gradient_is_that_of_the_value() {
    let (base, _) = noise(3, [1, ROWS, TASKS]);
    let (said, _) = noise(4, [1, ROWS, 2]);
    let mut weights = vec![1.0; ROWS * TASKS];
    (weights[1], weights[5]) = (2.0, 0.0);
    for tasks in [[0, 1], [1, 2], [2, 0]] {
        let loss = |x: Vec<Tensor<3>>| {
            let logits = x[0].clone().squeeze_dim::<2>(0);
            taught(&distill(&tasks), &logits, &[1.0; ROWS * TASKS], &weights, &said).sum()
        };
        check_gradient("a saved teacher", &[(base.clone(), [1, ROWS, TASKS])], &loss);
    }
}

#[test]
fn what_is_least_is_what_the_teacher_says() {
    let logits = [0.3f32, -1.2, 0.8, -2.0, 0.1, 3.0];
    let own = said(&schema(), &[0, 1, 2], &logits, TASKS);
    assert_eq!([own[0], own[2], own[3], own[5]], [0.3, 0.8, -2.0, 3.0]);
    assert!(own[1] < -1.2, "a product is less than its factors: {}", own[1]);
    let tensor = tensor::<2>(&logits, [2, TASKS]).require_grad();
    let loss = taught(&distill(&[0, 1, 2]), &tensor, &[1.0; 6], &[1.0; 6], &own);
    let slopes = values(tensor.grad(&loss.sum().backward()).unwrap());
    assert!(slopes.iter().all(|slope| slope.abs() < 1e-6), "{slopes:?}");
}

#[test]
fn a_temperature_leaves_the_size_of_small_slopes() {
    // Near 0 a sigmoid is a line: tau^2 makes up for both divisions.
    let logits = || tensor::<2>(&[0.02, 0.0, 0.0], [1, TASKS]).require_grad();
    let slope = |temperature: f64| {
        let (logits, distill) = (logits(), Distill { temperature, ..distill(&[0]) });
        let loss = taught(&distill, &logits, &[1.0; 3], &[1.0; 3], &[-0.02]);
        values(logits.grad(&loss.sum().backward()).unwrap())[0]
    };
    close("slopes", &[slope(1.0), slope(4.0)], &[0.01, 0.01], 1e-3);
}

#[test]
fn rows_without_a_label_count_nowhere_and_extremes_are_finite() {
    let logits = tensor::<2>(&[1e4, -1e4, 3e3, -1e4, 1e4, -3e3], [2, TASKS]).require_grad();
    let loss = taught(&distill(&[0, 1, 2]), &logits, &[1.0; 6], &[1.0; 6], &[-1e4, 1e4, -3e3, 1e4, -1e4, 3e3]);
    let found = values(loss.clone());
    let slopes = values(logits.grad(&loss.sum().backward()).unwrap());
    assert!(found.iter().chain(&slopes).all(|value| value.is_finite()), "{found:?} {slopes:?}");
    let logits = tensor::<2>(&[0.5; 6], [2, TASKS]).require_grad();
    let labels = [f32::NAN, 1.0, 1.0, 1.0, 1.0, 1.0];
    let of = |first: f32| values(taught(&distill(&[0]), &logits, &labels, &[1.0; 6], &[first, 0.5]));
    assert_eq!(of(5.0), of(-5.0));
    assert_eq!(odds(&[0], &[1e4]), (1e4, -1e4));
}

#[test]
fn all_teachers_of_a_task_have_its_share_together() {
    let schema = schema();
    let (numbers, _) = noise(6, [1, ROWS, 6]);
    let logits = tensor::<2>(&numbers, [ROWS, 6]);
    let (labels, weights) = (vec![1.0; ROWS * TASKS], vec![1.0; ROWS * TASKS]);
    let said = vec![0.7; ROWS];
    let known = Known { schema: &schema, labels: &labels, weights: &weights, said: &said };
    let of = |distill: &Distill| values(distill.students(0.5, tensor(&[2.0; TASKS], [TASKS]), &logits, &known));
    let lesson = Lesson { task: 0, helper: 1, score: 3 };
    let (pair, saved) = (Distill { lessons: vec![lesson], ..distill(&[]) }, distill(&[0]));
    let both = Distill { lessons: vec![lesson], ..distill(&[0]) };
    let (pair, saved, both) = (of(&pair), of(&saved), of(&both));
    close("the mean of both", &both[..1], &[(pair[0] + saved[0]) / 2.0], 1e-6);
    assert_eq!(both[1..], [2.0, 2.0]);
}
