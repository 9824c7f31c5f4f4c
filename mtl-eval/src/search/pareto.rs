//! The front between objectives: points of which none is better than another in everything.

use super::Candidate;

/// Whether `a` is at least as good as `b` in every objective, and better in one. Higher is better.
pub fn dominates(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a >= b) && a.iter().zip(b).any(|(a, b)| a > b)
}

/// The points seen so far that keep the constraints and that no other one dominates. Of equal ones the first is kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Front {
    members: Vec<Candidate>,
}

impl Front {
    /// Takes a point in, if it belongs there.
    pub fn insert(&mut self, candidate: Candidate) {
        let objectives = &candidate.value.objectives;
        if candidate.value.violation > 0.0 || objectives.iter().any(|objective| !objective.is_finite()) {
            return;
        }
        let covers =
            |other: &Candidate| other.value.objectives == *objectives || dominates(&other.value.objectives, objectives);
        if self.members.iter().any(covers) {
            return;
        }
        self.members.retain(|other| !dominates(objectives, &other.value.objectives));
        self.members.push(candidate);
    }

    /// The points by the first objective, then by the others, from the lowest.
    pub fn sorted(mut self) -> Vec<Candidate> {
        self.members.sort_by(|a, b| {
            let pairs = a.value.objectives.iter().zip(&b.value.objectives);
            pairs.map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        self.members
    }

    /// The member of the greatest fitness; the first of several.
    pub(super) fn best_by(&self, fitness: &dyn Fn(&super::Value) -> f64) -> Option<&Candidate> {
        let mut best: Option<(f64, &Candidate)> = None;
        for member in &self.members {
            let value = fitness(&member.value);
            if best.is_none_or(|(most, _)| value > most) {
                best = Some((value, member));
            }
        }
        best.map(|(_, member)| member)
    }

    /// The ranges of the objectives; none without members.
    pub(super) fn scale(&self) -> Option<Scale> {
        let objectives = self.members.first()?.value.objectives.len();
        let column = |at: usize| self.members.iter().map(move |member| member.value.objectives[at]);
        let best: Vec<f64> = (0..objectives).map(|at| column(at).fold(f64::NEG_INFINITY, f64::max)).collect();
        let range = |at: usize| best[at] - column(at).fold(f64::INFINITY, f64::min);
        let ranges = (0..objectives).map(range).map(|range| if range > 0.0 { range } else { 1.0 }).collect();
        Some(Scale { best, ranges })
    }
}

/// The best value of each objective, and by how much members of the front miss it.
pub(super) struct Scale {
    best: Vec<f64>,
    ranges: Vec<f64>,
}

impl Scale {
    /// How near a point comes to the best of everything in a direction: the augmented weighted Chebyshev distance (Steuer and
    /// Choo, 1983), negative.
    pub fn reached(&self, direction: &[f64], objectives: &[f64]) -> f64 {
        let missed = (0..objectives.len()).map(|at| (self.best[at] - objectives[at]) / self.ranges[at] * direction[at]);
        let (most, sum) = missed.fold((f64::NEG_INFINITY, 0.0), |(most, sum), x| (f64::max(most, x), sum + x));
        -most - 1e-3 * sum
    }
}

/// About `count` directions between objectives: first each one alone, then evenly spaced weights of all of them.
pub(super) fn directions(objectives: usize, count: usize) -> Vec<Vec<f64>> {
    let only = |at: usize| (0..objectives).map(|other| if other == at { 1.0 } else { 0.0 }).collect();
    let mut directions: Vec<Vec<f64>> = (0..objectives).map(only).collect();
    // Weights are multiples of 1 / parts, each at least one: (parts - 1) over (objectives - 1) of them.
    let mut parts = objectives;
    let inner = loop {
        let next = lattice(objectives, parts + 1);
        if directions.len() + next.len() > count {
            break lattice(objectives, parts);
        }
        parts += 1;
    };
    directions.extend(inner.into_iter().map(|of| of.into_iter().map(|part| part as f64 / parts as f64).collect()));
    directions
}

/// All ways to write `parts` as a sum of `terms` positive whole numbers, in order.
fn lattice(terms: usize, parts: usize) -> Vec<Vec<usize>> {
    if terms == 1 {
        return vec![vec![parts]];
    }
    let first = 1..=parts.saturating_sub(terms - 1);
    first
        .flat_map(|first| lattice(terms - 1, parts - first).into_iter().map(move |rest| [vec![first], rest].concat()))
        .collect()
}

/// At most `count` of the points, spread over the front: the ends of each objective first, then whichever is farthest from those
/// chosen, distances in ranges of the objectives. In the order given.
pub fn spread(points: &[Vec<f64>], count: usize) -> Vec<usize> {
    let Some(first) = points.first().filter(|_| count > 0) else { return Vec::new() };
    let objectives = first.len();
    let value = |at: usize, objective: usize| points[at][objective];
    let mut chosen: Vec<usize> = Vec::new();
    let mut ranges = Vec::new();
    for objective in 0..objectives {
        let order = |a: &usize, b: &usize| value(*a, objective).total_cmp(&value(*b, objective));
        let (Some(least), Some(most)) = ((0..points.len()).min_by(order), (0..points.len()).max_by(order)) else {
            continue;
        };
        ranges.push((value(most, objective) - value(least, objective)).max(f64::MIN_POSITIVE));
        if !chosen.contains(&most) && chosen.len() < count {
            chosen.push(most);
        }
    }
    let distance = |a: usize, b: usize| {
        (0..objectives).map(|at| ((value(a, at) - value(b, at)) / ranges[at]).powi(2)).sum::<f64>()
    };
    while chosen.len() < count.min(points.len()) {
        let near = |at: usize| chosen.iter().map(|other| distance(at, *other)).fold(f64::INFINITY, f64::min);
        let rest = (0..points.len()).filter(|at| !chosen.contains(at));
        // The first of several equally far ones.
        let farthest = rest.map(|at| (at, near(at))).fold(None, |best: Option<(usize, f64)>, (at, far)| match best {
            Some((_, most)) if most >= far => best,
            _ => Some((at, far)),
        });
        chosen.extend(farthest.map(|(at, _)| at));
    }
    chosen.sort_unstable();
    chosen
}

/// The size of what one to three objectives dominate above a reference point; what is below the reference counts nothing.
pub fn hypervolume(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    let above = |point: &&Vec<f64>| point.iter().zip(reference).all(|(x, r)| x > r);
    let inside: Vec<&[f64]> = points.iter().filter(above).map(Vec::as_slice).collect();
    volume(inside, reference)
}

/// As [`hypervolume`], of points above the reference: slices along the last objective, each a volume of one dimension less.
fn volume(mut points: Vec<&[f64]>, reference: &[f64]) -> f64 {
    let Some((floor, rest)) = reference.split_last() else { return 1.0 };
    let last = |point: &[f64]| point[rest.len()];
    points.sort_by(|a, b| last(b).total_cmp(&last(a)));
    let mut total = 0.0;
    for at in 0..points.len() {
        let below = points.get(at + 1).map_or(*floor, |next| last(next));
        let height = last(points[at]) - below;
        if height > 0.0 {
            let slice = points[..=at].iter().map(|point| &point[..rest.len()]).collect();
            total += height * volume(slice, rest);
        }
    }
    total
}
