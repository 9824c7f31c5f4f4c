//! The model that a teacher's file holds.

use std::path::Path;

use crate::error::{Error, Result};
use crate::model::Model;
use crate::predict::Predictor;
use crate::train::teacher::Teaches;

/// A model, as what reads its file.
pub(super) struct AnyTeacher(fn(&Path) -> Result<Box<dyn Teaches>>);

impl AnyTeacher {
    /// The model `T`.
    pub fn of<T: Model>() -> Self {
        Self(load::<T>)
    }

    /// The teacher of a file.
    pub fn load(&self, path: &Path) -> Result<Box<dyn Teaches>> {
        if !path.exists() {
            return Err(Error::checkpoint(path, "there is no such file, and `--teacher` names it"));
        }
        (self.0)(path).map_err(|error| Error::Checkpoint(format!("the teacher's file {error}")))
    }
}

fn load<T: Model>(path: &Path) -> Result<Box<dyn Teaches>> {
    Ok(Box::new(Predictor::<T>::load(path)?))
}
