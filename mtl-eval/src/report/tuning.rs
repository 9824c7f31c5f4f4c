//! What tuning found: the parameters, what they are worth on each part of the data, and the front between goals.

use serde::{Deserialize, Serialize};

use super::{Named, TextTable};
use crate::bootstrap::Interval;
use crate::search::{Picture, Point};

/// What `tune` found: the `tuning` of its report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuneReport {
    /// The model's name.
    pub model: String,
    /// The rank that was tuned.
    pub rank: String,
    /// How points were chosen: `cma_es`, `random`, `grid`.
    pub method: String,
    /// The seed of the search and of the intervals.
    pub seed: u64,
    /// How many points were evaluated.
    pub evaluations: usize,
    /// What was made large.
    pub goals: Vec<String>,
    /// The parameters by their settings.
    pub params: Named<TunedParam>,
    /// Metrics and goals before and after, by part of the data: `validation`, on which was searched, and `test`.
    pub split: Named<Named<Compared>>,
    /// Constraints and expectations that the best point breaks, as no point was found that keeps all.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub broken: Vec<String>,
    /// Points of which none is better than another in every goal; of several goals only.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub front: Vec<TunedPoint>,
    /// The volume that the front dominates above the parameters as they were; of several goals only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hypervolume: Option<f64>,
    /// Wall time of the search.
    pub seconds: f64,
}

/// A parameter and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TunedParam {
    /// As it was.
    pub before: f64,
    /// The best value; none where a front was explored.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tuned: Option<f64>,
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
}

/// A metric, a goal or the left side of a constraint under both parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// With the parameters as they were; none where it is undefined on these rows.
    pub before: Option<f64>,
    /// With the tuned ones.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tuned: Option<f64>,
    /// The difference, with an interval over groups drawn anew.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub difference: Option<Interval>,
}

/// A point of the front.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TunedPoint {
    /// The parameters by their settings.
    pub params: Named<f64>,
    /// The goals on the validation rows.
    pub validation: Vec<f64>,
    /// The goals on the test rows, if there are any on which they are defined.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub test: Vec<f64>,
}

impl TuneReport {
    /// The parameters as a table for people.
    pub fn param_table(&self) -> TextTable {
        let tuned = self.params.iter().any(|(_, param)| param.tuned.is_some());
        let more = tuned.then_some("tuned");
        let mut table = TextTable::new(["parameter", "range", "before"].into_iter().chain(more));
        for (name, param) in self.params.iter() {
            let range = format!("{}..{}", param.low, param.high);
            let more = param.tuned.map(|value| value.to_string());
            table.row([name.to_owned(), range, param.before.to_string()].into_iter().chain(more));
        }
        table
    }

    /// One part of the data as a table for people.
    pub fn split_table(&self, split: &Named<Compared>) -> TextTable {
        let tuned = split.iter().any(|(_, compared)| compared.tuned.is_some());
        let more: &[&str] = if tuned { &["tuned", "difference", "95 % interval"] } else { &[] };
        let mut table = TextTable::new(["", "before"].into_iter().chain(more.iter().copied()));
        let cell = |value: Option<f64>| value.map_or_else(|| "undefined".to_owned(), |value| format!("{value:.5}"));
        for (name, compared) in split.iter() {
            let mut row = vec![name.to_owned(), cell(compared.before)];
            if tuned {
                let difference = compared.difference.as_ref();
                row.push(cell(compared.tuned));
                row.push(difference.map_or_else(String::new, |of| format!("{:+.5}", of.value)));
                row.push(difference.map_or_else(String::new, |of| format!("{:+.5} to {:+.5}", of.low, of.high)));
            }
            table.row(row);
        }
        table
    }

    /// The goals of the front's points.
    pub fn front_values(&self) -> Vec<Vec<f64>> {
        self.front.iter().map(|point| point.validation.clone()).collect()
    }

    /// The goals on the validation rows under the parameters as they were; not a number where one is undefined.
    pub fn before(&self) -> Vec<f64> {
        let validation = self.split.get("validation");
        let before = |goal: &String| validation.and_then(|split| split.get(goal)?.before).unwrap_or(f64::NAN);
        self.goals.iter().map(before).collect()
    }

