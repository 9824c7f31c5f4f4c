//! Subnetworks of one network: masks on its weights, pruning by magnitude, overlap, and what serving them costs.
//!
//! After Sun et al., "Learning Sparse Sharing Architectures for Multiple Tasks" (AAAI 2020). A mask holds a truth value for each
//! weight of one layer, row-major; a subnetwork is one mask for each layer.

mod compact;
mod forward;
#[cfg(test)]
mod masked;
mod plan;
mod report;
#[cfg(test)]
mod tests;

pub use compact::{Compact, Layer};
pub use forward::{Compacted, subnets};
pub use plan::{Contrast, Stage, Subnet, Turns};
pub(crate) use report::masks_of;
pub(crate) use report::report;

pub use crate::report::{Round, SubnetLayer, SubnetReport};

/// What the weights to prune are ranked among.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All layers together.
    Global,
    /// Each layer by itself.
    Layer,
}

/// The share of the kept weights that each of `rounds` rounds prunes, so that `keep` of all are left after the last.
pub fn share_of_round(keep: f64, rounds: usize) -> f64 {
    if rounds == 0 { 0.0 } else { 1.0 - keep.powf(1.0 / rounds as f64) }
}

/// Prunes `round(share * n)` of the `n` kept weights, those of least magnitude; of equal ones, the first by position. One weight
/// of the scope is always left. `weights` and `masks` have one entry for each layer.
pub fn prune(weights: &[&[f32]], masks: &mut [Vec<bool>], share: f64, scope: Scope) {
    assert_eq!(weights.len(), masks.len(), "one mask for each layer");
    let mut kept: Vec<(f32, usize, usize)> = Vec::new();
    for (layer, (weights, mask)) in weights.iter().zip(masks.iter()).enumerate() {
        assert_eq!(weights.len(), mask.len(), "the mask of layer {layer} has one value for each weight");
        let alive = mask.iter().enumerate().filter(|(_, kept)| **kept);
        kept.extend(alive.map(|(at, _)| (weights[at].abs(), layer, at)));
    }
    let groups: Vec<Vec<(f32, usize, usize)>> = match scope {
        Scope::Global => vec![kept],
        Scope::Layer => kept.chunk_by(|a, b| a.1 == b.1).map(<[_]>::to_vec).collect(),
    };
    for mut group in groups {
        let count = (share * group.len() as f64).round() as usize;
        let count = count.min(group.len().saturating_sub(1));
        // The sort is stable, and the weights are in the order of their positions.
        group.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, layer, at) in &group[..count] {
            masks[*layer][*at] = false;
        }
    }
}

/// The share of a subnetwork's weights that is kept, layer by layer.
pub fn kept(masks: &[Vec<bool>]) -> Vec<f64> {
    masks.iter().map(|mask| share(count(mask.iter().copied()), mask.len())).collect()
}

/// `|AND| / |OR|` of two subnetworks: 1 exactly where they are the same. Two without weights are the same.
pub fn overlap(a: &[Vec<bool>], b: &[Vec<bool>]) -> f64 {
    let pairs = || a.iter().flatten().zip(b.iter().flatten());
    let both = count(pairs().map(|(a, b)| *a && *b));
    let either = count(pairs().map(|(a, b)| *a || *b));
    share(both, either)
}

fn count(mask: impl Iterator<Item = bool>) -> usize {
    mask.filter(|kept| *kept).count()
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
