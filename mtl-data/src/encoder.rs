//! The encoder: what the training rows teach about each feature, and the way from a table to a dataset.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::column::Bags;
use crate::dataset::{Dataset, FeatureValues};
use crate::error::DataError;
use crate::ids::{Id, Ids};
use crate::scaling::Scaling;
use crate::schema::{Feature, FeatureKind, MissingNumber, Rows, Schema, Unseen};
use crate::table::Table;
use crate::targets;
use crate::vocabulary::{Counts, Lookup, Vocabulary};
use crate::words;

/// Vocabularies and scalings of the training rows. It is saved with the model, and encodes any later rows the same way.
///
/// The rows of an id feature's table: row 0 for missing ids, row 1 for unseen ones (a vocabulary with [`Unseen::Own`] only),
/// then the vocabulary in order, or the buckets. An id goes to bucket [`Id::hash64`] modulo their number. A feature that shares a
/// table reads it as its owner does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    schema: Schema,
    /// One for each feature.
    fitted: Vec<Fitted>,
}

/// What was learned about one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Fitted {
    /// A table with a learned vocabulary.
    Vocabulary { unseen: Unseen, known: Vocabulary },
    /// A table of hash buckets.
    Buckets(usize),
    /// The table of this feature.
    Shared(usize),
    /// A number.
    Number(Scaling),
}

impl Encoder {
    /// Learns vocabularies and scalings from these rows alone. The vocabulary of a table counts the ids of every feature that
    /// reads it.
    pub fn fit(schema: &Schema, train: &Table) -> Result<Self, DataError> {
        if train.rows() == 0 {
            return Err(DataError::new("there are no training rows").remedy("check the file and the filters"));
        }
        let owners = owners(schema)?;
        let fitted = schema.features.iter().enumerate().map(|(index, feature)| match &feature.kind {
            _ if owners[index] != index => Ok(Fitted::Shared(owners[index])),
            FeatureKind::Number { transform, scale, .. } => {
                Scaling::fit(train, &feature.column, *transform, *scale).map(Fitted::Number)
            }
            FeatureKind::Id { rows, unseen, .. } | FeatureKind::Ids { rows, unseen, .. } => match rows {
                Rows::Buckets(0) => Err(of_feature(feature, "a table needs at least one bucket")),
                Rows::Buckets(buckets) if *buckets >= u32::MAX as usize => {
                    Err(of_feature(feature, "a table has less than 2^32 rows"))
                }
                Rows::Buckets(buckets) => Ok(Fitted::Buckets(*buckets)),
                Rows::Vocabulary { min_count } => {
                    let readers = schema.features.iter().zip(&owners).filter(|(_, owner)| **owner == index);
                    let mut counts = Counts::default();
                    for (reader, _) in readers {
                        match reader.kind {
                            FeatureKind::Ids { .. } => counts.add(bags_of(reader, train)?.ids()),
                            _ => counts.add(train.ids(&reader.column)?),
                        }
                    }
                    let known = counts.vocabulary(*min_count);
                    if known.is_empty() {
                        let message = format!("no value occurs {} times in the training rows", min_count.max(&1));
                        return Err(of_feature(feature, message).remedy("drop the feature, or lower its min_count"));
                    }
                    Ok(Fitted::Vocabulary { unseen: *unseen, known })
                }
            },
        });
        Ok(Self { fitted: fitted.collect::<Result<_, _>>()?, schema: schema.clone() })
    }

    /// The schema it was fitted to.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The feature whose table this feature reads: itself unless it shares another's. None for a number.
    pub fn table_of(&self, feature: usize) -> Option<usize> {
        match self.fitted[feature] {
            Fitted::Number(_) => None,
            Fitted::Shared(owner) => Some(owner),
            _ => Some(feature),
        }
    }

