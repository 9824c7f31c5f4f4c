//! Batches of rows, gathered by a background thread while the network works on the previous one.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::dataset::{Dataset, FeatureValues};
use crate::error::DataError;
use crate::hash::BuildFast;
use crate::rng::Rng;

/// The order in which an epoch visits the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As they stand.
    Sequential,
    /// In a random order that depends on these two numbers alone.
    Shuffled {
        /// Of the run.
        seed: u64,
        /// Counted from 0.
        epoch: u64,
    },
    /// Group by group ([`Dataset::groups`]), both groups and the rows of each in a random order that depends on these two numbers
    /// alone. A batch is made of whole groups, as many as come next and fit. A group with more rows than a batch is split.
    Grouped {
        /// Of the run.
        seed: u64,
        /// Counted from 0.
        epoch: u64,
    },
}

impl Order {
    /// The order of `rows` rows that are a group each.
    pub fn rows(self, rows: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..rows as u32).collect();
        if let Self::Shuffled { seed, epoch } | Self::Grouped { seed, epoch } = self {
            Rng::keyed(seed, &format!("batches.{epoch}")).shuffle(&mut order);
        }
        order
    }

    /// The order of rows in these groups.
    fn grouped(self, groups: &[u64]) -> Vec<u32> {
        let mut order = self.rows(groups.len());
        let Self::Grouped { seed, epoch } = self else { return order };
        let mut numbers: HashMap<u64, usize, BuildFast> = HashMap::default();
        for &group in groups {
            let next = numbers.len();
            numbers.entry(group).or_insert(next);
        }
        let mut places: Vec<u32> = (0..numbers.len() as u32).collect();
        Rng::keyed(seed, &format!("groups.{epoch}")).shuffle(&mut places);
        order.sort_by_key(|&row| places[numbers[&groups[row as usize]]]);
        order
    }

    /// The rows of a dataset in this order, and where each batch of at most `size` rows ends.
    fn plan(self, dataset: &Dataset, size: usize) -> (Vec<u32>, Vec<usize>) {
        let (Self::Grouped { .. }, Some(groups)) = (self, &dataset.groups) else {
            let rows = self.rows(dataset.rows);
            let ends = (0..rows.len()).step_by(size).map(|start| (start + size).min(rows.len())).collect();
            return (rows, ends);
        };
        let rows = self.grouped(groups);
        let (mut ends, mut start, mut end) = (Vec::new(), 0, 0);
        for group in rows.chunk_by(|&a, &b| groups[a as usize] == groups[b as usize]) {
            for part in group.chunks(size) {
                if end + part.len() - start > size {
                    ends.push(end);
                    start = end;
                }
                end += part.len();
            }
        }
        if end > start {
            ends.push(end);
        }
        (rows, ends)
    }
}

/// The rows of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Which rows of the dataset these are: `[B]`.
    pub rows: Vec<u32>,
    /// One entry for each feature, of `B` rows each.
    pub features: Vec<FeatureValues>,
    /// `[B, T]` row-major; 0 where masked. Empty if the dataset has no labels.
    pub labels: Vec<f32>,
    /// `[B, T]` row-major; 0 where the label is missing or the row outside the task's sample space. Empty where `labels` is.
    pub weights: Vec<f32>,
    /// `[B]`: the group of each row. Empty if the dataset has none.
    pub groups: Vec<u64>,
}

/// One epoch: every row once, in batches of `size` rows (the last may be smaller, and any of [`Order::Grouped`]).
pub struct Batches {
    received: Option<Receiver<Batch>>,
    worker: Option<JoinHandle<()>>,
    left: usize,
}

/// Batches that wait for the network.
const AHEAD: usize = 2;

impl Batches {
    /// Starts an epoch. An error if `size` is 0.
    pub fn new(dataset: Arc<Dataset>, size: usize, order: Order) -> Result<Self, DataError> {
        Self::starting_at(dataset, size, order, 0)
    }

