//! Goals of a search: weighted sums of metrics of one score against the labels of several tasks.

use std::collections::BTreeMap;

use crate::bootstrap::{Bootstrap, Interval};
use crate::error::EvalError;
use crate::metrics::{Columns, Metric, Prepared};

/// A weighted sum of metrics of a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// As it was written.
    pub text: String,
    /// Factors, metrics, and the tasks whose labels they are about.
    pub terms: Vec<(f64, Metric, usize)>,
    /// What is added.
    pub constant: f64,
}

/// What is known of rows beside their scores.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// `[tasks][rows]`; NaN is a missing label.
    pub labels: &'a [Vec<f32>],
    /// `[tasks][rows]`, for tasks with weights.
    pub weights: &'a [Option<Vec<f32>>],
    /// The group of each row.
    pub groups: Option<&'a [u64]>,
}

impl Known<'_> {
    fn columns<'b>(&'b self, scores: &'b [f32], task: usize) -> Columns<'b> {
        Columns::new(scores, &self.labels[task]).weights(self.weights[task].as_deref()).groups(self.groups)
    }

    /// The value of a goal; none where one of its metrics is undefined on these rows.
    pub fn value(&self, goal: &Goal, scores: &[f32]) -> Result<Option<f64>, EvalError> {
        let mut sum = goal.constant;
        for (factor, metric, task) in &goal.terms {
            match metric.of(self.columns(scores, *task))? {
                Some(value) => sum += factor * value,
                None => return Ok(None),
            }
        }
        Ok(Some(sum))
    }

    /// By how much a goal of the scores is above that of others, with an interval: groups (rows, where there are none) are drawn
    /// anew, the same ones for every metric. None where a metric is undefined.
    pub fn difference(
        &self,
        goal: &Goal,
        scores: &[f32],
        others: &[f32],
        bootstrap: &Bootstrap,
    ) -> Result<Option<Interval>, EvalError> {
        let units = self.units();
        let mut terms = Vec::new();
        for (factor, metric, task) in &goal.terms {
            let [above, below] = [scores, others].map(|scores| metric.prepare(self.columns(scores, *task)));
            terms.push((*factor, above?, below?, self.counted(*task, &units)));
        }
        let value = |of: &dyn Fn(&Prepared, &[usize]) -> Option<f64>| {
            terms.iter().try_fold(0.0, |sum, (factor, above, below, places)| {
                Some(sum + factor * (of(above, places)? - of(below, places)?))
            })
        };
        let drawn = |times: &[u32]| {
            value(&|prepared, places| {
                let times: Vec<u32> = places.iter().map(|place| times[*place]).collect();
                prepared.value_of(&times)
            })
        };
        bootstrap.checked(units.count)?;
        Ok(bootstrap.of(value(&|prepared, _| prepared.value()), units.count, drawn))
    }

    /// The groups of all rows in the order of their ids, or the rows.
    fn units(&self) -> Units {
        let rows = self.labels.first().map_or(0, Vec::len);
        match self.groups {
            None => Units { of_row: (0..rows).collect(), count: rows },
            Some(groups) => {
                let mut places: BTreeMap<u64, usize> = groups.iter().map(|group| (*group, 0)).collect();
                places.values_mut().enumerate().for_each(|(at, place)| *place = at);
                Units { of_row: groups.iter().map(|group| places[group]).collect(), count: places.len() }
            }
        }
    }

    /// The units in which a task has a row that counts, which are those of its metrics.
    fn counted(&self, task: usize, units: &Units) -> Vec<usize> {
        let mut counted = vec![false; units.count];
        for (row, unit) in units.of_row.iter().enumerate() {
            let weight = self.weights[task].as_ref().map_or(1.0, |weights| weights[row]);
            counted[*unit] |= !self.labels[task][row].is_nan() && weight > 0.0;
        }
        (0..units.count).filter(|unit| counted[*unit]).collect()
    }
}

