//! The embedding engine: tables outside the network, gathered and pooled straight into its input matrix and updated row by row
//! from that matrix's gradient.
//!
//! ```text
//! gather: distinct rows of the batch -> missed steps made up -> x [B, D], features side by side, numbers copied
//! update: gradient of x -> one sum for each distinct row -> one optimiser step for each
//! ```
//!
//! A step's cost is in the number of rows that its batch reads, not in the number that a table has.

mod adam;
mod optimizer;
mod pool;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use mtl_data::schema::{FeatureKind, Pool, Schema};
use mtl_data::{Encoder, FeatureValues};

use crate::config::RowOptimizerConfig;
use crate::ops::vectorized;
use optimizer::{Clock, RowOptimizer};
use pool::Columns;
use table::Table;

/// The embedding tables of a model, and how features become the columns of its input matrix.
#[derive(Debug, Clone)]
pub struct Embeddings {
    tables: Vec<Table>,
    /// One for each feature, in the order of the schema.
    places: Vec<Place>,
    width: usize,
    optimizer: RowOptimizer,
    clock: Clock,
}

/// What a feature fills.
#[derive(Debug, Clone)]
struct Place {
    /// Its first column.
    start: usize,
    /// The table it reads; none for a number.
    table: Option<usize>,
    /// How its bags are pooled; unused for one id a row.
    pool: Pool,
    /// Places of a sequence.
    places: usize,
}

/// One table as plain arrays: what a checkpoint holds.
#[derive(Debug, Clone, Copy)]
pub struct TableArrays<'a> {
    /// The table's name.
    pub name: &'a str,
    /// Its rows.
    pub rows: usize,
    /// The width of a row.
    pub dim: usize,
    /// The values, `[rows, dim]`.
    pub values: &'a [f32],
    /// The optimiser's state, `[rows, n]`.
    pub state: &'a [f32],
    /// The step up to which each row is settled, `[rows]`; empty for optimisers whose rows miss nothing.
    pub settled: &'a [u32],
}

impl Embeddings {
    /// Tables for a schema, as large as the encoder's vocabularies, at their initial values. Each value depends on the seed, its
    /// table's name and its row alone: another feature more or less moves no start.
    pub fn new(schema: &Schema, encoder: &Encoder, optimizer: RowOptimizerConfig, seed: u64) -> Self {
        let optimizer = RowOptimizer::new(optimizer);
        let mut tables = Vec::new();
        let mut owned = vec![0; schema.features.len()];
        for (index, feature) in schema.features.iter().enumerate() {
            if let FeatureKind::Id { dim, init, .. } | FeatureKind::Ids { dim, init, .. } = &feature.kind
                && encoder.table_of(index) == Some(index)
            {
                owned[index] = tables.len();
                tables.push(Table::new(feature, encoder.table_rows(index), *dim, *init, seed, &optimizer));
            }
        }
        let mut width = 0;
        let places = schema.features.iter().enumerate().map(|(index, feature)| {
            let start = width;
            width += feature.width();
            let (pool, places) = match &feature.kind {
                FeatureKind::Ids { pool, max_len, .. } => (*pool, *max_len),
                _ => (Pool::Sum, 0),
            };
            Place { start, places, table: encoder.table_of(index).map(|owner| owned[owner]), pool }
        });
        let places = places.collect();
        Self { tables, places, width, optimizer, clock: Clock::default() }
    }

    /// The number of columns of the input matrix.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of steps that each table has taken.
    pub fn steps(&self) -> Vec<u32> {
        self.tables.iter().map(|table| table.pace.step).collect()
    }

    /// Sets the factors on the tables' learning rates by name, 1 for those without; a table with 0 stands still. The tables are settled
    /// ([`settle`](Self::settle)).
    pub fn set_paces(&mut self, factors: &BTreeMap<String, f64>) {
        for table in &mut self.tables {
            table.pace.factor = factors.get(&table.name).copied().unwrap_or(1.0);
        }
    }

    /// The number of values in all tables.
    pub fn parameters(&self) -> usize {
        self.tables.iter().map(|table| table.values.len()).sum()
    }

    /// The input matrix `[B, D]` of a training batch, row-major. [`update`](Self::update) with the same features follows.
    pub fn gather(&mut self, features: &[FeatureValues]) -> Vec<f32> {
        self.tables.iter_mut().for_each(Table::begin);
        for (place, values) in self.places.iter().zip(features) {
            if let (Some(table), FeatureValues::Id(rows) | FeatureValues::Ids { rows, .. }) = (place.table, values) {
                self.tables[table].note(rows);
            }
        }
        if self.optimizer.catches_up() {
            settle_noted(&mut self.tables, &self.optimizer, &self.clock);
        }
        self.read(features)
    }

