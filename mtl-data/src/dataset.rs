//! Encoded rows: what the embedding engine, the losses and the metrics read.

/// The encoded rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The number of rows.
    pub rows: usize,
    /// One entry for each feature, in the order of the schema.
    pub features: Vec<FeatureValues>,
    /// `[T][rows]`, in the label's own unit (before its transform); NaN is a missing label or a row outside the task's sample
    /// space. Empty after [`encode_features`](crate::Encoder::encode_features).
    pub labels: Vec<Vec<f32>>,
    /// `[T][rows]` for tasks with a weight column: finite and not negative. Empty where `labels` is.
    pub weights: Vec<Option<Vec<f32>>>,
    /// The group of each row, for GAUC, pairs and places within a request: the hash of its id. After
    /// [`encode_features`](crate::Encoder::encode_features) only where scores read places.
    pub groups: Option<Vec<u64>>,
    /// The numbers that scores read, in the order of [`ScoreColumns::numbers`](crate::schema::ScoreColumns::numbers) and as the table
    /// has them; NaN is missing.
    pub numbers: Vec<Vec<f64>>,
    /// What is odd about the data without being wrong.
    pub warnings: Vec<String>,
}

/// The values of one feature: of all rows in a [`Dataset`], of a batch's rows in a [`Batch`](crate::Batch).
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureValues {
    /// One row of the feature's table a row; 0 is missing.
    Id(Vec<u32>),
    /// A bag of table rows a row: row `r` has `rows[offsets[r]..offsets[r + 1]]`.
    Ids {
        /// Where the rows' bags begin, and the last one's end.
        offsets: Vec<u32>,
        /// Rows of the table.
        rows: Vec<u32>,
    },
    /// A scaled number a row, never NaN.
    Number {
        /// The numbers.
        values: Vec<f32>,
        /// 1 where the number was missing, 0 elsewhere; only for features with an indicator.
        missing: Option<Vec<f32>>,
    },
}

impl FeatureValues {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Id(rows) => rows.len(),
            Self::Ids { offsets, .. } => offsets.len() - 1,
            Self::Number { values, .. } => values.len(),
        }
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values of these rows, in this order.
    pub fn take(&self, rows: &[u32]) -> Self {
        match self {
            Self::Id(table_rows) => Self::Id(gather(table_rows, rows)),
            Self::Ids { offsets, rows: table_rows } => {
                let range = |row: u32| offsets[row as usize] as usize..offsets[row as usize + 1] as usize;
                let count = rows.iter().map(|&row| range(row).len()).sum();
                let (mut starts, mut taken) = (Vec::with_capacity(rows.len() + 1), Vec::with_capacity(count));
                starts.push(0);
                for &row in rows {
                    taken.extend_from_slice(&table_rows[range(row)]);
                    starts.push(taken.len() as u32);
                }
                Self::Ids { offsets: starts, rows: taken }
            }
            Self::Number { values, missing } => Self::Number {
                values: gather(values, rows),
                missing: missing.as_ref().map(|missing| gather(missing, rows)),
            },
        }
    }
}

impl Dataset {
    /// These rows, in this order.
    pub fn take(&self, rows: &[u32]) -> Self {
        Self {
            rows: rows.len(),
            features: self.features.iter().map(|feature| feature.take(rows)).collect(),
            labels: self.labels.iter().map(|labels| gather(labels, rows)).collect(),
            weights: self.weights.iter().map(|weights| weights.as_ref().map(|weights| gather(weights, rows))).collect(),
            groups: self.groups.as_ref().map(|groups| gather(groups, rows)),
            numbers: self.numbers.iter().map(|numbers| gather(numbers, rows)).collect(),
            warnings: self.warnings.clone(),
        }
    }
}

fn gather<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|&row| values[row as usize]).collect()
}
