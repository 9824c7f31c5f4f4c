//! A value and its slope, both as intervals.
//!
//! The predictions move along a line, each at a speed that lies in an interval, and the slope is that of the value on the way. It bounds
//! every difference quotient, so that it also holds where a value has corners or jumps: a jump upward makes it infinite.

use super::evaluate;
use super::interval::{ALL, Interval, ONE, ZERO};
use crate::hir::{Compare, ScoreFn};

/// Bounds of a value and of its slope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub value: Interval,
    pub slope: Interval,
}

impl Bounds {
    pub fn constant(value: f64) -> Bounds {
        Bounds { value: Interval::point(value), slope: ZERO }
    }

    pub fn join(self, other: Bounds) -> Bounds {
        Bounds { value: self.value.join(other.value), slope: self.slope.join(other.slope) }
    }

    pub fn negated(self) -> Bounds {
        Bounds { value: self.value.negated(), slope: self.slope.negated() }
    }

    pub fn plus(self, other: Bounds) -> Bounds {
        Bounds { value: self.value.plus(other.value), slope: self.slope.plus(other.slope) }
    }

    pub fn times(self, other: Bounds) -> Bounds {
        let slope = self.slope.times(other.value).plus(self.value.times(other.slope));
        Bounds { value: self.value.times(other.value), slope }
    }

    /// The quotient by something on one side of 0.
    pub fn over(self, other: Bounds) -> Bounds {
        let value = self.value.over(other.value);
        Bounds { value, slope: self.slope.minus(value.times(other.slope)).over(other.value) }
    }

    pub fn whole_power(self, exponent: f64) -> Bounds {
        let value = self.value.whole_power(exponent);
        let value = if exponent.abs() <= 1.0 { value } else { value.rounded() };
        let outer = match exponent == 0.0 {
            true => ZERO,
            false => self.value.whole_power(exponent - 1.0).times(Interval::point(exponent)),
        };
        Bounds { value, slope: outer.times(self.slope) }
    }

    /// A power with a base that is not negative, and is above 0 where the exponent may be below.
    pub fn power(self, exponent: Bounds) -> Bounds {
        let (base, to) = (self.value, exponent.value);
        let value = base.corners(to, f64::powf).rounded();
        // The slope at 0 is infinite for exponents below 1.
        let less = to.minus(ONE);
        let outer = base.corners(less, f64::powf).times(to).times(self.slope);
        let inner = match exponent.slope == ZERO {
            true => ZERO,
            false => value.times(Interval { low: base.low.ln(), high: base.high.ln() }).times(exponent.slope),
        };
        Bounds { value, slope: outer.plus(inner) }
    }

    /// A function of it that rises; `outer` is the slope of that.
    fn through(self, function: ScoreFn, outer: impl Fn(Interval, Interval) -> Interval) -> Bounds {
        let end = |value| evaluate::call(function, &[value]);
        let value = Interval { low: end(self.value.low), high: end(self.value.high) };
        let value = match function {
            ScoreFn::Sqrt => value,
            ScoreFn::Sigmoid => Interval { high: value.rounded().high.min(1.0), ..value.rounded() },
            _ => value.rounded(),
        };
        Bounds { value, slope: outer(self.value, value).times(self.slope) }
    }

    /// The lesser of two.
    fn min(self, other: Bounds) -> Bounds {
        if self.value.high <= other.value.low {
            return self;
        }
        if other.value.high <= self.value.low {
            return other;
        }
        let value = Interval { low: self.value.low.min(other.value.low), high: self.value.high.min(other.value.high) };
        Bounds { value, slope: self.slope.join(other.slope) }
    }

    /// The greater of two.
    fn max(self, other: Bounds) -> Bounds {
        self.negated().min(other.negated()).negated()
    }
}

/// The value of a function whose arguments were checked.
pub(super) fn call(function: ScoreFn, arguments: &[Bounds]) -> Bounds {
    let first = arguments[0];
    let fold = |with: fn(Bounds, Bounds) -> Bounds| arguments[1..].iter().fold(first, |all, next| with(all, *next));
    match function {
        ScoreFn::Log => first.through(function, |x, _| x.inverse()),
        ScoreFn::Log1p => first.through(function, |x, _| x.plus(ONE).inverse()),
        ScoreFn::Exp => first.through(function, |_, value| value),
        ScoreFn::Sqrt => first.through(function, |_, value| value.plus(value).inverse()),
        ScoreFn::Sigmoid => first.through(function, |_, value| value.times(ONE.minus(value))),
        ScoreFn::Min => fold(Bounds::min),
        ScoreFn::Max => fold(Bounds::max),
        ScoreFn::Sum => fold(Bounds::plus),
        ScoreFn::Product => fold(Bounds::times),
        ScoreFn::Clamp => first.max(arguments[1]).min(arguments[2]),
    }
}

/// The slope of an `if`, whose branches have the slope `slope`: the left side of its comparison rises by `rise` against the right one,
/// and where it turns the value is `jump` more if the comparison holds.
pub(super) fn with_jump(slope: Interval, op: Compare, rise: Interval, jump: Interval) -> Interval {
    if jump == ZERO {
        return slope;
    }
    let begins = match op {
        Compare::Greater | Compare::GreaterOrEqual => rise,
        Compare::Less | Compare::LessOrEqual => rise.negated(),
        Compare::Equal | Compare::NotEqual => return ALL,
    };
    let jump = match begins {
        Interval { low: 0.0.., .. } => jump,
        Interval { high: ..=0.0, .. } => jump.negated(),
        _ => return ALL,
    };
    Interval {
        low: if jump.low < 0.0 { f64::NEG_INFINITY } else { slope.low },
        high: if jump.high > 0.0 { f64::INFINITY } else { slope.high },
    }
}
