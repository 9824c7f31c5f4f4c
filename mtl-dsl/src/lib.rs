//! mtl-dsl.