    /// The number of rows of the table that this feature reads; 0 for a number.
    pub fn table_rows(&self, feature: usize) -> usize {
        match &self.fitted[feature] {
            Fitted::Number(_) => 0,
            Fitted::Shared(owner) => self.table_rows(*owner),
            Fitted::Buckets(buckets) => 1 + buckets,
            Fitted::Vocabulary { unseen, known } => first_row(*unseen) as usize + known.len(),
        }
    }

    /// The vocabulary of the table that this feature reads; none if it has none.
    pub fn vocabulary(&self, feature: usize) -> Option<&Vocabulary> {
        match &self.fitted[feature] {
            Fitted::Shared(owner) => self.vocabulary(*owner),
            Fitted::Vocabulary { known, .. } => Some(known),
            _ => None,
        }
    }

    /// Encodes features, labels, weights and groups.
    pub fn encode(&self, table: &Table) -> Result<Dataset, DataError> {
        let mut dataset = self.encode_features(table)?;
        for task in &self.schema.tasks {
            let labels = targets::labels(table, task)?;
            dataset.weights.push(targets::weights(table, task, &labels)?);
            dataset.labels.push(labels);
        }
        dataset.groups = self.schema.group_by.as_ref().map(|column| targets::groups(table, column)).transpose()?;
        dataset.warnings = targets::oddities(&self.schema, &dataset.labels);
        Ok(dataset)
    }

    /// Encodes the features alone, for prediction. What only training reads may be missing.
    pub fn encode_features(&self, table: &Table) -> Result<Dataset, DataError> {
        if u32::try_from(table.rows()).is_err() {
            return Err(DataError::new("more than 2^32 rows").remedy("encode the rows in parts"));
        }
        let features = (0..self.schema.features.len()).map(|index| match &self.schema.features[index] {
            feature if feature.train_only && !table.has(&feature.column) => Ok(self.missing(index, table.rows())),
            _ => self.encode_feature(index, table),
        });
        Ok(Dataset {
            rows: table.rows(),
            features: features.collect::<Result<_, _>>()?,
            labels: Vec::new(),
            weights: Vec::new(),
            groups: self.requests(table)?,
            numbers: self.numbers(table)?,
            warnings: Vec::new(),
        })
    }

    /// The group of each row, if scores read places within it.
    fn requests(&self, table: &Table) -> Result<Option<Vec<u64>>, DataError> {
        let Some(column) = self.schema.group_by.as_ref().filter(|_| self.schema.scores.positions) else {
            return Ok(None);
        };
        if !table.has(column) {
            let message = "a score reads places within a request, and the rows do not say of which request they are";
            return Err(DataError::new(message).in_column(column).remedy("add the column that groups rows"));
        }
        targets::groups(table, column).map(Some)
    }

    /// The numbers that scores read.
    fn numbers(&self, table: &Table) -> Result<Vec<Vec<f64>>, DataError> {
        let numbers = self.schema.scores.numbers.iter().map(|(feature, column)| {
            let values = table.numbers(column)?;
            let Some(row) = values.iter().position(|value| value.abs() > f64::from(f32::MAX)) else {
                return Ok(values.into_owned());
            };
            let error = DataError::new(format!("`{feature}` is read by a score, and this is no 32-bit number"));
            Err(table.place(error.in_column(column).with_value(values[row]), row).remedy("correct the value"))
        });
        numbers.collect()
    }

    fn encode_feature(&self, index: usize, table: &Table) -> Result<FeatureValues, DataError> {
        let feature = &self.schema.features[index];
        match (&self.fitted[index], &feature.kind) {
            (Fitted::Number(scaling), kind) => {
                let (values, missing) = scaling.apply(table, &feature.column)?;
                let indicator = matches!(kind, FeatureKind::Number { missing: MissingNumber::Indicator, .. });
                let missing =
                    indicator.then(|| missing.into_iter().map(|missing| f32::from(u8::from(missing))).collect());
                Ok(FeatureValues::Number { values, missing })
            }
            (_, FeatureKind::Ids { max_len, .. }) => {
                let bags = bags_of(feature, table)?;
                cut(&bags, &self.table_rows_of(index, bags.ids()), *max_len)
                    .ok_or_else(|| of_feature(feature, "more than 2^32 ids").remedy("encode the rows in parts"))
            }
            _ => Ok(FeatureValues::Id(self.table_rows_of(index, table.ids(&feature.column)?))),
        }
    }

