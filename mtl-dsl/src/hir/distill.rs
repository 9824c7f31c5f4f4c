//! Who teaches tasks while training: each other, or a saved model.

use super::{Model, Number, TaskId, TaskKind};
use crate::source::Span;

/// `distill { pairs: [...], teacher: [...] }`, complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Distill {
    /// Pairs of tasks, each of which helps the other.
    pub pairs: Vec<(TaskId, TaskId)>,
    /// Tasks that learn from a saved model.
    pub teacher: Vec<TaskId>,
    /// What logits are divided by before they are compared.
    pub temperature: Number,
    /// The share of the teachers in a task's loss.
    pub weight: Number,
    /// Whether teachers that contradict a label are corrected.
    pub correct: bool,
    /// The logit that a corrected positive has at least and a negative at most.
    pub margin: Number,
    /// Factor of the comparisons that train teachers of pairs.
    pub comparisons: Number,
    /// How many rows of the smaller cell each row of the larger one is compared with.
    pub partners: usize,
    /// Epochs in which the share grows.
    pub warm_up: usize,
    /// Where the block begins.
    pub span: Span,
}

/// A teacher: the task's order, in which rows of one label are ordered by the helper's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lesson {
    /// Who is taught.
    pub task: TaskId,
    /// Whose label decides between rows of one label.
    pub helper: TaskId,
}

/// Which numbers have an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DistillNumbers {
    /// All.
    OfPairs,
    /// Those of a saved model.
    OfTeacher,
    /// Those of a saved model that teaches no probability.
    OfRegressions,
}

impl Distill {
    /// Which of its numbers have an effect.
    pub fn numbers(&self, model: &Model) -> DistillNumbers {
        let binary = |task: &TaskId| matches!(model.tasks[task.0].kind, TaskKind::Binary { .. });
        match self.pairs.is_empty() {
            false => DistillNumbers::OfPairs,
            true if self.teacher.iter().any(binary) => DistillNumbers::OfTeacher,
            true => DistillNumbers::OfRegressions,
        }
    }

    /// The two teachers of each pair.
    pub fn lessons(&self) -> impl Iterator<Item = Lesson> {
        self.pairs.iter().flat_map(|&(a, b)| [(a, b), (b, a)]).map(|(task, helper)| Lesson { task, helper })
    }
}

impl Lesson {
    /// What its tower is called: `tower_click_then_like`.
    pub fn tower(&self, model: &Model) -> String {
        let name = |task: TaskId| &model.tasks[task.0].name.text;
        format!("tower_{}_then_{}", name(self.task), name(self.helper))
    }
}
