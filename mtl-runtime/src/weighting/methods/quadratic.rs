//! Exact solvers of two small quadratic programs over inner products: the shortest convex combination, and the
//! projection on a dual cone.

use super::Matrix;

/// The share of rounding in an inner product, beside the product of the norms.
const NOISE: f64 = 1e-14;

/// The convex combination of vectors with the least norm, from their inner products: Wolfe's algorithm (Mathematical
/// Programming 1976), which walks over faces of the polytope and ends after finitely many of them.
///
/// Where several combinations give the same vector, one of them. Nothing where the matrix has a number that is not
/// finite.
pub(crate) fn shortest_combination(gram: &Matrix) -> Option<Vec<f64>> {
    let n = gram.len();
    let norms: Vec<f64> = gram.diagonal().iter().map(|square| square.max(0.0).sqrt()).collect();
    if n == 0 || !gram.entries().iter().all(|entry| entry.is_finite()) {
        return (n == 0).then(Vec::new);
    }
    let start = (0..n).min_by(|&i, &j| norms[i].total_cmp(&norms[j]))?;
    let mut x = vec![0.0; n];
    x[start] = 1.0;
    if norms[start] == 0.0 {
        return Some(x);
    }
    // Vectors of norm 1, and lengths beside the greatest: nothing overflows.
    let cosines = unit_products(gram, &norms);
    let top = norms.iter().copied().fold(0.0, f64::max);
    let lengths: Vec<f64> = norms.iter().map(|norm| norm / top).collect();
    let mut face = vec![start];
    for _ in 0..50 * (n + 4) {
        // The inner product of each unit vector with the present point, and the least that it may be.
        let scaled: Vec<f64> = x.iter().zip(&lengths).map(|(x, length)| x * length).collect();
        let products = cosines.times(&scaled);
        let square: f64 = scaled.iter().zip(&products).map(|(x, p)| x * p).sum();
        let reach: f64 = scaled.iter().sum();
        let gain =
            |j: usize| square.max(0.0) - lengths[j] * products[j] - NOISE * n as f64 * (lengths[j] + reach) * reach;
        let candidate = (0..n).filter(|j| !face.contains(j)).max_by(|&i, &j| gain(i).total_cmp(&gain(j)));
        let Some(entering) = candidate.filter(|&j| gain(j) > 0.0) else { break };
        let old = x.clone();
        face.push(entering);
        if !descend(&cosines, &lengths, &mut face, &mut x) {
            x = old;
            break;
        }
        if x == old {
            break;
        }
    }
    Some(x)
}

/// Moves to the shortest point of a face, leaving the vertices that would get a negative share. False where the face
/// has no single such point.
fn descend(cosines: &Matrix, lengths: &[f64], face: &mut Vec<usize>, x: &mut [f64]) -> bool {
    while !face.is_empty() {
        let Some(shares) = affine_shares(cosines, lengths, face) else { return false };
        if shares.iter().all(|share| *share >= 0.0) {
            x.fill(0.0);
            for (&i, share) in face.iter().zip(shares) {
                x[i] = share;
            }
            return true;
        }
        // How far to go from the present point to that with a negative share, until the first share is 0.
        let reach = |(&i, &share): (&usize, &f64)| if share < 0.0 { x[i] / (x[i] - share) } else { 1.0 };
        let reaches: Vec<f64> = face.iter().zip(&shares).map(reach).collect();
        let step = reaches.iter().copied().fold(1.0, f64::min);
        for ((&i, share), reach) in face.iter().zip(&shares).zip(reaches) {
            x[i] = if *share < 0.0 && reach <= step { 0.0 } else { x[i] + step * (share - x[i]) };
        }
        face.retain(|&i| x[i] > 0.0);
    }
    false
}

/// The shares, of either sign and with the sum 1, of the shortest affine combination of a face: `C b = m r`,
/// `r' b = 1`, with lengths `1 / r`.
fn affine_shares(cosines: &Matrix, lengths: &[f64], face: &[usize]) -> Option<Vec<f64>> {
    let n = face.len();
    let least = face.iter().map(|&i| lengths[i]).fold(f64::INFINITY, f64::min);
    let inverse = |k: usize| least / lengths[face[k]];
    let system = Matrix::from_fn(n + 1, |i, j| match (i == n, j == n) {
        (true, true) => 0.0,
        (true, false) => inverse(j),
        (false, true) => inverse(i),
        (false, false) => cosines[(face[i], face[j])],
    });
    let mut right = vec![0.0; n + 1];
    right[n] = 1.0;
    let solution = system.solve(&right)?;
    let shares: Vec<f64> = (0..n).map(|k| solution[k] * inverse(k)).collect();
    let sum: f64 = shares.iter().sum();
    (sum > 0.0).then(|| shares.iter().map(|share| share / sum).collect())
}

