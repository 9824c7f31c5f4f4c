//! A method at work: what it is asked with, what it remembers, and what it has said over an epoch.

use serde::{Deserialize, Serialize};

use super::asked::{Asked, Method, Place};
use super::methods::vectors::{DbMtl, Excess, MetaBalance, Moco, combine};
use super::methods::{Convention, Failure, Guard, Matrix};
use crate::error::{Error, Result};

/// A method of weighting during a training run.
pub(crate) struct Balance {
    pub place: Place,
    pub scale_towers: bool,
    guard: Guard,
    method: Method,
    /// The memory of a method that has the size of the shared parameters, once that is known.
    memory: Option<Memory>,
    restored: Option<Vec<f64>>,
    log: Log,
    epochs: u64,
    tasks: usize,
}

/// What has the size of the shared parameters, or of their number.
enum Memory {
    DbMtl(DbMtl<f32>),
    Excess(Excess<f32>),
    Moco(Moco<f32>),
    MetaBalance(MetaBalance),
}

/// What a method looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looks {
    Losses,
    Representation,
    Parameters,
}

/// Sums over the steps of an epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Log {
    /// By task: its weights, and the steps in which it had a label.
    weights: Vec<(f64, f64)>,
    /// By task: the lengths of its gradients, and their number.
    norms: Vec<(f64, f64)>,
    /// By pair: the cosines, and their number.
    cosines: Vec<(f64, f64)>,
    fallbacks: u64,
}

/// A balance as a checkpoint holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BalanceState {
    method: Vec<f64>,
    memory: Option<Vec<f64>>,
    epochs: u64,
    log: Log,
}

/// The weight of a task over the others' mean weight that is worth a warning.
const RAISED: f64 = 10.0;

/// The tasks whose weight is more than [`RAISED`] times the mean of the others' weights, with that ratio: what a method that divides by
/// losses does to a rare label.
pub(crate) fn raised(weights: &[f64]) -> Vec<(usize, f64)> {
    let (sum, others) = (weights.iter().sum::<f64>(), weights.len() as f64 - 1.0);
    let ratios = weights.iter().map(|weight| weight * others / (sum - weight)).enumerate();
    ratios.filter(|(_, ratio)| ratio.is_finite() && *ratio > RAISED).collect()
}

/// What a method said over an epoch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// The mean weight of each task.
    pub weights: Vec<f64>,
    /// The mean length of each task's gradient, where gradients are compared.
    pub norms: Option<Vec<f64>>,
    /// The mean cosine of each pair of tasks `(0, 1), (0, 2), ..., (1, 2), ...`.
    pub cosines: Vec<f64>,
    /// Steps with equal weights because the method had no answer.
    pub fallbacks: u64,
}

impl Balance {
    pub fn of(asked: &Asked<'_>, tasks: usize, seed: u64) -> Result<Self> {
        let mut balance = Self {
            place: asked.place,
            scale_towers: asked.scale_towers,
            guard: asked.config.guard(tasks)?,
            method: asked.config.make(tasks, seed)?,
            memory: None,
            restored: None,
            log: Log::default(),
            epochs: 0,
            tasks,
        };
        if let (Method::MetaBalance(options), Place::Representation) = (&balance.method, asked.place) {
            let one = MetaBalance::new(tasks, 1, options.clone()).map_err(unreadable)?;
            balance.method = Method::Products(Box::new(one));
        }
        balance.begin_epoch();
        Ok(balance)
    }

    pub fn looks(&self) -> Looks {
        match (&self.method, self.place) {
            (Method::Losses(_), _) => Looks::Losses,
            (Method::GradDrop(_), _) | (_, Place::Representation) => Looks::Representation,
            _ => Looks::Parameters,
        }
    }

    pub fn begin_epoch(&mut self) {
        let pairs = self.tasks * self.tasks.saturating_sub(1) / 2;
        let zeros = |count| vec![(0.0, 0.0); count];
        self.log = Log { weights: zeros(self.tasks), norms: zeros(self.tasks), cosines: zeros(pairs), fallbacks: 0 };
    }

    /// The weight of each loss; a task without a label has none.
    pub fn weigh_losses(&mut self, losses: &[Option<f64>]) -> Vec<f64> {
        let before = self.guard.fallbacks();
        let weights = match &mut self.method {
            Method::Losses(method) => self.guard.weigh_losses(method.as_mut(), losses),
            _ => losses.iter().map(|loss| f64::from(u8::from(loss.is_some()))).collect(),
        };
        self.note(&weights, losses, before);
        weights
    }

    /// Whether the losses of a batch are wanted again behind the step on it.
    pub fn wants_losses_after(&self) -> bool {
        matches!(&self.method, Method::Losses(method) if method.needs_losses_after()) && !self.guard.warming_up()
    }

    /// The losses of a batch before and after the step on it.
    pub fn after_step(&mut self, before: &[Option<f64>], after: &[Option<f64>]) {
        if let Method::Losses(method) = &mut self.method {
            method.after_step(before, after);
        }
    }

