//! Learned fusion: a small network that makes one score of what is known of a row, fitted on predictions that stay as they are.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::EvalError;

mod fit;
mod network;
mod text;

pub use network::Activation;

use network::Network;

/// The widest layer, and the most inputs: a score is computed without memory of its own.
pub const MOST: usize = 128;

/// The largest number of standard deviations from the mean that an input counts as.
const FARTHEST: f64 = 10.0;

/// Probabilities nearer to 0 or 1 than this count as this.
const NEAREST: f64 = 1e-6;

/// What an input is, which says on which scale the network sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A probability: its log-odds.
    Probability,
    /// A number that is seldom negative and may be large: `log(1 + x)`, with 0 for what is below.
    Amount,
    /// Any number: as it is.
    Number,
}

/// What a fusion predicts, which says how it is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A probability, by cross-entropy.
    Event,
    /// A number, by squared error.
    Number,
    /// A number above -1, by the squared error of `log(1 + x)`.
    Logarithm,
    /// The mean of a number that is never negative, by the loss of a Poisson distribution, whose minimum is the mean of any such number.
    Amount,
}

/// How a fusion is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Widths of the layers between inputs and score.
    pub widths: Vec<usize>,
    /// What follows each of them.
    pub activation: Activation,
    /// Passes over the rows.
    pub epochs: usize,
    /// Learning rate of the first step; it falls in a line to 0.
    pub lr: f64,
    /// Half of it times the sum of squared weights is added to the loss.
    pub l2: f64,
}

/// Rows to fit to.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// What the inputs are called.
    pub names: &'a [&'a str],
    /// What they are.
    pub kinds: &'a [Input],
    /// `[rows, inputs]` row-major.
    pub inputs: &'a [f64],
    /// By row; NaN where there is none.
    pub labels: &'a [f32],
    /// By row; 1 without.
    pub weights: Option<&'a [f32]>,
    /// Rows of one group are held out together.
    pub groups: Option<&'a [u64]>,
}

/// A fitted network, or none yet. Saved as a text that keeps every bit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fusion(Option<Arc<Fitted>>);

/// A fitted network.
#[derive(Debug, Clone, PartialEq)]
struct Fitted {
    scales: Vec<Scale>,
    network: Network,
    target: Target,
    /// What the network's output is added to.
    center: f64,
    /// Its factor.
    spread: f64,
    /// The least label.
    low: f64,
    /// The greatest label.
    high: f64,
    fit: Summary,
}

/// The deviation of an input that said the same of all rows: the network sees 0, whatever it is later.
const STILL: f64 = f64::MAX;

/// The scale on which the network sees an input.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    kind: Input,
    mean: f64,
    deviation: f64,
}

/// How a fit went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Rows with a label and a weight.
    pub rows: usize,
    /// Those of them that chose the epoch; 0 where the last one was kept.
    pub held: usize,
    /// The epoch that was kept, from 1.
    pub epoch: usize,
    /// Its mean loss on the held rows, else on all.
    pub loss: f64,
}

impl Options {
    /// Refuses what no fit can have.
    pub fn check(&self) -> Result<(), EvalError> {
        if let Some(width) = self.widths.iter().find(|width| !(1..=MOST).contains(*width)) {
            return Err(EvalError::new(format!("a layer of width {width}")).remedy(format!("from 1 to {MOST}")));
        }
        if self.epochs == 0 {
            return Err(EvalError::new("0 epochs").remedy("at least 1"));
        }
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return Err(EvalError::new(format!("a learning rate of {}", self.lr)).remedy("a number above 0"));
        }
        if !(self.l2 >= 0.0 && self.l2.is_finite()) {
            return Err(EvalError::new(format!("an l2 of {}", self.l2)).remedy("a number that is not negative"));
        }
        Ok(())
    }
}

impl Rows<'_> {
    /// Refuses columns of different lengths, and weights that are no numbers.
    fn check(&self) -> Result<(), EvalError> {
        let rows = self.labels.len();
        let fits = [
            ("names", self.names.len(), self.kinds.len()),
            ("inputs", self.inputs.len(), rows * self.kinds.len()),
            ("weights", self.weights.map_or(rows, <[f32]>::len), rows),
            ("groups", self.groups.map_or(rows, <[u64]>::len), rows),
        ];
        if let Some((what, has, needs)) = fits.iter().find(|(_, has, needs)| has != needs) {
            return Err(EvalError::new(format!("{has} {what} for {rows} rows of {} inputs", self.kinds.len()))
                .remedy(format!("{needs} are needed")));
        }
        let bad = |weight: &f32| !(*weight >= 0.0 && weight.is_finite());
        match self.weights.and_then(|weights| weights.iter().position(bad)) {
            Some(row) => Err(EvalError::new("a weight is no number that is not negative").at_row(row)),
            None => Ok(()),
        }
    }
}

