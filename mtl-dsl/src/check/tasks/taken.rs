//! Names that generated code makes of the names of tasks: no task is called like one of them, and no two of them are one.

use std::collections::BTreeMap;

use crate::check::Sink;
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Task, TaskKind, conditional_name};
use crate::resolve::Names;

/// Reports tasks that must have another name.
pub(super) fn check(names: &Names<'_>, tasks: &[Option<Task>], sink: &mut Sink) {
    // What a prediction is called beside the task's own name, and whose it is.
    let mut predictions: BTreeMap<String, &Task> = BTreeMap::new();
    for task in tasks.iter().flatten() {
        sink.extend(levels_problem(names, task).into_iter().chain(further_problem(names, task)));
        for (name, what) in further_predictions(names, task) {
            let problem = match (names.task(&name), predictions.get(&name)) {
                (Some(taken), _) => {
                    let taken = &names.tasks[taken].name;
                    diagnostic!(
                        ReservedName, taken.span, "`{name}` is {what}";
                        label(task.name.span): "declared here"; help: "choose another name"
                    )
                }
                (None, Some(first)) => diagnostic!(
                    ReservedName, task.name.span, "`{name}` would be {what}, and is a prediction of `{}`", first.name.text;
                    label(first.name.span): "declared here"; help: "choose another name"
                ),
                (None, None) => {
                    predictions.insert(name, task);
                    continue;
                }
            };
            sink.push(problem);
            break;
        }
    }
}

/// The names of a task's predictions beside its own, and what they are: the classes, the conditional probability.
fn further_predictions(names: &Names<'_>, task: &Task) -> Vec<(String, String)> {
    let own = &task.name.text;
    if let TaskKind::Multiclass { .. } = task.kind {
        let what = format!("the probability of a class of `{own}`");
        return (0..task.numbers()).map(|class| (format!("{own}_{class}"), what.clone())).collect();
    }
    let given = task.given.map(|given| &names.tasks[given.0].name.text);
    let conditional =
        |given: &String| (conditional_name(own, given), format!("the probability of `{own}` given `{given}`"));
    given.map(conditional).into_iter().collect()
}

/// A task whose tower would have the name of an ordinal task's steps.
fn levels_problem(names: &Names<'_>, task: &Task) -> Option<Diagnostic> {
    let TaskKind::Ordinal { .. } = task.kind else { return None };
    let taken = &names.tasks[names.task(&format!("{}_levels", task.name.text))?].name;
    Some(diagnostic!(
        ReservedName, taken.span, "`tower_{}` holds the levels of `{}`", taken.text, task.name.text;
        label(task.name.span): "declared here"; help: "choose another name"
    ))
}

/// A task whose tower would have the name of another's further tower.
fn further_problem(names: &Names<'_>, task: &Task) -> Option<Diagnostic> {
    let mut further = task.further_towers().iter();
    let taken = further.find_map(|part| names.task(&format!("{}_{part}", task.name.text)))?;
    let taken = &names.tasks[taken].name;
    Some(diagnostic!(
        ReservedName, taken.span, "`tower_{}` is a further tower of `{}`", taken.text, task.name.text;
        label(task.name.span): "declared here"; help: "choose another name"
    ))
}
