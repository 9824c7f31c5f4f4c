//! mtl-data.
