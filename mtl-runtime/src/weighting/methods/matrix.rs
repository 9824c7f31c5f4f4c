//! A small square matrix in `f64`: as many rows as there are tasks.

use std::ops::{Index, IndexMut};

/// A real number of a gradient: read as `f64`, stored in its own width.
pub trait Real: Copy + Into<f64> {
    /// The number nearest to a value.
    fn of(value: f64) -> Self;
}

impl Real for f32 {
    fn of(value: f64) -> Self {
        value as Self
    }
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }
}

/// The inner product of two vectors, accumulated in `f64` in eight sums, which the processor adds at once. The order
/// of the additions depends on the length alone.
pub(crate) fn dot<F: Real>(a: &[F], b: &[F]) -> f64 {
    const LANES: usize = 8;
    let (mut left, mut right) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let mut lanes = [0.0; LANES];
    for (x, y) in left.by_ref().zip(right.by_ref()) {
        for (lane, (&x, &y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x.into() * y.into();
        }
    }
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(&x, &y)| x.into() * y.into()).sum();
    lanes.iter().sum::<f64>() + rest
}

/// A square matrix, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    n: usize,
    entries: Vec<f64>,
}

impl Matrix {
    /// The matrix of a function of row and column.
    pub fn from_fn(n: usize, entry: impl Fn(usize, usize) -> f64) -> Self {
        Self { n, entries: (0..n * n).map(|at| entry(at / n, at % n)).collect() }
    }

    /// The inner products of vectors of one length, accumulated in `f64`.
    pub fn gram<F: Real>(vectors: &[impl AsRef<[F]>]) -> Self {
        // In blocks that stay near the processor, so that each number is read and widened once.
        const BLOCK: usize = 256;
        let n = vectors.len();
        let length = vectors.iter().map(|vector| vector.as_ref().len()).min().unwrap_or(0);
        let mut matrix = Self::from_fn(n, |_, _| 0.0);
        let mut block = vec![0.0; n * BLOCK.min(length)];
        for start in (0..length).step_by(BLOCK) {
            let width = BLOCK.min(length - start);
            for (row, vector) in block.chunks_exact_mut(width).zip(vectors) {
                for (wide, &narrow) in row.iter_mut().zip(&vector.as_ref()[start..start + width]) {
                    *wide = narrow.into();
                }
            }
            for i in 0..n {
                for j in i..n {
                    let (first, second) = (&block[i * width..(i + 1) * width], &block[j * width..(j + 1) * width]);
                    matrix[(i, j)] += dot(first, second);
                }
            }
        }
        for i in 0..n {
            for j in 0..i {
                matrix[(i, j)] = matrix[(j, i)];
            }
        }
        matrix
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The entries, row by row.
    pub fn entries(&self) -> &[f64] {
        &self.entries
    }

    /// The diagonal.
    pub fn diagonal(&self) -> Vec<f64> {
        (0..self.n).map(|i| self[(i, i)]).collect()
    }

    /// The rows and columns at the given places.
    pub fn select(&self, places: &[usize]) -> Self {
        Self::from_fn(places.len(), |i, j| self[(places[i], places[j])])
    }

    /// The matrix with row and column `i` multiplied by `factors[i]`.
    pub fn scaled(&self, factors: &[f64]) -> Self {
        Self::from_fn(self.n, |i, j| self[(i, j)] * factors[i] * factors[j])
    }

    /// The product with a vector.
    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        (0..self.n).map(|i| self.row_times(i, x)).collect()
    }

    /// The product of one row with a vector.
    pub fn row_times(&self, i: usize, x: &[f64]) -> f64 {
        dot(&self.entries[i * self.n..(i + 1) * self.n], x)
    }

    /// `x' A x`.
    pub fn quadratic(&self, x: &[f64]) -> f64 {
        dot(x, &self.times(x))
    }

    /// The solution of `A x = b` by elimination with row exchanges; nothing where a pivot is nothing beside its column.
    pub fn solve(&self, b: &[f64]) -> Option<Vec<f64>> {
        const SMALLEST_PIVOT: f64 = 1e-14;
        let n = self.n;
        let mut a = self.entries.clone();
        let mut x = b.to_vec();
        let largest = a.iter().fold(0.0f64, |largest, entry| largest.max(entry.abs()));
        for k in 0..n {
            let pivot = (k..n).max_by(|&i, &j| a[i * n + k].abs().total_cmp(&a[j * n + k].abs()))?;
            if a[pivot * n + k].abs().is_nan() || a[pivot * n + k].abs() <= SMALLEST_PIVOT * largest {
                return None;
            }
            if pivot != k {
                for j in 0..n {
                    a.swap(k * n + j, pivot * n + j);
                }
                x.swap(k, pivot);
            }
            for i in k + 1..n {
                let factor = a[i * n + k] / a[k * n + k];
                if factor != 0.0 {
                    for j in k..n {
                        a[i * n + j] -= factor * a[k * n + j];
                    }
                    x[i] -= factor * x[k];
                }
            }
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|j| a[i * n + j] * x[j]).sum();
            x[i] = (x[i] - known) / a[i * n + i];
        }
        x.iter().all(|value| value.is_finite()).then_some(x)
    }
}

impl Index<(usize, usize)> for Matrix {
    type Output = f64;

    fn index(&self, (i, j): (usize, usize)) -> &f64 {
        &self.entries[i * self.n + j]
    }
}

impl IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut f64 {
        &mut self.entries[i * self.n + j]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solution_solves() {
        let a = Matrix::from_fn(3, |i, j| [[0.0, 2.0, 1.0], [1.0, -1.0, 0.5], [3.0, 0.0, 4.0]][i][j]);
        let x = a.solve(&[1.0, 2.0, -3.0]).expect("regular");
        for (found, expected) in a.times(&x).iter().zip([1.0, 2.0, -3.0]) {
            assert!((found - expected).abs() < 1e-13);
        }
    }

    #[test]
    fn inner_products_of_any_length() {
        for length in (0..40).chain([255, 256, 257, 600]) {
            let a: Vec<f32> = (0..length).map(|k| k as f32 - 7.0).collect();
            let b: Vec<f32> = (0..length).map(|k| (k % 5) as f32).collect();
            let plain: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(x * y)).sum();
            let gram = Matrix::gram::<f32>(&[&a, &b]);
            assert_eq!((gram[(0, 1)], gram[(1, 0)]), (plain, plain));
        }
    }

    #[test]
    fn a_singular_matrix_has_no_solution() {
        assert_eq!(Matrix::from_fn(2, |_, _| 1.0).solve(&[1.0, 1.0]), None);
    }
}
