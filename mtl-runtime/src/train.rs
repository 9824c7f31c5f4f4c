//! Training: epochs over shuffled batches, validation after each, the best epoch kept, everything saved.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use mtl_data::{Batches, Dataset, Order, Table};
use mtl_eval::fusion::Fusion;

use crate::checkpoint;
use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::evaluate::{Scored, Subjects, measure, score};
use crate::model::Model;
use crate::predict::Predictor;
use crate::report::{Named, Report, SplitMetrics};
use crate::scores::{Calibrators, Fusions, check_rows};

mod balanced;
mod best;
mod check;
mod display;
pub(crate) mod progress;
mod representation;
mod resume;
pub(crate) mod run;
mod search;
mod stages;
pub(crate) mod teacher;
pub(crate) mod turns;

pub use check::check;
pub(crate) use check::scores;

use display::Display;
use run::Run;
use teacher::Teaches;
use turns::Plan;

/// The rows of a model's life.
#[derive(Debug, Clone, Default)]
pub struct Splits {
    /// Trained on. Vocabularies and scalings come from these rows alone.
    pub train: Table,
    /// Measured on after each epoch, to pick the best one. Without rows the last epoch is kept.
    pub validation: Table,
    /// Measured on once, at the end.
    pub test: Option<Table>,
}

/// A training run to be.
///
/// ```ignore
/// let trained = Trainer::<Feed>::new(FeedConfig::new(), splits).checkpoint("feed.mtl.safetensors").fit()?;
/// println!("{}", trained.report.split.get("test").unwrap().table());
/// let predictions = trained.predictor.predict(&table)?;
/// ```
pub struct Trainer<'t, M: Model> {
    config: M::Config,
    splits: Splits,
    teacher: Option<&'t dyn Teaches>,
    checkpoint: Option<PathBuf>,
    resume: bool,
    stop_after: Option<u64>,
    verbose: bool,
    model: PhantomData<M>,
}

/// What training gives.
pub struct Trained<M: Model> {
    /// The model with the weights of its best epoch.
    pub predictor: Predictor<M>,
    /// Its metrics and its history.
    pub report: Report,
    /// Whether [`Trainer::stop_after`] ended training before its time.
    pub stopped: bool,
}

impl<'t, M: Model> Trainer<'t, M> {
    /// A run on these rows.
    pub fn new(mut config: M::Config, splits: Splits) -> Self {
        M::learned().iter().for_each(|learned| (learned.set)(&mut config, Fusion::default()));
        Self {
            config,
            splits,
            teacher: None,
            checkpoint: None,
            resume: false,
            stop_after: None,
            verbose: false,
            model: PhantomData,
        }
    }

    /// The saved model that teaches the tasks of `distill { teacher: [...] }`. A resumed run has the same one.
    pub fn teacher<T: Model>(self, teacher: &'t Predictor<T>) -> Self {
        self.taught_by(teacher)
    }

    pub(crate) fn taught_by(mut self, teacher: &'t dyn Teaches) -> Self {
        self.teacher = Some(teacher);
        self
    }

    /// Saves the run to this file after every epoch.
    pub fn checkpoint(mut self, path: impl AsRef<Path>) -> Self {
        self.checkpoint = Some(path.as_ref().to_owned());
        self
    }

    /// Goes on where the file of [`checkpoint`](Self::checkpoint) ends, to the same result as without the interruption. The
    /// configuration must be that of the file, but for `train.epochs` (with stages, those of the last one) and
    /// `train.patience`.
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Saves and stops after so many steps in all, maybe in the middle of an epoch.
    pub fn stop_after(mut self, steps: Option<u64>) -> Self {
        self.stop_after = steps;
        self
    }

