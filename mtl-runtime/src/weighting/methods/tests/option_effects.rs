//! Every option changes the weights.

use super::support::*;
use crate::weighting::methods::gramian::*;
use crate::weighting::methods::loss::*;
use crate::weighting::methods::vectors::*;
use crate::weighting::methods::{Convention, Guard, Matrix, Rule, Rules};

/// Eight steps of a method on losses, with periods of epochs that end after every second one.
fn run_losses(method: &mut dyn LossMethod) -> Vec<Vec<f64>> {
    let losses = |k: usize| options(&[1.0 / (k + 1) as f64, 0.9 - 0.02 * k as f64, 0.5 + 0.3 * (k as f64).sin()]);
    let mut found = Vec::new();
    for k in 0..8 {
        found.push(method.weights(&losses(k)).expect("positive"));
        method.after_step(&losses(k), &losses(k + 1));
        if k % 2 == 1 {
            method.epoch(&losses(k));
        }
    }
    found
}

/// Eight steps of a method on gradients in conflict.
fn run_gradients(method: &mut dyn Gramian) -> Vec<Vec<f64>> {
    let rows = |k: usize| {
        let turn = 0.4 + 0.4 * (2.0 * k as f64).sin();
        rows(&[&[1.0, 0.0, turn], &[-0.5 - turn, 1.0, 0.0], &[-0.9, -0.3, 0.4 + turn]])
    };
    let gram = |k: usize| {
        let losses = vec![1.0 / (k + 1) as f64, 0.9, 0.5 + 0.02 * k as f64];
        Gram::new(Matrix::gram::<f64>(&rows(k)), losses, vec![0, 1, 2]).expect("finite")
    };
    (0..8).map(|k| method.weights(&gram(k)).expect("open")).collect()
}

/// All runs must differ from the first, and a repeated one must not.
fn all_differ(name: &str, runs: &[Vec<Vec<f64>>]) {
    for (place, run) in runs.iter().enumerate().skip(1) {
        assert_ne!(&runs[0], run, "{name}: change {place} has no effect");
    }
}

#[test]
fn of_methods_on_losses() {
    let (adam, slow, sgd) =
        (Rule::Adam { rate: 0.1, decay: 0.0 }, Rule::Adam { rate: 0.01, decay: 0.0 }, Rule::Sgd { rate: 0.1 });
    let decayed = Rule::Adam { rate: 0.1, decay: 0.5 };
    let runs = [(0.1, adam.clone()), (0.2, adam), (0.1, slow), (0.1, sgd), (0.1, decayed)];
    all_differ(
        "imtl_l",
        &runs.map(|(start, rule)| {
            run_losses(&mut ImpartialLoss::new(3, ImpartialLossOptions { start, rule }).expect("valid"))
        }),
    );
    let dwa = |options| run_losses(&mut Dwa::new(3, options).expect("valid"));
    let base = DwaOptions::default();
    all_differ(
        "dwa",
        &[
            dwa(base.clone()),
            dwa(DwaOptions { temperature: 1.0, ..base.clone() }),
            dwa(DwaOptions { period: Period::Steps(1), ..base.clone() }),
            dwa(DwaOptions { period: Period::Steps(3), ..base.clone() }),
            dwa(DwaOptions { ratio_bounds: [0.95, 1.05], ..base }),
        ],
    );
    all_differ("rlw", &[run_losses(&mut RandomLoss::new(3, 1)), run_losses(&mut RandomLoss::new(3, 2))]);
    let famo = |options| run_losses(&mut Famo::new(3, options).expect("valid"));
    let base = FamoOptions::default();
    all_differ(
        "famo",
        &[
            famo(base.clone()),
            famo(FamoOptions { rate: 0.1, ..base.clone() }),
            famo(FamoOptions { decay: 0.1, ..base.clone() }),
            famo(FamoOptions { every: 3, ..base.clone() }),
            famo(FamoOptions { minima: vec![-1.0, 0.0, 0.0], ..base }),
        ],
    );
    let stch = |options| run_losses(&mut Tchebycheff::new(3, options).expect("valid"));
    let base = TchebycheffOptions { warm_up: 1, ..TchebycheffOptions::default() };
    all_differ(
        "stch",
        &[
            stch(base.clone()),
            stch(TchebycheffOptions { mu: 0.3, ..base.clone() }),
            stch(TchebycheffOptions { warm_up: 2, ..base.clone() }),
            stch(TchebycheffOptions { period: Period::Steps(1), ..base }),
        ],
    );
}

