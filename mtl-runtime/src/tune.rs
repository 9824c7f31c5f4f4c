//! Tuning: the parameters of a score that serve its goals best, searched on cached predictions.
//!
//! The network predicts the rows once; each candidate costs one pass over them with the rank's own function, and its metrics. A
//! candidate under which an `expect` of the spec fails is as infeasible as one that misses a constraint.

use std::time::Instant;

use mtl_data::Table;
use mtl_eval::bootstrap::Bootstrap;
use mtl_eval::goals::{Goal, Known};
use mtl_eval::metrics::Metric;
use mtl_eval::search::{self, Candidate, Found, Method, Space, Value, Variable, hypervolume};

use crate::config::set_numbers;
use crate::error::{Error, Result};
use crate::model::{Model, Rank, RankParam};
use crate::predict::Predictor;
use crate::report::{Compared, Named, TuneReport, TunedParam, TunedPoint};
use crate::scores::{MissingInput, unfitted};

/// How the parameters of a score are searched: `tune { ... }`.
#[derive(Debug, Clone, Copy)]
pub struct Tune {
    /// The rank.
    pub rank: &'static str,
    /// What is made large: one goal, or several between which the front is explored.
    pub goals: &'static [TuneGoal],
    /// What must not be negative.
    pub constraints: &'static [TuneGoal],
    /// How points are chosen.
    pub method: Method,
    /// What is tuned.
    pub params: &'static [TuneParam],
}

/// A weighted sum of metrics of a score.
#[derive(Debug, Clone, Copy)]
pub struct TuneGoal {
    /// As it was written.
    pub text: &'static str,
    /// Factors, metrics, and the places of the tasks whose labels they are about.
    pub terms: &'static [(f64, Metric, usize)],
    /// What is added.
    pub constant: f64,
}

/// A parameter that is tuned.
#[derive(Debug, Clone, Copy)]
pub struct TuneParam {
    /// Its rank.
    pub rank: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its setting.
    pub path: &'static str,
}

/// What may differ from one search to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TuneOptions {
    /// The seed of the search and of the intervals; that of the training where none is given.
    pub seed: Option<u64>,
    /// How points are chosen; as the spec says where none is given.
    pub method: Option<Method>,
    /// Explores the front between the metrics of the goal, where the spec has one goal.
    pub pareto: bool,
    /// Draws of an interval.
    pub draws: usize,
}

impl Default for TuneOptions {
    fn default() -> Self {
        Self { seed: None, method: None, pareto: false, draws: 1000 }
    }
}

/// What tuning found.
#[derive(Debug, Clone)]
pub struct Tuned<C> {
    /// What there is to say of it.
    pub report: TuneReport,
    /// The configuration with the best parameters; none where a front was explored.
    pub config: Option<C>,
}

/// What is known of rows with labels.
pub(crate) struct Rows {
    /// What a score reads of a row is so many numbers.
    pub width: usize,
    /// `[rows, width]` row-major.
    pub values: Vec<f64>,
    pub labels: Vec<Vec<f32>>,
    pub weights: Vec<Option<Vec<f32>>>,
    pub groups: Option<Vec<u64>>,
}

impl Rows {
    fn known(&self) -> Known<'_> {
        Known { labels: &self.labels, weights: &self.weights, groups: self.groups.as_deref() }
    }

    fn scores<C>(&self, rank: &Rank<C>, config: &C) -> Vec<f32> {
        self.values.chunks_exact(self.width).map(|row| (rank.score)(config, row) as f32).collect()
    }
}

/// Searches the parameters of the score that the spec's `tune` block names, on validation rows; `test` rows only judge what was
/// found. `progress` is told how many of how many points were evaluated.
pub fn tune<M: Model>(
    predictor: &Predictor<M>,
    validation: &Table,
    test: Option<&Table>,
    options: &TuneOptions,
    progress: impl FnMut(usize, usize),
) -> Result<Tuned<M::Config>> {
    let tune =
        M::tune().ok_or_else(|| Error::config("the spec has no `tune` block: write `tune { maximize: ... }`"))?;
    if validation.rows() == 0 {
        return Err(Error::data("there are no validation rows to tune on"));
    }
    let rank = M::ranks().iter().find(|rank| rank.name == tune.rank).expect("`tune` names a rank of the spec");
    if let Some(learned) = unfitted::<M>(rank.name, predictor.config()) {
        return Err(MissingInput::fit(learned).into());
    }
    let tasks: Vec<String> = predictor.schema().tasks.iter().map(|task| task.name.clone()).collect();
    let written = |goals: &[TuneGoal]| goals.iter().map(TuneGoal::owned).collect::<Vec<Goal>>();
    let constraints = written(tune.constraints);
    let mut goals = written(tune.goals);
    if options.pareto && goals.len() == 1 {
        goals = goals[0]
            .terms
            .iter()
            .map(|(factor, metric, task)| single(factor.signum(), *metric, *task, &tasks))
            .collect();
        if !(2..=3).contains(&goals.len()) {
            let message =
                format!("a front is between two or three metrics, and `{}` has {}", tune.goals[0].text, goals.len());
            return Err(Error::config(message));
        }
    }
    let search: Search<'_, M> = Search {
        config: predictor.config(),
        rank,
        goals,
        constraints,
        params: tune.params,
        intervals: intervals::<M>(tune.params, predictor.config())?,
        validation: predictor.rows(validation, rank)?,
        model: std::marker::PhantomData,
    };
    let test = test.filter(|table| table.rows() > 0).map(|table| predictor.rows(table, rank)).transpose()?;
    let seed = options.seed.unwrap_or(<M as Model>::train(predictor.config()).seed);
    let method = options.method.unwrap_or(tune.method);
    let start = Instant::now();
    let found = search.run(method, seed, progress)?;
    let seconds = start.elapsed().as_secs_f64();
    search.report(&found, test.as_ref(), &tasks, Way { method, seed, seconds, draws: options.draws })
}

