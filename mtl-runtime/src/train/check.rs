//! What is refused before training: values that no model can have, expectations that fail, data without labels.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use mtl_data::Dataset;
use mtl_data::schema::{BinaryLoss, FeatureKind, RegressionLoss, Rows, Schema, Task, TaskKind};
use mtl_eval::calibration::Method as Calibration;

use super::{best, stages};
use crate::config::{TrainConfig, settings};
use crate::error::{Error, Result};
use crate::model::{Model, ModelConfig};
use crate::scores::{check_options, is_fitted};
use crate::weighting::balance::Balance;

/// The largest width, and number of experts.
const MOST: f64 = 1_048_576.0;

/// Refuses a configuration that cannot be trained, or under which an `expect` of the spec fails.
pub fn check<M: Model>(config: &M::Config) -> Result<()> {
    let train = <M as Model>::train(config);
    train.check()?;
    numbers(config)?;
    features_and_tasks(&M::schema(config))?;
    best::check(train, &M::schema(config))?;
    stages::check::<M>(config)?;
    if let Some(asked) = M::method(config) {
        Balance::of(&asked, M::schema(config).tasks.len(), train.seed)?;
    }
    if let Some(problem) = M::problems(config).into_iter().next() {
        return Err(Error::config(problem));
    }
    if let Some(problem) = M::distill(config).and_then(|distill| distill.problem()) {
        return Err(Error::config(problem));
    }
    if let Some(problem) = M::subnet(config).and_then(|subnet| subnet.problem()) {
        return Err(Error::config(format!("the masks of `subnet` cannot be found: {problem}")));
    }
    check_options::<M>(config)?;
    scores::<M>(config)
}

/// Refuses a configuration under which a parameter of a score is out of its range, or an `expect` of the spec fails. What is about a
/// learned score is evaluated once that is fitted.
pub(crate) fn scores<M: Model>(config: &M::Config) -> Result<()> {
    ranks::<M>(config)?;
    for (at, expectation) in M::expectations().iter().enumerate() {
        if is_fitted::<M>(at, config) && !(expectation.holds)(config) {
            let (left, right) = (expectation.sides)(config);
            let message =
                format!("expect failed: {}\n  the left side is {left}, the right side {right}", expectation.text);
            return Err(Error::config(message));
        }
    }
    Ok(())
}

/// Refuses parameters of scores outside the ranges that the spec gives them.
fn ranks<M: Model>(config: &M::Config) -> Result<()> {
    for rank in M::ranks() {
        for param in (rank.params)(config) {
            if !(param.low..=param.high).contains(&param.value) {
                let path = format!("ranks.{}.{}", rank.name, param.name);
                let message = format!("{path} is {}, but its range is {}..{}", param.value, param.low, param.high);
                return Err(Error::config(message));
            }
        }
    }
    Ok(())
}

/// Refuses numbers that mean the same wherever they stand.
fn numbers<C: ModelConfig>(config: &C) -> Result<()> {
    // Parameters of scores have ranges of their own.
    for (path, value) in settings(config).into_iter().filter(|(path, _)| !path.starts_with("ranks.")) {
        let number = value.as_f64().unwrap_or(0.0);
        let name = path.rsplit('.').next().unwrap_or_default();
        let task = path.starts_with("tasks.");
        // As the compiler bounds what a spec says.
        let sizes = ["train.", "tasks.", "loss.", "distill.", "down_sampling."];
        let counts = !sizes.iter().any(|of| path.starts_with(of)) && !matches!(name, "buckets" | "min_count");
        if counts && number > MOST {
            return Err(Error::config(format!("{path} is {number}, but it must be at most {MOST}")));
        }
        let gates = !task && !path.starts_with("loss.") && !path.starts_with("distill.");
        if name == "temperature" && gates && !(number > 0.0 && number <= 1.0) {
            return Err(Error::config(format!("{path} is {number}, but it must be above 0 and at most 1")));
        }
        if name == "gamma" && !task && number <= 0.0 {
            return Err(Error::config(format!("{path} is {number}, but it must be above 0")));
        }
        if (path.ends_with("dropout") || name == "drop_input") && !(0.0..1.0).contains(&number) {
            return Err(Error::config(format!("{path} is {number}, but it must be at least 0 and less than 1")));
        }
        if path.contains(".masks.") && matches!(name, "keep" | "prune") && !(number > 0.0 && number < 1.0) {
            return Err(Error::config(format!("{path} is {number}, but it must be between 0 and 1")));
        }
        if path.contains(".masks.") && number < 0.0 {
            return Err(Error::config(format!("{path} is {number}, but it must be at least 0")));
        }
        if path.starts_with("down_sampling.") && !(number > 0.0 && number <= 1.0) {
            return Err(Error::config(format!("{path} is {number}, but it must be above 0 and at most 1")));
        }
        if path.starts_with("loss.") && number < 0.0 {
            return Err(Error::config(format!("{path} is {number}, but a weight must be at least 0")));
        }
    }
    Ok(())
}

