//! Tasks that depend on each other: AITM, orders of probabilities, conditional probabilities over the entire space, and terms that
//! exist while training only.

use mtl_data::simulator::{self, FeedOptions};
use mtl_data::{Numbers, Table};
use mtl_runtime::__private::burn::tensor::{Device, Tensor, TensorData};
use mtl_runtime::model::Pass;
use mtl_runtime::{Model, Splits, Trainer, mtl};
use mtl_tests::{
    Arrays, assert_close, check_golden, golden, gradients, logits, network, normal, numbers, values, width, with,
};

const ROWS: usize = 9;

fn rows<M: Model>() -> Vec<f32> {
    normal("rows", ROWS * width::<M>())
}

mtl! { model SmallAitm {
    features x {
        a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
    }
    task first: binary; task second: binary;
    let h = aitm(x, chain: [first, second], hidden: [4], width: 3);
    tower each = mlp(h, [2]);
} }

mtl! { model SmallEsmm {
    features x {
        a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
    }
    task first: binary; task second: binary given first;
    tower each = mlp(x, [3]);
} }

mtl! { model SmallDbmtl {
    features x {
        a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
    }
    task first: binary; task second: binary;
    let h = dbmtl(x, hidden: [4], relation: [3], relations: [first | second]);
    tower each = mlp(h, [2]);
} }

#[test]
fn dbmtl_agrees_with_pytorch() {
    check_golden::<SmallDbmtl>(&golden("dbmtl"), &Arrays::clone);
}

#[test]
fn aitm_agrees_with_pytorch() {
    check_golden::<SmallAitm>(&golden("aitm"), &Arrays::clone);
}

#[test]
fn esmm_agrees_with_pytorch() {
    check_golden::<SmallEsmm>(&golden("esmm"), &Arrays::clone);
}

mtl! { model Three {
    features x { a: number, b: number, c: number }
    task buy: binary; task like: binary; task cart: binary; task click: binary;
    let h = aitm(x, chain: [click, cart, buy], width: 4);
    tower each = h;
} }

fn only(task: usize) -> Vec<f32> {
    (0..4).map(|t| f32::from(t == task)).collect()
}

fn max_abs(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |max, value| max.max(value.abs()))
}

#[test]
fn a_task_of_the_chain_learns_from_those_before_it_alone() {
    let three = network::<Three>(1);
    let x = rows::<Three>();
    let labels: Vec<f32> = (0..ROWS * 4).map(|at| f32::from(at % 3 == 0)).collect();
    // Members of the networks stand in the order of the chain, then the others.
    let order = ["click", "cart", "buy", "like"];
    let reaches = |task: usize| -> Vec<&str> {
        let found = gradients(&three, &x, &labels, &[1.0; ROWS * 4], &only(task));
        let gradient = &found.of["h.own_1.weight"];
        let members = gradient.chunks(gradient.len() / 4);
        members.zip(order).filter(|(gradient, _)| max_abs(gradient) > 0.0).map(|(_, name)| name).collect()
    };
    assert_eq!(reaches(3), ["click"]);
    assert_eq!(reaches(2), ["click", "cart"]);
    assert_eq!(reaches(0), ["click", "cart", "buy"]);
    assert_eq!(reaches(1), ["like"]);
}

