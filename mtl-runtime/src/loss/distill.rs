//! Who teaches tasks while training: each other (CrossDistil: Yang, Pan, Gao et al., AAAI 2022), or a saved model.
//!
//! In a pair, a task's teacher is a score that orders rows by the task's label, and rows of one label by a helper's. It learns from comparisons
//! alone; two numbers make a logit of it, and that is the task's soft label.

use burn::tensor::{Tensor, TensorData};
use mtl_data::schema::Schema;

use super::row::{log_sigmoid, sigmoid};
use super::term::{Sum, entropy};
use crate::evaluate::numbers;

mod saved;

pub(crate) use saved::said;

/// Calibrations move so many times faster than other parameters under Adam: their start knows nothing of how rare a label is.
const SPEED: f64 = 10.0;

/// Which tasks are taught, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Distill {
    /// The teachers in pairs of tasks.
    pub lessons: Vec<Lesson>,
    /// The tasks that learn from a saved model.
    pub taught: Vec<usize>,
    /// What logits are divided by before they are compared.
    pub temperature: f64,
    /// The share of the teachers in a task's loss.
    pub weight: f64,
    /// Whether teachers that contradict a label are corrected.
    pub correct: bool,
    /// The logit that a corrected positive has at least and a negative at most.
    pub margin: f64,
    /// Factor of the comparisons that train teachers of pairs.
    pub comparisons: f64,
    /// How many rows of the smaller of two cells each row of the larger one is compared with.
    pub partners: usize,
    /// Epochs in which the share grows from 0.
    pub warm_up: usize,
}

/// A teacher: its score has a column behind the logits, followed by the two of its calibration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lesson {
    /// Who is taught.
    pub task: usize,
    /// Whose label decides between rows of one label.
    pub helper: usize,
    /// The column of the score.
    pub score: usize,
}

/// What is known of the rows of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What is predicted.
    pub schema: &'a Schema,
    /// The tasks' labels `[B, T]`, row-major.
    pub labels: &'a [f32],
    /// And their weights `[B, T]`.
    pub weights: &'a [f32],
    /// What a saved model says of each task that learns from it, `[B, S]`: a logit, or a number in the unit of the loss.
    pub said: &'a [f32],
}

/// The labels, row weights and logits of a batch.
struct Rows<'a> {
    /// `[B, C]`.
    logits: &'a [f32],
    columns: usize,
    /// `[B, T]`.
    labels: &'a [f32],
    /// `[B, T]`.
    weights: &'a [f32],
    tasks: usize,
}

/// A row that counts for a task.
struct Row<'a> {
    at: usize,
    logits: &'a [f32],
    label: f64,
    /// Of its task's rows.
    share: f64,
}

impl Distill {
    /// What is wrong with its numbers.
    pub fn problem(&self) -> Option<String> {
        let Distill { temperature, weight, margin, comparisons, partners, .. } = self;
        match () {
            () if !(*temperature > 0.0 && temperature.is_finite()) => {
                Some(format!("distill.temperature is {temperature}, but it must be above 0"))
            }
            () if !(0.0..=1.0).contains(weight) => {
                Some(format!("distill.weight is {weight}, but it must be from 0 to 1"))
            }
            () if !margin.is_finite() => Some(format!("distill.margin is {margin}, but it must be a number")),
            () if !(*comparisons > 0.0 && comparisons.is_finite()) => {
                Some(format!("distill.comparisons is {comparisons}, but it must be above 0"))
            }
            () if *partners == 0 => Some("distill.partners is 0, but it must be at least 1".into()),
            () => None,
        }
    }

    /// The share of the teachers in an epoch, counted from 0.
    pub fn share(&self, epoch: usize) -> f64 {
        match self.warm_up {
            0 => self.weight,
            epochs => self.weight * (epoch as f64 / epochs as f64).min(1.0),
        }
    }

