//! A training run between two steps: everything that decides how it goes on.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use mtl_data::schema::Schema;
use mtl_data::{Batch, Encoder};

use crate::embedding::Embeddings;
use crate::error::{Error, Result};
use crate::evaluate::{input, numbers};
use crate::init::Init;
use crate::loss::{counted, part_losses, part_weights};
use crate::model::{Model, Pass};
use crate::optim::DenseOptimizer;
use crate::parameters::{Parameter, parameters, replace};
use crate::report::{Epoch, GradientLog, Named};
use crate::scores::{Calibrators, Fusions};
use crate::subnets::SubnetReport;
use crate::train::balanced::Shared;
use crate::train::progress::{Progress, Sums};
use crate::train::turns::{Turn, add_within};
use crate::weighting::balance::{Balance, Said, raised};

/// The state of a run. Saved and restored, it goes on to the same bits.
pub(crate) struct Run<M: Model> {
    pub config: M::Config,
    pub schema: Schema,
    pub encoder: Encoder,
    /// Rows of the training data.
    pub rows: usize,
    /// The network, with gradients; away only while the optimiser moves it in place.
    pub(super) network: Option<M>,
    pub optimizer: DenseOptimizer,
    pub embeddings: Embeddings,
    pub progress: Progress,
    pub best: Option<Weights>,
    /// What calibrates the tasks of the best epoch.
    pub calibrators: Calibrators,
    /// What was fitted for the learned scores of the best epoch.
    pub fusions: Fusions,
    /// What a saved model says of the training rows, `[rows, S]`; empty without one.
    pub said: Vec<f32>,
    /// The method that gives weights, where one is asked.
    pub balance: Option<Balance>,
    /// Which parameters several tasks train, once a method has asked.
    pub(super) shared: Option<Shared>,
    /// Where the rounds of a search for masks start.
    pub origin: Option<Weights>,
    /// The best mask of the task whose rounds are under way, layer by layer.
    pub candidate: Option<Vec<Vec<bool>>>,
}

/// The trained values of a model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weights {
    pub network: Vec<Parameter>,
    /// In the order of [`Embeddings::tables`].
    pub tables: Vec<Vec<f32>>,
}

impl<M: Model> Run<M> {
    /// A run before its first step, on so many training rows.
    pub fn new(config: M::Config, encoder: Encoder, rows: usize) -> Result<Self> {
        let train = <M as Model>::train(&config);
        let schema = M::schema(&config);
        let network = Some(M::new(&config, &Init::new(train.seed, &Device::default().autodiff())));
        let optimizer = DenseOptimizer::new(&train.optimizer, train.clip);
        let embeddings = Embeddings::new(&schema, &encoder, train.embeddings, train.seed);
        let progress = Progress::default();
        let balance =
            M::method(&config).map(|asked| Balance::of(&asked, schema.tasks.len(), train.seed)).transpose()?;
        let (best, shared, origin, candidate) = (None, None, None, None);
        let mut run = Self {
            config,
            schema,
            encoder,
            rows,
            network,
            optimizer,
            embeddings,
            progress,
            best,
            calibrators: Calibrators::default(),
            fusions: Fusions::default(),
            said: Vec::new(),
            balance,
            shared,
            origin,
            candidate,
        };
        run.begin_epoch();
        Ok(run)
    }

    /// The network, with gradients.
    pub fn network(&self) -> &M {
        self.network.as_ref().expect("a step puts the network back")
    }

    /// Replaces the network's parameters by what `value` gives for each path and shape.
    pub fn replace_network(&mut self, value: impl FnMut(&str, &[usize]) -> Result<Vec<f32>>) -> Result<()> {
        let network = self.network.take().expect("a step puts the network back");
        self.network = Some(replace(network, value)?);
        Ok(())
    }

    /// Resets the sums of the epoch under way.
    pub fn begin_epoch(&mut self) {
        let tasks = self.schema.tasks.len();
        self.progress.under_way = Sums { losses: vec![0.0; tasks], weights: vec![0.0; tasks], ..Sums::default() };
    }

    /// Starts the optimisers anew.
    pub fn forget_steps(&mut self) {
        let train = <M as Model>::train(&self.config);
        self.optimizer = DenseOptimizer::new(&train.optimizer, train.clip);
        let values = self.embeddings.values();
        self.embeddings = Embeddings::new(&self.schema, &self.encoder, train.embeddings, train.seed);
        self.embeddings.set_values(values);
    }

