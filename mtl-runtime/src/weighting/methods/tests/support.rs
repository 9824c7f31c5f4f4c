//! What the tests share: gradients as rows, all methods, comparisons.

use proptest::prelude::*;

use crate::weighting::methods::gramian::*;
use crate::weighting::methods::loss::*;
use crate::weighting::methods::vectors::{MetaBalance, MetaBalanceOptions, combine};
use crate::weighting::methods::{Convention, Failure, Matrix};

/// Gradients, one row per task.
pub type Rows = Vec<Vec<f64>>;

pub fn rows(rows: &[&[f64]]) -> Rows {
    rows.iter().map(|row| row.to_vec()).collect()
}

pub fn gram(rows: &Rows) -> Gram {
    Gram::of_all(Matrix::gram::<f64>(rows)).expect("finite")
}

/// The weights, which must exist, and the step.
pub fn step(method: &mut dyn Gramian, rows: &Rows) -> (Vec<f64>, Vec<f64>) {
    let weights = method.weights(&gram(rows)).unwrap_or_else(|failure| panic!("{}: {failure}", method.name()));
    let step = combine::<f64>(rows, &weights).expect("as many weights as rows");
    (weights, step)
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

pub fn scaled(rows: &Rows, factors: &[f64]) -> Rows {
    rows.iter().zip(factors).map(|(row, factor)| row.iter().map(|x| x * factor).collect()).collect()
}

/// Whether numbers agree within a tolerance beside the greatest of them.
pub fn agree(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    let size = a.iter().chain(b).fold(0.0f64, |size, x| size.max(x.abs()));
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() <= tolerance * size.max(f64::MIN_POSITIVE))
}

/// The same, with a size below which all is rounding.
pub fn agree_beside(a: &[f64], b: &[f64], tolerance: f64, size: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() <= tolerance * size)
}

pub fn close(a: &[f64], b: &[f64]) {
    assert!(agree_beside(a, b, 1e-9, 1.0), "{a:?}\n{b:?}");
}

pub fn options(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().map(|value| Some(*value)).collect()
}

pub fn pcgrad() -> Pcgrad {
    Pcgrad::new(PcgradOptions { order: Order::Index, mean: false })
}

pub fn gradvac(tasks: usize, beta: f64) -> Gradvac {
    let options = GradvacOptions { beta, order: Order::Index, update: TargetUpdate::Always };
    Gradvac::new(tasks, options).expect("valid")
}

pub fn cagrad(c: f64, rescale: Rescale) -> Cagrad {
    Cagrad::new(CagradOptions { c, rescale }).expect("valid")
}

pub fn nash(tasks: usize, max_norm: Option<f64>) -> Nash {
    Nash::new(tasks, NashOptions { max_norm, update_every: 1 }).expect("valid")
}

pub fn aligned(tasks: usize, scale: AlignedScale) -> Aligned {
    Aligned::new(tasks, AlignedOptions { scale, preferences: None }).expect("valid")
}

pub fn upgrad(tasks: usize) -> Upgrad {
    Upgrad::new(tasks, UpgradOptions::default()).expect("valid")
}

pub fn fairgrad(alpha: f64) -> Fairgrad {
    Fairgrad::new(FairgradOptions { alpha }).expect("valid")
}

pub fn pareto(floors: &[f64]) -> Pareto {
    Pareto::new(floors.len(), ParetoOptions { floors: floors.to_vec() }).expect("valid")
}

pub fn gradnorm(tasks: usize) -> GradNorm {
    let options = GradNormOptions { initial_steps: 1, ..GradNormOptions::default() };
    GradNorm::new(tasks, options).expect("valid").with_first_losses(&vec![1.0; tasks]).expect("positive")
}

pub fn metabalance(tasks: usize) -> MetaBalance {
    MetaBalance::new(tasks, 1, MetaBalanceOptions::default()).expect("valid")
}

pub fn mgda(normalize: Normalize, combine_normalized: bool) -> Mgda {
    Mgda::new(MgdaOptions { normalize, combine_normalized })
}

