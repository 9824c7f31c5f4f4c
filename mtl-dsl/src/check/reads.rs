//! What a rank reads, itself and through other ranks.

use crate::hir::{Rank, ScoreInput, ScoreKind};

/// A rank and those that it reads, in order, so that each stands behind what it reads; none where one of them is wrong.
pub(super) fn closure(ranks: &[Option<Rank>], rank: usize) -> Option<Vec<usize>> {
    let mut read = vec![false; rank + 1];
    read[rank] = true;
    for at in (0..=rank).rev().filter(|at| *at < ranks.len()) {
        if read[at] {
            ranks[at].as_ref()?.visit(&mut |node| {
                if let ScoreKind::Rank(other) = node.kind {
                    read[other] = true;
                }
            });
        }
    }
    Some((0..=rank).filter(|at| read[*at]).collect())
}

/// The inputs that a rank reads, in the order of its formula.
pub(super) fn inputs(ranks: &[Option<Rank>], rank: usize) -> Vec<ScoreInput> {
    let mut found = Vec::new();
    for at in closure(ranks, rank).unwrap_or_default() {
        let Some(rank) = &ranks[at] else { continue };
        rank.visit(&mut |node| {
            if let Some((input, _)) = node.kind.input()
                && !found.contains(&input)
            {
                found.push(input);
            }
        });
    }
    found
}

/// The learned ranks among a rank and those that it reads.
pub(super) fn learned(ranks: &[Option<Rank>], rank: usize) -> Vec<&Rank> {
    let closure = closure(ranks, rank).unwrap_or_default();
    closure.into_iter().filter_map(|at| ranks[at].as_ref()).filter(|rank| rank.fusion.is_some()).collect()
}

/// The nodes of a rank and of those that it reads.
pub(super) fn size(ranks: &[Option<Rank>], closure: &[usize]) -> usize {
    let mut nodes = 0;
    closure.iter().filter_map(|at| ranks[*at].as_ref()).for_each(|rank| rank.visit(&mut |_| nodes += 1));
    nodes
}
