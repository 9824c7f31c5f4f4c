//! The synthetic regression pair of the MMoE paper: two labels of one input whose relatedness is chosen.
//!
//! Ma et al., KDD 2018, section 3.2. With orthonormal `u1, u2` in `R^d`, `w1 = c u1`, `w2 = c (p u1 + sqrt(1 - p^2) u2)` and
//! `x ~ N(0, I)`, label `k` is `w_k x + sum_i sin(alpha_i w_k x + beta_i) + noise`, the `alpha` and `beta` being those of both.
//! The paper leaves `c`, `m`, `alpha` and `beta` open; the defaults of [`PairOptions`] are those of the PLE paper (Tang et al.,
//! RecSys 2020, section 5.2.1).

use crate::column::{Column, Numbers};
use crate::error::DataError;
use crate::rng::Rng;
use crate::table::Table;

/// The choices that the paper leaves open, and the relatedness.
#[derive(Debug, Clone, PartialEq)]
pub struct PairOptions {
    /// Dimension `d` of the input, 2 or more.
    pub dim: usize,
    /// `c`: the length of the weight vectors.
    pub scale: f64,
    /// `p`: the cosine of the weight vectors, in -1..=1. This is not the correlation of the labels; see
    /// [`Pair::label_correlation`].
    pub cosine: f64,
    /// `m`: the number of sines.
    pub sines: usize,
    /// Standard deviation of the labels' noise.
    pub noise: f64,
}

impl Default for PairOptions {
    fn default() -> Self {
        Self { dim: 512, scale: 1.0, cosine: 0.5, sines: 10, noise: 0.1 }
    }
}

/// A pair of related regressions.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    options: PairOptions,
    alpha: Vec<f64>,
    beta: Vec<f64>,
    /// The weight vectors.
    weights: [Vec<f64>; 2],
}

impl Pair {
    /// Draws `alpha`, `beta ~ N(0, 1)` and the directions.
    pub fn draw(options: PairOptions, seed: u64) -> Result<Self, DataError> {
        let draw = |name| {
            let mut rng = Rng::keyed(seed, name);
            (0..options.sines).map(|_| rng.normal()).collect()
        };
        let (alpha, beta) = (draw("pair.alpha"), draw("pair.beta"));
        Self::with_sines(options, alpha, beta, seed)
    }

    /// With these sines; the directions are drawn. [`PairOptions::sines`] is their number.
    pub fn with_sines(options: PairOptions, alpha: Vec<f64>, beta: Vec<f64>, seed: u64) -> Result<Self, DataError> {
        let wrong = |message: &str, value: f64| Err(DataError::new(message).with_value(value));
        if options.dim < 2 {
            return wrong("the pair needs an input of 2 or more dimensions", options.dim as f64);
        }
        if !(-1.0..=1.0).contains(&options.cosine) {
            return wrong("the cosine of the pair is outside -1..=1", options.cosine);
        }
        if !(options.noise >= 0.0 && options.noise.is_finite()) {
            return wrong("the noise of the pair is negative or not finite", options.noise);
        }
        if !options.scale.is_finite() {
            return wrong("the scale of the pair is not finite", options.scale);
        }
        if alpha.len() != options.sines || beta.len() != options.sines {
            return wrong("the pair needs one alpha and one beta for each sine", options.sines as f64);
        }
        let mut rng = Rng::keyed(seed, "pair.directions");
        let first = unit((0..options.dim).map(|_| rng.normal()).collect());
        let other: Vec<f64> = (0..options.dim).map(|_| rng.normal()).collect();
        let along = dot(&first, &other);
        let second = unit(first.iter().zip(&other).map(|(u, v)| v - along * u).collect());
        let PairOptions { scale: c, cosine: p, .. } = options;
        let rest = (1.0 - p * p).max(0.0).sqrt();
        let weights = [
            first.iter().map(|u| c * u).collect(),
            first.iter().zip(&second).map(|(u1, u2)| c * (p * u1 + rest * u2)).collect(),
        ];
        Ok(Self { options, alpha, beta, weights })
    }

    /// The drawn sines: every `(alpha, beta)`. They change the label correlation much: report them with results.
    pub fn sines(&self) -> impl Iterator<Item = (f64, f64)> {
        self.alpha.iter().copied().zip(self.beta.iter().copied())
    }

    /// The Pearson correlation of the two labels, in closed form.
    pub fn label_correlation(&self) -> f64 {
        self.covariance(self.options.cosine) / self.label_variance()
    }

    /// The variance of each label, in closed form.
    pub fn label_variance(&self) -> f64 {
        self.covariance(1.0) + self.options.noise.powi(2)
    }

    /// Covariance of the noiseless labels of two weight vectors with cosine `p`: with `z1, z2` jointly normal of variance `c^2`
    /// and correlation `p`, from `E[z1 sin(a z2 + b)] = p c^2 a e^(-a^2 c^2 / 2) cos b` and the product formula of two sines.
    fn covariance(&self, p: f64) -> f64 {
        let v = self.options.scale.powi(2);
        let damped = |a: f64| (-a * a * v / 2.0).exp();
        let mixed: f64 = self.sines().map(|(a, b)| v * p * a * damped(a) * b.cos()).sum();
        let mut sines = 0.0;
        for (a1, b1) in self.sines() {
            for (a2, b2) in self.sines() {
                let (even, cross) = (-(a1 * a1 + a2 * a2) * v / 2.0, a1 * a2 * v * p);
                let product = ((even + cross).exp() * (b1 - b2).cos() - (even - cross).exp() * (b1 + b2).cos()) / 2.0;
                sines += product - damped(a1) * b1.sin() * damped(a2) * b2.sin();
            }
        }
        v * p + 2.0 * mixed + sines
    }

