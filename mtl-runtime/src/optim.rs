//! Optimisers of the network's parameters, with the update rules of PyTorch.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};

use crate::config::OptimizerConfig;
use crate::error::{Error, Result};

mod rule;
#[cfg(test)]
mod tests;
mod within;

use rule::{Rule, square_norm};

/// Updates every parameter that has a gradient, in place where nothing else refers to it.
///
/// State is keyed by a parameter's path (`h.experts_1.weight`), so it outlives the module it was made with. A parameter
/// without a gradient stands still, state included.
#[derive(Debug, Clone)]
pub struct DenseOptimizer {
    config: OptimizerConfig,
    clip: Option<f64>,
    paces: Arc<Paces>,
    slots: BTreeMap<String, Slot>,
}

/// By the name of a field of the network, factors on the learning rate: one for all of it, or one for each of so many equal slices of
/// its parameters' first axes. What has 0 stands still with its state.
pub type Paces = BTreeMap<String, Vec<f64>>;

/// By the path of a parameter, which of its values a step may update, row-major.
pub type Masks = BTreeMap<String, Vec<bool>>;

/// The state of one parameter.
#[derive(Debug, Clone)]
struct Slot {
    /// Updates so far; the most of any value, where a mask made them differ.
    steps: u64,
    /// Updates of each value, where a mask made them differ.
    element_steps: Option<Vec<u64>>,
    /// What the rule keeps for each value of the parameter, flattened.
    buffers: Vec<Tensor<1>>,
}

impl DenseOptimizer {
    /// An optimiser without state. With `clip`, gradients are scaled down together where their global norm exceeds it.
    pub fn new(config: &OptimizerConfig, clip: Option<f64>) -> Self {
        Self { config: *config, clip, paces: Arc::default(), slots: BTreeMap::new() }
    }

    /// Sets how fast the parts of the network move from now on; 1 for those without a pace.
    pub fn set_paces(&mut self, paces: Arc<Paces>) {
        self.paces = paces;
    }

    /// One step. Weight decay spares the weighting's log variances: their regulariser is in the objective.
    pub fn step<M: Module>(&mut self, model: M, grads: GradientsParams) -> M {
        self.update(model, grads, &Masks::new(), false)
    }

    /// One step of what the masks hold: a value outside the mask of its parameter keeps itself and its state, its count of
    /// updates included, whatever its gradient, momentum or weight decay. A parameter without a mask is updated whole.
    ///
    /// So values of disjoint masks move as if each mask's had an optimiser of its own.
    pub fn step_within<M: Module>(&mut self, model: M, grads: GradientsParams, masks: &Masks) -> M {
        self.update(model, grads, masks, false)
    }

    /// One step of one task, as [`step_within`](Self::step_within): a member of a group (a slice of the parameter's first axis)
    /// whose gradient is zero throughout is not the task's, and stands still with its state.
    pub fn step_of_task<M: Module>(&mut self, model: M, grads: GradientsParams, masks: &Masks) -> M {
        self.update(model, grads, masks, true)
    }

    fn update<M: Module>(&mut self, model: M, grads: GradientsParams, masks: &Masks, idle: bool) -> M {
        let scale = match self.clip {
            Some(clip) => {
                let norm = global_norm(&model, &grads, masks, &self.paces);
                (clip / (norm + 1e-6)).min(1.0)
            }
            None => 1.0,
        };
        model.map(&mut Update { optimizer: self, grads, masks, idle, scale, path: Vec::new(), weighting: None })
    }

    /// The state as named arrays, for a checkpoint: [`load_state`](Self::load_state) of it continues exactly.
    pub fn state(&self) -> Vec<(String, Vec<f32>)> {
        let mut state = Vec::new();
        for (path, slot) in &self.slots {
            let halves = |steps: u64| [(steps >> 24) as f32, (steps & 0xFF_FFFF) as f32];
            state.push((format!("{path}#steps"), halves(slot.steps).to_vec()));
            if let Some(steps) = &slot.element_steps {
                state.push((format!("{path}#element_steps"), steps.iter().flat_map(|steps| halves(*steps)).collect()));
            }
            for (name, buffer) in rule::buffers(&self.config).iter().zip(&slot.buffers) {
                let values = buffer.clone().into_data().try_into_vec().expect("state is f32");
                state.push((format!("{path}#{name}"), values));
            }
        }
        state
    }

    /// Takes over a [`state`](Self::state). It must be that of the same rule on a model with the parameters of this one.
    pub fn load_state<M: Module>(&mut self, model: &M, state: &[(String, Vec<f32>)]) -> Result<()> {
        let arrays: BTreeMap<&str, &[f32]> = state.iter().map(|(name, values)| (name.as_str(), &values[..])).collect();
        let mut parameters = Parameters::default();
        model.visit(&mut parameters);
        let (mut slots, mut used) = (BTreeMap::new(), 0);
        for (path, parameter) in &parameters.found {
            let Some(steps) = arrays.get(format!("{path}#steps").as_str()) else { continue };
            let &[high, low] = *steps else { return Err(damaged(path, "the step count is ill-formed")) };
            let mut buffers = Vec::new();
            for name in rule::buffers(&self.config) {
                let Some(values) = arrays.get(format!("{path}#{name}").as_str()) else {
                    return Err(damaged(path, &format!("`{name}` is missing: it is another optimiser's")));
                };
                if values.len() != parameter.count {
                    return Err(damaged(
                        path,
                        &format!("`{name}` has {} values for {} of the parameter", values.len(), parameter.count),
                    ));
                }
                buffers.push(Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &parameter.device));
            }
            let whole = |high: f32, low: f32| ((high as u64) << 24) + low as u64;
            let element_steps = match arrays.get(format!("{path}#element_steps").as_str()) {
                Some(halves) if halves.len() != 2 * parameter.count => {
                    return Err(damaged(path, "the step counts of its values are ill-formed"));
                }
                halves => halves.map(|halves| halves.chunks(2).map(|pair| whole(pair[0], pair[1])).collect()),
            };
            used += 1 + buffers.len() + usize::from(element_steps.is_some());
            slots.insert(path.clone(), Slot { steps: whole(high, low), element_steps, buffers });
        }
        if used != arrays.len() {
            return Err(Error::Checkpoint(
                "the optimiser's state holds parameters that the model does not have, or another optimiser's".into(),
            ));
        }
        self.slots = slots;
        Ok(())
    }
}

