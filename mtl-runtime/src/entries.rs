//! Short forms for generated code: entries of a schema, and the configuration of features and tasks.

use crate::scores::MissingInput;
pub use crate::scores::{Learned, LearnedInput};
use burn::config::Config;
use mtl_data::schema::{
    BinaryLoss, Compare, Condition, Constant, Feature, FeatureKind, Label, MissingNumber, Pool, RegressionLoss, Rows,
    Scale, Schema, Summand, Task, TaskKind, Transform, Unseen,
};
pub use mtl_eval::fusion::{
    Activation as FusionActivation, Fusion, Input as FusionInput, Options as FusionOptions, Target as FusionTarget,
};

mod losses;

pub use losses::*;

/// A hashed table: `id(buckets: n)`.
#[derive(Config, Debug, PartialEq)]
pub struct BucketsConfig {
    /// Rows that the ids are hashed to.
    pub buckets: usize,
    /// Width of the embedding.
    pub dim: usize,
    /// Standard deviation of the table's initial values.
    pub init: f64,
}

/// A table with a learned vocabulary: `id(vocab: auto)` and `category`.
#[derive(Config, Debug, PartialEq)]
pub struct VocabularyConfig {
    /// Occurrences in the training rows that earn an own row.
    pub min_count: usize,
    /// Width of the embedding.
    pub dim: usize,
    /// Standard deviation of the table's initial values.
    pub init: f64,
}

/// A bag over a hashed table: `ids(buckets: n)` and `text(buckets: n)`.
#[derive(Config, Debug, PartialEq)]
pub struct BucketsBagConfig {
    /// Rows that the ids are hashed to.
    pub buckets: usize,
    /// Width of the embedding.
    pub dim: usize,
    /// Standard deviation of the table's initial values.
    pub init: f64,
    /// Ids of a row that are read: the last ones; of a text the first words.
    pub max_len: usize,
}

/// A bag over a table with a learned vocabulary: `ids(vocab: auto)` and `text(vocab: auto)`.
#[derive(Config, Debug, PartialEq)]
pub struct VocabularyBagConfig {
    /// Occurrences in the training rows that earn an own row.
    pub min_count: usize,
    /// Width of the embedding.
    pub dim: usize,
    /// Standard deviation of the table's initial values.
    pub init: f64,
    /// Ids of a row that are read: the last ones; of a text the first words.
    pub max_len: usize,
}

/// A bag over another feature's table: `ids(share: other)` and `text(share: other)`.
#[derive(Config, Debug, PartialEq)]
pub struct SharedBagConfig {
    /// Ids of a row that are read: the last ones; of a text the first words.
    pub max_len: usize,
}

/// The numbers of an embedding table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Table {
    rows: Rows,
    dim: usize,
    init: f64,
}

impl BucketsConfig {
    /// The table's numbers.
    pub fn table(&self) -> Table {
        Table { rows: Rows::Buckets(self.buckets), dim: self.dim, init: self.init }
    }
}

impl VocabularyConfig {
    /// The table's numbers.
    pub fn table(&self) -> Table {
        Table { rows: Rows::Vocabulary { min_count: self.min_count }, dim: self.dim, init: self.init }
    }
}

impl BucketsBagConfig {
    /// The table's numbers.
    pub fn table(&self) -> Table {
        Table { rows: Rows::Buckets(self.buckets), dim: self.dim, init: self.init }
    }
}

impl VocabularyBagConfig {
    /// The table's numbers.
    pub fn table(&self) -> Table {
        Table { rows: Rows::Vocabulary { min_count: self.min_count }, dim: self.dim, init: self.init }
    }
}

/// An `id` or `category`.
pub fn id(entity: &str, name: &str, column: &str, table: Table, unseen: Unseen) -> Feature {
    let Table { rows, dim, init } = table;
    feature(entity, name, column, FeatureKind::Id { rows, dim, unseen, init })
}

