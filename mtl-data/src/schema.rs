//! What a model reads and predicts: features, tasks and the order in which both stand.
//!
//! Generated code makes one [`Schema`] from a model's configuration; the encoder, the embedding engine, the losses and the
//! metrics all read it. Positions in its lists are the only indices that cross crates: features in the order of the network's
//! input, tasks in the order of the network's logits.

mod task;

use serde::{Deserialize, Serialize};

pub use task::*;

/// Everything that is read and predicted, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The model's name in its spec.
    pub model: String,
    /// Features in the order of their columns in the input matrix: entity by entity, as declared.
    pub features: Vec<Feature>,
    /// Tasks in the order of the logits.
    pub tasks: Vec<Task>,
    /// The column whose value groups rows (impressions of one user), if any: for GAUC, and for the pairs of pairwise tasks.
    pub group_by: Option<String>,
    /// What scores read beside predictions.
    #[serde(default)]
    pub scores: ScoreColumns,
}

/// The columns that scores read beside predictions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreColumns {
    /// Numbers as the data has them: the feature's name and its column.
    pub numbers: Vec<(String, String)>,
    /// Whether they read places within a request, hence groups.
    pub positions: bool,
}

/// One feature: a column of the data, and how it becomes columns of the input matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The feature's name in the spec.
    pub name: String,
    /// The entity that declares it: `user`, `item`, `context`, ...
    pub entity: String,
    /// The column of the data it is read from.
    pub column: String,
    /// What it is.
    pub kind: FeatureKind,
    /// The tasks that have a slice of its table for themselves, beside the shared one; features of one table agree.
    pub own: Vec<String>,
    /// The tasks that have a weight for each row of its table, which starts at 0; features of one table agree.
    pub wide: Vec<String>,
    /// Whether only training reads it: serving does without its column.
    pub train_only: bool,
}

/// How a column becomes columns of the input matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FeatureKind {
    /// One id a row, looked up in a table: `dim` columns.
    Id {
        /// How values become rows of the table.
        rows: Rows,
        /// Width of the embedding.
        dim: usize,
        /// Where values go that the training data did not hold (learned vocabularies only).
        unseen: Unseen,
        /// Standard deviation of the table's initial values.
        init: f64,
    },
    /// A bag or sequence of ids or words a row: pooled to `dim` columns.
    Ids {
        /// Whether the column holds texts whose [`words`](crate::words) are the ids.
        words: bool,
        /// How values become rows of the table; for a shared table that of its owner.
        rows: Rows,
        /// Width of the embedding.
        dim: usize,
        /// Where unseen values go.
        unseen: Unseen,
        /// Standard deviation of the table's initial values.
        init: f64,
        /// The feature whose table is read instead of an own one.
        share: Option<String>,
        /// Only the last `max_len` ids of a row are read; of a text the first `max_len` words.
        max_len: usize,
        /// How the ids' embeddings become one.
        pool: Pool,
    },
    /// A number: one column, or two with a missing indicator.
    Number {
        /// Applied first.
        transform: Transform,
        /// Applied second, with statistics of the training rows.
        scale: Scale,
        /// What a missing number becomes.
        missing: MissingNumber,
    },
}

/// How ids become rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rows {
    /// Values are hashed into this many rows.
    Buckets(usize),
    /// One row for each value that occurs at least `min_count` times in the training rows.
    Vocabulary {
        /// Occurrences in the training rows that earn an own row.
        min_count: usize,
    },
}

/// Where values go that a learned vocabulary does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unseen {
    /// To a row of their own.
    Own,
    /// To the row of missing values.
    Missing,
}

/// How a bag of embeddings becomes one vector. An empty bag gives zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pool {
    /// The mean.
    Mean,
    /// The sum.
    Sum,
    /// The elementwise maximum.
    Max,
    /// They stay a sequence of `max_len` places, the ids at its beginning and zeros behind them, followed by a column for each
    /// place that is 1 where there is an id.
    None,
}

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transform {
    /// The number itself.
    None,
    /// `log(1 + x)`, for x > -1.
    Log1p,
}

/// How a number is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// Not at all.
    None,
    /// Minus the training mean, over the training (population) standard deviation.
    Standard,
}

/// What a missing number becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MissingNumber {
    /// The training mean (0 after standard scaling).
    Mean,
    /// The training mean, and a second column that is 1 where the number is missing.
    Indicator,
}

impl Feature {
    /// A feature that is read as its embedding or number alone.
    pub fn new(name: &str, entity: &str, column: &str, kind: FeatureKind) -> Self {
        let (name, entity, column) = (name.to_owned(), entity.to_owned(), column.to_owned());
        Self { name, entity, column, kind, own: Vec::new(), wide: Vec::new(), train_only: false }
    }

    /// The number of columns it fills in the input matrix.
    pub fn width(&self) -> usize {
        let row = self.row_width();
        match &self.kind {
            FeatureKind::Ids { max_len, pool: Pool::None, .. } => max_len * (row + 1),
            FeatureKind::Id { .. } | FeatureKind::Ids { .. } => row,
            FeatureKind::Number { missing: MissingNumber::Mean, .. } => 1,
            FeatureKind::Number { missing: MissingNumber::Indicator, .. } => 2,
        }
    }

    /// The width of a row of its table: the shared embedding, that of each task with an own one, and the weights of tasks. 0 for
    /// a number.
    pub fn row_width(&self) -> usize {
        match &self.kind {
            FeatureKind::Id { dim, .. } | FeatureKind::Ids { dim, .. } => dim * (1 + self.own.len()) + self.wide.len(),
            FeatureKind::Number { .. } => 0,
        }
    }
}

impl Schema {
    /// Whether a task compares rows of a group, which batches then keep together.
    pub fn compares_rows(&self) -> bool {
        self.tasks.iter().any(Task::compares_rows)
    }

    /// The width of the input matrix.
    pub fn width(&self) -> usize {
        self.features.iter().map(Feature::width).sum()
    }

    /// The columns of the logits of each task: its own, and behind those of all tasks first, task by task, location and scale of a
    /// zero-inflated lognormal, the level of a joint loss, the further classes of a softmax; then one for each further threshold of an ordinal task.
    pub fn logits(&self) -> Vec<Vec<usize>> {
        let mut columns: Vec<Vec<usize>> = (0..self.tasks.len()).map(|t| vec![t]).collect();
        let mut next = self.tasks.len();
        let mut more = |of: fn(&Task) -> usize| {
            for (columns, task) in columns.iter_mut().zip(&self.tasks) {
                let count = of(task);
                columns.extend(next..next + count);
                next += count;
            }
        };
        more(Task::further_logits);
        more(|task| match task.kind {
            TaskKind::Ordinal { levels } => levels.saturating_sub(2),
            _ => 0,
        });
        columns
    }

    /// The number of columns of the logits.
    pub fn logit_columns(&self) -> usize {
        self.logits().iter().map(Vec::len).sum()
    }

    /// The chain of tasks whose product is task `t`: `t` itself, the task it is given, and so on.
    pub fn chain(&self, t: usize) -> Vec<usize> {
        let mut chain = vec![t];
        while let Some(next) = self.tasks[chain[chain.len() - 1]].given {
            chain.push(next);
        }
        chain
    }
}
