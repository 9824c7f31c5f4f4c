//! The published formulas at numbers worked out by hand.

use crate::Source;
use crate::hir::{Model, Rank, ScoreInput, TaskId};

/// A spec of the project.
fn spec(name: &str) -> Model {
    let path = format!("{}/../specs/{name}.mtl", env!("CARGO_MANIFEST_DIR"));
    let (tree, problems) = crate::parse(&Source::new(name, std::fs::read_to_string(path).unwrap()));
    assert!(problems.is_empty());
    crate::check::check(&tree).0.expect("a model")
}

/// An input as it is written.
fn name(model: &Model, input: ScoreInput) -> String {
    let task = |task: TaskId| &model.tasks[task.0].name.text;
    match input {
        ScoreInput::Prediction(of) => task(of.task).clone(),
        ScoreInput::Calibrated(of) => format!("calibrated({})", task(of)),
        ScoreInput::Position(of) => format!("rank_of({})", task(of.task)),
        ScoreInput::Number(number) => model.numbers[number].name.text.clone(),
    }
}

/// A rank at these predictions and parameters; what is not named is 0 or its default.
fn score(model: &Model, rank: &str, at: &[(&str, f64)], params: &[(&str, f64)]) -> f64 {
    let ranks: Vec<Option<Rank>> = model.ranks.iter().cloned().map(Some).collect();
    let place = model.ranks.iter().position(|of| of.name.text == rank).unwrap();
    let find = |list: &[(&str, f64)], name: &str| list.iter().find(|(of, _)| *of == name).map(|(_, value)| *value);
    let mut read = Vec::new();
    ranks.iter().flatten().for_each(|rank| {
        rank.visit(&mut |node| read.extend(node.kind.input().map(|(input, _)| name(model, input))));
    });
    assert!(at.iter().all(|(name, _)| read.iter().any(|known| known == name)), "inputs of the spec");
    let param = |rank: usize, index: usize| {
        let param = &model.ranks[rank].params[index];
        find(params, &param.name.text).unwrap_or(param.default.value)
    };
    super::rank(&ranks, place, &param, &|input| find(at, &name(model, input)).unwrap_or(0.0)).unwrap()
}

#[track_caller]
fn is(value: f64, expected: f64) {
    assert!((value - expected).abs() <= 1e-12 * expected.abs().max(1e-3), "{value}, expected {expected}");
}

#[test]
fn twitter_2023() {
    let model = spec("fusion_twitter_2023");
    let weights = [0.5, 1.0, 13.5, 12.0, 0.005, 75.0, 11.0, 10.0, -74.0, -369.0];
    for (task, weight) in model.tasks.iter().zip(weights) {
        is(score(&model, "weighted", &[(&task.name.text, 1.0)], &[]), weight);
    }
    let usual = [("favorite", 0.2), ("retweet", 0.05), ("reply", 0.02), ("good_click", 0.1), ("report", 0.0001)];
    // 0.1 + 0.05 + 0.27 + 1.1 - 0.0369
    is(score(&model, "weighted", &usual, &[]), 1.4831);
    is(score(&model, "score", &usual, &[]), 1.4841);
    // (-369 + 443) / 566.005 / 1000
    is(score(&model, "score", &[("report", 1.0)], &[]), 74.0 / 566_005.0);
    is(score(&model, "score", &[("report", 1.0), ("negative_feedback", 1.0)], &[]), 0.0);
    is(score(&model, "score", &[], &[]), 0.001);
}

