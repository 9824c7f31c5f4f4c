//! The `distill` block.

use super::{Sink, options};
use crate::ast::{Expr, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{Distill, RegressionLoss, Task, TaskId, TaskKind};
use crate::resolve::Names;
use crate::schema::distill::DISTILL;
use crate::source::Span;
use crate::suggest::did_you_mean;

const FORM: &str = "write `pairs: [(click, like)]`";
const TEACHER: &str = "write `teacher: [click, like]`";

/// The block with its defaults, or none where there is no block.
pub(super) fn check(names: &Names<'_>, tasks: &[Option<Task>], sink: &mut Sink) -> Option<Option<Distill>> {
    let Some(block) = names.distill else { return Some(None) };
    let options = options::read(&DISTILL, options::entries(&block.entries), block.word.span, sink)?;
    let found = Taught { names, tasks };
    let (pairs, teacher) = (options.expr("pairs"), options.expr("teacher"));
    if pairs.is_none() && teacher.is_none() {
        sink.push(diagnostic!(
            MissingOption, block.word.span, "`distill` needs `pairs` or `teacher`";
            help: "write `pairs: [(click, like)]` for tasks that teach each other, `teacher: [click, like]` for a saved model that teaches them"
        ));
        return None;
    }
    let pairs = pairs.map_or(Some(Vec::new()), |expr| found.pairs(expr, sink));
    let teacher = teacher.map_or(Some(Vec::new()), |expr| found.teacher(expr, sink));
    let (pairs, teacher) = (pairs?, teacher?);
    let weight = options.number("weight");
    let binary =
        |task: &TaskId| tasks[task.0].as_ref().is_some_and(|task| matches!(task.kind, TaskKind::Binary { .. }));
    let no_effect = |name: &str| match name {
        "correct" | "margin" | "comparisons" | "partners" if pairs.is_empty() => {
            Some(("where no tasks teach each other", "write `pairs: [(click, like)]`"))
        }
        "temperature" if pairs.is_empty() && !teacher.iter().any(binary) => {
            Some(("where no task is binary", "name a binary task in `teacher`"))
        }
        "margin" if options.word("correct") == "false" => Some(("where nothing is corrected", "write `correct: true`")),
        "comparisons" | "partners" => None,
        _ if weight.value == 0.0 => Some(("where teachers have no share", "raise `weight`")),
        _ => None,
    };
    for name in ["teacher", "temperature", "correct", "margin", "comparisons", "partners", "warm_up"] {
        let Some((span, (why, instead))) = options.written(name).zip(no_effect(name)) else { continue };
        let problem = diagnostic!(
            ConflictingOptions, span, "`{name}` has no effect {why}"; help: "{instead}, or leave `{name}` out"
        );
        sink.push(if instead == "raise `weight`" { problem.label(weight.span, "`weight` is 0") } else { problem });
        return None;
    }
    Some(Some(Distill {
        pairs,
        teacher,
        temperature: options.number("temperature"),
        weight,
        correct: options.word("correct") == "true",
        margin: options.number("margin"),
        comparisons: options.number("comparisons"),
        partners: options.number("partners").value as usize,
        warm_up: options.maybe_number("warm_up").map_or(0, |epochs| epochs.value as usize),
        span: block.word.span,
    }))
}

/// Who is taught.
struct Taught<'a> {
    names: &'a Names<'a>,
    tasks: &'a [Option<Task>],
}

