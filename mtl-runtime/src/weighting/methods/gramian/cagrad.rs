//! Conflict-averse gradient descent (CAGrad).
//!
//! **Equation.** With the mean gradient `g0`, the direction `d` that maximises the worst `<g_t, d>` within
//! `|d - g0| <= c |g0|`. Its dual is the least of `<g_w, g0> + c |g0| |g_w|` over `g_w = sum_t w_t g_t` with weights of
//! at least 0 and the sum 1; then `d = g0 + (c |g0| / |g_w|) g_w`, divided by 1, `1 + c^2` or `1 + c`.
//!
//! **Source.** Liu, Liu, Jin, Stone and Liu, "Conflict-averse gradient descent for multi-task learning", NeurIPS 2021.
//!
//! **Options.** `c`, 0.5: 0 gives the mean, 1 and more a direction against no task. `rescale`, by `1 + c^2`.
//!
//! **Solution.** `|g_w|` is the least of `(|g_w|^2 / s + s) / 2` over `s`. For a fixed `s` the weights are those of the
//! shortest combination of the vectors `g_t + (s / c |g0|) g0`, found exactly; the `s` with `s = |g_w|` has a closed
//! form for each face of the simplex, and is bracketed.
//!
//! **Public implementations.** The Nash-MTL code has `c` at 0.4 and multiplies by the number of tasks, as the authors
//! do, LibMTL does not. Where `g_w` is nothing beside the gradients TorchJD gives 0; here the mean.
//!
//! **Missing tasks.** Neither in the mean nor in the search.

use super::{Gram, Gramian};
use crate::weighting::methods::quadratic::shortest_combination;
use crate::weighting::methods::{Convention, Failure, Matrix};

/// What a direction is divided by, so that its length is near that of the mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rescale {
    /// 1.
    None,
    /// `1 + c^2`.
    Square,
    /// `1 + c`.
    Linear,
}

/// The options of [`Cagrad`].
#[derive(Debug, Clone, PartialEq)]
pub struct CagradOptions {
    /// How far the direction may lie from the mean gradient, in lengths of it.
    pub c: f64,
    /// What the direction is divided by.
    pub rescale: Rescale,
}

impl Default for CagradOptions {
    fn default() -> Self {
        Self { c: 0.5, rescale: Rescale::Square }
    }
}

/// The weights of the direction best for the worst task near the mean.
#[derive(Debug, Clone)]
pub struct Cagrad {
    options: CagradOptions,
}

/// The length of a combination of gradients, beside the sum of their lengths in it, below which only rounding is left
/// of it.
const SHORTEST: f64 = 1e-6;

impl Cagrad {
    /// The method under its options.
    ///
    /// # Errors
    /// A negative `c`.
    pub fn new(options: CagradOptions) -> Result<Self, Failure> {
        let c = options.c;
        Failure::unless(c >= 0.0 && c.is_finite(), || format!("a c of {c}: it must be at least 0"))?;
        Ok(Self { options })
    }
}

/// The weights for one `s`, with the length of their combination.
fn at(gram: &Matrix, products: &[f64], square: f64, shift: f64) -> Option<(Vec<f64>, f64)> {
    let shifted =
        Matrix::from_fn(gram.len(), |i, j| gram[(i, j)] + shift * (products[i] + products[j]) + shift * shift * square);
    let weights = shortest_combination(&shifted)?;
    let length = length(gram, &weights);
    Some((weights, length))
}

/// The length of a combination; 0 where only rounding is left of it.
fn length(gram: &Matrix, weights: &[f64]) -> f64 {
    let reach: f64 = weights.iter().enumerate().map(|(t, weight)| weight * gram[(t, t)].sqrt()).sum();
    let length = gram.quadratic(weights).max(0.0).sqrt();
    if length > SHORTEST * reach { length } else { 0.0 }
}