fn damaged(path: &str, what: &str) -> Error {
    Error::Checkpoint(format!("the optimiser's state of {path}: {what}"))
}

/// The factors on the learning rate of a parameter.
fn pace<'p>(paces: &'p Paces, path: &[String]) -> &'p [f64] {
    path.first().and_then(|field| paces.get(field)).map_or(&[1.0], Vec::as_slice)
}

/// The norm of all gradients of a model as one vector, within the masks.
fn global_norm<M: Module>(model: &M, grads: &GradientsParams, masks: &Masks, paces: &Paces) -> f64 {
    let mut norm = Norm { grads, masks, paces, path: Vec::new(), square: 0.0 };
    model.visit(&mut norm);
    norm.square.sqrt()
}

struct Norm<'a> {
    grads: &'a GradientsParams,
    masks: &'a Masks,
    paces: &'a Paces,
    path: Vec<String>,
    square: f64,
}

impl ModuleVisitor for Norm<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(grad) = self.grads.get::<D>(param.id) else { return };
        let pace = pace(self.paces, &self.path);
        let count = grad.shape().num_elements();
        self.square += match within::paced(self.masks.get(&self.path.join(".")).map(Vec::as_slice), pace, count) {
            Some(mask) => within::square_norm(&crate::evaluate::numbers(grad), &mask),
            None => square_norm(grad),
        };
    }
}

/// Applies the rule to each parameter of a module.
struct Update<'a> {
    optimizer: &'a mut DenseOptimizer,
    grads: GradientsParams,
    masks: &'a Masks,
    /// Whether members without a gradient stand still.
    idle: bool,
    /// What every gradient is multiplied by.
    scale: f64,
    path: Vec<String>,
    /// The depth at which a weighting was entered.
    weighting: Option<usize>,
}

impl Update<'_> {
    fn update<const D: usize>(&mut self, id: ParamId, parameter: Tensor<D>) -> Tensor<D> {
        let Some(grad) = self.grads.remove::<D>(id) else { return parameter };
        let paces = Arc::clone(&self.optimizer.paces);
        let pace = pace(&paces, &self.path);
        if pace.iter().all(|factor| *factor == 0.0) {
            return parameter;
        }
        let tracked = parameter.is_require_grad();
        let strategy = parameter.device();
        let (shape, count) = (parameter.dims(), parameter.shape().num_elements());
        let value = if parameter.device().is_autodiff() { parameter.inner() } else { parameter };
        let rule = &self.optimizer.config;
        let path = self.path.join(".");
        let given = within::paced(self.masks.get(&path).map(Vec::as_slice), pace, count);
        let given = given.as_deref();
        let idle = self.idle.then(|| within::moving(&crate::evaluate::numbers(grad.clone()), shape[0], given));
        let mask = idle.as_ref().map_or(given, |mask| mask.as_deref());
        let slot = self.optimizer.slots.entry(path).or_insert_with(|| Slot {
            steps: 0,
            element_steps: None,
            buffers: rule::buffers(rule).iter().map(|_| Tensor::zeros([count], &value.device())).collect(),
        });
        let decays = self.weighting.is_none();
        let (value, grad) = (value.reshape([count]), grad.reshape([count]));
        let one = pace.iter().all(|factor| *factor == pace[0]);
        let at = |steps, factor| Rule::at(&rule.times(factor), steps, self.scale, decays);
        let value = if mask.is_some() || slot.element_steps.is_some() || !one {
            within::update(slot, value, grad, mask, pace, at)
        } else {
            slot.steps += 1;
            at(slot.steps, pace[0]).apply(value, grad, &mut slot.buffers)
        };
        let value = value.reshape(shape);
        if strategy.is_autodiff() { Tensor::from_inner(value).set_require_grad(tracked) } else { value }
    }
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.push(name.to_string());
        if container == "Struct:Weighting" && self.weighting.is_none() {
            self.weighting = Some(self.path.len());
        }
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        if self.weighting == Some(self.path.len()) {
            self.weighting = None;
        }
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, value, mapper) = param.consume();
        Param::from_mapped_value(id, self.update(id, value), mapper)
    }
}

/// The float parameters of a module by path.
#[derive(Default)]
struct Parameters {
    path: Vec<String>,
    found: BTreeMap<String, Parameter>,
}

struct Parameter {
    count: usize,
    device: burn::tensor::Device,
}

impl ModuleVisitor for Parameters {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let device = value.device().without_autodiff();
        self.found.insert(self.path.join("."), Parameter { count: value.shape().num_elements(), device });
    }
}