#[test]
fn x_2026() {
    let model = spec("fusion_x_2026");
    let weights = [
        ("favorite", 0.5),
        ("reply", 5.0),
        ("retweet", 1.0),
        ("photo_expand", 0.05),
        ("video_open", 0.05),
        ("click", 0.4),
        ("open_link", 0.2),
        ("profile_click", 0.0),
        ("quality_view", 0.05),
        ("share", 2.0),
        ("share_by_message", 5.0),
        ("share_by_link", 20.0),
        ("dwell", 0.0),
        ("quote", 5.0),
        ("quoted_click", 0.05),
        ("follow_author", 4.0),
        ("post_unexplored", 0.02),
        ("dwell_time", 0.004),
        ("not_interested", -43.2),
        ("block_author", -31.2),
        ("mute_author", -58.8),
        ("report", -234.0),
        ("not_dwelled", -0.02),
    ];
    assert_eq!(weights.len(), model.tasks.len());
    for (task, weight) in weights {
        is(score(&model, "weighted", &[(task, 1.0)], &[]), weight);
    }
    is(score(&model, "weighted", &[("reply", 0.1)], &[("mutual", 1.0)]), 2.0);
    is(score(&model, "weighted", &[("quality_view", 0.4)], &[("long_video", 0.0)]), 0.0);
    is(score(&model, "weighted", &[("dwell_time", 30.0)], &[]), 0.12);
    is(score(&model, "score", &[("favorite", 0.5)], &[]), 0.251);
    is(score(&model, "score", &[("favorite", 0.5)], &[("outside", 1.0)]), 0.188_25);
    // (-234 + 367.22) / 410.544 / 1000
    is(score(&model, "score", &[("report", 1.0)], &[]), 133.22 / 410_544.0);
}

#[test]
fn weighted_product() {
    let model = spec("fusion_weighted_product");
    let at = [("click", 0.25), ("watch", 240_000.0), ("like", 0.0006)];
    // 0.25 * sqrt(4), and 0.0016 to the power of a quarter
    is(score(&model, "engagement", &at, &[]), 0.5);
    is(score(&model, "satisfaction", &at, &[]), 0.2);
    is(score(&model, "score", &at, &[]), 0.1);
    is(score(&model, "score", &at, &[("click_power", 2.0)]), 0.025);
}

/// A = (buy 0.02, like 0.05) against B = (0.005, 0.3): a sum puts A first above 50 / 3, a product above log 6 / log 4.
#[test]
fn weights_turn_the_order_where_they_should() {
    let model = spec("fusion_weighted_sum");
    let a = [("buy", 0.02), ("like", 0.05)];
    let b = [("buy", 0.005), ("like", 0.3)];
    let first = |rank: &str, param: &str, weight: f64| {
        let params = [(param, weight)];
        score(&model, rank, &a, &params) > score(&model, rank, &b, &params)
    };
    let border = 50.0 / 3.0;
    assert!(first("value", "buy_value", border + 1e-6) && !first("value", "buy_value", border - 1e-6));
    let border = 6.0_f64.ln() / 4.0_f64.ln();
    assert!(first("odds", "buy_power", border + 1e-3) && !first("odds", "buy_power", border - 1e-3));
    is(score(&model, "value", &[("click", 0.5), ("buy", 0.02), ("like", 0.05)], &[]), 0.5);
}

/// The numbers of pairec's own tests (`utils/ast/ast_test.go`).
#[test]
fn pairec() {
    let model = spec("fusion_pairec");
    let at = |click, buy, price| [("click", click), ("buy", buy), ("log_price", price)];
    let first = at(0.111_739_426_851_272_58, 0.006_906_657_014_042_139, 3.0_f64.ln());
    is(score(&model, "score", &first, &[]), 0.126_739_107_146_479_4);
    let second = at(0.004_212_516_359_984_875, 0.001_453_060_074_709_355_8, 2.0_f64.ln());
    is(score(&model, "score", &second, &[]), 0.006_862_452_694_912_775);
    let unknown = at(0.5, 0.0, f64::NAN);
    is(score(&model, "score", &unknown, &[]), 0.0);
    is(score(&model, "score", &unknown, &[("price_power", 0.0)]), 0.5);
}

#[test]
fn borda() {
    let model = spec("fusion_borda");
    let at = [("rank_of(click)", 1.0), ("rank_of(like)", 2.0), ("rank_of(watch)", 3.5)];
    is(score(&model, "score", &at, &[]), 9.0 + 2.0 * 8.0 + 6.5);
    is(score(&model, "score", &at, &[("candidates", 4.0), ("like_weight", 1.0)]), 3.0 + 2.0 + 0.5);
}

#[test]
fn reciprocal_ranks() {
    let model = spec("fusion_rrf");
    let at = [("rank_of(click)", 1.0), ("rank_of(like)", 3.0), ("rank_of(watch)", 2.5)];
    is(score(&model, "score", &at, &[]), 1.0 / 61.0 + 1.0 / 63.0 + 2.0 / 125.0);
    is(score(&model, "score", &at, &[("like_weight", 2.0)]), 1.0 / 61.0 + 2.0 / 63.0 + 2.0 / 125.0);
}
