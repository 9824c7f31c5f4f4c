//! The fit of a fusion: Adam over shuffled batches, and the best epoch by rows that were held out.

use super::network::{Network, sigmoid};
use super::{Fitted, MOST, Options, Rows, STILL, Scale, Summary, Target};
use crate::error::EvalError;
use crate::random::Generator;

/// Rows of a step.
const BATCH: usize = 256;
/// One of so many groups of rows is held out.
const HELD: u64 = 5;
/// Outputs of the network beyond this count as this where an exponential follows.
const LARGEST: f64 = 30.0;

/// A row that counts, as the network sees it.
struct Row {
    inputs: Vec<f64>,
    /// The label, as the loss has it.
    label: f64,
    /// Divided by the mean weight.
    weight: f64,
    held: bool,
}

pub(super) fn fit(rows: &Rows<'_>, target: Target, options: &Options, seed: u64) -> Result<Fitted, EvalError> {
    options.check()?;
    rows.check()?;
    target.check(rows.labels, rows.weights)?;
    let width = rows.kinds.len();
    if !(1..=MOST).contains(&width) {
        return Err(EvalError::new(format!("{width} inputs")).remedy(format!("from 1 to {MOST}")));
    }
    let counting = counting(rows);
    let weight = |row: usize| rows.weights.map_or(1.0, |weights| f64::from(weights[row]));
    let total: f64 = counting.iter().map(|row| weight(*row)).sum();
    let scales = scales(rows, &counting, total)?;
    let label = |row: usize| f64::from(rows.labels[row]);
    let mean = |of: &dyn Fn(f64) -> f64| counting.iter().map(|&row| weight(row) * of(label(row))).sum::<f64>() / total;
    let (center, spread) = match target {
        Target::Event => (logit(mean(&|y| y)), 1.0),
        Target::Amount => (mean(&|y| y).ln(), 1.0),
        Target::Number | Target::Logarithm => {
            let center = mean(&|y| target.seen(y));
            (center, mean(&|y| (target.seen(y) - center).powi(2)).sqrt())
        }
    };
    let held = held_out(rows, &counting, seed);
    let average = mean(&|y| y);
    let seen: Vec<Row> = counting
        .iter()
        .zip(&held)
        .map(|(&row, held)| Row {
            inputs: (0..width).map(|at| scales[at].of(rows.inputs[row * width + at])).collect(),
            label: match target {
                Target::Event => label(row),
                Target::Amount => label(row) / average,
                _ => (target.seen(label(row)) - center) / spread,
            },
            weight: weight(row) * counting.len() as f64 / total,
            held: *held,
        })
        .collect();
    let labels = || counting.iter().map(|&row| label(row));
    let (low, high) = labels().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
    let loss = Loss { target, center };
    let (network, fit) = descend(&seen, width, loss, options, seed)?;
    Ok(Fitted { scales, network, target, center, spread, low, high, fit })
}

/// The rows with a label and a weight.
fn counting(rows: &Rows<'_>) -> Vec<usize> {
    let weighs = |row: &usize| rows.weights.is_none_or(|weights| weights[*row] > 0.0);
    (0..rows.labels.len()).filter(|row| !rows.labels[*row].is_nan()).filter(weighs).collect()
}

/// Mean and standard deviation of each input over the rows that count; [`STILL`] for one that says the same of all.
fn scales(rows: &Rows<'_>, counting: &[usize], total: f64) -> Result<Vec<Scale>, EvalError> {
    let width = rows.kinds.len();
    let scale = |(at, kind): (usize, &super::Input)| {
        let name = rows.names[at];
        let mut values = Vec::with_capacity(counting.len());
        for &row in counting {
            let x = rows.inputs[row * width + at];
            if !x.is_finite() {
                return Err(EvalError::new(format!("`{name}` is {x}")).at_row(row));
            }
            values.push((kind.seen(x), rows.weights.map_or(1.0, |weights| f64::from(weights[row]))));
        }
        let mean = values.iter().map(|(x, weight)| weight * x).sum::<f64>() / total;
        let variance = values.iter().map(|(x, weight)| weight * (x - mean).powi(2)).sum::<f64>() / total;
        let first = values[0].0;
        // A deviation that rounding made is none.
        let still = values.iter().all(|(x, _)| *x == first) || variance.sqrt() <= 1e-12 * mean.abs();
        Ok(Scale { kind: *kind, mean, deviation: if still { STILL } else { variance.sqrt() } })
    };
    rows.kinds.iter().enumerate().map(scale).collect()
}

/// Which of the rows that count are held out: none where they, or the others, would have one label only.
fn held_out(rows: &Rows<'_>, counting: &[usize], seed: u64) -> Vec<bool> {
    let drawn = |key: u64| Generator::new(seed ^ key.rotate_left(32)).uniform() * (HELD as f64) < 1.0;
    let key = |(at, row): (usize, &usize)| rows.groups.map_or(at as u64, |groups| groups[*row]);
    let held: Vec<bool> = counting.iter().enumerate().map(|place| drawn(key(place))).collect();
    let varied = |part: bool| {
        let mut labels =
            counting.iter().zip(&held).filter(|(_, held)| **held == part).map(|(row, _)| rows.labels[*row]);
        labels.next().is_some_and(|first| labels.any(|label| label != first))
    };
    if varied(true) && varied(false) { held } else { vec![false; counting.len()] }
}