fn least(what: String, value: f64, least: f64) -> Result<()> {
    if value >= least {
        return Ok(());
    }
    Err(Error::config(format!("{what} is {value}, but it must be at least {least}")))
}

fn above(what: String, value: f64) -> Result<()> {
    if value > 0.0 { Ok(()) } else { Err(Error::config(format!("{what} is {value}, but it must be above 0"))) }
}

fn below_one(what: String, value: f64) -> Result<()> {
    if value >= 1.0 {
        return Err(Error::config(format!("{what} is {value}, but it must be below 1")));
    }
    least(what, value, 0.0)
}

fn between(what: String, value: f64, low: f64, high: f64) -> Result<()> {
    if value > low && value < high {
        return Ok(());
    }
    Err(Error::config(format!("{what} is {value}, but it must be above {low} and below {high}")))
}

fn features_and_tasks(schema: &Schema) -> Result<()> {
    if schema.scores.positions && schema.group_by.is_none() {
        return Err(Error::config("a score reads places within a request, which needs train.group_by"));
    }
    for feature in &schema.features {
        let name = |option: &str| format!("features.{}.{option}", feature.name);
        if let FeatureKind::Id { rows, dim, init, .. } | FeatureKind::Ids { rows, dim, init, .. } = &feature.kind {
            least(name("dim"), *dim as f64, 1.0)?;
            least(name("init"), *init, 0.0)?;
            match rows {
                Rows::Buckets(buckets) => least(name("buckets"), *buckets as f64, 1.0)?,
                Rows::Vocabulary { min_count } => least(name("min_count"), *min_count as f64, 1.0)?,
            }
        }
        if let FeatureKind::Ids { max_len, .. } = &feature.kind {
            least(name("max_len"), *max_len as f64, 1.0)?;
        }
    }
    for task in &schema.tasks {
        if task.compares_rows() && schema.group_by.is_none() {
            let message = format!("`{}` compares rows of a group, which needs train.group_by", task.name);
            return Err(Error::config(message));
        }
        for of in &task.losses {
            least(format!("tasks.{}.{}_weight", task.name, of.name), of.weight, 0.0)?;
        }
        if !task.losses.is_empty() && task.losses.iter().all(|of| of.weight == 0.0) {
            let message = format!("every weight of the loss of `{}` is 0: nothing is left to train it", task.name);
            return Err(Error::config(message));
        }
        task_numbers(task)?;
    }
    Ok(())
}

/// Refuses numbers that the losses of a task cannot have.
fn task_numbers(task: &Task) -> Result<()> {
    for (part, kind) in task.kinds().into_iter().enumerate() {
        let name = |option: &str| match task.losses.get(part) {
            Some(of) if option != "pos_weight" => format!("tasks.{}.{}_{option}", task.name, of.name),
            _ => format!("tasks.{}.{option}", task.name),
        };
        match kind {
            TaskKind::Binary { loss: BinaryLoss::Bce { pos_weight, smoothing } } => {
                above(name("pos_weight"), pos_weight)?;
                below_one(name("smoothing"), smoothing)?;
            }
            TaskKind::Binary { loss: BinaryLoss::Focal { gamma, alpha } } => {
                least(name("gamma"), gamma, 0.0)?;
                between(name("alpha"), alpha, 0.0, 1.0)?;
            }
            TaskKind::Regression { loss: RegressionLoss::Huber { delta }, .. } => above(name("delta"), delta)?,
            TaskKind::Regression { loss: RegressionLoss::Quantile { q }, .. } => between(name("q"), q, 0.0, 1.0)?,
            TaskKind::Regression { loss: RegressionLoss::Tweedie { power }, .. } => {
                between(name("power"), power, 1.0, 2.0)?
            }
            TaskKind::Binary { loss: BinaryLoss::Jrc { alpha } } => between(name("alpha"), alpha, 0.0, 1.0)?,
            TaskKind::Listwise { temperature } => above(name("temperature"), temperature)?,
            TaskKind::Multiclass { smoothing, .. } => below_one(name("smoothing"), smoothing)?,
            TaskKind::Regression { .. } | TaskKind::Ordinal { .. } | TaskKind::Pairwise => {}
        }
    }
    Ok(())
}

