//! Options of blocks that name tasks: lists, groups and relations of them.

use super::Dataflow;
use crate::ast::{self, ExprKind as Written};
use crate::check::Sink;
use crate::diagnostic::diagnostic;
use crate::hir::TaskId;
use crate::source::Span;
use crate::suggest::did_you_mean;

impl Dataflow<'_> {
    /// `[[click, like], [buy]]`: lists of declared tasks, each task once.
    pub(super) fn groups(&self, expr: &ast::Expr, sink: &mut Sink) -> Option<Vec<Vec<TaskId>>> {
        let Written::List(items) = &expr.kind else {
            sink.push(diagnostic!(
                WrongArgument, expr.span, "groups of tasks are a list of lists, found {}", expr.describe();
                help: "write `[[click, like], [buy]]`"
            ));
            return None;
        };
        let mut seen = Vec::new();
        let groups: Option<Vec<_>> = items.iter().map(|item| self.tasks(item, &mut seen, sink)).collect();
        let groups = groups?;
        self.check_joined(items, &groups, sink)?;
        Some(groups)
    }

    /// Reports a group whose parameters, which are named after its tasks, would have the name of another's.
    fn check_joined(&self, items: &[ast::Expr], groups: &[Vec<TaskId>], sink: &mut Sink) -> Option<()> {
        let name = |task: &TaskId| self.names.tasks[task.0].name.text.as_str();
        let mut joined: Vec<(String, Span)> = Vec::new();
        for (item, group) in items.iter().zip(groups).filter(|(_, group)| group.len() > 1) {
            let own = group.iter().map(name).collect::<Vec<_>>().join("_");
            let task =
                self.names.task(&own).map(|task| (format!("the task `{own}`"), self.names.tasks[task].name.span));
            let other = joined.iter().find(|(other, _)| *other == own).map(|(_, at)| ("another group".to_owned(), *at));
            if let Some((whose, at)) = task.or(other) {
                sink.push(diagnostic!(
                    ReservedName, item.span, "the parameters of this group would be named `{own}`, like those of {whose}";
                    label(at): "the other"; help: "write the tasks of the group in another order, or choose another name for one"
                ));
                return None;
            }
            joined.push((own, item.span));
        }
        Some(())
    }

    /// `[buy | click, buy | like]`: pairs of declared tasks, each once.
    pub(super) fn relations(&self, expr: &ast::Expr, sink: &mut Sink) -> Option<Vec<(TaskId, TaskId)>> {
        const FORM: &str = "write `[buy | click, buy | like]`";
        let Written::List(items) = &expr.kind else {
            sink.push(diagnostic!(
                WrongArgument, expr.span, "this is a list of relations, found {}", expr.describe(); help: "{FORM}"
            ));
            return None;
        };
        let mut relations: Vec<((TaskId, TaskId), Span)> = Vec::new();
        for item in items {
            let Written::Conditional(task, given) = &item.kind else {
                sink.push(diagnostic!(
                    WrongArgument, item.span, "a relation is a task and one it is given, found {}", item.describe(); help: "{FORM}"
                ));
                return None;
            };
            let find = |name: &ast::Name, sink: &mut Sink| {
                let found = self.names.task(&name.text);
                if found.is_none() {
                    let help = did_you_mean(&name.text, "tasks", self.names.task_names());
                    sink.push(diagnostic!(UnknownTask, name.span, "no task named `{}`", name.text; help: "{help}"));
                }
                found.map(TaskId)
            };
            let pair = (find(task, sink), find(given, sink));
            let pair = (pair.0?, pair.1?);
            if let Some((_, first)) = relations.iter().find(|(other, _)| *other == pair) {
                sink.push(diagnostic!(DuplicateOption, item.span, "this relation stands here twice"; label(*first): "first written here"));
                return None;
            }
            relations.push((pair, item.span));
        }
        Some(relations.into_iter().map(|(pair, _)| pair).collect())
    }

    /// `[click, buy]`: declared tasks, none of which was `seen`.
    pub(super) fn tasks(
        &self,
        expr: &ast::Expr,
        seen: &mut Vec<(usize, Span)>,
        sink: &mut Sink,
    ) -> Option<Vec<TaskId>> {
        let items = match &expr.kind {
            Written::List(items) if !items.is_empty() => items,
            _ => {
                let found = if let Written::List(_) = expr.kind { "an empty list".to_owned() } else { expr.describe() };
                sink.push(diagnostic!(WrongArgument, expr.span, "this is a list of tasks, found {found}"; help: "write `[click, buy]`"));
                return None;
            }
        };
        let mut tasks = Vec::new();
        for item in items {
            let name = if let Written::Name(name) = &item.kind { name.as_str() } else { "" };
            let Some(task) = self.names.task(name) else {
                let help = did_you_mean(name, "tasks", self.names.task_names());
                let found = if name.is_empty() { item.describe() } else { format!("`{name}`") };
                sink.push(diagnostic!(UnknownTask, item.span, "no task named {found}"; help: "{help}"));
                return None;
            };
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == task) {
                sink.push(diagnostic!(DuplicateOption, item.span, "`{name}` stands here twice"; label(*first): "first written here"));
                return None;
            }
            seen.push((task, item.span));
            tasks.push(TaskId(task));
        }
        Some(tasks)
    }
}
