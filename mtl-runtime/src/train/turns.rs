//! Whose step a step is: all tasks' together, or one task's within its masks.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};

use super::run::Run;
use crate::model::Model;
use crate::optim::Masks;
use crate::parameters::parameters;
use crate::subnets::{Contrast, Stage, Subnet, Turns, masks_of};

/// Who takes a step, and what it may move.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn {
    /// The task; none for all together.
    pub task: Option<usize>,
    /// What it may move of the parameters that have masks.
    pub masks: Masks,
    /// What lies outside of what all subnetworks share.
    pub outside: Masks,
    /// Both.
    pub with_outside: Masks,
    /// What parts a subnetwork from the rest.
    pub contrast: Option<Contrast>,
    /// The share of the penalties that belongs to this step.
    pub share: f64,
}

impl Turn {
    fn all() -> Self {
        Self { share: 1.0, ..Self::default() }
    }

    /// Whether the loss of a task counts.
    pub fn includes(&self, task: usize) -> bool {
        self.task.is_none_or(|own| own == task)
    }
}

/// The turns of an epoch.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    turns: Vec<Turn>,
    /// Whether a batch is one turn's, not every turn's.
    split: bool,
}

impl Plan {
    /// The turns of a stage of the search, or of the epochs behind it.
    pub fn of<M: Model>(run: &Run<M>, subnet: Option<&Subnet>, stage: Option<Stage>) -> Self {
        let together = Self { turns: vec![Turn::all()], split: false };
        let (Some(subnet), false) = (subnet, stage == Some(Stage::WarmUp)) else { return together };
        let parameters = parameters(run.network());
        let tasks = run.schema.tasks.len();
        let named = |masks: Vec<Vec<bool>>| -> Masks {
            let path = |layer: &&str| format!("{layer}.weight");
            subnet.layers.iter().map(path).zip(masks).collect()
        };
        let of: Vec<Masks> = (0..tasks).map(|task| named(masks_of(subnet, &parameters, task))).collect();
        let own = |task: usize| Turn { task: Some(task), masks: of[task].clone(), ..Turn::all() };
        if let Some(Stage::Round { task, .. }) = stage {
            return Self { turns: vec![own(task)], split: false };
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
            Turns::Together => Self { turns: vec![Turn { masks: combine(false), ..Turn::all() }], split: false },
            Turns::Split => Self { turns: (0..tasks).map(own).collect(), split: true },
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