    /// The weight of each task's gradient from their inner products.
    pub fn weigh_products(&mut self, products: &Matrix, losses: &[Option<f64>]) -> Vec<f64> {
        let before = self.guard.fallbacks();
        self.note_products(products, losses);
        let weights = match &mut self.method {
            Method::Products(method) => self.guard.weigh_gradients(method.as_mut(), products, losses),
            _ => losses.iter().map(|loss| f64::from(u8::from(loss.is_some()))).collect(),
        };
        self.note(&weights, losses, before);
        weights
    }

    /// Whether the method drops values of the tasks' gradients.
    pub fn drops_values(&self) -> bool {
        matches!(self.method, Method::GradDrop(_)) && !self.guard.warming_up()
    }

    /// What each column of each task's gradient at a representation is multiplied by, where values are dropped.
    pub fn drop_values(
        &mut self,
        representation: &[f32],
        columns: usize,
        gradients: &[Option<&[f32]>],
    ) -> Option<Vec<Vec<f64>>> {
        let Method::GradDrop(method) = &mut self.method else { return None };
        if self.guard.warming_up() {
            return None;
        }
        let found = method.factors(representation, columns, gradients);
        if found.is_err() {
            self.log.fallbacks += 1;
        }
        found.ok()
    }

    /// The step of the shared parameters from the tasks' gradients, flat and tensor by tensor: `sizes` are the tensors' lengths. Also the
    /// weights, with which what is no shared parameter goes.
    pub fn weigh_parameters(
        &mut self,
        gradients: &[Option<Vec<f32>>],
        sizes: &[usize],
        losses: &[Option<f64>],
    ) -> Result<(Vec<f32>, Vec<f64>)> {
        let zeros = vec![0.0f32; sizes.iter().sum()];
        let all: Vec<&[f32]> = gradients.iter().map(|gradient| gradient.as_deref().unwrap_or(&zeros[..])).collect();
        let products = Matrix::gram::<f32>(&all);
        if matches!(self.method, Method::Products(_)) {
            let weights = self.weigh_products(&products, losses);
            return Ok((combine(&all, &weights).map_err(unreadable)?, weights));
        }
        self.note_products(&products, losses);
        self.remember(zeros.len(), sizes.len())?;
        let before = self.guard.fallbacks();
        let present: Vec<bool> = losses.iter().map(Option::is_some).collect();
        let given: Vec<Option<&[f32]>> = gradients.iter().map(Option::as_deref).collect();
        let warming = self.guard.warming_up();
        let found: Option<std::result::Result<Vec<f64>, Failure>> = match self.memory.as_mut() {
            _ if warming => None,
            Some(Memory::DbMtl(method)) => Some(method.weights(&given, losses)),
            Some(Memory::Excess(method)) => Some(method.weights(&given)),
            Some(Memory::Moco(method)) => Some(method.weights(&given, losses)),
            Some(Memory::MetaBalance(method)) => {
                let (step, mean) = tensor_by_tensor(method, &given, &all, sizes).map_err(unreadable)?;
                self.note(&mean, losses, before);
                return Ok((step, mean));
            }
            None => None,
        };
        let answered = matches!(found, Some(Ok(_)));
        let weights = self.guard.finish(found, Convention::Own, &present);
        let step = match self.memory.as_ref() {
            Some(Memory::DbMtl(method)) if answered => combine(method.memory(), &weights),
            Some(Memory::Moco(method)) if answered => combine(method.tracked(), &weights),
            _ => combine(&all, &weights),
        };
        self.note(&weights, losses, before);
        Ok((step.map_err(unreadable)?, weights))
    }

    /// Makes the memory when the shared parameters are known.
    fn remember(&mut self, values: usize, tensors: usize) -> Result<()> {
        if self.memory.is_some() {
            return Ok(());
        }
        let tasks = self.tasks;
        let mut memory = match &self.method {
            Method::DbMtl(options) => Memory::DbMtl(DbMtl::new(tasks, values, options.clone()).map_err(unreadable)?),
            Method::Excess(options) => Memory::Excess(Excess::new(tasks, values, options.clone()).map_err(unreadable)?),
            Method::Moco(options) => Memory::Moco(Moco::new(tasks, values, options.clone()).map_err(unreadable)?),
            Method::MetaBalance(options) => {
                Memory::MetaBalance(MetaBalance::new(tasks, tensors, options.clone()).map_err(unreadable)?)
            }
            _ => return Ok(()),
        };
        if let Some(state) = self.restored.take() {
            match &mut memory {
                Memory::DbMtl(method) => method.restore(&state),
                Memory::Excess(method) => method.restore(&state),
                Memory::Moco(method) => method.restore(&state),
                Memory::MetaBalance(method) => super::methods::gramian::Gramian::restore(method, &state),
            }
            .map_err(unreadable)?;
        }
        self.memory = Some(memory);
        Ok(())
    }

