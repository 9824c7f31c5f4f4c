use burn::tensor::Tensor;
use mtl_data::schema::{Label, RegressionLoss, Schema, Task, TaskKind, Transform};

use super::masked::Masked;
use super::{Objective, portable, prediction_names, predictions, task_losses};
use crate::ops::tests::{check_gradient, check_same, close, gradient, noise, tensor, values};

mod classes;
mod heads;
mod lists;
mod ordinal;
mod pairwise;
mod ziln;

const BINARY: TaskKind = TaskKind::binary(1.0);
const WEIGHTED: TaskKind = TaskKind::binary(3.0);
const MSE: TaskKind = TaskKind::Regression { transform: Transform::None, loss: RegressionLoss::Mse };
const HUBER: TaskKind =
    TaskKind::Regression { transform: Transform::Log1p, loss: RegressionLoss::Huber { delta: 0.75 } };

fn schema(tasks: &[(&str, TaskKind, Option<usize>)]) -> Schema {
    let task = |&(name, kind, given): &(&str, TaskKind, Option<usize>)| Task {
        name: name.into(),
        kind,
        label: Label::Column(name.into()),
        sample_space: None,
        weight_column: None,
        given,
        losses: vec![],
    };
    let tasks = tasks.iter().map(task).collect();
    Schema { model: "Test".into(), features: vec![], tasks, group_by: None, scores: Default::default() }
}

fn esmm() -> Schema {
    schema(&[("click", BINARY, None), ("buy", BINARY, Some(0))])
}

/// A schema with every kind of task, and `rows` rows of labels and weights of which some are masked.
fn mixed(rows: usize) -> (Schema, Vec<f32>, Vec<f32>) {
    let schema = schema(&[
        ("click", WEIGHTED, None),
        ("cart", BINARY, Some(0)),
        ("buy", WEIGHTED, Some(1)),
        ("rating", MSE, None),
        ("watch", HUBER, None),
    ]);
    let (mut labels, mut weights) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let click = [0.0, 1.0, 0.3][row % 3];
        labels.extend([click, 1.0 - click, click * 0.5, 2.5 - row as f32, 7.0 * row as f32]);
        weights.extend([1.0, 2.0, 0.5, 1.5, 1.0]);
    }
    labels[1] = f32::NAN;
    weights[5] = 0.0;
    (schema, labels, weights)
}

fn losses(schema: &Schema, logits: &[f32], labels: &[f32], weights: &[f32]) -> Vec<f32> {
    let tasks = schema.tasks.len();
    values(task_losses(schema, tensor(logits, [logits.len() / tasks, tasks]), labels, weights))
}

fn slopes(schema: &Schema, logits: &[f32], labels: &[f32], weights: &[f32]) -> Vec<f32> {
    let tasks = schema.tasks.len();
    let logits = tensor::<2>(logits, [logits.len() / tasks, tasks]).require_grad();
    let grads = task_losses(schema, logits.clone(), labels, weights).sum().backward();
    values(logits.grad(&grads).expect("a leaf"))
}

#[test]
fn gradients_in_both_forms() {
    let (schema, labels, weights) = mixed(6);
    let matrix = |x: &[Tensor<3>]| x[0].clone().squeeze_dim::<2>(0);
    let kernel = |x: Vec<Tensor<3>>| task_losses(&schema, matrix(&x), &labels, &weights);
    let masked = Masked::new(Objective::parts(&schema), schema.tasks.len(), &labels, &weights, &[]);
    let tensors = |x: Vec<Tensor<3>>| portable::losses(&masked, matrix(&x));
    let inputs = [noise(7, [1, 6, 5])];
    check_gradient("losses", &inputs, &kernel);
    check_gradient("losses, portable", &inputs, &tensors);
    check_same("losses", &inputs, &kernel, &tensors);
}

