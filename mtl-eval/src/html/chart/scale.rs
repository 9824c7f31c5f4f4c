//! The scale of an axis: from values to places, with ticks at round numbers.

/// An axis' scale.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::html) struct Scale {
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
    /// Where labels stand.
    pub ticks: Vec<f64>,
    /// The distance of two ticks.
    pub step: f64,
    logarithmic: bool,
}

/// Beyond this, differences of numbers are not finite.
const LARGEST: f64 = 1e300;

impl Scale {
    /// A scale over these values with about `count` ticks, whose ends are ticks. Those that are not finite do not count.
    pub fn over(values: impl IntoIterator<Item = f64>, count: usize) -> Self {
        let (mut low, mut high) = range(values).unwrap_or((0.0, 1.0));
        // Values that differ by rounding alone are one.
        if high - low <= 1e-9 * low.abs().max(high.abs()) {
            let about = if low == 0.0 { 1.0 } else { 0.05 * low.abs().max(high.abs()) };
            (low, high) = (low - about, high + about);
        }
        let mut step = round_step((high - low) / count.max(1) as f64);
        if !(step.is_normal() && low / step < 1e12 && high / step < 1e12) {
            step = (high - low) / 2.0;
        }
        if !step.is_normal() {
            return Self { low: 0.0, high: 1.0, ticks: vec![0.0, 1.0], step: 1.0, logarithmic: false };
        }
        let (first, last) = ((low / step + 1e-6).floor(), (high / step - 1e-6).ceil());
        let ticks: Vec<f64> = (0..=((last - first) as usize).min(40)).map(|i| (first + i as f64) * step).collect();
        Self { low: first * step, high: last * step, ticks, step, logarithmic: false }
    }

    /// A scale of whole numbers, as epochs are.
    pub fn whole(first: f64, last: f64) -> Self {
        let step = round_step((last - first) / 6.0).max(1.0);
        let from = (first / step).ceil();
        let count = ((last / step).floor() - from).clamp(0.0, 40.0) as usize;
        let ticks = (0..=count).map(|i| (from + i as f64) * step).collect();
        let (low, high) = if first == last { (first - 0.5, last + 0.5) } else { (first, last) };
        Self { low, high, ticks, step, logarithmic: false }
    }

    /// A scale from `low` to `high` with round ticks between.
    pub fn between(low: f64, high: f64, count: usize) -> Self {
        let (low, high) = (low.clamp(-LARGEST, LARGEST), high.clamp(-LARGEST, LARGEST));
        let wide = Self::over([low, high], count);
        let (low, high) = if low < high { (low, high) } else { (wide.low, wide.high) };
        let margin = 1e-9 * (high - low);
        let inside = |tick: &f64| (low - margin..=high + margin).contains(tick);
        Self { ticks: wide.ticks.iter().copied().filter(inside).collect(), low, high, ..wide }
    }

    /// A scale over positive values that is logarithmic where they differ by more than two powers of ten.
    pub fn of_magnitudes(values: impl IntoIterator<Item = f64>, count: usize) -> Self {
        let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        let positive = range(values.iter().copied().filter(|value| *value > 0.0));
        let Some((low, high)) = positive.filter(|(low, high)| *low > 1e-290 && high / low > 100.0) else {
            return Self::over(values.into_iter().chain([0.0]), count);
        };
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let every = ((last - first) as usize).div_ceil(count.max(1)).max(1);
        let ticks: Vec<f64> = (first..=last).step_by(every).map(|power| 10f64.powi(power)).collect();
        Self { low: 10f64.powi(first), high: 10f64.powi(last), ticks, step: 10f64.powi(first), logarithmic: true }
    }

    /// Whether distances are ratios.
    pub fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// The place of a value in 0..1; outside values stand at the end. None for one that has no place.
    pub fn place(&self, value: f64) -> Option<f64> {
        if !value.is_finite() || (self.logarithmic && value <= 0.0) {
            return None;
        }
        let place = if self.logarithmic {
            (value / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value.clamp(-LARGEST, LARGEST) - self.low) / (self.high - self.low)
        };
        place.is_finite().then(|| place.clamp(0.0, 1.0))
    }
}

/// The least and the greatest of the finite values.
fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|value| value.is_finite()).map(|value| value.clamp(-LARGEST, LARGEST));
    finite.fold(None, |found, value| {
        let (low, high) = found.unwrap_or((value, value));
        Some((value.min(low), value.max(high)))
    })
}

/// 1, 2 or 5 times a power of ten, next to `about`.
fn round_step(about: f64) -> f64 {
    let power = 10f64.powf(about.log10().floor());
    match about / power {
        m if m <= 1.0 => power,
        m if m <= 2.0 => 2.0 * power,
        m if m <= 5.0 => 5.0 * power,
        _ => 10.0 * power,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_round_numbers() {
        let scale = Scale::over([0.713, 0.8247], 5);
        let texts: Vec<String> = scale.ticks.iter().map(|tick| crate::html::number::tick(*tick, scale.step)).collect();
        assert_eq!(texts, ["0.70", "0.75", "0.80", "0.85"]);
    }

    #[test]
    fn every_range_has_a_scale() {
        let extremes: [&[f64]; 12] = [
            &[],
            &[f64::NAN],
            &[3.0],
            &[0.0],
            &[-0.0, 0.0],
            &[1e-320, 2e-320],
            &[f64::MAX, -f64::MAX],
            &[f64::INFINITY, 1.0],
            &[1e9, 1e9 + 1e-3],
            &[-5.0, 5.0],
            &[1e-300, 1e300],
            &[1.0, 1.0 + f64::EPSILON],
        ];
        for values in extremes {
            for scale in [Scale::over(values.iter().copied(), 5), Scale::of_magnitudes(values.iter().copied(), 5)] {
                assert!(
                    scale.low < scale.high && scale.ticks.len() < 50 && !scale.ticks.is_empty(),
                    "{values:?} {scale:?}"
                );
                for value in values.iter().filter_map(|value| scale.place(*value)) {
                    assert!((0.0..=1.0).contains(&value), "{values:?}");
                }
            }
        }
    }

    #[test]
    fn epochs_are_whole() {
        assert_eq!(Scale::whole(1.0, 4.0).ticks, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(Scale::whole(1.0, 1.0).ticks, [1.0]);
        assert_eq!(Scale::whole(1.0, 60.0).ticks, [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
    }

    #[test]
    fn magnitudes_are_logarithmic_where_they_differ() {
        let scale = Scale::of_magnitudes([1e-3, 5.0], 5);
        assert!(scale.is_logarithmic());
        assert_eq!(scale.place(1e-1), Some(0.5));
        assert_eq!(scale.place(0.0), None);
        assert!(!Scale::of_magnitudes([1.0, 5.0], 5).is_logarithmic());
    }
}
