//! Tasks: kinds, labels, sample spaces and the chain of `given`.

use super::conditions::{Scope, raw_column};
use super::options::{self, Options};
use super::{Sink, losses};
use crate::ast::{self, Expr, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{Calibration, Condition, Feature, Label, RegressionLoss, Task, TaskId, TaskKind};
use crate::resolve::Names;
use crate::schema::tasks::KINDS;
use crate::suggest::did_you_mean;

mod taken;

/// The tasks in the order of [`Names::tasks`]; none where one is wrong.
pub(super) fn check(names: &Names<'_>, features: &[Option<Feature>], sink: &mut Sink) -> Vec<Option<Task>> {
    let read: Vec<_> = names.tasks.iter().map(|task| read(task, sink)).collect();
    // Labels come first: sample spaces read them.
    let labels: Vec<_> =
        read.iter().zip(&names.tasks).map(|(read, task)| label(task, &read.as_ref()?.1, features, sink)).collect();
    let scope = Scope::Declared { names, features, labels: &labels };
    let mut tasks = Vec::new();
    for ((read, task), label) in read.into_iter().zip(&names.tasks).zip(&labels) {
        let given = given(names, task, sink);
        let Some((kind, options)) = read else {
            tasks.push(None);
            continue;
        };
        let sample_space = options.expr("where").map(|condition| scope.condition(condition, sink));
        let losses = losses::check(kind, &options, task, sink);
        tasks.push(label.clone().zip(losses).map(|(label, losses)| Task {
            name: task.name.clone(),
            docs: task.docs.clone(),
            kind: losses.kind,
            label,
            sample_space: sample_space.flatten(),
            weight_column: options.column("weight_column"),
            given,
            through: if kind == "binary" {
                options.expr("through").and_then(|task| through(names, task, sink))
            } else {
                None
            },
            group: losses.group,
            losses: losses.summands,
            calibration: if kind == "binary" { calibration(&options) } else { None },
        }));
    }
    check_chains(names, &mut tasks, sink);
    for (at, declared) in names.tasks.iter().enumerate() {
        sink.extend(through_problem(names, &tasks, at, declared));
    }
    taken::check(names, &tasks, sink);
    tasks
}

fn read<'a>(task: &'a ast::Task, sink: &mut Sink) -> Option<(&'static str, Options<'a>)> {
    let kinds = || KINDS.iter().map(|kind| kind.name);
    let Some((called, given)) = task.kind.as_call() else {
        let help = did_you_mean("", "kinds of tasks", kinds());
        let found = task.kind.describe();
        sink.push(diagnostic!(WrongArgument, task.kind.span, "a task has a kind, found {found}"; help: "{help}"));
        return None;
    };
    let Some(kind) = KINDS.iter().find(|kind| kind.name == called.text) else {
        let help = did_you_mean(&called.text, "kinds of tasks", kinds());
        sink.push(diagnostic!(UnknownKind, called.span, "no kind of task named `{}`", called.text; help: "{help}"));
        return None;
    };
    let given = options::arguments(given, sink);
    Some((kind.name, options::read(kind, given, called.span, sink)?))
}

/// The label, which must not be shown to the model as a feature.
fn label(task: &ast::Task, options: &Options<'_>, features: &[Option<Feature>], sink: &mut Sink) -> Option<Label> {
    let written = options.expr("label");
    let label = match written {
        None => Label::Column(task.name.text.clone()),
        Some(expr) => label_expr(expr, sink)?,
    };
    let span = written.map_or(task.name.span, |expr| expr.span);
    let numbers = task.kind.as_call().and_then(|(called, _)| match called.text.as_str() {
        "ordinal" => Some("an ordinal task is a column of levels"),
        "multiclass" => Some("a multiclass task is a column of classes"),
        _ => None,
    });
    if let (Some(what), Label::Where(_)) = (numbers, &label) {
        sink.push(diagnostic!(
            WrongArgument, span, "the label of {what}, found a condition";
            help: "write `binary` for what happens or does not"
        ));
        return None;
    }
    let mut columns = Vec::new();
    match &label {
        Label::Column(column) => columns.push(column.as_str()),
        Label::Where(condition) => condition_columns(condition, &mut columns),
    }
    for feature in features.iter().flatten().filter(|feature| columns.contains(&feature.column.as_str())) {
        sink.push(diagnostic!(
            LabelIsFeature, span, "the label of `{}` is also a feature: column `{}`", task.name.text, feature.column;
            label(feature.name.span): "read as a feature here"; help: "remove the feature: it tells the model the answer"
        ));
    }
    Some(label)
}

fn label_expr(expr: &Expr, sink: &mut Sink) -> Option<Label> {
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Text(_) => options::column("label", expr, sink).map(Label::Column),
        ExprKind::Call(call) if call.name.text == "column" => raw_column(call, sink).map(Label::Column),
        _ => Scope::Columns.condition(expr, sink).map(Label::Where),
    }
}

fn condition_columns<'a>(condition: &'a Condition, columns: &mut Vec<&'a str>) {
    match condition {
        Condition::Compare { column, .. } => columns.push(column),
        Condition::And(left, right) | Condition::Or(left, right) => {
            condition_columns(left, columns);
            condition_columns(right, columns);
        }
        Condition::Not(operand) => condition_columns(operand, columns),
    }
}

fn given(names: &Names<'_>, task: &ast::Task, sink: &mut Sink) -> Option<TaskId> {
    let given = task.given.as_ref()?;
    let found = names.task(&given.text);
    if found.is_none() {
        let help = did_you_mean(&given.text, "tasks", names.task_names());
        sink.push(diagnostic!(UnknownTask, given.span, "no task named `{}`", given.text; help: "{help}"));
    }
    found.map(TaskId)
}

