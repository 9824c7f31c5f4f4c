//! The `train` block.

use super::Sink;
use super::options::{self, Options};
use crate::ast::Expr;
use crate::diagnostic::diagnostic;
use crate::hir::{Metric, MetricKind, Optimizer, RowOptimizer, Task, TaskId, TaskKind, Train};
use crate::resolve::Names;
use crate::schema::train::{METRICS, TRAIN};
use crate::source::Span;
use crate::suggest::did_you_mean;

/// The `train` entries with their defaults, which stand at `model` when there is no block.
pub(super) fn check(names: &Names<'_>, tasks: &[Option<Task>], model: Span, sink: &mut Sink) -> Option<Train> {
    let (entries, at) = match names.train {
        Some(block) => (options::entries(&block.entries), block.word.span),
        None => (Vec::new(), model),
    };
    let options = options::read(&TRAIN, entries, at, sink)?;
    let group_by = group_by(&options, tasks, sink);
    let best = match options.expr("best") {
        Some(expr) => metric(names, tasks, expr, group_by.is_some(), sink),
        None => {
            let any = |of: fn(&TaskKind) -> bool| tasks.iter().flatten().any(|task| of(&task.kind));
            let kind = if any(|kind| matches!(kind, TaskKind::Binary { .. })) {
                MetricKind::Auc
            } else if any(|kind| matches!(kind, TaskKind::Pairwise | TaskKind::Listwise { .. })) {
                MetricKind::Gauc
            } else if any(|kind| matches!(kind, TaskKind::Multiclass { .. }))
                && !any(|kind| matches!(kind, TaskKind::Regression { .. } | TaskKind::Ordinal { .. }))
            {
                MetricKind::Accuracy
            } else {
                MetricKind::Rmse
            };
            Some(Metric { kind, task: None })
        }
    };
    Some(Train {
        optimizer: optimizer(options.choice("optimizer")),
        embeddings: row_optimizer(options.choice("embeddings")),
        batch: options.number("batch"),
        epochs: options.number("epochs"),
        seed: options.number("seed"),
        clip: options.maybe_number("clip"),
        patience: options.maybe_number("patience"),
        best: best?,
        group_by,
    })
}

/// The column that groups rows: there is one, whoever names it.
fn group_by(options: &Options<'_>, tasks: &[Option<Task>], sink: &mut Sink) -> Option<String> {
    let mut chosen = options.column("group_by").zip(options.written("group_by"));
    for task in tasks.iter().flatten() {
        let Some(group) = &task.group else { continue };
        match &chosen {
            None => chosen = Some((group.text.clone(), group.span)),
            Some((column, at)) if *column != group.text => sink.push(diagnostic!(
                ConflictingOptions, group.span, "the rows are grouped by `{column}`, and by `{}` here", group.text;
                label(*at): "`{column}` is written here";
                help: "a batch keeps the rows of one group together: write one column for every `group` and `group_by`"
            )),
            Some(_) => {}
        }
    }
    chosen.map(|(column, _)| column)
}

