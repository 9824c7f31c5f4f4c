//! Scores of a trained model: the same bits in evaluation, in prediction and in the compiled functions; what they read, and their parts.

use std::process::ExitCode;

use mtl_eval::metrics;
use mtl_runtime::calibration::Calibrator;
use mtl_runtime::data::{Column, Ids, Labels, Numbers, Rng, Table};
use mtl_runtime::model::Split;
use mtl_runtime::scores::Calibrators;
use mtl_runtime::{Model, Predictor, Splits, Trainer, app, mtl};

mtl! { model Shop {
    features user { user_id: id(buckets: 50, dim: 4) }
    features item {
        item_id: id(buckets: 50, dim: 4),
        // Scores alone read these two.
        price: number(column: item_price),
        age: number(transform: log1p),
    }
    task click: binary(label: is_click, calibrate: platt);
    task buy: binary(label: is_buy) given click;
    task watch: regression(label: seconds, transform: log1p);
    tower each = mlp(concat(user, item_id), [8]);
    train { group_by: request_id, epochs: 2, batch: 64, embeddings: rowwise_adagrad(lr: 0.1) }

    rank value {
        param buy_weight = 4.0 in 0.0..50.0;
        request boost = 1.0 in 0.5..2.0;
        let money = log1p(clamp(price ?? 1.0, 0.0, 1e6));
        boost * sum(click: 1.0, buy: buy_weight, calibrated(click): 0.5) - 0.1 * money
    }
    rank places {
        param k = 60.0 in 1.0..100.0;
        1 / (k + rank_of(click)) + 1 / (k + rank_of(buy | click))
    }
    rank score {
        param fresh = 0.5 in 0.0..4.0;
        let worth = value + 100 * places;
        let positive = if worth < 0 { worth / 1000 } else { worth + 0.001 };
        positive * (1 + fresh) - clamp(age, 0.0, 100.0) / 50
    }
    rank odds {
        param power = 0.5 in 0.0..2.0;
        (buy + 1e-6) * product(click: power) / (1 + max(price ?? 0.0, 0.0))
    }
} }

/// Rows of requests of seven, with prices that are missing now and then.
fn rows(count: usize, seed: u64) -> Table {
    let mut rng = Rng::keyed(seed, "shop");
    let mut column = |of: &mut dyn FnMut(&mut Rng) -> f64| (0..count).map(|_| of(&mut rng)).collect::<Vec<f64>>();
    let users: Vec<i64> = column(&mut |rng| (rng.unit() * 40.0).floor()).iter().map(|&id| id as i64).collect();
    let items: Vec<i64> = column(&mut |rng| (rng.unit() * 40.0).floor()).iter().map(|&id| id as i64).collect();
    let chance = column(&mut |rng| rng.unit());
    let price = column(&mut |rng| if rng.unit() < 0.2 { f64::NAN } else { (rng.unit() * 40.0).exp2() / 1e6 });
    let age = column(&mut |rng| rng.unit() * 90.0);
    let click: Vec<f64> =
        (0..count).map(|row| f64::from(u8::from(chance[row] < 0.2 + items[row] as f64 / 60.0))).collect();
    let buy: Vec<f64> = (0..count).map(|row| click[row] * f64::from(u8::from(chance[row] < 0.3))).collect();
    Table::from_columns([
        ("request_id", Column::from(Ids::from((0..count as i64).map(|row| row / 7).collect::<Vec<_>>()))),
        ("user_id", Ids::from(users).into()),
        ("item_id", Ids::from(items).into()),
        ("item_price", Numbers::from(price).into()),
        ("age", Numbers::from(age).into()),
        ("is_click", Labels::from(click.clone()).into()),
        ("is_buy", Labels::from(buy).into()),
        ("seconds", Numbers::from(click.iter().map(|click| 30.0 * click).collect::<Vec<_>>()).into()),
    ])
    .unwrap()
}

fn trained() -> (Predictor<Shop>, mtl_runtime::report::Report) {
    let splits = Splits { train: rows(700, 1), validation: rows(350, 2), test: Some(rows(350, 3)) };
    let trained = Trainer::<Shop>::new(ShopConfig::new(), splits).fit().unwrap();
    (trained.predictor, trained.report)
}

