use burn::tensor::Tensor;
use mtl_data::Rng;
use mtl_data::schema::{Label, Schema, Task, TaskKind};

use super::{Estimator, Term};
use crate::ops::tests::{check_gradient, close, gradient, noise, tensor, values};

/// Click, and a purchase given the click; and a like beside them.
fn schema() -> Schema {
    let task = |name: &str, given| Task {
        name: name.into(),
        kind: TaskKind::binary(1.0),
        label: Label::Column(name.into()),
        sample_space: None,
        weight_column: None,
        given,
        losses: vec![],
    };
    let tasks = vec![task("click", None), task("buy", Some(0)), task("like", None)];
    Schema { model: "Test".into(), features: vec![], tasks, group_by: None, scores: Default::default() }
}

const ORDER: Term = Term::Order { task: 2, bound: 1, weight: 0.6 };

fn causal(estimator: Estimator, clip: f64) -> Term {
    Term::Causal { task: 1, estimator, clip, weight: 1.0 }
}

const DR: Estimator = Estimator::Dr { imputation: 3 };
const DCMT: Estimator = Estimator::Dcmt { opposite: 3, counterfactual: 0.3 };

/// Labels and weights of rows: clicked and bought, clicked, neither, without a label, of weight 0.
fn rows(count: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut labels, mut weights) = (Vec::new(), Vec::new());
    for row in 0..count {
        let (click, buy) = [(1.0, 1.0), (1.0, 0.0), (0.0, 0.0), (1.0, f32::NAN), (0.0, 0.0)][row % 5];
        labels.extend([click, buy, 1.0 - click]);
        weights.extend([1.0, [2.0, 0.5, 1.5, 1.0, 0.0][row % 5], 1.0]);
    }
    (labels, weights)
}

fn value(term: Term, logits: &[f32], labels: &[f32], weights: &[f32]) -> f32 {
    values(term.loss(&schema(), tensor(logits, [logits.len() / 4, 4]), labels, weights))[0]
}

fn slopes(term: Term, logits: &[f32], labels: &[f32], weights: &[f32]) -> Vec<f32> {
    let logits = tensor::<2>(logits, [logits.len() / 4, 4]).require_grad();
    let gradients = term.loss(&schema(), logits.clone(), labels, weights).backward();
    logits.grad(&gradients).map(values).unwrap_or_default()
}

fn ln(p: f32) -> f32 {
    p.ln()
}

fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + (-z).exp())
}

#[test]
fn the_order_has_the_gradient_of_its_value() {
    let (labels, weights) = rows(6);
    let logits = [noise(4, [1, 6, 4])];
    let f = |x: Vec<Tensor<3>>| ORDER.loss(&schema(), x[0].clone().squeeze_dim::<2>(0), &labels, &weights);
    check_gradient("order", &logits, &f);
    let slopes = gradient(&logits, &f);
    assert!(slopes[0].iter().any(|slope| *slope != 0.0) && slopes[0].contains(&0.0), "{slopes:?}");
}

#[test]
fn an_order_costs_what_one_probability_exceeds_the_other_by() {
    // Rows: like above buy, like below buy.
    let logits = [2.0, 1.0, 1.0, 0.0, 2.0, 3.0, -3.0, 0.0];
    let excess = sigmoid(1.0) - sigmoid(2.0) * sigmoid(1.0);
    close("value", &[value(ORDER, &logits, &[], &[])], &[0.6 / 2.0 * excess], 1e-6);
    let slopes = slopes(ORDER, &logits, &[], &[]);
    // Along the probability itself: the weight over the rows, up for the task and down for its bound.
    let p = sigmoid(1.0);
    assert!((slopes[2] / (p * (1.0 - p)) - 0.3).abs() < 1e-6, "{slopes:?}");
    let bound = sigmoid(2.0) * sigmoid(1.0);
    assert!((slopes[1] / (bound * (1.0 - p)) + 0.3).abs() < 1e-6, "{slopes:?}");
    assert_eq!(slopes[4..], [0.0; 4], "a row in order");
    assert_eq!(value(ORDER, &[5.0, 5.0, -1.0, 0.0], &[], &[]), 0.0);
}