/// An `ids`; with `share`, the table is that of the named feature.
#[allow(clippy::too_many_arguments)]
pub fn ids(
    entity: &str,
    name: &str,
    column: &str,
    table: Table,
    unseen: Unseen,
    share: Option<&str>,
    max_len: usize,
    pool: Pool,
) -> Feature {
    feature(entity, name, column, bag(false, table, unseen, share, max_len, pool))
}

/// A `text`; with `share`, the table is that of the named feature.
#[allow(clippy::too_many_arguments)]
pub fn text(
    entity: &str,
    name: &str,
    column: &str,
    table: Table,
    unseen: Unseen,
    share: Option<&str>,
    max_len: usize,
    pool: Pool,
) -> Feature {
    feature(entity, name, column, bag(true, table, unseen, share, max_len, pool))
}

fn bag(words: bool, table: Table, unseen: Unseen, share: Option<&str>, max_len: usize, pool: Pool) -> FeatureKind {
    let Table { rows, dim, init } = table;
    FeatureKind::Ids { words, rows, dim, unseen, init, share: share.map(str::to_owned), max_len, pool }
}

/// A `number`.
pub fn number(
    entity: &str,
    name: &str,
    column: &str,
    transform: Transform,
    scale: Scale,
    missing: MissingNumber,
) -> Feature {
    feature(entity, name, column, FeatureKind::Number { transform, scale, missing })
}

fn feature(entity: &str, name: &str, column: &str, kind: FeatureKind) -> Feature {
    Feature::new(name, entity, column, kind)
}

/// What is read of a feature beside its embedding.
pub trait Reading {
    /// With an embedding for each of these tasks: `own(...)`.
    fn with_own(self, tasks: &[&str]) -> Self;
    /// With a weight for each of these tasks: `wide(...)`.
    fn with_wide(self, tasks: &[&str]) -> Self;
    /// Read while training alone.
    fn train_only(self) -> Self;
}

impl Reading for Feature {
    fn with_own(self, tasks: &[&str]) -> Self {
        Self { own: tasks.iter().map(|task| task.to_string()).collect(), ..self }
    }

    fn with_wide(self, tasks: &[&str]) -> Self {
        Self { wide: tasks.iter().map(|task| task.to_string()).collect(), ..self }
    }

    fn train_only(self) -> Self {
        Self { train_only: true, ..self }
    }
}

/// A `binary` task over all rows.
pub fn binary(name: &str, pos_weight: f64, label: Label) -> Task {
    task(name, TaskKind::binary(pos_weight), label)
}

/// A `binary` task over all rows with this loss.
pub fn binary_with(name: &str, loss: BinaryLoss, label: Label) -> Task {
    task(name, TaskKind::Binary { loss }, label)
}

/// An `ordinal` over all rows.
pub fn ordinal(name: &str, levels: usize, label: Label) -> Task {
    task(name, TaskKind::Ordinal { levels }, label)
}

/// A `pairwise` over all rows.
pub fn pairwise(name: &str, label: Label) -> Task {
    task(name, TaskKind::Pairwise, label)
}

/// A `pairwise` with `loss: list_net` over all rows.
pub fn listwise(name: &str, temperature: f64, label: Label) -> Task {
    task(name, TaskKind::Listwise { temperature }, label)
}

/// A `multiclass` over all rows.
pub fn multiclass(name: &str, classes: usize, smoothing: f64, label: Label) -> Task {
    task(name, TaskKind::Multiclass { classes, smoothing }, label)
}

/// A summand of a task's loss.
pub fn summand(name: &str, weight: f64, kind: TaskKind) -> Summand {
    Summand { name: name.into(), weight, kind }
}

/// A `regression` over all rows.
pub fn regression(name: &str, transform: Transform, loss: RegressionLoss, label: Label) -> Task {
    task(name, TaskKind::Regression { transform, loss }, label)
}

/// A task of this kind over all rows.
pub fn task(name: &str, kind: TaskKind, label: Label) -> Task {
    Task { name: name.into(), kind, label, sample_space: None, weight_column: None, given: None, losses: Vec::new() }
}