    /// What trains the teachers and their calibrations, by name: `teacher.click>like`, `calibration.click>like`; from logits `[B, C]`.
    pub fn teachers(&self, logits: &Tensor<2>, known: &Known<'_>) -> Vec<(String, Tensor<1>)> {
        if self.lessons.is_empty() {
            return Vec::new();
        }
        let numbers = numbers(logits.clone().detach());
        let rows = Rows::of(logits, &numbers, known);
        let lessons = self.lessons.iter().flat_map(|lesson| {
            let name = |task: usize| &known.schema.tasks[task].name;
            let name = format!("{}>{}", name(lesson.task), name(lesson.helper));
            let teacher = lesson.teach(&rows, self.partners).tensor(logits.clone()) * self.comparisons;
            let calibration = lesson.calibrate(&rows).tensor(logits.clone());
            [(format!("teacher.{name}"), teacher), (format!("calibration.{name}"), calibration)]
        });
        lessons.collect()
    }

    /// The tasks' losses `[T]`, of which teachers have this share: the mean over a task's teachers of the distance between what they
    /// say and the prediction. No gradient reaches a teacher.
    pub fn students(&self, share: f64, losses: Tensor<1>, logits: &Tensor<2>, known: &Known<'_>) -> Tensor<1> {
        if share == 0.0 {
            return losses;
        }
        let numbers = numbers(logits.clone().detach());
        let rows = Rows::of(logits, &numbers, known);
        let device = losses.device();
        let vector = |values: Vec<f32>| {
            let count = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [count]), &device)
        };
        let teachers = self.lessons.iter().map(|lesson| lesson.task).chain(self.taught.iter().copied());
        let count = |task: usize| teachers.clone().filter(|taught| *taught == task).count();
        let kept = (0..rows.tasks).map(|task| if count(task) > 0 { (1.0 - share) as f32 } else { 1.0 });
        let mut mixed = losses * vector(kept.collect());
        let pairs = self.lessons.iter().map(|lesson| {
            let weight = share / count(lesson.task) as f64;
            (lesson.task, self.student(lesson, weight, &rows))
        });
        let saved = self.taught.iter().enumerate().map(|(at, &task)| {
            let weight = share / count(task) as f64;
            (task, self.pupil(at, weight, &rows, known))
        });
        for (task, soft) in pairs.chain(saved) {
            let own = (0..rows.tasks).map(|other| f32::from(u8::from(other == task)));
            mixed = mixed + soft.tensor(logits.clone()) * vector(own.collect());
        }
        mixed
    }

    /// `weight` times the mean cross-entropy between a teacher's soft label and its task's prediction.
    fn student(&self, lesson: &Lesson, weight: f64, rows: &Rows<'_>) -> Sum {
        let mut sum = rows.sum();
        for row in rows.labelled(lesson.task) {
            let target = sigmoid(self.corrected(lesson, &row) / self.temperature);
            let z = f64::from(row.logits[lesson.task]) / self.temperature;
            sum.add(weight * row.share * entropy(target, z));
            sum.slope(row.at, lesson.task, weight * row.share * (sigmoid(z) - target) / self.temperature);
        }
        sum
    }

    /// The calibrated logit of a teacher, moved to the margin where it contradicts the label.
    fn corrected(&self, lesson: &Lesson, row: &Row<'_>) -> f64 {
        let logit = lesson.calibrated(row.logits);
        match self.correct {
            true => row.label * logit.max(self.margin) + (1.0 - row.label) * logit.min(self.margin),
            false => logit,
        }
    }
}

impl Lesson {
    /// The factor and the summand of the calibration; the factor is above 0.
    fn calibration(&self, logits: &[f32]) -> [f64; 2] {
        let raw = SPEED * f64::from(logits[self.score + 1]) + 1f64.exp_m1().ln();
        [-log_sigmoid(-raw), SPEED * f64::from(logits[self.score + 2])]
    }

    /// The score as a logit.
    fn calibrated(&self, logits: &[f32]) -> f64 {
        let [factor, summand] = self.calibration(logits);
        factor * f64::from(logits[self.score]) + summand
    }

