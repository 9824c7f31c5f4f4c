//! Scores in parts, as a table and as data.

use serde::Serialize;

use super::TextTable;

/// How a score is shown in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// As terms, which make it when they are added.
    Sum,
    /// As factors, which make it when they are multiplied.
    Product,
}

/// The scores of some candidates in parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The rank.
    pub rank: String,
    /// Its formula.
    pub formula: String,
    /// What the parts are.
    pub split: Split,
    /// The candidates, the best first.
    pub candidates: Vec<Candidate>,
}

/// A row and its score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// The row, from 0.
    pub row: usize,
    /// Its score.
    pub score: f64,
    /// What that is made of, in the order of the formula.
    pub parts: Vec<Part>,
}

/// A part of a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// As the formula has it.
    pub name: String,
    /// Its value.
    pub value: f64,
}

impl Explanation {
    /// A line for each candidate, a column for each part; of a product also the logarithms, which add up.
    pub fn table(&self) -> TextTable {
        let mut names: Vec<&str> = Vec::new();
        for part in self.candidates.iter().flat_map(|candidate| &candidate.parts) {
            if !names.contains(&part.name.as_str()) {
                names.push(&part.name);
            }
        }
        let header = ["row", self.rank.as_str()].into_iter().chain(names.iter().copied());
        let mut table = TextTable::new(header);
        for candidate in &self.candidates {
            let cells = names.iter().map(|name| {
                let parts = candidate.parts.iter().filter(|part| part.name == *name);
                let values: Vec<f64> = parts.map(|part| part.value).collect();
                match (values.as_slice(), self.split) {
                    ([], _) => String::new(),
                    (values, Split::Sum) => number(values.iter().sum()),
                    (values, Split::Product) => {
                        let value: f64 = values.iter().product();
                        if value > 0.0 {
                            format!("{} (log {})", number(value), number(value.ln()))
                        } else {
                            number(value)
                        }
                    }
                }
            });
            table.row([candidate.row.to_string(), number(candidate.score)].into_iter().chain(cells));
        }
        table
    }
}

/// Four digits, as a person would write them.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        1e-3..1e6 => {
            let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
            format!("{value:.digits$}")
        }
        _ => format!("{value:.3e}"),
    }
}
