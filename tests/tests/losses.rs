//! Losses of tasks from end to end: what is predicted after training, what each number of the configuration changes, and what is refused.

use mtl_runtime::__private::burn::tensor::{Device, Tensor, TensorData};
use mtl_runtime::config::apply_setting;
use mtl_runtime::data::{Column, Labels, Numbers, Rng, Table};
use mtl_runtime::loss::task_losses;
use mtl_runtime::train::check;
use mtl_runtime::{Model, Splits, Trained, Trainer, mtl};

mtl! { model Heads {
    features x { a: number, b: number }
    task click:  binary(loss: bce(smoothing: 0.1));
    task rare:   binary(loss: focal(gamma: 1.0, alpha: 0.75));
    task rating: regression(loss: log_cosh);
    task late:   regression(loss: quantile(q: 0.9));
    task clicks: count;
    task spent:  regression(loss: tweedie(power: 1.5));
    task watch:  regression(loss: weighted_logistic);
    task paid:   regression(loss: ziln);
    tower each = mlp(x, [8]);
    train { batch: 64, epochs: 12, seed: 3, optimizer: adam(lr: 1e-2), best: loss }
} }

mtl! { model Balanced {
    features x { a: number, b: number }
    task click:  binary;
    task paid:   regression(loss: ziln);
    task rating: ordinal(levels: 3, label: level);
    let h = mlp(x, [8]);
    tower each = mlp(h, [4]);
    loss { weighting: pcgrad }
    train { batch: 64, epochs: 8, seed: 3, optimizer: adam(lr: 1e-2), best: loss }
} }

const HEADS: [&str; 8] = ["click", "rare", "rating", "late", "clicks", "spent", "watch", "paid"];

/// Labels of which the means depend on `a`: probabilities as soft labels, counts, amounts that are mostly 0, times of few clicks.
fn table(seed: u64, rows: usize) -> Table {
    let mut rng = Rng::keyed(seed, "losses");
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); 10];
    for _ in 0..rows {
        let (a, b) = (rng.normal(), rng.normal());
        let mean = (0.8 * a).exp();
        let count = (0..40).filter(|_| rng.unit() < mean / 40.0).count() as f64;
        let happens = |rng: &mut Rng, p: f64| f64::from(u8::from(rng.chance(p)));
        let spent = happens(&mut rng, 0.3) * mean * (0.5 + rng.unit());
        let watch = happens(&mut rng, 0.03) * 10.0 * mean * (0.5 + rng.unit());
        let paid = happens(&mut rng, 0.4) * (a + 0.5 * rng.normal()).exp();
        let click = 1.0 / (1.0 + (-a).exp());
        let rare = happens(&mut rng, 0.1);
        let noise = rng.normal();
        let row = [a, b, click, rare, a + 0.1 * noise, a + noise, count, spent, watch, paid];
        columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
    }
    let names = ["a", "b"].into_iter().chain(HEADS);
    Table::from_columns(names.zip(columns).map(|(name, values)| (name, Column::from(Numbers(values))))).unwrap()
}

fn splits(rows: usize) -> Splits {
    Splits { train: table(1, rows), validation: table(2, 500), test: None }
}

