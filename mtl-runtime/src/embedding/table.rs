//! One embedding table: rows of values, the optimiser's state of each, and which rows the current batch reads.

use mtl_data::Rng;
use mtl_data::hash::{GOLDEN, mix};
use mtl_data::schema::Feature;

use super::optimizer::{Clock, Pace, RowOptimizer};

/// Rows of `dim` values. Several features may read one table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Its name: that of the feature that owns it.
    pub name: String,
    /// Width of a row.
    pub dim: usize,
    /// The values, row by row.
    pub values: Vec<f32>,
    /// The optimiser's state, [`RowOptimizer::state_width`] numbers a row.
    pub state: Vec<f32>,
    /// The step up to which a row is settled ([`RowOptimizer::catches_up`]; empty for the others).
    pub settled: Vec<u32>,
    /// How many steps it has taken, and how fast it moves.
    pub pace: Pace,
    marks: Vec<Mark>,
    batch: u32,
    unique: Vec<u32>,
    sums: Vec<f32>,
}

/// Where a row stands among the distinct rows of the batch that last read it.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    batch: u32,
    slot: u32,
}

impl Table {
    /// The table of a feature: the shared embedding and each task's own are normal with the given standard deviation, weights of
    /// tasks are 0. A value depends on the seed, the table's name, the task that owns it and its row alone.
    pub fn new(
        feature: &Feature,
        rows: usize,
        slice: usize,
        deviation: f64,
        seed: u64,
        optimizer: &RowOptimizer,
    ) -> Self {
        let (name, dim) = (&feature.name, feature.row_width());
        let key = |path: String| Rng::keyed(seed, &path).next_u64();
        let shared = key(format!("{name}.table"));
        let own = feature.own.iter().map(|task| key(format!("{name}.table.{task}")));
        let keys: Vec<u64> = std::iter::once(shared).chain(own).collect();
        let mut values = Vec::with_capacity(rows * dim);
        for row in 0..rows as u64 {
            for key in &keys {
                let mut rng = Rng::new(mix(key.wrapping_add(row.wrapping_mul(GOLDEN))));
                values.extend((0..slice).map(|_| (deviation * rng.normal()) as f32));
            }
            values.extend(feature.wide.iter().map(|_| 0.0));
        }
        Self {
            name: name.to_owned(),
            dim,
            values,
            state: vec![0.0; rows * optimizer.state_width(dim)],
            settled: vec![0; if optimizer.catches_up() { rows } else { 0 }],
            pace: Pace { step: 0, factor: 1.0 },
            marks: vec![Mark::default(); rows],
            batch: 0,
            unique: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.marks.len()
    }

    /// Forgets the rows of the last batch.
    pub fn begin(&mut self) {
        self.unique.clear();
        self.batch = self.batch.wrapping_add(1);
        if self.batch == 0 {
            self.marks.fill(Mark::default());
            self.batch = 1;
        }
    }

    /// Notes that the batch reads these rows.
    pub fn note(&mut self, rows: &[u32]) {
        for &row in rows {
            let mark = &mut self.marks[row as usize];
            if mark.batch != self.batch {
                *mark = Mark { batch: self.batch, slot: self.unique.len() as u32 };
                self.unique.push(row);
            }
        }
    }

    /// Makes up for the steps that the batch's rows missed.
    #[inline(always)]
    pub fn settle_noted(&mut self, optimizer: &RowOptimizer, clock: &Clock) {
        optimizer.settle(
            self.dim,
            &mut self.values,
            &mut self.state,
            &mut self.settled,
            clock,
            self.pace,
            self.unique.iter().copied(),
        );
    }

    /// Makes up for the steps that any row missed.
    #[inline(always)]
    pub fn settle_all(&mut self, optimizer: &RowOptimizer, clock: &Clock) {
        let rows = 0..self.rows() as u32;
        optimizer.settle(self.dim, &mut self.values, &mut self.state, &mut self.settled, clock, self.pace, rows);
    }

    /// Clears the gradient sums of the batch's rows.
    pub fn begin_sums(&mut self) {
        self.sums.clear();
        self.sums.resize(self.unique.len() * self.dim, 0.0);
    }

    /// The gradient sum of a row that the batch reads.
    #[inline(always)]
    pub fn sum(&mut self, row: u32, dim: usize) -> &mut [f32] {
        let start = self.marks[row as usize].slot as usize * dim;
        &mut self.sums[start..start + dim]
    }

    /// The values of a row.
    #[inline(always)]
    pub fn row(&self, row: u32, dim: usize) -> &[f32] {
        let start = row as usize * dim;
        &self.values[start..start + dim]
    }

    /// Whether a row of the batch has a gradient.
    pub fn touched(&self) -> bool {
        self.sums.iter().any(|slope| *slope != 0.0)
    }

    /// Moves the batch's rows by their gradient sums.
    #[inline(always)]
    pub fn update(&mut self, optimizer: &RowOptimizer, clock: &Clock) {
        optimizer.update(
            self.dim,
            &mut self.values,
            &mut self.state,
            &mut self.settled,
            clock,
            self.pace,
            &self.unique,
            &self.sums,
        );
    }
}