impl Taught<'_> {
    /// `[(click, like), (click, follow)]`.
    fn pairs(&self, expr: &Expr, sink: &mut Sink) -> Option<Vec<(TaskId, TaskId)>> {
        let ExprKind::List(items) = &expr.kind else {
            let found = expr.describe();
            sink.push(
                diagnostic!(WrongArgument, expr.span, "`pairs` takes a list of pairs, found {found}"; help: "{FORM}"),
            );
            return None;
        };
        if items.is_empty() {
            sink.push(
                diagnostic!(WrongArgument, expr.span, "`pairs` is empty"; help: "{FORM}, or leave `distill` out"),
            );
            return None;
        }
        let errors = sink.len();
        let mut pairs: Vec<(TaskId, TaskId, Span)> = Vec::new();
        let mut towers: Vec<(String, Span)> = Vec::new();
        for item in items {
            let Some((a, b)) = self.pair(item, sink) else { continue };
            let same = |(c, d, _): &&(TaskId, TaskId, Span)| (*c, *d) == (a, b) || (*c, *d) == (b, a);
            if let Some((.., first)) = pairs.iter().find(same) {
                sink.push(diagnostic!(
                    DuplicateOption, item.span, "this pair stands here twice"; label(*first): "first written here";
                    help: "each of two tasks helps the other: write the pair once"
                ));
                continue;
            }
            let own: Vec<String> =
                [(a, b), (b, a)].into_iter().flat_map(|(task, helper)| self.towers(task, helper)).collect();
            if let Some((tower, first)) = towers.iter().find(|(tower, _)| own.contains(tower)) {
                sink.push(diagnostic!(
                    ReservedName, item.span, "a teacher of this pair and one of another would both have `tower_{tower}`";
                    label(*first): "the other pair"; help: "choose another name for one of the tasks"
                ));
                continue;
            }
            towers.extend(own.into_iter().map(|tower| (tower, item.span)));
            pairs.push((a, b, item.span));
        }
        (sink.len() == errors).then(|| pairs.into_iter().map(|(a, b, _)| (a, b)).collect())
    }

    fn pair(&self, expr: &Expr, sink: &mut Sink) -> Option<(TaskId, TaskId)> {
        let parts = if let ExprKind::Tuple(parts) = &expr.kind { &parts[..] } else { &[] };
        let [a, b] = parts else {
            let found = match parts.len() {
                0 => expr.describe(),
                count => format!("{count} of them"),
            };
            sink.push(diagnostic!(WrongArgument, expr.span, "a pair is two tasks, found {found}"; help: "{FORM}"));
            return None;
        };
        let (first, second) = (self.of_pair(a, sink), self.of_pair(b, sink));
        let (first, second) = (first?, second?);
        if first == second {
            let name = &self.names.tasks[first.0].name.text;
            sink.push(diagnostic!(WrongArgument, expr.span, "`{name}` is paired with itself"; help: "name two tasks"));
            return None;
        }
        for (task, helper) in [(first, second), (second, first)] {
            self.free(task, helper, expr.span, sink)?;
        }
        Some((first, second))
    }

    /// `[click, watch]`.
    fn teacher(&self, expr: &Expr, sink: &mut Sink) -> Option<Vec<TaskId>> {
        let ExprKind::List(items) = &expr.kind else {
            let found = expr.describe();
            sink.push(diagnostic!(WrongArgument, expr.span, "`teacher` takes a list of tasks, found {found}"; help: "{TEACHER}"));
            return None;
        };
        if items.is_empty() {
            sink.push(diagnostic!(WrongArgument, expr.span, "`teacher` is empty"; help: "{TEACHER}, or leave it out"));
            return None;
        }
        let errors = sink.len();
        let mut taught: Vec<(TaskId, Span)> = Vec::new();
        for item in items {
            let Some((task, declared)) = self.task(item, TEACHER, sink) else { continue };
            if let Some((_, first)) = taught.iter().find(|(other, _)| *other == task) {
                sink.push(diagnostic!(
                    DuplicateOption, item.span, "`{}` stands here twice", declared.name.text;
                    label(*first): "first written here"; help: "name each task once"
                ));
                continue;
            }
            let learns = match &declared.kind {
                TaskKind::Binary { .. } => true,
                TaskKind::Regression { loss, .. } => {
                    matches!(loss, RegressionLoss::Mse | RegressionLoss::Huber { .. } | RegressionLoss::LogCosh)
                }
                _ => false,
            };
            if !learns {
                sink.push(diagnostic!(
                    LossMismatch, item.span, "`{}` has neither a probability nor a mean to learn", declared.name.text;
                    label(declared.name.span): "declared here";
                    help: "name binary tasks, and regressions with the loss `mse`, `huber` or `log_cosh`"
                ));
                continue;
            }
            taught.push((task, item.span));
        }
        (sink.len() == errors).then(|| taught.into_iter().map(|(task, _)| task).collect())
    }

    /// A binary task without a condition.
    fn of_pair(&self, expr: &Expr, sink: &mut Sink) -> Option<TaskId> {
        let (task, declared) = self.task(expr, FORM, sink)?;
        let (name, at) = (&declared.name.text, declared.name.span);
        if !matches!(declared.kind, TaskKind::Binary { .. }) {
            sink.push(diagnostic!(
                LossMismatch, expr.span, "`{name}` has no two classes to order"; label(at): "declared here";
                help: "name binary tasks"
            ));
            return None;
        }
        if declared.given.is_some() {
            sink.push(diagnostic!(
                LossMismatch, expr.span, "`{name}` has a condition, and a teacher has none"; label(at): "declared here";
                help: "name tasks without `given`"
            ));
            return None;
        }
        Some(task)
    }

    /// A task by its name; nothing more where its declaration is wrong.
    fn task(&self, expr: &Expr, form: &str, sink: &mut Sink) -> Option<(TaskId, &Task)> {
        let ExprKind::Name(name) = &expr.kind else {
            sink.push(diagnostic!(WrongArgument, expr.span, "this is a task's name, found {}", expr.describe(); help: "{form}"));
            return None;
        };
        let Some(task) = self.names.task(name) else {
            let help = did_you_mean(name, "tasks", self.names.task_names());
            sink.push(diagnostic!(UnknownTask, expr.span, "no task named `{name}`"; help: "{help}"));
            return None;
        };
        Some((TaskId(task), self.tasks[task].as_ref()?))
    }

    /// Refuses a task that is called like a teacher's tower.
    fn free(&self, task: TaskId, helper: TaskId, at: Span, sink: &mut Sink) -> Option<()> {
        for taken in self.towers(task, helper) {
            if let Some(other) = self.names.task(&taken) {
                let task = &self.names.tasks[task.0].name.text;
                sink.push(diagnostic!(
                    ReservedName, self.names.tasks[other].name.span, "`tower_{taken}` belongs to the teacher of `{task}`";
                    label(at): "trained here"; help: "choose another name"
                ));
                return None;
            }
        }
        Some(())
    }

    /// What a teacher's tower and its calibration are called.
    fn towers(&self, task: TaskId, helper: TaskId) -> [String; 2] {
        let [task, helper] = [task, helper].map(|task| &self.names.tasks[task.0].name.text);
        let tower = format!("{task}_then_{helper}");
        [tower.clone(), format!("{tower}_calibration")]
    }
}