#[test]
fn one_score_everywhere() {
    let (predictor, report) = trained();
    let (test, config) = (rows(350, 3), predictor.config());
    let known = predictor.predict(&test).unwrap();
    let (rows, scores) = (ShopPredictions::from(&known), ShopScores::from(&known));
    let rows: Vec<ShopPrediction> = (0..rows.rows()).map(|row| rows.row(row)).collect();
    let ranks = &config.ranks;
    let mut all = vec![0.0; rows.len()];
    ShopPrediction::score_all(&rows, &ranks.score, &ranks.value, &ranks.places, &mut all).unwrap();
    for (row, of) in rows.iter().enumerate() {
        let alone = of.score(&ranks.score, &ranks.value, &ranks.places);
        assert_eq!([alone.to_bits(), all[row].to_bits()], [scores.score[row].to_bits(); 2], "row {row}");
        assert_eq!(of.odds(&ranks.odds).to_bits(), scores.odds[row].to_bits());
        assert_eq!(of.calibrated_click, predictor.calibrators().apply("click", of.click));
    }
    // Training measured the rows of its test split by the same scores.
    let measured = report.split.get("test").unwrap().ranks.get("score").unwrap().get("click").unwrap().auc;
    let single: Vec<f32> = all.iter().map(|score| *score as f32).collect();
    let labels: Vec<f32> = test.numbers("is_click").unwrap().iter().map(|label| *label as f32).collect();
    assert_eq!(measured, metrics::auc(&single, &labels, None).unwrap());
    assert_eq!(predictor.evaluate(&test).unwrap().ranks, report.split.get("test").unwrap().ranks);

    // Places are those within the seven rows of a request.
    let first: Vec<f64> = rows[..7].iter().map(|row| row.rank_of_click).collect();
    assert_eq!(first.iter().sum::<f64>(), 28.0);
    let best = (0..7).max_by(|&a, &b| rows[a].click.total_cmp(&rows[b].click)).unwrap();
    assert!(first.iter().all(|place| first[best] <= *place));

    let mut calibrators = Calibrators::default();
    let half = Calibrator::DownSampling { rate: 0.5 };
    calibrators.set("click", half.clone());
    let calibrated = predictor.with_calibrators(calibrators).predict(&test).unwrap();
    assert_eq!(calibrated.input("calibrated(click)").unwrap()[3], half.apply(rows[3].click));
    assert_ne!(calibrated.rank("score"), known.rank("score"));
}

#[test]
fn what_is_missing_is_an_error_or_has_a_default() {
    let (predictor, _) = trained();
    let test = rows(21, 4);
    let without = |name: &str| {
        let names: Vec<&str> = test.names().iter().map(String::as_str).filter(|known| *known != name).collect();
        test.select(&names).unwrap()
    };
    let error = predictor.predict(&without("request_id")).unwrap_err().to_string();
    assert!(error.contains("request_id") && error.contains("places within a request"), "{error}");
    assert!(predictor.predict(&without("item_price")).is_err());
    let mut ages: Vec<f64> = test.numbers("age").unwrap().into_owned();
    ages[5] = f64::NAN;
    let holed = without("age").with_column("age", Numbers(ages)).unwrap();
    let error = predictor.predict(&holed).unwrap_err().to_string();
    assert!(error.contains("`score` reads `age`, which row 5 does not have"), "{error}");

    let ranks = &predictor.config().ranks;
    let row = ShopPrediction { buy: 0.5, click: 0.25, ..ShopPrediction::default() };
    let mut score = [0.0];
    ShopPrediction::odds_all(&[row], &ranks.odds, &mut score).unwrap();
    assert_eq!(score[0], (0.5 + 1e-6) * 0.5);
    let missing = ShopPrediction::odds_all(&[row, ShopPrediction::default()], &ranks.odds, &mut [0.0; 2]).unwrap_err();
    assert_eq!((missing.row, missing.rank, missing.input), (1, "odds", "click"));
}

#[test]
fn a_request_sets_its_numbers() {
    let (predictor, _) = trained();
    let test = rows(14, 5);
    let boosted = predictor.predict_with(&test, |config| {
        config.ranks.value.boost = 2.0;
        Ok(())
    });
    assert_ne!(boosted.unwrap().rank("value"), predictor.predict(&test).unwrap().rank("value"));
    let outside = predictor.predict_with(&test, |config| {
        config.ranks.value.boost = 3.0;
        Ok(())
    });
    assert!(outside.unwrap_err().to_string().contains("ranks.value.boost"));
    let value = Shop::ranks().iter().find(|rank| rank.name == "value").unwrap();
    let flags: Vec<_> = (value.params)(predictor.config()).iter().map(|param| (param.name, param.request)).collect();
    assert_eq!(flags, [("buy_weight", false), ("boost", true)]);
}

