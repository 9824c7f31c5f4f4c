//! Adam on one row: a step with a gradient, and the steps without one that a row missed.

/// Columns that are worked on together: one vector register.
const LANES: usize = 8;

/// Calls a function on a row's values and moments, block by block: blocks of [`LANES`] columns, whose loops are unrolled, then
/// the rest.
macro_rules! by_lanes {
    ($values:expr, $first:expr, $second:expr, |$w:ident, $m:ident, $v:ident, $from:ident| $body:expr) => {{
        let (values, values_rest) = $values.as_chunks_mut::<LANES>();
        let (first, first_rest) = $first.as_chunks_mut::<LANES>();
        let (second, second_rest) = $second.as_chunks_mut::<LANES>();
        let mut $from = 0;
        for (($w, $m), $v) in values.iter_mut().zip(first).zip(second) {
            $body;
            $from += LANES;
        }
        if !values_rest.is_empty() {
            let ($w, $m, $v) = (values_rest, first_rest, second_rest);
            $body;
        }
    }};
}

/// Step `t` of Adam is `w -= rate * m / (root * sqrt(v) + epsilon)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coefficients {
    /// `lr / (1 - b1^t)`
    pub rate: f32,
    /// `1 / sqrt(1 - b2^t)`
    pub root: f32,
}

/// What is the same in every step of Adam.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    beta1: f32,
    beta2: f32,
    root_beta2: f32,
    epsilon: f32,
    exact1: f64,
    exact2: f64,
    /// The factor on the learning rate.
    factor: f32,
    /// Whether moves without a gradient shrink from step to step.
    shrinking: bool,
}

impl Rule {
    pub fn new(beta1: f64, beta2: f64, epsilon: f64, factor: f64) -> Self {
        Self {
            beta1: beta1 as f32,
            beta2: beta2 as f32,
            root_beta2: beta2.sqrt() as f32,
            epsilon: epsilon as f32,
            exact1: beta1,
            exact2: beta2,
            factor: factor as f32,
            shrinking: beta1 * beta1 < beta2,
        }
    }
}

/// One step of Adam on a row.
#[inline(always)]
pub(super) fn step(
    values: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
    gradient: &[f32],
    now: Coefficients,
    rule: Rule,
) {
    by_lanes!(values, first, second, |w, m, v, from| step_lanes(w, m, v, &gradient[from..], now, rule));
}

/// The missed steps of a row.
#[inline(always)]
pub(super) fn make_up(values: &mut [f32], first: &mut [f32], second: &mut [f32], missed: &[Coefficients], rule: Rule) {
    by_lanes!(values, first, second, |w, m, v, _from| make_up_lanes(w, m, v, missed, rule));
}

/// One step of Adam on some columns of a row.
#[inline(always)]
fn step_lanes(w: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], now: Coefficients, rule: Rule) {
    for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(g) {
        *m = rule.beta1 * *m + (1.0 - rule.beta1) * g;
        *v = rule.beta2 * *v + (1.0 - rule.beta2) * g * g;
        *w -= rule.factor * now.rate * *m / (now.root * v.sqrt() + rule.epsilon);
    }
}

/// The missed steps of at most [`LANES`] columns of a row, one after the other, until they no longer change it.
#[inline(always)]
fn make_up_lanes(values: &mut [f32], first: &mut [f32], second: &mut [f32], missed: &[Coefficients], rule: Rule) {
    // The root of the second moment decays by a factor of its own, so that no step needs a square root.
    let (mut w, mut m, mut s) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    w[..values.len()].copy_from_slice(values);
    m[..values.len()].copy_from_slice(first);
    s[..values.len()].copy_from_slice(second);
    for s in &mut s {
        *s = s.sqrt();
    }
    let mut done = 0;
    for step in missed {
        let old = w;
        for i in 0..LANES {
            m[i] *= rule.beta1;
            s[i] *= rule.root_beta2;
            w[i] -= rule.factor * step.rate * m[i] / (step.root * s[i] + rule.epsilon);
        }
        done += 1;
        if rule.shrinking && w == old {
            break;
        }
    }
    let rest = (missed.len() - done) as i32;
    let (rest1, rest2) = (rule.exact1.powi(rest) as f32, rule.exact2.powi(rest) as f32);
    for i in 0..values.len() {
        values[i] = w[i];
        first[i] = m[i] * rest1;
        second[i] = s[i] * s[i] * rest2;
    }
}
