//! What exists in training alone: the search for masks, and penalties.

use super::{Rate, Size};

/// How the masks of [`Op::Subnets`](super::Op::Subnets) are found, and how the subnetworks are trained.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskSearch {
    /// The method.
    pub method: MaskMethod,
    /// The share that the last round keeps; with [`MaskMethod::Contrastive`], the share that a round prunes.
    pub prune: Rate,
    /// Rounds of pruning.
    pub rounds: Size,
    /// Epochs before the first round.
    pub warm_up: Size,
    /// Epochs of a round.
    pub epochs: Size,
    /// The least share pruned of a mask that may be chosen.
    pub least_pruned: Rate,
    /// Whether a round starts from the values of the start.
    pub rewind: bool,
}

/// The methods of [`MaskSearch`].
#[derive(Debug, Clone, PartialEq)]
pub enum MaskMethod {
    /// All layers are pruned together.
    Magnitude {
        /// `batch`, `split` or `together`.
        turns: &'static str,
    },
    /// Each layer is pruned by itself, and each task takes a step on each batch.
    Contrastive {
        /// Weight of the loss without the shared weights.
        contrast: Rate,
        /// By how much it is to exceed the subnetwork's.
        margin: Rate,
    },
}

/// What training adds to the loss.
#[derive(Debug, Clone, PartialEq)]
pub enum Penalty {
    /// The sum over pairs of members of the squared distance of their parameters (indices into [`Block::params`](super::Block::params)).
    Distance(Vec<usize>),
    /// The sum of the trace norms of the matrices whose columns are the members' weights.
    TraceNorm(Vec<usize>),
    /// The sum over members of the squared products of the columns of different subspaces (Ruder et al. 2019).
    Orthogonal {
        /// The maps.
        params: Vec<usize>,
        /// Into how many subspaces a map's result is split.
        subspaces: usize,
    },
    /// The mean over rows of the sum of the second input.
    Mean,
    /// The mean over rows of the entropies of the second input's slots.
    Entropy,
    /// The mean over rows of what the reciprocals of the sums of the second input's slots, weights that should add up to 1, have
    /// above 1.
    Lost,
    /// For each slot, the squared coefficient of variation of the second input's columns, each summed over rows.
    Imbalance,
    /// The same of the probabilities that each column is among the `k` greatest of its slot, were its noise drawn anew, from the logits
    /// in the second input, those with noise in the third and the noise's deviations in the fourth (Shazeer et al., ICLR 2017).
    Load {
        /// How many; all where the width has no more.
        k: Size,
    },
}

impl Penalty {
    /// What it is called.
    pub fn word(&self) -> &'static str {
        match self {
            Penalty::Distance(_) => "distance",
            Penalty::TraceNorm(_) => "trace norm",
            Penalty::Orthogonal { .. } => "orthogonality",
            Penalty::Mean => "mean",
            Penalty::Entropy => "entropy",
            Penalty::Lost => "lost",
            Penalty::Imbalance => "imbalance",
            Penalty::Load { .. } => "load",
        }
    }

    /// The parameters that it is about, where it reads no value.
    pub fn params(&self) -> &[usize] {
        match self {
            Penalty::Distance(params) | Penalty::TraceNorm(params) | Penalty::Orthogonal { params, .. } => params,
            Penalty::Mean | Penalty::Entropy | Penalty::Lost | Penalty::Imbalance | Penalty::Load { .. } => &[],
        }
    }
}
