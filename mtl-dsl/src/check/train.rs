//! The `train` block.

use super::options::{self, Options};
use super::{Sink, best, stages};
use crate::diagnostic::diagnostic;
use crate::hir::{Optimizer, RowOptimizer, Task, Train};
use crate::resolve::Names;
use crate::schema::train::TRAIN;
use crate::source::Span;

/// The `train` entries with their defaults, which stand at `model` when there is no block.
pub(super) fn check(names: &Names<'_>, tasks: &[Option<Task>], model: Span, sink: &mut Sink) -> Option<Train> {
    let (entries, at) = match names.train {
        Some(block) => (options::entries(&block.entries), block.word.span),
        None => (Vec::new(), model),
    };
    let options = options::read(&TRAIN, entries, at, sink)?;
    let group_by = group_by(&options, tasks, sink);
    let best = match options.expr("best") {
        Some(expr) => best::check(names, tasks, expr, group_by.is_some(), sink),
        None => Some((best::usual(tasks, model), false)),
    };
    let stages = stages::read(names, &options, sink);
    let (best, best_of_each) = best?;
    Some(Train {
        optimizer: optimizer(options.choice("optimizer")),
        embeddings: row_optimizer(options.choice("embeddings")),
        batch: options.number("batch"),
        epochs: options.number("epochs"),
        stages: stages?,
        seed: options.number("seed"),
        clip: options.maybe_number("clip"),
        patience: options.maybe_number("patience"),
        best,
        best_of_each,
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