    /// Points of the front as a table for people: goals, then parameters.
    pub fn front_table(&self, points: &[usize]) -> TextTable {
        let test = self.front.iter().any(|point| !point.test.is_empty());
        let on_test = self.goals.iter().filter(|_| test).map(|goal| format!("{goal}, test"));
        let params = self.params.iter().map(|(name, _)| name.rsplit('.').next().unwrap_or(name).to_owned());
        let mut table = TextTable::new(self.goals.iter().cloned().chain(on_test).chain(params));
        for point in points.iter().filter_map(|at| self.front.get(*at)) {
            let goals = point.validation.iter().chain(&point.test).map(|goal| format!("{goal:.5}"));
            table.row(goals.chain(point.params.iter().map(|(_, value)| value.to_string())));
        }
        table
    }

    /// The front as a picture, on the validation rows.
    pub fn picture(&self) -> Picture {
        let title = |params: &mut dyn Iterator<Item = (&str, f64)>, goals: &[f64]| {
            let params = params.map(|(name, value)| format!("{} = {value}", name.rsplit('.').next().unwrap_or(name)));
            let goals = self.goals.iter().zip(goals).map(|(goal, value)| format!("{goal} = {value:.5}"));
            goals.chain(params).collect::<Vec<_>>().join("\n")
        };
        let start = self.before();
        Picture {
            objectives: self.goals.clone(),
            front: self
                .front
                .iter()
                .map(|point| Point {
                    objectives: point.validation.clone(),
                    title: title(&mut point.params.iter().map(|(name, value)| (name, *value)), &point.validation),
                })
                .collect(),
            start: Point {
                title: format!(
                    "before\n{}",
                    title(&mut self.params.iter().map(|(name, param)| (name, param.before)), &start)
                ),
                objectives: start,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(tuned: Option<f64>) -> TuneReport {
        let param = TunedParam { before: 1.0, tuned, low: 0.0, high: 5.0 };
        let difference = tuned.map(|_| Interval { value: 0.02, low: -0.01, high: 0.05 });
        let compared = Compared { before: Some(0.6), tuned: tuned.map(|_| 0.62), difference };
        let point = |a: f64, b: f64| TunedPoint {
            params: [("ranks.score.w", a)].into_iter().collect(),
            validation: vec![a, b],
            test: vec![a, b],
        };
        let goals = ["gauc(a)", "gauc(b)"];
        TuneReport {
            model: "Feed".to_owned(),
            rank: "score".to_owned(),
            method: "cma_es".to_owned(),
            seed: 3,
            evaluations: 100,
            goals: goals.map(str::to_owned).to_vec(),
            params: [("ranks.score.w", param)].into_iter().collect(),
            split: [("validation", goals.into_iter().map(|goal| (goal, compared)).collect())].into_iter().collect(),
            broken: Vec::new(),
            front: if tuned.is_none() { vec![point(0.5, 0.75), point(0.625, 0.7)] } else { Vec::new() },
            hypervolume: tuned.is_none().then_some(0.01),
            seconds: 1.0,
        }
    }

    #[test]
    fn tables_have_a_column_for_what_is_there() {
        let tuned = report(Some(2.5));
        assert_eq!(
            tuned.param_table().to_string(),
            "parameter      range  before  tuned\nranks.score.w   0..5       1    2.5\n"
        );
        let split = tuned.split_table(tuned.split.get("validation").unwrap()).to_string();
        assert!(split.contains("+0.02000") && split.contains("-0.01000 to +0.05000"), "{split}");
        let front = report(None);
        assert!(!front.param_table().to_string().contains("tuned"));
        let table = front.front_table(&[1]).to_string();
        assert!(table.contains("gauc(b), test") && table.contains("0.70000") && !table.contains("0.75000"), "{table}");
        assert!(front.picture().svg().contains("w = 0.625"));
    }

    #[test]
    fn a_report_is_read_back() {
        for report in [report(Some(2.5)), report(None)] {
            let json = serde_json::to_string(&report).unwrap();
            assert_eq!(serde_json::from_str::<TuneReport>(&json).unwrap(), report);
        }
    }
}
