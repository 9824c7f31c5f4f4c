//! Losses within a group, losses that are sums, and several classes, from end to end.

use mtl_runtime::__private::burn::tensor::{Device, Tensor, TensorData};
use mtl_runtime::config::apply_setting;
use mtl_runtime::data::{Column, Ids, Labels, Numbers, Rng, Table};
use mtl_runtime::loss::grouped_losses;
use mtl_runtime::train::check;
use mtl_runtime::{Model, Splits, Trained, Trainer, mtl};

mtl! { model Joint {
    features x { a: number, b: number }
    task click: binary(loss: jrc(alpha: 0.4), group: request);
    task like:  binary(loss: bce + 0.3 * bpr + 0.5 * jrc(alpha: 0.25), pos_weight: 2.0, group: request, weight_column: trust);
    task grade: pairwise(loss: list_net(temperature: 2.0), group: request);
    task pick:  pairwise(loss: bpr + 0.5 * list_net, group: request);
    task time:  regression(loss: mse + 0.2 * huber(delta: 0.5), weight_column: trust);
    task genre: multiclass(classes: 3, smoothing: 0.1);
    tower each = mlp(x, [8]);
    train { batch: 64, epochs: 6, seed: 3, optimizer: adam(lr: 1e-2), best: gauc }
} }

mtl! { model Balanced {
    features x { a: number, b: number }
    task click: binary(loss: bce + 0.5 * jrc, group: request);
    task genre: multiclass(classes: 3);
    let h = mlp(x, [8]);
    tower each = mlp(h, [4]);
    loss { weighting: pcgrad }
    train { batch: 64, epochs: 6, seed: 3, optimizer: adam(lr: 1e-2), best: accuracy }
} }

mtl! { model Stars {
    features x { a: number, b: number }
    task stars: ordinal(levels: 5);
    tower stars = x;
    train { best: loss, epochs: 40, batch: 100, optimizer: adam(lr: 0.02) }
} }

const HEADS: [&str; 6] = ["click", "like", "grade", "pick", "time", "genre"];

/// Requests of a level of their own, in which what is chosen depends on `a`; a genre that depends on both numbers.
fn table(seed: u64, requests: usize) -> Table {
    let mut rng = Rng::keyed(seed, "joint");
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); 9];
    let mut request = Vec::new();
    for r in 0..requests {
        for _ in 0..2 + rng.below(6) {
            let (a, b) = (rng.normal(), rng.normal());
            let happens = |rng: &mut Rng, z: f64| f64::from(u8::from(rng.chance(1.0 / (1.0 + (-z).exp()))));
            let grade = (2.0 + a + 0.3 * rng.normal()).round().clamp(0.0, 4.0);
            let genre = if b > 0.5 { 2.0 } else { f64::from(u8::from(a > 0.0)) };
            let (click, like) = (happens(&mut rng, 2.0 * a), happens(&mut rng, 2.0 * a - 1.0));
            let pick = f64::from(u8::from(a + 0.3 * rng.normal() > 0.5));
            let row = [a, b, click, like, grade, pick, a - b, genre, 1.0 + f64::from(rng.below(2) as u32)];
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            request.push(r as i64);
        }
    }
    let names = ["a", "b"].into_iter().chain(HEADS).chain(["trust"]);
    let columns = names.zip(columns).map(|(name, values)| (name, Column::from(Numbers(values))));
    Table::from_columns(columns.chain([("request", Ids::from(request).into())])).unwrap()
}

fn splits(requests: usize) -> Splits {
    Splits { train: table(1, requests), validation: table(2, 150), test: None }
}

fn fit(config: JointConfig, requests: usize) -> Trained<Joint> {
    Trainer::new(config, splits(requests)).fit().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn losses_and_slopes_are_those_of_pytorch() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../goldens/losses.json")).unwrap();
    let numbers = |name: &str| -> Vec<f32> {
        golden["joint"][name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
    };
    let groups: Vec<u64> = numbers("groups").into_iter().map(|group| group as u64).collect();
    let logits = TensorData::new(numbers("logits"), [groups.len(), 10]);
    let logits = Tensor::<2>::from_data(logits, &Device::default().autodiff()).require_grad();
    let schema = Joint::schema(&JointConfig::new());
    assert_eq!(schema.logit_columns(), 10);
    let losses = grouped_losses(&schema, logits.clone(), &numbers("labels"), &numbers("weights"), &groups);
    let gradients = losses.clone().sum().backward();
    let close = |what: &str, found: Vec<f32>, expected: Vec<f32>| {
        assert_eq!(found.len(), expected.len());
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!((found - expected).abs() <= 1e-6 + 1e-5 * expected.abs(), "{what} {at}: {found} and {expected}");
        }
    };
    let values = |data: TensorData| data.try_into_vec::<f32>().unwrap();
    close("loss", values(losses.into_data()), numbers("losses"));
    close("slope", values(logits.grad(&gradients).unwrap().into_data()), numbers("gradient"));
}

