//! The tasks' gradients where the graph was cut, and their inner products.
//!
//! A tower reads its copy of a vector, or its task's stream `h_t`. Where streams are sums of experts that several tasks reach, `h_t = sum_n
//! g_tn E_n`, the tasks meet at the experts: `dL_t / dE_n = g_tn G_t`, row by row, with the gradient `G_t` of the stream. So the inner
//! product of two tasks is the sum over rows of `(sum_n g_sn g_tn) <G_s, G_t>`, over the experts that at least two tasks reach, and needs
//! no further pass. Streams of another kind are compared position by position.

use burn::tensor::Tensor;
use rayon::prelude::*;

use super::methods::Matrix;
use crate::evaluate::numbers;
use crate::ops::{Choice, dot, vectorized};
use crate::pass::{Cut, Frontier, Mixture};

#[cfg(test)]
mod tests;

/// Rows of a task on each thread; sums do not depend on the number of threads.
const ROWS: usize = 64;

/// The gradients of the tasks at one value.
pub(crate) struct Place {
    /// What the value is called.
    pub name: &'static str,
    /// The tasks that read it.
    pub tasks: Vec<usize>,
    /// Whether each of them has a stream of its own.
    pub streams: bool,
    /// Numbers of a row and task.
    pub width: usize,
    rows: usize,
    /// `[rows, tasks, width]`
    slopes: Vec<f32>,
    shares: Option<Shares>,
}

/// The weights of the experts that several tasks reach.
struct Shares {
    /// Whether each row has its own.
    by_row: bool,
    experts: usize,
    /// `[rows or 1, tasks, experts]`
    weights: Vec<f32>,
}

impl Place {
    /// The places of a pass; `slopes` are the gradients of its cuts.
    pub fn all(frontier: &Frontier, slopes: &[Option<Tensor<3>>]) -> Vec<Place> {
        let mut names: Vec<&str> = Vec::new();
        let mut places = Vec::new();
        for cut in &frontier.cuts {
            if names.contains(&cut.name) {
                continue;
            }
            names.push(cut.name);
            let same = frontier.cuts.iter().zip(slopes).filter(|(other, _)| other.name == cut.name);
            let given: Vec<(&Cut, &Tensor<3>)> = same.filter_map(|(cut, slope)| Some((cut, slope.as_ref()?))).collect();
            if let Some(mut place) = Place::of(&given) {
                let mixtures = frontier.mixtures.iter().filter(|mixture| mixture.name == cut.name);
                place.shares = Shares::of(&mixtures.collect::<Vec<_>>(), &place.tasks);
                places.push(place);
            }
        }
        places
    }

    /// The sum of the gradients of cuts of one value.
    fn of(given: &[(&Cut, &Tensor<3>)]) -> Option<Place> {
        let (first, slope) = given.first()?;
        let [rows, _, columns] = slope.dims();
        let width = first.owners.first()?.1.len() * columns;
        let mut tasks: Vec<usize> =
            given.iter().flat_map(|(cut, _)| cut.owners.iter().map(|(task, _)| *task)).collect();
        tasks.sort_unstable();
        tasks.dedup();
        let own = |(task, _): &(usize, _)| *task;
        let slopes = match given {
            [(cut, slope)] if cut.owners.iter().map(own).eq(tasks.iter().copied()) => numbers((*slope).clone()),
            _ => {
                let mut sums = vec![0.0; rows * tasks.len() * width];
                for (cut, slope) in given {
                    let values = numbers((*slope).clone());
                    let step = values.len() / rows.max(1);
                    for (task, slots) in &cut.owners {
                        let at = tasks.partition_point(|other| other < task) * width;
                        for row in 0..rows {
                            let from = &values[row * step + slots.start * columns..][..width];
                            let to = &mut sums[row * tasks.len() * width + at..][..width];
                            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
                        }
                    }
                }
                sums
            }
        };
        Some(Place { name: first.name, tasks, streams: first.streams, width, rows, slopes, shares: None })
    }

    /// A task's gradient, row by row.
    pub fn gradient(&self, task: usize) -> Option<Vec<f32>> {
        let at = self.tasks.iter().position(|other| *other == task)?;
        let rows = self.slopes.chunks_exact(self.tasks.len() * self.width);
        Some(rows.flat_map(|row| row[at * self.width..][..self.width].iter().copied()).collect())
    }

