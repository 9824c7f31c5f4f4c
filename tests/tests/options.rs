//! Every number of the loss and its weighting changes the training: one table, few steps. Numbers of the tasks' losses are those of `losses.rs` and
//! `joint.rs`; stages, subnetworks and distillation have tables of their own.

use mtl_runtime::config::{StageConfig, StageTasks};
use mtl_runtime::data::Table;
use mtl_runtime::weighting::MethodConfig::{self, *};
use mtl_runtime::{Model, Splits, Trainer, mtl};
use mtl_tests::training::{config, splits};
use mtl_tests::values;

/// Three tasks under a weighting.
macro_rules! weighed {
    ($($model:ident: $loss:tt,)*) => { $(mtl! { model $model {
        features x { a: number, b: number, c: number }
        task one: binary; task two: binary(pos_weight: 3.0); task three: binary(label: two == 0);
        let h = mlp(x, [6, 5]);
        tower each = mlp(h, [3]);
        loss $loss
        train { batch: 70, epochs: 8, optimizer: adam(lr: 1e-2) }
    } })* };
}

weighed!(
    Fixed: { weighting: fixed(one: 2.0) },
    Losses: { weighting: dwa },
    Representation: { weighting: pcgrad },
    Parameters: { weighting: pcgrad, at: parameters },
    Ordered: { order: hinge(two <= one) },
);

/// A task with a condition over the entire space.
macro_rules! causal {
    ($($model:ident: $loss:tt,)*) => { $(mtl! { model $model {
        features x { a: number, b: number, c: number }
        task one: binary; task two: binary given one;
        tower each = mlp(x, [4]);
        loss { causal: $loss(task: two) }
        train { batch: 70, epochs: 2, optimizer: adam(lr: 1e-2) }
    } })* };
}

causal!(Ips: ips, Dr: dr, Dcmt: dcmt,);

mtl! { model Staged {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mlp(x, [6]);
    tower each = mlp(h, [3]);
    train { batch: 70, optimizer: adam(lr: 1e-2), stages: [stage(epochs: 2)] }
} }

mtl! { model Alone {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = mlp(x, [6]);
    tower each = mlp(h, [3]);
    train { batch: 70, optimizer: adam(lr: 1e-2), stages: [stage(epochs: 2, train: [h])] }
} }

type Values = Vec<(String, Vec<f32>)>;

/// Without validation rows: the last epoch is kept.
fn trained<M: Model>(config: M::Config) -> Values {
    let splits = Splits { validation: Table::default(), ..splits("options") };
    let trained = Trainer::<M>::new(config, splits).fit().unwrap_or_else(|error| panic!("{error}"));
    values(trained.predictor.network()).into_iter().collect()
}

#[test]
fn numbers_of_the_loss() {
    fn differ<M: Model>(settings: &[&str]) {
        let plain = trained::<M>(config::<M>(&[]));
        for setting in settings {
            assert!(plain != trained::<M>(config::<M>(&[setting])), "{} {setting}", M::NAME);
        }
    }
    differ::<Fixed>(&["loss.one=3.0", "loss.two=0.0", "loss.three=0.5"]);
    differ::<Ordered>(&["loss.order_two_one=0.0", "loss.order_two_one=5.0", "tasks.two.pos_weight=1.0"]);
    differ::<Ips>(&["loss.causal.weight=0.3", "loss.causal.clip=0.9"]);
    differ::<Dr>(&["loss.causal.weight=0.3", "loss.causal.clip=0.9"]);
    differ::<Dcmt>(&["loss.causal.weight=0.3", "loss.causal.clip=0.9", "loss.causal.counterfactual=2.0"]);
}

#[test]
fn options_of_stages() {
    let of = |stage: StageConfig| {
        let mut config = StagedConfig::new();
        config.train.stages = vec![stage];
        trained::<Staged>(config)
    };
    let plain = of(StageConfig::new(2));
    let others = [
        ("epochs", of(StageConfig::new(3))),
        ("tasks: alternate", of(StageConfig::new(2).with_tasks(StageTasks::Alternate))),
        ("freeze", of(StageConfig::new(2).freezing(&["h"]))),
        ("lr", of(StageConfig::new(2).with_rates(&[("h", 0.1)]))),
        ("train", trained::<Alone>(AloneConfig::new())),
    ];
    for (option, other) in others {
        assert!(plain != other, "{option}");
    }
}

/// A method, and the same with one of its options changed.
type Changes = Vec<(MethodConfig, Vec<MethodConfig>)>;