#[test]
fn each_loss_learns_and_its_summands_are_reported() {
    let trained = fit(JointConfig::new(), 600);
    let test = table(3, 150);
    let metrics = trained.predictor.evaluate(&test).unwrap();
    println!("{}", metrics.table());
    let of = |name: &str| metrics.tasks.get(name).unwrap().clone();
    // A grade between counts for both sides, so no order of grades reaches 1.
    assert!(of("grade").gauc.unwrap() > 0.7 && of("pick").gauc.unwrap() > 0.85, "{metrics:?}");
    assert!(of("click").auc.unwrap() > 0.8 && (0.85..1.15).contains(&of("click").pcoc.unwrap()), "{metrics:?}");
    let genre = of("genre");
    assert!(genre.accuracy.unwrap() > 0.85 && genre.logloss.unwrap() < 0.6 && genre.auc.is_none(), "{genre:?}");
    let predictions = trained.predictor.predict(&test).unwrap();
    let classes = [0, 1, 2].map(|class| predictions.task(&format!("genre_{class}")).unwrap().to_vec());
    for row in 0..test.rows() {
        let sum: f32 = classes.iter().map(|column| column[row]).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    }
    let typed = JointPredictions::from(&predictions);
    assert_eq!(typed.genre_2, classes[2]);
    let last = trained.report.epochs.last().unwrap();
    let names: Vec<&str> = last.parts.iter().map(|(name, _)| name).collect();
    let expected = ["like.bce", "like.bpr", "like.jrc", "pick.bpr", "pick.list_net", "time.mse", "time.huber"];
    assert_eq!(names, expected);
    let part = |name: &str| last.parts.get(name).unwrap().unwrap();
    let whole = last.losses.get("time").unwrap().unwrap();
    assert!((part("time.mse") + 0.2 * part("time.huber") - whole).abs() < 1e-5, "{:?}", last.parts);
    let again = fit(JointConfig::new(), 600);
    assert_eq!(again.report.split, trained.report.split, "the same seed gives the same bits");
}

/// Towers share nothing here: a number of one task moves that task alone.
#[test]
fn every_number_has_an_effect_on_its_task_alone() {
    let predicted = |setting: Option<&str>| {
        let mut config = JointConfig::new();
        config.train.epochs = 1;
        setting.into_iter().for_each(|setting| apply_setting(&mut config, setting).unwrap());
        let predictions = fit(config, 80).predictor.predict(&table(3, 10)).unwrap();
        HEADS.map(|name| {
            let name = if name == "genre" { "genre_1" } else { name };
            predictions.task(name).unwrap().to_vec()
        })
    };
    let plain = predicted(None);
    let settings = [
        ("click", "tasks.click.alpha=0.8"),
        ("like", "tasks.like.bce_weight=0.5"),
        ("like", "tasks.like.pos_weight=1.0"),
        ("like", "tasks.like.bpr_weight=0.0"),
        ("like", "tasks.like.jrc_weight=1.0"),
        ("like", "tasks.like.jrc_alpha=0.9"),
        ("grade", "tasks.grade.temperature=0.5"),
        ("pick", "tasks.pick.bpr_weight=3.0"),
        ("pick", "tasks.pick.list_net_weight=0.0"),
        ("pick", "tasks.pick.list_net_temperature=0.3"),
        ("time", "tasks.time.mse_weight=0.1"),
        ("time", "tasks.time.huber_weight=2.0"),
        ("time", "tasks.time.huber_delta=2.0"),
        ("genre", "tasks.genre.smoothing=0.5"),
    ];
    for (task, setting) in settings {
        let changed = predicted(Some(setting));
        for (at, name) in HEADS.iter().enumerate() {
            assert_eq!(plain[at] != changed[at], *name == task, "{setting} and `{name}`");
        }
    }
}

#[test]
fn numbers_outside_their_range_are_refused() {
    let settings = [
        ("tasks.click.alpha=1.0", "tasks.click.alpha is 1, but it must be above 0 and below 1"),
        ("tasks.like.bpr_weight=-1.0", "tasks.like.bpr_weight is -1, but it must be at least 0"),
        ("tasks.like.jrc_alpha=0.0", "tasks.like.jrc_alpha is 0, but it must be above 0 and below 1"),
        ("tasks.like.pos_weight=0.0", "tasks.like.pos_weight is 0, but it must be above 0"),
        ("tasks.grade.temperature=0.0", "tasks.grade.temperature is 0, but it must be above 0"),
        ("tasks.time.huber_delta=0.0", "tasks.time.huber_delta is 0, but it must be above 0"),
        ("tasks.genre.smoothing=1.0", "tasks.genre.smoothing is 1, but it must be below 1"),
    ];
    for (setting, message) in settings {
        let mut config = JointConfig::new();
        apply_setting(&mut config, setting).unwrap();
        let error = check::<Joint>(&config).expect_err(setting).to_string();
        assert!(error.contains(message), "{setting}: {error}");
    }
    let mut config = BalancedConfig::new();
    config.train.group_by = None;
    assert!(check::<Balanced>(&config).unwrap_err().to_string().contains("`click` compares rows of a group"));
    let mut config = JointConfig::new();
    (config.tasks.time.mse_weight, config.tasks.time.huber_weight) = (0.0, 0.0);
    assert!(check::<Joint>(&config).unwrap_err().to_string().contains("every weight of the loss of `time` is 0"));
}