    /// Starts an epoch at batch `first`, as if those before it had been taken.
    pub fn starting_at(dataset: Arc<Dataset>, size: usize, order: Order, first: usize) -> Result<Self, DataError> {
        if size == 0 {
            return Err(DataError::new("a batch of 0 rows").remedy("set `train.batch` to 1 or more"));
        }
        let (rows, ends) = order.plan(&dataset, size);
        let left = ends.len().saturating_sub(first);
        let (sender, received) = sync_channel(AHEAD);
        let work = move || prepare(&dataset, &rows, &ends, first, &sender);
        let worker = std::thread::Builder::new().name("batches".to_owned()).spawn(work);
        let worker = worker.map_err(|error| DataError::new(format!("no thread for the batches: {error}")))?;
        Ok(Self { received: Some(received), worker: Some(worker), left })
    }
}

fn prepare(dataset: &Dataset, rows: &[u32], ends: &[usize], first: usize, sender: &SyncSender<Batch>) {
    let starts = std::iter::once(&0).chain(ends);
    for (&start, &end) in starts.zip(ends).skip(first) {
        if sender.send(batch(dataset, &rows[start..end])).is_err() {
            return; // Nobody wants the rest.
        }
    }
}

/// The batch of these rows of a dataset.
pub fn batch(dataset: &Dataset, rows: &[u32]) -> Batch {
    let tasks = dataset.labels.len();
    let mut labels = vec![0.0; rows.len() * tasks];
    let mut weights = vec![0.0; rows.len() * tasks];
    for (t, (label, weight)) in dataset.labels.iter().zip(&dataset.weights).enumerate() {
        for (i, &row) in rows.iter().enumerate() {
            let value = label[row as usize];
            if !value.is_nan() {
                labels[i * tasks + t] = value;
                weights[i * tasks + t] = weight.as_ref().map_or(1.0, |weight| weight[row as usize]);
            }
        }
    }
    let features = dataset.features.iter().map(|feature| feature.take(rows)).collect();
    let of = |groups: &Vec<u64>| rows.iter().map(|&row| groups[row as usize]).collect();
    let groups = dataset.groups.as_ref().map(of).unwrap_or_default();
    Batch { rows: rows.to_vec(), features, labels, weights, groups }
}

impl Iterator for Batches {
    type Item = Batch;