/// The propensity is a constant: its column is left out of the differences.
fn check(name: &str, term: Term, moved: &[usize]) {
    let (labels, weights) = rows(10);
    let (base, shape) = noise(7, [1, 10, 4]);
    let columns: Vec<(Vec<f32>, [usize; 3])> = moved
        .iter()
        .map(|column| (base.iter().skip(*column).step_by(4).copied().collect::<Vec<f32>>(), [1, 10, 1]))
        .collect();
    let f = |x: Vec<Tensor<3>>| {
        let whole = tensor::<3>(&base, shape);
        let part = |column: usize| match moved.iter().position(|other| *other == column) {
            Some(at) => x[at].clone(),
            None => whole.clone().slice([0..1, 0..10, column..column + 1]),
        };
        let logits = Tensor::cat((0..4).map(part).collect(), 2);
        term.loss(&schema(), logits.squeeze_dim::<2>(0), &labels, &weights)
    };
    check_gradient(name, &columns, &f);
    let all = slopes(term, &base, &labels, &weights);
    for (at, slope) in all.iter().enumerate() {
        let unlabelled = at / 4 % 5 > 2;
        assert!(slope.is_finite());
        assert!(moved.contains(&(at % 4)) && !unlabelled || *slope == 0.0, "{name}: {at} has slope {slope}");
    }
}

#[test]
fn estimators_have_the_gradient_of_their_value_and_none_along_the_click() {
    check("ips", causal(Estimator::Ips, 0.4), &[1]);
    check("dcmt", causal(DCMT, 0.4), &[1, 3]);
}

/// The error that the second tower is to learn is a constant too: each column against the part of the value that moves it.
#[test]
fn the_doubly_robust_estimator_moves_the_imputation_to_the_error_and_the_conversion_as_ips_does() {
    let (labels, weights) = rows(10);
    let (logits, _) = noise(7, [1, 10, 4]);
    let (dr, ips) = (causal(DR, 0.4), causal(Estimator::Ips, 0.4));
    let (robust, inverse) = (slopes(dr, &logits, &labels, &weights), slopes(ips, &logits, &labels, &weights));
    for at in (0..logits.len()).filter(|at| at % 4 != 3) {
        assert!((robust[at] - inverse[at]).abs() < 1e-6, "{at}");
    }
    // Differences along the imputation.
    for row in 0..10 {
        let at = row * 4 + 3;
        let moved = |step: f32| {
            let mut logits = logits.clone();
            logits[at] += step;
            f64::from(value(dr, &logits, &labels, &weights))
        };
        let numeric = (moved(1.0 / 64.0) - moved(-1.0 / 64.0)) * 32.0;
        assert!((numeric - f64::from(robust[at])).abs() < 2e-3, "row {row}: {numeric} and {}", robust[at]);
    }
}

#[test]
fn clicks_that_were_certain_give_the_plain_cross_entropy() {
    let logits = [50.0, 0.7, 0.0, 0.3, 50.0, -0.4, 0.0, 0.2];
    let labels = [1.0, 1.0, 0.0, 1.0, 0.0, 0.0];
    let plain = -(ln(sigmoid(0.7)) + ln(sigmoid(0.4))) / 2.0;
    close("ips", &[value(causal(Estimator::Ips, 0.1), &logits, &labels, &[1.0; 6])], &[plain], 1e-6);
    let dcmt = causal(Estimator::Dcmt { opposite: 3, counterfactual: 0.0 }, 0.1);
    close("dcmt", &[value(dcmt, &logits, &labels, &[1.0; 6])], &[plain], 1e-6);
    // Nothing is left to impute: the imputed error cancels.
    let gap = |z: f32, y: f32, d: f32| (-(y * ln(sigmoid(z)) + (1.0 - y) * ln(sigmoid(-z))) + ln(sigmoid(-d))).powi(2);
    let imputation = (gap(0.7, 1.0, 0.3) + gap(-0.4, 0.0, 0.2)) / 2.0;
    close("dr", &[value(causal(DR, 0.1), &logits, &labels, &[1.0; 6])], &[plain + imputation], 1e-6);
}

#[test]
fn no_row_weighs_more_than_the_inverse_of_the_least_propensity() {
    let logits = [-30.0, 0.0, 0.0, 0.0];
    let error = 2f32.ln();
    close("ips", &[value(causal(Estimator::Ips, 0.1), &logits, &[1.0, 1.0, 0.0], &[1.0; 3])], &[10.0 * error], 1e-6);
}

#[test]
fn the_weights_of_dcmt_sum_to_one_where_clicked_and_where_not() {
    let mut rng = Rng::new(3);
    for _ in 0..20 {
        let mut logits = Vec::new();
        for _ in 0..8 {
            logits.extend([rng.normal() as f32 * 2.0, 0.0, 0.0, 0.0]);
        }
        let labels: Vec<f32> = (0..8).flat_map(|row| [f32::from(row % 3 == 0), 0.0, 0.0]).collect();
        let term = causal(Estimator::Dcmt { opposite: 3, counterfactual: 0.7 }, 0.05);
        // Both probabilities are a half, so every error is log 2 and the sum is one.
        close("value", &[value(term, &logits, &labels, &[1.0; 24])], &[2.0 * 2f32.ln()], 1e-5);
        // All of the row's slopes: half a unit in sum where clicked, and where not.
        let slopes = slopes(term, &logits, &labels, &[1.0; 24]);
        let sum = |column: usize| slopes.iter().skip(column).step_by(4).sum::<f32>();
        assert!((sum(1) - 0.5).abs() < 1e-5 && (sum(3) + 0.5).abs() < 1e-5, "{slopes:?}");
    }
}

