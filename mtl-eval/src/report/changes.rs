//! Changes against a baseline: which task gained, and which one paid for it.

use serde::{Deserialize, Serialize};

use super::{CALIBRATED, SplitMetrics, TextTable};
use crate::bootstrap::Interval;
use crate::metrics::{Gain, Metric, delta_m};

/// One metric against that of a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Of the baseline.
    pub baseline: f64,
    /// Now.
    pub value: f64,
    /// The difference and where it lies on other rows of the same kind; only where the baseline's predictions are known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub difference: Option<Interval>,
}

impl Change {
    /// Whether the metric gained: none where it did not change, where an interval of the difference holds 0, and for PCOC, of
    /// which 1 is best.
    pub fn gained(&self, metric: Metric) -> Option<bool> {
        let higher = metric.higher_is_better()?;
        let difference = self.value - self.baseline;
        // A number that went through a text may differ in its last bit.
        let same = difference.abs() <= 1e-12 * self.value.abs().max(self.baseline.abs());
        if same || self.difference.is_some_and(|interval| !interval.excludes_zero()) {
            return None;
        }
        Some((difference > 0.0) == higher)
    }
}

impl SplitMetrics {
    /// The changes as a table for people; none if there are none.
    pub fn change_table(&self) -> Option<TextTable> {
        let intervals = self.changes.iter().any(|(_, of)| of.iter().any(|(_, change)| change.difference.is_some()));
        let range = if intervals { &["from", "to"][..] } else { &[] };
        let header = ["", "metric", "baseline", "now", "change"].into_iter();
        let mut table = TextTable::new(header.chain(range.iter().copied()).chain([" "]));
        for (subject, metrics) in self.changes.iter() {
            for (name, change) in metrics.iter() {
                let gained = name.parse().ok().and_then(|metric| change.gained(metric));
                let word = match gained {
                    Some(true) => "gained",
                    Some(false) => "lost",
                    None if change.difference.is_some_and(|interval| !interval.excludes_zero()) => "within noise",
                    None => "",
                };
                let mut row = vec![subject.to_owned(), name.to_owned()];
                row.extend([change.baseline, change.value].map(|x| format!("{x:.4}")));
                row.push(format!("{:+.4}", change.value - change.baseline));
                if intervals {
                    let ends = change.difference.map(|interval| [interval.low, interval.high]);
                    row.extend(ends.map_or(["", ""].map(String::from), |ends| ends.map(|x| format!("{x:+.4}"))));
                }
                table.row(row.into_iter().chain([word.to_owned()]));
            }
        }
        (!self.changes.is_empty()).then_some(table)
    }

    /// Delta_m of the tasks against the baseline, in per cent, over one metric of each: its AUC, else GAUC, else RMSE, else
    /// accuracy. None where a task has none of them on both sides.
    pub fn delta_m(&self) -> Option<f64> {
        let of_task = |(task, _)| {
            let changes = self.changes.get(task)?;
            let names = ["auc", "gauc", "rmse", "accuracy"];
            let (name, change) = names.iter().find_map(|name| Some((name, changes.get(name)?)))?;
            Some(vec![Gain { value: change.value, baseline: change.baseline, higher_is_better: *name != "rmse" }])
        };
        // A calibrated task counts once.
        let tasks = self.tasks.iter().filter(|(task, _)| !task.ends_with(CALIBRATED));
        delta_m(&tasks.map(of_task).collect::<Option<Vec<_>>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Metrics, Named};

    #[test]
    fn a_change_gains_loses_or_is_noise() {
        let change = |baseline, value, ends: Option<(f64, f64)>| Change {
            baseline,
            value,
            difference: ends.map(|(low, high)| Interval { value: value - baseline, low, high }),
        };
        assert_eq!(change(0.7, 0.8, None).gained(Metric::Auc), Some(true));
        assert_eq!(change(0.7, 0.8, None).gained(Metric::Rmse), Some(false));
        assert_eq!(change(0.7, 0.7, None).gained(Metric::Auc), None);
        assert_eq!(change(0.7, 0.8, None).gained(Metric::Pcoc), None);
        assert_eq!(change(0.7, 0.8, Some((-0.1, 0.2))).gained(Metric::Auc), None);
        assert_eq!(change(0.7, 0.6, Some((-0.2, -0.1))).gained(Metric::Auc), Some(false));
        let mut split = SplitMetrics::default();
        assert!(split.change_table().is_none() && split.delta_m().is_none());
        split.tasks.set("click", Metrics::default());
        let of = [("auc", change(0.7, 0.8, Some((0.05, 0.15)))), ("ne", change(0.9, 0.8, Some((-0.2, 0.1))))];
        split.changes.set("click", of.into_iter().collect::<Named<Change>>());
        let table = split.change_table().unwrap().to_string();
        assert!(table.contains("gained") && table.contains("within noise") && table.contains("+0.0500"), "{table}");
        assert!((split.delta_m().unwrap() - 100.0 / 7.0).abs() < 1e-9);
    }

    #[test]
    fn metrics_by_name() {
        let mut metrics = Metrics::default();
        for (metric, value) in [(Metric::Auc, 0.7), (Metric::Ndcg(10), 0.4)] {
            metrics.set(metric, Some(value));
            assert_eq!(metrics.get(metric), Some(value));
        }
        metrics.set(Metric::Mrr, None);
        assert_eq!((metrics.get(Metric::Mrr), metrics.auc, metrics.more.iter().count()), (None, Some(0.7), 1));
        let table = Metrics::table([("click".to_owned(), &metrics)]).to_string();
        assert!(table.contains("ndcg@10") && !table.contains("logloss"), "{table}");
    }
}