#[test]
fn of_methods_on_inner_products() {
    let norms = [Normalize::None, Normalize::L2, Normalize::Loss, Normalize::LossPlus];
    all_differ("mgda", &norms.map(|normalize| run_gradients(&mut mgda(normalize, false))));
    all_differ("mgda", &[false, true].map(|combine| run_gradients(&mut mgda(Normalize::L2, combine))));
    let orders = [Order::Index, Order::Random { seed: 1 }, Order::Random { seed: 2 }];
    all_differ("pcgrad", &orders.map(|order| run_gradients(&mut Pcgrad::new(PcgradOptions { order, mean: false }))));
    let mean = PcgradOptions { order: Order::Index, mean: true };
    all_differ("pcgrad", &[run_gradients(&mut pcgrad()), run_gradients(&mut Pcgrad::new(mean))]);
    let vaccine = |options| run_gradients(&mut Gradvac::new(3, options).expect("valid"));
    let base = GradvacOptions { beta: 0.2, order: Order::Index, update: TargetUpdate::Always };
    all_differ(
        "gradvac",
        &[
            vaccine(base.clone()),
            vaccine(GradvacOptions { beta: 0.5, ..base.clone() }),
            vaccine(GradvacOptions { order: Order::Random { seed: 1 }, ..base.clone() }),
            vaccine(GradvacOptions { update: TargetUpdate::WhenEdited, ..base }),
        ],
    );
    let averse = [(0.5, Rescale::None), (0.4, Rescale::None), (0.5, Rescale::Square), (0.5, Rescale::Linear)];
    all_differ("cagrad", &averse.map(|(c, rescale)| run_gradients(&mut cagrad(c, rescale))));
    let bargains = [(None, 1), (Some(1.0), 1), (None, 2)];
    all_differ(
        "nash",
        &bargains.map(|(max_norm, update_every)| {
            run_gradients(&mut Nash::new(3, NashOptions { max_norm, update_every }).expect("valid"))
        }),
    );
    let scales = [AlignedScale::Least, AlignedScale::Median, AlignedScale::RootMeanSquare];
    all_differ("aligned", &scales.map(|scale| run_gradients(&mut aligned(3, scale))));
    let preferences = [None, Some(vec![1.0, 2.0, 3.0])];
    all_differ(
        "aligned",
        &preferences.clone().map(|preferences| {
            let options = AlignedOptions { preferences, ..AlignedOptions::default() };
            run_gradients(&mut Aligned::new(3, options).expect("valid"))
        }),
    );
    all_differ(
        "upgrad",
        &preferences
            .map(|preferences| run_gradients(&mut Upgrad::new(3, UpgradOptions { preferences }).expect("valid"))),
    );
    all_differ("fairgrad", &[1.0, 2.0].map(|alpha| run_gradients(&mut fairgrad(alpha))));
    all_differ("pe_ltr", &[[0.0; 3], [0.0, 0.0, 0.6]].map(|floors| run_gradients(&mut pareto(&floors))));
    let normalised = |options| run_gradients(&mut GradNorm::new(3, options).expect("valid"));
    let base = GradNormOptions { initial_steps: 1, rate: 0.1, ..GradNormOptions::default() };
    all_differ(
        "gradnorm",
        &[
            normalised(base.clone()),
            normalised(GradNormOptions { alpha: 0.0, ..base.clone() }),
            normalised(GradNormOptions { rate: 0.2, ..base.clone() }),
            normalised(GradNormOptions { initial_steps: 3, ..base.clone() }),
            normalised(GradNormOptions { least: 0.9, ..base.clone() }),
            normalised(GradNormOptions { update_every: 2, ..base }),
        ],
    );
    let balanced = |options| run_gradients(&mut MetaBalance::new(3, 1, options).expect("valid"));
    let base = MetaBalanceOptions { target: 2, ..MetaBalanceOptions::default() };
    all_differ(
        "metabalance",
        &[
            balanced(base.clone()),
            balanced(MetaBalanceOptions { target: 1, ..base.clone() }),
            balanced(MetaBalanceOptions { relax: 0.5, ..base.clone() }),
            balanced(MetaBalanceOptions { beta: 0.5, ..base.clone() }),
            balanced(MetaBalanceOptions { strategy: BalanceStrategy::Shrink, ..base.clone() }),
            balanced(MetaBalanceOptions { strategy: BalanceStrategy::Enlarge, ..base }),
        ],
    );
}