fn optimizer((name, options): (&str, &Options<'_>)) -> Optimizer {
    let number = |name| options.number(name);
    let lr = number("lr");
    match name {
        "adagrad" => Optimizer::Adagrad { lr, eps: number("eps") },
        "sgd" => Optimizer::Sgd { lr, momentum: number("momentum") },
        _ => Optimizer::Adam {
            lr,
            beta1: number("beta1"),
            beta2: number("beta2"),
            eps: number("eps"),
            weight_decay: number("weight_decay"),
        },
    }
}

fn row_optimizer((name, options): (&str, &Options<'_>)) -> RowOptimizer {
    let number = |name| options.number(name);
    let lr = number("lr");
    let adam = || (number("beta1"), number("beta2"), number("eps"));
    match name {
        "adam" => {
            let (beta1, beta2, eps) = adam();
            RowOptimizer::Adam { lr, beta1, beta2, eps }
        }
        "lazy_adam" => {
            let (beta1, beta2, eps) = adam();
            RowOptimizer::LazyAdam { lr, beta1, beta2, eps }
        }
        "adagrad" => RowOptimizer::Adagrad { lr, eps: number("eps") },
        "sgd" => RowOptimizer::Sgd { lr },
        _ => RowOptimizer::RowwiseAdagrad { lr, eps: number("eps") },
    }
}

/// `auc` or `auc(click)`.
fn metric(names: &Names<'_>, tasks: &[Option<Task>], expr: &Expr, grouped: bool, sink: &mut Sink) -> Option<Metric> {
    let known = || METRICS.iter().map(|(name, _)| *name);
    let Some((called, given)) = expr.as_call() else {
        let help = did_you_mean("", "metrics", known());
        sink.push(
            diagnostic!(WrongArgument, expr.span, "`best` takes a metric, found {}", expr.describe(); help: "{help}"),
        );
        return None;
    };
    let kind = match called.text.as_str() {
        "auc" => MetricKind::Auc,
        "gauc" => MetricKind::Gauc,
        "logloss" => MetricKind::Logloss,
        "rmse" => MetricKind::Rmse,
        "accuracy" => MetricKind::Accuracy,
        "loss" => MetricKind::Loss,
        other => {
            let help = did_you_mean(other, "metrics", known());
            sink.push(diagnostic!(UnknownMetric, called.span, "no metric named `{other}`"; help: "{help}"));
            return None;
        }
    };
    if kind == MetricKind::Gauc && !grouped {
        sink.push(diagnostic!(
            MissingGroup, called.span, "`gauc` needs `group_by`"; help: "name the column that groups rows: `group_by: user_id`"
        ));
        return None;
    }
    let task = match given {
        [] => None,
        [only] if only.name.is_none() && kind != MetricKind::Loss => Some(task(names, &only.value, sink)?),
        [first, ..] => {
            let help = if kind == MetricKind::Loss {
                "`loss` is of the whole model"
            } else {
                "name one task, or none for the mean"
            };
            sink.push(diagnostic!(ArgumentCount, first.value.span, "`{}` is of one task or of all", called.text; help: "{help}"));
            return None;
        }
    };
    let fits = |task: &Task| match kind {
        MetricKind::Loss => true,
        MetricKind::Rmse => matches!(task.kind, TaskKind::Regression { .. } | TaskKind::Ordinal { .. }),
        MetricKind::Gauc => {
            matches!(task.kind, TaskKind::Binary { .. } | TaskKind::Pairwise | TaskKind::Listwise { .. })
        }
        MetricKind::Accuracy => matches!(task.kind, TaskKind::Multiclass { .. }),
        MetricKind::Logloss => matches!(task.kind, TaskKind::Binary { .. } | TaskKind::Multiclass { .. }),
        _ => matches!(task.kind, TaskKind::Binary { .. }),
    };
    let needs = match kind {
        MetricKind::Rmse => "`regression`",
        MetricKind::Gauc => "`binary` and `pairwise`",
        MetricKind::Accuracy => "`multiclass`",
        MetricKind::Logloss => "`binary` and `multiclass`",
        _ => "`binary`",
    };
    let known = tasks.iter().all(Option::is_some);
    match task {
        Some(TaskId(at)) if !tasks[at].as_ref().is_none_or(fits) => {
            let name = &names.tasks[at].name;
            sink.push(diagnostic!(
                MetricMismatch, expr.span, "`{}` is a metric of {needs} tasks, and `{}` is none", called.text, name.text;
                label(name.span): "declared here"
            ));
            None
        }
        None if known && !tasks.is_empty() && !tasks.iter().flatten().any(fits) => {
            sink.push(diagnostic!(
                MetricMismatch, expr.span, "`{}` is a metric of {needs} tasks, and this model has none", called.text;
                help: "choose another metric, such as `loss`"
            ));
            None
        }
        task => Some(Metric { kind, task }),
    }
}

fn task(names: &Names<'_>, expr: &Expr, sink: &mut Sink) -> Option<TaskId> {
    let Some((name, [])) = expr.as_call() else {
        sink.push(diagnostic!(WrongArgument, expr.span, "a metric is of a task, found {}", expr.describe()));
        return None;
    };
    let found = names.task(&name.text);
    if found.is_none() {
        let help = did_you_mean(&name.text, "tasks", names.task_names());
        sink.push(diagnostic!(UnknownTask, name.span, "no task named `{}`", name.text; help: "{help}"));
    }
    found.map(TaskId)
}