fn of_losses() -> Changes {
    let dwa = |temperature, window| Dwa { temperature, window };
    let famo = |lr, decay, every| Famo { lr, decay, every };
    let stch = |mu, first, window| Stch { mu, first, window };
    vec![
        (dwa(2.0, None), vec![dwa(0.5, None), dwa(2.0, Some(3))]),
        (famo(0.1, 1e-3, 1), vec![famo(0.4, 1e-3, 1), famo(0.1, 0.5, 1), famo(0.1, 1e-3, 3)]),
        (stch(1.0, 1, None), vec![stch(0.1, 1, None), stch(1.0, 2, None), stch(1.0, 1, Some(3))]),
        (ImtlL { lr: 1e-2 }, vec![ImtlL { lr: 1e-1 }]),
    ]
}

fn of_products() -> Changes {
    let gradnorm = |alpha, lr| Gradnorm { alpha, lr };
    let mgda = |by: &str| Mgda { by: by.into() };
    let nash = |max_norm, every| Nash { max_norm, every };
    let aligned = |scale: &str| Aligned { scale: scale.into() };
    let floors = |floors: [f64; 3]| PeLtr { floors: floors.into() };
    let balance = |target, relax, beta, strategy: &str| Metabalance { target, relax, beta, strategy: strategy.into() };
    let balances = vec![
        balance(1, 0.7, 0.9, "both"),
        balance(0, 0.2, 0.9, "both"),
        balance(0, 0.7, 0.1, "both"),
        balance(0, 0.7, 0.9, "shrink"),
        balance(0, 0.7, 0.9, "enlarge"),
    ];
    vec![
        (gradnorm(1.5, 0.1), vec![gradnorm(50.0, 0.1), gradnorm(1.5, 0.4)]),
        (mgda("none"), vec![mgda("norm"), mgda("loss"), mgda("both")]),
        (Gradvac { beta: 0.01 }, vec![Gradvac { beta: 0.9 }]),
        (Cagrad { c: 0.4 }, vec![Cagrad { c: 0.9 }]),
        (nash(1.0, 1), vec![nash(0.05, 1), nash(1.0, 3)]),
        (aligned("min"), vec![aligned("median"), aligned("rmse")]),
        (Fairgrad { alpha: 1.0 }, vec![Fairgrad { alpha: 3.0 }]),
        (floors([0.1, 0.1, 0.1]), vec![floors([0.6, 0.1, 0.1])]),
        (balance(0, 0.7, 0.9, "both"), balances),
    ]
}

fn of_vectors() -> Changes {
    let db_mtl = |beta, sigma| DbMtl { beta, sigma };
    let moco = |beta, gamma| Moco { beta, gamma };
    vec![
        (db_mtl(0.9, 0.0), vec![db_mtl(0.5, 0.0), db_mtl(0.9, 0.5)]),
        (ExcessMtl { eta: 0.01 }, vec![ExcessMtl { eta: 0.5 }]),
        (moco(0.5, 0.1), vec![moco(0.9, 0.1), moco(0.5, 0.9)]),
    ]
}

/// Every change trains other values.
fn differ<M: Model>(changes: Changes, make: impl Fn(MethodConfig) -> M::Config) {
    let mut alike = Vec::new();
    for (method, others) in changes {
        let plain = trained::<M>(make(method.clone()));
        let same = others.into_iter().filter(|other| plain == trained::<M>(make(other.clone())));
        alike.extend(same.map(|other| (method.clone(), other)));
    }
    assert!(alike.is_empty(), "these train alike: {alike:?}");
}

#[test]
fn options_of_methods_that_look_at_losses() {
    differ::<Losses>(of_losses(), |method| {
        let mut config = LossesConfig::new();
        config.loss.weighting.method = method;
        config
    });
}

#[test]
fn options_of_methods_that_look_at_gradients_at_the_representation() {
    let drops = (Graddrop { leak: 0.0 }, vec![Graddrop { leak: 0.5 }]);
    differ::<Representation>(of_products().into_iter().chain([drops]).collect(), |method| {
        let mut config = RepresentationConfig::new();
        config.loss.weighting.method = method;
        config
    });
}

#[test]
fn options_of_methods_that_look_at_gradients_at_parameters() {
    differ::<Parameters>(of_products().into_iter().chain(of_vectors()).collect(), |method| {
        let mut config = ParametersConfig::new();
        config.loss.weighting.method = method;
        config
    });
}

#[test]
fn both_scales_of_weights() {
    // Random weights are shares of 1.
    let of = |normalize: Option<&str>| {
        let mut config = LossesConfig::new();
        config.loss.weighting.method = Rlw;
        config.loss.weighting.normalize = normalize.map(str::to_owned);
        trained::<Losses>(config)
    };
    assert!(of(None) != of(Some("sum")) && of(Some("sum")) != of(Some("mean")));
}
