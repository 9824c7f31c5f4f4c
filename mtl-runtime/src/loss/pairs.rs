//! The pairs of a pairwise task: a positive and a negative row of one group (BPR: Rendle et al., UAI 2009).

/// Pairs, group by group. Without a group of both classes there is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pairs {
    groups: Vec<Group>,
    total: f64,
}

/// The rows of a group with their weights.
#[derive(Debug, Clone, Default)]
struct Group {
    positive: Vec<(usize, f64)>,
    negative: Vec<(usize, f64)>,
}

impl Pairs {
    /// The pairs of rows with these labels (missing where NaN), weights and groups; without groups all rows are one. A group is cut
    /// after `limit` rows, so that the number of pairs is linear in that of rows.
    pub fn of(
        labels: impl Iterator<Item = f32>,
        weights: impl Iterator<Item = f32>,
        groups: &[u64],
        limit: usize,
    ) -> Self {
        let group = |row: usize| groups.get(row).copied().unwrap_or_default();
        let rows = labels.zip(weights).enumerate();
        let rows = rows.filter(|(_, (label, weight))| !label.is_nan() && *weight > 0.0);
        let mut rows: Vec<_> = rows.map(|(row, (label, weight))| (row, label > 0.5, f64::from(weight))).collect();
        rows.sort_by_key(|(row, ..)| group(*row));
        let same = |a: &(usize, bool, f64), b: &(usize, bool, f64)| group(a.0) == group(b.0);
        let mut pairs = Self::default();
        for rows in rows.chunk_by(same).flat_map(|rows| rows.chunks(limit)) {
            let of = |class| rows.iter().filter(move |row| row.1 == class).map(|row| (row.0, row.2)).collect();
            let group = Group { positive: of(true), negative: of(false) };
            let weight = |rows: &[(usize, f64)]| rows.iter().map(|row| row.1).sum::<f64>();
            let total = weight(&group.positive) * weight(&group.negative);
            if total > 0.0 {
                pairs.total += total;
                pairs.groups.push(group);
            }
        }
        pairs
    }

    /// The sum of the pairs' weights; that of a pair is the product of its rows'.
    pub fn weight(&self) -> f64 {
        self.total
    }

    /// Calls `visit` with the positive row, the negative row and the share in the mean of each pair.
    pub fn each(&self, mut visit: impl FnMut(usize, usize, f64)) {
        for Group { positive, negative } in &self.groups {
            for (better, first) in positive {
                for (worse, second) in negative {
                    visit(*better, *worse, first * second / self.total);
                }
            }
        }
    }
}