#[test]
fn attention_between_two_equal_values_is_that_value() {
    // With nothing to query the weights are a half each, whatever the keys; with equal elements they do not matter.
    let three = network::<Three>(1);
    let names = |part: &str| ["cart", "buy"].map(|task| format!("h.{task}_{part}.weight"));
    let moved = |parts: &[&str], factor: f32| {
        let moved: Vec<String> = parts.iter().flat_map(|part| names(part)).collect();
        let from = values(&three);
        let network = with(network::<Three>(1), |path, shape| {
            // Every network is the same, and the transfer is the identity: what is passed on is what the task has.
            if path.starts_with("h.own_1") {
                let one = &from[path][..from[path].len() / 4];
                return Some(one.repeat(4));
            }
            if path.ends_with("_transfer.weight") {
                return Some((0..16).map(|at| f32::from(at % 5 == 0)).collect());
            }
            if path.ends_with("_value.weight") {
                return Some((0..16).map(|at| f32::from(at % 5 == 0)).collect());
            }
            if path.ends_with("_transfer.bias") {
                return Some(vec![0.0; shape.iter().product()]);
            }
            moved.iter().any(|name| name == path).then(|| from[path].iter().map(|value| value * factor).collect())
        });
        logits(&network, &rows::<Three>())
    };
    let plain = moved(&[], 1.0);
    assert_close("queries and keys", &moved(&["query", "key"], -3.0), &plain, 1e-5);
}

#[test]
fn the_order_of_a_declaration_is_not_that_of_the_chain() {
    let paths: Vec<String> = values(&network::<Three>(1)).into_keys().collect();
    assert!(paths.iter().any(|path| path == "h.buy_transfer.weight"));
    assert!(!paths.iter().any(|path| path == "h.click_transfer.weight"), "{paths:?}");
}

mtl! { model Graph {
    features x { a: number, b: number, c: number }
    task buy: binary; task like: binary; task cart: binary; task click: binary;
    let h = dbmtl(x, hidden: [4], relation: [3], relations: [buy | cart, cart | click, buy | like]);
    tower each = h;
} }

#[test]
fn a_task_learns_through_those_it_is_given() {
    let graph = network::<Graph>(1);
    let labels: Vec<f32> = (0..ROWS * 4).map(|at| f32::from(at % 3 == 0)).collect();
    let names = ["buy", "like", "cart", "click"];
    let reaches = |task: usize| -> Vec<&str> {
        let found = gradients(&graph, &rows::<Graph>(), &labels, &[1.0; ROWS * 4], &only(task)).of;
        let gradient = &found["h.own_1.weight"];
        let members: Vec<bool> = gradient.chunks(gradient.len() / 4).map(|own| max_abs(own) > 0.0).collect();
        for (name, reached) in names.iter().zip(&members) {
            let relation = max_abs(&found[&format!("h.{name}_relation_1.weight")]) > 0.0;
            assert_eq!(relation, *reached, "{name}");
        }
        names.into_iter().zip(members).filter(|(_, reached)| *reached).map(|(name, _)| name).collect()
    };
    assert_eq!(reaches(0), names);
    assert_eq!(reaches(1), ["like"]);
    assert_eq!(reaches(2), ["cart", "click"]);
    assert_eq!(reaches(3), ["click"]);
}

mtl! { model Decomposed {
    features x { a: number, b: number, c: number }
    task click: binary; task action: binary given click; task buy: binary(through: action) given click;
    tower each = mlp(x, [4]);
} }

mtl! { model Undivided {
    features x { a: number, b: number, c: number }
    task click: binary; task action: binary given click; task buy: binary given click;
    tower each = mlp(x, [4]);
} }

#[test]
fn a_purchase_is_either_after_the_action_or_without_it() {
    let decomposed = network::<Decomposed>(1);
    let undivided = with(network::<Undivided>(2), |path, _| Some(values(&decomposed)[path].clone()));
    let x = rows::<Decomposed>();
    // With another purchase tower: what happens without the action.
    let otherwise = with(network::<Undivided>(2), |path, _| {
        let from = values(&decomposed);
        let (own, other) = (from[path].clone(), &from[&path.replace("tower_each", "tower_buy_otherwise")]);
        Some([&own[..own.len() / 3 * 2], other].concat())
    });
    let probability = |z: f32| 1.0 / (1.0 + (-z).exp());
    let [mixed, after, without] = [logits(&decomposed, &x), logits(&undivided, &x), logits(&otherwise, &x)];
    for ((mixed, after), without) in mixed.chunks(3).zip(after.chunks(3)).zip(without.chunks(3)) {
        assert_eq!(mixed[..2], after[..2]);
        let action = probability(after[1]);
        let expected = action * probability(after[2]) + (1.0 - action) * probability(without[2]);
        assert!((probability(mixed[2]) - expected).abs() < 1e-6);
    }
    // Predicted in its own space: the product with the click.
    let predictions = mtl_runtime::loss::predictions(&Decomposed::schema(&Decomposed::default_config()), &mixed);
    for row in predictions.chunks(5) {
        let [click, action, action_given, buy, buy_given] = row else { unreachable!() };
        assert!((click * action_given - action).abs() < 1e-6 && (click * buy_given - buy).abs() < 1e-6);
        assert!(action <= click && buy <= click);
    }
}