    /// Shows progress and metrics while training.
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.verbose = verbose;
        self
    }

    /// Trains.
    pub fn fit(self) -> Result<Trained<M>> {
        check::check::<M>(&self.config)?;
        check::target(self.checkpoint.as_deref(), self.resume)?;
        let mut seconds = Named::default();
        let start = Instant::now();
        let schema = M::schema(&self.config);
        let display = Display::new(self.verbose, <M as Model>::train(&self.config).all_epochs());
        let lecture = self.listen(&schema, &display)?;
        if lecture.is_some() {
            seconds.set("teacher", start.elapsed().as_secs_f64());
        }
        let start = Instant::now();
        let mut run = self.begin(&schema)?;
        run.attend(lecture, self.checkpoint.as_deref())?;
        if let Some(steps) = self.stop_after.filter(|steps| *steps <= run.progress.step) {
            let done = run.progress.step;
            return Err(Error::config(format!("training is to stop after {steps} steps in all, and {done} are done")));
        }
        let train = Arc::new(run.encoder.encode(&self.splits.train)?);
        run.go_on_with(&train, self.checkpoint.as_deref())?;
        let some = |table: &Table| (table.rows() > 0).then(|| run.encoder.encode(table).map(Arc::new)).transpose();
        let validation = some(&self.splits.validation)?;
        let test = self.splits.test.as_ref().map(some).transpose()?.flatten();
        let Self { checkpoint, stop_after, .. } = self;
        check::labels(&schema, &train)?;
        check::validation(<M as Model>::train(&run.config), &schema, validation.as_deref())?;
        check::calibrations::<M>(&run.config, &schema, validation.as_deref())?;
        check_rows::<M>(&schema, validation.as_deref())?;
        seconds.set("encode", start.elapsed().as_secs_f64());
        display.warnings("training", &train.warnings);
        let splits = [("training", Some(&train)), ("validation", validation.as_ref()), ("test", test.as_ref())];
        let splits = || splits.iter().filter_map(|(split, rows)| Some((*split, (*rows)?)));
        let rows: Named<usize> = splits().map(|(split, data)| (split, data.rows)).collect();
        let of = |split: &str, data: &Dataset| {
            data.warnings.iter().map(|warning| format!("{split} rows: {warning}")).collect::<Vec<_>>()
        };
        let warnings = splits().flat_map(|(split, data)| of(split, data)).collect();
        let mut session = Session {
            run,
            train,
            validation,
            checkpoint,
            stop_after,
            display,
            evaluating: 0.0,
            saving: 0.0,
            searching: 0.0,
            calibrators: Calibrators::default(),
            fusions: Fusions::default(),
        };
        let stopped = session.search()? || session.epochs()?;
        let Session { mut run, validation, evaluating, saving, searching, checkpoint: session_file, .. } = session;
        let trained: f64 =
            run.progress.history.iter().map(|epoch| epoch.seconds).sum::<f64>() + run.progress.under_way.seconds;
        let trained_rows = run.progress.history.len() * run.rows + run.progress.under_way.rows;
        let mut split = Named::default();
        let best = run.progress.best.map_or(run.progress.epoch, |(epoch, _)| epoch);
        if let Some(metrics) = run.progress.history.get(best.wrapping_sub(1)).and_then(|epoch| epoch.validation.clone())
        {
            split.set("validation", metrics);
        }
        let best_epochs = best::report(&run, session_file.as_deref());
        let epochs = run.progress.history.clone();
        if run.best.is_none() {
            run.embeddings.settle();
        }
        let predictor = Predictor::of(run)?;
        if !stopped {
            check::scores::<M>(predictor.config())?;
        }
        let start = Instant::now();
        let mut pictures = Named::default();
        if let Some(test) = &test {
            let (metrics, drawn) = predictor.measure(test)?;
            split.set("test", metrics);
            pictures.set("test", drawn);
        } else if let Some(validation) = &validation {
            pictures.set("validation", predictor.measure(validation)?.1);
        }
        if searching > 0.0 {
            seconds.set("search", searching);
        }
        seconds.set("train", trained);
        seconds.set("evaluate", evaluating + start.elapsed().as_secs_f64());
        seconds.set("save", saving);
        let report = Report {
            split,
            rows_per_second: (trained > 0.0).then(|| trained_rows as f64 / trained),
            best_epoch: (best > 0).then_some(best),
            best_epochs,
            seconds,
            epochs,
            rows,
            pictures,
            warnings,
            ..predictor.report()
        };
        Ok(Trained { predictor, report, stopped })
    }
}

/// A run, its data and what it tells.
struct Session<M: Model> {
    run: Run<M>,
    train: Arc<Dataset>,
    validation: Option<Arc<Dataset>>,
    checkpoint: Option<PathBuf>,
    stop_after: Option<u64>,
    display: Display,
    evaluating: f64,
    saving: f64,
    searching: f64,
    calibrators: Calibrators,
    fusions: Fusions,
}

impl<M: Model> Session<M> {
    fn config(&self) -> &TrainConfig {
        <M as Model>::train(&self.run.config)
    }

    /// Every epoch that is left. True if it stopped before its time.
    fn epochs(&mut self) -> Result<bool> {
        let subnet = M::subnet(&self.run.config);
        while !self.finished() {
            let plan = self.run.enter_stage().unwrap_or_else(|| Plan::of(&self.run, subnet.as_ref(), None));
            self.name_stage();
            if !self.epoch(&plan, self.run.progress.searched + self.run.progress.epoch)? {
                self.save()?;
                return Ok(true);
            }
            self.run.embeddings.settle();
            let mut epoch = self.run.end_epoch();
            let (mut waited, mut better) = (false, Vec::new());
            if let Some(validation) = self.validation.clone() {
                let split = self.validate(&validation)?;
                let (progress, train) = (&self.run.progress, self.config());
                waited = progress
                    .best
                    .is_some_and(|(best, _)| best::over(train, progress.epoch, best.max(progress.stage_began)));
                better = self.best_of_tasks(&split)?;
                epoch.validation = Some(split);
            }
            self.display.epoch(&epoch, self.run.progress.best.map(|(best, _)| best));
            self.run.progress.history.push(epoch);
            let train = self.config().clone();
            self.run.progress.advance(&train, waited);
            self.save_of_tasks(&better)?;
            self.save()?;
            if self.told_to_stop() {
                return Ok(!self.finished());
            }
        }
        Ok(false)
    }

