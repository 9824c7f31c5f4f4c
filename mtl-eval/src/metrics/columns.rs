//! The columns of a metric, checked, and their rows that count.

use rayon::prelude::*;

use crate::error::EvalError;

/// Rows of one piece of a parallel sum: sums do not depend on the number of threads.
const PIECE: usize = 1 << 16;

/// Predictions beside labels, by row.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// The predictions, or scores; of several classes `[rows, classes]`, row-major.
    pub predictions: &'a [f32],
    /// Predictions of a row: 1, or the probability of each class.
    pub classes: usize,
    /// The labels; NaN where the row has none.
    pub labels: &'a [f32],
    /// How often a row counts; once if there are none.
    pub weights: Option<&'a [f32]>,
    /// The group of each row, for metrics within groups.
    pub groups: Option<&'a [u64]>,
}

/// What the labels of a metric may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Labels {
    /// Any number.
    Any,
    /// Of an event: in 0..1.
    Event,
}

/// One row that counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub score: f32,
    pub label: f32,
    pub weight: f32,
    /// What is drawn as one when rows are drawn anew: the row, or its group.
    pub unit: u32,
}

impl<'a> Columns<'a> {
    /// Predictions and labels.
    pub fn new(predictions: &'a [f32], labels: &'a [f32]) -> Self {
        Self { predictions, classes: 1, labels, weights: None, groups: None }
    }

    /// With a probability for each of so many classes in place of one prediction.
    pub fn classes(self, classes: usize) -> Self {
        Self { classes, ..self }
    }

    /// With weights.
    pub fn weights(self, weights: Option<&'a [f32]>) -> Self {
        Self { weights, ..self }
    }

    /// With groups.
    pub fn groups(self, groups: Option<&'a [u64]>) -> Self {
        Self { groups, ..self }
    }

    /// The columns, if they are of one length and their rows that count hold no number that a metric cannot take.
    pub(crate) fn checked(self, name: &str, labels: Labels) -> Result<Self, EvalError> {
        self.of_one_length()?;
        if self.classes != 1 {
            return Err(
                EvalError::new(format!("{name} of {} classes", self.classes)).remedy("it is of one prediction a row")
            );
        }
        let expected = self.predictions.len();
        let at = |wrong: fn(f32, f32, f32, Labels) -> bool| {
            (0..expected).into_par_iter().find_first(|&i| {
                !self.labels[i].is_nan() && wrong(self.predictions[i], self.labels[i], self.weight(i), labels)
            })
        };
        if let Some(row) = at(|_, _, weight, _| !(0.0..f32::INFINITY).contains(&weight)) {
            return Err(EvalError::new(format!("a weight is {}", self.weight(row)))
                .at_row(row)
                .remedy("weights are finite numbers of at least 0"));
        }
        if let Some(row) = at(|prediction, _, weight, _| prediction.is_nan() && weight > 0.0) {
            return Err(EvalError::new("a prediction is NaN")
                .at_row(row)
                .remedy("the training diverged: lower its rate"));
        }
        let wrong = at(|_, label, weight, labels| {
            weight > 0.0 && !(label.is_finite() && (labels == Labels::Any || (0.0..=1.0).contains(&label)))
        });
        match wrong {
            Some(row) => {
                let range = if labels == Labels::Event { " in 0..1" } else { "" };
                let error = EvalError::new(format!("a label is {}", self.labels[row])).at_row(row);
                Err(error.remedy(format!("{name} needs finite labels{range}")))
            }
            None => Ok(self),
        }
    }

    /// Refuses columns of different lengths, and more rows than are counted.
    pub(crate) fn of_one_length(&self) -> Result<(), EvalError> {
        let (found, classes, rows) = (self.predictions.len(), self.classes, self.labels.len());
        if classes != 1 && rows.checked_mul(classes) != Some(found) {
            return Err(EvalError::new(format!("{found} probabilities for {rows} rows of {classes} classes")));
        }
        let expected = if classes == 1 { found } else { rows };
        let of_length = |what: &str, found: usize| match found == expected {
            true => Ok(()),
            false => Err(EvalError::new(format!("{found} {what} for {expected} predictions"))),
        };
        of_length("labels", rows)?;
        of_length("weights", self.weights.map_or(expected, <[f32]>::len))?;
        of_length("groups", self.groups.map_or(expected, <[u64]>::len))?;
        match expected > u32::MAX as usize {
            true => Err(EvalError::new(format!("{expected} rows: a metric takes at most {}", u32::MAX))),
            false => Ok(()),
        }
    }

