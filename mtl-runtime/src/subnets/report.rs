//! The report of a model's subnetworks, from its parameters.

use super::{Compact, Layer, Subnet, kept, overlap};
use crate::parameters::Parameter;
use crate::report::{Round, SubnetLayer, SubnetReport};

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

/// The subnetworks of a network with these parameters.
pub(crate) fn report(subnet: &Subnet, tasks: &[String], parameters: &[Parameter], rounds: Vec<Round>) -> SubnetReport {
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
    SubnetReport {
        layers: layers.collect(),
        kept: named().zip(masks.iter().map(all)).collect(),
        overlap: pairs.map(|(a, b)| (tasks[a].clone(), tasks[b].clone(), overlap(&masks[a], &masks[b]))).collect(),
        multiplications: named().zip(compact.iter().map(Compact::multiplications)).collect(),
        dense: compact.first().map_or(0, Compact::dense_multiplications),
        rounds,
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
