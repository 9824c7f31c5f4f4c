//! Prediction: a trained model that measures and predicts rows of a table.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use mtl_data::schema::Schema;
use mtl_data::{Dataset, Encoder, Table};

use crate::checkpoint;
use crate::embedding::Embeddings;
use crate::error::{Error, Result};
use crate::evaluate::{Evaluation, SavedPredictions, Scored, Subjects, measure, score};
use crate::loss::prediction_names;
use crate::model::{Model, Rank};
use crate::parameters::{Parameter, parameters};
use crate::pictures::{pictures, ranks};
use crate::report::{Candidate, Explanation, Part, Pictures, Report, SplitMetrics, peak_memory_bytes};
use crate::scores::{Calibrators, Fusions, Inputs, calibrated_name, check_same, unfitted};
use crate::subnets::SubnetReport;
use crate::train::run::Run;
use crate::train::scores;
use crate::tune::Rows;

/// A trained model: network, tables, vocabularies and scalings.
#[derive(Debug)]
pub struct Predictor<M: Model> {
    config: M::Config,
    schema: Schema,
    encoder: Encoder,
    network: M,
    embeddings: Embeddings,
    subnets: Option<SubnetReport>,
    calibrators: Calibrators,
    fusions: Fusions,
}

/// Predictions and scores of rows, column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// Each task in order (a chained task also as `buy | click`, a calibrated one as `buy calibrated`): a probability, or a number in
    /// the label's unit.
    pub tasks: Vec<(String, Vec<f32>)>,
    /// What scores read beside them, as the formulas have it: `rank_of(click)`; NaN where it is missing.
    pub inputs: Vec<(String, Vec<f64>)>,
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
        let mut run = checkpoint::load::<M>(path.as_ref(), |config| {
            let fitted = config.clone();
            change(config)?;
            check_same::<M>(&fitted, config)
        })?;
        run.embeddings.settle();
        let predictor = Self::of(run)?;
        scores::<M>(&predictor.config)?;
        if let Some(rank) = M::ranks().iter().find_map(|rank| unfitted::<M>(rank.name, &predictor.config)) {
            let what = format!("it was saved before `{rank}` was fitted: resume its training");
            return Err(Error::checkpoint(path.as_ref(), what));
        }
        let missing = |(task, _): &(&str, _)| predictor.calibrators.get(task).is_none();
        match M::calibrations(&predictor.config).iter().find(|of| missing(of)) {
            None => Ok(predictor),
            Some((task, _)) => {
                let what = format!("it was saved before `{task}` was calibrated: resume its training");
                Err(Error::checkpoint(path.as_ref(), what))
            }
        }
    }

    /// The best weights of a run, else its present ones, whose tables are settled.
    pub(crate) fn of(mut run: Run<M>) -> Result<Self> {
        if let Some(best) = run.best.take() {
            run.set_weights(best)?;
        }
        let subnets = run.subnets();
        let mut network = run.network().valid();
        network.compact();
        let Run { config, schema, encoder, mut embeddings, calibrators, fusions, .. } = run;
        let config = fusions.under::<M>(&config);
        embeddings.forget_state();
        let calibrators = calibrators.under::<M>(&config)?;
        Ok(Self { config, schema, encoder, network, embeddings, subnets, calibrators, fusions })
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

    /// What calibrates its tasks for scores.
    pub fn calibrators(&self) -> &Calibrators {
        &self.calibrators
    }

    /// What was fitted for its learned scores.
    pub fn fusions(&self) -> &Fusions {
        &self.fusions
    }

    /// The same with other calibrators.
    pub fn with_calibrators(mut self, calibrators: Calibrators) -> Self {
        self.calibrators = calibrators;
        self
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

    /// What a report says of the model, whatever was done with it.
    pub(crate) fn report(&self) -> Report {
        Report {
            model: M::NAME.into(),
            seed: <M as Model>::train(&self.config).seed,
            parameters: self.parameters(),
            peak_memory_bytes: peak_memory_bytes(),
            subnets: self.subnets.clone(),
            ranks: ranks::<M>(&self.config),
            spec: M::SPEC.into(),
            ..Report::default()
        }
    }

    /// Metrics of every task and rank on rows with labels.
    pub fn evaluate(&self, table: &Table) -> Result<SplitMetrics> {
        Ok(self.measure(&Arc::new(self.encoder.encode(table)?))?.0)
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
        Ok(self.study(evaluation, split, table, &Arc::new(self.encoder.encode(table)?), saved)?.0)
    }

    /// As [`evaluate_with`](Self::evaluate_with), of the encoded rows of a table, and what a report draws of them.
    pub(crate) fn study(
        &self,
        evaluation: &Evaluation,
        split: &str,
        table: &Table,
        dataset: &Arc<Dataset>,
        saved: Option<&mut SavedPredictions>,
    ) -> Result<(SplitMetrics, Pictures)> {
        evaluation.check::<M>(&self.schema)?;
        let (scored, subjects) = self.subjects(dataset)?;
        let mut found = measure(&self.network, &scored, &subjects, &evaluation.metrics)?;
        evaluation.extend(&mut found, split, &subjects, table, <M as Model>::train(&self.config).seed)?;
        if let Some(saved) = saved {
            saved.add(split, &subjects);
        }
        Ok((found, pictures(&subjects)?))
    }

    /// As [`evaluate`](Self::evaluate), of encoded rows, and what a report draws of them.
    pub(crate) fn measure(&self, dataset: &Arc<Dataset>) -> Result<(SplitMetrics, Pictures)> {
        let (scored, subjects) = self.subjects(dataset)?;
        Ok((measure(&self.network, &scored, &subjects, &[])?, pictures(&subjects)?))
    }

    fn subjects<'a>(&self, dataset: &'a Arc<Dataset>) -> Result<(Scored, Subjects<'a>)> {
        let scored = score(&self.network, &self.embeddings, &self.schema, dataset)?;
        let subjects = Subjects::of::<M>(&self.config, &self.schema, dataset, &scored, &self.calibrators)?;
        Ok((scored, subjects))
    }

    /// What is known of rows with labels, for a score under many parameters.
    pub(crate) fn rows(&self, table: &Table, rank: &Rank<M::Config>) -> Result<Rows> {
        let dataset = Arc::new(self.encoder.encode(table)?);
        let predictions = score(&self.network, &self.embeddings, &self.schema, &dataset)?.predictions;
        let (width, values) = Inputs::of::<M>(&self.schema, &predictions, &dataset, &self.calibrators)?.matrix(rank)?;
        let Dataset { labels, weights, groups, .. } = Arc::unwrap_or_clone(dataset);
        Ok(Rows { width, values, labels, weights, groups })
    }

    /// Predictions and scores of rows, with labels or without. Places within a request are among these rows.
    pub fn predict(&self, table: &Table) -> Result<Predictions> {
        self.predict_under(&self.config, table)
    }

    /// As [`predict`](Self::predict), with other parameters of scores: those that a request sets.
    pub fn predict_with(
        &self,
        table: &Table,
        change: impl FnOnce(&mut M::Config) -> Result<()>,
    ) -> Result<Predictions> {
        let mut config = self.config.clone();
        change(&mut config)?;
        check_same::<M>(&self.config, &config)?;
        let config = self.fusions.under::<M>(&config);
        scores::<M>(&config)?;
        self.predict_under(&config, table)
    }

    fn predict_under(&self, config: &M::Config, table: &Table) -> Result<Predictions> {
        let dataset = Arc::new(self.encoder.encode_features(table)?);
        let rows = score(&self.network, &self.embeddings, &self.schema, &dataset)?.predictions;
        let names = prediction_names(&self.schema);
        let column = |p: usize| rows.iter().skip(p).step_by(names.len()).copied().collect();
        let inputs = Inputs::of::<M>(&self.schema, &rows, &dataset, &self.calibrators)?;
        let ranks = M::ranks().iter().map(|rank| Ok((rank.name.to_owned(), inputs.scores::<M>(rank, config)?)));
        let mut tasks = Vec::new();
        for (p, name) in names.iter().enumerate() {
            let values: Vec<f32> = column(p);
            let calibrated = self.calibrators.get(name).map(|of| (calibrated_name(name), of.column(&values)));
            tasks.push((name.clone(), values));
            tasks.extend(calibrated);
        }
        Ok(Predictions { ranks: ranks.collect::<Result<_>>()?, tasks, inputs: inputs.into_more() })
    }

    /// The scores of some rows in parts, the best first. Places within a request are among all rows of the table.
    pub fn explain(&self, table: &Table, rank: &str, rows: &[usize]) -> Result<Explanation> {
        let Some(rank) = M::ranks().iter().find(|known| known.name == rank) else {
            let known: Vec<String> = M::ranks().iter().map(|known| format!("`{}`", known.name)).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Error::config(format!("no rank named `{rank}`; the model has {known}")));
        };
        if let Some(row) = rows.iter().find(|row| **row >= table.rows()) {
            return Err(Error::data(format!("there is no row {row}: the rows are 0..{}", table.rows())));
        }
        let dataset = Arc::new(self.encoder.encode_features(table)?);
        let predictions = score(&self.network, &self.embeddings, &self.schema, &dataset)?.predictions;
        let inputs = Inputs::of::<M>(&self.schema, &predictions, &dataset, &self.calibrators)?;
        let scores = inputs.scores::<M>(rank, &self.config)?;
        let candidate = |row: &usize| {
            let parts = inputs.terms(rank, &self.config, *row)?.into_iter();
            let parts = parts.map(|(name, value)| Part { name: name.to_owned(), value });
            Ok(Candidate { row: *row, score: scores[*row], parts: parts.collect() })
        };
        let mut candidates = rows.iter().map(candidate).collect::<Result<Vec<_>>>()?;
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        Ok(Explanation { rank: rank.name.to_owned(), formula: rank.formula.to_owned(), split: rank.split, candidates })
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

    /// What scores read beside predictions, such as `rank_of(click)`.
    pub fn input(&self, name: &str) -> Option<&[f64]> {
        self.inputs.iter().find(|(input, _)| input == name).map(|(_, values)| values.as_slice())
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
