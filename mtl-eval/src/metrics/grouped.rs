//! Means over groups: the impressions of one user, say.

use rayon::prelude::*;

use super::columns::{Columns, Labels, Member};
use crate::error::EvalError;

/// A mean over groups, and how many of them it stands on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grouped {
    /// The mean over the groups in which the metric is defined.
    pub value: f64,
    /// The groups in which the metric is defined.
    pub groups_used: usize,
    /// All groups.
    pub groups: usize,
    /// The rows of the groups in which the metric is defined.
    pub rows_used: usize,
    /// All rows.
    pub rows: usize,
}

/// A metric of one group, and the weight of the group; none where it is undefined.
pub(crate) type Weighed = Option<(f64, f64)>;

/// What is asked of each group.
pub(crate) type OfGroup<'f> = &'f (dyn Fn(&[Member]) -> Weighed + Sync);

/// Each group in the order of their ids: its rows, and what the metric says of it.
pub(crate) fn each_group(
    columns: Columns,
    name: &str,
    labels: Labels,
    of: OfGroup,
) -> Result<Vec<(usize, Weighed)>, EvalError> {
    let rows = columns.checked(name, labels)?.by_group(name)?;
    let groups: Vec<&[Member]> = rows.chunk_by(|a, b| a.group == b.group).collect();
    Ok(groups.into_par_iter().with_min_len(64).map(|group| (group.len(), of(group))).collect())
}

/// The weighted mean over the groups. None if the metric is defined in none.
pub(crate) fn over_groups(
    columns: Columns,
    name: &str,
    labels: Labels,
    of: OfGroup,
) -> Result<Option<Grouped>, EvalError> {
    let groups = each_group(columns, name, labels, of)?;
    let mut found = Grouped { value: 0.0, groups_used: 0, groups: groups.len(), rows_used: 0, rows: 0 };
    let mut total = 0.0;
    for (rows, of_group) in groups {
        found.rows += rows;
        let Some((value, weight)) = of_group else { continue };
        found.groups_used += 1;
        found.rows_used += rows;
        found.value += value * weight;
        total += weight;
    }
    found.value /= total;
    Ok((total > 0.0).then_some(found))
}
