//! The search for the masks of subnetworks: warm-up, then rounds of training, measuring, pruning and rewinding for each task.

use std::sync::Arc;
use std::time::Instant;

use mtl_data::Dataset;

use super::best;
use super::run::Run;
use super::turns::Plan;
use super::{Session, score_of};
use crate::config::BestMetric;
use crate::error::Result;
use crate::evaluate::value_of;
use crate::model::Model;
use crate::parameters::parameters;
use crate::subnets::{Round, Stage, Subnet, kept, masks_of, prune};
use crate::weighting::balance::Balance;

impl<M: Model> Session<M> {
    /// Every epoch of the search that is left. True if it was told to stop before the end of training.
    pub(super) fn search(&mut self) -> Result<bool> {
        let Some(subnet) = M::subnet(&self.run.config) else { return Ok(false) };
        let tasks = self.run.schema.tasks.len();
        while let Some(stage) = subnet.stage(self.run.progress.searched, tasks) {
            let starts = !matches!(stage, Stage::WarmUp);
            if starts && self.run.origin.is_none() {
                self.run.begin_search();
            }
            let epoch = self.run.progress.searched;
            self.display.stage(self.name_of(stage, &subnet));
            let plan = Plan::of(&self.run, Some(&subnet), Some(stage));
            if !self.epoch(&plan, epoch)? {
                self.save()?;
                return Ok(true);
            }
            self.run.embeddings.settle();
            let sums = std::mem::take(&mut self.run.progress.under_way);
            self.searching += sums.seconds;
            if let Stage::Round { task, round, last: true } = stage {
                self.end_round(&subnet, task, round)?;
            }
            self.run.progress.searched += 1;
            self.run.progress.batch = 0;
            self.run.begin_epoch();
            // Epochs report their own weights alone.
            self.run.balance.iter_mut().for_each(Balance::begin_epoch);
            if subnet.stage(self.run.progress.searched, tasks).is_none() {
                self.run.end_search()?;
            }
            self.save()?;
            if self.told_to_stop() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What a person reads while a stage is under way.
    fn name_of(&self, stage: Stage, subnet: &Subnet) -> String {
        match stage {
            Stage::WarmUp => format!("warm-up {}/{}", self.run.progress.searched + 1, subnet.warm_up),
            Stage::Round { task, round, .. } => {
                format!("masks of {}, round {round}/{}", self.run.schema.tasks[task].name, subnet.rounds)
            }
        }
    }

    /// Measures a mask, keeps it if it is the best so far, and prunes the next one from it.
    fn end_round(&mut self, subnet: &Subnet, task: usize, round: usize) -> Result<()> {
        let start = Instant::now();
        let value = self.validation.clone().map(|rows| self.run.measure_task(&rows, task)).transpose()?.flatten();
        self.evaluating += start.elapsed().as_secs_f64();
        let run = &mut self.run;
        let list = parameters(run.network());
        let mut masks = masks_of(subnet, &list, task);
        let share = kept(&[masks.concat()])[0];
        let report = Round {
            task: run.schema.tasks[task].name.clone(),
            round,
            kept: share,
            value: value.map(|(_, value)| value),
        };
        self.display.round(&report, subnet);
        run.progress.rounds.push(report);
        // The whole network is no subnetwork; without validation rows the last mask is taken.
        let last = round == subnet.rounds;
        if round > 0 && (1.0 - share >= subnet.least_pruned - 1e-9 || last) {
            let better =
                value.is_none_or(|(metric, value)| best::better(metric.ascending(), value, run.progress.candidate));
            if better || run.candidate.is_none() {
                run.progress.candidate = value.map(|(_, value)| value);
                run.candidate = Some(masks.clone());
            }
        }
        if last {
            masks = run.candidate.take().unwrap_or(masks);
            run.progress.candidate = None;
        } else {
            let weights: Vec<&[f32]> = subnet
                .layers
                .iter()
                .filter_map(|layer| list.iter().find(|parameter| parameter.path == format!("{layer}.weight")))
                .map(|parameter| parameter.values.as_slice())
                .collect();
            prune(&weights, &mut masks, subnet.share, subnet.scope);
        }
        run.set_masks(subnet, task, &masks)?;
        if subnet.rewind || last {
            run.rewind()?;
        }
        run.forget_steps();
        Ok(())
    }
}

impl<M: Model> Run<M> {
    /// Takes the present values for the start of every round.
    fn begin_search(&mut self) {
        self.embeddings.settle();
        self.origin = Some(self.weights());
        self.forget_steps();
    }

    /// Forgets what only the search needs. The values are those of the start, and the optimisers new.
    fn end_search(&mut self) -> Result<()> {
        self.rewind()?;
        self.forget_steps();
        self.origin = None;
        Ok(())
    }

    /// Goes back to the values of the start; masks stay.
    fn rewind(&mut self) -> Result<()> {
        let Some(origin) = self.origin.clone() else { return Ok(()) };
        let masks = parameters(self.network()).into_iter().filter(|parameter| parameter.path.ends_with(MASKS));
        let masks: Vec<_> = masks.collect();
        self.set_weights(origin)?;
        let mut present = parameters(self.network());
        for mask in masks {
            if let Some(parameter) = present.iter_mut().find(|parameter| parameter.path == mask.path) {
                *parameter = mask;
            }
        }
        let mut values = present.into_iter();
        self.replace_network(|_, _| Ok(values.next().map(|parameter| parameter.values).unwrap_or_default()))
    }

    /// Gives a task these masks, layer by layer.
    fn set_masks(&mut self, subnet: &Subnet, task: usize, masks: &[Vec<bool>]) -> Result<()> {
        let present = parameters(self.network());
        self.replace_network(|path, _| {
            let mut values =
                present.iter().find(|parameter| parameter.path == path).map_or_else(Vec::new, |p| p.values.clone());
            let layer = path.strip_suffix(MASKS).and_then(|layer| subnet.layers.iter().position(|own| *own == layer));
            if let Some(mask) = layer.map(|layer| &masks[layer]) {
                let own = &mut values[task * mask.len()..][..mask.len()];
                own.iter_mut().zip(mask).for_each(|(to, kept)| *to = f32::from(u8::from(*kept)));
            }
            Ok(values)
        })
    }

    /// The task's own value of the metric that picks the best epoch, or its loss where it has no such metric.
    fn measure_task(&self, rows: &Arc<Dataset>, task: usize) -> Result<Option<(BestMetric, f64)>> {
        let train = <M as Model>::train(&self.config);
        let (scored, split) = score_of(self, rows)?;
        let metric = train.best.metric;
        let value = value_of(&split, metric, Some(&self.schema.tasks[task].name), &self.schema);
        let loss = || scored.losses[task].map(|loss| (BestMetric::Loss, loss));
        Ok(match metric {
            BestMetric::Loss => loss(),
            _ => value.map(|value| (metric, value)).or_else(loss),
        })
    }
}

/// What the path of a layer's masks ends in.
const MASKS: &str = ".masks";
