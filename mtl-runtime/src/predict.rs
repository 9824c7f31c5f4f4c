//! Prediction: a trained model that measures and predicts rows of a table.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use mtl_data::schema::Schema;
use mtl_data::{Dataset, Encoder, Table};

use crate::checkpoint;
use crate::embedding::Embeddings;
use crate::error::Result;
use crate::evaluate::{Evaluation, SavedPredictions, measure, score, subjects};
use crate::loss::prediction_names;
use crate::model::Model;
use crate::parameters::{Parameter, parameters};
use crate::report::SplitMetrics;
use crate::subnets::SubnetReport;
use crate::train::run::Run;
use crate::train::scores;

/// A trained model: network, tables, vocabularies and scalings.
#[derive(Debug)]
pub struct Predictor<M: Model> {
    config: M::Config,
    schema: Schema,
    encoder: Encoder,
    network: M,
    embeddings: Embeddings,
    subnets: Option<SubnetReport>,
}

/// Predictions and scores of rows, column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// Each task in order (a chained task also as `buy | click`): a probability, or a number in the label's unit.
    pub tasks: Vec<(String, Vec<f32>)>,
    /// Each rank.
    pub ranks: Vec<(String, Vec<f64>)>,
}

impl<M: Model> Predictor<M> {
    /// The model that training saved to a file, with the weights of its best epoch.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path, |_| Ok(()))
    }

    /// As [`load`](Self::load), under a changed configuration: parameters of ranks, say. Widths cannot change.
    pub fn load_with(path: impl AsRef<Path>, change: impl FnOnce(&mut M::Config) -> Result<()>) -> Result<Self> {
        let mut run = checkpoint::load::<M>(path.as_ref(), change)?;
        scores::<M>(&run.config)?;
        run.embeddings.settle();
        Self::of(run)
    }

    /// The best weights of a run, else its present ones, whose tables are settled.
    pub(crate) fn of(mut run: Run<M>) -> Result<Self> {
        if let Some(best) = run.best.take() {
            run.set_weights(best)?;
        }
        let subnets = run.subnets();
        let mut network = run.network().valid();
        network.compact();
        let Run { config, schema, encoder, mut embeddings, .. } = run;
        embeddings.forget_state();
        Ok(Self { config, schema, encoder, network, embeddings, subnets })
    }

    /// Its configuration.
    pub fn config(&self) -> &M::Config {
        &self.config
    }

    /// What it reads and predicts.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Its vocabularies and scalings.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Its embedding tables.
    pub fn embeddings(&self) -> &Embeddings {
        &self.embeddings
    }

    /// Its network.
    pub fn network(&self) -> &M {
        &self.network
    }

    /// Its subnetworks, if it has any, and the rounds that found them.
    pub fn subnets(&self) -> Option<&SubnetReport> {
        self.subnets.as_ref()
    }

    /// The number of its trained values, in the network and in the tables.
    pub fn parameters(&self) -> usize {
        let trained = parameters(&self.network);
        let trained = trained.iter().filter(|parameter| parameter.is_trained());
        trained.map(|Parameter { values, .. }| values.len()).sum::<usize>() + self.embeddings.parameters()
    }

    /// Metrics of every task and rank on rows with labels.
    pub fn evaluate(&self, table: &Table) -> Result<SplitMetrics> {
        self.measure(&Arc::new(self.encoder.encode(table)?))
    }

    /// As [`evaluate`](Self::evaluate), of encoded rows.
    pub(crate) fn measure(&self, dataset: &Arc<Dataset>) -> Result<SplitMetrics> {
        let scored = score(&self.network, &self.embeddings, &self.schema, dataset)?;
        measure(&self.config, &self.network, &self.schema, dataset, &scored, &[])
    }

    /// As [`evaluate`](Self::evaluate), with more: other metrics, intervals, slices, changes. `split` is the name of these rows in the
    /// baseline, and in `saved`, to which the predictions are added.
    pub fn evaluate_with(
        &self,
        evaluation: &Evaluation,
        split: &str,
        table: &Table,
        saved: Option<&mut SavedPredictions>,
    ) -> Result<SplitMetrics> {
        evaluation.check::<M>(&self.schema)?;
        let dataset = Arc::new(self.encoder.encode(table)?);
        let scored = score(&self.network, &self.embeddings, &self.schema, &dataset)?;
        let (config, schema) = (&self.config, &self.schema);
        let mut found = measure(config, &self.network, schema, &dataset, &scored, &evaluation.metrics)?;
        let subjects = subjects::<M>(config, schema, &dataset, &scored)?;
        evaluation.extend(&mut found, split, &subjects, &dataset, table, <M as Model>::train(config).seed)?;
        if let Some(saved) = saved {
            saved.add(split, &subjects);
        }
        Ok(found)
    }

    /// Predictions and scores of rows, with labels or without.
    pub fn predict(&self, table: &Table) -> Result<Predictions> {
        let dataset = Arc::new(self.encoder.encode_features(table)?);
        let rows = score(&self.network, &self.embeddings, &self.schema, &dataset)?.predictions;
        let names = prediction_names(&self.schema);
        let column = |p: usize| rows.iter().skip(p).step_by(names.len()).copied().collect();
        let mut row = vec![0.0; names.len()];
        let mut ranks = Vec::new();
        for rank in M::ranks() {
            let scores = rows.chunks_exact(names.len()).map(|predictions| {
                row.iter_mut().zip(predictions).for_each(|(to, from)| *to = f64::from(*from));
                (rank.score)(&self.config, &row)
            });
            ranks.push((rank.name.to_owned(), scores.collect()));
        }
        Ok(Predictions { tasks: names.iter().enumerate().map(|(p, name)| (name.clone(), column(p))).collect(), ranks })
    }
}

impl Predictions {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.tasks.first().map_or(0, |(_, values)| values.len())
    }

    /// The predictions of a task.
    pub fn task(&self, name: &str) -> Option<&[f32]> {
        self.tasks.iter().find(|(task, _)| task == name).map(|(_, values)| values.as_slice())
    }

    /// The scores of a rank.
    pub fn rank(&self, name: &str) -> Option<&[f64]> {
        self.ranks.iter().find(|(rank, _)| rank == name).map(|(_, values)| values.as_slice())
    }

    /// Writes a CSV file: a header, then one line for each row. Numbers have as many digits as they need to be read back.
    pub fn write_csv(&self, mut out: impl Write) -> io::Result<()> {
        let names = self.tasks.iter().map(|(name, _)| name).chain(self.ranks.iter().map(|(name, _)| name));
        writeln!(out, "{}", names.map(String::as_str).collect::<Vec<_>>().join(","))?;
        for row in 0..self.rows() {
            let tasks = self.tasks.iter().map(|(_, values)| values[row].to_string());
            let ranks = self.ranks.iter().map(|(_, values)| values[row].to_string());
            writeln!(out, "{}", tasks.chain(ranks).collect::<Vec<_>>().join(","))?;
        }
        Ok(())
    }
}
