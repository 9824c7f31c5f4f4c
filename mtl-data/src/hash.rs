//! The 64-bit hash of an id: the same for an integer and for its decimal text, on every machine and in every version.

use std::hash::{BuildHasherDefault, Hasher};

/// The finaliser of splitmix64 (Steele, Lea and Flood, OOPSLA 2014): a bijection on 64 bits.
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The increment of splitmix64: 2^64 over the golden ratio, odd.
pub const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hash of an integer: no two integers collide.
pub const fn hash_integer(value: i64) -> u64 {
    mix((value as u64).wrapping_add(GOLDEN))
}

/// Hash of a text: FNV-1a over its UTF-8 bytes, mixed.
pub const fn hash_text(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash: u64 = 0xCBF2_9CE4_8422_2325;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01B3);
        i += 1;
    }
    mix(hash)
}

/// A fast hasher for maps that are only looked up in: not for keys an attacker chooses.
#[derive(Default)]
pub(crate) struct FastHasher(u64);

/// Builds [`FastHasher`]s.
pub(crate) type BuildFast = BuildHasherDefault<FastHasher>;

impl FastHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(GOLDEN);
    }
}

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.add(u64::from_le_bytes(chunk.try_into().expect("eight bytes")));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.add(u64::from_le_bytes(last));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.add(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.add(value);
    }

    fn write_i64(&mut self, value: i64) {
        self.add(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.add(value as u64);
    }

    fn finish(&self) -> u64 {
        mix(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_fixed_forever() {
        // Saved models depend on these: they may never change.
        assert_eq!(hash_integer(0), 0xE220_A839_7B1D_CDAF);
        assert_eq!(hash_text(""), mix(0xCBF2_9CE4_8422_2325));
        assert_eq!(hash_text("a"), mix(0xAF63_DC4C_8601_EC8C));
    }

    #[test]
    fn integers_do_not_collide() {
        let mut hashes: Vec<u64> = (-5_000..5_000).map(hash_integer).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 10_000);
    }
}