    /// The inner products of each pair of its tasks: (0, 0), (0, 1), ..., (1, 1), ...
    fn products(&self) -> Vec<f64> {
        let count = self.tasks.len();
        let size = count * self.width;
        let part = |start: usize| -> Vec<f64> {
            let rows = ROWS.min(self.rows - start);
            let slopes = &self.slopes[start * size..][..rows * size];
            let mut sums = vec![0.0; count * (count + 1) / 2];
            match &self.shares {
                None => products(slopes, count, self.width, &mut sums),
                Some(shares) => {
                    let size = count * shares.experts;
                    let weights = if shares.by_row { &shares.weights[start * size..] } else { &shares.weights };
                    weighted_products(slopes, weights, shares.by_row, count, self.width, shares.experts, &mut sums);
                }
            }
            sums
        };
        let starts: Vec<usize> = (0..self.rows).step_by(ROWS).collect();
        let parts: Vec<Vec<f64>> = starts.into_par_iter().map(part).collect();
        let mut all = vec![0.0; count * (count + 1) / 2];
        for part in parts {
            all.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        all
    }
}

/// The inner products of the tasks' gradients over all places.
pub(crate) fn gramian(places: &[Place], tasks: usize) -> Matrix {
    let mut all = vec![0.0; tasks * tasks];
    for place in places {
        let pairs = (0..place.tasks.len()).flat_map(|s| (s..place.tasks.len()).map(move |t| (s, t)));
        for ((s, t), product) in pairs.zip(place.products()) {
            let (s, t) = (place.tasks[s], place.tasks[t]);
            all[s * tasks + t] += product;
            if s != t {
                all[t * tasks + s] += product;
            }
        }
    }
    Matrix::from_fn(tasks, |s, t| all[s * tasks + t])
}

impl Shares {
    /// The weights of these tasks, summed over mixtures of the same experts; none where no expert is reached by two tasks.
    fn of(mixtures: &[&Mixture], tasks: &[usize]) -> Option<Shares> {
        let rows = mixtures.iter().map(|mixture| mixture.weights.dims()[0]).max()?;
        let columns = |mixture: &Mixture| mixture.weights.dims()[2];
        // The experts of a task's row of weights.
        let reached = |mixture: &Mixture, task: usize| match &mixture.choice {
            Choice::All => (0..columns(mixture)).collect(),
            Choice::Lists(lists) => lists[if lists.len() == 1 { 0 } else { task }].clone(),
        };
        let experts =
            mixtures.iter().flat_map(|mixture| tasks.iter().flat_map(|task| reached(mixture, *task))).max()? + 1;
        let mut readers = vec![0; experts];
        for task in tasks {
            let mut own: Vec<usize> = mixtures.iter().flat_map(|mixture| reached(mixture, *task)).collect();
            own.sort_unstable();
            own.dedup();
            own.into_iter().for_each(|expert| readers[expert] += 1);
        }
        // Where in a row the weights of an expert stand.
        let places: Vec<Option<usize>> = readers
            .iter()
            .scan(0, |next, readers| {
                let place = (*readers > 1).then_some(*next);
                *next += usize::from(place.is_some());
                Some(place)
            })
            .collect();
        let shared = places.iter().flatten().count();
        if shared == 0 {
            return None;
        }
        let mut weights = vec![0.0; rows * tasks.len() * shared];
        for mixture in mixtures {
            let [given, gates, columns] = mixture.weights.dims();
            let values = numbers(mixture.weights.clone());
            for (at, task) in tasks.iter().enumerate() {
                let list = reached(mixture, *task);
                let gate = if gates == 1 { 0 } else { *task };
                for row in 0..rows {
                    let from = &values[((if given == 1 { 0 } else { row }) * gates + gate) * columns..][..columns];
                    let to = &mut weights[(row * tasks.len() + at) * shared..][..shared];
                    for (column, expert) in list.iter().enumerate() {
                        if let Some(place) = places[*expert] {
                            to[place] += from[column];
                        }
                    }
                }
            }
        }
        Some(Shares { by_row: rows > 1, experts: shared, weights })
    }
}

vectorized! {
    fn products(slopes: &[f32], count: usize, width: usize, sums: &mut [f64]) {
        for row in slopes.chunks_exact(count * width) {
            let mut sums = sums.iter_mut();
            for s in 0..count {
                for t in s..count {
                    if let Some(sum) = sums.next() {
                        *sum += f64::from(dot(&row[s * width..][..width], &row[t * width..][..width]));
                    }
                }
            }
        }
    }

    fn weighted_products(
        slopes: &[f32],
        weights: &[f32],
        by_row: bool,
        count: usize,
        width: usize,
        experts: usize,
        sums: &mut [f64],
    ) {
        for (at, row) in slopes.chunks_exact(count * width).enumerate() {
            let weights = &weights[if by_row { at * count * experts } else { 0 }..][..count * experts];
            let mut sums = sums.iter_mut();
            for s in 0..count {
                for t in s..count {
                    let common = dot(&weights[s * experts..][..experts], &weights[t * experts..][..experts]);
                    if let Some(sum) = sums.next() {
                        *sum += f64::from(common * dot(&row[s * width..][..width], &row[t * width..][..width]));
                    }
                }
            }
        }
    }
}
