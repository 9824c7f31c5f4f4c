//! A training run between two steps: everything that decides how it goes on.

use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::tensor::Device;
use mtl_data::schema::Schema;
use mtl_data::{Batch, Encoder};
use serde::{Deserialize, Serialize};

use crate::embedding::Embeddings;
use crate::error::{Error, Result};
use crate::evaluate::{input, numbers};
use crate::init::Init;
use crate::loss::{Term, counted, grouped_losses};
use crate::model::{Model, Pass};
use crate::optim::DenseOptimizer;
use crate::parameters::{Parameter, parameters, replace};
use crate::report::{Epoch, Named};

/// The state of a run. Saved and restored, it goes on to the same bits.
pub(crate) struct Run<M: Model> {
    pub config: M::Config,
    pub schema: Schema,
    pub encoder: Encoder,
    /// Rows of the training data.
    pub rows: usize,
    /// The network, with gradients; away only while the optimiser moves it in place.
    network: Option<M>,
    pub optimizer: DenseOptimizer,
    pub embeddings: Embeddings,
    pub progress: Progress,
    pub best: Option<Weights>,
}

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Finished epochs.
    pub epoch: usize,
    /// Finished batches of the epoch that is under way.
    pub batch: usize,
    /// Finished steps.
    pub step: u64,
    /// The epoch that is under way.
    pub under_way: Sums,
    /// One entry for each finished epoch.
    pub history: Vec<Epoch>,
    /// The best epoch so far, from 1, and its value of the `best` metric.
    pub best: Option<(usize, f64)>,
    /// Whether training ended before its last epoch because nothing got better.
    pub stopped_early: bool,
}

/// Sums over the batches of one epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sums {
    /// By task: its losses, each times the weight of its rows or pairs.
    pub losses: Vec<f64>,
    /// By task: the weight of its rows or pairs.
    pub weights: Vec<f64>,
    /// By name: what penalties added, and in how many steps.
    pub penalties: BTreeMap<String, (f64, usize)>,
    /// Rows.
    pub rows: usize,
    /// Time.
    pub seconds: f64,
}

/// The trained values of a model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weights {
    pub network: Vec<Parameter>,
    /// In the order of [`Embeddings::tables`].
    pub tables: Vec<Vec<f32>>,
}

impl Sums {
    /// The mean loss of each task so far.
    pub fn mean(&self) -> impl Iterator<Item = Option<f64>> {
        self.losses.iter().zip(&self.weights).map(|(loss, weight)| (*weight > 0.0).then(|| loss / weight))
    }
}

impl<M: Model> Run<M> {
    /// A run before its first step, on so many training rows.
    pub fn new(config: M::Config, encoder: Encoder, rows: usize) -> Self {
        let train = <M as Model>::train(&config);
        let schema = M::schema(&config);
        let network = Some(M::new(&config, &Init::new(train.seed, &Device::default().autodiff())));
        let optimizer = DenseOptimizer::new(&train.optimizer, train.clip);
        let embeddings = Embeddings::new(&schema, &encoder, train.embeddings, train.seed);
        let progress = Progress::default();
        let mut run = Self { config, schema, encoder, rows, network, optimizer, embeddings, progress, best: None };
        run.begin_epoch();
        run
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

    /// One training step.
    pub fn step(&mut self, batch: &Batch) -> Result<()> {
        let rows = batch.rows.len();
        let seed = <M as Model>::train(&self.config).seed;
        let matrix = self.embeddings.gather(&batch.features);
        let input = input(matrix, rows, self.embeddings.width(), &Device::default().autodiff()).require_grad();
        let pass = Pass::training(seed, self.progress.step);
        let logits = self.network().forward(input.clone(), &pass);
        let Batch { labels, weights, groups, .. } = batch;
        let losses = grouped_losses(&self.schema, logits.clone(), labels, weights, groups);
        let weights = counted(&self.schema, labels, weights, groups);
        self.count(&numbers(losses.clone().inner()), &weights, rows)?;
        let active: Vec<bool> = weights.iter().map(|&weight| weight > 0.0).collect();
        let mut loss = self.network().weighting().combine(losses, &active);
        let terms = M::terms(&self.config).into_iter().filter(Term::counts);
        let terms = terms.map(|term| {
            (term.name(&self.schema), term.loss(&self.schema, logits.clone(), &batch.labels, &batch.weights))
        });
        let penalties = pass.penalties().into_iter().map(|(name, penalty)| (name.to_owned(), penalty));
        for (name, penalty) in penalties.chain(terms) {
            let value = f64::from(numbers(penalty.clone().inner())[0]);
            let sum = self.progress.under_way.penalties.entry(name).or_default();
            (sum.0, sum.1) = (sum.0 + value, sum.1 + 1);
            loss = loss + penalty;
        }
        let mut gradients = loss.backward();
        // Without a label in the batch nothing reaches the input: the step has no gradient.
        let gradient = input.grad_remove(&mut gradients).map(numbers);
        let gradient = gradient.unwrap_or_else(|| vec![0.0; rows * self.embeddings.width()]);
        let gradients = GradientsParams::from_grads(gradients, self.network());
        self.network = self.network.take().map(|network| self.optimizer.step(network, gradients));
        self.embeddings.update(&batch.features, &gradient);
        self.progress.step += 1;
        self.progress.batch += 1;
        Ok(())
    }

    /// Adds a batch's losses to those of the epoch.
    fn count(&mut self, losses: &[f32], weights: &[f64], rows: usize) -> Result<()> {
        for (t, (loss, weight)) in losses.iter().zip(weights).enumerate() {
            if !loss.is_finite() {
                let (step, epoch) = (self.progress.step + 1, self.progress.epoch + 1);
                return Err(Error::training(format!(
                    "the loss of task `{}` is {loss} in step {step} (epoch {epoch}): lower `train.optimizer.lr` or \
                     `train.embeddings.lr`, or set `train.clip`",
                    self.schema.tasks[t].name
                )));
            }
            let sums = &mut self.progress.under_way;
            sums.losses[t] += f64::from(*loss) * weight;
            sums.weights[t] += weight;
        }
        self.progress.under_way.rows += rows;
        Ok(())
    }

    /// Ends the epoch under way: its report, still without validation.
    pub fn end_epoch(&mut self) -> Epoch {
        let names = || self.schema.tasks.iter().map(|task| task.name.clone());
        let sums = &self.progress.under_way;
        let epoch = Epoch {
            epoch: self.progress.epoch + 1,
            losses: names().zip(sums.mean()).collect(),
            weights: names().zip(self.network().weighting().weights()).collect::<Named<f64>>(),
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