    /// The input matrix `[B, D]` of rows to predict, row-major. The tables are settled ([`settle`](Self::settle)).
    pub fn read(&self, features: &[FeatureValues]) -> Vec<f32> {
        let rows = features.first().map_or(0, FeatureValues::len);
        let mut x = vec![0.0; rows * self.width];
        for (place, values) in self.places.iter().zip(features) {
            let columns = Columns { start: place.start, width: self.width };
            match (place.table, values) {
                (Some(table), FeatureValues::Id(rows)) => pool::gather(&self.tables[table], rows, &mut x, columns),
                (Some(table), FeatureValues::Ids { offsets, rows }) if place.pool == Pool::None => {
                    pool::spread(&self.tables[table], offsets, rows, place.places, &mut x, columns);
                }
                (Some(table), FeatureValues::Ids { offsets, rows }) => {
                    pool::pool(&self.tables[table], offsets, rows, place.pool, &mut x, columns);
                }
                (_, FeatureValues::Number { values, missing }) => {
                    pool::copy(values, &mut x, columns);
                    if let Some(missing) = missing {
                        pool::copy(missing, &mut x, Columns { start: columns.start + 1, ..columns });
                    }
                }
                (None, _) => unreachable!("the encoder gives a feature without a table its numbers"),
            }
        }
        x
    }

    /// One training step on the rows of the last [`gather`](Self::gather), from the gradient of its matrix.
    pub fn update(&mut self, features: &[FeatureValues], gradient: &[f32]) {
        self.sum(features, gradient);
        self.advance(|_| true);
    }

    /// As [`update`](Self::update), of the loss of some tasks: a table that none of its rows has a gradient for stands still with its
    /// state.
    pub fn update_of_tasks(&mut self, features: &[FeatureValues], gradient: &[f32]) {
        self.sum(features, gradient);
        self.advance(Table::touched);
    }

    /// Takes a step of the tables that move.
    fn advance(&mut self, moves: impl Fn(&Table) -> bool) {
        let moving = |table: &&mut Table| table.pace.factor != 0.0 && moves(table);
        for table in self.tables.iter_mut().filter(moving) {
            table.pace.step += 1;
            self.clock.reach(table.pace.step, &self.optimizer);
            update(table, &self.optimizer, &self.clock);
        }
    }

    /// Sums the gradients of the rows of the last [`gather`](Self::gather).
    fn sum(&mut self, features: &[FeatureValues], gradient: &[f32]) {
        self.tables.iter_mut().for_each(Table::begin_sums);
        for (place, values) in self.places.iter().zip(features) {
            let columns = Columns { start: place.start, width: self.width };
            match (place.table, values) {
                (Some(table), FeatureValues::Id(rows)) => {
                    pool::scatter(&mut self.tables[table], rows, gradient, columns)
                }
                (Some(table), FeatureValues::Ids { offsets, rows }) if place.pool == Pool::None => {
                    pool::unspread(&mut self.tables[table], offsets, rows, gradient, columns);
                }
                (Some(table), FeatureValues::Ids { offsets, rows }) => {
                    pool::unpool(&mut self.tables[table], offsets, rows, place.pool, gradient, columns);
                }
                _ => {}
            }
        }
    }

    /// Makes up for the steps that rows missed, so that [`read`](Self::read) and [`tables`](Self::tables) show every row as it
    /// is now. Costs time in the size of the tables, and nothing for optimisers whose rows miss no step.
    pub fn settle(&mut self) {
        if self.optimizer.catches_up() {
            settle_all(&mut self.tables, &self.optimizer, &self.clock);
        }
    }

    /// The tables as plain arrays, in the order of the features that own them.
    pub fn tables(&self) -> impl Iterator<Item = TableArrays<'_>> {
        self.tables.iter().map(|table| TableArrays {
            name: &table.name,
            rows: table.rows(),
            dim: table.dim,
            values: &table.values,
            state: &table.state,
            settled: &table.settled,
        })
    }

    /// The values of every table, in the order of [`tables`](Self::tables).
    pub fn values(&self) -> Vec<Vec<f32>> {
        self.tables.iter().map(|table| table.values.clone()).collect()
    }

    /// Replaces the values of every table by those of [`values`](Self::values); states stay. The lengths must be equal.
    pub fn set_values(&mut self, values: Vec<Vec<f32>>) {
        for (table, values) in self.tables.iter_mut().zip(values) {
            assert_eq!(table.values.len(), values.len(), "table {}", table.name);
            table.values = values;
        }
    }

    /// Drops what only training needs.
    pub(crate) fn forget_state(&mut self) {
        for table in &mut self.tables {
            (table.state, table.settled) = (Vec::new(), Vec::new());
        }
    }

    /// Replaces values and states of every table, in the order of [`tables`](Self::tables), and the number of its steps.
    /// The lengths must be equal.
    pub fn restore(&mut self, steps: &[u32], arrays: Vec<(Vec<f32>, Vec<f32>, Vec<u32>)>) {
        for ((table, step), (values, state, settled)) in self.tables.iter_mut().zip(steps).zip(arrays) {
            let lengths = (table.values.len(), table.state.len(), table.settled.len());
            assert_eq!(lengths, (values.len(), state.len(), settled.len()), "table {}", table.name);
            (table.values, table.state, table.settled) = (values, state, settled);
            table.pace.step = *step;
            self.clock.reach(*step, &self.optimizer);
        }
    }
}

// Loops, not `for_each`: a closure that is not inlined would be compiled for the baseline.
vectorized! {
    fn settle_noted(tables: &mut [Table], optimizer: &RowOptimizer, clock: &Clock) {
        for table in tables {
            table.settle_noted(optimizer, clock);
        }
    }

    fn settle_all(tables: &mut [Table], optimizer: &RowOptimizer, clock: &Clock) {
        for table in tables {
            table.settle_all(optimizer, clock);
        }
    }

    fn update(table: &mut Table, optimizer: &RowOptimizer, clock: &Clock) {
        table.update(optimizer, clock);
    }
}
