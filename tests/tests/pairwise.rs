//! Pairwise tasks from end to end: batches of whole groups, training beside other kinds, evaluation and resumption.

use mtl_runtime::data::{Column, Ids, Labels, Numbers, Rng, Table};
use mtl_runtime::{Model, Splits, Trained, Trainer, mtl};

mtl! { model Choices {
    features user { user_id: id(buckets: 200, dim: 4) }
    features item { item_id: id(vocab: auto, dim: 4), price: number }
    task chosen: pairwise(group: request, weight_column: trust);
    task seen:   binary;
    task stars:  ordinal(levels: 5, where: chosen);
    tower each = mlp(concat(user, item), [16]);
    loss { weighting: uncertainty }
    train { batch: 64, epochs: 8, seed: 3, optimizer: adam(lr: 5e-3) }
} }

/// Requests of three to nine items, of which the cheapest of some is chosen; the first request has `first` items. Prices are those of the request, plus what tells
/// items apart: only within a request does the price say who is chosen.
fn table(seed: u64, requests: usize, first: usize) -> Table {
    let mut rng = Rng::keyed(seed, "choices");
    let [mut user, mut item, mut request] = [(); 3].map(|()| Vec::<i64>::new());
    let [mut price, mut chosen, mut seen, mut stars, mut trust] = [(); 5].map(|()| Vec::<f64>::new());
    for r in 0..requests {
        let rows = if r == 0 { first } else { 3 + rng.below(7) as usize };
        let level = 3.0 * rng.normal();
        let own: Vec<f64> = (0..rows).map(|_| rng.normal()).collect();
        let least = own.iter().copied().fold(f64::INFINITY, f64::min);
        for own in own {
            let choice = own == least || own < -1.2;
            user.push(r as i64 % 50);
            item.push(rng.below(40) as i64);
            request.push(r as i64);
            price.push(level + own);
            chosen.push(f64::from(u8::from(choice)));
            seen.push(f64::from(u8::from(own < 0.0)));
            stars.push(if choice { 1.0 + rng.below(5) as f64 } else { f64::NAN });
            trust.push(1.0 + (r % 2) as f64);
        }
    }
    let column = |values: Vec<f64>| Column::from(Numbers(values));
    Table::from_columns([
        ("user_id", Ids::from(user).into()),
        ("item_id", Ids::from(item).into()),
        ("request", Ids::from(request).into()),
        ("price", column(price)),
        ("chosen", Labels(chosen).into()),
        ("seen", Labels(seen).into()),
        ("stars", column(stars)),
        ("trust", column(trust)),
    ])
    .unwrap()
}

fn splits() -> Splits {
    Splits { train: table(1, 600, 200), validation: table(2, 150, 5), test: Some(table(3, 150, 5)) }
}

fn config() -> ChoicesConfig {
    ChoicesConfig::new()
}

