//! Towers: every task has exactly one.

use super::Sink;
use super::dataflow::Dataflow;
use crate::diagnostic::diagnostic;
use crate::hir::{Feature, Let, TaskId, Tower};
use crate::resolve::Names;
use crate::source::Span;
use crate::suggest::did_you_mean;

/// The tower lines in order; none when one is wrong or missing.
pub(super) fn check(
    names: &Names<'_>,
    features: &[Option<Feature>],
    lets: &[Option<Let>],
    sink: &mut Sink,
) -> Option<Vec<Tower>> {
    let dataflow = Dataflow { names, features, lets };
    // The first line of each task, and that of `each`.
    let mut own: Vec<Option<Span>> = vec![None; names.tasks.len()];
    let mut each: Option<Span> = None;
    let mut lines = Vec::new();
    for tower in &names.towers {
        let value = dataflow.expr(&tower.value, sink);
        let name = &tower.name;
        let task = names.task(&name.text);
        let first = match (name.text.as_str(), task) {
            ("each", _) => &mut each,
            (_, Some(task)) => &mut own[task],
            (_, None) => {
                let help = did_you_mean(&name.text, "tasks", names.task_names());
                sink.push(diagnostic!(UnknownTask, name.span, "no task named `{}`", name.text; help: "{help}; `each` stands for all of them"));
                continue;
            }
        };
        match first {
            Some(first) => sink.push(diagnostic!(
                DuplicateTower, name.span, "a second tower for `{}`", name.text; label(*first): "the first is here"
            )),
            None => {
                *first = Some(name.span);
                lines.push((tower, task.map(TaskId), value));
            }
        }
    }
    if each.is_none() {
        for (task, _) in names.tasks.iter().zip(&own).filter(|(_, own)| own.is_none()) {
            let name = &task.name;
            sink.push(diagnostic!(
                MissingTower, name.span, "`{}` has no tower", name.text;
                help: "write `tower {} = ...;`, or `tower each = ...;` for every task without one", name.text
            ));
        }
    }
    let rest: Vec<TaskId> = (0..own.len()).filter(|task| own[*task].is_none()).map(TaskId).collect();
    if let (Some(span), true) = (each, rest.is_empty() && !names.tasks.is_empty()) {
        sink.push(diagnostic!(
            UnusedTower, span, "every task has a tower of its own, so `each` stands for none"; help: "remove this line"
        ));
    }
    let lines = lines.into_iter().map(|(tower, task, value)| {
        let tasks = task.map_or_else(|| rest.clone(), |task| vec![task]);
        Some(Tower { tasks, each: task.is_none(), value: value?, span: tower.span })
    });
    let towers: Vec<Tower> = lines.collect::<Option<_>>()?;
    Some(towers.into_iter().filter(|tower| !tower.tasks.is_empty()).collect())
}
