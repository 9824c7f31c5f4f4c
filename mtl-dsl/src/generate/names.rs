//! Names of generated code: Rust identifiers that no two things share.

use crate::{hir, ir};
use proc_macro2::Literal;
use std::collections::BTreeSet;

/// The names that depend on the whole model.
pub struct Names {
    /// The network's type.
    pub model: String,
    /// The part of its name that tells a block's types from the others': `H` of `FeedH`.
    pub blocks: Vec<String>,
    /// Likewise for each rank: `Score` of `FeedScoreParams`.
    pub ranks: Vec<String>,
}

/// Types that every model has: no block may be called like their last part.
const PARTS: [&str; 12] = [
    "Config",
    "Features",
    "FeaturesConfig",
    "TasksConfig",
    "LossConfig",
    "DownSamplingConfig",
    "RanksConfig",
    "Labels",
    "Prediction",
    "Predictions",
    "Scores",
    "Params",
];

/// Types of the runtime that generated code names.
const TYPES: [&str; 56] = [
    "Activation",
    "Asked",
    "Bags",
    "Best",
    "BestMetric",
    "Calibration",
    "Choice",
    "Column",
    "Compacted",
    "Config",
    "Contrast",
    "DataError",
    "Device",
    "Distill",
    "Estimator",
    "Expectation",
    "Ids",
    "Init",
    "Input",
    "LayerNorm",
    "Lesson",
    "Linear",
    "MaskedLinear",
    "MethodConfig",
    "MissingInput",
    "Model",
    "Module",
    "Numbers",
    "OptimizerConfig",
    "Part",
    "Pass",
    "Place",
    "PruningScope",
    "Rank",
    "Reading",
    "RowOptimizerConfig",
    "Slots",
    "Split",
    "StageConfig",
    "StageTasks",
    "Start",
    "Subnet",
    "Table",
    "Tensor",
    "Term",
    "TrainConfig",
    "Tune",
    "TuneGoal",
    "TuneGroups",
    "TuneMethod",
    "TuneMetric",
    "TuneParam",
    "Turns",
    "Value",
    "Weighting",
    "WeightingConfig",
];

/// Words that are functions, arguments or fields where a block's name would be a variable or a field.
const WORDS: [&str; 54] = [
    "activate",
    "add",
    "affine",
    "attention",
    "burn",
    "columns",
    "concat",
    "config",
    "distance",
    "distill",
    "down_sampling",
    "drop_rows",
    "dropout",
    "features",
    "gather",
    "hard_concrete",
    "head",
    "init",
    "levels",
    "logits",
    "loss",
    "mean",
    "mean_width",
    "members",
    "mix",
    "multiply",
    "narrow",
    "open_chance",
    "orthogonality",
    "pair_dots",
    "pair_products",
    "pass",
    "ranks",
    "reshape",
    "scaled_dots",
    "schema",
    "select",
    "serde",
    "share_of_round",
    "softmax",
    "stack",
    "stop",
    "subnets",
    "sum_width",
    "task_members",
    "tasks",
    "through",
    "top_k",
    "tower_each",
    "trace_norm",
    "train",
    "transpose",
    "weighting",
    "width",
];

const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "Self", "static", "struct", "super", "trait",
    "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

impl Names {
    pub fn new(model: &hir::Model, ir: &ir::Model) -> Names {
        let mut taken: BTreeSet<String> = PARTS.iter().map(|part| (*part).to_owned()).collect();
        let sums = model.tasks.iter().filter(|task| !task.losses.is_empty());
        taken.extend(sums.map(super::config::sum_type));
        let mut free = |name: &str, suffixes: &[String]| {
            let mut part = pascal(name);
            while suffixes.iter().any(|suffix| taken.contains(&format!("{part}{suffix}"))) {
                part.push('_');
            }
            taken.extend(suffixes.iter().map(|suffix| format!("{part}{suffix}")));
            part
        };
        let mut blocks = Vec::new();
        for block in &ir.blocks {
            let mut suffixes = vec![String::new()];
            groups(&block.config, "", &mut suffixes);
            blocks.push(free(&block.name, &suffixes));
        }
        let ranks = model.ranks.iter().map(|rank| free(&rank.name.text, &["Params".to_owned()])).collect();
        let name = &model.name.text;
        let model = if TYPES.contains(&name.as_str()) { format!("{name}Model") } else { name.clone() };
        Names { model, blocks, ranks }
    }
}

/// The types of a configuration and its groups: `Config`, `Level1Config`.
fn groups(config: &ir::Config, before: &str, suffixes: &mut Vec<String>) {
    suffixes.push(format!("{before}Config"));
    for field in &config.fields {
        if let ir::ConfigValue::Group(group) = &field.value {
            groups(group, &format!("{before}{}", pascal(&field.name)), suffixes);
        }
    }
}

/// A name as a field: a keyword gets a `_`, since burn's derives take no raw identifiers.
pub fn field(name: &str) -> String {
    // `type_` becomes `type__`, so that no two names meet.
    match KEYWORDS.contains(&name.trim_end_matches('_')) {
        true => format!("{name}_"),
        false => name.to_owned(),
    }
}

/// A name as a variable, or as a field beside those that every model has.
pub fn local(name: &str) -> String {
    match WORDS.contains(&name.trim_end_matches('_')) && !name.starts_with("tower_each") {
        true => format!("{name}_"),
        false => field(name),
    }
}

/// A column's name as a field in snake case: what is no letter, digit or `_` becomes `_`.
pub fn column(name: &str) -> String {
    let mut clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if clean.is_empty() || clean.starts_with(|c: char| c.is_ascii_digit()) || clean.chars().all(|c| c == '_') {
        clean.insert_str(0, "column_");
    }
    snake(&clean)
}

/// `ShortVideo` for `short_video`.
pub fn pascal(name: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    name.split('_').map(capital).collect()
}

/// `short_video` for `ShortVideo`.
pub fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_uppercase() && before != '_' && !before.is_uppercase() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
        before = c;
    }
    field(&snake)
}

/// A whole number without a suffix: `30_000`.
pub fn whole(n: usize) -> Literal {
    let text = if n < 10_000 { n.to_string() } else { ir::thousands(n) };
    text.parse().unwrap_or_else(|_| Literal::usize_unsuffixed(n))
}

/// A number without a suffix; its sign, if it has one, is a token of its own.
pub fn real(value: f64) -> proc_macro2::TokenStream {
    let literal = format!("{:?}", value.abs()).parse().unwrap_or_else(|_| Literal::f64_unsuffixed(value.abs()));
    match value.is_sign_negative() && value != 0.0 {
        true => quote::quote! { -#literal },
        false => quote::quote! { #literal },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_get_an_underscore_and_stay_distinct() {
        assert_eq!(field("type"), "type_");
        assert_eq!(field("type_"), "type__");
        assert_eq!(field("types"), "types");
        assert_eq!(local("pass"), "pass_");
        assert_eq!(local("tower_each"), "tower_each");
    }

    #[test]
    fn cases_of_names() {
        assert_eq!(pascal("short_video"), "ShortVideo");
        assert_eq!(snake("ShortVideo"), "short_video");
        assert_eq!(snake("KuairandPLE"), "kuairand_ple");
        assert_eq!(column("f-41"), "f_41");
        assert_eq!(column("41"), "column_41");
    }

    #[test]
    fn lists_are_sorted_and_whole() {
        assert!(WORDS.is_sorted() && TYPES.is_sorted());
        assert_eq!(whole(30_000).to_string(), "30_000");
        assert_eq!(real(-1e-10).to_string(), "- 1e-10");
    }
}
