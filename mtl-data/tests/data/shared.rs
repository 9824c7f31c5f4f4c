//! Schemas and files that several tests use.

use std::path::PathBuf;

use mtl_data::schema::*;

/// An id feature with a learned vocabulary, as the baseline has it: unseen values share the row of missing ones.
pub fn category(name: &str) -> Feature {
    let kind = FeatureKind::Id { rows: Rows::Vocabulary { min_count: 1 }, dim: 8, unseen: Unseen::Missing, init: 0.01 };
    Feature::new(name, "x", name, kind)
}

/// A number with standard scaling; a missing one becomes the mean.
pub fn number(name: &str, transform: Transform) -> Feature {
    let kind = FeatureKind::Number { transform, scale: Scale::Standard, missing: MissingNumber::Mean };
    Feature::new(name, "x", name, kind)
}

/// A binary task.
pub fn binary(name: &str, label: Label) -> Task {
    let kind = TaskKind::binary(1.0);
    Task { name: name.to_owned(), kind, label, sample_space: None, weight_column: None, given: None, losses: vec![] }
}

/// A schema of these features and tasks.
pub fn schema(features: Vec<Feature>, tasks: Vec<Task>) -> Schema {
    Schema { model: "Test".to_owned(), features, tasks, group_by: None, scores: Default::default() }
}

/// A folder of the optional real data, or a loud notice that the test is skipped.
pub fn real_data(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: there is no {}, so this test checked nothing", folder.display());
    None
}
