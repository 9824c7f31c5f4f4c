//! What the programs share: data sets, files of training runs, and cells of tables.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use mtl_data::Table;
use mtl_data::schema::Schema;
use mtl_examples::{census, kuairand};
use mtl_runtime::{Error, Result, Splits, alloc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Runs a program on its options. Errors go to standard error, with exit code 1.
pub fn main<O: Parser>(run: impl FnOnce(&O) -> Result<()>) -> ExitCode {
    alloc::keep_memory();
    match run(&O::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dataset {
    /// Census-income.
    Census,
    /// KuaiRand.
    Kuairand,
}

/// Training runs by what was trained.
pub type Runs<R> = BTreeMap<String, Vec<R>>;

/// What the network of one task alone is called, before the task's name.
pub const SINGLE: &str = "single_";

/// The test AUC by task of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scores {
    /// By task.
    pub auc: BTreeMap<String, f64>,
}

impl Dataset {
    /// Its name in specs.
    pub fn name(self) -> &'static str {
        match self {
            Dataset::Census => "census",
            Dataset::Kuairand => "kuairand",
        }
    }

    /// Its rows.
    ///
    /// # Errors
    /// A folder without the data set's files.
    pub fn splits(self, folder: &Path, schema: &Schema) -> Result<Splits> {
        let [train, validation, test]: [Table; 3] = match self {
            Dataset::Census => census::tables(folder, schema)?,
            Dataset::Kuairand => kuairand::tables(folder)?,
        };
        Ok(Splits { train, validation, test: Some(test) })
    }
}

/// The runs of a file; none where there is no file.
///
/// # Errors
/// A file that cannot be read or holds something else.
pub fn read<R: DeserializeOwned>(path: Option<&Path>) -> Result<Runs<R>> {
    let Some(path) = path.filter(|path| path.exists()) else { return Ok(Runs::new()) };
    let text = std::fs::read_to_string(path).map_err(|error| Error::config(format!("{}: {error}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| Error::config(format!("{} holds no runs: {error}", path.display())))
}

/// Writes the runs.
///
/// # Errors
/// A file that cannot be written.
pub fn write<R: Serialize>(path: Option<&Path>, runs: &Runs<R>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let text = serde_json::to_string_pretty(runs).expect("runs print as JSON");
    std::fs::write(path, text + "\n").map_err(|error| Error::config(format!("{}: {error}", path.display())))
}

/// The mean; a dash where there is nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Mean and standard deviation with so many decimals, as a cell of a table.
pub fn spread(values: &[f64], decimals: usize) -> String {
    let Some(mean) = mean(values) else { return "–".into() };
    let square = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    match values.len() {
        1 => format!("{mean:.decimals$}"),
        count => format!("{mean:.decimals$} ± {:.decimals$}", (square / (count as f64 - 1.0)).sqrt()),
    }
}

/// The mean test AUC of the network of each task alone, from the runs of `families`.
///
/// # Errors
/// A file without such runs of one of the tasks.
pub fn singles(path: &Path, tasks: &[&str]) -> Result<Vec<f64>> {
    let runs: Runs<Scores> = read(Some(path))?;
    let of = |task: &&str| {
        let runs = runs.get(&format!("{SINGLE}{task}")).map(Vec::as_slice).unwrap_or_default();
        let found: Vec<f64> = runs.iter().filter_map(|run| run.auc.get(*task).copied()).collect();
        mean(&found).ok_or_else(|| Error::config(format!("{} holds no run of {SINGLE}{task}", path.display())))
    };
    tasks.iter().map(of).collect()
}

/// The mean over tasks of what an AUC is above that of the task's own network, in percent of it; none where a task has no AUC.
pub fn delta(auc: &BTreeMap<String, f64>, tasks: &[&str], singles: &[f64]) -> Option<f64> {
    let above = |(task, single): (&&str, &f64)| Some(100.0 * (auc.get(*task)? - single) / single);
    mean(&tasks.iter().zip(singles).map(above).collect::<Option<Vec<f64>>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        assert_eq!(spread(&[], 4), "–");
        assert_eq!(spread(&[0.5], 4), "0.5000");
        assert_eq!(spread(&[1.0, 3.0], 2), "2.00 ± 1.41");
    }

    #[test]
    fn delta_is_the_mean_of_relative_differences() {
        let auc = BTreeMap::from([("a".to_owned(), 0.55), ("b".to_owned(), 0.72)]);
        let found = delta(&auc, &["a", "b"], &[0.5, 0.8]).expect("both are there");
        assert!(found.abs() < 1e-9, "{found}");
        assert_eq!(delta(&auc, &["a", "c"], &[0.5, 0.8]), None);
    }
}
