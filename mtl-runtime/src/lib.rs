//! mtl-runtime.
