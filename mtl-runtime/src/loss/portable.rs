//! The same losses in tensor operations, for every other backend.

use burn::tensor::activation::{log_sigmoid, log_softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};
use mtl_data::schema::{BinaryLoss, RegressionLoss, TaskKind};

use super::masked::Masked;
use super::regression::{LIMIT, poisson_least};
use super::ziln::{HALF_LOG_TWO_PI, LEAST};
use super::{Lists, Objective, Pairs, classes, listed_share};
use super::{row, transformed};

/// The loss of each summand, `[P]`, from logits `[B, C]`.
pub(super) fn losses(masked: &Masked, logits: Tensor<2>) -> Tensor<1> {
    let (rows, tasks) = (logits.dims()[0], masked.tasks);
    let device = logits.device();
    let column = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [rows, 1]), &device);
    let logit = |t: usize| logits.clone().slice([0..rows, t..t + 1]);
    let loss = |part: usize| {
        let objective = &masked.objectives[part];
        let t = objective.task;
        if let Some((_, pairs)) = masked.pairs.iter().find(|(of, _)| *of == part) {
            return pairs_loss(pairs, logit(t));
        }
        let lists = masked.lists.iter().find(|(of, _)| *of == part).map(|(_, lists)| {
            let numbers: Vec<_> = objective.logits.iter().map(|&at| logit(at)).collect();
            lists_loss(objective, lists, &numbers) * listed_share(objective.kind)
        });
        if !masked.of_rows(objective) {
            return lists.unwrap_or_else(|| logit(t).sum() * 0.0);
        }
        let cells = (0..rows).map(|row| row * tasks + t);
        let share = |at: usize| masked.shares[at] as f32;
        let label = |at: usize| if masked.shares[at] == 0.0 { 0.0 } else { masked.labels[at] as f64 };
        let shares = column(cells.clone().map(share).collect());
        let each = match objective.kind {
            TaskKind::Binary { loss } => {
                let (mut happens, mut fails) = (log_sigmoid(logit(t)), log_sigmoid(-logit(t)));
                for &task in &objective.chain[1..] {
                    fails = log_add(fails, happens.clone() + log_sigmoid(-logit(task)));
                    happens = happens + log_sigmoid(logit(task));
                }
                let (smoothing, factors) = match loss {
                    BinaryLoss::Bce { pos_weight, smoothing } => (smoothing, [pos_weight, 1.0]),
                    BinaryLoss::Focal { alpha, .. } => (0.0, [alpha, 1.0 - alpha]),
                    BinaryLoss::Jrc { alpha } => (0.0, [alpha, alpha]),
                };
                let label = |at: usize| row::smoothed(label(at), smoothing);
                let positive = column(cells.clone().map(|at| (factors[0] * label(at)) as f32).collect());
                let negative = column(cells.map(|at| (factors[1] * (1.0 - label(at))) as f32).collect());
                match loss {
                    BinaryLoss::Bce { .. } | BinaryLoss::Jrc { .. } => -(positive * happens + negative * fails),
                    BinaryLoss::Focal { gamma, .. } => {
                        let (missed, hit) = ((fails.clone() * gamma).exp(), (happens.clone() * gamma).exp());
                        -(positive * missed * happens + negative * hit * fails)
                    }
                }
            }
            TaskKind::Ordinal { .. } => {
                let sides = objective.logits.iter().zip(1..).map(|(&at, threshold)| {
                    let side = |at: usize| if label(at) > f64::from(threshold) { 1.0 } else { -1.0 };
                    -log_sigmoid(logit(at) * column(cells.clone().map(side).collect()))
                });
                sides.reduce(|a, b| a + b).unwrap_or_else(|| logit(t) * 0.0)
            }
            TaskKind::Multiclass { smoothing, .. } => {
                let numbers = Tensor::cat(objective.logits.iter().map(|&at| logit(at)).collect(), 1);
                let count = objective.logits.len();
                let wanted = |at: usize| (0..count).map(move |class| (at, class));
                let wanted = cells
                    .flat_map(wanted)
                    .map(|(at, class)| classes::target(class, label(at), count, smoothing) as f32);
                let wanted = TensorData::new(wanted.collect::<Vec<_>>(), [rows, count]);
                -(log_softmax(numbers, 1) * Tensor::<2>::from_data(wanted, &device)).sum_dim(1)
            }
            TaskKind::Pairwise | TaskKind::Listwise { .. } => unreachable!("pairs and lists have no rows"),
            TaskKind::Regression { loss: RegressionLoss::Ziln, .. } => {
                let labels = Labels { values: cells.map(label).collect(), device: &device };
                ziln(&objective.logits.iter().map(|&at| logit(at)).collect::<Vec<_>>(), &labels)
            }
            TaskKind::Regression { transform, loss } => {
                let values = cells.map(|at| transformed(transform, label(at))).collect();
                regression(loss, logit(t), &Labels { values, device: &device })
            }
        };
        let mean = (each * shares).sum();
        lists.map_or(mean.clone(), |lists| mean + lists)
    };
    Tensor::cat((0..masked.objectives.len()).map(loss).collect(), 0)
}

/// The labels of a task in its loss's unit; 0 where masked.
struct Labels<'a> {
    values: Vec<f64>,
    device: &'a Device,
}