#[test]
fn with_one_tower_for_both_cases_the_action_says_nothing() {
    let decomposed = network::<Decomposed>(1);
    let from = values(&decomposed);
    let same = |action: f32| {
        let network = with(network::<Decomposed>(1), |path, _| {
            let each = &from[&path.replace("tower_buy_otherwise", "tower_each")];
            let third = each.len() / 3;
            Some(match path.starts_with("tower_buy_otherwise") {
                true => each[2 * third..].to_vec(),
                false => {
                    let moved = each[third..2 * third].iter().map(|value| value + action);
                    [each[..third].to_vec(), moved.collect(), each[2 * third..].to_vec()].concat()
                }
            })
        });
        let all = logits(&network, &rows::<Decomposed>());
        all.chunks(3).map(|row| row[2]).collect::<Vec<f32>>()
    };
    assert_close("actions", &same(0.0), &same(1.5), 1e-5);
    let esmm = with(network::<Undivided>(1), |path, _| Some(from[path].clone()));
    let esmm: Vec<f32> = logits(&esmm, &rows::<Undivided>()).chunks(3).map(|row| row[2]).collect();
    assert_close("ESMM", &same(0.0), &esmm, 1e-5);
}

mtl! { model Ordered {
    features user { user_id: id(vocab: auto, dim: 4), age_range: category(dim: 4) }
    features item { video_id: id(vocab: auto, dim: 4) }
    task click: binary(label: is_click); task buy: binary(label: purchase); task like: binary(label: is_like);
    let h = aitm(concat(user, item), chain: [click, buy], width: 8);
    tower each = h;
    loss { order: [hinge(buy <= click, weight: 0.6), hinge(click >= like)] }
    train { epochs: 1, batch: 256 }
} }

mtl! { model Robust {
    features user { user_id: id(vocab: auto, dim: 4), age_range: category(dim: 4) }
    features item { video_id: id(vocab: auto, dim: 4) }
    task click: binary(label: is_click); task buy: binary(label: purchase) given click;
    tower each = mlp(concat(user, item), [8]);
    loss { causal: dr(task: buy) }
    train { epochs: 1, batch: 256 }
} }

mtl! { model Opposite {
    features user { user_id: id(vocab: auto, dim: 4), age_range: category(dim: 4) }
    features item { video_id: id(vocab: auto, dim: 4) }
    task click: binary(label: is_click); task buy: binary(label: purchase) given click;
    tower each = mlp(concat(user, item), [8]);
    loss { causal: dcmt(task: buy) }
    train { epochs: 1, batch: 256 }
} }

mtl! { model Inverse {
    features user { user_id: id(vocab: auto, dim: 4), age_range: category(dim: 4) }
    features item { video_id: id(vocab: auto, dim: 4) }
    task click: binary(label: is_click); task buy: binary(label: purchase) given click;
    tower each = mlp(concat(user, item), [8]);
    loss { causal: ips(task: buy, clip: 0.2, weight: 0.5) }
    train { epochs: 1, batch: 256 }
} }

