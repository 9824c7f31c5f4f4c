//! Softmaxes over the rows of a group: ListNet (Cao et al., ICML 2007) and the listwise part of JRC (Sheng et al., KDD 2023).
//!
//! Each row of a group has a mass for each of two columns, and the loss is the mean over the masses of `-log softmax`, the softmax
//! over the column's values in the group. ListNet has one column.

/// Groups of rows with their masses. Without a mass there is no loss.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists {
    groups: Vec<Vec<Member>>,
    total: f64,
}

/// A row and its mass for each column.
type Member = (usize, [f64; 2]);

/// A row with its label and its weight.
type Labelled = (usize, f64, f64);

impl Lists {
    /// The lists of graded rows: a row's mass is its weight, times its part of the softmax of `label / temperature` over the group.
    /// A group of one row says nothing and is left out.
    pub fn graded(labels: &[f32], weights: &[f32], groups: &[u64], temperature: f64) -> Self {
        Self::of(labels, weights, groups, 2, |rows| {
            let grades: Vec<f64> = rows.iter().map(|row| row.1 / temperature).collect();
            let shares = softmax(&grades);
            rows.iter().zip(shares).map(|(row, share)| (row.0, [row.2 * share, 0.0])).collect()
        })
    }

    /// The lists of rows of two classes, the first with the mass of the label, the second with that of its opposite.
    pub fn classed(labels: &[f32], weights: &[f32], groups: &[u64]) -> Self {
        Self::of(labels, weights, groups, 1, |rows| {
            rows.iter().map(|&(row, label, weight)| (row, [weight * label, weight * (1.0 - label)])).collect()
        })
    }

    fn of(
        labels: &[f32],
        weights: &[f32],
        groups: &[u64],
        least: usize,
        masses: impl Fn(&[Labelled]) -> Vec<Member>,
    ) -> Self {
        let group = |row: usize| groups.get(row).copied().unwrap_or_default();
        let counts = |row: &usize| !labels[*row].is_nan() && weights[*row] > 0.0;
        let row = |row: usize| (row, f64::from(labels[row]), f64::from(weights[row]));
        let mut rows: Vec<Labelled> = (0..labels.len()).filter(counts).map(row).collect();
        rows.sort_by_key(|row| group(row.0));
        let rows = rows.chunk_by(|a, b| group(a.0) == group(b.0)).filter(|rows| rows.len() >= least);
        let groups: Vec<Vec<Member>> = rows.map(masses).collect();
        let total = groups.iter().flatten().map(|(_, masses)| masses[0] + masses[1]).sum();
        Self { groups, total }
    }

    /// The sum of the masses.
    pub fn weight(&self) -> f64 {
        self.total
    }

    /// The loss, from the values of the two columns in a row.
    pub fn loss(&self, values: impl Fn(usize) -> [f64; 2]) -> f64 {
        let mut loss = 0.0;
        for group in &self.groups {
            for column in 0..2 {
                let values: Vec<f64> = group.iter().map(|(row, _)| values(*row)[column]).collect();
                let all = log_sum(&values);
                for ((_, masses), value) in group.iter().zip(values) {
                    loss += masses[column] / self.total * (all - value);
                }
            }
        }
        loss
    }

    /// Calls `add` with each row and the slopes of the loss along its two columns.
    pub fn slopes(&self, values: impl Fn(usize) -> [f64; 2], mut add: impl FnMut(usize, [f64; 2])) {
        for group in &self.groups {
            let of = |column: usize| {
                let values: Vec<f64> = group.iter().map(|(row, _)| values(*row)[column]).collect();
                let mass: f64 = group.iter().map(|(_, masses)| masses[column]).sum();
                softmax(&values).into_iter().map(move |share| mass * share)
            };
            for (((row, masses), first), second) in group.iter().zip(of(0)).zip(of(1)) {
                add(*row, [(first - masses[0]) / self.total, (second - masses[1]) / self.total]);
            }
        }
    }

    /// The groups as a rectangle: the rows, with places behind the end of a shorter group; whether a place holds a row; the two
    /// columns' masses as shares.
    pub fn rectangle(&self) -> Rectangle {
        let width = self.groups.iter().map(Vec::len).max().unwrap_or_default();
        let mut rectangle = Rectangle { groups: self.groups.len(), width, ..Rectangle::default() };
        for group in &self.groups {
            for at in 0..width {
                let (row, masses) = group.get(at).copied().unwrap_or_default();
                rectangle.rows.push(row as i64);
                rectangle.held.push(at < group.len());
                (0..2).for_each(|column| rectangle.shares[column].push((masses[column] / self.total) as f32));
            }
        }
        rectangle
    }
}

/// Groups of one length.
#[derive(Debug, Default)]
pub(super) struct Rectangle {
    pub groups: usize,
    pub width: usize,
    pub rows: Vec<i64>,
    pub held: Vec<bool>,
    pub shares: [Vec<f32>; 2],
}

/// `log sum e^x`.
pub(super) fn log_sum(values: &[f64]) -> f64 {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + values.iter().map(|value| (value - most).exp()).sum::<f64>().ln()
}

/// `e^x / sum e^x`.
pub(super) fn softmax(values: &[f64]) -> Vec<f64> {
    let all = log_sum(values);
    values.iter().map(|value| (value - all).exp()).collect()
}