    /// One training step.
    pub fn step(&mut self, batch: &Batch, turn: &Turn) -> Result<()> {
        self.optimizer.set_paces(turn.paces.clone());
        // In a step of one task, as while masks are searched, there is nothing to balance.
        if let Some(mut balance) = self.balance.take_if(|_| turn.tasks.is_none()) {
            let done = self.step_balanced(batch, turn, &mut balance);
            self.balance = Some(balance);
            return done;
        }
        let rows = batch.rows.len();
        let seed = <M as Model>::train(&self.config).seed;
        let matrix = self.embeddings.gather(&batch.features);
        let input = input(matrix, rows, self.embeddings.width(), &Device::default().autodiff()).require_grad();
        let pass = Pass::training(seed, self.progress.step);
        let logits = self.network().forward(input.clone(), &pass);
        let losses = self.losses(batch, logits.clone());
        let weights = self.row_weights(batch);
        let weights: Vec<f64> =
            weights.iter().enumerate().map(|(t, &weight)| if turn.includes(t) { weight } else { 0.0 }).collect();
        let values = numbers(losses.clone().inner());
        self.count(&values, &weights)?;
        self.count_parts(batch, &logits, &weights);
        let active: Vec<bool> = weights.iter().map(|&weight| weight > 0.0).collect();
        let mut loss = self.network().weighting().combine(losses, &active);
        for (name, penalty) in self.beside(batch, &logits, &pass) {
            self.note_penalty(name, &penalty)?;
            loss = loss + penalty * turn.share;
        }
        let mut gradients = loss.backward();
        // Without a label in the batch nothing reaches the input: the step has no gradient.
        let gradient = input.grad_remove(&mut gradients).map(numbers);
        let gradient = gradient.unwrap_or_else(|| vec![0.0; rows * self.embeddings.width()]);
        let mut gradients = GradientsParams::from_grads(gradients, self.network());
        let contrasted = self.contrast(batch, turn, input, &values, &active, &mut gradients);
        let masks = if contrasted { &turn.with_outside } else { &turn.masks };
        self.network = self.network.take().map(|network| match turn.tasks {
            Some(_) => self.optimizer.step_of_task(network, gradients, masks),
            None => self.optimizer.step_within(network, gradients, masks),
        });
        match turn.tasks {
            Some(_) => self.embeddings.update_of_tasks(&batch.features, &gradient),
            None => self.embeddings.update(&batch.features, &gradient),
        }
        self.progress.step += 1;
        Ok(())
    }

    /// What each task's loss of a batch is a mean of: the weight of its rows, or of its pairs.
    pub(super) fn row_weights(&self, batch: &Batch) -> Vec<f64> {
        counted(&self.schema, &batch.labels, &batch.weights, &batch.groups)
    }

    /// Adds what a penalty added to the loss to those of the epoch.
    pub(super) fn note_penalty(&mut self, name: String, penalty: &Tensor<1>) -> Result<()> {
        let value = f64::from(numbers(penalty.clone().inner())[0]);
        if !value.is_finite() {
            return Err(self.not_finite(&format!("what `{name}` adds to the loss"), value));
        }
        let sum = self.progress.under_way.penalties.entry(name).or_default();
        (sum.0, sum.1) = (sum.0 + value, sum.1 + 1);
        Ok(())
    }

    /// Adds the gradient that parts a task's subnetwork from the network without the shared weights; says whether there was one.
    fn contrast(
        &self,
        batch: &Batch,
        turn: &Turn,
        input: Tensor<3>,
        losses: &[f32],
        active: &[bool],
        gradients: &mut GradientsParams,
    ) -> bool {
        let (Some(contrast), Some(&[task])) = (&turn.contrast, turn.tasks.as_deref()) else { return false };
        if contrast.weight == 0.0 || !active[task] {
            return false;
        }
        let pass = Pass::training(<M as Model>::train(&self.config).seed, self.progress.step).without_shared();
        let logits = self.network().forward(input.detach(), &pass);
        let without = self.losses(batch, logits);
        let distance = numbers(without.clone().inner())[task] - losses[task];
        if f64::from(distance) >= contrast.margin {
            return false;
        }
        let loss = self.network().weighting().combine(without, active) * -contrast.weight;
        let mut outside = GradientsParams::from_grads(loss.backward(), self.network());
        add_within(self.network(), &turn.outside, gradients, &mut outside);
        true
    }

    /// Adds a batch's losses to those of the epoch.
    pub(super) fn count(&mut self, losses: &[f32], weights: &[f64]) -> Result<()> {
        for (t, (loss, weight)) in losses.iter().zip(weights).enumerate() {
            if !loss.is_finite() {
                return Err(
                    self.not_finite(&format!("the loss of task `{}`", self.schema.tasks[t].name), f64::from(*loss))
                );
            }
            let sums = &mut self.progress.under_way;
            sums.losses[t] += f64::from(*loss) * weight;
            sums.weights[t] += weight;
        }
        Ok(())
    }

    /// Adds the summands of a batch's losses to those of the epoch, where a loss is a sum.
    pub(super) fn count_parts(&mut self, batch: &Batch, logits: &Tensor<2>, weights: &[f64]) {
        let schema = &self.schema;
        if schema.tasks.iter().all(|task| task.losses.is_empty()) {
            return;
        }
        let logits = numbers(logits.clone().inner().narrow(1, 0, schema.logit_columns()));
        let groups = Some(batch.groups.as_slice());
        let parts = part_losses(schema, &logits, &batch.labels, &batch.weights, groups, usize::MAX);
        let tasks = part_weights(schema);
        let sums = &mut self.progress.under_way.parts;
        sums.resize(parts.len(), (0.0, 0.0));
        for ((sum, (loss, weight)), (task, _)) in sums.iter_mut().zip(parts).zip(tasks) {
            if weights[task] > 0.0 {
                *sum = (sum.0 + loss * weight, sum.1 + weight);
            }
        }
    }

