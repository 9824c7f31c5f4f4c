//! Stages of training: which parts a step moves, whose step it is, and when the next stage begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use mtl_data::schema::Feature;

use super::progress::Progress;
use super::run::Run;
use super::turns::{Plan, Turn};
use crate::config::{RowOptimizerConfig, StageConfig, StageTasks, TrainConfig, nearest};
use crate::error::{Error, Result};
use crate::model::{Model, Part};
use crate::optim::Paces;

/// Refuses stages that the model cannot have.
pub(super) fn check<M: Model>(config: &M::Config) -> Result<()> {
    let stages = &<M as Model>::train(config).stages;
    if stages.is_empty() {
        return Ok(());
    }
    if M::subnet(config).is_some() {
        return Err(Error::config("train.stages: a model with `subnet` trains in stages of its own; set train.epochs"));
    }
    if M::parts().is_empty() {
        return Err(Error::config("train.stages: this program knows no parts; write `stages` in its spec"));
    }
    let schema = M::schema(config);
    let tasks: Vec<&str> = schema.tasks.iter().map(|task| task.name.as_str()).collect();
    for (at, stage) in stages.iter().enumerate() {
        let refused = |what: String| Err(Error::config(format!("train.stages.{at}: {what}")));
        if let StageTasks::Only(only) = &stage.tasks {
            if only.is_empty() {
                return refused("it trains no task".into());
            }
            if let Some(unknown) = only.iter().find(|task| !tasks.contains(&task.as_str())) {
                return refused(format!("there is no task `{unknown}`; there are {}", tasks.join(", ")));
            }
        }
        if stage.tasks != StageTasks::Joint {
            if M::method(config).is_some() {
                return refused("the weighting balances the tasks of one step, and it trains some of them".into());
            }
            if !M::terms(config).is_empty() {
                return refused("a term of the loss is about two tasks, and it trains some of them".into());
            }
            let moments = matches!(
                <M as Model>::train(config).embeddings,
                RowOptimizerConfig::Adam { .. } | RowOptimizerConfig::LazyAdam { .. }
            );
            let own = |feature: &&Feature| !feature.own.is_empty() || !feature.wide.is_empty();
            if let Some(feature) = schema.features.iter().filter(|_| moments).find(own) {
                let name = &feature.name;
                return refused(format!(
                    "a row of `{name}` holds values of each task, and momentum would move those of the others"
                ));
            }
        }
        if let Some(problem) = problem(M::parts(), stage) {
            return refused(problem);
        }
    }
    Ok(())
}

/// What is wrong with the names of a stage.
fn problem(parts: &[Part], stage: &StageConfig) -> Option<String> {
    let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
    let lists: [Vec<&String>; 3] =
        [stage.freeze.iter().collect(), stage.train.iter().collect(), stage.lr.keys().collect()];
    for list in &lists {
        for (at, name) in list.iter().enumerate() {
            let Some(part) = find(parts, name) else {
                let near = nearest(name, &names).map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
                return Some(format!("there is no part `{name}` that is trained{near}"));
            };
            if let Some(other) =
                list[..at].iter().find(|other| find(parts, other).is_some_and(|other| meet(part, other)))
            {
                return Some(format!("`{name}` and `{other}` hold the same"));
            }
        }
    }
    let (network, tables) = factors(parts, &StageConfig { lr: BTreeMap::new(), ..stage.clone() });
    let still = |part: &Part| {
        let shares =
            part.shares.iter().any(|(block, at, _)| network.get(*block).is_some_and(|of_block| of_block[*at] == 0.0));
        shares || part.tables.iter().any(|table| tables.get(*table) == Some(&0.0))
    };
    if let Some(name) = stage.lr.keys().find(|name| find(parts, name).is_some_and(still)) {
        return Some(format!("`{name}` stands still, whatever its learning rate"));
    }
    let trained = |part: &Part| match &stage.tasks {
        StageTasks::Only(tasks) => !is_tower(part) || tasks.iter().any(|task| task == part.name),
        _ => true,
    };
    let moves = |part: &&Part| part.name != "each" && trained(part) && !still(part);
    (!parts.iter().any(|part| moves(&part))).then(|| "nothing moves in it".to_owned())
}

/// Whether a part is a task's tower.
fn is_tower(part: &Part) -> bool {
    part.shares.iter().any(|(block, ..)| block.starts_with("tower_"))
}

