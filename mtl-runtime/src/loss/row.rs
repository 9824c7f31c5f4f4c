//! The loss of one row of a binary task, and its derivatives.

/// `log sigma(z)`.
pub(super) fn log_sigmoid(z: f64) -> f64 {
    z.min(0.0) - (-z.abs()).exp().ln_1p()
}

pub(super) fn sigmoid(z: f64) -> f64 {
    let small = (-z.abs()).exp();
    if z >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) }
}

/// `prod sigma(z_i)` over the tasks of a chain.
pub(super) fn probability(chain: &[usize], logits: &[f32]) -> f64 {
    chain.iter().map(|&i| sigmoid(logits[i] as f64)).product()
}

/// A label moved towards one half.
pub(super) fn smoothed(y: f64, smoothing: f64) -> f64 {
    y * (1.0 - smoothing) + smoothing / 2.0
}

/// The loss of one row whose label is `y`.
pub(super) fn loss(chain: &[usize], logits: &[f32], y: f64, pos_weight: f64) -> f64 {
    if let [task] = chain {
        let z = logits[*task] as f64;
        let tail = (-z.abs()).exp().ln_1p();
        return pos_weight * y * (tail + (-z).max(0.0)) + (1.0 - y) * (tail + z.max(0.0));
    }
    let (happens, fails) = logs(chain, logits);
    weigh(pos_weight * y, -happens) + weigh(1.0 - y, -fails)
}

/// Calls `add` with each task of the chain and the derivative of the row's loss along its logit.
pub(super) fn slopes(chain: &[usize], logits: &[f32], y: f64, pos_weight: f64, mut add: impl FnMut(usize, f64)) {
    if let [task] = chain {
        let p = sigmoid(logits[*task] as f64);
        return add(*task, (1.0 - y) * p - pos_weight * y * (1.0 - p));
    }
    let (happens, fails) = logs(chain, logits);
    for &task in chain {
        let z = logits[task] as f64;
        // d log p = 1 - sigma;  d log(1 - p) = -p (1 - sigma) / (1 - p)
        let odds = (happens + log_sigmoid(-z) - fails).exp();
        add(task, weigh(1.0 - y, odds) - weigh(pos_weight * y, sigmoid(-z)));
    }
}

/// The expected level: one, and the probabilities to be above each threshold.
pub(super) fn level(columns: &[usize], logits: &[f32]) -> f64 {
    1.0 + columns.iter().map(|&column| sigmoid(logits[column] as f64)).sum::<f64>()
}

/// The loss of one row whose label is the level `y`: the cross-entropies of being above each threshold.
pub(super) fn ordinal(columns: &[usize], logits: &[f32], y: f64) -> f64 {
    let side = |(column, threshold): (&usize, usize)| {
        let z = logits[*column] as f64;
        -log_sigmoid(if y > threshold as f64 { z } else { -z })
    };
    columns.iter().zip(1..).map(side).sum()
}

/// Calls `add` with each column of an ordinal task and the derivative of the row's loss along it.
pub(super) fn ordinal_slopes(columns: &[usize], logits: &[f32], y: f64, mut add: impl FnMut(usize, f64)) {
    for (&column, threshold) in columns.iter().zip(1..) {
        let above = f64::from(u8::from(y > f64::from(threshold)));
        add(column, sigmoid(logits[column] as f64) - above);
    }
}

/// `log p` and `log(1 - p)` of a chain.
pub(super) fn logs(chain: &[usize], logits: &[f32]) -> (f64, f64) {
    let (mut happens, mut fails) = (0.0, f64::NEG_INFINITY);
    for &task in chain {
        let z = logits[task] as f64;
        fails = log_add(fails, happens + log_sigmoid(-z));
        happens += log_sigmoid(z);
    }
    // The terms of `fails` sum to at most one; rounding may say otherwise.
    (happens, fails.min(0.0))
}

/// `log(e^a + e^b)`.
fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    high + (low - high).exp().ln_1p()
}

/// A product in which a factor of zero wins.
fn weigh(factor: f64, value: f64) -> f64 {
    if factor == 0.0 { 0.0 } else { factor * value }
}
