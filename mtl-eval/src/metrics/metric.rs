//! Metrics by name, and prepared for rows that are drawn anew.

use std::fmt;
use std::str::FromStr;

use super::classes;
use super::columns::{Columns, Labels, Row, add};
use super::grouped::each_group;
use super::lists::ListMetric;
use super::means::{self, Mean};
use super::pairs::{GroupWeight, auc_of_sorted, gauc_of_group, xauc_of_sorted};
use super::reliability::{at_least_one, binned, distance};
use crate::error::EvalError;

/// A metric of predictions: of one column, or of the probabilities of several classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// [`auc`](super::auc).
    Auc,
    /// [`gauc`](super::gauc).
    Gauc(GroupWeight),
    /// [`logloss`](super::logloss); of several classes the mean of `-log` of the probability of each row's class, clipped at `1e-7`.
    Logloss,
    /// [`normalized_entropy`](super::normalized_entropy).
    NormalizedEntropy,
    /// [`pcoc`](super::pcoc).
    Pcoc,
    /// [`ece`](super::ece) in this many bins.
    Ece(usize),
    /// [`accuracy`](super::accuracy); of several classes the share of the rows whose most probable class, the first of equals, is theirs.
    Accuracy,
    /// [`rmse`](super::rmse).
    Rmse,
    /// [`mae`](super::mae).
    Mae,
    /// [`xauc`](super::xauc).
    Xauc,
    /// [`ListMetric::Ndcg`](super::ListMetric::Ndcg).
    Ndcg(usize),
    /// [`ListMetric::Map`](super::ListMetric::Map).
    Map(usize),
    /// [`ListMetric::Recall`](super::ListMetric::Recall).
    Recall(usize),
    /// [`ListMetric::HitRate`](super::ListMetric::HitRate).
    HitRate(usize),
    /// [`ListMetric::Mrr`](super::ListMetric::Mrr).
    Mrr,
}

/// A metric of columns, ready to be measured on rows drawn anew.
#[derive(Debug, Clone)]
pub struct Prepared {
    kind: Kind,
    units: usize,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Sums of each unit, and what becomes of their sum.
    Sums(Vec<[f64; 3]>, fn([f64; 3]) -> Option<f64>),
    /// Rows by score.
    Ordered(Vec<Row>, Metric),
}

impl Metric {
    /// Bins of [`Metric::Ece`] where none are named.
    pub const BINS: usize = 20;

    /// The forms of the names, for messages.
    pub const NAMES: &'static str = "auc, gauc, gauc_by_positives, gauc_by_groups, logloss, ne, pcoc, ece (ece@BINS), accuracy, \
        rmse, mae, xauc, ndcg@K, map@K, recall@K, hit_rate@K, mrr";

    /// Whether a larger value is better; none for calibration, where 1 is best.
    pub fn higher_is_better(self) -> Option<bool> {
        match self {
            Self::Pcoc => None,
            Self::Logloss | Self::NormalizedEntropy | Self::Ece(_) | Self::Rmse | Self::Mae => Some(false),
            _ => Some(true),
        }
    }

    /// Whether the metric is a mean over groups, and so needs them.
    pub fn needs_groups(self) -> bool {
        matches!(self, Self::Gauc(_)) || self.list().is_some()
    }

    /// Whether the metric asks of an event that happens or does not: labels in 0..1.
    pub fn of_events(self) -> bool {
        use Metric::*;
        matches!(self, Auc | Gauc(_) | Logloss | NormalizedEntropy | Ece(_) | Accuracy)
            || self.list().is_some_and(|list| !matches!(list, ListMetric::Ndcg(_)))
    }

    /// Whether the metric asks for the size of the predictions, not only for their order.
    pub fn of_values(self) -> bool {
        self.mean().is_some() || matches!(self, Self::Ece(_))
    }

    /// The metric of these columns. None where it is undefined.
    pub fn of(self, columns: Columns) -> Result<Option<f64>, EvalError> {
        if columns.classes > 1 {
            let (mean, own) = classes::of_own(self, columns)?;
            return Ok((mean.finish)(columns.reduced(&own).checked(mean.name, mean.labels)?.sums(mean.term)));
        }
        if let Some(mean) = self.mean() {
            return Ok((mean.finish)(columns.checked(mean.name, mean.labels)?.sums(mean.term)));
        }
        Ok(self.prepare(Columns { groups: columns.groups.filter(|_| self.needs_groups()), ..columns })?.value())
    }