#[test]
fn known_values() {
    let one = |kind, z, y| losses(&schema(&[("a", kind, None)]), &[z], &[y], &[1.0])[0];
    close("even odds", &[one(BINARY, 0.0, 1.0)], &[std::f32::consts::LN_2], 1e-7);
    close("soft label", &[one(BINARY, 0.0, 0.5)], &[std::f32::consts::LN_2], 1e-7);
    close("pos_weight", &[one(WEIGHTED, 0.0, 1.0)], &[3.0 * std::f32::consts::LN_2], 1e-7);
    close("squared error", &[one(MSE, 1.5, -0.5)], &[4.0], 1e-7);
    // log1p(e - 1) = 1: an error of 0.5 inside delta, one of 2 outside.
    let label = std::f32::consts::E - 1.0;
    close("huber", &[one(HUBER, 1.5, label), one(HUBER, 3.0, label)], &[0.125, 0.75 * (2.0 - 0.375)], 1e-6);
}

#[test]
fn the_chain_of_esmm() {
    let schema = esmm();
    assert_eq!(prediction_names(&schema), ["click", "buy", "buy | click"]);
    close("predictions", &predictions(&schema, &[0.5, -1.0]), &[0.622459, 0.167405, 0.268941], 1e-6);
    let logits = [0.5, -1.0];
    close("bought", &losses(&schema, &logits, &[1.0, 1.0], &[1.0, 1.0]), &[0.474077, 1.7873387], 1e-6);
    close("not bought", &losses(&schema, &logits, &[1.0, 0.0], &[0.0, 1.0]), &[0.0, 0.1832081], 1e-6);
    // d/dlogit = p (1 - sigma) / (1 - p): a row without a purchase pushes both probabilities down.
    close("slopes", &slopes(&schema, &logits, &[0.0, 0.0], &[0.0, 1.0]), &[0.0759099, 0.1469898], 1e-6);
}

#[test]
fn a_certain_purchase_leaves_the_click() {
    // With P(buy | click) = 1 the loss of the chain is that of the click.
    let schema = esmm();
    for (z, y) in [(0.7, 1.0), (0.7, 0.0), (-2.0, 1.0), (-2.0, 0.0)] {
        let both = losses(&schema, &[z, 1e4], &[y, y], &[1.0, 1.0]);
        close("losses", &both[..1], &both[1..], 1e-6);
    }
}

#[test]
fn extreme_logits_give_exact_losses_and_finite_slopes() {
    let schema = schema(&[("click", BINARY, None), ("cart", BINARY, Some(0)), ("buy", BINARY, Some(1))]);
    for signs in 0..27 {
        let sign = |place: usize| [-1e4f32, 0.0, 1e4][signs / 3usize.pow(place as u32) % 3];
        let logits = [sign(0), sign(1), sign(2)];
        for y in [0.0, 0.5, 1.0] {
            let losses = losses(&schema, &logits, &[y; 3], &[1.0; 3]);
            let slopes = slopes(&schema, &logits, &[y; 3], &[1.0; 3]);
            assert!(losses.iter().all(|loss| loss.is_finite() && *loss >= 0.0), "{logits:?} {y}: {losses:?}");
            assert!(slopes.iter().all(|slope| slope.abs() <= 3.0), "{logits:?} {y}: {slopes:?}");
        }
    }
    let esmm = esmm();
    close("impossible", &losses(&esmm, &[-1e4, -1e4], &[1.0, 1.0], &[1.0, 1.0]), &[1e4, 2e4], 1e-7);
    // 1 - p is twice e^-10000.
    let certain = losses(&esmm, &[1e4, 1e4], &[0.0, 0.0], &[1.0, 1.0]);
    close("certain", &certain, &[1e4, 1e4 - std::f32::consts::LN_2], 1e-7);
    close("slopes", &slopes(&esmm, &[1e4, 1e4], &[0.0, 0.0], &[0.0, 1.0]), &[0.5, 0.5], 1e-4);
}

