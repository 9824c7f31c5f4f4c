//! The `distill` block.

use super::{Sink, options};
use crate::ast::{Expr, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{Distill, Task, TaskId, TaskKind};
use crate::resolve::Names;
use crate::schema::distill::DISTILL;
use crate::source::Span;
use crate::suggest::did_you_mean;

const FORM: &str = "write `pairs: [(click, like)]`";

/// The block with its defaults, or none where there is no block.
pub(super) fn check(names: &Names<'_>, tasks: &[Option<Task>], sink: &mut Sink) -> Option<Option<Distill>> {
    let Some(block) = names.distill else { return Some(None) };
    let options = options::read(&DISTILL, options::entries(&block.entries), block.word.span, sink)?;
    let written = options.expr("pairs")?;
    let pairs = Pairs { names, tasks }.all(written, sink)?;
    if let ("false", Some(span)) = (options.word("correct"), options.written("margin")) {
        sink.push(diagnostic!(
            ConflictingOptions, span, "`margin` has no effect where nothing is corrected";
            help: "write `correct: true`, or leave `margin` out"
        ));
        return None;
    }
    let weight = options.number("weight");
    for name in ["temperature", "correct", "margin", "warm_up"] {
        if let (true, Some(span)) = (weight.value == 0.0, options.written(name)) {
            sink.push(diagnostic!(
                ConflictingOptions, span, "`{name}` has no effect where teachers have no share";
                label(weight.span): "`weight` is 0"; help: "raise `weight`, or leave `{name}` out"
            ));
            return None;
        }
    }
    Some(Some(Distill {
        pairs,
        temperature: options.number("temperature"),
        weight,
        correct: options.word("correct") == "true",
        margin: options.number("margin"),
        partners: options.number("partners").value as usize,
        warm_up: options.maybe_number("warm_up").map_or(0, |epochs| epochs.value as usize),
        span: block.word.span,
    }))
}

struct Pairs<'a> {
    names: &'a Names<'a>,
    tasks: &'a [Option<Task>],
}

impl Pairs<'_> {
    /// `[(click, like), (click, follow)]`.
    fn all(&self, expr: &Expr, sink: &mut Sink) -> Option<Vec<(TaskId, TaskId)>> {
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
        let (first, second) = (self.task(a, sink), self.task(b, sink));
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

    /// A binary task without a condition.
    fn task(&self, expr: &Expr, sink: &mut Sink) -> Option<TaskId> {
        let ExprKind::Name(name) = &expr.kind else {
            sink.push(diagnostic!(WrongArgument, expr.span, "this is a task's name, found {}", expr.describe(); help: "{FORM}"));
            return None;
        };
        let Some(task) = self.names.task(name) else {
            let help = did_you_mean(name, "tasks", self.names.task_names());
            sink.push(diagnostic!(UnknownTask, expr.span, "no task named `{name}`"; help: "{help}"));
            return None;
        };
        let at = self.names.tasks[task].name.span;
        let declared = self.tasks[task].as_ref()?;
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
        Some(TaskId(task))
    }

    /// Refuses a task that is called like a teacher's tower.
    fn free(&self, task: TaskId, helper: TaskId, at: Span, sink: &mut Sink) -> Option<()> {
        let text = |task: TaskId| &self.names.tasks[task.0].name.text;
        let tower = format!("{}_then_{}", text(task), text(helper));
        for taken in [tower.clone(), format!("{tower}_calibration")] {
            if let Some(other) = self.names.task(&taken) {
                sink.push(diagnostic!(
                    ReservedName, self.names.tasks[other].name.span, "`tower_{taken}` belongs to the teacher of `{}`", text(task);
                    label(at): "trained here"; help: "choose another name"
                ));
                return None;
            }
        }
        Some(())
    }
}