    fn finished(&self) -> bool {
        self.run.progress.finished(self.config())
    }

    fn told_to_stop(&self) -> bool {
        self.stop_after.is_some_and(|steps| self.run.progress.step >= steps)
    }

    /// One epoch, or the rest of it, in the order of its number. False if it was told to stop before its end.
    fn epoch(&mut self, plan: &Plan, number: usize) -> Result<bool> {
        let (size, seed) = (self.config().batch, self.config().seed);
        let (start, before) = (Instant::now(), self.run.progress.under_way.seconds);
        let epoch = number as u64;
        let order = if self.run.schema.compares_rows() {
            Order::Grouped { seed, epoch }
        } else {
            Order::Shuffled { seed, epoch }
        };
        let batches = Batches::starting_at(self.train.clone(), size, order, self.run.progress.batch)?;
        self.display.begin(self.train.rows);
        for batch in batches {
            for turn in plan.on(self.run.progress.batch, number) {
                self.run.step(&batch, turn)?;
            }
            self.run.progress.batch += 1;
            self.run.progress.under_way.rows += batch.rows.len();
            self.run.progress.under_way.seconds = before + start.elapsed().as_secs_f64();
            self.display.step(&self.run.progress, &self.run.schema);
            if self.told_to_stop() && self.run.progress.under_way.rows < self.train.rows {
                return Ok(false);
            }
        }
        self.display.end();
        Ok(true)
    }

    /// Measures the epoch that just ended, and keeps its weights if it is the best one.
    fn validate(&mut self, validation: &Arc<Dataset>) -> Result<SplitMetrics> {
        let start = Instant::now();
        let run = &mut self.run;
        let train = <M as Model>::train(&run.config).clone();
        let scored = score(run.network(), &run.embeddings, &run.schema, validation)?;
        let calibrators = Calibrators::fit::<M>(&run.config, &run.schema, &scored.predictions, validation)?;
        let fusions = Fusions::fit::<M>(&run.config, &run.schema, &scored.predictions, validation, &calibrators)?;
        self.display.notes(fusions.notes::<M>());
        let config = fusions.under::<M>(&run.config);
        let subjects = Subjects::of::<M>(&config, &run.schema, validation, &scored, &calibrators)?;
        let split = measure(run.network(), &scored, &subjects, &[])?;
        let value = best::value(&train, &run.schema, &split)?;
        let epoch = run.progress.epoch;
        if best::better(train.best.ascending(), value, run.progress.best.map(|(_, value)| value)) {
            run.progress.best = Some((epoch, value));
            run.best = Some(run.weights());
            run.calibrators = calibrators.clone();
            run.fusions = fusions.clone();
        }
        (self.calibrators, self.fusions) = (calibrators, fusions);
        self.evaluating += start.elapsed().as_secs_f64();
        Ok(split)
    }

    /// Shows what the next epoch is.
    fn name_stage(&mut self) {
        let (progress, train) = (&self.run.progress, self.config());
        let mut name = format!("epoch {}/{}", progress.epoch + 1, train.all_epochs());
        if let Some(stage) = train.stages.get(progress.stage) {
            let of = format!("stage {}/{}", progress.stage + 1, train.stages.len());
            if progress.epoch == progress.stage_began && progress.batch == 0 {
                self.display.begin_stage(&of, stage);
            }
            name = format!("{of}, {name}");
        }
        self.display.stage(name);
    }

    fn save(&mut self) -> Result<()> {
        let Some(path) = &self.checkpoint else { return Ok(()) };
        let start = Instant::now();
        checkpoint::save(path, &self.run)?;
        self.saving += start.elapsed().as_secs_f64();
        Ok(())
    }
}

/// What a run says about the rows of a dataset, and its metrics. The tables are settled.
fn score_of<M: Model>(run: &Run<M>, rows: &Arc<Dataset>) -> Result<(Scored, SplitMetrics)> {
    let scored = score(run.network(), &run.embeddings, &run.schema, rows)?;
    let subjects = Subjects::of::<M>(&run.config, &run.schema, rows, &scored, &Calibrators::default())?;
    let split = measure(run.network(), &scored, &subjects, &[])?;
    Ok((scored, split))
}