#[test]
fn labels_outside_their_range_are_refused_with_their_place() {
    let refused = |train: Table| {
        let error = Trainer::<Joint>::new(JointConfig::new(), Splits { train, ..splits(20) }).fit().err();
        error.expect("a label that cannot be").to_string()
    };
    let plain = || table(1, 20);
    let with = |name: &str, column: Column| {
        let table = plain();
        let others = table.columns().filter(|(other, _)| *other != name);
        let others = others.map(|(name, column)| (name.to_owned(), column.clone()));
        Table::from_columns(others).unwrap().with_column(name, column).unwrap()
    };
    for (task, value) in
        [("genre", 3.0), ("genre", 0.5), ("genre", -1.0), ("grade", -2.0), ("pick", 0.5), ("click", 2.0)]
    {
        let mut values = plain().numbers(task).unwrap().into_owned();
        values[7] = value;
        let error = refused(with(task, Labels(values).into()));
        assert!(error.contains(&format!("`{task}`")) && error.contains(&value.to_string()), "{error}");
    }
    let request: Vec<i64> = (0..plain().rows() as i64).collect();
    let error = refused(with("request", Ids::from(request).into()));
    assert!(error.contains("`click` has no list"), "{error}");
}

#[test]
fn gradients_are_balanced_and_runs_go_on() {
    let folder = std::env::temp_dir().join(format!("mtl-joint-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("joint.mtl.safetensors");
    let fit = |trainer: Trainer<Balanced>| trainer.fit().unwrap_or_else(|error| panic!("{error}"));
    let trainer = || Trainer::<Balanced>::new(BalancedConfig::new(), splits(200));
    let whole = fit(trainer());
    let losses = |name: &str| -> Vec<f64> {
        whole.report.epochs.iter().map(|epoch| epoch.losses.get(name).unwrap().unwrap()).collect()
    };
    for name in ["click", "genre"] {
        let losses = losses(name);
        assert!(losses[0] > losses[losses.len() - 1] + 0.02, "{name}: {losses:?}");
    }
    let cut = fit(trainer().checkpoint(&path).stop_after(Some(17)));
    assert!(cut.stopped);
    let rest = fit(trainer().checkpoint(&path).resume(true));
    assert_eq!(rest.report.split, whole.report.split);
    let parts =
        |trained: &Trained<Balanced>| trained.report.epochs.iter().map(|epoch| epoch.parts.clone()).collect::<Vec<_>>();
    assert_eq!(parts(&rest), parts(&whole));
    std::fs::remove_dir_all(folder).unwrap();
}

/// With labels drawn from the model itself and a logit that is linear, the thresholds become those that the labels were drawn with. They take
/// longer than the expected level: `best: rmse` keeps an epoch (the 4th of 40 when this was measured) in which the steps
/// 2.2, 0.2, 0.6 are still 1.4, 0.5, 0.5.
#[test]
fn thresholds_are_those_of_the_labels() {
    let table = |seed: u64, rows: usize| {
        let mut rng = Rng::keyed(seed, "stars");
        let [mut a, mut b, mut stars] = [(); 3].map(|()| Vec::new());
        for _ in 0..rows {
            let (x, other, u) = (rng.normal(), rng.normal(), rng.unit().clamp(1e-9, 1.0 - 1e-9));
            let z = 1.5 * x + (u / (1.0 - u)).ln();
            a.push(x);
            b.push(other);
            stars.push(1.0 + [-2.0, 0.2, 0.4, 1.0].iter().filter(|threshold| z > **threshold).count() as f64);
        }
        let columns = [("a", a), ("b", b), ("stars", stars)];
        Table::from_columns(columns.map(|(name, values)| (name, Column::from(Numbers(values))))).unwrap()
    };
    let steps = |metric: &str, validation: Table| -> (Option<usize>, Vec<f32>) {
        let mut config = StarsConfig::new();
        apply_setting(&mut config, &format!("train.best.metric={metric}")).unwrap();
        let splits = Splits { train: table(1, 8000), validation, test: None };
        let trained = Trainer::<Stars>::new(config, splits).fit().unwrap();
        let steps = mtl_tests::values(trained.predictor.network())["tower_stars_levels.steps.value"].clone();
        (trained.report.best_epoch, steps.iter().map(|step| step.exp().ln_1p()).collect())
    };
    let (_, last) = steps("loss", Table::default());
    for (found, expected) in last.iter().zip([2.2, 0.2, 0.6]) {
        assert!((found - expected).abs() < 0.15, "{last:?}");
    }
    let (kept, early) = steps("rmse", table(2, 500));
    assert!(kept.is_some_and(|epoch| epoch < 20) && early[1] > last[1] + 0.1, "{kept:?} {early:?}");
}
