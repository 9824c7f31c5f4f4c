//! Search for the parameters of a score: the best point of a box, or the front between objectives, under constraints.
//!
//! Nothing is known of what is searched but its values at points, which may be piecewise constant, as metrics of orders are. The
//! same seed gives the same points, whatever the number of threads.

use std::cmp::Ordering;

use rayon::prelude::*;

mod cma_es;
mod eigen;
mod pareto;
mod picture;
mod space;

pub use pareto::{Front, dominates, hypervolume, spread};
pub use picture::{Picture, Point};
pub use space::{Space, Variable};

use crate::random::Generator;

use cma_es::CmaEs;

/// What a point is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// One number for each objective; higher is better.
    pub objectives: Vec<f64>,
    /// By how much the point misses the constraints; 0 where it keeps them all.
    pub violation: f64,
}

/// A point and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// One number for each variable of the space.
    pub point: Vec<f64>,
    /// Its value.
    pub value: Value,
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Evolution of a normal distribution whose covariance is adapted (Hansen and Ostermeier, 2001), with restarts.
    CmaEs {
        /// How many points are evaluated.
        evaluations: usize,
    },
    /// Points at random.
    Random {
        /// How many points are evaluated.
        evaluations: usize,
    },
    /// All combinations of evenly spaced values.
    Grid {
        /// How many values each variable has, its ends included.
        steps: usize,
    },
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The start.
    pub start: Candidate,
    /// The best point by the first objective; the start where none is better.
    pub best: Candidate,
    /// The points that keep the constraints and that no other one dominates, by the first objective from the lowest.
    pub front: Vec<Candidate>,
    /// How many points were evaluated.
    pub evaluations: usize,
}

impl Method {
    /// How many points a search of `variables` evaluates, the start included.
    pub fn evaluations(self, variables: usize) -> usize {
        match self {
            Method::CmaEs { evaluations } | Method::Random { evaluations } => evaluations.max(1),
            Method::Grid { steps } => {
                let power = u32::try_from(variables).ok().and_then(|power| steps.checked_pow(power));
                power.and_then(|all| all.checked_add(1)).unwrap_or(usize::MAX)
            }
        }
    }
}

/// The order of values, the better one first: less violation, then more fitness.
fn order(a: (f64, f64), b: (f64, f64)) -> Ordering {
    a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1))
}

/// Searches a space. `evaluate` is asked for many points at once; `progress` is told how many it has answered.
pub fn search<E: Send>(
    space: &Space,
    method: Method,
    seed: u64,
    evaluate: impl Fn(&[f64]) -> Result<Value, E> + Sync,
    progress: impl FnMut(usize),
) -> Result<Found, E> {
    let budget = method.evaluations(space.len());
    let mut state = State { space, evaluate, progress, done: 0, best: None, front: Front::default() };
    let start = state.values(&[space.start()])?.swap_remove(0);
    let start = Candidate { point: space.start(), value: start };
    let mut generator = Generator::new(seed);
    match method {
        Method::Random { .. } => {
            while state.done < budget {
                let count = (budget - state.done).min(CHUNK);
                let points: Vec<_> = (0..count).map(|_| space.random(&mut generator)).collect();
                state.values(&points)?;
            }
        }
        Method::Grid { steps } => {
            let mut next = 0;
            while state.done < budget {
                let count = (budget - state.done).min(CHUNK);
                let points: Vec<_> = (next..next + count).map(|at| space.of_grid(at, steps)).collect();
                next += count;
                state.values(&points)?;
            }
        }
        Method::CmaEs { .. } => evolve(&mut state, budget, start.value.objectives.len(), &mut generator)?,
    }
    let best = state.best.unwrap_or_else(|| start.clone());
    Ok(Found { start, best, front: state.front.sorted(), evaluations: state.done })
}

/// How many points are evaluated between two reports of progress.
const CHUNK: usize = 64;

