//! Whose step a step is: all tasks' together, or one task's within its masks.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};

use super::run::Run;
use crate::model::Model;
use crate::optim::{Masks, Paces};
use crate::parameters::parameters;
use crate::subnets::{Contrast, Stage, Subnet, Turns, masks_of};

/// Who takes a step, and what it may move.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn {
    /// The tasks; none for all.
    pub tasks: Option<Vec<usize>>,
    /// What it may move of the parameters that have masks.
    pub masks: Masks,
    /// What lies outside of what all subnetworks share.
    pub outside: Masks,
    /// Both.
    pub with_outside: Masks,
    /// What parts a subnetwork from the rest.
    pub contrast: Option<Contrast>,
    /// How fast the parts of the network move.
    pub paces: Arc<Paces>,
    /// The share of the penalties that belongs to this step.
    pub share: f64,
}

impl Turn {
    pub fn all() -> Self {
        Self { share: 1.0, ..Self::default() }
    }

    /// Whether the loss of a task counts.
    pub fn includes(&self, task: usize) -> bool {
        self.tasks.as_ref().is_none_or(|own| own.contains(&task))
    }
}

/// The turns of an epoch.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    turns: Vec<Turn>,
    /// Whether a batch is one turn's, not every turn's.
    split: bool,
}

impl Plan {
    /// One turn for every batch.
    pub fn together(turn: Turn) -> Self {
        Self { turns: vec![turn], split: false }
    }

    /// The turns take batches one after the other.
    pub fn in_turn(turns: Vec<Turn>) -> Self {
        Self { turns, split: true }
    }

    /// The turns of a stage of the search, or of the epochs behind it.
    pub fn of<M: Model>(run: &Run<M>, subnet: Option<&Subnet>, stage: Option<Stage>) -> Self {
        let together = Self::together(Turn::all());
        let (Some(subnet), false) = (subnet, stage == Some(Stage::WarmUp)) else { return together };
        let parameters = parameters(run.network());
        let tasks = run.schema.tasks.len();
        let named = |masks: Vec<Vec<bool>>| -> Masks {
            let path = |layer: &&str| format!("{layer}.weight");
            subnet.layers.iter().map(path).zip(masks).collect()
        };
        let of: Vec<Masks> = (0..tasks).map(|task| named(masks_of(subnet, &parameters, task))).collect();
        let own = |task: usize| Turn { tasks: Some(vec![task]), masks: of[task].clone(), ..Turn::all() };
        if let Some(Stage::Round { task, .. }) = stage {
            return Self::together(own(task));
        }
        let combine = |all: bool| -> Masks {
            let value = |path: &String, at: usize| match all {
                true => of.iter().all(|masks| masks[path][at]),
                false => of.iter().any(|masks| masks[path][at]),
            };
            let of_path = |(path, mask): (&String, &Vec<bool>)| {
                (path.clone(), (0..mask.len()).map(|at| value(path, at)).collect())
            };
            of.first().map_or_else(BTreeMap::new, |first| first.iter().map(of_path).collect())
        };
        match subnet.turns {
            Turns::Together => Self::together(Turn { masks: combine(false), ..Turn::all() }),
            Turns::Split => Self::in_turn((0..tasks).map(own).collect()),
            Turns::Batch => {
                let outside: Masks = combine(true)
                    .into_iter()
                    .map(|(path, shared)| (path, shared.into_iter().map(|shared| !shared).collect()))
                    .collect();
                let either = |masks: &Masks| -> Masks {
                    let or = |(path, mask): (&String, &Vec<bool>)| {
                        (path.clone(), mask.iter().zip(&outside[path]).map(|(own, out)| *own || *out).collect())
                    };
                    masks.iter().map(or).collect()
                };
                let turn = |task| {
                    let turn = own(task);
                    match subnet.contrast {
                        Some(contrast) => Turn {
                            with_outside: either(&turn.masks),
                            outside: outside.clone(),
                            contrast: Some(contrast),
                            share: 1.0 / tasks as f64,
                            ..turn
                        },
                        None => Turn { share: 1.0 / tasks as f64, ..turn },
                    }
                };
                Self { turns: (0..tasks).map(turn).collect(), split: false }
            }
        }
    }

    /// The turns on a batch of an epoch.
    pub fn on(&self, batch: usize, epoch: usize) -> &[Turn] {
        match self.split {
            // Another epoch gives a batch's place to another task.
            true => std::slice::from_ref(&self.turns[(batch + epoch) % self.turns.len()]),
            false => &self.turns,
        }
    }
}

/// Adds the gradients of the parameters that have a mask, within it.
pub(crate) fn add_within<M: Module>(model: &M, masks: &Masks, to: &mut GradientsParams, from: &mut GradientsParams) {
    model.visit(&mut Add { masks, to, from, path: Vec::new() });
}

struct Add<'a> {
    masks: &'a Masks,
    to: &'a mut GradientsParams,
    from: &'a mut GradientsParams,
    path: Vec<String>,
}

impl ModuleVisitor for Add<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(mask) = self.masks.get(&self.path.join(".")) else { return };
        let Some(more) = self.from.remove::<D>(param.id) else { return };
        let mask: Vec<f32> = mask.iter().map(|kept| f32::from(u8::from(*kept))).collect();
        let more = more.clone() * Tensor::from_data(TensorData::new(mask, more.dims()), &more.device());
        let sum = match self.to.remove::<D>(param.id) {
            Some(grad) => grad + more,
            None => more,
        };
        self.to.register(param.id, sum);
    }
}
