//! Laws of weightings on generated networks: methods are asked where the spec says, and every option counts.

use std::collections::BTreeMap;

use mtl_runtime::weighting::MethodConfig;
use mtl_runtime::{Model, Trainer, mtl};
use mtl_tests::training::{config, fit, folder, splits};
use mtl_tests::values;

mtl! { model Mixture {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mmoe(x, experts: 3 * mlp([5]));
    tower each = mlp(h, [3]);
    loss { weighting: pcgrad }
} }

mtl! { model Losses {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary(pos_weight: 3.0);
    let h = mlp(x, [6, 5]);
    tower each = mlp(h, [3]);
    loss { weighting: dwa }
    train { batch: 70, epochs: 4, optimizer: adam(lr: 1e-2) }
} }

mtl! { model Representation {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary(pos_weight: 3.0);
    let h = mlp(x, [6, 5]);
    tower each = mlp(h, [3]);
    loss { weighting: pcgrad }
    train { batch: 70, epochs: 4, optimizer: adam(lr: 1e-2) }
} }

mtl! { model ScaledTowers {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary(pos_weight: 3.0);
    let h = mlp(x, [6, 5]);
    tower each = mlp(h, [3]);
    loss { weighting: pcgrad, scale_towers: true }
    train { batch: 70, epochs: 4, optimizer: adam(lr: 1e-2) }
} }

mtl! { model Parameters {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary(pos_weight: 3.0);
    let h = mlp(x, [6, 5]);
    tower each = mlp(h, [3]);
    loss { weighting: pcgrad, at: parameters }
    train { batch: 70, epochs: 4, optimizer: adam(lr: 1e-2) }
} }

fn of_losses() -> Vec<MethodConfig> {
    vec![
        MethodConfig::Dwa { temperature: 2.0, window: None },
        MethodConfig::Dwa { temperature: 2.0, window: Some(3) },
        MethodConfig::Rlw,
        MethodConfig::Gls,
        MethodConfig::LogLoss,
        MethodConfig::Famo { lr: 0.025, decay: 1e-3, every: 1 },
        MethodConfig::Famo { lr: 0.025, decay: 1e-3, every: 3 },
        MethodConfig::Stch { mu: 1.0, first: 1, window: None },
        MethodConfig::ImtlL { lr: 1e-2 },
    ]
}

fn of_products() -> Vec<MethodConfig> {
    vec![
        MethodConfig::Gradnorm { alpha: 1.5, lr: 0.025 },
        MethodConfig::Mgda { by: "none".into() },
        MethodConfig::Mgda { by: "both".into() },
        MethodConfig::Pcgrad,
        MethodConfig::Gradvac { beta: 0.01 },
        MethodConfig::Cagrad { c: 0.4 },
        MethodConfig::Imtl,
        MethodConfig::Nash { max_norm: 1.0, every: 1 },
        MethodConfig::Aligned { scale: "min".into() },
        MethodConfig::Upgrad,
        MethodConfig::Fairgrad { alpha: 1.0 },
        MethodConfig::PeLtr { floors: vec![0.1, 0.3] },
        MethodConfig::Metabalance { target: 0, relax: 0.7, beta: 0.9, strategy: "both".into() },
    ]
}

fn of_vectors() -> Vec<MethodConfig> {
    vec![
        MethodConfig::DbMtl { beta: 0.9, sigma: 0.0 },
        MethodConfig::ExcessMtl { eta: 0.01 },
        MethodConfig::Moco { beta: 0.5, gamma: 0.1 },
    ]
}

/// Trains at once, and in parts from a checkpoint: the same bits, which are finite. The trained values.
fn trained<M: Model>(name: &str, config: &M::Config) -> BTreeMap<String, Vec<f32>> {
    let at_once = Trainer::<M>::new(config.clone(), splits(name)).fit().unwrap();
    let path = folder(name).join("model.safetensors");
    for (at, stop) in [2u64, 8, 13].into_iter().enumerate() {
        let part = Trainer::<M>::new(config.clone(), splits(name)).checkpoint(&path).resume(at > 0);
        part.stop_after(Some(stop)).fit().unwrap();
    }
    let resumed = Trainer::<M>::new(config.clone(), splits(name)).checkpoint(&path).resume(true).fit().unwrap();
    let (a, b) = (values(at_once.predictor.network()), values(resumed.predictor.network()));
    assert_eq!(a, b, "{name}: an interruption changes nothing");
    assert!(a.values().flatten().all(|value| value.is_finite()), "{name}");
    let last = at_once.report.epochs.last().unwrap();
    assert!(last.weights.iter().all(|(_, weight)| weight.is_finite()));
    assert_eq!(last.gradients.as_ref().map_or(0, |log| log.fallbacks), 0, "{name} always has an answer");
    a
}

/// Every method trains, goes on where it stopped, and is unlike the plain sum and the others.
fn unlike<M: Model>(place: &str, methods: Vec<MethodConfig>, make: impl Fn(MethodConfig) -> M::Config) {
    let mut all: Vec<(MethodConfig, BTreeMap<String, Vec<f32>>)> = Vec::new();
    for (at, method) in methods.into_iter().enumerate() {
        let found = trained::<M>(&format!("{place}_{at}"), &make(method.clone()));
        // Rows are drawn by the folder's name, so only the first steps of one name can be compared: train all on one more.
        drop(found);
        let config = make(method.clone());
        let found = values(Trainer::<M>::new(config, splits(place)).fit().unwrap().predictor.network());
        for (other, values) in &all {
            assert!(*values != found, "{method:?} and {other:?} give the same");
        }
        all.push((method, found));
    }
}