impl Labels<'_> {
    /// A column of a function of each label, computed in `f64`.
    fn of(&self, function: impl Fn(f64) -> f64) -> Tensor<2> {
        let values: Vec<f32> = self.values.iter().map(|&label| function(label) as f32).collect();
        let shape = [values.len(), 1];
        Tensor::from_data(TensorData::new(values, shape), self.device)
    }
}

/// The loss of each row of a regression, from its numbers.
fn regression(loss: RegressionLoss, z: Tensor<2>, labels: &Labels) -> Tensor<2> {
    let error = || z.clone() - labels.of(|y| y);
    match loss {
        RegressionLoss::Mse => error() * error(),
        RegressionLoss::Huber { delta } => {
            let inside = error().clamp(-delta, delta);
            inside.clone() * (error() - inside / 2.0)
        }
        RegressionLoss::LogCosh => {
            let size = error().abs();
            size.clone() - log_sigmoid(size * 2.0) - std::f64::consts::LN_2
        }
        RegressionLoss::Quantile { q } => error().clamp_min(0.0) * (1.0 - q) + (-error()).clamp_min(0.0) * q,
        RegressionLoss::Poisson => growth(z.clone()) - labels.of(|y| y) * z - labels.of(poisson_least),
        RegressionLoss::Tweedie { power } => {
            let (up, down) = (2.0 - power, power - 1.0);
            growth(z.clone() * up) / up + labels.of(|y| y) * growth(z * -down) / down
        }
        RegressionLoss::WeightedLogistic => {
            let none = labels.of(|y| f64::from(u8::from(y <= 0.0)));
            -(labels.of(|y| y) * log_sigmoid(z.clone()) + none * log_sigmoid(-z))
        }
        RegressionLoss::Ziln => unreachable!("a loss of three numbers"),
    }
}

/// The zero-inflated lognormal loss of each row, from its three numbers. A row at 0 has an amount of 1 that does not count.
fn ziln(numbers: &[Tensor<2>], labels: &Labels) -> Tensor<2> {
    let [z, m, k] = [0, 1, 2].map(|at| numbers[at].clone());
    let (some, none) = (labels.of(|y| f64::from(u8::from(y > 0.0))), labels.of(|y| f64::from(u8::from(y <= 0.0))));
    let log = labels.of(|y| if y > 0.0 { y.ln() } else { 0.0 });
    let scale = (-log_sigmoid(-k)).clamp_min(LEAST);
    let error = (log.clone() - m) / scale.clone();
    let density = log + scale.log() + HALF_LOG_TWO_PI + error.clone() * error / 2.0;
    some * (density - log_sigmoid(z.clone())) - none * log_sigmoid(-z)
}

/// `e^x`, above [`LIMIT`] its tangent there.
fn growth(x: Tensor<2>) -> Tensor<2> {
    let inside = x.clone().clamp_max(LIMIT);
    inside.clone().exp() * (x - inside + 1.0)
}

/// The mean over the pairs of a column of scores.
fn pairs_loss(pairs: &Pairs, scores: Tensor<2>) -> Tensor<1> {
    let (mut better, mut worse, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    pairs.each(|first, second, share| {
        better.push(first as i64);
        worse.push(second as i64);
        shares.push(share as f32);
    });
    if shares.is_empty() {
        return scores.sum() * 0.0;
    }
    let (device, count) = (scores.device(), shares.len());
    let rows = |of: Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(of, [count]), &device);
    let difference = scores.clone().select(0, rows(better)) - scores.select(0, rows(worse));
    -(log_sigmoid(difference) * Tensor::<2>::from_data(TensorData::new(shares, [count, 1]), &device)).sum()
}

/// The mean over the masses of lists, from the numbers that they compare.
fn lists_loss(objective: &Objective, lists: &Lists, numbers: &[Tensor<2>]) -> Tensor<1> {
    let rectangle = lists.rectangle();
    let (shape, count) = ([rectangle.groups, rectangle.width], rectangle.rows.len());
    if lists.weight() == 0.0 {
        return numbers[0].clone().sum() * 0.0;
    }
    let device = numbers[0].device();
    let rows = Tensor::<1, Int>::from_data(TensorData::new(rectangle.rows, [count]), &device);
    // So low that it is nothing in a softmax.
    let outside: Vec<f32> = rectangle.held.iter().map(|held| if *held { 0.0 } else { -1e30 }).collect();
    let outside = Tensor::<2>::from_data(TensorData::new(outside, shape), &device);
    let column = |values: Tensor<2>, shares: &[f32]| {
        let values = values.select(0, rows.clone()).reshape(shape) + outside.clone();
        let shares = Tensor::<2>::from_data(TensorData::new(shares.to_vec(), shape), &device);
        -(log_softmax(values, 1) * shares).sum()
    };
    let [first, second] = &rectangle.shares;
    let z = numbers[0].clone();
    match objective.kind {
        TaskKind::Binary { .. } => {
            let (half, level) = (z / 2.0, numbers[numbers.len() - 1].clone());
            column(level.clone() + half.clone(), first) + column(level - half, second)
        }
        _ => column(z, first),
    }
}

/// `log(e^a + e^b)`.
fn log_add(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    a.clone() - log_sigmoid(a - b)
}