    fn note(&mut self, weights: &[f64], losses: &[Option<f64>], fallbacks_before: u64) {
        self.log.fallbacks += self.guard.fallbacks() - fallbacks_before;
        for ((sum, weight), loss) in self.log.weights.iter_mut().zip(weights).zip(losses) {
            if loss.is_some() {
                (sum.0, sum.1) = (sum.0 + weight, sum.1 + 1.0);
            }
        }
    }

    /// Notes lengths and cosines of the gradients of tasks with a label.
    pub fn note_products(&mut self, products: &Matrix, losses: &[Option<f64>]) {
        let at = |s: usize, t: usize| products.entries()[s * self.tasks + t];
        let mut pair = 0;
        for (s, loss) in losses.iter().enumerate() {
            let norm = at(s, s).max(0.0).sqrt();
            if loss.is_some() {
                self.log.norms[s] = (self.log.norms[s].0 + norm, self.log.norms[s].1 + 1.0);
            }
            for t in s + 1..self.tasks {
                let both = norm * at(t, t).max(0.0).sqrt();
                if both > 0.0 {
                    let (sum, count) = self.log.cosines[pair];
                    self.log.cosines[pair] = (sum + at(s, t) / both, count + 1.0);
                }
                pair += 1;
            }
        }
    }

    /// The end of an epoch with these mean losses: what the method said over it.
    pub fn end_epoch(&mut self, means: &[Option<f64>]) -> Said {
        match &mut self.method {
            Method::Losses(method) => method.epoch(means),
            Method::Products(method) => method.epoch(),
            _ => {}
        }
        self.guard.epoch();
        self.epochs += 1;
        let mean = |list: &[(f64, f64)]| -> Vec<f64> {
            list.iter().map(|(sum, count)| if *count > 0.0 { sum / count } else { 0.0 }).collect()
        };
        let said = Said {
            weights: mean(&self.log.weights),
            norms: self.log.norms.iter().any(|(_, count)| *count > 0.0).then(|| mean(&self.log.norms)),
            cosines: mean(&self.log.cosines),
            fallbacks: self.log.fallbacks,
        };
        self.begin_epoch();
        said
    }

    pub fn state(&self) -> BalanceState {
        let method = match &self.method {
            Method::Losses(method) => method.state(),
            Method::Products(method) => method.state(),
            Method::GradDrop(method) => method.state(),
            _ => Vec::new(),
        };
        let memory = self.memory.as_ref().map(|memory| match memory {
            Memory::DbMtl(method) => method.state(),
            Memory::Excess(method) => method.state(),
            Memory::Moco(method) => method.state(),
            Memory::MetaBalance(method) => super::methods::gramian::Gramian::state(method),
        });
        // What was restored waits for the next step that it weighs.
        let memory = memory.or_else(|| self.restored.clone());
        BalanceState { method, memory, epochs: self.epochs, log: self.log.clone() }
    }

    pub fn restore(&mut self, state: BalanceState) -> Result<()> {
        match &mut self.method {
            Method::Losses(method) => method.restore(&state.method),
            Method::Products(method) => method.restore(&state.method),
            Method::GradDrop(method) => method.restore(&state.method),
            _ => Ok(()),
        }
        .map_err(unreadable)?;
        self.restored = state.memory;
        self.epochs = state.epochs;
        self.guard.resume(state.epochs);
        self.log = state.log;
        Ok(())
    }
}

/// MetaBalance at parameters: each tensor by itself. The step, and the mean factor of each task.
fn tensor_by_tensor(
    method: &mut MetaBalance,
    given: &[Option<&[f32]>],
    all: &[&[f32]],
    sizes: &[usize],
) -> std::result::Result<(Vec<f32>, Vec<f64>), Failure> {
    let (mut step, mut mean, mut start) = (Vec::new(), vec![0.0; given.len()], 0);
    for (tensor, size) in sizes.iter().enumerate() {
        let norm = |gradient: &Option<&[f32]>| {
            gradient.map(|of| of[start..start + size].iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt())
        };
        let norms: Vec<Option<f64>> = given.iter().map(norm).collect();
        let factors = method.factors(tensor, &norms)?;
        let parts: Vec<&[f32]> = all.iter().map(|of| &of[start..start + size]).collect();
        step.extend(combine(&parts, &factors)?);
        mean.iter_mut().zip(&factors).for_each(|(mean, factor)| *mean += factor / sizes.len() as f64);
        start += size;
    }
    Ok((step, mean))
}

fn unreadable(failure: Failure) -> Error {
    Error::training(format!("loss.weighting: {failure}"))
}

#[cfg(test)]
mod tests {
    use super::raised;

    #[test]
    fn a_task_far_above_the_others_is_raised() {
        assert_eq!(raised(&[3.0, 90.0]), [(1, 30.0)]);
        assert_eq!(raised(&[1.0, 1.0, 10.0]), []);
        assert_eq!(raised(&[1.0, 1.0, 11.0]), [(2, 11.0)]);
        // A task without a weight, a single task, and weights that are none.
        assert_eq!(raised(&[0.0, 1.0]), []);
        assert_eq!(raised(&[5.0]), []);
        assert_eq!(raised(&[f64::NAN, 1.0]), []);
    }
}