    /// The same with one prediction a row.
    pub(crate) fn reduced<'b>(self, predictions: &'b [f32]) -> Columns<'b>
    where
        'a: 'b,
    {
        Columns { predictions, classes: 1, ..self }
    }

    /// The columns, if they are fit for metrics of an event and the predictions are probabilities.
    pub(crate) fn probabilities(self, name: &str) -> Result<Self, EvalError> {
        let columns = self.checked(name, Labels::Event)?;
        let outside = |i: &usize| columns.counts(*i) && !(0.0..=1.0).contains(&columns.predictions[*i]);
        match (0..columns.predictions.len()).find(outside) {
            Some(row) => Err(EvalError::new(format!("a prediction is {}", columns.predictions[row]))
                .at_row(row)
                .remedy(format!("{name} needs probabilities"))),
            None => Ok(columns),
        }
    }

    /// How often a row counts.
    pub(crate) fn weight(&self, row: usize) -> f32 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// Whether a row has a label and a weight.
    pub(crate) fn counts(&self, row: usize) -> bool {
        !self.labels[row].is_nan() && self.weight(row) > 0.0
    }

    /// The rows that count; `units` says what each of them is drawn with.
    pub(crate) fn rows(&self, units: Option<&[u32]>) -> Vec<Row> {
        let row = |i: usize| Row {
            // Adding 0 makes one score of 0 and -0.
            score: self.predictions[i] + 0.0,
            label: self.labels[i],
            weight: self.weight(i),
            unit: units.map_or(0, |units| units[i]),
        };
        (0..self.labels.len()).into_par_iter().filter(|&i| self.counts(i)).map(row).collect()
    }

    /// The rows that count, by score from the lowest.
    pub(crate) fn by_score(&self, units: Option<&[u32]>) -> Vec<Row> {
        let mut rows = self.rows(units);
        rows.par_sort_unstable_by(|a, b| a.score.total_cmp(&b.score));
        rows
    }

    /// The sums over the rows that count of what `term` says of prediction, label and weight.
    pub(crate) fn sums<const N: usize>(&self, term: impl Fn(f64, f64, f64) -> [f64; N] + Sync) -> [f64; N] {
        let pieces: Vec<[f64; N]> = (0..self.labels.len().div_ceil(PIECE))
            .into_par_iter()
            .map(|piece| {
                let rows = piece * PIECE..((piece + 1) * PIECE).min(self.labels.len());
                rows.filter(|&i| self.counts(i)).fold([0.0; N], |sums, i| add(sums, self.term(i, &term)))
            })
            .collect();
        pieces.into_iter().fold([0.0; N], add)
    }

    /// What `term` says of one row.
    pub(crate) fn term<T>(&self, i: usize, term: impl Fn(f64, f64, f64) -> T) -> T {
        term(f64::from(self.predictions[i]), f64::from(self.labels[i]), f64::from(self.weight(i)))
    }
}

/// One row of a group that counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub group: u64,
    pub score: f32,
    pub label: f32,
    pub weight: f32,
}

impl Columns<'_> {
    /// The rows that count by group, within a group by score from the lowest.
    pub(crate) fn by_group(&self, name: &str) -> Result<Vec<Member>, EvalError> {
        let Some(groups) = self.groups else {
            return Err(EvalError::new(format!("{name} needs groups")));
        };
        let member = |i: usize| Member {
            group: groups[i],
            score: self.predictions[i] + 0.0,
            label: self.labels[i],
            weight: self.weight(i),
        };
        let counted = (0..self.labels.len()).into_par_iter().filter(|&i| self.counts(i));
        let mut rows: Vec<Member> = counted.map(member).collect();
        rows.par_sort_unstable_by(|a, b| a.group.cmp(&b.group).then(a.score.total_cmp(&b.score)));
        Ok(rows)
    }
}

/// The sum of two arrays.
pub(crate) fn add<const N: usize>(mut to: [f64; N], from: [f64; N]) -> [f64; N] {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
    to
}
