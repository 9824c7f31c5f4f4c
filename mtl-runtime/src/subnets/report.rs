//! What became of a model's subnetworks: rounds, kept shares, overlap, and what serving them costs.

use serde::{Deserialize, Serialize};

use super::{Compact, Layer, Subnet, kept, overlap};
use crate::parameters::Parameter;
use crate::report::{Named, TextTable};

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

/// The masks of each layer for one task, from a network's parameters.
pub(crate) fn masks_of(subnet: &Subnet, parameters: &[Parameter], task: usize) -> Vec<Vec<bool>> {
    let layer = |layer: &&str| {
        let masks = find(parameters, layer, "masks");
        let [_, width, units] = masks.shape[..] else { unreachable!("masks are [T, in, out]") };
        masks.values[task * width * units..][..width * units].iter().map(|kept| *kept != 0.0).collect()
    };
    subnet.layers.iter().map(layer).collect()
}

fn find<'p>(parameters: &'p [Parameter], layer: &str, part: &str) -> &'p Parameter {
    let path = format!("{layer}.{part}");
    let found = parameters.iter().find(|parameter| parameter.path == path);
    found.unwrap_or_else(|| unreachable!("the network has `{path}`"))
}

impl SubnetReport {
    /// The subnetworks of a network with these parameters.
    pub(crate) fn of(subnet: &Subnet, tasks: &[String], parameters: &[Parameter], rounds: Vec<Round>) -> Self {
        let masks: Vec<Vec<Vec<bool>>> = (0..tasks.len()).map(|task| masks_of(subnet, parameters, task)).collect();
        let named = || tasks.iter().cloned();
        let layers = subnet.layers.iter().enumerate().map(|(at, name)| SubnetLayer {
            name: (*name).to_owned(),
            weights: find(parameters, name, "weight").values.len(),
            kept: named().zip(masks.iter().map(|masks| kept(&masks[at..=at])[0])).collect(),
        });
        let all = |masks: &Vec<Vec<bool>>| kept(&[masks.concat()])[0];
        let pairs = (0..tasks.len()).flat_map(|a| (a + 1..tasks.len()).map(move |b| (a, b)));
        let compact: Vec<Compact> = masks.iter().map(|masks| compacted(subnet, parameters, masks)).collect();
        Self {
            layers: layers.collect(),
            kept: named().zip(masks.iter().map(all)).collect(),
            overlap: pairs.map(|(a, b)| (tasks[a].clone(), tasks[b].clone(), overlap(&masks[a], &masks[b]))).collect(),
            multiplications: named().zip(compact.iter().map(Compact::multiplications)).collect(),
            dense: compact.first().map_or(0, Compact::dense_multiplications),
            rounds,
        }
    }

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

/// A task's subnetwork as served, to count its operations.
fn compacted(subnet: &Subnet, parameters: &[Parameter], masks: &[Vec<bool>]) -> Compact {
    let layers: Vec<Layer> = subnet
        .layers
        .iter()
        .zip(masks)
        .map(|(layer, mask)| Layer {
            weight: &find(parameters, layer, "weight").values,
            mask,
            bias: &find(parameters, layer, "bias").values,
            activation: crate::ops::Activation::None,
        })
        .collect();
    let width = subnet.layers.first().map_or(0, |layer| find(parameters, layer, "weight").shape[1]);
    Compact::of(width, &layers)
}