#[test]
fn parts_make_the_score() {
    let (predictor, _) = trained();
    let test = rows(70, 6);
    let known = predictor.predict(&test).unwrap();
    for rank in Shop::ranks() {
        let explained = predictor.explain(&test, rank.name, &(0..70).collect::<Vec<_>>()).unwrap();
        assert!(explained.candidates.is_sorted_by(|a, b| a.score >= b.score));
        for candidate in &explained.candidates {
            let values = candidate.parts.iter().map(|part| part.value);
            let (whole, size) = match explained.split {
                Split::Sum => (values.clone().sum::<f64>(), values.map(f64::abs).sum()),
                Split::Product => (values.product::<f64>(), candidate.score.abs()),
            };
            assert_eq!(candidate.score, known.rank(rank.name).unwrap()[candidate.row]);
            assert!((whole - candidate.score).abs() <= 1e-12 * (size + 1e-9), "{whole}, {candidate:?}");
        }
    }
    let names = |rank: &str| {
        let explained = predictor.explain(&test, rank, &[0]).unwrap();
        (explained.split, explained.candidates[0].parts.iter().map(|part| part.name.clone()).collect::<Vec<_>>())
    };
    let (split, parts) = names("score");
    assert_eq!(split, Split::Sum);
    let value = ["click: 1.0", "buy: buy_weight", "calibrated(click): 0.5", "0.1 * money"];
    assert_eq!(parts[..4], value);
    assert_eq!(parts.last().unwrap(), "clamp(age, 0.0, 100.0) / 50");
    let (split, parts) = names("odds");
    assert_eq!((split, parts.len()), (Split::Product, 3));
    assert!(predictor.explain(&test, "scores", &[0]).unwrap_err().to_string().contains("no rank named `scores`"));
    assert!(predictor.explain(&test, "score", &[70]).is_err());
}

#[test]
fn explain_score_on_the_command_line() {
    let folder = std::env::temp_dir().join(format!("mtl-explain-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (model, json) = (folder.join("shop.mtl.safetensors"), folder.join("parts.json"));
    let splits = Splits { train: rows(700, 1), validation: rows(350, 2), test: None };
    Trainer::<Shop>::new(ShopConfig::new(), splits).checkpoint(&model).fit().unwrap();
    let input = folder.join("rows.csv");
    std::fs::write(&input, csv(&rows(70, 3))).unwrap();
    let run = |more: &[&str]| {
        let start = ["shop", "explain-score", "--input", input.to_str().unwrap(), "--model", model.to_str().unwrap()];
        app::<Shop>().main_from(start.iter().chain(more).map(|word| (*word).to_owned()))
    };
    let path = json.to_str().unwrap();
    assert_eq!(run(&["--request", "3", "--rank", "value", "--json", path]), ExitCode::SUCCESS);
    let parts: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    let mut seen: Vec<u64> = Vec::new();
    for candidate in parts["candidates"].as_array().unwrap() {
        seen.push(candidate["row"].as_u64().unwrap());
        let sum: f64 = candidate["parts"].as_array().unwrap().iter().map(|part| part["value"].as_f64().unwrap()).sum();
        assert!((sum - candidate["score"].as_f64().unwrap()).abs() < 1e-9);
    }
    seen.sort_unstable();
    assert_eq!(seen, (21..28).collect::<Vec<_>>());
    assert_eq!(run(&["--candidates", "0..5"]), ExitCode::SUCCESS);
    for wrong in [
        &["--request", "300"][..],
        &["--candidates", "60..90"],
        &["--candidates", "x"],
        &["--candidates", "0..2", "--rank", "no"],
        &[],
    ] {
        assert_ne!(run(wrong), ExitCode::SUCCESS, "{wrong:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

fn csv(table: &Table) -> String {
    let names = ["request_id", "user_id", "item_id", "item_price", "age"];
    let columns = names.map(|name| table.numbers(name).unwrap());
    let cell = |value: f64| if value.is_nan() { String::new() } else { value.to_string() };
    let line = |row: usize| columns.iter().map(|column| cell(column[row])).collect::<Vec<_>>().join(",");
    let lines = (0..table.rows()).map(line);
    std::iter::once(names.join(",")).chain(lines).map(|line| line + "\n").collect()
}
