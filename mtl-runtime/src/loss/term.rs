//! What training adds to the tasks' losses: orders of probabilities, and conditional probabilities over the entire space.
//!
//! A term is a number and its slopes along the logits, both computed in `f64` from the logits' values. The tensor that stands for it
//! has this value and this gradient on every backend.

use burn::tensor::{Tensor, TensorData};
use mtl_data::schema::Schema;

use super::row::{log_sigmoid, probability, sigmoid};
use crate::evaluate::numbers;

/// A summand of the training loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Term {
    /// The mean over rows of what the probability of `task` exceeds that of `bound` by (the behavioural expectation calibrator of
    /// AITM: Xi et al., KDD 2021).
    Order {
        /// The task whose probability is at most the other's.
        task: usize,
        /// The other.
        bound: usize,
        /// Factor of the term.
        weight: f64,
    },
    /// The loss of `P(task | given)` over the rows where the given event did not happen too.
    Causal {
        /// A task with a condition.
        task: usize,
        /// How.
        estimator: Estimator,
        /// The least propensity: no row counts more than its inverse.
        clip: f64,
        /// Factor of the term.
        weight: f64,
    },
}

/// Estimators of a conditional probability `r` from rows in which its condition happened (`o = 1`) with a propensity `q`, the
/// clipped prediction of the condition, through which no gradient flows. `e` is the cross-entropy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Estimator {
    /// The mean of `o e(y, r) / q` (ESCM2-IPS: Wang et al., SIGIR 2022).
    Ips,
    /// The mean of `d + o (e(y, r) - d) / q` with an imputed error `d`, and of `o (e(y, r) - d)^2 / q`, which moves `d` alone
    /// (ESCM2-DR, in the same paper).
    Dr {
        /// The column of the imputed error, before its softplus.
        imputation: usize,
    },
    /// `e(y, r)` averaged with weights `1 / q` where the condition happened, `e(1 - y, r*)` averaged with weights `1 / (1 - q)` where it did
    /// not, and the mean of `|1 - (r + r*)|` (DCMT: Zhu et al., ICDE 2023).
    Dcmt {
        /// The column of `r*`.
        opposite: usize,
        /// Factor of the last part.
        counterfactual: f64,
    },
}

/// A value and its slopes along the logits, row-major.
#[derive(Debug)]
pub(super) struct Sum {
    pub value: f64,
    pub slopes: Vec<f64>,
    columns: usize,
}

impl Sum {
    /// Nothing yet, for so many logits.
    pub fn zeros(logits: usize, columns: usize) -> Self {
        Self { value: 0.0, slopes: vec![0.0; logits], columns }
    }

    pub fn add(&mut self, value: f64) {
        self.value += value;
    }

    pub fn slope(&mut self, row: usize, column: usize, slope: f64) {
        self.slopes[row * self.columns + column] += slope;
    }

    /// Its value `[1]` with its gradient.
    pub fn tensor(self, logits: Tensor<2>) -> Tensor<1> {
        let slopes = self.slopes.iter().map(|slope| *slope as f32).collect();
        let slopes = Tensor::<2>::from_data(TensorData::new(slopes, logits.dims()), &logits.device());
        // A linear function of the logits with this gradient, moved to the value.
        let linear = (logits * slopes).sum();
        linear.clone() - linear.detach() + self.value as f32
    }
}

/// A row that counts: where it stands, its logits, whether the condition happened, the label, the propensity and
/// the least one, and its weight.
struct Row<'a> {
    at: usize,
    logits: &'a [f32],
    happened: f64,
    label: f64,
    propensity: f64,
    clip: f64,
    weight: f64,
}

impl Row<'_> {
    /// `o / q`.
    fn inverse(&self) -> f64 {
        self.happened / self.propensity.max(self.clip)
    }

    /// `(1 - o) / (1 - q)`.
    fn opposite_inverse(&self) -> f64 {
        (1.0 - self.happened) / (1.0 - self.propensity).max(self.clip)
    }
}

impl Term {
    /// Whether it is there at all.
    pub fn counts(&self) -> bool {
        match self {
            Term::Order { weight, .. } | Term::Causal { weight, .. } => *weight != 0.0,
        }
    }

    /// Its name in reports: `order.buy<=click`, `ips.buy`.
    pub fn name(&self, schema: &Schema) -> String {
        let name = |task: usize| &schema.tasks[task].name;
        match self {
            Term::Order { task, bound, .. } => format!("order.{}<={}", name(*task), name(*bound)),
            Term::Causal { task, estimator, .. } => {
                let word = match estimator {
                    Estimator::Ips => "ips",
                    Estimator::Dr { .. } => "dr",
                    Estimator::Dcmt { .. } => "dcmt",
                };
                format!("{word}.{}", name(*task))
            }
        }
    }

    /// Its value `[1]` with its gradient, from logits `[B, C]` and the tasks' labels and weights `[B, T]`, row-major.
    pub fn loss(&self, schema: &Schema, logits: Tensor<2>, labels: &[f32], weights: &[f32]) -> Tensor<1> {
        let [_, columns] = logits.dims();
        let values = numbers(logits.clone().detach());
        self.evaluate(schema, &values, columns, labels, weights).tensor(logits)
    }