    /// The sum over neighbouring cells of labels of the mean over pairs of `-log sigma(s_better - s_worse)`. A cell is the rows of one pair of
    /// labels: both, the task's alone, the helper's alone, none. An empty one is passed over.
    fn teach(&self, rows: &Rows<'_>, partners: usize) -> Sum {
        let mut sum = rows.sum();
        let mut cells: [Vec<(usize, f64, f64)>; 4] = Default::default();
        for (at, logits) in rows.logits.chunks_exact(rows.columns.max(1)).enumerate() {
            let of = |values: &[f32], task: usize| f64::from(values[at * rows.tasks + task]);
            let labels = [self.task, self.helper].map(|task| of(rows.labels, task));
            let weights = [self.task, self.helper].map(|task| of(rows.weights, task));
            if labels.iter().any(|label| label.is_nan()) || weights.iter().any(|weight| *weight <= 0.0) {
                continue;
            }
            let [first, second] = labels.map(|label| usize::from(label <= 0.5));
            cells[2 * first + second].push((at, f64::from(logits[self.score]), weights[0]));
        }
        let cells: Vec<_> = cells.iter().filter(|cell| !cell.is_empty()).collect();
        for neighbours in cells.windows(2) {
            let [better, worse] = neighbours else { continue };
            let mut total = 0.0;
            pairs(better.len(), worse.len(), partners, |i, j| total += better[i].2 * worse[j].2);
            pairs(better.len(), worse.len(), partners, |i, j| {
                let ((up, high, a), (down, low, b)) = (better[i], worse[j]);
                let share = a * b / total;
                sum.add(-share * log_sigmoid(high - low));
                let slope = share * sigmoid(low - high);
                sum.slope(up, self.score, -slope);
                sum.slope(down, self.score, slope);
            });
        }
        sum
    }

    /// The mean cross-entropy between the label and the calibrated score, which moves the calibration alone.
    fn calibrate(&self, rows: &Rows<'_>) -> Sum {
        let mut sum = rows.sum();
        for row in rows.labelled(self.task) {
            let logit = self.calibrated(row.logits);
            sum.add(row.share * entropy(row.label, logit));
            let slope = row.share * (sigmoid(logit) - row.label);
            let [factor, _] = self.calibration(row.logits);
            // The derivative of a softplus, from its value.
            let of_factor = -(-factor).exp_m1() * SPEED * f64::from(row.logits[self.score]);
            sum.slope(row.at, self.score + 1, slope * of_factor);
            sum.slope(row.at, self.score + 2, slope * SPEED);
        }
        sum
    }
}

impl<'a> Rows<'a> {
    fn of(logits: &Tensor<2>, numbers: &'a [f32], known: &Known<'a>) -> Self {
        let Known { schema, labels, weights, .. } = *known;
        Self { logits: numbers, columns: logits.dims()[1], labels, weights, tasks: schema.tasks.len() }
    }

    fn sum(&self) -> Sum {
        Sum::zeros(self.logits.len(), self.columns)
    }

    /// The rows with a label of this task.
    fn labelled(&self, task: usize) -> Vec<Row<'_>> {
        let rows = self.logits.chunks_exact(self.columns.max(1)).enumerate().map(|(at, logits)| Row {
            at,
            logits,
            label: f64::from(self.labels[at * self.tasks + task]),
            share: f64::from(self.weights[at * self.tasks + task]),
        });
        let mut rows: Vec<Row<'_>> = rows.filter(|row| !row.label.is_nan() && row.share > 0.0).collect();
        let total: f64 = rows.iter().map(|row| row.share).sum();
        rows.iter_mut().for_each(|row| row.share /= total);
        rows
    }
}

/// The pairs of an element of `0..better` and one of `0..worse`: each of the more numerous side with at most `partners` of the
/// other, in turn. All of them where there are no more.
fn pairs(better: usize, worse: usize, partners: usize, mut visit: impl FnMut(usize, usize)) {
    let (many, few) = (better.max(worse), better.min(worse));
    for one in 0..many {
        for step in 0..partners.min(few) {
            let other = (one + step) % few;
            if better >= worse { visit(one, other) } else { visit(other, one) }
        }
    }
}

#[cfg(test)]
mod tests;
