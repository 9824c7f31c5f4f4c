//! Every spec by its three routes: `mtl!`, `mtl_file!` and a build script give the same configuration, the same schema, the same start
//! and the same numbers.

#![deny(warnings)]

use mtl_eval::fusion::{Fusion, Input, Rows};
use mtl_runtime::__private::burn::tensor::{Device, Tensor, TensorData};
use mtl_runtime::data::Rng;
use mtl_runtime::data::schema::Schema;
use mtl_runtime::init::Init;
use mtl_runtime::model::Pass;
use mtl_runtime::parameters::{Parameter, parameters};
use mtl_runtime::{Model, loss};

mod by_build {
    include!(concat!(env!("OUT_DIR"), "/by_build.rs"));
}

mod by_file {
    include!(concat!(env!("OUT_DIR"), "/by_file.rs"));
}

mod by_macro {
    include!(concat!(env!("OUT_DIR"), "/by_macro.rs"));
}

include!(concat!(env!("OUT_DIR"), "/each_spec.rs"));

/// All that can be seen of a model.
#[derive(Debug, PartialEq)]
struct Seen {
    config: String,
    schema: Schema,
    parameters: Vec<Parameter>,
    logits: Vec<f32>,
    predictions: Vec<f32>,
    scores: Vec<f64>,
}

/// The default configuration, with learned scores fitted to noise.
fn fitted<M: Model>() -> M::Config {
    let mut config = M::default_config();
    let mut rng = Rng::keyed(12, "fusion");
    for learned in M::learned() {
        let names: Vec<&str> = learned.inputs.iter().map(|input| input.name).collect();
        let kinds: Vec<Input> = learned.inputs.iter().map(|input| input.kind).collect();
        let inputs: Vec<f64> = (0..100 * kinds.len()).map(|_| rng.unit()).collect();
        let labels: Vec<f32> = (0..100).map(|_| f32::from(u8::from(rng.chance(0.5)))).collect();
        let rows = Rows { names: &names, kinds: &kinds, inputs: &inputs, labels: &labels, weights: None, groups: None };
        let fusion = Fusion::fit(&rows, learned.target, &(learned.options)(&config), 0).unwrap();
        (learned.set)(&mut config, fusion);
    }
    config
}

fn seen<M: Model>() -> Seen {
    let config = fitted::<M>();
    let schema = M::schema(&config);
    let network = M::new(&config, &Init::new(3, &Device::default()));
    let rows = 5;
    let mut rng = Rng::keyed(11, "input");
    let input: Vec<f32> = (0..rows * schema.width()).map(|_| rng.normal() as f32).collect();
    let input = Tensor::from_data(TensorData::new(input, [rows, 1, schema.width()]), &Device::default());
    let logits: Vec<f32> = network.forward(input, &Pass::serving()).into_data().try_to_vec().unwrap();
    assert!(logits.iter().all(|logit| logit.is_finite()) && logits.len() == rows * schema.logit_columns());
    let predictions = loss::predictions(&schema, &logits);
    let row = predictions.iter().take(predictions.len() / rows).map(|&p| f64::from(p));
    // What scores read beside predictions.
    let row: Vec<f64> = row.chain(M::inputs().iter().map(|_| 1.0)).collect();
    let scores = M::ranks().iter().map(|rank| (rank.score)(&config, &row)).collect();
    let learned = |at: &usize| M::learned().iter().any(|learned| learned.expectations.contains(at));
    let expectations = M::expectations().iter().enumerate().filter(|(at, _)| !learned(at));
    assert!(expectations.into_iter().all(|(_, expectation)| (expectation.holds)(&config)));
    Seen {
        config: serde_json::to_string(&config).unwrap(),
        schema,
        parameters: parameters(&network),
        logits,
        predictions,
        scores,
    }
}

macro_rules! routes_agree {
    ($spec:ident, $model:ident) => {
        #[test]
        fn $spec() {
            let by_file = seen::<by_file::$model>();
            assert_eq!(by_file, seen::<by_macro::$model>(), "mtl_file! and mtl!");
            assert_eq!(by_file, seen::<by_build::$model>(), "mtl_file! and build script");
        }
    };
}

each_spec!(routes_agree);
