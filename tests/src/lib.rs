//! Support of the end-to-end tests: goldens and networks with given parameters.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A tensor of a golden file, row-major.
#[derive(Debug, Clone, Deserialize)]
pub struct Array {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values.
    pub data: Vec<f64>,
}

impl Array {
    /// The values as the runtime has them.
    pub fn f32(&self) -> Vec<f32> {
        self.data.iter().map(|&value| value as f32).collect()
    }

    /// Two arrays one after the other along the first axis.
    pub fn followed_by(&self, other: &Array) -> Array {
        assert_eq!(self.shape[1..], other.shape[1..]);
        let mut shape = self.shape.clone();
        shape[0] += other.shape[0];
        Array { shape, data: self.data.iter().chain(&other.data).copied().collect() }
    }
}

/// What `goldens/make.py` wrote of one network.
#[derive(Debug, Clone, Deserialize)]
pub struct Golden {
    /// Input `[B, D]`.
    pub x: Array,
    /// Labels `[B, T]`.
    pub labels: Array,
    /// Weights `[B, T]`, 0 where a row has no label.
    pub weights: Array,
    /// Logits `[B, T]`.
    pub logits: Array,
    /// Losses `[T]`.
    pub losses: Array,
    /// The gradient of the losses' sum with respect to the input.
    pub x_grad: Array,
    /// Parameters by path.
    pub parameters: BTreeMap<String, Array>,
    /// Their gradients.
    pub gradients: BTreeMap<String, Array>,
}

/// A golden of `goldens/` by name.
pub fn golden(name: &str) -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the golden exists")).expect("the golden is well-formed")
}

/// A folder of real data, or `None` with a loud word that the test is skipped.
pub fn real_data(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if !folder.is_dir() {
        eprintln!("SKIPPED: this test needs the data set {name} in {}", folder.display());
        return None;
    }
    Some(folder)
}
