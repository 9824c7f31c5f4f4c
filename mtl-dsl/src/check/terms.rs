//! The `loss` block: what it adds to the tasks' losses.

use super::{Sink, options};
use crate::ast::{Argument, BinaryOp, Expr, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{Causal, Compare, LossTerm, Task, TaskId, TaskKind};
use crate::resolve::Names;
use crate::schema::losses::{CAUSAL, HINGE, LOSS};
use crate::source::Span;
use crate::suggest::did_you_mean;

/// The terms in the order of the spec's signature; what is wrong with `weighting` is reported elsewhere.
pub(super) fn check(names: &Names<'_>, tasks: &[Option<Task>], sink: &mut Sink) -> Option<Vec<LossTerm>> {
    let Some(block) = names.loss else { return Some(Vec::new()) };
    // Mistakes of the entries themselves were reported with the weighting.
    let options = options::read(&LOSS, options::entries(&block.entries), block.word.span, &mut Sink::new())?;
    let scope = Scope { names, tasks };
    let mut terms = Vec::new();
    if let Some(order) = options.expr("order") {
        let items = if let ExprKind::List(items) = &order.kind { &items[..] } else { std::slice::from_ref(order) };
        if items.is_empty() {
            sink.push(diagnostic!(
                WrongArgument, order.span, "`order` is empty"; help: "write `hinge(buy <= click)`, or leave `order` out"
            ));
            return None;
        }
        let mut seen: Vec<(TaskId, TaskId, Span)> = Vec::new();
        let errors = sink.len();
        for item in items {
            let Some((task, bound, term)) = scope.hinge(item, sink) else { continue };
            match seen.iter().find(|(a, b, _)| (*a, *b) == (task, bound)) {
                Some((.., first)) => sink.push(diagnostic!(
                    DuplicateOption, item.span, "this order stands here twice"; label(*first): "first written here"
                )),
                None => seen.push((task, bound, item.span)),
            }
            terms.push(term);
        }
        if sink.len() > errors {
            return None;
        }
    }
    if let Some(causal) = options.expr("causal") {
        terms.push(scope.causal(causal, sink)?);
    }
    Some(terms)
}

struct Scope<'a> {
    names: &'a Names<'a>,
    tasks: &'a [Option<Task>],
}