/// The task of `through: TASK`.
fn through(names: &Names<'_>, expr: &Expr, sink: &mut Sink) -> Option<TaskId> {
    let ExprKind::Name(name) = &expr.kind else {
        sink.push(diagnostic!(WrongArgument, expr.span, "`through` takes a task, found {}", expr.describe()));
        return None;
    };
    let found = names.task(name);
    if found.is_none() {
        let help = did_you_mean(name, "tasks", names.task_names());
        sink.push(diagnostic!(UnknownTask, expr.span, "no task named `{name}`"; help: "{help}"));
    }
    found.map(TaskId)
}

/// How a probability is calibrated.
fn calibration(options: &Options<'_>) -> Option<Calibration> {
    let (method, options) = options.maybe_choice("calibrate")?;
    Some(match method {
        "platt" => Calibration::Platt,
        "isotonic" => Calibration::Isotonic,
        "temperature" => Calibration::Temperature,
        _ => Calibration::DownSampling(options.number("rate")),
    })
}

/// What is wrong with a task's `through`: both tasks have one condition, and no second tower takes another's name.
fn through_problem(
    names: &Names<'_>,
    tasks: &[Option<Task>],
    at: usize,
    declared: &ast::Task,
) -> Option<crate::diagnostic::Diagnostic> {
    let task = tasks[at].as_ref()?;
    let between = task.through?;
    let (name, other) = (&declared.name, &names.tasks[between.0].name);
    if let Some(taken) = names.task(&format!("{}_otherwise", name.text)) {
        let taken = &names.tasks[taken].name;
        return Some(diagnostic!(
            ReservedName, taken.span, "`tower_{}` is the second tower of `{}`", taken.text, name.text;
            label(name.span): "declared here"; help: "choose another name"
        ));
    }
    let between = tasks[between.0].as_ref()?;
    let binary = matches!(between.kind, TaskKind::Binary { .. });
    (!binary || task.given.is_none() || task.given != between.given || between.through.is_some()).then(|| {
        diagnostic!(
            ConflictingOptions, name.span, "`{}` cannot go through `{}`", name.text, other.text; label(other.span): "declared here";
            help: "both are binary tasks given the same one, and `{}` goes through none: `task {}: binary given click;` and \
                   `task {}: binary(through: {}) given click;`", other.text, other.text, name.text, other.text
        )
    })
}

/// Chains are made of binary tasks and end.
fn check_chains(names: &Names<'_>, tasks: &mut [Option<Task>], sink: &mut Sink) {
    let given: Vec<_> = tasks.iter().map(|task| task.as_ref().and_then(|task| task.given)).collect();
    let binary = |task: &Option<Task>| task.as_ref().is_none_or(|task| matches!(task.kind, TaskKind::Binary { .. }));
    for (at, to) in given.iter().enumerate() {
        let (Some(TaskId(to)), Some(word)) = (*to, &names.tasks[at].given) else { continue };
        for task in [at, to] {
            if !binary(&tasks[task]) {
                let name = &names.tasks[task].name;
                let kind = match &tasks[task] {
                    Some(Task { kind: TaskKind::Ordinal { .. }, .. }) => "ordinal",
                    Some(Task { kind: TaskKind::Multiclass { .. }, .. }) => "multiclass",
                    Some(Task { kind: TaskKind::Pairwise | TaskKind::Listwise { .. }, .. }) => "pairwise",
                    Some(Task { kind: TaskKind::Regression { loss: RegressionLoss::Poisson, .. }, .. }) => "a count",
                    _ => "a regression",
                };
                let rows = match &tasks[to] {
                    Some(Task { kind: TaskKind::Multiclass { .. } | TaskKind::Ordinal { .. }, .. }) => {
                        format!("{} == 2", word.text)
                    }
                    Some(Task { kind, label: Label::Column(_), .. }) if !matches!(kind, TaskKind::Binary { .. }) => {
                        format!("{} > 0", word.text)
                    }
                    _ => word.text.clone(),
                };
                sink.push(diagnostic!(
                    GivenNotBinary, word.span, "`given` joins probabilities, and `{}` is {kind}", name.text;
                    label(name.span): "declared here"; help: "to choose its rows write `where: {rows}`"
                ));
            }
        }
        // The chain from here; a circle is reported by its first task.
        let mut chain = vec![at];
        let mut next = Some(TaskId(to));
        while let Some(TaskId(task)) = next {
            if task == at && chain.iter().all(|member| *member >= at) {
                sink.push(circle(names, &chain));
            }
            if chain.contains(&task) {
                break;
            }
            chain.push(task);
            next = given[task];
        }
    }
}

fn circle(names: &Names<'_>, chain: &[usize]) -> crate::diagnostic::Diagnostic {
    let name = |task: usize| names.tasks[task].name.text.as_str();
    let path: Vec<_> = chain.iter().chain([&chain[0]]).map(|task| format!("`{}`", name(*task))).collect();
    let word = names.tasks[chain[0]].given.as_ref().map_or(names.tasks[chain[0]].name.span, |given| given.span);
    let mut problem = diagnostic!(GivenCycle, word, "`given` goes round in a circle: {}", path.join(" given "));
    for task in &chain[1..] {
        problem = problem
            .label(names.tasks[*task].name.span, format!("`{}` is given `{}`", name(*task), given_name(names, *task)));
    }
    problem.help("let one of them be a plain task")
}

fn given_name<'a>(names: &Names<'a>, task: usize) -> &'a str {
    names.tasks[task].given.as_ref().map_or("", |given| given.text.as_str())
}