    /// Rows of the pair: columns `x0`, `x1`, ..., then `y1` and `y2`.
    pub fn sample(&self, rows: usize, seed: u64) -> Result<Table, DataError> {
        let mut rng = Rng::keyed(seed, "pair.rows");
        let mut x: Vec<Vec<f64>> = (0..self.options.dim).map(|_| Vec::with_capacity(rows)).collect();
        let mut y = [Vec::with_capacity(rows), Vec::with_capacity(rows)];
        let mut row = vec![0.0; self.options.dim];
        for _ in 0..rows {
            row.iter_mut().for_each(|x| *x = rng.normal());
            for (labels, weights) in y.iter_mut().zip(&self.weights) {
                let z = dot(weights, &row);
                let sines: f64 = self.sines().map(|(alpha, beta)| (alpha * z + beta).sin()).sum();
                labels.push(z + sines + self.options.noise * rng.normal());
            }
            x.iter_mut().zip(&row).for_each(|(column, &value)| column.push(value));
        }
        let names = (0..x.len()).map(|i| format!("x{i}")).chain(["y1".to_owned(), "y2".to_owned()]);
        Table::from_columns(names.zip(x.into_iter().chain(y).map(|values| Column::from(Numbers(values)))))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn unit(v: Vec<f64>) -> Vec<f64> {
    let length = dot(&v, &v).sqrt();
    v.into_iter().map(|x| x / length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(scale: f64, cosine: f64, alpha: &[f64], beta: &[f64]) -> Pair {
        let options = PairOptions { dim: 6, scale, cosine, sines: alpha.len(), noise: 0.1 };
        Pair::with_sines(options, alpha.to_vec(), beta.to_vec(), 3).unwrap()
    }

    /// Values from an independent evaluation of the closed form.
    #[test]
    fn closed_form_fixtures() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        let one = pair(1.0, 0.5, &[0.7], &[0.2]);
        close(one.label_correlation(), 0.495_750_365_0);
        close(one.label_variance(), 2.386_921_315_4);
        let two = pair(0.3, 0.8, &[0.5, -1.2], &[0.1, 0.9]);
        close(two.label_correlation(), 0.676_932_648_0);
        close(two.label_variance(), 0.071_410_919_7);
    }

    #[test]
    fn unrelated_at_cosine_zero_and_below_one_at_cosine_one() {
        let options = |cosine| PairOptions { dim: 4, cosine, ..PairOptions::default() };
        assert!(Pair::draw(options(0.0), 5).unwrap().label_correlation().abs() < 1e-12);
        let same = Pair::draw(options(1.0), 5).unwrap();
        let expected = 1.0 - 0.01 / same.label_variance();
        assert!((same.label_correlation() - expected).abs() < 1e-12);
    }

    #[test]
    fn the_sample_has_the_closed_form_correlation() {
        for (cosine, seed) in [(0.5, 1), (-0.7, 2), (0.9, 3)] {
            let options = PairOptions { dim: 8, cosine, sines: 4, ..PairOptions::default() };
            let pair = Pair::draw(options, seed).unwrap();
            let table = pair.sample(100_000, seed).unwrap();
            let (y1, y2) = (table.numbers("y1").unwrap(), table.numbers("y2").unwrap());
            let n = y1.len() as f64;
            let (m1, m2) = (y1.iter().sum::<f64>() / n, y2.iter().sum::<f64>() / n);
            let moment = |a: &[f64], ma: f64, b: &[f64], mb: f64| {
                a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum::<f64>() / n
            };
            let (v1, v2) = (moment(&y1, m1, &y1, m1), moment(&y2, m2, &y2, m2));
            let correlation = moment(&y1, m1, &y2, m2) / (v1 * v2).sqrt();
            assert!(
                (correlation - pair.label_correlation()).abs() < 0.01,
                "{correlation} {}",
                pair.label_correlation()
            );
            assert!((v1 / pair.label_variance() - 1.0).abs() < 0.03);
        }
    }

    #[test]
    fn the_weight_vectors_have_the_cosine() {
        let pair = pair(0.3, 0.8, &[], &[]);
        let [w1, w2] = &pair.weights;
        assert!((dot(w1, w2) / 0.09 - 0.8).abs() < 1e-12 && (dot(w2, w2) / 0.09 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn impossible_options_are_refused() {
        let refused = |options| assert!(Pair::draw(options, 0).is_err());
        refused(PairOptions { dim: 1, ..PairOptions::default() });
        refused(PairOptions { cosine: 1.5, ..PairOptions::default() });
        refused(PairOptions { noise: -1.0, ..PairOptions::default() });
        assert!(Pair::with_sines(PairOptions::default(), vec![1.0], vec![1.0], 0).is_err());
    }
}