impl TuneGoal {
    fn owned(&self) -> Goal {
        Goal { text: self.text.to_owned(), terms: self.terms.to_vec(), constant: self.constant }
    }
}

/// One metric as a goal.
fn single(factor: f64, metric: Metric, task: usize, tasks: &[String]) -> Goal {
    let name = metric.to_string();
    let sign = if factor < 0.0 { "-" } else { "" };
    let text = match name.split_once('@') {
        Some((name, k)) => format!("{sign}{name}({}, k: {k})", tasks[task]),
        None => format!("{sign}{name}({})", tasks[task]),
    };
    Goal { text, terms: vec![(factor, metric, task)], constant: 0.0 }
}

/// The parameters as they are, with their ranges.
fn intervals<M: Model>(params: &[TuneParam], config: &M::Config) -> Result<Vec<RankParam>> {
    let interval = |param: &TuneParam| {
        let rank = M::ranks().iter().find(|rank| rank.name == param.rank)?;
        (rank.params)(config).into_iter().find(|other| other.name == param.name)
    };
    let found: Option<Vec<RankParam>> = params.iter().map(interval).collect();
    found.ok_or_else(|| Error::config("`tune` names a parameter that no rank has"))
}

/// How a search went.
struct Way {
    method: Method,
    seed: u64,
    seconds: f64,
    draws: usize,
}

struct Search<'a, M: Model> {
    config: &'a M::Config,
    rank: &'static Rank<M::Config>,
    goals: Vec<Goal>,
    constraints: Vec<Goal>,
    params: &'static [TuneParam],
    /// Of the parameters, in their order.
    intervals: Vec<RankParam>,
    validation: Rows,
    model: std::marker::PhantomData<fn() -> M>,
}