    fn evaluate(&self, schema: &Schema, logits: &[f32], columns: usize, labels: &[f32], weights: &[f32]) -> Sum {
        let mut sum = Sum::zeros(logits.len(), columns);
        match *self {
            Term::Order { task, bound, weight } => order(schema, [task, bound], weight, logits, &mut sum),
            Term::Causal { task, estimator, clip, weight } => {
                let rows = rows(schema, task, clip, logits, columns, labels, weights);
                causal(task, estimator, &rows, weight, &mut sum);
            }
        }
        sum
    }
}

fn order(schema: &Schema, tasks: [usize; 2], weight: f64, logits: &[f32], sum: &mut Sum) {
    let [chain, bound] = tasks.map(|task| schema.chain(task));
    let rows = logits.len() / sum.columns.max(1);
    let share = weight / rows.max(1) as f64;
    for (row, logits) in logits.chunks_exact(sum.columns.max(1)).enumerate() {
        let (p, at_most) = (probability(&chain, logits), probability(&bound, logits));
        if p > at_most {
            sum.add(share * (p - at_most));
            for (chain, slope) in [(&chain, share * p), (&bound, -share * at_most)] {
                chain.iter().for_each(|&task| sum.slope(row, task, slope * sigmoid(-f64::from(logits[task]))));
            }
        }
    }
}

/// The rows whose label, condition and weight are there.
fn rows<'a>(
    schema: &Schema,
    task: usize,
    clip: f64,
    logits: &'a [f32],
    columns: usize,
    labels: &[f32],
    weights: &[f32],
) -> Vec<Row<'a>> {
    let tasks = schema.tasks.len();
    let given = schema.tasks[task].given.expect("a task with a condition");
    let condition = schema.chain(given);
    let rows = logits.chunks_exact(columns.max(1)).enumerate().map(|(at, logits)| Row {
        at,
        logits,
        happened: f64::from(labels[at * tasks + given]),
        clip,
        label: f64::from(labels[at * tasks + task]),
        propensity: probability(&condition, logits),
        weight: f64::from(weights[at * tasks + task]),
    });
    rows.filter(|row| !row.happened.is_nan() && !row.label.is_nan() && row.weight > 0.0).collect()
}

fn causal(task: usize, estimator: Estimator, rows: &[Row<'_>], weight: f64, sum: &mut Sum) {
    let total: f64 = rows.iter().map(|row| row.weight).sum();
    if total == 0.0 {
        return;
    }
    match estimator {
        Estimator::Ips => {
            for row in rows {
                let share = weight * row.weight / total * row.inverse();
                let z = f64::from(row.logits[task]);
                sum.add(share * entropy(row.label, z));
                sum.slope(row.at, task, share * (sigmoid(z) - row.label));
            }
        }
        Estimator::Dr { imputation } => {
            for row in rows {
                let (share, inverse) = (weight * row.weight / total, row.inverse());
                let (z, imputed) = (f64::from(row.logits[task]), f64::from(row.logits[imputation]));
                let (error, guess) = (entropy(row.label, z), -log_sigmoid(-imputed));
                let gap = error - guess;
                sum.add(share * (guess + inverse * gap + inverse * gap * gap));
                sum.slope(row.at, task, share * inverse * (sigmoid(z) - row.label));
                let slope = 1.0 - inverse - 2.0 * inverse * gap;
                sum.slope(row.at, imputation, share * slope * sigmoid(imputed));
            }
        }
        Estimator::Dcmt { opposite, counterfactual } => {
            let inside: f64 = rows.iter().map(|row| row.weight * row.inverse()).sum();
            let outside: f64 = rows.iter().map(|row| row.weight * row.opposite_inverse()).sum();
            let share = |part: f64, whole: f64| if whole > 0.0 { weight * part / whole } else { 0.0 };
            for row in rows {
                let heads = [
                    (task, row.label, share(row.weight * row.inverse(), inside)),
                    (opposite, 1.0 - row.label, share(row.weight * row.opposite_inverse(), outside)),
                ];
                let [r, r_star] = heads.map(|(column, ..)| sigmoid(f64::from(row.logits[column])));
                let excess = r + r_star - 1.0;
                let pull = weight * counterfactual * row.weight / total;
                sum.add(pull * excess.abs());
                for ((column, label, share), p) in heads.into_iter().zip([r, r_star]) {
                    sum.add(share * entropy(label, f64::from(row.logits[column])));
                    let side = if excess == 0.0 { 0.0 } else { excess.signum() };
                    sum.slope(row.at, column, share * (p - label) + pull * side * p * (1.0 - p));
                }
            }
        }
    }
}

/// `-(y log sigma(z) + (1 - y) log sigma(-z))`.
pub(super) fn entropy(y: f64, z: f64) -> f64 {
    -(y * log_sigmoid(z) + (1.0 - y) * log_sigmoid(-z))
}

#[cfg(test)]
mod tests;