    /// The values of a feature without a column.
    fn missing(&self, index: usize, rows: usize) -> FeatureValues {
        match &self.schema.features[index].kind {
            FeatureKind::Id { .. } => FeatureValues::Id(vec![0; rows]),
            FeatureKind::Ids { .. } => FeatureValues::Ids { offsets: vec![0; rows + 1], rows: Vec::new() },
            FeatureKind::Number { missing, .. } => FeatureValues::Number {
                values: vec![0.0; rows],
                missing: (*missing == MissingNumber::Indicator).then(|| vec![1.0; rows]),
            },
        }
    }

    /// The table row of each id.
    fn table_rows_of(&self, index: usize, ids: &Ids) -> Vec<u32> {
        match &self.fitted[index] {
            Fitted::Shared(owner) => self.table_rows_of(*owner, ids),
            Fitted::Buckets(buckets) => {
                let buckets = *buckets as u64;
                ids.map(0, |id| 1 + (id.hash64() % buckets) as u32)
            }
            Fitted::Vocabulary { unseen, known } => {
                let lookup: Lookup<'_> = known.lookup();
                let (first, other) = (first_row(*unseen), first_row(*unseen) - 1);
                ids.map(0, |id: Id<'_>| lookup.position(id).map_or(other, |position| first + position))
            }
            Fitted::Number(_) => Vec::new(),
        }
    }
}

/// The first row of a table's vocabulary; the row before it is that of unseen ids.
fn first_row(unseen: Unseen) -> u32 {
    match unseen {
        Unseen::Own => 2,
        Unseen::Missing => 1,
    }
}

/// The feature that owns the table each feature reads; numbers own nothing, and stand for themselves.
fn owners(schema: &Schema) -> Result<Vec<usize>, DataError> {
    let owner = |(index, feature): (usize, &Feature)| {
        let FeatureKind::Ids { share: Some(name), .. } = &feature.kind else { return Ok(index) };
        let owner = schema.features.iter().position(|other| other.name == *name);
        match owner.map(|owner| (owner, &schema.features[owner].kind)) {
            Some((owner, FeatureKind::Id { .. } | FeatureKind::Ids { share: None, .. })) => Ok(owner),
            Some(_) => Err(of_feature(feature, format!("shares the table of `{name}`, which has none of its own"))),
            None => Err(of_feature(feature, format!("shares the table of `{name}`, and there is no such feature"))),
        }
    };
    schema.features.iter().enumerate().map(owner).collect()
}

/// The bags of a column of lists or texts.
fn bags_of<'a>(feature: &Feature, table: &'a Table) -> Result<Cow<'a, Bags>, DataError> {
    match feature.kind {
        FeatureKind::Ids { words: true, max_len, .. } => {
            Ok(Cow::Owned(words::bags(table.ids(&feature.column)?, max_len)))
        }
        _ => table.bags(&feature.column).map(Cow::Borrowed),
    }
}

/// The last `max_len` ids of each bag; none if their number does not fit.
fn cut(bags: &Bags, table_rows: &[u32], max_len: usize) -> Option<FeatureValues> {
    let (mut offsets, mut rows) = (Vec::with_capacity(bags.len() + 1), Vec::with_capacity(table_rows.len()));
    offsets.push(0);
    for row in 0..bags.len() {
        let range = bags.range(row);
        rows.extend_from_slice(&table_rows[range.start.max(range.end.saturating_sub(max_len))..range.end]);
        offsets.push(u32::try_from(rows.len()).ok()?);
    }
    Some(FeatureValues::Ids { offsets, rows })
}

fn of_feature(feature: &Feature, message: impl Into<String>) -> DataError {
    DataError::new(format!("feature `{}`: {}", feature.name, message.into())).in_column(&feature.column)
}
