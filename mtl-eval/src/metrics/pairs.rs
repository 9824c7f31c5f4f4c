//! Metrics of pairs of rows: AUC, GAUC, XAUC and Multi-AUC.

use super::columns::{Columns, Labels, Member, Row};
use super::grouped::{Grouped, over_groups};
use crate::error::EvalError;

/// How much each group of a GAUC weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupWeight {
    /// Its rows (Zhou et al., KDD 2018: impressions).
    Rows,
    /// Its positive rows (clicks).
    Positives,
    /// Every group the same.
    None,
}

/// The area under the ROC curve: the probability that a positive row has a higher score than a negative one, where a tie counts
/// one half. A soft label `y` counts as `y` of a positive and `1 - y` of a negative row. None without both classes.
/// `O(n log n)`.
pub fn auc(scores: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Option<f64>, EvalError> {
    let columns = Columns::new(scores, labels).weights(weights).checked("AUC", Labels::Event)?;
    Ok(auc_of_sorted(&columns.by_score(None), |_| 1.0))
}

/// AUC within groups, averaged with the weights of a rule. Groups with one class have no AUC and are left out; the result says how
/// many are left. None if all are.
pub fn gauc(
    scores: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
    groups: &[u64],
    rule: GroupWeight,
) -> Result<Option<Grouped>, EvalError> {
    let columns = Columns::new(scores, labels).weights(weights).groups(Some(groups));
    over_groups(columns, "GAUC", Labels::Event, &|group| gauc_of_group(group, rule))
}

/// The order of numbers: the share of the pairs of rows with different labels that their scores put in the same order, where equal
/// scores count one half. Pairs with equal labels say nothing and are skipped; a pair weighs the product of its rows' weights. None
/// without a pair. `O(n log n)`.
pub fn xauc(scores: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Option<f64>, EvalError> {
    let columns = Columns::new(scores, labels).weights(weights).checked("XAUC", Labels::Any)?;
    Ok(xauc_of_sorted(&columns.by_score(None), |_| 1.0))
}

/// Multi-AUC (Yang et al., CrossDistil, AAAI 2022; Hand and Till, 2001): how well a score orders the cells of several labels, which
/// `cells` numbers from the worst. The mean over all pairs of cells that occur of the AUC of the better one against the worse one;
/// `weighted` weighs a pair by its rows. The weights sum to one, so a perfect order has 1 under both rules, and two cells
/// give AUC. None with fewer than two cells. `O(n log n + n c)`.
pub fn multi_auc(
    scores: &[f32],
    cells: &[f32],
    weights: Option<&[f32]>,
    weighted: bool,
) -> Result<Option<f64>, EvalError> {
    const MOST: usize = 64;
    let columns = Columns::new(scores, cells).weights(weights).checked("Multi-AUC", Labels::Any)?;
    let rows = columns.by_score(None);
    let mut classes: Vec<f32> = Vec::new();
    for row in &rows {
        if let Err(at) = classes.binary_search_by(|class| class.total_cmp(&(row.label + 0.0))) {
            classes.insert(at, row.label + 0.0);
        }
        if classes.len() > MOST {
            return Err(EvalError::new(format!("Multi-AUC of more than {MOST} cells")));
        }
    }
    let n = classes.len();
    let (mut below, mut won) = (vec![0.0; n], vec![0.0; n * n]);
    for tied in rows.chunk_by(|a, b| a.score == b.score) {
        let mut mass = vec![0.0; n];
        for row in tied {
            let class = classes.partition_point(|class| *class < row.label);
            mass[class] += f64::from(row.weight);
        }
        for better in (0..n).filter(|&better| mass[better] > 0.0) {
            for worse in 0..better {
                won[better * n + worse] += mass[better] * (below[worse] + mass[worse] / 2.0);
            }
        }
        below.iter_mut().zip(mass).for_each(|(below, mass)| *below += mass);
    }
    let (mut sum, mut total) = (0.0, 0.0);
    for better in 0..n {
        for worse in 0..better {
            let weight = if weighted { below[better] + below[worse] } else { 1.0 };
            sum += weight * won[better * n + worse] / (below[better] * below[worse]);
            total += weight;
        }
    }
    Ok((total > 0.0).then(|| sum / total))
}

/// AUC of rows in the order of their scores; a row counts `times` its weight.
pub(crate) fn auc_of_sorted(rows: &[Row], times: impl Fn(&Row) -> f64) -> Option<f64> {
    area(rows.chunk_by(|a, b| a.score == b.score).map(|tied| {
        tied.iter().fold((0.0, 0.0), |(positive, negative), row| {
            let (weight, label) = (f64::from(row.weight) * times(row), f64::from(row.label));
            (positive + weight * label, negative + weight * (1.0 - label))
        })
    }))
}

/// AUC of one group, and what it weighs.
pub(crate) fn gauc_of_group(group: &[Member], rule: GroupWeight) -> Option<(f64, f64)> {
    let auc = area(group.chunk_by(|a, b| a.score == b.score).map(|tied| {
        tied.iter().fold((0.0, 0.0), |(positive, negative), row| {
            let (weight, label) = (f64::from(row.weight), f64::from(row.label));
            (positive + weight * label, negative + weight * (1.0 - label))
        })
    }))?;
    let weight = |row: &Member| match rule {
        GroupWeight::Rows => f64::from(row.weight),
        _ => f64::from(row.weight) * f64::from(row.label),
    };
    Some((auc, if rule == GroupWeight::None { 1.0 } else { group.iter().map(weight).sum() }))
}

/// The area under the curve of (positive, negative) masses of equal scores, from the lowest.
fn area(masses: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (mut below, mut positives, mut won) = (0.0, 0.0, 0.0);
    for (positive, negative) in masses {
        won += positive * (below + negative / 2.0);
        below += negative;
        positives += positive;
    }
    (positives > 0.0 && below > 0.0).then(|| won / (positives * below))
}

/// One row of XAUC: the rank of its score (equal scores have one), its label and its mass.
#[derive(Clone, Copy)]
struct Ranked {
    rank: u32,
    label: f32,
    mass: f64,
}

/// XAUC of rows in the order of their scores; a row counts `times` its weight.
pub(crate) fn xauc_of_sorted(rows: &[Row], times: impl Fn(&Row) -> f64) -> Option<f64> {
    let mut ranked = Vec::with_capacity(rows.len());
    // Pairs of different scores and of different labels, and pairs of equal scores and different labels.
    let mut equal_scores = 0.0;
    let mut scratch: Vec<(f32, f64)> = Vec::new();
    for (rank, tied) in rows.chunk_by(|a, b| a.score == b.score).enumerate() {
        let of = |row: &Row| (row.label + 0.0, f64::from(row.weight) * times(row));
        scratch.clear();
        scratch.extend(tied.iter().map(of).filter(|(_, mass)| *mass > 0.0));
        ranked.extend(scratch.iter().map(|&(label, mass)| Ranked { rank: rank as u32, label, mass }));
        scratch.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut before = 0.0;
        for same in scratch.chunk_by(|a, b| a.0 == b.0) {
            let mass: f64 = same.iter().map(|row| row.1).sum();
            equal_scores += before * mass;
            before += mass;
        }
    }
    let mut buffer = ranked.clone();
    // Rows come by score: those before one that have a smaller label are in order.
    let ordered = ordered_pairs(&mut ranked, &mut buffer);
    // Now they come by label: the pairs of different labels are all that there are.
    let (mut before, mut all) = (0.0, 0.0);
    for same in ranked.chunk_by(|a, b| a.label == b.label) {
        let mass: f64 = same.iter().map(|row| row.mass).sum();
        all += before * mass;
        before += mass;
    }
    (all > 0.0).then(|| (ordered + equal_scores / 2.0) / all)
}

/// The mass of the pairs of which the first has the smaller score and the smaller label; sorts the rows by label.
fn ordered_pairs(rows: &mut [Ranked], buffer: &mut [Ranked]) -> f64 {
    const SMALL: usize = 32;
    const ALONE: usize = 1 << 14;
    let n = rows.len();
    if n <= SMALL {
        let mut mass = 0.0;
        for at in 0..n {
            let row = rows[at];
            let before = rows[..at].iter().filter(|other| other.rank < row.rank && other.label < row.label);
            mass += row.mass * before.map(|other| other.mass).sum::<f64>();
        }
        rows.sort_by(|a, b| a.label.total_cmp(&b.label));
        return mass;
    }
    // A score is not split: all pairs between the halves have different scores.
    let Some(half) = cut(rows) else {
        rows.sort_by(|a, b| a.label.total_cmp(&b.label));
        return 0.0;
    };
    let (left, right) = rows.split_at_mut(half);
    let (of_left, of_right) = buffer.split_at_mut(half);
    let (a, b) = if n > ALONE {
        rayon::join(|| ordered_pairs(left, of_left), || ordered_pairs(right, of_right))
    } else {
        (ordered_pairs(left, of_left), ordered_pairs(right, of_right))
    };
    let (mut mass, mut below) = (a + b, 0.0);
    let (mut l, mut r) = (0, 0);
    for to in buffer.iter_mut() {
        if l < left.len() && (r == right.len() || left[l].label < right[r].label) {
            below += left[l].mass;
            *to = left[l];
            l += 1;
        } else {
            mass += right[r].mass * below;
            *to = right[r];
            r += 1;
        }
    }
    rows.copy_from_slice(buffer);
    mass
}

/// Where the rows, in the order of their scores, are cut near their middle without splitting a score; none if they have one score.
fn cut(rows: &[Ranked]) -> Option<usize> {
    let rank = rows[rows.len() / 2].rank;
    let (from, to) = (rows.partition_point(|row| row.rank < rank), rows.partition_point(|row| row.rank <= rank));
    match (from, to) {
        (0, to) if to == rows.len() => None,
        (0, to) => Some(to),
        (from, _) => Some(from),
    }
}
