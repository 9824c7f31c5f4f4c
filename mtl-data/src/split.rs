//! A split of rows that any language can repeat: rows ordered by a hash of their index.

use crate::hash::{GOLDEN, mix};

/// The key of a row: output `row` (from 0) of splitmix64 started at `seed`.
pub fn key(seed: u64, row: u64) -> u64 {
    mix(seed.wrapping_add(row.wrapping_add(1).wrapping_mul(GOLDEN)))
}

/// True for the `count` rows out of `rows` that have the smallest keys; equal keys in row order.
pub fn smallest(rows: usize, count: usize, seed: u64) -> Vec<bool> {
    let mut order: Vec<(u64, usize)> = (0..rows).map(|row| (key(seed, row as u64), row)).collect();
    order.sort_unstable();
    let mut chosen = vec![false; rows];
    for &(_, row) in order.iter().take(count) {
        chosen[row] = true;
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fixture that the Census split of the reference baseline documents.
    #[test]
    fn agrees_with_the_reference() {
        assert_eq!(
            [key(2018, 0), key(2018, 1), key(2018, 2)],
            [0xf270_968d_91a3_3892, 0xc103_b776_0a20_947e, 0xf0c9_d760_0abc_6f43]
        );
        let validation = smallest(99_762, 49_881, 2018);
        let rows: Vec<usize> = (0..99_762).filter(|&row| validation[row]).collect();
        assert_eq!(rows.len(), 49_881);
        assert_eq!(rows[..8], [3, 4, 5, 6, 8, 9, 11, 13]);
        assert_eq!(rows.iter().sum::<usize>(), 2_491_258_023);
    }
}
