//! Learned scores: networks that are fitted to validation rows after the towers, and saved with the model.

use std::collections::BTreeMap;

use mtl_data::Dataset;
use mtl_data::schema::Schema;
use mtl_eval::fusion::{Fusion, Input, Options, Rows, Target};
use serde::{Deserialize, Serialize};

use super::{Calibrators, Inputs};
use crate::error::{Error, Result};
use crate::model::{Model, Rank};

/// A learned rank: `rank NAME = fuse(...);`
pub struct Learned<C: 'static> {
    /// Its name.
    pub rank: &'static str,
    /// The place of the task whose label it predicts.
    pub task: usize,
    /// How that label is predicted.
    pub target: Target,
    /// What it reads.
    pub inputs: &'static [LearnedInput],
    /// How it is fitted under a configuration.
    pub options: fn(&C) -> Options,
    /// What was fitted, or nothing yet.
    pub fusion: fn(&C) -> &Fusion,
    /// Puts what was fitted into a configuration.
    pub set: fn(&mut C, Fusion),
    /// The ranks that read it, and itself.
    pub readers: &'static [&'static str],
    /// The expectations about those, by place.
    pub expectations: &'static [usize],
}

/// What a learned rank reads of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearnedInput {
    /// As the formula has it.
    pub name: &'static str,
    /// Where it stands in the row, as for [`Rank`].
    pub place: usize,
    /// What it is.
    pub kind: Input,
    /// What it is where it is missing; without one that is an error.
    pub default: Option<f64>,
}

/// What was fitted for learned ranks, by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fusions(BTreeMap<String, Fusion>);

impl Fusions {
    /// Those of a model, fitted to predictions `[rows, P]` of rows with labels that nobody trained on.
    pub(crate) fn fit<M: Model>(
        config: &M::Config,
        schema: &Schema,
        predictions: &[f32],
        dataset: &Dataset,
        calibrators: &Calibrators,
    ) -> Result<Self> {
        if M::learned().is_empty() {
            return Ok(Self::default());
        }
        let inputs = Inputs::of::<M>(schema, predictions, dataset, calibrators)?;
        let fit = |learned: &Learned<M::Config>| {
            let fusion = learned.fit::<M>(config, &inputs, dataset)?;
            Ok((learned.rank.to_owned(), fusion))
        };
        M::learned().iter().map(fit).collect::<Result<_>>().map(Self)
    }

    /// What was fitted for a rank.
    pub fn get(&self, rank: &str) -> Option<&Fusion> {
        self.0.get(rank)
    }

    /// A configuration with these, and with nothing for other learned ranks.
    pub(crate) fn under<M: Model>(&self, config: &M::Config) -> M::Config {
        let mut config = config.clone();
        for learned in M::learned() {
            (learned.set)(&mut config, self.get(learned.rank).cloned().unwrap_or_default());
        }
        config
    }

    /// What people should know of the fits: inputs that tell nothing apart.
    pub(crate) fn notes<M: Model>(&self) -> Vec<String> {
        let of_rank = |learned: &Learned<M::Config>| {
            let still = self.get(learned.rank).map_or_else(Vec::new, Fusion::still);
            let note = |place: usize| {
                let (rank, input) = (learned.rank, learned.inputs[place].name);
                format!(
                    "`{input}` is the same in all labelled validation rows: the learned score `{rank}` leaves it alone"
                )
            };
            still.into_iter().map(note).collect::<Vec<_>>()
        };
        M::learned().iter().flat_map(of_rank).collect()
    }
}

impl<C: 'static> Learned<C> {
    /// The rank as a score.
    fn rank<M: Model<Config = C>>(&self) -> &'static Rank<C> {
        M::ranks().iter().find(|rank| rank.name == self.rank).expect("a learned rank is a rank of the model")
    }

    fn fit<M: Model<Config = C>>(&self, config: &C, inputs: &Inputs<'_>, dataset: &Dataset) -> Result<Fusion> {
        let (width, known) = inputs.matrix(self.rank::<M>())?;
        let read = |row: &[f64]| self.inputs.iter().map(|input| input.read(row)).collect::<Vec<_>>();
        let values: Vec<f64> = known.chunks_exact(width).flat_map(read).collect();
        let names: Vec<&str> = self.inputs.iter().map(|input| input.name).collect();
        let kinds: Vec<Input> = self.inputs.iter().map(|input| input.kind).collect();
        let rows = Rows {
            names: &names,
            kinds: &kinds,
            inputs: &values,
            labels: &dataset.labels[self.task],
            weights: dataset.weights[self.task].as_deref(),
            groups: dataset.groups.as_deref(),
        };
        let seed = <M as Model>::train(config).seed;
        let fitted = Fusion::fit(&rows, self.target, &(self.options)(config), seed);
        fitted.map_err(|error| Error::data(format!("the learned score `{}`, on validation rows: {error}", self.rank)))
    }
}

