//! Proofs over regions, by cutting them into cells.

use std::collections::VecDeque;

use super::interval::Interval;

/// What is known of a cell.
pub(super) enum Verdict<T> {
    /// It holds everywhere in it.
    Holds,
    /// It fails somewhere in it.
    Fails(T),
    /// Neither is known; the number says how far it is from holding.
    Open(f64),
}

/// What is known of a region.
pub(super) enum Outcome<T> {
    Holds,
    Fails(T),
    Open,
}

/// A range for each number that a proof is about.
type Cell = Vec<Interval>;

/// Cells that are looked at, and the nodes of a formula that are looked at in all of them.
const MOST: usize = 10_000;
const MOST_NODES: usize = 1_000_000;

/// Judges a region, then its halves, until each part is known or too many were looked at; `nodes` is the size of the formula.
pub(super) fn bisect<T>(region: Cell, nodes: usize, mut judge: impl FnMut(&[Interval]) -> Verdict<T>) -> Outcome<T> {
    match judge(&region) {
        Verdict::Holds => return Outcome::Holds,
        Verdict::Fails(witness) => return Outcome::Fails(witness),
        Verdict::Open(_) => {}
    }
    let cuts = vec![0usize; region.len()];
    let mut open = VecDeque::from([(region, cuts)]);
    let (mut looked, most) = (1, MOST.min(MOST_NODES / nodes.max(1)));
    while let Some((cell, mut cuts)) = open.pop_front() {
        if looked > most {
            return Outcome::Open;
        }
        // In turns the side whose halves are nearest to holding, and the side that was cut least: the first alone would cut one side for ever
        // where the proof needs two.
        let greedy = cuts.iter().sum::<usize>() % 2 == 0;
        let mut best: Option<((f64, f64), usize, Vec<Cell>)> = None;
        for (side, cut) in cuts.iter().enumerate() {
            let Some(halves) = halves(&cell, side) else { continue };
            let (mut left, mut far) = (Vec::new(), 0.0);
            for half in halves {
                looked += 1;
                match judge(&half) {
                    Verdict::Holds => {}
                    Verdict::Fails(witness) => return Outcome::Fails(witness),
                    Verdict::Open(distance) => {
                        far += distance.min(f64::MAX / 4.0);
                        left.push(half);
                    }
                }
            }
            let rank = if greedy { (far, *cut as f64) } else { (*cut as f64, far) };
            if best.as_ref().is_none_or(|(least, ..)| rank < *least) {
                best = Some((rank, side, left));
            }
        }
        let Some((_, side, left)) = best else { return Outcome::Open };
        cuts[side] += 1;
        open.extend(left.into_iter().map(|cell| (cell, cuts.clone())));
    }
    Outcome::Holds
}

/// A cell in two along a side; none where no number lies between its ends.
fn halves(cell: &[Interval], side: usize) -> Option<[Cell; 2]> {
    let Interval { low, high } = cell[side];
    // A counterexample is something that a network can predict.
    let middle = f64::from(cell[side].middle() as f32);
    if middle <= low || middle >= high {
        return None;
    }
    let part = |of| {
        let mut part = cell.to_vec();
        part[side] = of;
        part
    };
    Some([part(Interval { low, high: middle }), part(Interval { low: middle, high })])
}

/// Points of a cell to try: its ends, and its middle.
pub(super) fn points(cell: &[Interval]) -> [Vec<f64>; 3] {
    let all = |of: fn(&Interval) -> f64| cell.iter().map(of).collect();
    [all(|side| side.low), all(|side| side.high), all(|side| side.middle())]
}
