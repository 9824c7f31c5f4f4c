//! A random generator keyed by a seed and a name: the same numbers for the same key, whatever else is drawn elsewhere.

use crate::hash::{GOLDEN, hash_text, mix};

/// xoshiro256++ (Blackman and Vigna 2021), seeded through splitmix64.
#[derive(Debug, Clone)]
pub struct Rng {
    state: [u64; 4],
    /// The second normal of the last pair.
    spare: Option<f64>,
}

impl Rng {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        let mut s = seed;
        let state = std::array::from_fn(|_| {
            s = s.wrapping_add(GOLDEN);
            mix(s)
        });
        Self { state, spare: None }
    }

    /// The generator of a name under a seed: `Rng::keyed(7, "h.experts.0.weight")`.
    pub fn keyed(seed: u64, name: &str) -> Self {
        Self::new(mix(seed.wrapping_add(GOLDEN)) ^ hash_text(name))
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in `[0, 1)`, with 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Standard normal (Box-Muller, both values used).
    pub fn normal(&mut self) -> f64 {
        if let Some(z) = self.spare.take() {
            return z;
        }
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.unit()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform in `0..n`, without bias; 0 if `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        let threshold = n.wrapping_neg().checked_rem(n).unwrap_or(0);
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// Shuffles in place (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(draws: &[f64]) -> (f64, f64) {
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        (mean, draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64)
    }

    #[test]
    fn known_stream() {
        // xoshiro256++ from the state 1, 2, 3, 4 gives 41943041, 58720359, ... (its authors' reference code).
        let mut rng = Rng { state: [1, 2, 3, 4], spare: None };
        assert_eq!([rng.next_u64(), rng.next_u64()], [41_943_041, 58_720_359]);
    }

    #[test]
    fn keys_separate_and_repeat() {
        let draw = |seed, name| Rng::keyed(seed, name).next_u64();
        assert_eq!(draw(7, "h.experts.0.weight"), draw(7, "h.experts.0.weight"));
        assert_ne!(draw(7, "h.experts.0.weight"), draw(7, "h.experts.1.weight"));
        assert_ne!(draw(7, "h.experts.0.weight"), draw(8, "h.experts.0.weight"));
    }

    #[test]
    fn normal_has_its_moments() {
        let mut rng = Rng::new(1);
        let (mean, variance) = moments(&(0..100_000).map(|_| rng.normal()).collect::<Vec<_>>());
        assert!(mean.abs() < 0.015 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }

    #[test]
    fn uniform_stays_inside_and_fills() {
        let mut rng = Rng::new(2);
        let draws: Vec<f64> = (0..100_000).map(|_| rng.uniform(-2.0, 4.0)).collect();
        assert!(draws.iter().all(|x| (-2.0..4.0).contains(x)));
        let (mean, variance) = moments(&draws);
        assert!((mean - 1.0).abs() < 0.03 && (variance - 3.0).abs() < 0.05, "{mean} {variance}");
    }

    #[test]
    fn below_is_uniform() {
        let mut rng = Rng::new(3);
        let mut counts = [0u32; 7];
        (0..70_000).for_each(|_| counts[rng.below(7) as usize] += 1);
        assert!(counts.iter().all(|c| (9_600..10_400).contains(c)), "{counts:?}");
        assert_eq!((rng.below(0), rng.below(1)), (0, 0));
    }

    #[test]
    fn shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..1_000).collect();
        Rng::new(4).shuffle(&mut items);
        assert_ne!(items[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        items.sort_unstable();
        assert!(items.into_iter().eq(0..1_000));
    }
}
