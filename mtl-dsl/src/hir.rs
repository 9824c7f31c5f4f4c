//! The checked model: every name resolved, every option explicit, every value typed.
//!
//! `check` makes it from a syntax tree without errors; `lower` makes the IR from it. It holds no text that still needs
//! interpretation, and every node keeps the span it came from.

mod data;
mod dataflow;
mod distill;
mod score;
mod task;
mod training;
mod tune;

pub use data::*;
pub use dataflow::*;
pub use distill::*;
pub use score::*;
pub use task::*;
pub use training::*;
pub use tune::*;

use crate::source::Span;

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it was declared.
    pub span: Span,
}

/// A number and where it stands; a default has the span of the call it completes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// Its value.
    pub value: f64,
    /// Where it was written.
    pub span: Span,
}

/// Index into [`Model::features`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeatureId(pub usize);
/// Index into [`Model::tasks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub usize);
/// Index into [`Model::lets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LetId(pub usize);

/// One `model NAME { ... }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: Name,
    /// Its `///` lines.
    pub docs: String,
    /// Entities in the order of declaration.
    pub entities: Vec<Entity>,
    /// Features that are read, entity by entity, in the order of the input matrix. (Unread ones gave a warning and are gone.)
    pub features: Vec<Feature>,
    /// Tasks in the order of declaration.
    pub tasks: Vec<Task>,
    /// Representations in the order of declaration; each reads earlier ones only.
    pub lets: Vec<Let>,
    /// Towers: each task is in exactly one.
    pub towers: Vec<Tower>,
    /// Weighting of the losses.
    pub weighting: Weighting,
    /// What else the loss holds.
    pub terms: Vec<LossTerm>,
    /// What tasks teach each other.
    pub distill: Option<Distill>,
    /// The `train` entries, defaults filled in.
    pub train: Train,
    /// Every `number` feature, whether a tower reads it or not: scores can.
    pub numbers: Vec<ScoreNumber>,
    /// Scores.
    pub ranks: Vec<Rank>,
    /// Assertions about scores.
    pub expects: Vec<Expect>,
    /// How the parameters of a score are searched.
    pub tune: Option<Tune>,
}
