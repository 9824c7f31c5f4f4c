//! Texts: what the words of a row are to a network, and a training on reviews.

use mtl_runtime::data::{Encoder, Ids, ReadOptions, Rng, Table};
use mtl_runtime::embedding::Embeddings;
use mtl_runtime::{Model, Splits, Trainer, mtl, mtl_file};
use mtl_tests::{assert_close, real_data};

mtl! {
    model Words {
        features item {
            title: text(vocab: auto, dim: 3),
            body:  text(share: title, max_len: 2, pool: none),
        }
        task good: binary;
        tower each = concat(item, din(body, query: title, hidden: [4]));
    }
}

mtl_file!("../specs/reviews.mtl");

#[test]
fn words_are_pooled_and_placed_as_ids_are() {
    let config = WordsConfig::new();
    let schema = Words::schema(&config);
    let rows = |titles: [&str; 4], bodies: [&str; 4]| {
        WordsFeatures { title: Ids::from(titles.to_vec()), body: Ids::from(bodies.to_vec()) }.into_table().unwrap()
    };
    let train = rows(["blue dress", "red, blue", "", "dress"], ["red dress blue", "", "blue", "red"]);
    let encoder = Encoder::fit(&schema, &train).unwrap();
    let embeddings = Embeddings::new(&schema, &encoder, config.train.embeddings, 3);
    let table = embeddings.tables().next().unwrap();
    let row = |at: usize| &table.values[3 * at..3 * at + 3];
    // Rows: missing, unseen, blue, dress, red.
    assert_eq!(table.rows, 5);
    let x = embeddings.read(&encoder.encode_features(&train).unwrap().features);
    // The mean of the title, the two places of the body, and which places hold a word.
    let width = schema.width();
    assert_eq!(width, 3 + 2 * (3 + 1));
    let mean: Vec<f32> = row(2).iter().zip(row(3)).map(|(blue, dress)| (blue + dress) / 2.0).collect();
    assert_close("title", &x[..3], &mean, 1e-6);
    assert_eq!(x[3..width], [row(4), row(3), &[1.0, 1.0]].concat());
    assert_eq!(x[width + 3..2 * width], [0.0; 8], "an empty text");
    assert_eq!(x[2 * width..2 * width + 3], [0.0; 3], "an empty title");

    let other = rows(["Blue-DRESS!", "(red) blue?", "", "the dress"], ["RED dress, but long", "...", "blue", "red"]);
    let again = embeddings.read(&encoder.encode_features(&other).unwrap().features);
    assert_eq!(x[..3 * width], again[..3 * width], "case and punctuation say nothing");
    let mean: Vec<f32> = row(1).iter().zip(row(3)).map(|(unseen, dress)| (unseen + dress) / 2.0).collect();
    assert_close("an unseen word", &again[3 * width..3 * width + 3], &mean, 1e-6);
}

/// A constant has RMSE 1.11; most of the rating stands in the words.
#[test]
fn reviews_tell_the_rating_and_the_recommendation() {
    let Some(folder) = real_data("womens_clothing_reviews") else { return };
    let mut config = ReviewsConfig::new();
    config.train.epochs = 2;
    let options = ReadOptions::for_schema(&Reviews::schema(&config));
    let table = Table::read(folder.join("womens_clothing_reviews.csv.gz"), &options).unwrap().table;
    assert_eq!(table.rows(), 23_486);
    let mut order: Vec<u32> = (0..table.rows() as u32).collect();
    Rng::keyed(1, "split").shuffle(&mut order);
    let (test, train) = order.split_at(table.rows() / 5);
    let splits = Splits { train: table.take(train), validation: table.take(test), test: None };
    let report = Trainer::<Reviews>::new(config, splits).fit().unwrap().report;
    let tasks = &report.split.get("validation").unwrap().tasks;
    let auc = tasks.get("recommended").and_then(|metrics| metrics.auc).unwrap();
    let rmse = tasks.get("rating").and_then(|metrics| metrics.rmse).unwrap();
    println!("recommended AUC {auc:.4}, rating RMSE {rmse:.4}");
    assert!(auc > 0.90 && rmse < 0.85, "AUC {auc}, RMSE {rmse}");
}