mtl! { model Watch {
    features user { user_id: id(vocab: auto, dim: 4), age_range: category(dim: 4) }
    features item { video_id: id(vocab: auto, dim: 4), duration_ms: number }
    features bias { position: category(dim: 3), tab: category(dim: 3) }
    task click: binary(label: is_click); task like: binary(label: is_like);
    let h = mlp(concat(user, item), [8]);
    tower click = mlp(h, [4]) + wide(user, item) + train_only(mlp(bias, [5]), drop_input: 0.1);
    tower like = mlp(h, [4]) + wide(user);
    train { epochs: 1, batch: 256 }
} }

fn feed(rows: usize) -> Table {
    simulator::feed(&FeedOptions { rows, users: 60, videos: 80, seed: 3 }).unwrap().table
}

fn trained<M: Model>(rows: usize) -> mtl_runtime::Trained<M> {
    let splits = Splits { train: feed(rows), validation: feed(400), test: None };
    Trainer::<M>::new(M::default_config(), splits).fit().unwrap()
}

/// What an epoch reports of the terms of the loss.
fn terms<M: Model>() -> Vec<(String, f64)> {
    let trained = trained::<M>(1500);
    let epoch = &trained.report.epochs[0];
    epoch.penalties.iter().map(|(name, value)| (name.to_owned(), *value)).collect()
}

#[test]
fn an_epoch_reports_the_terms_of_the_loss_by_name() {
    let names = |found: &[(String, f64)]| found.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let ordered = terms::<Ordered>();
    assert_eq!(names(&ordered), ["order.buy<=click", "order.like<=click"]);
    for (found, name) in
        [(terms::<Robust>(), "dr.buy"), (terms::<Inverse>(), "ips.buy"), (terms::<Opposite>(), "dcmt.buy")]
    {
        assert_eq!(names(&found), [name]);
        assert!(found[0].1.is_finite() && found[0].1 > 0.0, "{found:?}");
    }
}

/// The logits of a pass.
fn pass<M: Model>(network: &M, x: &[f32], pass: &Pass) -> Vec<f32> {
    let width = width::<M>();
    let input =
        Tensor::from_data(TensorData::new(x.to_vec(), [x.len() / width, 1, width]), &Device::default().autodiff());
    numbers(network.forward(input, pass))
}

#[test]
fn a_second_tower_exists_while_training_only() {
    let robust = network::<Robust>(1);
    let x = rows::<Robust>();
    let (serving, training) = (logits(&robust, &x), pass(&robust, &x, &Pass::training(0, 0)));
    assert_eq!((serving.len(), training.len()), (ROWS * 2, ROWS * 3));
    for (serving, training) in serving.chunks(2).zip(training.chunks(3)) {
        assert_eq!(serving, &training[..2]);
    }
    // It starts differently from the first.
    let from = values(&robust);
    assert_ne!(from["tower_each.hidden_1.weight"][12 * 8..], from["tower_buy_imputation.hidden_1.weight"][..]);
}

#[test]
fn the_weight_of_a_term_is_a_number_of_the_configuration() {
    let mut config = Inverse::default_config();
    assert_eq!((config.loss.causal.clip, config.loss.causal.weight), (0.2, 0.5));
    config.loss.causal.weight = 0.0;
    let splits = Splits { train: feed(600), validation: feed(100), test: None };
    let trained = Trainer::<Inverse>::new(config, splits).fit().unwrap();
    assert_eq!(trained.report.epochs[0].penalties.iter().count(), 0, "a term of weight 0 is none");
}

/// The bias columns of `Watch`'s input replaced.
fn with_bias(x: &[f32], bias: &[f32]) -> Vec<f32> {
    let (schema, width) = (Watch::schema(&Watch::default_config()), width::<Watch>());
    let slots = schema.flat(&["bias"]);
    let columns: Vec<usize> = slots.slots()[0].iter().flat_map(Clone::clone).collect();
    let mut x = x.to_vec();
    for (row, from) in x.chunks_mut(width).zip(bias.chunks(width)) {
        columns.iter().for_each(|&column| row[column] = from[column]);
    }
    x
}