/// A label that is a column.
pub fn column(name: &str) -> Label {
    Label::Column(name.into())
}

/// A column against a constant.
pub fn compare(column: &str, op: Compare, value: impl IntoConstant) -> Condition {
    Condition::Compare { column: column.into(), op, value: value.into_constant() }
}

/// Both conditions.
pub fn and(a: Condition, b: Condition) -> Condition {
    Condition::And(Box::new(a), Box::new(b))
}

/// At least one of the conditions.
pub fn or(a: Condition, b: Condition) -> Condition {
    Condition::Or(Box::new(a), Box::new(b))
}

/// The opposite of the condition.
pub fn not(a: Condition) -> Condition {
    Condition::Not(Box::new(a))
}

/// A number or a text.
pub trait IntoConstant {
    /// The constant of a condition.
    fn into_constant(self) -> Constant;
}

impl IntoConstant for f64 {
    fn into_constant(self) -> Constant {
        Constant::Number(self)
    }
}

impl IntoConstant for &str {
    fn into_constant(self) -> Constant {
        Constant::Text(self.into())
    }
}

/// A problem where a number of experts to choose is more than there are.
pub fn at_most(name: &str, number: usize, most: usize) -> Option<String> {
    (number > most).then(|| format!("{name} is {number}, but there are {most} to choose from"))
}

/// A problem where a number of heads does not divide the width that they share.
pub fn divides(name: &str, number: usize, width: usize) -> Option<String> {
    (number == 0 || !width.is_multiple_of(number))
        .then(|| format!("{name} is {number}, but it must divide the width of {width}"))
}

/// A problem where features that stand as fields are not equally wide.
pub fn one_width(schema: &Schema, names: &[&str]) -> Option<String> {
    let read = |feature: &&Feature| names.iter().any(|name| *name == feature.name || *name == feature.entity);
    let width = |feature: &Feature| match &feature.kind {
        FeatureKind::Id { dim, .. } | FeatureKind::Ids { dim, .. } => *dim,
        _ => feature.width(),
    };
    let mut features = schema.features.iter().filter(read);
    let first = features.next()?;
    let other = features.find(|feature| width(feature) != width(first))?;
    let (a, b) = (width(first), width(other));
    Some(format!(
        "features.{}.dim makes a field of {b} columns, but `{}` has {a}: fields that are read together have one width",
        other.name, first.name
    ))
}

/// `1 / (1 + exp(-x))`.
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Refuses a learned score that was not fitted.
pub fn fitted(rank: &'static str, fusion: &Fusion) -> Result<(), MissingInput> {
    if fusion.is_fitted() { Ok(()) } else { Err(MissingInput::fit(rank)) }
}

/// What is known, else the default.
pub fn known_or(input: f64, default: f64) -> f64 {
    if input.is_nan() { default } else { input }
}

/// Terms behind a factor.
pub fn scaled(terms: Vec<(&'static str, f64)>, factor: f64) -> impl Iterator<Item = (&'static str, f64)> {
    terms.into_iter().map(move |(name, term)| (name, factor * term))
}

/// Scores of many rows; an error where a row has not all that is needed.
///
/// # Panics
/// If there are not as many scores as rows.
#[inline]
pub fn scores<P, const N: usize>(
    rank: &'static str,
    names: [&'static str; N],
    rows: &[P],
    scores: &mut [f64],
    needs: impl Fn(&P) -> [f64; N],
    score: impl Fn(&P) -> f64,
) -> Result<(), MissingInput> {
    assert_eq!(rows.len(), scores.len(), "a score for each row");
    for (row, (known, to)) in rows.iter().zip(scores).enumerate() {
        // One pass without a branch: a sum is NaN where a part of it is, and parts of 32 bits do not overflow it.
        if needs(known).iter().sum::<f64>().is_nan() {
            let place = needs(known).iter().position(|value| value.is_nan()).unwrap_or_default();
            return Err(MissingInput { row, rank, input: names[place] });
        }
        *to = score(known);
    }
    Ok(())
}