fn fit(config: HeadsConfig, rows: usize) -> Trained<Heads> {
    Trainer::new(config, splits(rows)).fit().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn each_loss_predicts_what_it_is_least_at() {
    let trained = fit(HeadsConfig::new(), 4000);
    let test = table(1, 4000);
    let predictions = trained.predictor.predict(&test).unwrap();
    let values = |name: &str| predictions.task(name).unwrap().to_vec();
    let labels = |name: &str| test.numbers(name).unwrap().into_owned();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let predicted = |name: &str| mean(&values(name).iter().map(|value| f64::from(*value)).collect::<Vec<_>>());
    let share = |of: &str, below: &dyn Fn(f64, f64) -> bool| {
        let inside = values(of).iter().zip(labels(of)).filter(|(p, y)| below(f64::from(**p), *y)).count();
        inside as f64 / test.rows() as f64
    };
    for name in ["clicks", "spent", "watch", "paid"] {
        // On the training rows, where few clicks make no difference between samples.
        let ratio = predicted(name) / mean(&labels(name));
        assert!((0.9..1.12).contains(&ratio), "{name}: {ratio}");
        assert!(values(name).iter().all(|value| *value >= 0.0), "{name}");
    }
    let metrics = trained.predictor.evaluate(&test).unwrap();
    let pcoc = metrics.tasks.get("clicks").unwrap().pcoc.unwrap();
    assert!((pcoc - predicted("clicks") / mean(&labels("clicks"))).abs() < 1e-5, "{pcoc}");
    assert_eq!(metrics.tasks.get("rating").unwrap().pcoc, None);
    assert!((0.87..0.93).contains(&share("late", &|p, y| y <= p)), "a quantile of 0.9");
    assert!(share("rating", &|p, y| (p - y).abs() < 0.3) > 0.9, "the number itself");
    // Soft labels are learned as probabilities, moved towards one half by their smoothing.
    assert!(share("click", &|p, y| (p - (0.9 * y + 0.05)).abs() < 0.05) > 0.9, "soft labels");
}

#[test]
fn losses_and_slopes_are_those_of_pytorch() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../goldens/losses.json")).unwrap();
    let numbers = |name: &str| -> Vec<f32> {
        golden[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
    };
    let (labels, rows) = (numbers("labels"), numbers("labels").len() / HEADS.len());
    let logits = TensorData::new(numbers("logits"), [rows, HEADS.len() + 2]);
    let logits = Tensor::<2>::from_data(logits, &Device::default().autodiff()).require_grad();
    let schema = Heads::schema(&HeadsConfig::new());
    let losses = task_losses(&schema, logits.clone(), &labels, &vec![1.0; labels.len()]);
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

/// Towers share nothing here: a number of one task moves that task alone.
#[test]
fn every_number_has_an_effect_on_its_task_alone() {
    let predicted = |setting: Option<&str>| {
        let mut config = HeadsConfig::new();
        config.train.epochs = 1;
        setting.into_iter().for_each(|setting| apply_setting(&mut config, setting).unwrap());
        let predictions = fit(config, 300).predictor.predict(&table(3, 20)).unwrap();
        HEADS.map(|name| predictions.task(name).unwrap().to_vec())
    };
    let plain = predicted(None);
    let settings = [
        ("click", "tasks.click.smoothing=0.3"),
        ("click", "tasks.click.pos_weight=2.0"),
        ("rare", "tasks.rare.gamma=2.0"),
        ("rare", "tasks.rare.alpha=0.5"),
        ("late", "tasks.late.q=0.5"),
        ("spent", "tasks.spent.power=1.2"),
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
        ("tasks.click.smoothing=1.0", "tasks.click.smoothing is 1, but it must be below 1"),
        ("tasks.rare.gamma=-1.0", "tasks.rare.gamma is -1, but it must be at least 0"),
        ("tasks.rare.alpha=1.0", "tasks.rare.alpha is 1, but it must be above 0 and below 1"),
        ("tasks.late.q=0.0", "tasks.late.q is 0, but it must be above 0 and below 1"),
        ("tasks.spent.power=2.0", "tasks.spent.power is 2, but it must be above 1 and below 2"),
    ];
    for (setting, message) in settings {
        let mut config = HeadsConfig::new();
        apply_setting(&mut config, setting).unwrap();
        let error = check::<Heads>(&config).expect_err(setting).to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn labels_outside_their_range_are_refused_with_their_place() {
    let cases = [("click", 1.3), ("rare", -0.1), ("clicks", -1.0), ("spent", -0.5), ("watch", -3.0), ("paid", -2.0)];
    for (task, value) in cases {
        let plain = table(1, 50);
        let mut values = plain.numbers(task).unwrap().into_owned();
        values[7] = value;
        let columns =
            plain.columns().filter(|(name, _)| *name != task).map(|(name, column)| (name.to_owned(), column.clone()));
        let train = Table::from_columns(columns).unwrap().with_column(task, Labels(values)).unwrap();
        let error = Trainer::<Heads>::new(HeadsConfig::new(), Splits { train, ..splits(50) }).fit().err();
        let error = error.expect("a label that cannot be").to_string();
        assert!(error.contains(&format!("`{task}`")) && error.contains(&value.to_string()), "{error}");
    }
}

/// Three numbers of one task beside the thresholds of another, where gradients are compared at what towers read.
#[test]
fn further_towers_are_trained_by_their_task() {
    let of = |seed: u64, rows: usize| {
        let table = table(seed, rows);
        let level =
            table.numbers("rating").unwrap().iter().map(|r| 1.0 + f64::from(*r > 0.0) + f64::from(*r > 1.0)).collect();
        table.with_column("level", Column::from(Numbers(level))).unwrap()
    };
    let splits = Splits { train: of(1, 2000), validation: of(2, 500), test: None };
    let trained =
        Trainer::<Balanced>::new(BalancedConfig::new(), splits).fit().unwrap_or_else(|error| panic!("{error}"));
    for task in ["click", "paid", "rating"] {
        let losses = trained.report.epochs.iter().map(|epoch| epoch.losses.get(task).unwrap().unwrap());
        let losses: Vec<f64> = losses.collect();
        assert!(losses[0] > losses[losses.len() - 1] + 0.02, "{task}: {losses:?}");
    }
    let test = of(1, 2000);
    let [paid, label] = [
        trained.predictor.predict(&test).unwrap().task("paid").unwrap().to_vec(),
        test.numbers("paid").unwrap().iter().map(|y| *y as f32).collect(),
    ];
    let ratio = paid.iter().sum::<f32>() / label.iter().sum::<f32>();
    assert!((0.85..1.2).contains(&ratio), "{ratio}");
}
