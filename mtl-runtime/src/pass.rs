//! The circumstances of forward passes, and what a network tells beside its logits: penalties, and the use of its gates.

use std::cell::RefCell;
use std::ops::Range;

use burn::tensor::Tensor;

use crate::evaluate::numbers;
use crate::ops::{self, Choice};
use crate::report::{GateUse, Named};

/// The circumstances of forward passes: of one training step, or of all batches of an evaluation.
#[derive(Debug)]
pub struct Pass {
    /// Whether what exists in training only (dropout, penalties, train-only terms) takes part.
    pub training: bool,
    /// Seed of everything random.
    pub seed: u64,
    /// Number of the training step.
    pub step: u64,
    /// Whether subnetworks are replaced by the network without the weights that all of them share.
    without_shared: bool,
    /// Whether the graph is cut where towers read it.
    cutting: bool,
    /// Whether the use of gates is noted.
    watching: bool,
    notes: RefCell<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    penalties: Vec<(&'static str, Tensor<1>)>,
    gates: Vec<(&'static str, &'static [&'static str], Sums)>,
    cuts: Vec<Cut>,
    mixtures: Vec<Mixture>,
    /// How many penalties were noted before the first cut.
    before_cuts: usize,
}

/// A value whose graph was cut where towers read it.
#[derive(Debug)]
pub(crate) struct Cut {
    /// What the value is called.
    pub name: &'static str,
    /// The value as the network below made it, `[B, S, d]`.
    pub value: Tensor<3>,
    /// The same numbers, from which the towers' graphs start.
    pub leaf: Tensor<3>,
    /// Tasks and their slots, in the order of the slots.
    pub owners: Vec<(usize, Range<usize>)>,
    /// Whether each task has a stream of its own, and no copy of what others read too.
    pub streams: bool,
}

/// How the tasks' streams are sums of experts.
#[derive(Debug)]
pub(crate) struct Mixture {
    /// What the streams are called.
    pub name: &'static str,
    /// The weights, `[B or 1, T or 1, m]`.
    pub weights: Tensor<3>,
    /// Which experts are weighted.
    pub choice: Choice,
}

/// What a pass says about the place where its graph was cut.
#[derive(Debug)]
pub(crate) struct Frontier {
    /// The cuts, in the order of the network.
    pub cuts: Vec<Cut>,
    /// The sums of experts that were cut.
    pub mixtures: Vec<Mixture>,
    /// How many penalties stand before the first cut.
    pub penalties_below: usize,
}

/// Sums over rows of a gate's weights `[G, E]` and entropies `[G]`.
#[derive(Debug, Default)]
struct Sums {
    rows: usize,
    weights: Vec<Vec<f64>>,
    entropies: Vec<f64>,
}

impl Pass {
    fn new(training: bool, seed: u64, step: u64, watching: bool) -> Self {
        Self { training, seed, step, without_shared: false, cutting: false, watching, notes: RefCell::default() }
    }

    /// A pass without randomness: prediction.
    pub fn serving() -> Self {
        Self::new(false, 0, 0, false)
    }

    /// As [`serving`](Self::serving), and notes the use of gates: evaluation.
    pub fn watching() -> Self {
        Self::new(false, 0, 0, true)
    }

    /// The pass of a training step.
    pub fn training(seed: u64, step: u64) -> Self {
        Self::new(true, seed, step, false)
    }

    /// The pass of the same step through the network without the weights that all subnetworks share.
    pub(crate) fn without_shared(self) -> Self {
        Self { without_shared: true, ..self }
    }

    /// Whether subnetworks are left out for what lies outside of what they share.
    pub(crate) fn leaves_shared_out(&self) -> bool {
        self.without_shared
    }

    /// The pass of the same step whose graph ends where towers begin.
    pub(crate) fn cutting(self) -> Self {
        Self { cutting: true, ..self }
    }

    /// What a tower of these tasks reads: a vector, or for a single task any number of slots. Where gradients are compared here, a copy
    /// for each task without the graph below; else as it is.
    pub fn represent(&self, name: &'static str, value: Tensor<3>, tasks: &[usize]) -> Tensor<3> {
        if !self.cutting {
            return value;
        }
        let [rows, slots, width] = value.dims();
        match tasks {
            [task] => self.cut(name, value, vec![(*task, 0..slots)], false),
            _ => {
                let copies = value.expand([rows, tasks.len(), width]);
                self.cut(name, copies, tasks.iter().copied().zip((0..).map(|slot| slot..slot + 1)).collect(), false)
            }
        }
    }

    /// What a tower reads that has a stream, a slot, for each task of the model, as [`represent`](Self::represent).
    pub fn represent_each(&self, name: &'static str, value: Tensor<3>) -> Tensor<3> {
        if !self.cutting {
            return value;
        }
        let tasks = value.dims()[1];
        self.cut(name, value, (0..tasks).map(|task| (task, task..task + 1)).collect(), true)
    }

    fn cut(
        &self,
        name: &'static str,
        value: Tensor<3>,
        owners: Vec<(usize, Range<usize>)>,
        streams: bool,
    ) -> Tensor<3> {
        let leaf = value.clone().detach().require_grad();
        let mut notes = self.notes.borrow_mut();
        if notes.cuts.is_empty() {
            notes.before_cuts = notes.penalties.len();
        }
        notes.cuts.push(Cut { name, value, leaf: leaf.clone(), owners, streams });
        leaf
    }

    /// [`mix`](ops::mix) of experts to the streams of this name, whose weights are noted where gradients are compared there.
    pub fn mix(&self, name: &'static str, weights: Tensor<3>, experts: Tensor<3>, choice: &Choice) -> Tensor<3> {
        self.note_mixture(name, || weights.clone().detach(), choice);
        ops::mix(weights, experts, choice)
    }

    /// [`gather`](ops::gather) of experts to the streams of this name, noted as [`mix`](Self::mix).
    pub fn gather(&self, name: &'static str, experts: Tensor<3>, choice: &Choice) -> Tensor<3> {
        let columns = match choice {
            Choice::All => experts.dims()[1],
            Choice::Lists(lists) => lists.first().map_or(0, Vec::len),
        };
        self.note_mixture(name, || Tensor::ones([1, 1, columns], &experts.device()), choice);
        ops::gather(experts, choice)
    }

    fn note_mixture(&self, name: &'static str, weights: impl FnOnce() -> Tensor<3>, choice: &Choice) {
        if self.cutting {
            self.notes.borrow_mut().mixtures.push(Mixture { name, weights: weights(), choice: choice.clone() });
        }
    }

    /// Where the graph was cut.
    pub(crate) fn frontier(&self) -> Frontier {
        let mut notes = self.notes.borrow_mut();
        let penalties_below = if notes.cuts.is_empty() { notes.penalties.len() } else { notes.before_cuts };
        let (cuts, mixtures) = (std::mem::take(&mut notes.cuts), std::mem::take(&mut notes.mixtures));
        Frontier { cuts, mixtures, penalties_below }
    }

    /// `value`; in training, `weight * of()` is added to the loss under this name.
    pub fn penalty(
        &self,
        name: &'static str,
        weight: f64,
        value: Tensor<3>,
        of: impl FnOnce() -> Tensor<1>,
    ) -> Tensor<3> {
        if self.training && weight != 0.0 {
            self.notes.borrow_mut().penalties.push((name, of() * weight));
        }
        value
    }

    /// The weights of gates `[B, G, E]` of these owners (`G` of them, or none), which sum to one over `E`, or to less where a code has
    /// no expert; their use is noted where somebody watches.
    pub fn gate(&self, name: &'static str, of: &'static [&'static str], gates: Tensor<3>) -> Tensor<3> {
        if self.watching {
            let mut notes = self.notes.borrow_mut();
            let position = notes.gates.iter().position(|(known, ..)| *known == name);
            let position = position.unwrap_or_else(|| {
                notes.gates.push((name, of, Sums::default()));
                notes.gates.len() - 1
            });
            notes.gates[position].2.add(gates.dims(), &numbers(gates.clone()));
        }
        gates
    }

    /// What training adds to the loss, by name, in the order of the network.
    pub fn penalties(&self) -> Vec<(&'static str, Tensor<1>)> {
        std::mem::take(&mut self.notes.borrow_mut().penalties)
    }

    /// The use of each gate over all rows so far.
    pub fn gates(&self) -> Named<GateUse> {
        self.notes.borrow().gates.iter().map(|(name, of, sums)| (*name, sums.mean(of))).collect()
    }
}

impl Sums {
    fn add(&mut self, [rows, gates, experts]: [usize; 3], values: &[f32]) {
        self.weights.resize(gates, vec![0.0; experts]);
        self.entropies.resize(gates, 0.0);
        self.rows += rows;
        for (at, row) in values.chunks_exact(experts.max(1)).enumerate() {
            let gate = at % gates;
            for (sum, &weight) in self.weights[gate].iter_mut().zip(row) {
                let weight = f64::from(weight);
                *sum += weight;
                self.entropies[gate] -= if weight > 0.0 { weight * weight.ln() } else { 0.0 };
            }
        }
    }

    fn mean(&self, of: &[&str]) -> GateUse {
        let rows = self.rows.max(1) as f64;
        let mean = |sums: &Vec<f64>| sums.iter().map(|sum| sum / rows).collect();
        let of = of.iter().map(|owner| (*owner).to_owned()).collect();
        GateUse { of, weights: self.weights.iter().map(mean).collect(), entropy: mean(&self.entropies) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::tests::tensor;

    #[test]
    fn gates_report_their_mean_weights_and_entropies_over_batches() {
        let pass = Pass::watching();
        // Two gates over two experts: the first is sure, the second is not.
        pass.gate("h.gates", &["click", "buy"], tensor(&[1.0, 0.0, 0.5, 0.5], [1, 2, 2]));
        pass.gate("h.gates", &["click", "buy"], tensor(&[0.0, 1.0, 0.5, 0.5], [1, 2, 2]));
        let gates = pass.gates();
        let found = gates.get("h.gates").expect("it was noted");
        assert_eq!(found.of, ["click", "buy"]);
        assert_eq!(found.weights, [[0.5, 0.5], [0.5, 0.5]]);
        assert_eq!(found.entropy[0], 0.0);
        assert!((found.entropy[1] - 2f64.ln()).abs() < 1e-9);
        assert!(Pass::serving().gates().is_empty());
    }

    #[test]
    fn penalties_are_noted_in_training_alone() {
        let value = || tensor::<3>(&[1.0], [1, 1, 1]);
        let serving = Pass::serving();
        serving.penalty("tie", 2.0, value(), || unreachable!("not when serving"));
        let training = Pass::training(1, 2);
        training.penalty("tie", 2.0, value(), || tensor(&[3.0], [1]));
        training.penalty("off", 0.0, value(), || unreachable!("a weight of 0"));
        let found = training.penalties();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0, numbers(found[0].1.clone())), ("tie", vec![6.0]));
    }
}
