//! What became of a model's subnetworks: rounds, kept shares, overlap, and what serving them costs.

use serde::{Deserialize, Serialize};

use super::{Named, TextTable};

/// A round of the search for a task's mask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// The task.
    pub task: String,
    /// Prunings that lie behind it.
    pub round: usize,
    /// The share of the weights that its mask keeps.
    pub kept: f64,
    /// The validation metric of the task at the round's end; none without validation rows.
    pub value: Option<f64>,
}

/// One layer of the subnetworks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubnetLayer {
    /// Its path.
    pub name: String,
    /// Its weights.
    pub weights: usize,
    /// The share of them that each task's mask keeps.
    pub kept: Named<f64>,
}

/// The subnetworks of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubnetReport {
    /// Layer by layer.
    pub layers: Vec<SubnetLayer>,
    /// The share of all weights that each task's masks keep.
    pub kept: Named<f64>,
    /// For each pair of tasks: `|both| / |either|`.
    pub overlap: Vec<(String, String, f64)>,
    /// Multiplications for one row of each task's subnetwork as served.
    pub multiplications: Named<usize>,
    /// Multiplications for one row of one whole network.
    pub dense: usize,
    /// The rounds in which the masks were found.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rounds: Vec<Round>,
}

impl SubnetReport {
    /// Kept shares by layer and task, and what serving costs.
    pub fn table(&self) -> TextTable {
        let tasks = self.kept.iter().map(|(task, _)| format!("kept by {task}"));
        let mut table = TextTable::new(["layer".to_owned(), "weights".to_owned()].into_iter().chain(tasks));
        let share = |share: &f64| format!("{:.1} %", 100.0 * share);
        for layer in &self.layers {
            let kept = layer.kept.iter().map(|(_, kept)| share(kept));
            table.row([layer.name.clone(), layer.weights.to_string()].into_iter().chain(kept));
        }
        let weights: usize = self.layers.iter().map(|layer| layer.weights).sum();
        let kept = self.kept.iter().map(|(_, kept)| share(kept));
        table.row(["all".to_owned(), weights.to_string()].into_iter().chain(kept));
        let cost = self.multiplications.iter().map(|(_, count)| count.to_string());
        table.row(["multiplications a row".to_owned(), self.dense.to_string()].into_iter().chain(cost));
        table
    }

    /// The share of weights that pairs of tasks have in common.
    pub fn overlap_table(&self) -> TextTable {
        let mut table = TextTable::new(["tasks", "overlap"]);
        for (a, b, overlap) in &self.overlap {
            table.row([format!("{a}, {b}"), format!("{:.1} %", 100.0 * overlap)]);
        }
        table
    }
}
