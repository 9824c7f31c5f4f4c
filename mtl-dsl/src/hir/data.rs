//! What is read: entities and features.

use super::{FeatureId, Name, Number};

/// `features NAME { ... }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Its name.
    pub name: Name,
    /// Its `///` lines.
    pub docs: String,
    /// Its features.
    pub features: Vec<FeatureId>,
}

/// One feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: Name,
    /// Its `///` lines.
    pub docs: String,
    /// The entity's name.
    pub entity: String,
    /// The column it is read from.
    pub column: String,
    /// What it is.
    pub kind: FeatureKind,
    /// What the model reads of it beside its embedding. Decided when every reader is known.
    pub reading: Reading,
}

/// How a feature is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Each task has an embedding of its own beside the shared one: `own(...)`.
    pub own: bool,
    /// Each task has a weight for each value: `wide(...)`.
    pub wide: bool,
    /// Only what exists in training reads it, so serving can do without.
    pub train_only: bool,
}

/// The kinds of features; `category` is an id with a learned vocabulary. The fields are those of `mtl_data::schema`.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureKind {
    /// `id(...)` and `category(...)`.
    Id {
        /// True when written as `category`.
        category: bool,
        /// Buckets or vocabulary.
        rows: Rows,
        /// Width.
        dim: Number,
        /// True: unseen values share the row of missing ones.
        unseen_is_missing: bool,
        /// Standard deviation at the start.
        init: Number,
    },
    /// `ids(...)` and `text(...)`. With `share` set, rows, dim, unseen and init are those of the shared feature.
    Ids {
        /// True for the words of a `text`.
        words: bool,
        /// Buckets or vocabulary.
        rows: Rows,
        /// Width.
        dim: Number,
        /// As above.
        unseen_is_missing: bool,
        /// As above.
        init: Number,
        /// The feature whose table it reads.
        share: Option<FeatureId>,
        /// Ids or words read at most.
        max_len: Number,
        /// Pooling.
        pool: Pool,
    },
    /// `number(...)`.
    Number {
        /// `log1p` or not.
        log1p: bool,
        /// `standard` or not.
        standard: bool,
        /// An indicator column for missing values.
        indicator: bool,
    },
}

/// How ids become rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rows {
    /// `buckets: n`.
    Buckets(Number),
    /// `vocab: auto`, with `min_count`.
    Vocabulary {
        /// Occurrences that earn a row.
        min_count: Number,
    },
}

/// Pooling of a bag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// `mean`.
    Mean,
    /// `sum`.
    Sum,
    /// `max`.
    Max,
    /// `none`: a sequence, place by place.
    None,
}
