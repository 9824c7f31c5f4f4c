//! Small symmetric matrices in `f64`: as many rows as a model has tasks.

/// `A^(-1/2)` of a positive semidefinite matrix, row-major; directions whose eigenvalue is nothing beside the largest are left out.
pub(crate) fn inverse_root(matrix: &[f64], n: usize) -> Vec<f64> {
    let (values, vectors) = eigen(matrix, n);
    let top = values.iter().fold(0.0f64, |top, value| top.max(*value));
    let mut root = vec![0.0; n * n];
    for (k, value) in values.iter().enumerate().filter(|(_, value)| **value > 1e-12 * top && **value > 0.0) {
        for i in 0..n {
            for j in 0..n {
                root[i * n + j] += vectors[i * n + k] * vectors[j * n + k] / value.sqrt();
            }
        }
    }
    root
}

/// Eigenvalues, and eigenvectors as columns, of a symmetric matrix, by Jacobi rotations.
pub(crate) fn eigen(matrix: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    const SWEEPS: usize = 60;
    let mut a = matrix.to_vec();
    let mut v: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect();
    for _ in 0..SWEEPS {
        let off: f64 = (0..n * n).filter(|at| at / n != at % n).map(|at| a[at] * a[at]).sum();
        let all: f64 = a.iter().map(|x| x * x).sum();
        if off <= 1e-30 * all {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p * n + q] == 0.0 {
                    continue;
                }
                let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let t = if theta == 0.0 { 1.0 } else { t };
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[k * n + p], a[k * n + q]);
                    (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (a[p * n + k], a[q * n + k]);
                    (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
                    let (x, y) = (v[k * n + p], v[k * n + q]);
                    (v[k * n + p], v[k * n + q]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_of_the_inverse_root_is_the_inverse() {
        let a = [4.0, 1.0, 0.5, 1.0, 3.0, 0.2, 0.5, 0.2, 2.0];
        let r = inverse_root(&a, 3);
        let times = |x: &[f64], y: &[f64]| -> Vec<f64> {
            (0..9).map(|at| (0..3).map(|k| x[at / 3 * 3 + k] * y[k * 3 + at % 3]).sum()).collect()
        };
        let identity = times(&times(&r, &r), &a);
        for (at, x) in identity.iter().enumerate() {
            assert!((x - f64::from(u8::from(at / 3 == at % 3))).abs() < 1e-12, "{identity:?}");
        }
    }

    #[test]
    fn a_direction_without_length_is_left_out() {
        // Two equal columns: one eigenvalue is 0.
        let r = inverse_root(&[2.0, 2.0, 2.0, 2.0], 2);
        assert!(r.iter().all(|x| (x - 0.25).abs() < 1e-12), "{r:?}");
        assert_eq!(inverse_root(&[0.0; 4], 2), [0.0; 4]);
    }
}
