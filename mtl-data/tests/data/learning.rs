//! The whole way of this crate without a network: simulate, encode, take batches, fit a logistic regression, measure.

use std::sync::Arc;

use crate::shared::{binary, category, schema};
use mtl_data::schema::*;
use mtl_data::simulator::{self, FeedOptions};
use mtl_data::{Batch, Batches, Dataset, Encoder, FeatureValues, Ids, Order, Table};
use mtl_eval::metrics;

/// One weight for each table row, AdaGrad.
struct Logistic {
    weights: Vec<Vec<(f32, f32)>>,
}

impl Logistic {
    fn logit(&self, features: &[FeatureValues], row: usize) -> f32 {
        let weight = |(values, weights): (&FeatureValues, &Vec<(f32, f32)>)| match values {
            FeatureValues::Id(rows) => weights[rows[row] as usize].0,
            _ => panic!("only ids here"),
        };
        features.iter().zip(&self.weights).map(weight).sum()
    }

    fn step(&mut self, batch: &Batch) {
        for row in 0..batch.rows.len() {
            let error = 1.0 / (1.0 + (-self.logit(&batch.features, row)).exp()) - batch.labels[row];
            for (values, weights) in batch.features.iter().zip(&mut self.weights) {
                if let FeatureValues::Id(rows) = values {
                    let (weight, squares) = &mut weights[rows[row] as usize];
                    *squares += error * error;
                    *weight -= 0.1 * error / (*squares + 1.0).sqrt();
                }
            }
        }
    }

    fn auc(&self, dataset: &Dataset) -> f64 {
        let scores: Vec<f32> = (0..dataset.rows).map(|row| self.logit(&dataset.features, row)).collect();
        metrics::auc(&scores, &dataset.labels[0], None).unwrap().unwrap()
    }
}

#[test]
fn clicks_of_the_feed_can_be_learned_almost_to_the_best() {
    let simulation = simulator::feed(&FeedOptions::default()).unwrap();
    let table = &simulation.table;
    let (age, kind) = (table.ids("age_range").unwrap(), table.ids("category").unwrap());
    let taste: Vec<String> =
        (0..table.rows()).map(|row| format!("{}|{}", age.text(row).unwrap(), kind.text(row).unwrap())).collect();
    let table = table.clone().with_column("taste", Ids::from(taste)).unwrap();
    let features = ["user_id", "user_active_degree", "video_id", "author_id", "taste", "tab", "hour", "position"];
    let task = binary("click", Label::Column("is_click".to_owned()));
    let schema = schema(features.map(category).to_vec(), vec![task]);

    let rows: Vec<u32> = (0..table.rows() as u32).collect();
    let (train, test) = rows.split_at(table.rows() * 9 / 10);
    let encoder = Encoder::fit(&schema, &table.take(train)).unwrap();
    let encode = |table: Table| Arc::new(encoder.encode(&table).unwrap());
    let (train, measured) = (encode(table.take(train)), encode(table.take(test)));
    let mut model =
        Logistic { weights: (0..features.len()).map(|f| vec![(0.0, 0.0); encoder.table_rows(f)]).collect() };
    for epoch in 0..2 {
        Batches::new(train.clone(), 1024, Order::Shuffled { seed: 1, epoch })
            .unwrap()
            .for_each(|batch| model.step(&batch));
    }
    let best = simulation.best_auc("is_click", test).unwrap().unwrap();
    let auc = model.auc(&measured);
    eprintln!("best {best:.4}, learned {auc:.4}");
    assert!(auc < best && auc > best - 0.006, "learned {auc}, best {best}");
}
