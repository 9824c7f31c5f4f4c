//! Arithmetic of intervals.

use crate::hir::Compare;

/// The numbers from `low` to `high`, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Every number, and no bound.
pub(super) const ALL: Interval = Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };
/// Every 32-bit number: what a network can predict.
pub(super) const PREDICTED: Interval = Interval { low: f32::MIN as f64, high: f32::MAX as f64 };
/// The most rows of a request.
pub(super) const ROWS: f64 = u32::MAX as f64;
pub(super) const ZERO: Interval = Interval::point(0.0);
pub(super) const ONE: Interval = Interval::point(1.0);

impl Interval {
    pub const fn point(value: f64) -> Interval {
        Interval { low: value, high: value }
    }

    pub fn is_empty(self) -> bool {
        self.low > self.high
    }

    pub fn is_finite(self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }

    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    pub fn join(self, other: Interval) -> Interval {
        Interval { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    pub fn negated(self) -> Interval {
        Interval { low: -self.high, high: -self.low }
    }

    pub fn plus(self, other: Interval) -> Interval {
        Interval { low: self.low + other.low, high: self.high + other.high }.without_nan()
    }

    pub fn minus(self, other: Interval) -> Interval {
        self.plus(other.negated())
    }

    /// The product; zero times what has no bound is zero.
    pub fn times(self, other: Interval) -> Interval {
        self.corners(other, |a, b| if a == 0.0 || b == 0.0 { 0.0 } else { a * b })
    }

    /// The quotient; the divisor is on one side of 0.
    pub fn over(self, other: Interval) -> Interval {
        let zero = |a: f64| if a == 0.0 { 0.0 } else { a };
        self.corners(other, |a, b| if zero(a) == 0.0 { 0.0 } else { a / b })
    }

    /// One over a number that is not negative; over 0 it has no bound.
    pub fn inverse(self) -> Interval {
        Interval { low: 1.0 / self.high, high: if self.low <= 0.0 { f64::INFINITY } else { 1.0 / self.low } }
    }

    /// The interval of a function that is monotone in either argument: its extremes are at the corners.
    pub fn corners(self, other: Interval, function: impl Fn(f64, f64) -> f64) -> Interval {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for a in [self.low, self.high] {
            for b in [other.low, other.high] {
                let value = function(a, b);
                if value.is_nan() {
                    return ALL;
                }
                (low, high) = (low.min(value), high.max(value));
            }
        }
        Interval { low, high }
    }

    /// The interval of a power with a whole exponent. A negative one comes with a base that is never 0.
    pub fn whole_power(self, exponent: f64) -> Interval {
        let (a, b) = (self.low.powf(exponent), self.high.powf(exponent));
        let ends = Interval { low: a.min(b), high: a.max(b) };
        if exponent % 2.0 == 0.0 && exponent > 0.0 && self.low < 0.0 && self.high > 0.0 {
            return Interval { low: 0.0, high: ends.high };
        }
        if exponent == 0.0 { ONE } else { ends.without_nan() }
    }

    /// As wide as the rounding of a function that is not exact. Values that every such function has exactly are left alone.
    pub fn rounded(self) -> Interval {
        let exact = |value: f64| value == 0.0 || value == 1.0;
        let margin = |value: f64| 4.0 * f64::EPSILON * value.abs();
        Interval {
            low: if exact(self.low) { self.low } else { self.low - margin(self.low) },
            high: if exact(self.high) { self.high } else { self.high + margin(self.high) },
        }
    }

    /// What is left of it where `self op other` holds for some number of `other`. Strict bounds are those of the next float.
    pub fn narrowed(self, op: Compare, other: Interval) -> Interval {
        match op {
            Compare::Less => Interval { high: self.high.min(other.high.next_down()), ..self },
            Compare::LessOrEqual => Interval { high: self.high.min(other.high), ..self },
            Compare::Greater => Interval { low: self.low.max(other.low.next_up()), ..self },
            Compare::GreaterOrEqual => Interval { low: self.low.max(other.low), ..self },
            Compare::Equal => Interval { low: self.low.max(other.low), high: self.high.min(other.high) },
            Compare::NotEqual => self.without_end(other),
        }
    }

    /// Without a single number at one of its ends: `x != 0` leaves the positive numbers of `[0, 1]`.
    fn without_end(self, other: Interval) -> Interval {
        match other.low == other.high {
            true if self.low == other.low => Interval { low: self.low.next_up(), ..self },
            true if self.high == other.low => Interval { high: self.high.next_down(), ..self },
            _ => self,
        }
    }

    /// What a comparison left of `whole`, without what lies between its cut and the next 32-bit number. A number that a person wrote needs
    /// not be one.
    pub fn cut_to_singles(self, whole: Interval) -> Interval {
        let singles = self.of_singles();
        let low = if self.low > whole.low { singles.low } else { self.low };
        let high = if self.high < whole.high { singles.high } else { self.high };
        if low > high { self } else { Interval { low, high } }
    }

    /// Its 32-bit numbers.
    fn of_singles(self) -> Interval {
        let (low, high) = (self.low as f32, self.high as f32);
        Interval {
            low: f64::from(if f64::from(low) < self.low { low.next_up() } else { low }),
            high: f64::from(if f64::from(high) > self.high { high.next_down() } else { high }),
        }
    }

    /// A number between its ends, in the middle of their orders of magnitude where those differ much.
    pub fn middle(self) -> f64 {
        let Interval { low, high } = self;
        if low < 0.0 && high > 0.0 && high.max(-low) > 1e3 {
            return 0.0;
        }
        let (near, far) = if low >= 0.0 { (low, high) } else { (high, low) };
        if far.abs() > 1e3 && far.abs() > 16.0 * near.abs().max(1.0) {
            return far.signum() * (near.abs().max(1.0) * far.abs()).sqrt();
        }
        low + (high - low) / 2.0
    }

    fn without_nan(self) -> Interval {
        if self.low.is_nan() || self.high.is_nan() { ALL } else { self }
    }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.low {
            f64::NEG_INFINITY => write!(f, "(-inf, ")?,
            low if 0.0 < low && low <= SMALLEST => write!(f, "(0, ")?,
            low => write!(f, "[{}, ", short(low))?,
        }
        match self.high {
            f64::INFINITY => write!(f, "inf)"),
            high if (-SMALLEST..0.0).contains(&high) => write!(f, "0)"),
            high => write!(f, "{}]", short(high)),
        }
    }
}

/// The least positive 32-bit number.
const SMALLEST: f64 = 1.401298464324817e-45;

/// A number in six digits at most, as a person would write it.
pub(super) fn short(value: f64) -> String {
    // Adding 0 turns -0 into 0.
    let rounded: f64 = format!("{value:.5e}").parse::<f64>().unwrap_or(value) + 0.0;
    let size = rounded.abs();
    match size == 0.0 || (1e-6..1e15).contains(&size) {
        true => format!("{rounded}"),
        false => format!("{rounded:e}"),
    }
}