/// What training adds to the logits: `[rows, 2]`.
fn added<M: Model>(network: &M, x: &[f32]) -> Vec<f32> {
    let (training, serving) = (pass(network, x, &Pass::training(1, 5)), logits(network, x));
    training.iter().zip(&serving).map(|(training, serving)| training - serving).collect()
}

#[test]
fn serving_does_not_see_the_position() {
    let watch = network::<Watch>(1);
    let (x, other) = (rows::<Watch>(), normal("other", ROWS * width::<Watch>()));
    assert_eq!(logits(&watch, &x), logits(&watch, &with_bias(&x, &other)));
    assert_ne!(pass(&watch, &x, &Pass::training(1, 5)), pass(&watch, &with_bias(&x, &other), &Pass::training(1, 5)));
}

#[test]
fn what_training_adds_depends_on_the_position_alone() {
    let watch = network::<Watch>(1);
    let (x, other) = (rows::<Watch>(), normal("other", ROWS * width::<Watch>()));
    let found = added(&watch, &x);
    assert_close("other users and items", &added(&watch, &with_bias(&other, &x)), &found, 1e-5);
    assert!(found.chunks(2).all(|row| row[1] == 0.0), "a tower without a train-only term");
    assert!(max_abs(&found) > 0.01);
    let without = with(network::<Watch>(1), |path, shape| {
        path.starts_with("tower_click_train_only.").then(|| vec![0.0; shape.iter().product()])
    });
    assert_eq!(added(&without, &x), [0.0; ROWS * 2]);
}

#[test]
fn a_tenth_of_the_rows_is_trained_as_it_is_served() {
    let watch = network::<Watch>(1);
    let rows = 20_000;
    let x = normal("many", rows * width::<Watch>());
    let hidden = added(&watch, &x).chunks(2).filter(|row| row[0] == 0.0).count();
    let share = hidden as f64 / rows as f64;
    assert!((share - 0.1).abs() < 0.01, "{share}");
    let ones = Tensor::<3>::ones([100_000, 1, 1], &Device::default());
    let kept = numbers(mtl_runtime::ops::drop_rows(ones, 0.1, &Pass::training(3, 1), "bias"));
    let share = 1.0 - kept.iter().sum::<f32>() / 100_000.0;
    assert!((share - 0.1).abs() < 0.005, "{share}");
}

#[test]
fn the_position_gives_nothing_to_what_is_served_and_learns_from_its_own_task() {
    let watch = network::<Watch>(1);
    let labels = vec![1.0; ROWS * 2];
    let found =
        |task_weights: [f32; 2]| gradients(&watch, &rows::<Watch>(), &labels, &[1.0; ROWS * 2], &task_weights).of;
    let path = "tower_click_train_only.hidden_1.weight";
    assert!(max_abs(&found([1.0, 0.0])[path]) > 0.0);
    assert_eq!(max_abs(&found([0.0, 1.0])[path]), 0.0);
    assert!(!values(&watch).contains_key("tower_click_train_only.output.bias"), "the tower has the bias");
}

#[test]
fn a_model_predicts_without_the_columns_of_training() {
    let trained = trained::<Watch>(1500);
    let table = feed(50);
    let served: Vec<&str> = ["user_id", "age_range", "video_id", "duration_ms"].to_vec();
    let all = trained.predictor.predict(&table).unwrap();
    let without = trained.predictor.predict(&table.select(&served).unwrap()).unwrap();
    assert_eq!(all.task("click"), without.task("click"));
    assert_eq!(all.task("like"), without.task("like"));
    let error =
        trained.predictor.predict(&table.select(&["user_id", "age_range", "duration_ms", "position", "tab"]).unwrap());
    assert!(
        error.err().is_some_and(|error| error.to_string().contains("video_id")),
        "what serving reads must be there"
    );
}