    /// The next batch. A panic of the background thread goes on here.
    fn next(&mut self) -> Option<Batch> {
        let batch = self.received.as_ref()?.recv().ok();
        if batch.is_none() {
            self.received = None;
            if let Some(Err(panic)) = self.worker.take().map(JoinHandle::join) {
                resume_unwind(panic);
            }
        }
        self.left = self.left.saturating_sub(1);
        batch
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Batches {}

impl Drop for Batches {
    fn drop(&mut self) {
        // Without a receiver the thread's next send fails, so that it ends and can be joined.
        self.received = None;
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(rows: usize) -> Arc<Dataset> {
        let label = |t: usize| (0..rows).map(|row| if row % 3 == t { f32::NAN } else { row as f32 }).collect();
        Arc::new(Dataset {
            rows,
            features: vec![
                FeatureValues::Id((0..rows as u32).collect()),
                FeatureValues::Ids {
                    offsets: (0..=rows as u32).map(|row| row * 2).collect(),
                    rows: (0..2 * rows as u32).collect(),
                },
                FeatureValues::Number {
                    values: (0..rows).map(|row| row as f32).collect(),
                    missing: Some(vec![1.0; rows]),
                },
            ],
            labels: vec![label(0), label(1)],
            weights: vec![None, Some((0..rows).map(|row| row as f32 / 2.0).collect())],
            groups: None,
            numbers: Vec::new(),
            warnings: Vec::new(),
        })
    }

    #[test]
    fn every_part_of_a_batch_belongs_to_its_rows() {
        let order = Order::Shuffled { seed: 1, epoch: 2 };
        for batch in Batches::new(dataset(100), 16, order).unwrap() {
            let b = batch.rows.len();
            assert_eq!(batch.features[0], FeatureValues::Id(batch.rows.clone()));
            let pairs = batch.rows.iter().flat_map(|row| [2 * row, 2 * row + 1]).collect();
            let offsets = (0..=b as u32).map(|row| row * 2).collect();
            assert_eq!(batch.features[1], FeatureValues::Ids { offsets, rows: pairs });
            let values = batch.rows.iter().map(|&row| row as f32).collect();
            assert_eq!(batch.features[2], FeatureValues::Number { values, missing: Some(vec![1.0; b]) });
            for (i, &row) in batch.rows.iter().enumerate() {
                let (x, masked) = (row as f32, |t| row % 3 == t);
                let expected = [if masked(0) { 0.0 } else { x }, if masked(1) { 0.0 } else { x }];
                assert_eq!(batch.labels[2 * i..2 * i + 2], expected);
                let expected = [if masked(0) { 0.0 } else { 1.0 }, if masked(1) { 0.0 } else { x / 2.0 }];
                assert_eq!(batch.weights[2 * i..2 * i + 2], expected);
            }
        }
    }

    #[test]
    fn an_epoch_can_be_continued_in_its_middle() {
        let order = Order::Shuffled { seed: 1, epoch: 2 };
        let whole: Vec<Batch> = Batches::new(dataset(100), 16, order).unwrap().collect();
        let rest = Batches::starting_at(dataset(100), 16, order, 3).unwrap();
        assert_eq!(rest.len(), 4);
        assert_eq!(rest.collect::<Vec<_>>(), whole[3..]);
        assert_eq!(Batches::starting_at(dataset(100), 16, order, 9).unwrap().count(), 0);
    }

    fn in_groups(rows: usize) -> Arc<Dataset> {
        let mut grouped = Arc::unwrap_or_clone(dataset(rows));
        // Group 0 has a third of the rows, the others two to five.
        grouped.groups =
            Some((0..rows).map(|row| if row % 3 == 0 { 0 } else { (row * 7 % (rows / 4)) as u64 }).collect());
        Arc::new(grouped)
    }

    #[test]
    fn batches_are_made_of_whole_groups() {
        let dataset = in_groups(120);
        let groups = dataset.groups.clone().unwrap();
        let mut orders = Vec::new();
        for epoch in 0..3 {
            let order = Order::Grouped { seed: 5, epoch };
            let batches: Vec<Batch> = Batches::new(dataset.clone(), 16, order).unwrap().collect();
            assert_eq!(batches, Batches::new(dataset.clone(), 16, order).unwrap().collect::<Vec<_>>());
            let mut visited: Vec<u32> = batches.iter().flat_map(|batch| batch.rows.clone()).collect();
            orders.push(visited.clone());
            visited.sort_unstable();
            assert!(visited.into_iter().eq(0..120), "each row once");
            for batch in &batches {
                assert!((1..=16).contains(&batch.rows.len()));
                assert!(batch.rows.iter().map(|&row| &groups[row as usize]).eq(&batch.groups));
            }
            let within = |group: u64| batches.iter().filter(|batch| batch.groups.contains(&group)).count();
            assert!((1..30).all(|group| within(group) <= 1), "whole groups");
            // The rows of group 0 are split: more than one batch holds them, and no more than need be.
            let large = groups.iter().filter(|&&group| group == 0).count();
            assert_eq!((large > 32, within(0)), (true, large.div_ceil(16)));
            let rest: Vec<Batch> = Batches::starting_at(dataset.clone(), 16, order, 2).unwrap().collect();
            assert_eq!(rest, batches[2..]);
            assert_eq!(Batches::new(dataset.clone(), 16, order).unwrap().len(), batches.len());
        }
        assert!(orders[0] != orders[1] && orders[1] != orders[2]);
    }

    #[test]
    fn dropping_the_rest_of_an_epoch_does_not_hang() {
        let mut batches = Batches::new(dataset(100_000), 1, Order::Sequential).unwrap();
        assert_eq!(batches.next().unwrap().rows, [0]);
        drop(batches); // Joins the thread.
    }

    #[test]
    #[should_panic(expected = "index out of bounds")]
    fn a_panic_of_the_thread_goes_on() {
        let mut broken = Arc::unwrap_or_clone(dataset(10));
        broken.features[0] = FeatureValues::Id(vec![0]);
        Batches::new(Arc::new(broken), 4, Order::Sequential).unwrap().for_each(drop);
    }

    #[test]
    fn no_rows_no_batches_and_a_size_of_zero_is_refused() {
        assert_eq!(Batches::new(dataset(0), 4, Order::Sequential).unwrap().count(), 0);
        assert!(Batches::new(dataset(10), 0, Order::Sequential).is_err());
    }
}
