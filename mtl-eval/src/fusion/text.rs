//! A fusion as a text: words and numbers, every number with as many digits as it needs to be read back.

use std::fmt::Write;
use std::str::SplitAsciiWhitespace;
use std::sync::Arc;

use super::network::Network;
use super::{Activation, Fitted, Fusion, Input, Scale, Summary, Target};

/// The first word, which changes with the form.
const FORM: &str = "fusion-1";

const ACTIVATIONS: [(&str, Activation); 5] = [
    ("relu", Activation::Relu),
    ("leaky_relu", Activation::LeakyRelu),
    ("tanh", Activation::Tanh),
    ("sigmoid", Activation::Sigmoid),
    ("swish", Activation::Swish),
];

const TARGETS: [(&str, Target); 4] = [
    ("event", Target::Event),
    ("number", Target::Number),
    ("logarithm", Target::Logarithm),
    ("amount", Target::Amount),
];

const INPUTS: [(&str, Input); 3] =
    [("probability", Input::Probability), ("amount", Input::Amount), ("number", Input::Number)];

fn word<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, of)| *of == value).map_or("", |(word, _)| word)
}

impl From<Fusion> for String {
    /// Empty where nothing was fitted.
    fn from(fusion: Fusion) -> Self {
        let Some(fitted) = fusion.0 else { return String::new() };
        let Fitted { scales, network, target, center, spread, low, high, fit } = &*fitted;
        let mut text = format!("{FORM} {} {}", word(&TARGETS, *target), word(&ACTIVATIONS, network.activation()));
        let mut add = |value: &dyn std::fmt::Debug| write!(text, " {value:?}").expect("a string takes all");
        [center, spread, low, high, &fit.loss].into_iter().for_each(|number| add(number));
        [fit.rows, fit.held, fit.epoch, scales.len(), network.widths().len()].iter().for_each(|count| add(count));
        network.widths().iter().for_each(|width| add(width));
        for Scale { kind, mean, deviation } in scales {
            write!(text, " {} {mean:?} {deviation:?}", word(&INPUTS, *kind)).expect("a string takes all");
        }
        for value in &network.values {
            write!(text, " {value:?}").expect("a string takes all");
        }
        text
    }
}

impl TryFrom<String> for Fusion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let fitted = Words(text.split_ascii_whitespace()).fitted();
        fitted.map(|fitted| Self(Some(Arc::new(fitted)))).ok_or_else(|| "this is no fitted fusion".to_owned())
    }
}

struct Words<'a>(SplitAsciiWhitespace<'a>);

impl Words<'_> {
    fn fitted(mut self) -> Option<Fitted> {
        if self.0.next()? != FORM {
            return None;
        }
        let (target, activation) = (self.word(&TARGETS)?, self.word(&ACTIVATIONS)?);
        let [center, spread, low, high, loss] = self.several(Self::number)?;
        let [rows, held, epoch, inputs, layers] = self.several(Self::count)?;
        let widths = (0..layers).map(|_| self.count()).collect::<Option<Vec<_>>>()?;
        let scale = |_| {
            let (kind, [mean, deviation]) = (self.word(&INPUTS)?, self.several(Self::number)?);
            (deviation > 0.0).then_some(Scale { kind, mean, deviation })
        };
        let scales = (0..inputs).map(scale).collect::<Option<Vec<_>>>()?;
        let values = std::iter::from_fn(|| self.0.next().map(finite)).collect::<Option<Vec<_>>>()?;
        let network = Network::of(inputs, widths, activation, values)?;
        let fit = Summary { rows, held, epoch, loss };
        (low <= high).then_some(Fitted { scales, network, target, center, spread, low, high, fit })
    }

    fn word<T: Copy>(&mut self, words: &[(&str, T)]) -> Option<T> {
        let found = self.0.next()?;
        words.iter().find(|(word, _)| *word == found).map(|(_, value)| *value)
    }

    fn several<T: Copy + Default, const N: usize>(&mut self, next: fn(&mut Self) -> Option<T>) -> Option<[T; N]> {
        let mut found = [T::default(); N];
        for place in &mut found {
            *place = next(self)?;
        }
        Some(found)
    }

    fn number(&mut self) -> Option<f64> {
        finite(self.0.next()?)
    }

    fn count(&mut self) -> Option<usize> {
        self.0.next()?.parse().ok()
    }
}

fn finite(word: &str) -> Option<f64> {
    word.parse().ok().filter(|number: &f64| number.is_finite())
}