    /// The metric, ready for rows drawn anew: whole groups where the columns have groups, else rows.
    pub fn prepare(self, columns: Columns) -> Result<Prepared, EvalError> {
        if columns.classes > 1 {
            let (mean, own) = classes::of_own(self, columns)?;
            return Self::of_mean(mean, columns.reduced(&own));
        }
        if let Some(mean) = self.mean() {
            return Self::of_mean(mean, columns);
        }
        if let Some(list) = self.list() {
            list.check(&columns)?;
            return Self::of_groups(columns, list.name(), Labels::Any, &|group| list.of_group(group));
        }
        if let Self::Gauc(rule) = self {
            return Self::of_groups(columns, "GAUC", Labels::Event, &|group| gauc_of_group(group, rule));
        }
        let (name, labels) = match self {
            Self::Ece(bins) => {
                at_least_one(bins)?;
                ("ECE", Labels::Any)
            }
            Self::Xauc => ("XAUC", Labels::Any),
            _ => ("AUC", Labels::Event),
        };
        let columns = columns.checked(name, labels)?;
        let (of_row, units) = units(&columns);
        Ok(Prepared { kind: Kind::Ordered(columns.by_score(Some(&of_row)), self), units })
    }

    fn of_mean(mean: Mean, columns: Columns) -> Result<Prepared, EvalError> {
        let columns = columns.checked(mean.name, mean.labels)?;
        let (of_row, units) = units(&columns);
        let mut sums = vec![[0.0; 3]; units];
        for i in (0..columns.labels.len()).filter(|&i| columns.counts(i)) {
            let unit = &mut sums[of_row[i] as usize];
            *unit = add(*unit, columns.term(i, mean.term));
        }
        Ok(Prepared { kind: Kind::Sums(sums, mean.finish), units })
    }

    fn of_groups(
        columns: Columns,
        name: &str,
        labels: Labels,
        of: super::grouped::OfGroup,
    ) -> Result<Prepared, EvalError> {
        let groups = each_group(columns, name, labels, of)?;
        let sums = groups.iter().map(|(_, of_group)| match of_group {
            Some((value, weight)) => [value * weight, 0.0, *weight],
            None => [0.0; 3],
        });
        let finish = |[sum, _, total]: [f64; 3]| (total > 0.0).then(|| sum / total);
        Ok(Prepared { units: groups.len(), kind: Kind::Sums(sums.collect(), finish) })
    }

    fn mean(self) -> Option<Mean> {
        match self {
            Self::Logloss => Some(means::LOGLOSS),
            Self::NormalizedEntropy => Some(means::NORMALIZED_ENTROPY),
            Self::Pcoc => Some(means::PCOC),
            Self::Accuracy => Some(means::ACCURACY),
            Self::Rmse => Some(means::RMSE),
            Self::Mae => Some(means::MAE),
            _ => None,
        }
    }

    fn list(self) -> Option<ListMetric> {
        match self {
            Self::Ndcg(k) => Some(ListMetric::Ndcg(k)),
            Self::Map(k) => Some(ListMetric::Map(k)),
            Self::Recall(k) => Some(ListMetric::Recall(k)),
            Self::HitRate(k) => Some(ListMetric::HitRate(k)),
            Self::Mrr => Some(ListMetric::Mrr),
            _ => None,
        }
    }
}

impl Prepared {
    /// What is drawn anew: groups, or rows.
    pub fn units(&self) -> usize {
        self.units
    }

    /// The metric of the rows as they are.
    pub fn value(&self) -> Option<f64> {
        match &self.kind {
            Kind::Sums(sums, finish) => finish(sums.iter().copied().fold([0.0; 3], add)),
            Kind::Ordered(rows, metric) => metric.of_ordered(rows, |_| 1.0),
        }
    }