impl Target {
    /// Refuses labels that nothing can be learned from.
    pub fn check(self, labels: &[f32], weights: Option<&[f32]>) -> Result<(), EvalError> {
        let counts = |row: usize| !labels[row].is_nan() && weights.is_none_or(|weights| weights[row] > 0.0);
        let mut rows = (0..labels.len()).filter(|row| counts(*row));
        let Some(first) = rows.next() else { return Err(EvalError::new("no row has a label")) };
        let possible = |label: f32| match self {
            Self::Event => (0.0..=1.0).contains(&label),
            Self::Number => label.is_finite(),
            Self::Logarithm => label.is_finite() && label > -1.0,
            Self::Amount => label.is_finite() && label >= 0.0,
        };
        if let Some(row) = (0..labels.len()).find(|row| counts(*row) && !possible(labels[*row])) {
            let what = match self {
                Self::Event => "a label of 0 to 1",
                Self::Number => "a number",
                Self::Logarithm => "a number above -1",
                Self::Amount => "a number that is not negative",
            };
            return Err(EvalError::new(format!("the label {} is not {what}", labels[row])).at_row(row));
        }
        if rows.all(|row| labels[row] == labels[first]) {
            return Err(EvalError::new(format!("every label is {}: there is nothing to learn", labels[first])));
        }
        Ok(())
    }
}

impl Fusion {
    /// Fits a network to rows. Rows without a label, or with a weight of 0, do not matter. A fifth of the rows, or of their groups, is held
    /// out and chooses the epoch that is kept; where that fifth, or the rest, has one label only, the last epoch is.
    pub fn fit(rows: &Rows<'_>, target: Target, options: &Options, seed: u64) -> Result<Self, EvalError> {
        fit::fit(rows, target, options, seed).map(|fitted| Self(Some(Arc::new(fitted))))
    }

    /// The places of inputs that said the same of all rows, and that it therefore leaves alone.
    pub fn still(&self) -> Vec<usize> {
        let scales = self.0.iter().flat_map(|fitted| fitted.scales.iter().enumerate());
        scales.filter(|(_, scale)| scale.deviation == STILL).map(|(place, _)| place).collect()
    }

    /// Whether it was fitted.
    pub fn is_fitted(&self) -> bool {
        self.0.is_some()
    }

    /// How its fit went.
    pub fn summary(&self) -> Option<Summary> {
        self.0.as_ref().map(|fitted| fitted.fit)
    }

    /// The widths of its layers between inputs and score.
    pub fn widths(&self) -> &[usize] {
        self.0.as_ref().map_or(&[], |fitted| fitted.network.widths())
    }

    /// The score of one row; NaN where an input is missing, or where nothing was fitted to so many inputs.
    pub fn score<const N: usize>(&self, inputs: [f64; N]) -> f64 {
        self.0.as_ref().map_or(f64::NAN, |fitted| fitted.score(&inputs))
    }
}

impl Fitted {
    fn score(&self, inputs: &[f64]) -> f64 {
        if inputs.len() != self.scales.len() || inputs.iter().any(|input| input.is_nan()) {
            return f64::NAN;
        }
        let mut scaled = [0.0; MOST];
        scaled.iter_mut().zip(inputs).zip(&self.scales).for_each(|((to, x), scale)| *to = scale.of(*x));
        let output = self.center + self.spread * self.network.output(&scaled[..inputs.len()]);
        let value = match self.target {
            Target::Event => return network::sigmoid(output),
            Target::Number => output,
            Target::Logarithm => output.exp_m1(),
            Target::Amount => output.exp(),
        };
        value.clamp(self.low, self.high)
    }
}

impl Scale {
    fn of(self, x: f64) -> f64 {
        ((self.kind.seen(x) - self.mean) / self.deviation).clamp(-FARTHEST, FARTHEST)
    }
}

impl Input {
    /// As it is before its mean is taken away.
    fn seen(self, x: f64) -> f64 {
        match self {
            Self::Probability => {
                let p = x.clamp(NEAREST, 1.0 - NEAREST);
                p.ln() - (-p).ln_1p()
            }
            Self::Amount => x.max(0.0).ln_1p(),
            Self::Number => x,
        }
    }
}

impl fmt::Display for Fusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Summary { rows, held, epoch, loss }) = self.summary() else { return f.write_str("not fitted") };
        let (judges, which) = if held > 0 { (held, "held out of them") } else { (rows, "all of them") };
        write!(f, "fitted on {rows} rows, epoch {epoch} with a loss of {loss:.4} on {judges}, {which}")
    }
}

#[cfg(test)]
mod tests;
