//! A shared bottom with two tasks and a chained third, a table that teaches them, and a folder for a test's files.

use std::path::PathBuf;

use mtl_runtime::__private::*;
use mtl_runtime::Splits;
use mtl_runtime::data::schema::{
    Feature, FeatureKind, Label, MissingNumber, Pool, RegressionLoss, Rows, Scale, Schema, Task, TaskKind, Transform,
    Unseen,
};
use mtl_runtime::data::{Bags, Column, Ids, Numbers, Rng, Table};

#[derive(Config, Debug)]
pub struct TinyConfig {
    #[config(default = 8)]
    pub dim: usize,
    #[config(default = "vec![16]")]
    pub hidden: Vec<usize>,
    #[config(default = 0.0)]
    pub dropout: f64,
    #[config(default = 0.5)]
    pub buy_power: f64,
    #[config(
        default = "TrainConfig::new().with_batch(64).with_epochs(4).with_seed(1).with_group_by(Some(\"user\".into()))"
    )]
    pub train: TrainConfig,
}

#[derive(Module, Debug)]
pub struct Tiny {
    pub h: Linear,
    pub tower: Linear,
    pub weighting: Weighting,
    #[module(skip)]
    dropout: f64,
}

impl Model for Tiny {
    type Config = TinyConfig;
    const NAME: &'static str = "Tiny";
    const SPEC: &'static str = "model Tiny { /* by hand */ }";

    fn default_config() -> TinyConfig {
        TinyConfig::new()
    }

    fn schema(config: &TinyConfig) -> Schema {
        let feature = |name: &str, entity: &str, kind| Feature::new(name, entity, name, kind);
        let rows = Rows::Vocabulary { min_count: 1 };
        let id = FeatureKind::Id { rows, dim: config.dim, unseen: Unseen::Own, init: 0.01 };
        let history = FeatureKind::Ids {
            words: false,
            rows,
            dim: config.dim,
            unseen: Unseen::Own,
            init: 0.01,
            share: Some("item".into()),
            max_len: 5,
            pool: Pool::Mean,
        };
        let age = FeatureKind::Number {
            transform: Transform::None,
            scale: Scale::Standard,
            missing: MissingNumber::Indicator,
        };
        let task = |name: &str, kind, given| Task {
            name: name.into(),
            kind,
            label: Label::Column(name.into()),
            sample_space: None,
            weight_column: None,
            given,
            losses: vec![],
        };
        Schema {
            model: "Tiny".into(),
            features: vec![
                feature("user", "user", id.clone()),
                feature("history", "user", history),
                feature("age", "user", age),
                feature("item", "item", id),
            ],
            tasks: vec![
                task("click", TaskKind::binary(1.0), None),
                task(
                    "watch",
                    TaskKind::Regression { transform: Transform::Log1p, loss: RegressionLoss::Huber { delta: 1.0 } },
                    None,
                ),
                task("buy", TaskKind::binary(1.0), Some(0)),
            ],
            group_by: config.train.group_by.clone(),
            scores: Default::default(),
        }
    }

    fn train(config: &TinyConfig) -> &TrainConfig {
        &config.train
    }

    fn new(config: &TinyConfig, init: &Init) -> Self {
        let width = Self::schema(config).width();
        let kinds: Vec<_> = Self::schema(config).tasks.iter().map(|task| task.kind).collect();
        Self {
            h: init.linear(&["h".into()], width, config.hidden[0], true),
            tower: init.linear(&task_members("tower", &["click", "watch", "buy"]), config.hidden[0], 1, true),
            weighting: Weighting::uncertainty(init, &kinds),
            dropout: config.dropout,
        }
    }

    fn forward(&self, input: Tensor<3>, pass: &Pass) -> Tensor<2> {
        let h = self.h.forward(input, Activation::Relu);
        let h = dropout(h, self.dropout, pass, "h");
        logits(vec![(self.tower.forward(h, Activation::None), &[0, 1, 2])], 3)
    }

    fn weighting(&self) -> &Weighting {
        &self.weighting
    }

    fn ranks() -> &'static [Rank<TinyConfig>] {
        &[Rank {
            name: "score",
            formula: "click * buy ^ buy_power",
            params: |config| {
                vec![RankParam { name: "buy_power", value: config.buy_power, low: -2.0, high: 10.0, request: false }]
            },
            needs: &[(0, "click"), (2, "buy | click")],
            score: |config, p| p[0] * p[2].powf(config.buy_power),
            split: Split::Product,
            terms: |config, p| vec![("click", p[0]), ("buy ^ buy_power", p[2].powf(config.buy_power))],
        }]
    }

    fn expectations() -> &'static [Expectation<TinyConfig>] {
        &[Expectation {
            text: "score(click: 0.5, buy: 0.1) > score(click: 0.5, buy: 0.01)",
            sides: |config| (0.5 * 0.1f64.powf(config.buy_power), 0.5 * 0.01f64.powf(config.buy_power)),
            holds: |config| 0.5 * 0.1f64.powf(config.buy_power) > 0.5 * 0.01f64.powf(config.buy_power),
        }]
    }
}

/// Rows whose clicks, watch times and purchases depend on user, item and age. A tenth of the watch times is missing.
pub fn rows(count: usize, seed: u64) -> Table {
    let mut rng = Rng::new(seed);
    let taste: Vec<f64> = (0..50).map(|i| Rng::keyed(9, &format!("user {i}")).normal()).collect();
    let charm: Vec<f64> = (0..30).map(|i| Rng::keyed(9, &format!("item {i}")).normal()).collect();
    let (mut user, mut item, mut age, mut history) = (vec![], vec![], vec![], vec![]);
    let (mut click, mut watch, mut buy) = (vec![], vec![], vec![]);
    for _ in 0..count {
        let (u, i, a) = (rng.below(50) as usize, rng.below(30) as usize, rng.uniform(10.0, 60.0));
        let z = 1.5 * taste[u] + 1.5 * charm[i] + 0.03 * (a - 35.0);
        let clicked = rng.chance(1.0 / (1.0 + (-z).exp()));
        user.push(u as i64);
        item.push(i as i64);
        age.push(if rng.chance(0.1) { f64::NAN } else { a });
        history.push((0..rng.below(6)).map(|_| rng.below(30) as i64).collect::<Vec<_>>());
        click.push(f64::from(u8::from(clicked)));
        watch.push(if rng.chance(0.1) { f64::NAN } else { (1.0 + 0.5 * charm[i] + 0.2 * rng.normal()).max(0.0) });
        buy.push(f64::from(u8::from(clicked && rng.chance(1.0 / (1.0 + (-charm[i]).exp())))));
    }
    let columns: [(&str, Column); 7] = [
        ("user", Ids::from(user).into()),
        ("item", Ids::from(item).into()),
        ("history", Bags::from(history).into()),
        ("age", Numbers(age).into()),
        ("click", Numbers(click).into()),
        ("watch", Numbers(watch).into()),
        ("buy", Numbers(buy).into()),
    ];
    Table::from_columns(columns).unwrap()
}

pub fn splits() -> Splits {
    Splits { train: rows(2_000, 1), validation: rows(600, 2), test: Some(rows(600, 3)) }
}

/// An empty folder of this test's own; the caller's name keeps tests apart.
pub fn folder(test: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("mtl-{}-{test}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
