//! mtl-macros.