/// Of each task the largest wide weight in `x`, for users and for items.
fn wide(embeddings: &mtl_runtime::embedding::Embeddings, features: &[mtl_data::FeatureValues]) -> [[f32; 2]; 2] {
    let schema = Watch::schema(&Watch::default_config());
    let x = embeddings.read(features);
    [0, 1].map(|task| {
        ["user", "video_id"].map(|name| {
            let slots = schema.wide(&[name]);
            let columns = slots.slots()[task].iter().flat_map(Clone::clone);
            let weights = columns.flat_map(|column| x.iter().skip(column).step_by(embeddings.width()));
            weights.fold(0.0, |max: f32, weight| max.max(weight.abs()))
        })
    })
}

#[test]
fn the_weights_of_the_wide_part_start_at_0_and_belong_to_the_tasks_that_read_them() {
    let schema = Watch::schema(&Watch::default_config());
    let table = feed(1500);
    let encoder = mtl_data::Encoder::fit(&schema, &table).unwrap();
    let config = Watch::default_config();
    let fresh = mtl_runtime::embedding::Embeddings::new(&schema, &encoder, config.train.embeddings, 1);
    let features = encoder.encode_features(&table).unwrap().features;
    assert_eq!(wide(&fresh, &features), [[0.0; 2]; 2]);
    let trained = trained::<Watch>(1500);
    let features = trained.predictor.encoder().encode_features(&table).unwrap().features;
    let [click, like] = wide(trained.predictor.embeddings(), &features);
    assert!(click[0] > 0.0 && click[1] > 0.0 && like[0] > 0.0, "{click:?} {like:?}");
    assert_eq!(like[1], 0.0, "`like` reads no item");
}

mtl! { model Stars {
    features x { a: number, b: number, c: number }
    task click: binary; task stars: ordinal(levels: 5); task watch: regression;
    tower each = mlp(x, [4]);
    train { best: rmse, epochs: 20, batch: 100, optimizer: adam(lr: 0.02) }
} }

#[test]
fn levels_are_learned_with_their_thresholds() {
    let table = |seed: &str, rows: usize| {
        let x = normal(seed, 3 * rows);
        let column = |at: usize| -> Vec<f64> { x[at * rows..(at + 1) * rows].iter().map(|x| f64::from(*x)).collect() };
        // Unequal steps between the levels.
        let level = |z: f64| 1.0 + [-2.0, 0.2, 0.4, 1.0].iter().filter(|threshold| z > **threshold).count() as f64;
        let stars: Vec<f64> = column(0).into_iter().map(level).collect();
        Table::from_columns([
            ("a", Numbers::from(column(0))),
            ("b", Numbers::from(column(1))),
            ("c", Numbers::from(column(2))),
            ("click", Numbers::from(vec![1.0f64; rows])),
            ("stars", Numbers::from(stars)),
            ("watch", Numbers::from(vec![0.0f64; rows])),
        ])
        .unwrap()
    };
    let splits = Splits { train: table("train", 1000), validation: table("validation", 300), test: None };
    let config = Stars::default_config();
    let trained = Trainer::<Stars>::new(config, splits).fit().unwrap();
    let steps = &values(trained.predictor.network())["tower_stars_levels.steps.value"];
    let step = |at: usize| steps[at].exp().ln_1p();
    // Labels without noise leave the scale of the steps open, a tower that bends their ratios, and the epoch of the best RMSE
    // is an early one: only their order is sure. `joint.rs` recovers thresholds from labels that have any.
    assert!(steps.len() == 3 && step(1) < step(0).min(step(2)), "the second step is the narrowest: {steps:?}");
    let metrics = trained.report.split.get("validation").unwrap().tasks.get("stars").unwrap().clone();
    assert!(metrics.auc.is_none() && metrics.rmse.is_some_and(|rmse| rmse < 0.5), "{metrics:?}");
    let predictions = trained.predictor.predict(&table("other", 100)).unwrap();
    assert!(predictions.task("stars").unwrap().iter().all(|level| (1.0..=5.0).contains(level)));
}
