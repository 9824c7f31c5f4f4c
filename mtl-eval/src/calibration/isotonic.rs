//! Isotonic regression by pooling of adjacent violators.

use serde::{Deserialize, Serialize};

use crate::metrics::Columns;

/// Steps in the order of the predictions, each from its lowest to its highest prediction; between two steps a line, outside all of
/// them the nearest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Isotonic {
    low: Vec<f64>,
    high: Vec<f64>,
    value: Vec<f64>,
}

impl Isotonic {
    /// The non-decreasing step function of least squares. There is at least one row that counts.
    pub(super) fn fit(columns: &Columns) -> Self {
        struct Block {
            low: f64,
            high: f64,
            label: f64,
            weight: f64,
        }
        let rows = columns.by_score(None);
        let mut blocks: Vec<Block> = Vec::new();
        for tied in rows.chunk_by(|a, b| a.score == b.score) {
            let weight: f64 = tied.iter().map(|row| f64::from(row.weight)).sum();
            let label: f64 = tied.iter().map(|row| f64::from(row.weight) * f64::from(row.label)).sum();
            let score = f64::from(tied[0].score);
            let mut block = Block { low: score, high: score, label, weight };
            while let Some(before) = blocks.pop_if(|before| before.label * block.weight >= block.label * before.weight)
            {
                block.low = before.low;
                block.label += before.label;
                block.weight += before.weight;
            }
            blocks.push(block);
        }
        let of = |f: fn(&Block) -> f64| blocks.iter().map(f).collect();
        let mut value: Vec<f64> = of(|block| (block.label / block.weight).clamp(0.0, 1.0));
        // Rounding of the quotients must not undo the order.
        (1..value.len()).for_each(|i| value[i] = value[i].max(value[i - 1]));
        Self { low: of(|block| block.low), high: of(|block| block.high), value }
    }

    /// The steps.
    pub fn steps(&self) -> usize {
        self.value.len()
    }

    pub(super) fn apply(&self, p: f64) -> f64 {
        if p.is_nan() {
            return p;
        }
        let after = self.low.partition_point(|low| *low <= p);
        let Some(at) = after.checked_sub(1) else { return self.value[0] };
        if p <= self.high[at] || after == self.value.len() {
            return self.value[at];
        }
        let share = (p - self.high[at]) / (self.low[after] - self.high[at]);
        (self.value[at] + share * (self.value[after] - self.value[at])).clamp(self.value[at], self.value[after])
    }
}