#[test]
fn methods_of_losses_train_and_resume() {
    unlike::<Losses>("losses", of_losses(), |method| {
        let mut config = LossesConfig::new();
        config.loss.weighting.method = method;
        config
    });
}

#[test]
fn methods_of_gradients_train_and_resume_at_the_representation() {
    let methods = of_products().into_iter().chain([MethodConfig::Graddrop { leak: 0.0 }]).collect();
    unlike::<Representation>("representation", methods, |method| {
        let mut config = RepresentationConfig::new();
        config.loss.weighting.method = method;
        config
    });
}

#[test]
fn methods_of_gradients_train_and_resume_at_parameters() {
    unlike::<Parameters>("parameters", of_products().into_iter().chain(of_vectors()).collect(), |method| {
        let mut config = ParametersConfig::new();
        config.loss.weighting.method = method;
        config
    });
}

#[test]
fn what_stands_around_a_method_counts() {
    let method = MethodConfig::Metabalance { target: 0, relax: 0.7, beta: 0.9, strategy: "both".into() };
    let mut scaled = ScaledTowersConfig::new();
    scaled.loss.weighting.method = method.clone();
    let mut parameters = ParametersConfig::new();
    parameters.loss.weighting.method = method.clone();
    let of = |change: &dyn Fn(&mut mtl_runtime::weighting::WeightingConfig)| {
        let mut config = config::<Representation>(&[]);
        config.loss.weighting.method = method.clone();
        change(&mut config.loss.weighting);
        values(Trainer::<Representation>::new(config, splits("around")).fit().unwrap().predictor.network())
    };
    let base = of(&|_| ());
    let towers = Trainer::<ScaledTowers>::new(scaled, splits("around")).fit().unwrap();
    assert!(values(towers.predictor.network()) != base, "scale_towers");
    let all = Trainer::<Parameters>::new(parameters, splits("around")).fit().unwrap();
    assert!(values(all.predictor.network()) != base, "at: parameters");
    assert!(of(&|weighting| weighting.warm_up = 2) != base, "warm_up");
    assert!(of(&|weighting| weighting.normalize = Some("mean".into())) != base, "normalize");
    assert!(of(&|weighting| weighting.floors = vec![3.0, 0.0]) != base, "floors");
    assert!(of(&|weighting| weighting.caps = vec![0.5, 9.0]) != base, "caps");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let refused = |change: &dyn Fn(&mut mtl_runtime::weighting::WeightingConfig)| {
        let mut config = config::<Representation>(&[]);
        change(&mut config.loss.weighting);
        match Trainer::<Representation>::new(config, splits("refused")).fit() {
            Ok(_) => panic!("it is accepted"),
            Err(error) => error.to_string(),
        }
    };
    let message = refused(&|weighting| weighting.method = MethodConfig::Mgda { by: "size".into() });
    assert!(message.contains("`size`") && message.contains("norm"), "{message}");
    let message = refused(&|weighting| weighting.normalize = Some("max".into()));
    assert!(message.contains("sum or mean"), "{message}");
    let message = refused(&|weighting| weighting.floors = vec![1.0]);
    assert!(message.contains("loss.weighting"), "{message}");
    let message = refused(&|weighting| weighting.method = MethodConfig::Famo { lr: 0.1, decay: 0.0, every: 0 });
    assert!(message.contains("at least one step"), "{message}");
    let mut config = config::<Mixture>(&[]);
    config.loss.weighting.method = MethodConfig::Graddrop { leak: 0.0 };
    let message = match Trainer::<Mixture>::new(config, splits("refused")).fit() {
        Ok(_) => panic!("it is accepted"),
        Err(error) => error.to_string(),
    };
    assert!(message.contains("`h`") && message.contains("stream"), "{message}");
}

#[test]
fn a_task_that_is_weighed_far_above_the_others_is_reported_once() {
    let mut config = RepresentationConfig::new();
    config.loss.weighting.method = MethodConfig::PeLtr { floors: vec![0.02, 0.93] };
    let report = Trainer::<Representation>::new(config, splits("raised")).fit().unwrap().report;
    let found: Vec<Option<f64>> = report.epochs.iter().map(|epoch| epoch.raised.get("two").copied()).collect();
    assert!(found[0].is_some_and(|ratio| ratio > 10.0), "{found:?}");
    assert!(found.len() > 1 && found[1..].iter().all(Option::is_none), "{found:?}");
    assert!(fit::<Representation>("raised", &[]).report.epochs.iter().all(|epoch| epoch.raised.is_empty()));
}

#[test]
fn the_report_holds_lengths_and_cosines() {
    let report = fit::<Representation>("report", &[]).report;
    for epoch in &report.epochs {
        let log = epoch.gradients.as_ref().expect("gradients are compared");
        assert!(log.norms.iter().all(|(_, norm)| *norm > 0.0), "{log:?}");
        let [(a, b, cosine)] = &log.cosines[..] else { panic!("one pair: {log:?}") };
        assert!(a == "one" && b == "two" && (-1.0..=1.0).contains(cosine), "{log:?}");
    }
}
