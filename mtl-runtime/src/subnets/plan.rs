//! How the masks of a model's subnetworks are found, and how the subnetworks are trained.

use super::Scope;

/// The `subnet` of a model: which layers have masks, and the stages that find them.
///
/// ```text
/// warm_up epochs      all tasks train the whole network; its end is the start of every round
/// for each task       rounds + 1 rounds: `epochs` epochs of the task alone under its mask, a measurement, a pruning, a rewind
/// then                from the start again: the usual epochs, each task on its own subnetwork
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Subnet {
    /// The paths of its layers, in order: `h.hidden_1`.
    pub layers: &'static [&'static str],
    /// What the weights to prune are ranked among.
    pub scope: Scope,
    /// The share of the kept weights that a round prunes.
    pub share: f64,
    /// Rounds of pruning.
    pub rounds: usize,
    /// Epochs of all tasks before the first round.
    pub warm_up: usize,
    /// Epochs of a round.
    pub epochs: usize,
    /// The least share of weights that a mask must have pruned to be chosen.
    pub least_pruned: f64,
    /// Whether a round starts from the values of the start; else from those that the round before has trained.
    pub rewind: bool,
    /// Whose a step is once the masks are found.
    pub turns: Turns,
    /// What parts a subnetwork from the rest of the network.
    pub contrast: Option<Contrast>,
}

/// Whose a step is once the masks are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turns {
    /// One step for the sum of the losses.
    Together,
    /// A step of each task on each batch.
    Batch,
    /// The tasks take batches in turn.
    Split,
}

/// The second term of a step of CSRec: `weight * max(0, margin + L(subnetwork) - L(network without the weights that all masks hold))`, in
/// which the loss of the subnetwork is a constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// Its factor.
    pub weight: f64,
    /// The distance of the losses beyond which it moves nothing.
    pub margin: f64,
}

/// A stage of the training of subnetworks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// All tasks train the whole network.
    WarmUp,
    /// A task trains its candidate.
    Round {
        /// The task.
        task: usize,
        /// The round: as many prunings lie behind.
        round: usize,
        /// Whether this is the round's last epoch.
        last: bool,
    },
}

impl Subnet {
    /// The stage of an epoch of the search, counted from 0; none behind its end.
    pub fn stage(&self, epoch: usize, tasks: usize) -> Option<Stage> {
        let Some(at) = epoch.checked_sub(self.warm_up) else { return Some(Stage::WarmUp) };
        let of_task = (self.rounds + 1) * self.epochs;
        let (task, within) = (at / of_task, at % of_task);
        let last = within % self.epochs + 1 == self.epochs;
        (task < tasks).then_some(Stage::Round { task, round: within / self.epochs, last })
    }

    /// What is wrong with these numbers.
    pub fn problem(&self) -> Option<String> {
        if !(self.share > 0.0 && self.share < 1.0) {
            return Some(format!("a round prunes {} of the weights, and it must be between 0 and 1", self.share));
        }
        let pruned = 1.0 - (1.0 - self.share).powi(i32::try_from(self.rounds).unwrap_or(i32::MAX));
        (self.least_pruned > pruned + 1e-9)
            .then(|| format!("`least_pruned` is {}, and the last round has pruned {pruned:.3}", self.least_pruned))
    }
}
