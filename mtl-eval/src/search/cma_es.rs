//! Evolution of a normal distribution whose covariance is adapted, with active updates.
//!
//! Hansen, "The CMA Evolution Strategy: A Tutorial" (arXiv:1604.00772): constants of its table 1, the names of its section 6.

use super::eigen::symmetric;
use super::order;
use crate::random::Generator;

/// The standard deviation at the start, as a share of each interval.
const SIGMA: f64 = 0.3;

/// A run of the evolution.
pub(super) struct CmaEs {
    n: usize,
    population: usize,
    /// Recombination weights, the best point's first; those of the worse half are negative.
    weights: Vec<f64>,
    mu: usize,
    mu_eff: f64,
    c_sigma: f64,
    d_sigma: f64,
    c_c: f64,
    c_1: f64,
    c_mu: f64,
    /// The expected length of a standard normal vector.
    chi: f64,
    mean: Vec<f64>,
    sigma: f64,
    path_sigma: Vec<f64>,
    path_c: Vec<f64>,
    covariance: Vec<f64>,
    /// The eigenvectors of the covariance, as columns, and the roots of its eigenvalues.
    vectors: Vec<f64>,
    roots: Vec<f64>,
    generation: i32,
    /// Generations since the best value of one differed from the one before.
    unchanged: usize,
    last: Option<(f64, f64)>,
}

impl CmaEs {
    /// How many points a generation has by default.
    pub fn population(variables: usize) -> usize {
        4 + (3.0 * (variables as f64).ln()).floor() as usize
    }

    /// A run from a point, with so many points a generation.
    pub fn new(mean: Vec<f64>, population: usize) -> Self {
        let (n, dimension) = (mean.len(), mean.len() as f64);
        let raw = |at: usize| ((population as f64 + 1.0) / 2.0).ln() - (at as f64 + 1.0).ln();
        let raw: Vec<f64> = (0..population).map(raw).collect();
        let mu = population / 2;
        let effective =
            |of: &[f64]| of.iter().sum::<f64>().powi(2) / of.iter().map(|weight| weight * weight).sum::<f64>();
        let (mu_eff, mu_eff_worse) = (effective(&raw[..mu]), effective(&raw[mu..]));
        let c_sigma = (mu_eff + 2.0) / (dimension + mu_eff + 5.0);
        let d_sigma = 1.0 + 2.0 * (((mu_eff - 1.0) / (dimension + 1.0)).sqrt() - 1.0).max(0.0) + c_sigma;
        let c_c = (4.0 + mu_eff / dimension) / (dimension + 4.0 + 2.0 * mu_eff / dimension);
        let c_1 = 2.0 / ((dimension + 1.3).powi(2) + mu_eff);
        let c_mu = (1.0 - c_1).min(2.0 * (0.25 + mu_eff + 1.0 / mu_eff - 2.0) / ((dimension + 2.0).powi(2) + mu_eff));
        let least = [
            1.0 + c_1 / c_mu,
            1.0 + 2.0 * mu_eff_worse / (mu_eff + 2.0),
            (1.0 - c_1 - c_mu).max(0.0) / (dimension * c_mu),
        ];
        let worse = least.into_iter().fold(f64::INFINITY, f64::min);
        let sum = |sign: f64| raw.iter().map(|weight| (sign * weight).max(0.0)).sum::<f64>();
        let (above, below) = (sum(1.0), sum(-1.0));
        let weight = |raw: &f64| if *raw >= 0.0 { raw / above } else { worse * raw / below };
        let mut unit = vec![0.0; n * n];
        (0..n).for_each(|i| unit[i * n + i] = 1.0);
        Self {
            n,
            population,
            weights: raw.iter().map(weight).collect(),
            mu,
            mu_eff,
            c_sigma,
            d_sigma,
            c_c,
            c_1,
            c_mu,
            chi: dimension.sqrt() * (1.0 - 1.0 / (4.0 * dimension) + 1.0 / (21.0 * dimension * dimension)),
            mean,
            sigma: SIGMA,
            path_sigma: vec![0.0; n],
            path_c: vec![0.0; n],
            covariance: unit.clone(),
            vectors: unit,
            roots: vec![1.0; n],
            generation: 0,
            unchanged: 0,
            last: None,
        }
    }

    /// The points of the next generation.
    pub fn ask(&self, generator: &mut Generator) -> Vec<Vec<f64>> {
        let point = |_| {
            let scaled: Vec<f64> = self.roots.iter().map(|root| root * generator.normal()).collect();
            let along = |i: usize| (0..self.n).map(|k| self.vectors[i * self.n + k] * scaled[k]).sum::<f64>();
            (0..self.n).map(|i| self.mean[i] + self.sigma * along(i)).collect()
        };
        (0..self.population).map(point).collect()
    }