impl Scope<'_> {
    /// `hinge(task <= bound, weight: 0.6)`.
    fn hinge(&self, expr: &Expr, sink: &mut Sink) -> Option<(TaskId, TaskId, LossTerm)> {
        const FORM: &str = "write `hinge(buy <= click, weight: 0.6)`";
        let Some((called, given)) = expr.as_call().filter(|(called, _)| called.text == HINGE.name) else {
            sink.push(diagnostic!(WrongArgument, expr.span, "`order` takes `hinge(...)`, found {}", expr.describe(); help: "{FORM}"));
            return None;
        };
        let (compared, rest): (Vec<&Argument>, Vec<&Argument>) =
            given.iter().partition(|argument| argument.name.is_none());
        let options = options::read(&HINGE, options::arguments(rest, sink), called.span, sink)?;
        let [Argument { value: comparison, .. }] = compared[..] else {
            sink.push(diagnostic!(ArgumentCount, called.span, "`hinge` takes one comparison, found {}", compared.len(); help: "{FORM}"));
            return None;
        };
        let (lower, upper) = match &comparison.kind {
            ExprKind::Binary(BinaryOp::Compare(Compare::LessOrEqual), a, b) => (a, b),
            ExprKind::Binary(BinaryOp::Compare(Compare::GreaterOrEqual), a, b) => (b, a),
            _ => {
                let found = comparison.describe();
                sink.push(diagnostic!(WrongArgument, comparison.span, "`hinge` takes `<=` or `>=` between two tasks, found {found}"; help: "{FORM}"));
                return None;
            }
        };
        let (task, bound) = (self.probability(lower, sink), self.probability(upper, sink));
        let (task, bound) = (task?, bound?);
        let text = |id: TaskId| &self.names.tasks[id.0].name.text;
        if task == bound {
            sink.push(
                diagnostic!(WrongArgument, comparison.span, "`{}` is compared with itself", text(task); help: "{FORM}"),
            );
            return None;
        }
        if self.chain(task).contains(&bound) {
            sink.push(diagnostic!(
                WrongArgument, comparison.span, "this always holds: `{}` is `given {}`", text(task), text(bound);
                help: "leave it out"
            ));
            return None;
        }
        Some((task, bound, LossTerm::Order { task, bound, weight: options.number("weight") }))
    }

    /// `ips(task: buy, clip: 0.1, weight: 1.0)` or one of its siblings.
    fn causal(&self, expr: &Expr, sink: &mut Sink) -> Option<LossTerm> {
        let known = || CAUSAL.iter().map(|signature| signature.name);
        let Some((called, given)) = expr.as_call() else {
            let (found, help) = (expr.describe(), did_you_mean("", "estimators", known()));
            sink.push(
                diagnostic!(WrongArgument, expr.span, "`causal` takes an estimator, found {found}"; help: "{help}"),
            );
            return None;
        };
        let Some(signature) = CAUSAL.iter().find(|signature| signature.name == called.text) else {
            let help = did_you_mean(&called.text, "estimators", known());
            sink.push(diagnostic!(UnknownLoss, called.span, "no estimator named `{}`", called.text; help: "{help}"));
            return None;
        };
        let options = options::read(signature, options::arguments(given, sink), called.span, sink)?;
        let written = options.expr("task")?;
        let task = self.probability(written, sink)?;
        if self.tasks[task.0].as_ref()?.given.is_none() {
            let name = &self.names.tasks[task.0].name;
            sink.push(diagnostic!(
                NotConditional, written.span, "`{}` has no condition", name.text; label(name.span): "declared here";
                help: "`{}` estimates a probability given another task: `task buy: binary(...) given click;`", called.text
            ));
            return None;
        }
        let kind = match signature.name {
            "ips" => Causal::Ips,
            "dr" => Causal::Dr,
            _ => Causal::Dcmt { counterfactual: options.number("counterfactual") },
        };
        if let Some(head) = kind.head() {
            let taken = format!("{}_{head}", self.names.tasks[task.0].name.text);
            if let Some(other) = self.names.task(&taken) {
                sink.push(diagnostic!(
                    ReservedName, self.names.tasks[other].name.span, "`tower_{taken}` is the second tower of `{}`", called.text;
                    label(called.span): "trained here"; help: "choose another name"
                ));
                return None;
            }
        }
        Some(LossTerm::Causal { kind, task, clip: options.number("clip"), weight: options.number("weight") })
    }

    /// A binary task.
    fn probability(&self, expr: &Expr, sink: &mut Sink) -> Option<TaskId> {
        let ExprKind::Name(name) = &expr.kind else {
            sink.push(diagnostic!(WrongArgument, expr.span, "this is a task's name, found {}", expr.describe()));
            return None;
        };
        let Some(task) = self.names.task(name) else {
            let help = did_you_mean(name, "tasks", self.names.task_names());
            sink.push(diagnostic!(UnknownTask, expr.span, "no task named `{name}`"; help: "{help}"));
            return None;
        };
        if !matches!(self.tasks[task].as_ref()?.kind, TaskKind::Binary { .. }) {
            let at = self.names.tasks[task].name.span;
            sink.push(diagnostic!(
                LossMismatch, expr.span, "`{name}` is no probability"; label(at): "declared here"; help: "name a binary task"
            ));
            return None;
        }
        Some(TaskId(task))
    }

    /// The tasks that a task is given, near ones first.
    fn chain(&self, task: TaskId) -> Vec<TaskId> {
        let given = |task: TaskId| self.tasks[task.0].as_ref().and_then(|task| task.given);
        let mut chain = Vec::new();
        let mut next = given(task);
        while let Some(task) = next.filter(|task| !chain.contains(task)) {
            chain.push(task);
            next = given(task);
        }
        chain
    }
}