/// The `s` with `s = |g_w|` where the weights that are not 0 stay so and need only sum to 1: there
/// `q + (radius / s) G w` is one number, with the products `q`.
fn on_face(gram: &Matrix, products: &[f64], radius: f64, weights: &[f64]) -> Option<f64> {
    let face: Vec<usize> = (0..weights.len()).filter(|&t| weights[t] > 0.0).collect();
    let inner = gram.select(&face);
    let q: Vec<f64> = face.iter().map(|&t| products[t]).collect();
    let (ones, of_q) = (inner.solve(&vec![1.0; face.len()])?, inner.solve(&q)?);
    let (a, b): (f64, f64) = (ones.iter().sum(), of_q.iter().sum());
    let c: f64 = q.iter().zip(&of_q).map(|(q, x)| q * x).sum();
    let square = b * b - a * c + a * radius * radius;
    (square > 0.0).then(|| radius / square.sqrt())
}

/// The weights of the dual and the length of their combination, for gradients of which the longest has the length 1;
/// nothing where that combination is nothing.
fn dual(gram: &Matrix, c: f64) -> Result<Option<(Vec<f64>, f64)>, Failure> {
    let n = gram.len();
    let equal = vec![1.0 / n as f64; n];
    let products = gram.times(&equal);
    let mean = length(gram, &equal);
    let (square, radius) = (mean * mean, c * mean);
    if radius == 0.0 {
        return Ok(None);
    }
    let evaluate = |s: f64| at(gram, &products, square, s / radius).ok_or(Failure::NotFinite);
    let (mut low, mut high) = (1e-14, 1.0 + 1e-9);
    let (start, end) = (evaluate(low)?, evaluate(high)?);
    // How far the length of the combination exceeds s: positive at the left, negative at the right.
    let (mut low_excess, mut high_excess) = (start.1 - low, end.1 - high);
    if low_excess <= 0.0 {
        return Ok(None);
    }
    let mut best = end;
    for _ in 0..200 {
        if high - low <= 1e-15 * high {
            break;
        }
        // The solution on the present face, if it is a new point; else where the line between the ends is 0.
        let guess = on_face(gram, &products, radius, &best.0).filter(|s| *s > low && *s < high);
        let line = (low * high_excess - high * low_excess) / (high_excess - low_excess);
        let line = if line > low && line < high { line } else { 0.5 * (low + high) };
        let middle = guess.unwrap_or(line);
        best = evaluate(middle)?;
        let excess = best.1 - middle;
        if excess.abs() <= 1e-14 * middle {
            break;
        }
        // The Illinois rule: the end that stays counts for half, so that both move.
        if excess > 0.0 {
            (low, low_excess) = (middle, excess);
            high_excess *= 0.5;
        } else {
            (high, high_excess) = (middle, excess);
            low_excess *= 0.5;
        }
    }
    Ok((best.1 > 0.0).then_some(best))
}

impl Gramian for Cagrad {
    fn name(&self) -> &'static str {
        "cagrad"
    }

    fn convention(&self) -> Convention {
        Convention::Mean
    }

    fn solve(&mut self, gram: &Gram) -> Result<Vec<f64>, Failure> {
        let n = gram.len();
        let c = self.options.c;
        let mut weights = vec![1.0 / n as f64; n];
        let top = gram.norms().iter().copied().fold(0.0, f64::max);
        let lengths: Vec<f64> = gram.norms().iter().map(|norm| norm / top).collect();
        let unit = gram.cosines().scaled(&lengths);
        if let Some((found, length_found)) = dual(&unit, c)? {
            let factor = c * length(&unit, &weights) / length_found;
            for (weight, found) in weights.iter_mut().zip(found) {
                *weight += factor * found;
            }
        }
        let divisor = match self.options.rescale {
            Rescale::None => 1.0,
            Rescale::Square => 1.0 + c * c,
            Rescale::Linear => 1.0 + c,
        };
        Ok(weights.iter().map(|weight| weight / divisor).collect())
    }
}