    /// The metric if each unit stood there `times` often.
    pub fn value_of(&self, times: &[u32]) -> Option<f64> {
        match &self.kind {
            Kind::Sums(sums, finish) => finish(sums.iter().zip(times).fold([0.0; 3], |sums, (unit, &times)| {
                add(sums, unit.map(|sum| if times == 0 { 0.0 } else { sum * f64::from(times) }))
            })),
            Kind::Ordered(rows, metric) => metric.of_ordered(rows, |row| f64::from(times[row.unit as usize])),
        }
    }
}

impl Metric {
    fn of_ordered(self, rows: &[Row], times: impl Fn(&Row) -> f64) -> Option<f64> {
        match self {
            Self::Ece(bins) => distance(&binned(rows, bins, times)),
            Self::Xauc => xauc_of_sorted(rows, times),
            _ => auc_of_sorted(rows, times),
        }
    }
}

/// The unit of each row, and their number: the groups that have a row that counts, in the order of their ids, or those rows.
fn units(columns: &Columns) -> (Vec<u32>, usize) {
    let mut of_row = vec![0; columns.labels.len()];
    let mut counted: Vec<usize> = (0..columns.labels.len()).filter(|&i| columns.counts(i)).collect();
    let mut units = counted.len();
    if let Some(groups) = columns.groups {
        counted.sort_unstable_by_key(|&i| groups[i]);
        units = 0;
        for group in counted.chunk_by(|&a, &b| groups[a] == groups[b]) {
            group.iter().for_each(|&i| of_row[i] = units as u32);
            units += 1;
        }
    } else {
        counted.iter().enumerate().for_each(|(unit, &i)| of_row[i] = unit as u32);
    }
    (of_row, units)
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auc => f.write_str("auc"),
            Self::Gauc(GroupWeight::Rows) => f.write_str("gauc"),
            Self::Gauc(GroupWeight::Positives) => f.write_str("gauc_by_positives"),
            Self::Gauc(GroupWeight::None) => f.write_str("gauc_by_groups"),
            Self::Logloss => f.write_str("logloss"),
            Self::NormalizedEntropy => f.write_str("ne"),
            Self::Pcoc => f.write_str("pcoc"),
            Self::Ece(Self::BINS) => f.write_str("ece"),
            Self::Ece(bins) => write!(f, "ece@{bins}"),
            Self::Accuracy => f.write_str("accuracy"),
            Self::Rmse => f.write_str("rmse"),
            Self::Mae => f.write_str("mae"),
            Self::Xauc => f.write_str("xauc"),
            Self::Ndcg(k) => write!(f, "ndcg@{k}"),
            Self::Map(k) => write!(f, "map@{k}"),
            Self::Recall(k) => write!(f, "recall@{k}"),
            Self::HitRate(k) => write!(f, "hit_rate@{k}"),
            Self::Mrr => f.write_str("mrr"),
        }
    }
}

impl FromStr for Metric {
    type Err = EvalError;

    fn from_str(text: &str) -> Result<Self, EvalError> {
        let unknown = || EvalError::new(format!("no metric `{text}`")).remedy(format!("there are {}", Self::NAMES));
        let (name, at) = match text.split_once('@') {
            Some((name, at)) => (name, Some(at.parse().ok().filter(|&at: &usize| at > 0).ok_or_else(unknown)?)),
            None => (text, None),
        };
        Ok(match (name, at) {
            ("auc", None) => Self::Auc,
            ("gauc", None) => Self::Gauc(GroupWeight::Rows),
            ("gauc_by_positives", None) => Self::Gauc(GroupWeight::Positives),
            ("gauc_by_groups", None) => Self::Gauc(GroupWeight::None),
            ("logloss", None) => Self::Logloss,
            ("ne", None) => Self::NormalizedEntropy,
            ("pcoc", None) => Self::Pcoc,
            ("ece", bins) => Self::Ece(bins.unwrap_or(Self::BINS)),
            ("accuracy", None) => Self::Accuracy,
            ("rmse", None) => Self::Rmse,
            ("mae", None) => Self::Mae,
            ("xauc", None) => Self::Xauc,
            ("ndcg", Some(k)) => Self::Ndcg(k),
            ("map", Some(k)) => Self::Map(k),
            ("recall", Some(k)) => Self::Recall(k),
            ("hit_rate", Some(k)) => Self::HitRate(k),
            ("mrr", None) => Self::Mrr,
            _ => return Err(unknown()),
        })
    }
}
