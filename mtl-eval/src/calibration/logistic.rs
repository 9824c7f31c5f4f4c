//! Platt scaling and temperature: a line through the logits, by Newton's method on smoothed targets.

use rayon::prelude::*;

use crate::metrics::Columns;

/// Probabilities nearer to 0 or 1 than this count as this: logits stay finite.
const NEAREST: f64 = 1e-12;

/// The smallest slope: predictions that are ordered against the labels keep their order, and lose nearly all their spread.
const LEAST_SLOPE: f64 = 1e-3;

/// The logit of a probability.
pub(super) fn logit(p: f64) -> f64 {
    let p = p.clamp(NEAREST, 1.0 - NEAREST);
    p.ln() - (-p).ln_1p()
}

/// The probability of a logit.
pub(super) fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// Loss, gradient and curvature at a line.
type State = [f64; 6];

/// Slope and offset that minimise the cross-entropy to the smoothed targets `(N+ + 1) / (N+ + 2)` and `1 / (N- + 2)`, with which a
/// minimum exists even for separable rows. The offset stays 0 unless it is `free`.
pub(super) fn fit(columns: &Columns, free: bool) -> [f64; 2] {
    let [positives, all] = columns.sums(|_, y, w| [w * y, w]);
    let negatives = all - positives;
    let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
    // Logits once: a step of Newton's method then costs one exponential a row.
    let row = |i| columns.term(i, |p, y, w| (logit(p), low + y * (high - low), w));
    let rows: Vec<(f64, f64, f64)> =
        (0..columns.labels.len()).into_par_iter().filter(|&i| columns.counts(i)).map(row).collect();
    let found = newton(&rows, [1.0, 0.0], [true, free]);
    if found[0] >= LEAST_SLOPE { found } else { newton(&rows, [LEAST_SLOPE, found[1]], [false, free]) }
}

fn newton(rows: &[(f64, f64, f64)], mut at: [f64; 2], free: [bool; 2]) -> [f64; 2] {
    const RIDGE: f64 = 1e-12;
    let mut here = state(rows, at);
    for _ in 0..100 {
        let [loss, mut ga, mut gb, mut haa, mut hab, mut hbb] = here;
        if !free[0] {
            (ga, haa, hab) = (0.0, 1.0, 0.0);
        }
        if !free[1] {
            (gb, hbb, hab) = (0.0, 1.0, 0.0);
        }
        if ga.abs().max(gb.abs()) < 1e-10 {
            break;
        }
        (haa, hbb) = (haa + RIDGE, hbb + RIDGE);
        let determinant = (haa * hbb - hab * hab).max(f64::MIN_POSITIVE);
        let step = [(hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant];
        let slope = ga * step[0] + gb * step[1];
        let mut length = 1.0;
        let moved = loop {
            let to = [at[0] - length * step[0], at[1] - length * step[1]];
            let there = state(rows, to);
            if there[0] <= loss - 1e-4 * length * slope {
                (at, here) = (to, there);
                break true;
            }
            length /= 2.0;
            if length < 1e-10 {
                break false;
            }
        };
        if !moved {
            break;
        }
    }
    at
}

/// The mean loss at a line, its gradient and its second derivatives.
fn state(rows: &[(f64, f64, f64)], [slope, offset]: [f64; 2]) -> State {
    let of = |&(z, target, weight): &(f64, f64, f64)| {
        let f = slope * z + offset;
        let e = (-f.abs()).exp();
        let p = if f >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
        let (d, h) = (weight * (p - target), weight * p * (1.0 - p));
        [weight * (f.max(0.0) - target * f + e.ln_1p()), d * z, d, h * z * z, h * z, h]
    };
    let sum = |rows: &[(f64, f64, f64)]| rows.iter().map(of).fold([0.0; 6], crate::metrics::add);
    let pieces: Vec<State> = rows.par_chunks(1 << 14).map(sum).collect();
    let total: f64 = rows.iter().map(|row| row.2).sum();
    pieces.into_iter().fold([0.0; 6], crate::metrics::add).map(|sum| sum / total)
}