impl<M: Model> Search<'_, M> {
    fn run(&self, method: Method, seed: u64, mut progress: impl FnMut(usize, usize)) -> Result<Found> {
        let variable = |param: &RankParam| Variable { low: param.low, high: param.high, start: param.value };
        let space = Space::new(self.intervals.iter().map(variable).collect())?;
        let all = method.evaluations(space.len());
        const MOST: usize = 20_000_000;
        if all > MOST {
            let message = format!("a search of {} parameters would evaluate {all} points: at most {MOST}", space.len());
            return Err(Error::config(message));
        }
        search::search(&space, method, seed, |point| self.value(point), |done| progress(done, all))
    }

    /// The parameters of a point, with as many digits as a person reads. The point where the search begins stays as it is.
    fn rounded(&self, point: &[f64]) -> Vec<f64> {
        let round = |(x, param): (&f64, &RankParam)| {
            let rounded: f64 = if *x == param.value { *x } else { format!("{x:.5e}").parse().unwrap_or(*x) };
            rounded.clamp(param.low, param.high)
        };
        point.iter().zip(&self.intervals).map(round).collect()
    }

    /// The configuration at a point.
    fn at(&self, point: &[f64]) -> Result<M::Config> {
        set_numbers(self.config, self.params.iter().map(|param| param.path).zip(self.rounded(point)))
    }

    fn value(&self, point: &[f64]) -> Result<Value> {
        let config = self.at(point)?;
        let mut violation = 0.0;
        for expectation in M::expectations().iter().filter(|expectation| !(expectation.holds)(&config)) {
            let (left, right) = (expectation.sides)(&config);
            let missed = (left - right).abs() / (1.0 + left.abs() + right.abs());
            // Sides that are equal where they must differ miss it too.
            violation += if missed.is_finite() { missed.max(1e-9) } else { 1.0 };
        }
        let scores = self.validation.scores(self.rank, &config);
        let known = self.validation.known();
        for constraint in &self.constraints {
            let value = known.value(constraint, &scores)?.ok_or_else(|| undefined(constraint))?;
            violation += (-value).max(0.0);
        }
        let goal = |goal: &Goal| known.value(goal, &scores)?.ok_or_else(|| undefined(goal));
        Ok(Value { objectives: self.goals.iter().map(goal).collect::<Result<_>>()?, violation })
    }

    fn report(
        &self,
        found: &Found,
        test: Option<&Rows>,
        tasks: &[String],
        Way { method, seed, seconds, draws }: Way,
    ) -> Result<Tuned<M::Config>> {
        let front = self.goals.len() > 1;
        let best = (!front).then_some(&found.best);
        let config = best.map(|best| self.at(&best.point)).transpose()?;
        let tuned = best.map(|best| self.rounded(&best.point));
        let params = self.params.iter().zip(&self.intervals).enumerate().map(|(at, (param, interval))| {
            let RankParam { value: before, low, high, .. } = *interval;
            (param.path, TunedParam { before, tuned: tuned.as_ref().map(|point| point[at]), low, high })
        });
        let mut split = Named::default();
        let bootstrap = Bootstrap::new(draws, seed);
        for (name, rows) in [("validation", Some(&self.validation)), ("test", test)] {
            if let Some(rows) = rows {
                split.set(name, self.compared(rows, config.as_ref(), tasks, &bootstrap)?);
            }
        }
        let mut points = Vec::new();
        for candidate in found.front.iter().filter(|_| front) {
            points.push(self.front_point(candidate, test)?);
        }
        let hypervolume = front.then(|| {
            let objectives: Vec<Vec<f64>> = found.front.iter().map(|point| point.value.objectives.clone()).collect();
            hypervolume(&objectives, &found.start.value.objectives)
        });
        let report = TuneReport {
            model: M::NAME.to_owned(),
            rank: self.rank.name.to_owned(),
            method: match method {
                Method::CmaEs { .. } => "cma_es",
                Method::Random { .. } => "random",
                Method::Grid { .. } => "grid",
            }
            .to_owned(),
            seed,
            evaluations: found.evaluations,
            goals: self.goals.iter().map(|goal| goal.text.clone()).collect(),
            params: params.collect(),
            split,
            broken: match (&config, front && found.front.is_empty()) {
                (Some(config), _) => self.broken(config)?,
                (None, true) => self.broken(&self.at(&found.best.point)?)?,
                (None, false) => Vec::new(),
            },
            front: points,
            hypervolume,
            seconds,
        };
        Ok(Tuned { report, config })
    }

    fn front_point(&self, candidate: &Candidate, test: Option<&Rows>) -> Result<TunedPoint> {
        let params = self.params.iter().map(|param| param.path).zip(self.rounded(&candidate.point)).collect();
        let mut on_test = Vec::new();
        if let Some(rows) = test {
            let scores = rows.scores(self.rank, &self.at(&candidate.point)?);
            for goal in &self.goals {
                on_test.extend(rows.known().value(goal, &scores)?);
            }
            // All goals, or none where one is undefined.
            on_test.truncate(if on_test.len() == self.goals.len() { on_test.len() } else { 0 });
        }
        Ok(TunedPoint { params, validation: candidate.value.objectives.clone(), test: on_test })
    }

    /// Goals, constraints and their metrics on rows, before and after.
    fn compared(
        &self,
        rows: &Rows,
        tuned: Option<&M::Config>,
        tasks: &[String],
        bootstrap: &Bootstrap,
    ) -> Result<Named<Compared>> {
        let known = rows.known();
        let before = rows.scores(self.rank, self.config);
        let after = tuned.map(|config| rows.scores(self.rank, config));
        let metrics = self.goals.iter().chain(&self.constraints).flat_map(|goal| &goal.terms);
        let metrics = metrics.map(|(_, metric, task)| single(1.0, *metric, *task, tasks));
        let mut all: Vec<Goal> = Vec::new();
        for goal in self.goals.iter().cloned().chain(metrics) {
            if !all.iter().any(|other| other.text == goal.text) {
                all.push(goal);
            }
        }
        let mut compared = Named::default();
        for goal in all {
            let value = Compared {
                before: known.value(&goal, &before)?,
                tuned: after.as_ref().map(|scores| known.value(&goal, scores)).transpose()?.flatten(),
                difference: match &after {
                    Some(scores) => known.difference(&goal, scores, &before, bootstrap)?,
                    None => None,
                },
            };
            compared.set(goal.text, value);
        }
        Ok(compared)
    }

    /// The constraints and expectations that a configuration breaks.
    fn broken(&self, config: &M::Config) -> Result<Vec<String>> {
        let expectations = M::expectations().iter().filter(|expectation| !(expectation.holds)(config));
        let mut broken: Vec<String> = expectations.map(|expectation| format!("expect {}", expectation.text)).collect();
        let scores = self.validation.scores(self.rank, config);
        for constraint in &self.constraints {
            if self.validation.known().value(constraint, &scores)?.is_none_or(|value| value < 0.0) {
                broken.push(constraint.text.clone());
            }
        }
        Ok(broken)
    }
}

fn undefined(goal: &Goal) -> Error {
    let message = format!("`{}` is undefined on the validation rows", goal.text);
    Error::data(format!("{message}: a task has labels of one kind only, in all rows or in every group"))
}
