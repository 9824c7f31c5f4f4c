//! Towers: every task has exactly one, and its logit is the sum of its terms.

use super::Sink;
use super::dataflow::{Dataflow, to_vector};
use super::options;
use crate::ast::{BinaryOp, Expr, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{Feature, Let, Model, Number, TaskId, Term, Tower, Type};
use crate::resolve::Names;
use crate::schema::{Parameter, Range, Signature};
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
        let value = terms(&dataflow, &tower.value, sink);
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
        Some(Tower { tasks, each: task.is_none(), terms: value?, span: tower.span })
    });
    let towers: Vec<Tower> = lines.collect::<Option<_>>()?;
    Some(towers.into_iter().filter(|tower| !tower.tasks.is_empty()).collect())
}

/// Reports a term of one number where a task has a number for each of several classes.
pub(super) fn check_classes(model: &Model, sink: &mut Sink) {
    for tower in &model.towers {
        let several = tower.tasks.iter().map(|task| &model.tasks[task.0]).find(|task| task.numbers() > 1);
        let one = tower.terms.iter().find(|term| term.value.ty == Type::Logit);
        if let (Some(task), Some(term)) = (several, one) {
            sink.push(diagnostic!(
                TypeMismatch, term.value.span, "this is one number, and `{}` has one for each class", task.name.text;
                label(task.name.span): "declared here"; help: "give `{}` a tower of vectors alone", task.name.text
            ));
        }
    }
}

static TRAIN_ONLY: Signature = Signature {
    name: "train_only",
    docs: "A summand of a tower that exists while training and not when serving.",
    positional: 0,
    parameters: &[Parameter::number(
        "drop_input",
        Range::BELOW_ONE,
        0.0,
        "Share of the training rows in which its input is hidden, so that the rest of the tower does not lean on it.",
    )],
};

/// The summands of a tower. The first one is there when serving.
fn terms(dataflow: &Dataflow<'_>, expr: &Expr, sink: &mut Sink) -> Option<Vec<Term>> {
    let mut written = Vec::new();
    summands(expr, &mut written);
    let mut terms: Vec<Option<Term>> = written.iter().map(|expr| term(dataflow, expr, sink)).collect();
    if let Some(first) = terms.iter().position(|term| !matches!(term, Some(Term { train_only: Some(_), .. }))) {
        // What training adds comes last.
        terms[..=first].rotate_right(1);
        return terms.into_iter().collect();
    }
    sink.push(diagnostic!(
        MissingTower, expr.span, "nothing of this tower is left when serving"; help: "add a term without `train_only`"
    ));
    None
}

fn summands<'e>(expr: &'e Expr, terms: &mut Vec<&'e Expr>) {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::Add, left, right) => {
            summands(left, terms);
            summands(right, terms);
        }
        _ => terms.push(expr),
    }
}

fn term(dataflow: &Dataflow<'_>, expr: &Expr, sink: &mut Sink) -> Option<Term> {
    let (value, train_only) = match &expr.kind {
        ExprKind::Call(call) if call.name.text == "train_only" => {
            let (given, options): (Vec<_>, Vec<_>) =
                call.arguments.iter().partition(|argument| argument.name.is_none());
            let given: Vec<&Expr> = given.into_iter().map(|argument| &argument.value).collect();
            let options = options::read(&TRAIN_ONLY, options::arguments(options, sink), call.name.span, sink);
            let [value] = given[..] else {
                sink.push(diagnostic!(
                    ArgumentCount, call.name.span, "`train_only` takes one representation, found {}", given.len();
                    help: "write `train_only(mlp(bias, [16]), drop_input: 0.1)`"
                ));
                return None;
            };
            (value, Some(options?.number("drop_input")))
        }
        _ => (expr, None::<Number>),
    };
    let value = dataflow.expr(value, sink)?;
    if !value.ty.is_vector() && value.ty != Type::Logit {
        sink.push(diagnostic!(
            TypeMismatch, value.span, "a tower reads a vector or a logit, but this is `{}`", value.ty; help: "{}", to_vector(value.ty)
        ));
        return None;
    }
    Some(Term { value, train_only })
}