#[test]
fn dcmt_is_symmetric_in_the_two_worlds() {
    // Clicked with label y and logits (a, z, z*), and not clicked with 1 - y and (-a, z*, z), weigh the same.
    let dcmt = causal(Estimator::Dcmt { opposite: 3, counterfactual: 0.4 }, 0.05);
    let here = value(dcmt, &[0.6, 0.3, 0.0, -0.8, -0.2, 1.0, 0.0, 0.5], &[1.0, 1.0, 0.0, 0.0, 0.0, 0.0], &[1.0; 6]);
    let there = value(dcmt, &[-0.6, -0.8, 0.0, 0.3, 0.2, 0.5, 0.0, 1.0], &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0], &[1.0; 6]);
    close("worlds", &[here], &[there], 1e-6);
}

/// Rows drawn from known probabilities, whose error is known: how far the mean estimate is from the mean error of all rows.
fn bias(estimator: Estimator, propensity: f64, imputed: impl Fn(f64) -> f64) -> f64 {
    let mut rng = Rng::new(11);
    let (mut sum, mut truth) = (0.0, 0.0);
    let count = 60_000;
    let (mut logits, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let x = rng.uniform(0.0, 1.0);
        // Who clicks more also converts more, which is what a mean over clicks gets wrong.
        let (click, buy) = (0.2 + 0.6 * x, 0.1 + 0.8 * x);
        let clicked = rng.uniform(0.0, 1.0) < click;
        let bought = rng.uniform(0.0, 1.0) < buy;
        let guess = 0.3f64;
        let error = if bought { -guess.ln() } else { -(1.0 - guess).ln() };
        truth += error;
        let logit = |p: f64| (p / (1.0 - p)).ln();
        let q = if propensity > 0.0 { propensity } else { click };
        let expected = -(buy * guess.ln() + (1.0 - buy) * (1.0 - guess).ln());
        // The inverse of softplus.
        let d = imputed(expected);
        logits.extend([logit(q), logit(guess), 0.0, d.exp_m1().ln()].map(|z| z as f32));
        labels.extend([f32::from(clicked), f32::from(clicked && bought), 0.0]);
        if let Estimator::Dr { .. } = estimator {
            // The part that trains the imputation is no part of the estimate.
            let gap = error - d;
            sum -= f64::from(u8::from(clicked)) * gap * gap / q.max(0.01);
        }
    }
    let weights = vec![1.0; labels.len()];
    let found = causal(estimator, 0.01).evaluate(&schema(), &logits, 4, &labels, &weights);
    (found.value + (sum - truth) / count as f64).abs()
}

#[test]
fn estimates_are_unbiased_where_their_model_is_right() {
    const NOISE: f64 = 0.02;
    let exact = |expected: f64| expected;
    let wrong = |_: f64| 0.2;
    assert!(bias(Estimator::Ips, 0.0, exact) < NOISE, "ips with the true propensity");
    assert!(bias(Estimator::Ips, 0.5, exact) > 3.0 * NOISE, "ips with a wrong propensity");
    assert!(bias(DR, 0.5, exact) < NOISE, "dr with a wrong propensity and the expected error");
    assert!(bias(DR, 0.0, wrong) < NOISE, "dr with the true propensity and a wrong imputation");
    assert!(bias(DR, 0.5, wrong) > NOISE, "dr with both wrong");
}

#[test]
fn nothing_that_counts_is_nothing() {
    for estimator in [Estimator::Ips, DR, DCMT] {
        let found = value(causal(estimator, 0.1), &[0.0; 4], &[1.0, f32::NAN, 0.0], &[1.0; 3]);
        assert_eq!(found, 0.0);
    }
}

#[test]
fn terms_are_named_after_their_tasks() {
    let names: Vec<String> = [ORDER, causal(Estimator::Ips, 0.1), causal(DR, 0.1), causal(DCMT, 0.1)]
        .iter()
        .map(|term| term.name(&schema()))
        .collect();
    assert_eq!(names, ["order.like<=buy", "ips.buy", "dr.buy", "dcmt.buy"]);
}