/// What is known while a search runs.
struct State<'a, F, P> {
    space: &'a Space,
    evaluate: F,
    progress: P,
    done: usize,
    best: Option<Candidate>,
    front: Front,
}

impl<E: Send, F: Fn(&[f64]) -> Result<Value, E> + Sync, P: FnMut(usize)> State<'_, F, P> {
    /// The values of points, in their order.
    fn values(&mut self, points: &[Vec<f64>]) -> Result<Vec<Value>, E> {
        let values: Vec<Result<Value, E>> = points.par_iter().map(|point| (self.evaluate)(point)).collect();
        let values = values.into_iter().collect::<Result<Vec<Value>, E>>()?;
        for (point, value) in points.iter().zip(&values) {
            let key = |value: &Value| (value.violation, value.objectives[0]);
            if self.best.as_ref().is_none_or(|best| order(key(value), key(&best.value)).is_lt()) {
                self.best = Some(Candidate { point: point.clone(), value: value.clone() });
            }
            self.front.insert(Candidate { point: point.clone(), value: value.clone() });
        }
        self.done += points.len();
        (self.progress)(self.done);
        Ok(values)
    }

    /// One run of the evolution, from `start`, until it has converged or `until` points were evaluated.
    fn run(
        &mut self,
        (start, population): (Vec<f64>, usize),
        until: usize,
        fitness: &dyn Fn(&Value) -> f64,
        generator: &mut Generator,
    ) -> Result<(), E> {
        let mut evolution = CmaEs::new(start, population);
        while self.done < until && !evolution.has_converged() {
            let mut asked = evolution.ask(generator);
            let whole = asked.len() <= until - self.done;
            asked.truncate(until - self.done);
            let points: Vec<_> = asked.iter().map(|unit| self.space.value(unit)).collect();
            let values = self.values(&points)?;
            if whole {
                let keys = values.iter().map(|value| (value.violation, fitness(value)));
                evolution.tell(asked.into_iter().zip(keys).collect());
            }
        }
        Ok(())
    }
}

/// The evolution: of one objective with restarts, each with twice the points a generation (IPOP: Auger and Hansen, 2005); of
/// several, one after the other and then in directions between them.
fn evolve<E: Send, F: Fn(&[f64]) -> Result<Value, E> + Sync, P: FnMut(usize)>(
    state: &mut State<'_, F, P>,
    budget: usize,
    objectives: usize,
    generator: &mut Generator,
) -> Result<(), E> {
    let (space, population) = (state.space, CmaEs::population(state.space.len()));
    let start = space.unit(&space.start());
    let restart = |state: &mut State<'_, F, P>,
                   first: Vec<f64>,
                   until: usize,
                   fitness: &dyn Fn(&Value) -> f64,
                   generator: &mut Generator| {
        let (mut from, mut size) = (first, population);
        while state.done < until {
            state.run((from, size), until, fitness, generator)?;
            from = (0..space.len()).map(|_| generator.uniform()).collect();
            size = (2 * size).min(64 * population);
        }
        Ok(())
    };
    if objectives == 1 {
        return restart(state, start, budget, &|value| value.objectives[0], generator);
    }
    let runs = (budget / (20 * population)).clamp(objectives + 1, 32);
    let directions = pareto::directions(objectives, runs);
    let (first, count) = (state.done, directions.len());
    for (at, direction) in directions.iter().enumerate() {
        let until = first + (budget - first) * (at + 1) / count;
        if let Some(only) = direction.iter().position(|weight| *weight == 1.0) {
            restart(state, start.clone(), until, &|value| value.objectives[only], generator)?;
            continue;
        }
        let scale = state.front.scale();
        let fitness = |value: &Value| scale.as_ref().map_or(0.0, |scale| scale.reached(direction, &value.objectives));
        let nearest = state.front.best_by(&fitness).map_or_else(|| start.clone(), |best| space.unit(&best.point));
        restart(state, nearest, until, &fitness, generator)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
