//! Training from end to end, on a model written by hand as the generator writes one.

#[path = "training/tiny.rs"]
mod tiny;

#[path = "training/checkpoints.rs"]
mod checkpoints;
#[path = "training/command_line.rs"]
mod command_line;
#[path = "training/fitting.rs"]
mod fitting;