#[test]
fn of_methods_on_gradients() {
    let rows = |k: usize| rows(&[&[1.0, 0.2 * k as f64], &[-0.5, 1.0 - 0.1 * k as f64]]);
    let losses = [Some(0.5), Some(1.5)];
    let all: Vec<Rows> = (0..8).map(rows).collect();
    let views: Vec<Vec<Option<&[f64]>>> =
        all.iter().map(|rows| rows.iter().map(|row| Some(row.as_slice())).collect()).collect();
    let db = |options| {
        let mut method = DbMtl::<f64>::new(2, 2, options).expect("valid");
        views.iter().map(|g| method.weights(g, &losses).expect("finite")).collect::<Vec<_>>()
    };
    let base = DbMtlOptions::default();
    all_differ(
        "db_mtl",
        &[db(base.clone()), db(DbMtlOptions { beta: 0.5, ..base.clone() }), db(DbMtlOptions { sigma: 0.5, ..base })],
    );
    let excess = |eta| {
        let mut method = Excess::<f64>::new(2, 2, ExcessOptions { eta }).expect("valid");
        views.iter().map(|g| method.weights(g).expect("finite")).collect::<Vec<_>>()
    };
    all_differ("excess", &[excess(0.01), excess(0.1)]);
    let moco = |options| {
        let mut method = Moco::<f64>::new(2, 2, options).expect("valid");
        views.iter().map(|g| method.weights(g, &losses).expect("finite")).collect::<Vec<_>>()
    };
    let base = MocoOptions::default();
    all_differ(
        "moco",
        &[
            moco(base.clone()),
            moco(MocoOptions { beta: 0.9, ..base.clone() }),
            moco(MocoOptions { beta_power: 0.0, ..base.clone() }),
            moco(MocoOptions { gamma: 0.5, ..base.clone() }),
            moco(MocoOptions { gamma_power: 0.0, ..base.clone() }),
            moco(MocoOptions { rho: 0.5, ..base }),
        ],
    );
    let drop = |options| {
        let mut method = GradDrop::new(2, options).expect("valid");
        views.iter().map(|g| method.factors(&[1.0, -1.0], 2, g).expect("finite").concat()).collect::<Vec<_>>()
    };
    let base = GradDropOptions::default();
    all_differ(
        "graddrop",
        &[
            drop(base.clone()),
            drop(GradDropOptions { leak: vec![0.5, 0.0], ..base.clone() }),
            drop(GradDropOptions { seed: 1, ..base }),
        ],
    );
}

#[test]
fn of_the_rules_around_a_method() {
    let run = |rules: Rules| {
        let mut guard = Guard::new(3, rules).expect("valid");
        let mut method = RandomLoss::new(3, 1);
        (0..4).map(|_| guard.weigh_losses(&mut method, &[Some(1.0); 3])).collect::<Vec<_>>()
    };
    all_differ(
        "rules",
        &[
            run(Rules::default()),
            run(Rules { normalize: Some(Convention::Sum), ..Rules::default() }),
            run(Rules { floors: vec![0.5; 3], ..Rules::default() }),
            run(Rules { caps: vec![0.2; 3], ..Rules::default() }),
            run(Rules { warm_up: 1, ..Rules::default() }),
        ],
    );
    let mut guard = Guard::new(3, Rules { warm_up: 1, ..Rules::default() }).expect("valid");
    guard.resume(1);
    assert!(!guard.warming_up());
}
