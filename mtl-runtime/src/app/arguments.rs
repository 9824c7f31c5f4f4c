//! The options of the subcommands.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(super) struct TrainArgs {
    /// Change a number of the spec: `--set train.optimizer.lr=1e-4`. `describe` lists all
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// The file to save to after every epoch [default: the model's name and .mtl.safetensors]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Go on where the file of `--out` ends
    #[arg(long)]
    pub resume: bool,
    /// A trained model that teaches the tasks of `distill { teacher: [...] }`
    #[arg(long, value_name = "FILE")]
    pub teacher: Option<PathBuf>,
    /// Save and stop after so many steps in all
    #[arg(long, value_name = "STEPS")]
    pub stop_after: Option<u64>,
    /// Write metrics and history to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a page with tables and pictures to this HTML file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct EvaluateArgs {
    /// The trained model [default: the model's name and .mtl.safetensors]
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Change a number that training does not fix: `ranks.NAME.PARAMETER`, `down_sampling.TASK`
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Write the metrics to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a page with tables and pictures to this HTML file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// The metrics, in place of the usual ones: `--metrics auc,ndcg@10`
    #[arg(long, value_name = "METRICS", value_delimiter = ',')]
    pub metrics: Vec<String>,
    /// Intervals of 95 % from so many draws of rows, or of groups where there are groups
    #[arg(long, value_name = "DRAWS")]
    pub bootstrap: Option<usize>,
    /// Measure the rows of each value of these columns too; rare values together
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub slices: Vec<String>,
    /// Compare with a report of `--json`, or with predictions of `--save-predictions` on the same rows
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write predictions beside labels to this file, for a later `--baseline`
    #[arg(long, value_name = "FILE")]
    pub save_predictions: Option<PathBuf>,
}

/// A trained model, and the rows that it reads.
#[derive(Debug, Args)]
pub(super) struct RowArgs {
    /// The trained model [default: the model's name and .mtl.safetensors]
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Change a number that training does not fix: `ranks.NAME.PARAMETER`, `down_sampling.TASK`
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Read the rows of this file, which needs no labels
    #[arg(long, value_name = "FILE", conflicts_with = "split")]
    pub input: Option<PathBuf>,
    /// Read the rows of this split of the data
    #[arg(long, value_name = "SPLIT")]
    pub split: Option<Split>,
}

impl RowArgs {
    /// What is read.
    pub fn files(&self) -> [(&str, Option<&Path>); 2] {
        [("--model", self.model.as_deref()), ("--input", self.input.as_deref())]
    }
}

#[derive(Debug, Args)]
pub(super) struct PredictArgs {
    #[command(flatten)]
    pub of: RowArgs,
    /// The CSV file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    pub of: RowArgs,
    /// The score to explain [default: the last one of the spec]
    #[arg(long, value_name = "NAME")]
    pub rank: Option<String>,
    /// Explain the candidates of this request: its value in the column `train.group_by`
    #[arg(long, value_name = "GROUP", required_unless_present = "candidates", conflicts_with = "candidates")]
    pub request: Option<String>,
    /// Explain these rows, counted from 0: `0..20`
    #[arg(long, value_name = "FROM..TO")]
    pub candidates: Option<String>,
    /// Write the parts to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct TuneArgs {
    /// The trained model, which gets the tuned parameters [default: the model's name and .mtl.safetensors]
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Change a parameter of a rank: what is tuned starts there, what is not stays there
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// How many points `cma_es` or `random` evaluates [default: as the spec says]
    #[arg(long, value_name = "N")]
    pub evaluations: Option<usize>,
    /// How many values each parameter has on a `grid` [default: as the spec says]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// The seed of the search and of the intervals [default: that of the training]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Explore the front between the metrics of the goal, and save nothing
    #[arg(long)]
    pub pareto: bool,
    /// Draw the front into this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Save nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write what was found to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a page with tables and pictures to this HTML file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct DescribeArgs {
    /// A trained model, to see the sizes of its learned vocabularies
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Change a number of the spec
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "model")]
    pub set: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Split {
    Train,
    Validation,
    Test,
}
