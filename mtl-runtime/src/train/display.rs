//! What training shows: a bar while it runs, a table for each epoch; one line for each where nobody watches.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use mtl_data::schema::Schema;

use super::progress::Progress;
use crate::config::StageConfig;
use crate::report::Epoch;
use crate::say;
use crate::subnets::{Round, Subnet};

pub(super) struct Display {
    verbose: bool,
    /// Whether a person watches.
    watched: bool,
    epochs: usize,
    /// What is under way: `epoch 2/3`.
    stage: String,
    bar: Option<ProgressBar>,
    /// The weights that were shown last: those that stay are shown once.
    weights: String,
    /// What was said once is not said again.
    notes: Vec<String>,
}

impl Display {
    pub fn new(verbose: bool, epochs: usize) -> Self {
        Self {
            verbose,
            watched: std::io::stderr().is_terminal(),
            epochs,
            stage: String::new(),
            bar: None,
            weights: String::new(),
            notes: Vec::new(),
        }
    }

    /// What people should know, once.
    pub fn notes(&mut self, notes: Vec<String>) {
        for note in notes.into_iter().filter(|_| self.verbose) {
            if !self.notes.contains(&note) {
                eprintln!("warning: {note}");
                self.notes.push(note);
            }
        }
    }

    pub fn warnings(&self, split: &str, warnings: &[String]) {
        if self.verbose {
            warnings.iter().for_each(|warning| eprintln!("warning: {split} rows: {warning}"));
        }
    }

    /// A saved model predicts the training rows.
    pub fn teacher(&self, name: &str, rows: usize) {
        if self.verbose {
            say!("teacher: {name} predicts {rows} training rows");
        }
    }

    /// A stage of training begins.
    pub fn begin_stage(&self, name: &str, stage: &StageConfig) {
        if self.verbose {
            say!("{name}: {}", stage.describe());
        }
    }

    /// What the next epoch is.
    pub fn stage(&mut self, stage: String) {
        self.stage = stage;
    }

    /// An epoch begins.
    pub fn begin(&mut self, rows: usize) {
        if self.verbose && self.watched {
            let style = "{prefix}  {wide_bar}  {percent:>3}%  {msg}";
            let style = ProgressStyle::with_template(style).expect("the template is well-formed");
            let bar = ProgressBar::new(rows as u64).with_style(style);
            bar.set_prefix(self.stage.clone());
            self.bar = Some(bar);
        }
    }

    /// A step is done.
    pub fn step(&self, progress: &Progress, schema: &Schema) {
        let Some(bar) = &self.bar else { return };
        let sums = &progress.under_way;
        bar.set_position(sums.rows as u64);
        let losses =
            schema.tasks.iter().zip(sums.mean()).filter_map(|(task, loss)| Some(format!("{} {:.4}", task.name, loss?)));
        let losses: Vec<String> = losses.collect();
        bar.set_message(format!("{:.0} rows/s  loss: {}", sums.rows as f64 / sums.seconds, losses.join("  ")));
    }

    /// The epoch's steps are done.
    pub fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// A round of the search for masks is done and measured.
    pub fn round(&self, round: &Round, subnet: &Subnet) {
        if self.verbose {
            let value = round.value.map_or_else(String::new, |value| format!("  {value:.4}"));
            let kept = 100.0 * round.kept;
            say!("masks of {}, round {}/{}: {kept:.1} % kept{value}", round.task, round.round, subnet.rounds);
        }
    }

    /// An epoch is done and measured.
    pub fn epoch(&mut self, epoch: &Epoch, best: Option<usize>) {
        if !self.verbose {
            return;
        }
        let star = if best == Some(epoch.epoch) { "  (best so far)" } else { "" };
        say!("{}{star}", epoch.line(self.epochs));
        let weights = epoch.weight_table().map_or_else(String::new, |table| table.to_string());
        if weights != self.weights && !weights.is_empty() {
            say!("{weights}");
        }
        self.weights = weights;
        for (task, ratio) in epoch.raised.iter() {
            eprintln!(
                "warning: the weighting gives `{task}` {ratio:.0} times the mean weight of the other tasks, as methods that divide by \
                 losses do to a rare label; `cap` or `fixed` bounds it"
            );
        }
        if let Some(log) = epoch.gradients.as_ref().filter(|log| log.fallbacks > 0) {
            say!("in {} steps the weighting had no answer, and weights were equal", log.fallbacks);
        }
        if let Some(split) = epoch.validation.as_ref().filter(|_| self.watched) {
            say!("{}", split.table());
        }
    }
}
