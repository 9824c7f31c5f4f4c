//! Columns, vocabularies and batches: everything between files and the network that needs no tensors.
//!
//! ```text
//! file --Table::read--> Table --Encoder::fit--> Encoder --encode--> Dataset --Batches--> Batch --> network --> metrics
//! ```
//!
//! What is read and predicted is described by one [`schema::Schema`]. Ids keep their 64 bits (or their text) from the file to
//! the row of an embedding table; statistics come from the rows given to [`Encoder::fit`] alone; a missing label is NaN in a
//! [`Dataset`] and weight 0 in a [`Batch`].

pub mod batches;
mod builder;
pub mod column;
pub mod condition;
pub mod dataset;
pub mod encoder;
pub mod error;
pub mod hash;
pub mod ids;
mod interner;
mod join;
mod origins;
pub mod read;
mod records;
pub mod rng;
mod scaling;
pub mod schema;
pub mod simulator;
pub mod split;
pub mod synthetic;
pub mod table;
mod targets;
mod views;
pub mod vocabulary;
pub mod words;

pub use batches::{Batch, Batches, Order};
pub use column::{Bags, Column, Labels, Numbers};
pub use dataset::{Dataset, FeatureValues};
pub use encoder::Encoder;
pub use error::DataError;
pub use ids::{Id, Ids, Integers, Text};
pub use read::{Header, OnBadRow, Read, ReadOptions};
pub use rng::Rng;
pub use table::Table;
pub use views::Slots;