/// The least `v' C v` over `v >= e_i`, from the inner products `C` of unit vectors: the projection of vector `i` on the
/// cone of vectors that conflict with none (Lawson and Hanson's algorithm of least squares with coefficients of at
/// least 0).
pub(crate) fn without_conflict(cosines: &Matrix, i: usize) -> Vec<f64> {
    let n = cosines.len();
    let tolerance = 1e-13 * n as f64;
    let mut z = vec![0.0; n];
    let mut free: Vec<usize> = Vec::new();
    let mut blocked = vec![false; n];
    for _ in 0..20 * (n + 4) {
        let products = cosines.times(&z);
        let conflict = |j: usize| -(cosines[(j, i)] + products[j]);
        let candidate = (0..n)
            .filter(|&j| !free.contains(&j) && !blocked[j])
            .max_by(|&j, &k| conflict(j).total_cmp(&conflict(k)))
            .filter(|&j| conflict(j) > tolerance);
        let Some(entering) = candidate else { break };
        free.push(entering);
        loop {
            let right: Vec<f64> = free.iter().map(|&j| -cosines[(j, i)]).collect();
            let Some(solution) = cosines.select(&free).solve(&right) else {
                // The new vector depends on the others: it cannot be told from them.
                blocked[entering] = true;
                free.retain(|&j| j != entering);
                z[entering] = 0.0;
                break;
            };
            if solution.iter().all(|s| *s > 0.0) {
                z.fill(0.0);
                for (&j, s) in free.iter().zip(solution) {
                    z[j] = s;
                }
                break;
            }
            let reach =
                |(&j, &s): (&usize, &f64)| if s <= 0.0 { z[j] / (z[j] - s).max(f64::MIN_POSITIVE) } else { 1.0 };
            let reaches: Vec<f64> = free.iter().zip(&solution).map(reach).collect();
            let step = reaches.iter().copied().fold(1.0, f64::min);
            for ((&j, s), reach) in free.iter().zip(&solution).zip(reaches) {
                z[j] = if *s <= 0.0 && reach <= step { 0.0 } else { z[j] + step * (s - z[j]) };
            }
            if z[entering] <= 0.0 {
                blocked[entering] = true;
            }
            free.retain(|&j| z[j] > 0.0);
            if free.is_empty() {
                break;
            }
        }
    }
    z[i] += 1.0;
    z
}

/// The inner products of vectors divided by their norms; 0 beside a vector without length.
pub(crate) fn unit_products(gram: &Matrix, norms: &[f64]) -> Matrix {
    Matrix::from_fn(gram.len(), |i, j| {
        if norms[i] == 0.0 || norms[j] == 0.0 {
            return 0.0;
        }
        if i == j { 1.0 } else { (gram[(i, j)] / norms[i] / norms[j]).clamp(-1.0, 1.0) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gram(rows: &[&[f64]]) -> Matrix {
        Matrix::gram(rows)
    }

    #[test]
    fn the_foot_of_a_perpendicular_and_a_vertex() {
        let x = shortest_combination(&gram(&[&[1.0, 1.0], &[-1.0, 1.0]])).expect("finite");
        assert!((x[0] - 0.5).abs() < 1e-15);
        assert_eq!(shortest_combination(&gram(&[&[1.0, 0.0], &[3.0, 0.1]])), Some(vec![1.0, 0.0]));
        assert_eq!(shortest_combination(&gram(&[&[1.0, 0.0], &[0.0, 0.0]])), Some(vec![0.0, 1.0]));
    }

    #[test]
    fn a_polytope_around_the_origin_has_a_combination_of_length_0() {
        let rows: [&[f64]; 4] = [&[1.0, 0.0], &[-0.5, 0.9], &[-0.5, -0.9], &[2.0, 2.0]];
        let g = gram(&rows);
        let x = shortest_combination(&g).expect("finite");
        assert!(g.quadratic(&x) < 1e-28, "{x:?}");
    }

    #[test]
    fn a_projection_conflicts_with_none() {
        let rows: [&[f64]; 3] = [&[1.0, 0.0, 0.0], &[-0.5, 1.0, 0.0], &[-0.9, -0.3, 0.4]];
        let g = gram(&rows);
        let norms: Vec<f64> = g.diagonal().iter().map(|x| x.sqrt()).collect();
        let c = unit_products(&g, &norms);
        for i in 0..3 {
            let v = without_conflict(&c, i);
            assert!(c.times(&v).iter().all(|product| *product >= -1e-12), "{v:?}");
        }
    }
}