impl LearnedInput {
    fn read(&self, row: &[f64]) -> f64 {
        match self.default {
            Some(default) if row[self.place].is_nan() => default,
            _ => row[self.place],
        }
    }
}

/// The learned ranks that a rank reads, and itself, which were not fitted yet.
pub(crate) fn unfitted<'a, M: Model>(rank: &'a str, config: &'a M::Config) -> Option<&'static str> {
    let mut read = M::learned().iter().filter(|learned| learned.readers.contains(&rank));
    read.find(|learned| !(learned.fusion)(config).is_fitted()).map(|learned| learned.rank)
}

/// Whether everything that an expectation is about was fitted.
pub(crate) fn is_fitted<M: Model>(expectation: usize, config: &M::Config) -> bool {
    let mut about = M::learned().iter().filter(|learned| learned.expectations.contains(&expectation));
    about.all(|learned| (learned.fusion)(config).is_fitted())
}

/// Refuses other options than those under which learned scores were fitted.
pub(crate) fn check_same<M: Model>(fitted: &M::Config, now: &M::Config) -> Result<()> {
    for learned in M::learned() {
        let (fitted, now) = ((learned.options)(fitted), (learned.options)(now));
        let widths = |of: &Options| format!("{:?}", of.widths);
        let of = [
            ("hidden", widths(&fitted), widths(&now)),
            ("epochs", fitted.epochs.to_string(), now.epochs.to_string()),
            ("lr", fitted.lr.to_string(), now.lr.to_string()),
            ("l2", fitted.l2.to_string(), now.l2.to_string()),
        ];
        if let Some((name, before, now)) = of.iter().find(|(_, before, now)| before != now) {
            let message = format!("ranks.{}.{name} is {now}, and the score was fitted with {before}", learned.rank);
            return Err(Error::config(format!("{message}: train again to change it")));
        }
    }
    Ok(())
}

/// Refuses options that no fit can have.
pub(crate) fn check_options<M: Model>(config: &M::Config) -> Result<()> {
    let check = |learned: &Learned<M::Config>| {
        let checked = (learned.options)(config).check();
        checked.map_err(|error| Error::config(format!("ranks.{}: {error}", learned.rank)))
    };
    M::learned().iter().try_for_each(check)
}

/// Refuses learned ranks that the validation rows cannot fit.
pub(crate) fn check_rows<M: Model>(schema: &Schema, validation: Option<&Dataset>) -> Result<()> {
    for learned in M::learned() {
        let (rank, task) = (learned.rank, &schema.tasks[learned.task].name);
        let Some(validation) = validation else {
            let message = format!("the learned score `{rank}` is fitted on validation rows, and there are none");
            return Err(Error::data(format!("{message}: name some, or write a formula in place of `fuse`")));
        };
        let (labels, weights) = (&validation.labels[learned.task], validation.weights[learned.task].as_deref());
        learned.target.check(labels, weights).map_err(|error| {
            Error::data(format!("the learned score `{rank}` is fitted to `{task}` on validation rows: {error}"))
        })?;
        let numbers = schema.scores.numbers.iter().zip(&validation.numbers);
        for ((name, _), values) in numbers {
            let missing = values.iter().position(|x| x.is_nan());
            let read = learned.inputs.iter().any(|input| input.name == name && input.default.is_none());
            if let (Some(row), true) = (missing, read) {
                let message =
                    format!("the learned score `{rank}` reads `{name}`, which is missing in validation row {row}");
                return Err(Error::data(format!("{message}: write `{name} ?? 0`, or another number, in its `on`")));
            }
        }
    }
    Ok(())
}
