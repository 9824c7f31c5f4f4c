//! Batches of rows, gathered by a background thread while the network works on the previous one.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::dataset::{Dataset, FeatureValues};
use crate::error::DataError;
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
}

impl Order {
    /// The order of `rows` rows.
    pub fn rows(self, rows: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..rows as u32).collect();
        if let Self::Shuffled { seed, epoch } = self {
            Rng::keyed(seed, &format!("batches.{epoch}")).shuffle(&mut order);
        }
        order
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
}

/// One epoch: every row once, in batches of `size` rows (the last may be smaller).
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
        let left = dataset.rows.div_ceil(size).saturating_sub(first);
        let (sender, received) = sync_channel(AHEAD);
        let work = move || prepare(&dataset, size, order, first, &sender);
        let worker = std::thread::Builder::new().name("batches".to_owned()).spawn(work);
        let worker = worker.map_err(|error| DataError::new(format!("no thread for the batches: {error}")))?;
        Ok(Self { received: Some(received), worker: Some(worker), left })
    }
}

fn prepare(dataset: &Dataset, size: usize, order: Order, first: usize, sender: &SyncSender<Batch>) {
    for rows in order.rows(dataset.rows).chunks(size).skip(first) {
        if sender.send(batch(dataset, rows)).is_err() {
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
    Batch { rows: rows.to_vec(), features, labels, weights }
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