/// The loss of one row, given the network's output.
#[derive(Clone, Copy)]
pub(super) struct Loss {
    pub target: Target,
    pub center: f64,
}

impl Loss {
    pub fn value(self, output: f64, label: f64) -> f64 {
        match self.target {
            Target::Event => {
                let z = self.center + output;
                z.max(0.0) - label * z + (-z.abs()).exp().ln_1p()
            }
            Target::Amount => output.clamp(-LARGEST, LARGEST).exp() - label * output,
            Target::Number | Target::Logarithm => 0.5 * (output - label).powi(2),
        }
    }

    pub fn slope(self, output: f64, label: f64) -> f64 {
        match self.target {
            Target::Event => sigmoid(self.center + output) - label,
            Target::Amount => output.clamp(-LARGEST, LARGEST).exp() - label,
            Target::Number | Target::Logarithm => output - label,
        }
    }
}

impl Target {
    /// A label on the scale of the squared error.
    fn seen(self, label: f64) -> f64 {
        if self == Self::Logarithm { label.ln_1p() } else { label }
    }
}

/// The network of the best epoch.
fn descend(
    rows: &[Row],
    width: usize,
    loss: Loss,
    options: &Options,
    seed: u64,
) -> Result<(Network, Summary), EvalError> {
    let mut random = Generator::new(seed);
    let mut network = Network::random(width, options.widths.clone(), options.activation, &mut random);
    let (held, mut order): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|row| rows[*row].held);
    let judges = if held.is_empty() { order.clone() } else { held.clone() };
    let mut adam = Adam::new(&network, options, order.len().div_ceil(BATCH) * options.epochs);
    let mut best: Option<(Network, Summary)> = None;
    for epoch in 1..=options.epochs {
        random.shuffle(&mut order);
        for batch in order.chunks(BATCH) {
            let gradient = gradient(&network, rows, batch, loss, options.l2);
            adam.step(&mut network, &gradient);
        }
        let value = mean_loss(&network, rows, &judges, loss);
        if !value.is_finite() || network.values.iter().any(|value| !value.is_finite()) {
            // What was good before stays.
            let diverged = EvalError::new(format!("the loss is {value} after epoch {epoch}")).remedy("lower `lr`");
            return best.ok_or(diverged);
        }
        let fit = Summary { rows: rows.len(), held: held.len(), epoch, loss: value };
        if held.is_empty() || best.as_ref().is_none_or(|(_, best)| value < best.loss) {
            best = Some((network.clone(), fit));
        }
    }
    best.ok_or_else(|| EvalError::new("0 epochs"))
}

/// The mean gradient of a batch, with that of the penalty.
fn gradient(network: &Network, rows: &[Row], batch: &[usize], loss: Loss, l2: f64) -> Vec<f64> {
    let mut gradient = vec![0.0; network.values.len()];
    for row in batch.iter().map(|row| &rows[*row]) {
        network.backward(&row.inputs, &mut gradient, |output| row.weight * loss.slope(output, row.label));
    }
    let penalised = network.weights();
    for ((slope, value), is_weight) in gradient.iter_mut().zip(&network.values).zip(penalised) {
        *slope = *slope / batch.len() as f64 + if is_weight { l2 * value } else { 0.0 };
    }
    gradient
}

fn mean_loss(network: &Network, rows: &[Row], of: &[usize], loss: Loss) -> f64 {
    let rows = || of.iter().map(|row| &rows[*row]);
    let sum: f64 = rows().map(|row| row.weight * loss.value(network.output(&row.inputs), row.label)).sum();
    sum / rows().map(|row| row.weight).sum::<f64>()
}

/// Adam (Kingma and Ba, ICLR 2015), with a rate that falls to 0.
struct Adam {
    first: Vec<f64>,
    second: Vec<f64>,
    lr: f64,
    step: i32,
    steps: usize,
}

impl Adam {
    fn new(network: &Network, options: &Options, steps: usize) -> Self {
        let zeros = vec![0.0; network.values.len()];
        Self { first: zeros.clone(), second: zeros, lr: options.lr, step: 0, steps }
    }

    fn step(&mut self, network: &mut Network, gradient: &[f64]) {
        const BETAS: [f64; 2] = [0.9, 0.999];
        let lr = self.lr * (1.0 - f64::from(self.step) / self.steps as f64);
        self.step = self.step.saturating_add(1);
        let [a, b] = BETAS.map(|beta| 1.0 - beta.powi(self.step));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((value, slope), (first, second)) in network.values.iter_mut().zip(gradient).zip(moments) {
            *first = BETAS[0] * *first + (1.0 - BETAS[0]) * slope;
            *second = BETAS[1] * *second + (1.0 - BETAS[1]) * slope * slope;
            *value -= lr * (*first / a) / ((*second / b).sqrt() + 1e-8);
        }
    }
}

fn logit(p: f64) -> f64 {
    p.ln() - (-p).ln_1p()
}