/// Refuses a checkpoint that could not be written after the first epoch, or is not there to resume.
pub(super) fn target(path: Option<&Path>, resume: bool) -> Result<()> {
    let Some(path) = path else {
        return if resume { Err(Error::config("there is nothing to resume: no checkpoint is named")) } else { Ok(()) };
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() {
        return Err(Error::checkpoint(path, "is a folder; name a file"));
    }
    if !folder.is_dir() {
        return Err(Error::checkpoint(path, "its folder does not exist; create it first"));
    }
    if resume && !path.exists() {
        return Err(Error::checkpoint(path, "there is nothing to resume; train without `--resume` first"));
    }
    Ok(())
}

/// Refuses training rows in which a task has no label at all, or nothing to compare.
pub(super) fn labels(schema: &Schema, train: &Dataset) -> Result<()> {
    for (t, task) in schema.tasks.iter().enumerate() {
        let weight = |row: usize| train.weights[t].as_ref().map_or(1.0, |weights| weights[row]);
        let counts = |row: usize| !train.labels[t][row].is_nan() && weight(row) > 0.0;
        if !(0..train.rows).any(counts) {
            let message = format!("task `{}` has no label in the {} training rows", task.name, train.rows);
            return Err(Error::data(format!("{message}: check its label column, its `where` and its weights")));
        }
        let kinds = task.kinds();
        let (labels, groups) = (&train.labels[t], train.groups.as_deref());
        let lists = kinds.iter().any(|kind| kind.compares_rows() && *kind != TaskKind::Pairwise);
        if lists && !has_two(train.rows, counts, groups) {
            let message = format!("task `{}` has no list: every group of the training rows is one row", task.name);
            return Err(Error::data(format!("{message}; check its label column and its `group`")));
        }
        if kinds.contains(&TaskKind::Pairwise) && !has_pair(labels, counts, groups) {
            let message = format!("task `{}` has no pair: no group of the training rows has both labels", task.name);
            return Err(Error::data(format!("{message}; check its label column and its `group`")));
        }
    }
    Ok(())
}

/// Whether a group has two rows that count.
fn has_two(rows: usize, counts: impl Fn(usize) -> bool, groups: Option<&[u64]>) -> bool {
    let mut seen = HashSet::new();
    (0..rows).filter(|&row| counts(row)).any(|row| !seen.insert(groups.map_or(0, |groups| groups[row])))
}

/// Whether a group has a positive and a negative row that count.
fn has_pair(labels: &[f32], counts: impl Fn(usize) -> bool, groups: Option<&[u64]>) -> bool {
    let mut seen: HashMap<u64, bool> = HashMap::new();
    let mut rows = (0..labels.len()).filter(|&row| counts(row));
    let positive = |row: usize| labels[row] > 0.5;
    rows.any(|row| *seen.entry(groups.map_or(0, |groups| groups[row])).or_insert(positive(row)) != positive(row))
}

/// Refuses a `best` or a patience that the validation rows cannot serve.
pub(super) fn validation(train: &TrainConfig, schema: &Schema, validation: Option<&Dataset>) -> Result<()> {
    let Some(validation) = validation else {
        if train.best.each {
            return Err(Error::data(
                "train.best keeps the best epoch of each task by a validation metric, and there are no validation rows",
            ));
        }
        if train.patience.is_none() {
            return Ok(());
        }
        return Err(Error::data(
            "train.patience waits for a better validation metric, and there are no validation rows",
        ));
    };
    for term in train.best.terms() {
        let Some(name) = &term.task else { continue };
        let t = schema.tasks.iter().position(|task| task.name == *name).unwrap_or_default();
        if validation.labels[t].iter().all(|label| label.is_nan()) {
            let message = format!("train.best is {}, and `{name}` has no label in the validation rows", term.name());
            return Err(Error::data(message));
        }
    }
    Ok(())
}

/// Refuses calibrations that the validation rows cannot fit.
pub(super) fn calibrations<M: Model>(config: &M::Config, schema: &Schema, validation: Option<&Dataset>) -> Result<()> {
    for (name, method) in M::calibrations(config) {
        if let Calibration::DownSampling(_) = method {
            continue;
        }
        let Some(validation) = validation else {
            return Err(Error::data(format!(
                "`{name}` is calibrated on validation rows, and there are none: name some, or leave out its `calibrate`"
            )));
        };
        let t = schema.tasks.iter().position(|task| task.name == name).unwrap_or_default();
        let weight = |row: usize| validation.weights[t].as_ref().map_or(1.0, |weights| weights[row]);
        if !(0..validation.rows).any(|row| !validation.labels[t][row].is_nan() && weight(row) > 0.0) {
            let message = format!("`{name}` is calibrated on validation rows, and has no label in them");
            return Err(Error::data(format!("{message}: check its label column, its `where` and its weights")));
        }
    }
    Ok(())
}
