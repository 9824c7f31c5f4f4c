//! Random numbers of a seed, the same on every machine.

/// A generator of random numbers: a counter that is mixed (Steele, Lea and Flood, 2014: SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Generator {
    state: u64,
    /// The second number of a pair of normal ones.
    spare: Option<f64>,
}

impl Generator {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed, spare: None }
    }

    /// The numbers of one of a seed's streams.
    pub fn stream(seed: u64, stream: u64) -> Self {
        let mut generator = Self::new(seed);
        generator.state = generator.next() ^ stream.wrapping_mul(0xd134_2543_de82_ef95);
        generator.next();
        generator
    }

    /// A number below `n`, at most 2^32.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below 1.
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number of the standard normal distribution (Box and Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let angle = std::f64::consts::TAU * self.uniform();
        self.spare = Some(radius * angle.sin());
        radius * angle.cos()
    }

    /// Shuffles in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            // 53 bits for a place: too few rows to see that they are not quite alike.
            let place = (self.uniform() * (last + 1) as f64) as usize;
            items.swap(last, place.min(last));
        }
    }
}
