//! The arrays of a checkpoint by name, on the way in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::file::{Array, Data};
use crate::error::{Error, Result};

/// The arrays of a file, each taken once.
pub(super) struct Arrays<'a> {
    pub path: &'a Path,
    pub arrays: BTreeMap<String, Array<'static>>,
}

impl Arrays<'_> {
    pub fn has(&self, prefix: &str) -> bool {
        self.arrays.keys().any(|name| name.starts_with(prefix))
    }

    pub fn take(&mut self, name: &str) -> Result<Array<'static>> {
        self.arrays
            .remove(name)
            .ok_or_else(|| Error::checkpoint(self.path, format!("`{name}` is missing: it is another network's")))
    }

    pub fn f32(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let array = self.take(name)?;
        if array.shape != shape {
            let what = format!("`{name}` is {:?}, and this program's is {shape:?}: the widths differ", array.shape);
            return Err(Error::checkpoint(self.path, what));
        }
        match array.data {
            Data::F32(values) => Ok(values.into_owned()),
            _ => Err(Error::checkpoint(self.path, format!("`{name}` is not of type f32"))),
        }
    }

    pub fn unpack<T: DeserializeOwned>(&mut self, name: &str) -> Result<T> {
        let Data::U8(bytes) = self.take(name)?.data else {
            return Err(Error::checkpoint(self.path, format!("`{name}` is not of type u8")));
        };
        ciborium::from_reader(&*bytes)
            .map_err(|error| Error::checkpoint(self.path, format!("its {name} does not fit this version: {error}")))
    }

    pub fn u32(&mut self, name: &str, length: usize) -> Result<Vec<u32>> {
        match self.take(name)?.data {
            Data::U32(values) if values.len() == length => Ok(values.into_owned()),
            _ => {
                Err(Error::checkpoint(self.path, format!("`{name}` is not {length} steps: it is another optimiser's")))
            }
        }
    }

    /// The state of the network's optimiser.
    pub fn optimizer(&mut self) -> Result<Vec<(String, Vec<f32>)>> {
        let names: Vec<String> = self.arrays.keys().filter(|name| name.starts_with("optimizer.")).cloned().collect();
        let read = |name: String| {
            let Data::F32(values) = self.take(&name)?.data else {
                return Err(Error::checkpoint(self.path, format!("`{name}` is not of type f32")));
            };
            Ok((name["optimizer.".len()..].to_owned(), Cow::into_owned(values)))
        };
        names.into_iter().map(read).collect()
    }

    /// Refuses what nobody took.
    pub fn finish(self) -> Result<()> {
        match self.arrays.keys().next() {
            Some(name) => Err(Error::checkpoint(self.path, format!("this program's network has no `{name}`"))),
            None => Ok(()),
        }
    }
}

/// A value as bytes.
pub(super) fn pack<T: Serialize>(value: &T) -> Array<'static> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("checkpoints hold plain values, and memory takes any bytes");
    Array::bytes(bytes)
}