/// All methods on inner products, new.
pub fn all_gramian(tasks: usize) -> Vec<Box<dyn Gramian>> {
    vec![
        Box::new(mgda(Normalize::None, false)),
        Box::new(mgda(Normalize::LossPlus, false)),
        Box::new(mgda(Normalize::L2, true)),
        Box::new(Pcgrad::new(PcgradOptions::default())),
        Box::new(Gradvac::new(tasks, GradvacOptions { beta: 0.3, ..GradvacOptions::default() }).expect("valid")),
        Box::new(Cagrad::new(CagradOptions::default()).expect("valid")),
        Box::new(Imtl),
        Box::new(nash(tasks, Some(1.0))),
        Box::new(nash(tasks, None)),
        Box::new(aligned(tasks, AlignedScale::Least)),
        Box::new(aligned(tasks, AlignedScale::Median)),
        Box::new(aligned(tasks, AlignedScale::RootMeanSquare)),
        Box::new(upgrad(tasks)),
        Box::new(fairgrad(2.0)),
        Box::new(fairgrad(0.5)),
        Box::new(pareto(&vec![0.5 / tasks as f64; tasks])),
        Box::new(gradnorm(tasks)),
        Box::new(metabalance(tasks)),
    ]
}

/// All methods on losses, new.
pub fn all_loss(tasks: usize) -> Vec<Box<dyn LossMethod>> {
    let dwa = DwaOptions { period: Period::Steps(2), ..DwaOptions::default() };
    let stch = TchebycheffOptions { warm_up: 1, period: Period::Steps(2), ..TchebycheffOptions::default() };
    vec![
        Box::new(Dwa::new(tasks, dwa).expect("valid")),
        Box::new(RandomLoss::new(tasks, 7)),
        Box::new(Geometric::new(tasks)),
        Box::new(Logarithm::new(tasks)),
        Box::new(Famo::new(tasks, FamoOptions::default()).expect("valid")),
        Box::new(Famo::new(tasks, FamoOptions { every: 3, ..FamoOptions::default() }).expect("valid")),
        Box::new(Tchebycheff::new(tasks, stch).expect("valid")),
        Box::new(ImpartialLoss::new(tasks, ImpartialLossOptions::default()).expect("valid")),
    ]
}

/// A method that says the same in every step.
pub struct Constant(pub Vec<f64>);

impl LossMethod for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }

    fn tasks(&self) -> usize {
        self.0.len()
    }

    fn convention(&self) -> Convention {
        Convention::Sum
    }

    fn weights(&mut self, losses: &[Option<f64>]) -> Result<Vec<f64>, Failure> {
        Ok(losses.iter().zip(&self.0).map(|(loss, weight)| loss.map_or(0.0, |_| *weight)).collect())
    }

    fn objective(&self, losses: &[Option<f64>]) -> Result<f64, Failure> {
        Ok(losses.iter().zip(&self.0).filter_map(|(loss, weight)| Some((*loss)? * weight)).sum())
    }
}

/// Gradients of `tasks` tasks and one to seven parameters, so that some are linearly dependent.
pub fn gradients(tasks: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Rows> {
    (tasks, 1usize..8).prop_flat_map(|(tasks, parameters)| {
        prop::collection::vec(prop::collection::vec(-1.0..1.0f64, parameters), tasks)
    })
}

/// Gradients that do not depend on each other: a row of the identity beside small numbers.
pub fn independent(tasks: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Rows> {
    tasks.prop_flat_map(|tasks| {
        prop::collection::vec(prop::collection::vec(-1.0..1.0f64, tasks), tasks).prop_map(|mut rows| {
            let tasks = rows.len() as f64;
            for (i, row) in rows.iter_mut().enumerate() {
                row.iter_mut().for_each(|x| *x *= 0.6 / tasks.sqrt());
                row[i] += 1.0;
            }
            rows
        })
    })
}

/// Positive factors between 0.01 and 100.
pub fn factors(count: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-2.0..2.0f64).prop_map(|power| 10f64.powf(power)), count)
}