#[test]
fn masked_is_filtered() {
    let (schema, labels, weights) = mixed(6);
    let (logits, _) = noise(3, [1, 6, 5]);
    let all = losses(&schema, &logits, &labels, &weights);
    for t in 0..5 {
        let kept = |row: &usize| !labels[row * 5 + t].is_nan() && weights[row * 5 + t] != 0.0;
        let rows: Vec<usize> = (0..6).filter(kept).collect();
        let pick = |from: &[f32]| -> Vec<f32> { rows.iter().flat_map(|row| from[row * 5..][..5].to_vec()).collect() };
        let filtered = losses(&schema, &pick(&logits), &pick(&labels), &pick(&weights));
        close(&format!("task {t}"), &all[t..=t], &filtered[t..=t], 1e-6);
    }
}

#[test]
fn a_masked_label_is_never_read() {
    let (schema, mut labels, weights) = mixed(6);
    let (logits, _) = noise(3, [1, 6, 5]);
    let before = (losses(&schema, &logits, &labels, &weights), slopes(&schema, &logits, &labels, &weights));
    labels[5] = 1e30;
    assert_eq!(before.0, losses(&schema, &logits, &labels, &weights));
    assert_eq!(before.1, slopes(&schema, &logits, &labels, &weights));
}

#[test]
fn a_task_without_labels_has_no_loss_and_no_slope() {
    let (schema, mut labels, weights) = mixed(6);
    (0..6).for_each(|row| labels[row * 5 + 3] = f32::NAN);
    let (logits, _) = noise(3, [1, 6, 5]);
    assert_eq!(losses(&schema, &logits, &labels, &weights)[3], 0.0);
    let slopes = slopes(&schema, &logits, &labels, &weights);
    assert!((0..6).all(|row| slopes[row * 5 + 3] == 0.0 && slopes[row * 5 + 4] != 0.0));
    assert_eq!(losses(&schema, &logits, &[f32::NAN; 30], &weights), [0.0; 5]);
}

#[test]
fn weights_are_shares_of_a_mean() {
    let schema = schema(&[("a", BINARY, None)]);
    let (logits, labels) = ([0.3, -1.0, 2.0], [1.0, 0.0, 0.0]);
    let weighted = losses(&schema, &logits, &labels, &[2.0, 1.0, 1.0]);
    let repeated = losses(&schema, &[0.3, 0.3, -1.0, 2.0], &[1.0, 1.0, 0.0, 0.0], &[1.0; 4]);
    close("weight 2 is twice", &weighted, &repeated, 1e-6);
    let scaled = losses(&schema, &logits, &labels, &[14.0, 7.0, 7.0]);
    close("scale", &weighted, &scaled, 1e-6);
}

#[test]
fn a_regression_is_predicted_in_its_own_unit() {
    let schema = schema(&[("rating", MSE, None), ("watch", HUBER, None)]);
    close("predictions", &predictions(&schema, &[1.5, 1.0]), &[1.5, std::f32::consts::E - 1.0], 1e-6);
}

#[test]
fn products_never_exceed_their_factors() {
    let schema = schema(&[("click", BINARY, None), ("cart", BINARY, Some(0)), ("buy", BINARY, Some(1))]);
    assert_eq!(prediction_names(&schema), ["click", "cart", "cart | click", "buy", "buy | cart"]);
    let (logits, _) = noise(9, [1, 50, 3]);
    for row in predictions(&schema, &logits).chunks(5) {
        assert!(row.iter().all(|p| (0.0..=1.0).contains(p)));
        assert!(row[1] <= row[0].min(row[2]) && row[3] <= row[1].min(row[4]), "{row:?}");
    }
}

#[test]
fn the_purchase_tower_learns_from_every_impression() {
    // No click, no purchase: the gradient of the conditional logit is P(buy) times what is left, not zero.
    let grads = gradient(&[(vec![0.0, 0.0], [1, 1, 2])], &|x| {
        task_losses(&esmm(), x[0].clone().squeeze_dim::<2>(0), &[0.0, 0.0], &[0.0, 1.0])
    });
    assert!(grads[0].iter().all(|slope| slope.abs() > 0.01), "{grads:?}");
}
