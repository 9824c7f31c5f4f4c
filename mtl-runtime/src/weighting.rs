//! Weighting: how the losses of the tasks become one objective.

pub mod asked;
pub(crate) mod balance;
pub(crate) mod frontier;
pub mod methods;

pub use asked::{Asked, MethodConfig, Place, WeightingConfig};

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use mtl_data::schema::TaskKind;

use crate::init::Init;

/// The weights of the tasks' losses, fixed or learned.
#[derive(Module, Debug)]
pub struct Weighting {
    /// `[T]`: the logarithm of each task's noise variance, where it is learned.
    pub log_variances: Option<Param<Tensor<1>>>,
    /// What a loss is multiplied by beside what is learned.
    #[module(skip)]
    scales: Vec<f64>,
}

#[cfg(test)]
mod tests;

/// A log variance is kept within these bounds, so that a loss near zero takes no infinite weight.
const BOUND: f64 = 10.0;

impl Weighting {
    /// The sum of the losses.
    pub fn equal(tasks: usize) -> Self {
        Self::fixed(vec![1.0; tasks])
    }

    /// The sum of the losses under fixed weights.
    pub fn fixed(weights: Vec<f64>) -> Self {
        Self { log_variances: None, scales: weights }
    }

    /// Homoscedastic uncertainty (Kendall, Gal and Cipolla, CVPR 2018): with a trained `s` per task that starts at 0, the sum of
    /// `e^-s L + s/2` over probabilities and amounts, and of `e^-s L/2 + s/2` over other regressions. For a
    /// constant loss, `s` goes to `ln 2L` or `ln L`.
    pub fn uncertainty(init: &Init, kinds: &[TaskKind]) -> Self {
        let scale = |kind: &TaskKind| match kind {
            TaskKind::Binary { .. }
            | TaskKind::Ordinal { .. }
            | TaskKind::Multiclass { .. }
            | TaskKind::Pairwise
            | TaskKind::Listwise { .. } => 1.0,
            TaskKind::Regression { loss, .. } if loss.of_amounts() => 1.0,
            TaskKind::Regression { .. } => 0.5,
        };
        Self {
            log_variances: Some(init.parameter(TensorData::new(vec![0.0f32; kinds.len()], [kinds.len()]))),
            scales: kinds.iter().map(scale).collect(),
        }
    }

    /// The objective of a batch, `[1]`, from its losses `[T]`. A task that is not `active` (no label in the batch) adds
    /// nothing and moves nothing.
    pub fn combine(&self, losses: Tensor<1>, active: &[bool]) -> Tensor<1> {
        let row = |value: fn(f64, bool) -> f64| {
            let row: Vec<f32> =
                self.scales.iter().zip(active).map(|(&scale, &active)| value(scale, active) as f32).collect();
            Tensor::<1>::from_data(TensorData::new(row, [active.len()]), &losses.device())
        };
        assert_eq!(self.scales.len(), active.len(), "one weight for each task");
        let scales = row(|scale, active| if active { scale } else { 0.0 });
        let Some(log_variances) = &self.log_variances else { return (losses * scales).sum() };
        let s = log_variances.val();
        // The gradient is that at the bound, so that a value outside can come back.
        let s = s.clone() + (s.clone().clamp(-BOUND, BOUND) - s).detach();
        let halves = row(|_, active| if active { 0.5 } else { 0.0 });
        (losses * scales * s.clone().neg().exp() + s * halves).sum()
    }

    /// The sum of the losses under the weights that a method gave.
    pub fn combine_by(&self, losses: Tensor<1>, weights: &[f64]) -> Tensor<1> {
        let row: Vec<f32> = weights.iter().map(|weight| *weight as f32).collect();
        let row = Tensor::<1>::from_data(TensorData::new(row, [weights.len()]), &losses.device());
        (losses * row).sum()
    }

    /// The present weight of each task's loss.
    pub fn weights(&self) -> Vec<f64> {
        let Some(log_variances) = &self.log_variances else { return self.scales.clone() };
        let s = log_variances.val().into_data().iter::<f64>().collect::<Vec<_>>();
        s.iter().zip(&self.scales).map(|(s, scale)| scale * (-s.clamp(-BOUND, BOUND)).exp()).collect()
    }
}