fn fit(trainer: Trainer<Choices>) -> Trained<Choices> {
    trainer.fit().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_choice_is_learned_from_the_rows_of_its_group() {
    let trained = fit(Trainer::new(config(), splits()));
    let test = trained.report.split.get("test").unwrap();
    println!("{}", test.table());
    let chosen = test.tasks.get("chosen").unwrap();
    assert!(chosen.gauc.unwrap() > 0.9, "{chosen:?}");
    assert_eq!((chosen.auc, chosen.logloss, chosen.pcoc, chosen.rmse), (None, None, None, None));
    // The group of the task is that of every GAUC.
    assert!(test.tasks.get("seen").unwrap().gauc.is_some());
    let losses: Vec<f64> =
        trained.report.epochs.iter().map(|epoch| epoch.losses.get("chosen").unwrap().unwrap()).collect();
    assert!(losses[0] > *losses.last().unwrap() && losses.iter().all(|loss| *loss < 1.0), "{losses:?}");
    let again = fit(Trainer::new(config(), splits()));
    assert_eq!(again.report.split, trained.report.split, "the same seed gives the same bits");
}

/// Of all requests one alone has labels. Batches of rows drawn one by one would hardly ever hold two of its rows.
#[test]
fn a_batch_holds_whole_groups_wherever_their_rows_stand() {
    let all = table(1, 600, 5);
    let request = all.numbers("request").unwrap().into_owned();
    let chosen: Vec<f64> = all
        .numbers("chosen")
        .unwrap()
        .iter()
        .zip(&request)
        .map(|(chosen, request)| if *request == 0.0 { *chosen } else { f64::NAN })
        .collect();
    let all = Table::from_columns(
        all.columns().filter(|(name, _)| *name != "chosen").map(|(name, column)| (name.to_owned(), column.clone())),
    );
    let all = all.unwrap().with_column("chosen", Labels(chosen)).unwrap();
    let mut order: Vec<u32> = (0..all.rows() as u32).collect();
    Rng::keyed(4, "order").shuffle(&mut order);
    let mut config = config();
    (config.train.batch, config.train.epochs) = (16, 3);
    let trained = fit(Trainer::new(config, Splits { train: all.take(&order), ..splits() }));
    let loss = |epoch: &mtl_runtime::report::Epoch| *epoch.losses.get("chosen").unwrap();
    let losses: Vec<_> = trained.report.epochs.iter().map(loss).collect();
    assert!(losses.iter().all(Option::is_some), "{losses:?}");
}

#[test]
fn a_prediction_is_the_score_whatever_the_order_of_the_rows() {
    let trained = fit(Trainer::new(config(), splits()));
    let test = table(3, 150, 5);
    let mut order: Vec<u32> = (0..test.rows() as u32).collect();
    Rng::keyed(9, "order").shuffle(&mut order);
    let [plain, mixed] = [test.clone(), test.take(&order)]
        .map(|table| (trained.predictor.evaluate(&table).unwrap(), trained.predictor.predict(&table).unwrap()));
    let gauc = |metrics: &mtl_runtime::report::SplitMetrics| metrics.tasks.get("chosen").unwrap().gauc.unwrap();
    assert!((gauc(&plain.0) - gauc(&mixed.0)).abs() < 1e-9);
    let (one, other) = (plain.0.loss.unwrap(), mixed.0.loss.unwrap());
    assert!((one - other).abs() < 1e-4 * one.abs().max(1.0), "pairs are found wherever they stand: {one} {other}");
    let scores = plain.1.task("chosen").unwrap();
    assert!(scores.iter().any(|score| *score < 0.0) && scores.iter().any(|score| *score > 1.0), "no probabilities");
    let taken: Vec<f32> = order.iter().map(|row| scores[*row as usize]).collect();
    let largest = taken.iter().zip(mixed.1.task("chosen").unwrap()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest < 1e-4, "{largest}");
}

#[test]
fn a_run_goes_on_in_the_middle_of_an_epoch() {
    let folder = std::env::temp_dir().join(format!("mtl-pairwise-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("choices.mtl.safetensors");
    let whole = fit(Trainer::new(config(), splits()));
    let cut = fit(Trainer::new(config(), splits()).checkpoint(&path).stop_after(Some(79)));
    assert!(cut.stopped);
    let rest = fit(Trainer::new(config(), splits()).checkpoint(&path).resume(true));
    assert_eq!(rest.report.split, whole.report.split);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let refused = |config: ChoicesConfig, splits: Splits| {
        Trainer::<Choices>::new(config, splits).fit().err().expect("an error").to_string()
    };
    let alone = |table: Table| {
        let request: Vec<i64> = (0..table.rows() as i64).collect();
        let names = ["user_id", "item_id", "price", "chosen", "seen", "stars", "trust"];
        let columns = names.map(|name| (name, table.column(name).unwrap().clone()));
        Table::from_columns(columns).unwrap().with_column("request", Ids::from(request)).unwrap()
    };
    let error = refused(config(), Splits { train: alone(table(1, 20, 5)), ..splits() });
    assert!(error.contains("`chosen` has no pair"), "{error}");
    let mut none = config();
    none.train.group_by = None;
    assert!(refused(none, splits()).contains("train.group_by"));
    let mut soft = table(1, 20, 5);
    let labels: Vec<f64> = (0..soft.rows()).map(|row| row as f64 / 100.0).collect();
    let names = ["user_id", "item_id", "request", "price", "seen", "stars", "trust"];
    let columns = names.map(|name| (name, soft.column(name).unwrap().clone()));
    soft = Table::from_columns(columns).unwrap().with_column("chosen", Labels(labels)).unwrap();
    let error = refused(config(), Splits { train: soft, ..splits() });
    assert!(error.contains("neither 0 nor 1"), "{error}");
    assert_eq!(Choices::schema(&config()).group_by.as_deref(), Some("request"));
}