fn find<'p>(parts: &'p [Part], name: &str) -> Option<&'p Part> {
    parts.iter().find(|part| part.name == name)
}

/// Whether two parts hold something in common.
fn meet(a: &Part, b: &Part) -> bool {
    a.shares.iter().any(|share| b.shares.contains(share)) || a.tables.iter().any(|table| b.tables.contains(table))
}

/// The factors on the learning rates of blocks and tables that a stage names.
fn factors(parts: &[Part], stage: &StageConfig) -> (Paces, BTreeMap<String, f64>) {
    let (mut network, mut tables) = (Paces::new(), BTreeMap::new());
    let mut set = |part: &Part, factor: f64| {
        for (block, at, of) in part.shares {
            network.entry((*block).to_owned()).or_insert_with(|| vec![1.0; *of])[*at] = factor;
        }
        tables.extend(part.tables.iter().map(|table| ((*table).to_owned(), factor)));
    };
    let named = |names: &[String]| names.iter().filter_map(|name| find(parts, name)).collect::<Vec<_>>();
    if !stage.train.is_empty() {
        parts.iter().for_each(|part| set(part, 0.0));
        named(&stage.train).into_iter().for_each(|part| set(part, 1.0));
    }
    named(&stage.freeze).into_iter().for_each(|part| set(part, 0.0));
    for (name, factor) in &stage.lr {
        named(std::slice::from_ref(name)).into_iter().for_each(|part| set(part, *factor));
    }
    (network, tables)
}

impl Plan {
    /// The turns of the epochs of a stage.
    fn of_stage(parts: &[Part], tasks: &[String], stage: &StageConfig, network: Paces) -> Self {
        let turn = |own: Vec<usize>| {
            let mut paces = network.clone();
            let others = tasks.iter().enumerate().filter(|(task, _)| !own.contains(task));
            for (block, at, of) in others.filter_map(|(_, name)| find(parts, name)).flat_map(|part| part.shares) {
                paces.entry((*block).to_owned()).or_insert_with(|| vec![1.0; *of])[*at] = 0.0;
            }
            Turn { tasks: Some(own), paces: Arc::new(paces), ..Turn::all() }
        };
        match &stage.tasks {
            StageTasks::Joint => Self::together(Turn { paces: Arc::new(network), ..Turn::all() }),
            StageTasks::Alternate => Self::in_turn((0..tasks.len()).map(|task| turn(vec![task])).collect()),
            StageTasks::Only(only) => {
                let own = (0..tasks.len()).filter(|task| only.contains(&tasks[*task])).collect();
                Self::together(turn(own))
            }
        }
    }
}

impl<M: Model> Run<M> {
    /// The stage under way.
    pub(super) fn stage(&self) -> Option<&StageConfig> {
        <M as Model>::train(&self.config).stages.get(self.progress.stage)
    }

    /// Sets what the stage under way moves, and gives its turns. The tables are settled, or the run was in this stage.
    pub(crate) fn enter_stage(&mut self) -> Option<Plan> {
        let stage = self.stage()?.clone();
        let tasks: Vec<String> = self.schema.tasks.iter().map(|task| task.name.clone()).collect();
        let (network, tables) = factors(M::parts(), &stage);
        self.embeddings.set_paces(&tables);
        Some(Plan::of_stage(M::parts(), &tasks, &stage, network))
    }
}

impl Progress {
    /// Whether every epoch is done.
    pub fn finished(&self, train: &TrainConfig) -> bool {
        let in_stage = self.epoch - self.stage_began.min(self.epoch);
        let over = match train.stages.last() {
            Some(last) => self.stage + 1 >= train.stages.len() && in_stage >= last.epochs,
            None => self.epoch >= train.epochs,
        };
        self.stopped_early || over
    }

    /// What an epoch's end brings: the next stage, where the present one's epochs are done or its patience is over; behind the last, an
    /// early end.
    pub fn advance(&mut self, train: &TrainConfig, waited: bool) {
        let Some(stage) = train.stages.get(self.stage) else {
            self.stopped_early = waited;
            return;
        };
        let done = self.epoch - self.stage_began >= stage.epochs;
        if self.stage + 1 < train.stages.len() {
            if done || waited {
                (self.stage, self.stage_began) = (self.stage + 1, self.epoch);
            }
        } else {
            self.stopped_early = waited;
        }
    }
}