    /// Learns from the points of a generation: each with what it misses the constraints by, and its fitness.
    pub fn tell(&mut self, mut points: Vec<(Vec<f64>, (f64, f64))>) {
        let n = self.n;
        points.sort_by(|(_, a), (_, b)| order(*a, *b));
        let (best, middle) = (points[0].1, points[(self.population * 7 / 10).min(self.population - 1)].1);
        self.unchanged = if self.last == Some(best) { self.unchanged + 1 } else { 0 };
        self.last = Some(best);
        let steps: Vec<Vec<f64>> = points
            .iter()
            .map(|(point, _)| point.iter().zip(&self.mean).map(|(x, mean)| (x - mean) / self.sigma).collect())
            .collect();
        let step: Vec<f64> = (0..n).map(|i| (0..self.mu).map(|k| self.weights[k] * steps[k][i]).sum::<f64>()).collect();
        self.mean.iter_mut().zip(&step).for_each(|(mean, step)| *mean += self.sigma * step);

        let whitened = self.whitened(&step);
        let rate = (self.c_sigma * (2.0 - self.c_sigma) * self.mu_eff).sqrt();
        for (path, step) in self.path_sigma.iter_mut().zip(&whitened) {
            *path = (1.0 - self.c_sigma) * *path + rate * step;
        }
        self.generation += 1;
        let length = self.path_sigma.iter().map(|x| x * x).sum::<f64>().sqrt();
        let grown = (1.0 - (1.0 - self.c_sigma).powi(2 * self.generation)).sqrt();
        let stalled = length / grown >= (1.4 + 2.0 / (n as f64 + 1.0)) * self.chi;
        let rate = if stalled { 0.0 } else { (self.c_c * (2.0 - self.c_c) * self.mu_eff).sqrt() };
        for (path, step) in self.path_c.iter_mut().zip(&step) {
            *path = (1.0 - self.c_c) * *path + rate * step;
        }
        let lost = if stalled { self.c_1 * self.c_c * (2.0 - self.c_c) } else { 0.0 };
        let kept = 1.0 + lost - self.c_1 - self.c_mu * self.weights.iter().sum::<f64>();
        self.covariance.iter_mut().for_each(|c| *c *= kept);
        self.add(self.c_1, &self.path_c.clone());
        for (weight, step) in self.weights.clone().into_iter().zip(&steps) {
            let scale = if weight >= 0.0 {
                1.0
            } else {
                n as f64 / self.whitened(step).iter().map(|x| x * x).sum::<f64>().max(f64::MIN_POSITIVE)
            };
            self.add(self.c_mu * weight * scale, step);
        }
        self.sigma *= (self.c_sigma / self.d_sigma * (length / self.chi - 1.0)).exp();
        if best == middle {
            // A plateau: look further away.
            self.sigma *= (0.2 + self.c_sigma / self.d_sigma).exp();
        }
        let (values, vectors) = symmetric(self.covariance.clone(), n);
        self.roots = values.iter().map(|value| value.max(1e-20).sqrt()).collect();
        self.vectors = vectors;
        // No wider than the box.
        let widest = self.roots.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        self.sigma = self.sigma.min(1.0 / widest);
    }

    /// Whether the distribution has become a point, or its best value stands still.
    pub fn has_converged(&self) -> bool {
        let (least, most) =
            self.roots.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), root| (low.min(*root), high.max(*root)));
        let patience = 10 + 30 * self.n / self.population;
        self.sigma * most < 1e-9 || most > 1e7 * least || self.unchanged >= patience
    }

    /// A step divided by the root of the covariance.
    fn whitened(&self, step: &[f64]) -> Vec<f64> {
        let n = self.n;
        let along = |k: usize| (0..n).map(|i| self.vectors[i * n + k] * step[i]).sum::<f64>() / self.roots[k];
        let scaled: Vec<f64> = (0..n).map(along).collect();
        (0..n).map(|i| (0..n).map(|k| self.vectors[i * n + k] * scaled[k]).sum()).collect()
    }

    /// Adds `factor * step * step^T` to the covariance.
    fn add(&mut self, factor: f64, step: &[f64]) {
        for (row, a) in self.covariance.chunks_exact_mut(self.n).zip(step) {
            row.iter_mut().zip(step).for_each(|(c, b)| *c += factor * a * b);
        }
    }
}