    /// The mean of each summand over the epoch, by its task and its name.
    fn parts(&self) -> Named<Option<f64>> {
        let named = self.schema.tasks.iter().flat_map(|task| {
            let of = |part: usize| task.losses.get(part).map(|of| format!("{}.{}", task.name, of.name));
            (0..task.losses.len().max(1)).map(of)
        });
        let mean = |(sum, weight): &(f64, f64)| (*weight > 0.0).then(|| sum / weight);
        let means = self.progress.under_way.parts.iter().map(mean);
        named.zip(means).filter_map(|(name, mean)| Some((name?, mean))).collect()
    }

    fn not_finite(&self, what: &str, value: f64) -> Error {
        let (step, epoch) = (self.progress.step + 1, self.progress.epoch + 1);
        Error::training(format!(
            "{what} is {value} in step {step} (epoch {epoch}): lower `train.optimizer.lr` or \
             `train.embeddings.lr`, or set `train.clip`"
        ))
    }

    /// Ends the epoch under way: its report, still without validation.
    pub fn end_epoch(&mut self) -> Epoch {
        let names = || self.schema.tasks.iter().map(|task| task.name.clone());
        let means: Vec<Option<f64>> = self.progress.under_way.mean().collect();
        let said = self.balance.as_mut().map(|balance| balance.end_epoch(&means));
        let sums = &self.progress.under_way;
        let weights = said.as_ref().map_or_else(|| self.network().weighting().weights(), |said| said.weights.clone());
        // What a spec writes is meant; what a method finds may surprise.
        let found = said.is_some() || self.network().weighting().log_variances.is_some();
        let known = !found || self.progress.history.iter().any(|epoch| !epoch.raised.is_empty());
        let raised = if known { Vec::new() } else { raised(&weights) };
        let epoch = Epoch {
            epoch: self.progress.epoch + 1,
            stage: self.stage().map(|_| self.progress.stage + 1),
            losses: names().zip(sums.mean()).collect(),
            parts: self.parts(),
            weights: names().zip(weights).collect::<Named<f64>>(),
            raised: raised.into_iter().map(|(task, ratio)| (self.schema.tasks[task].name.clone(), ratio)).collect(),
            gradients: said.and_then(|said| self.gradients(said)),
            penalties: sums.penalties.iter().map(|(name, (sum, steps))| (name, sum / (*steps).max(1) as f64)).collect(),
            seconds: sums.seconds,
            rows_per_second: sums.rows as f64 / sums.seconds,
            validation: None,
        };
        self.progress.epoch += 1;
        self.progress.batch = 0;
        self.begin_epoch();
        epoch
    }

    /// What the tasks' gradients were like over an epoch.
    fn gradients(&self, said: Said) -> Option<GradientLog> {
        let names: Vec<String> = self.schema.tasks.iter().map(|task| task.name.clone()).collect();
        let (norms, fallbacks) = (said.norms, said.fallbacks);
        if norms.is_none() && fallbacks == 0 {
            return None;
        }
        let pairs = (0..names.len()).flat_map(|s| (s + 1..names.len()).map(move |t| (s, t)));
        let cosines = pairs.zip(said.cosines).map(|((s, t), cosine)| (names[s].clone(), names[t].clone(), cosine));
        Some(GradientLog {
            cosines: if norms.is_some() { cosines.collect() } else { Vec::new() },
            norms: names.iter().cloned().zip(norms.unwrap_or_default()).collect(),
            fallbacks,
        })
    }

    /// Its subnetworks as they are now, or as its best epoch left them.
    pub fn subnets(&self) -> Option<SubnetReport> {
        let subnet = M::subnet(&self.config)?;
        let tasks: Vec<String> = self.schema.tasks.iter().map(|task| task.name.clone()).collect();
        let best = self.best.as_ref().map(|best| best.network.clone());
        let parameters = best.unwrap_or_else(|| parameters(self.network()));
        Some(crate::subnets::report(&subnet, &tasks, &parameters, self.progress.rounds.clone()))
    }

    /// The trained values as they are now. The tables are settled.
    pub fn weights(&self) -> Weights {
        Weights { network: parameters(self.network()), tables: self.embeddings.values() }
    }

    /// Goes back to these values.
    pub fn set_weights(&mut self, weights: Weights) -> Result<()> {
        let mut values = weights.network.into_iter();
        self.replace_network(|_, _| Ok(values.next().map(|parameter| parameter.values).unwrap_or_default()))?;
        self.embeddings.set_values(weights.tables);
        Ok(())
    }
}