/// What is drawn anew.
struct Units {
    of_row: Vec<usize>,
    count: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::GroupWeight;

    fn goal(terms: &[(f64, Metric, usize)]) -> Goal {
        Goal { text: String::new(), terms: terms.to_vec(), constant: 0.0 }
    }

    /// Rows of 40 groups with two tasks, of which the second has no label in some groups.
    fn rows() -> (Vec<Vec<f32>>, Vec<u64>, Vec<f32>, Vec<f32>) {
        let (mut labels, mut groups, mut good, mut poor) = (vec![Vec::new(); 2], Vec::new(), Vec::new(), Vec::new());
        for row in 0..400_u64 {
            let noise = |of: u64| ((row * 2_654_435_761 + of * 97) % 1_000) as f32 / 1_000.0;
            let (a, b) = (f32::from(noise(1) > 0.6), f32::from(noise(2) > 0.5));
            groups.push((row / 10) * 7 % 41);
            labels[0].push(a);
            labels[1].push(if row % 70 < 20 { f32::NAN } else { b });
            good.push(a + b + noise(3));
            poor.push(a + 2.0 * noise(4));
        }
        (labels, groups, good, poor)
    }

    #[test]
    fn a_goal_is_the_sum_of_its_terms() {
        let (labels, groups, good, _) = rows();
        let known = Known { labels: &labels, weights: &[None, None], groups: Some(&groups) };
        let gauc = Metric::Gauc(GroupWeight::Rows);
        let of = |metric: Metric, task: usize| metric.of(known.columns(&good, task)).unwrap().unwrap();
        let both = Goal { constant: 0.5, ..goal(&[(0.6, gauc, 0), (-2.0, Metric::Auc, 1)]) };
        let value = known.value(&both, &good).unwrap().unwrap();
        assert!((value - (0.5 + 0.6 * of(gauc, 0) - 2.0 * of(Metric::Auc, 1))).abs() < 1e-12);
    }

    #[test]
    fn a_goal_of_one_metric_has_the_interval_of_that_metric() {
        let (labels, groups, good, poor) = rows();
        let bootstrap = Bootstrap::new(200, 3);
        for groups in [Some(groups.as_slice()), None] {
            let known = Known { labels: &labels, weights: &[None, None], groups };
            let found = known.difference(&goal(&[(1.0, Metric::Auc, 0)]), &good, &poor, &bootstrap).unwrap();
            let expected = bootstrap.difference(Metric::Auc, known.columns(&good, 0), &poor).unwrap();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn metrics_of_other_rows_are_drawn_together() {
        let (labels, groups, good, poor) = rows();
        let known = Known { labels: &labels, weights: &[None, None], groups: Some(&groups) };
        let bootstrap = Bootstrap::new(400, 1);
        let gauc = Metric::Gauc(GroupWeight::Rows);
        let both = goal(&[(1.0, gauc, 0), (1.0, gauc, 1)]);
        let found = known.difference(&both, &good, &poor, &bootstrap).unwrap().unwrap();
        assert!(found.low < found.value && found.value < found.high && found.excludes_zero(), "{found:?}");
        // Against itself there is no difference in any draw.
        let none = known.difference(&both, &good, &good, &bootstrap).unwrap().unwrap();
        assert_eq!((none.low, none.value, none.high), (0.0, 0.0, 0.0));
    }

    #[test]
    fn an_undefined_metric_makes_the_goal_undefined() {
        let labels = vec![vec![1.0, 1.0], vec![1.0, 0.0]];
        let known = Known { labels: &labels, weights: &[None, None], groups: None };
        let both = goal(&[(1.0, Metric::Auc, 1), (1.0, Metric::Auc, 0)]);
        assert_eq!(known.value(&both, &[0.5, 0.2]).unwrap(), None);
        assert_eq!(known.difference(&both, &[0.5, 0.2], &[0.1, 0.2], &Bootstrap::new(10, 0)).unwrap(), None);
    }
}
