//! The box that is searched.

use crate::error::EvalError;
use crate::random::Generator;

/// One dimension of a space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variable {
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
    /// Where a search begins.
    pub start: f64,
}

/// A box. A search sees each variable from 0 to 1: by its logarithm where the interval spans two orders of magnitude above 0, or
/// begins at 0 and the start is a small part of it; evenly elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    variables: Vec<Variable>,
    /// What is added to each variable before its logarithm is taken; none where none is.
    shifts: Vec<Option<f64>>,
}

impl Variable {
    fn shift(&self) -> Option<f64> {
        if self.low > 0.0 && self.high >= 100.0 * self.low {
            return Some(0.0);
        }
        (self.low == 0.0 && self.start > 0.0 && self.high >= 20.0 * self.start).then_some(self.start)
    }
}

impl Space {
    /// The box of these variables, each with a finite interval that holds its start.
    pub fn new(variables: Vec<Variable>) -> Result<Self, EvalError> {
        if variables.is_empty() {
            return Err(EvalError::new("a search needs a variable"));
        }
        for Variable { low, high, start } in &variables {
            let finite = low.is_finite() && high.is_finite() && (high - low).is_finite();
            if !(finite && low <= start && start <= high) {
                return Err(EvalError::new(format!("{start} is not in an interval of finite numbers {low}..{high}")));
            }
        }
        let shifts = variables.iter().map(Variable::shift).collect();
        Ok(Self { variables, shifts })
    }

    /// The number of variables.
    pub fn len(&self) -> usize {
        self.variables.len()
    }

    /// Never: a space has a variable.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty()
    }

    /// Where a search begins.
    pub fn start(&self) -> Vec<f64> {
        self.variables.iter().map(|variable| variable.start).collect()
    }

    /// A point as a search sees it.
    pub fn unit(&self, point: &[f64]) -> Vec<f64> {
        let unit = |((variable, shift), x): ((&Variable, &Option<f64>), &f64)| {
            let Variable { low, high, .. } = *variable;
            match shift {
                _ if high == low => 0.5,
                Some(shift) => ((x + shift) / (low + shift)).ln() / ((high + shift) / (low + shift)).ln(),
                None => (x - low) / (high - low),
            }
        };
        self.variables.iter().zip(&self.shifts).zip(point).map(unit).collect()
    }

    /// The point of a search's view. What leaves 0..1 is reflected at the end that it passes.
    pub fn value(&self, unit: &[f64]) -> Vec<f64> {
        let value = |((variable, shift), u): ((&Variable, &Option<f64>), &f64)| {
            let Variable { low, high, .. } = *variable;
            let turned = u.rem_euclid(2.0);
            let u = if turned > 1.0 { 2.0 - turned } else { turned };
            let x = match shift {
                Some(shift) => (low + shift) * ((high + shift) / (low + shift)).powf(u) - shift,
                None => low + u * (high - low),
            };
            if u == 1.0 { high } else { x.clamp(low, high) }
        };
        self.variables.iter().zip(&self.shifts).zip(unit).map(value).collect()
    }

    /// A point at random, evenly as a search sees it.
    pub(super) fn random(&self, generator: &mut Generator) -> Vec<f64> {
        let unit: Vec<f64> = (0..self.len()).map(|_| generator.uniform()).collect();
        self.value(&unit)
    }

    /// A point of the grid with `steps` values of each variable, evenly spaced as a search sees them; the last variable runs
    /// fastest.
    pub(super) fn of_grid(&self, mut at: usize, steps: usize) -> Vec<f64> {
        let mut unit = vec![0.0; self.len()];
        for u in unit.iter_mut().rev() {
            *u = if steps < 2 { 0.5 } else { (at % steps) as f64 / (steps - 1) as f64 };
            at /= steps.max(1);
        }
        self.value(&unit)
    }
}
