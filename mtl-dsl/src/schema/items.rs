//! The items of a model.

/// Words that begin a statement of a model, with their form.
pub static ITEMS: &[(&str, &str)] = &[
    ("features", "features ENTITY { name: kind(...), ... }"),
    ("task", "task NAME: kind(...);"),
    ("let", "let NAME = expression;"),
    ("tower", "tower TASK = expression;"),
    ("loss", "loss { weighting: ... }"),
    ("distill", "distill { pairs: [(TASK, TASK), ...], teacher: [TASK, ...], ... }"),
    ("train", "train { optimizer: ..., ... }"),
    ("tune", "tune { maximize: ..., ... }"),
    ("rank", "rank NAME { param ...; let ...; expression }"),
    ("expect", "expect comparison;` or `expect RANK order (...) > (...);"),
];

/// Names that no declaration may take: Rust has no raw form of them, or the language uses them as words.
pub static RESERVED: &[&str] = &["self", "super", "crate", "each", "concat", "column", "true", "false"];
