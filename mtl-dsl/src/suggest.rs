//! "Did you mean": what a name that does not exist may have been meant to be.

/// Names what exists, and first what was probably meant: "did you mean `like`? known tasks: `click`, `like`".
pub(crate) fn did_you_mean<'a>(found: &str, what: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if candidates.is_empty() {
        return format!("there are no {what} here");
    }
    let nearest = candidates.iter().map(|name| (distance(found, name), *name)).min();
    let near = nearest.filter(|(distance, name)| *distance <= name.len().max(found.len()) / 3);
    let all = candidates.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match near {
        Some((_, name)) if candidates.len() > FEW => format!("did you mean `{name}`?"),
        Some((_, name)) => format!("did you mean `{name}`? known {what}: {all}"),
        None => format!("known {what}: {all}"),
    }
}

/// More names than these are not listed beside a good guess.
const FEW: usize = 12;

/// Edits between two names: insertions, deletions, substitutions, and swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(x != y)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
