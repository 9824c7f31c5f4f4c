//! Newton's method for the bargaining equations of Nash-MTL and FairGrad.

use super::Matrix;

/// The logarithms of the positive `w` with `(G w)_t = w_t^-q` for inner products `G` of vectors with the given norms,
/// where `q` is positive: the least point of the convex `w' G w / 2 - sum_t phi(w_t)` with `phi' (x) = x^-q`.
///
/// `w_t` is written as `s_t x_t` with the solution `s_t = norm_t^(-2 / (1 + q))` of the task alone, so that neither the
/// scales of the gradients nor their ratios matter. Nothing where the gradients leave no direction that serves all,
/// beyond rounding.
pub(crate) fn bargain(cosines: &Matrix, norms: &[f64], q: f64) -> Option<Vec<f64>> {
    const STEPS: usize = 200;
    const LEAST_GAIN: f64 = 1e-13;
    const ACCEPTED: f64 = 1e-7;
    let n = norms.len();
    if n == 0 {
        return Some(Vec::new());
    }
    // The equations in x: (A x)_t = a_t^2 x_t^-q with A = a C a and a_t = norm_t s_t, divided by the greatest a.
    let power = (q - 1.0) / (q + 1.0);
    let logarithms: Vec<f64> = norms.iter().map(|norm| norm.ln()).collect();
    let lengths: Vec<f64> = logarithms.iter().map(|logarithm| power * logarithm).collect();
    let top = lengths.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let lengths: Vec<f64> = lengths.iter().map(|length| (length - top).exp()).collect();
    let squares: Vec<f64> = lengths.iter().map(|length| length * length).collect();
    let a = cosines.scaled(&lengths);
    // The relative error of each equation, the measure of progress.
    let error = |x: &[f64]| -> f64 {
        let products = a.times(x);
        (0..n).map(|t| (products[t] * x[t].powf(q) / squares[t] - 1.0).abs()).fold(0.0, f64::max)
    };
    let value = |x: &[f64]| -> f64 {
        let barrier = |x: f64| if (q - 1.0).abs() < 1e-12 { x.ln() } else { x.powf(1.0 - q) / (1.0 - q) };
        0.5 * a.quadratic(x) - (0..n).map(|t| squares[t] * barrier(x[t])).sum::<f64>()
    };
    let mut x = vec![1.0; n];
    let (mut best, mut best_error) = (x.clone(), error(&x));
    for _ in 0..STEPS {
        if best_error < 1e-15 {
            break;
        }
        let products = a.times(&x);
        let gradient: Vec<f64> = (0..n).map(|t| products[t] - squares[t] * x[t].powf(-q)).collect();
        // In the variables x_t / (present x_t) and with rows of unit diagonal, so that the system is well scaled.
        let scale: Vec<f64> =
            (0..n).map(|t| (a[(t, t)] + q * squares[t] * x[t].powf(-q - 1.0)).sqrt().recip()).collect();
        let hessian = Matrix::from_fn(n, |i, j| {
            let diagonal = if i == j { q * squares[i] * x[i].powf(-q - 1.0) } else { 0.0 };
            (a[(i, j)] + diagonal) * scale[i] * scale[j]
        });
        let right: Vec<f64> = gradient.iter().zip(&scale).map(|(g, s)| g * s).collect();
        let Some(solution) = hessian.solve(&right) else { break };
        let direction: Vec<f64> = solution.iter().zip(&scale).map(|(d, s)| d * s).collect();
        let slope: f64 = direction.iter().zip(&gradient).map(|(d, g)| d * g).sum();
        let before = value(&x);
        let mut step = 1.0;
        for t in 0..n {
            if direction[t] > 0.0 {
                step = f64::min(step, 0.95 * x[t] / direction[t]);
            }
        }
        let moved = loop {
            let moved: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x - step * d).collect();
            if moved.iter().all(|x| *x > 0.0) {
                // Near the solution the value tells nothing beyond its rounding, and the equations do.
                let near = slope.abs() <= 1e-9 * (before.abs() + 1.0) && error(&moved) < error(&x);
                if near || value(&moved) <= before - 1e-4 * step * slope {
                    break Some(moved);
                }
            }
            step *= 0.5;
            if step < 1e-14 {
                break None;
            }
        };
        let Some(moved) = moved else { break };
        x = moved;
        let now = error(&x);
        if now < best_error {
            (best, best_error) = (x.clone(), now);
        } else if best_error < 1e-12 {
            break;
        }
    }
    let lengths: Vec<f64> = best.iter().zip(&lengths).map(|(x, length)| x * length).collect();
    let least = cosines.times(&lengths).into_iter().fold(f64::INFINITY, f64::min);
    if best_error.is_nan() || best_error > ACCEPTED || least <= LEAST_GAIN * lengths.iter().sum::<f64>() {
        return None;
    }
    Some(best.iter().zip(&logarithms).map(|(x, logarithm)| x.ln() - 2.0 / (1.0 + q) * logarithm).collect())
}
