//! `stages`: parts of training, whose losses they train and what they move.

use super::Sink;
use super::options::{self, Options};
use crate::ast::{Expr, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{self, Model, Moves, Name, Number, RowOptimizer, Stage, TaskId, Turns, Weighting};
use crate::ir::{self, Part};
use crate::resolve::{Declared, Names};
use crate::schema::Range;
use crate::schema::train::STAGE;
use crate::suggest::did_you_mean;
use crate::{lower, optimize};

/// The stages with every name known; none at all when `stages` is left out.
pub(super) fn read(names: &Names<'_>, options: &Options<'_>, sink: &mut Sink) -> Option<Vec<Stage>> {
    let Some(expr) = options.expr("stages") else { return Some(Vec::new()) };
    if let Some(epochs) = options.written("epochs") {
        sink.push(diagnostic!(
            ConflictingOptions, epochs, "with `stages`, `epochs` is the sum of theirs"; label(expr.span): "the stages";
            help: "leave it out, and write the epochs of each stage"
        ));
    }
    let items = match &expr.kind {
        ExprKind::List(items) if !items.is_empty() => items,
        _ => {
            let found = if let ExprKind::List(_) = expr.kind { "an empty list".to_owned() } else { expr.describe() };
            sink.push(diagnostic!(
                WrongArgument, expr.span, "`stages` takes a list of stages, found {found}"; help: "write `[stage(epochs: 2), stage(epochs: 1)]`"
            ));
            return None;
        }
    };
    let stages: Vec<_> = items.iter().map(|item| stage(names, item, sink)).collect();
    stages.into_iter().collect()
}

fn stage(names: &Names<'_>, expr: &Expr, sink: &mut Sink) -> Option<Stage> {
    let Some((called, given)) = expr.as_call().filter(|(called, _)| called.text == "stage") else {
        sink.push(diagnostic!(
            WrongArgument, expr.span, "`stages` holds `stage(...)`, found {}", expr.describe(); help: "write `stage(epochs: 2)`"
        ));
        return None;
    };
    let given = options::arguments(given, sink);
    let options = options::read(&STAGE, given, called.span, sink)?;
    let tasks = options.expr("tasks").map_or(Some(Turns::Joint), |expr| turns(names, expr, sink));
    let mut list = |name: &str| options.expr(name).map(|expr| (expr.span, parts(names, name, expr, sink)));
    let (frozen, trained) = (list("freeze"), list("train"));
    let moves = match (frozen, trained) {
        (Some((first, _)), Some((second, _))) => {
            sink.push(diagnostic!(
                ConflictingOptions, second, "`train` says what alone moves, and `freeze` what does not"; label(first): "written here";
                help: "write one of them"
            ));
            return None;
        }
        (None, Some((_, trained))) => trained.map(Moves::Only),
        (frozen, None) => frozen.map_or(Some(Vec::new()), |(_, frozen)| frozen).map(Moves::AllBut),
    };
    let rates = options.expr("lr").map_or(Some(Vec::new()), |expr| rates(names, expr, sink));
    Some(Stage {
        epochs: options.number("epochs"),
        tasks: tasks?,
        tasks_span: options.written("tasks"),
        moves: moves?,
        rates: rates?,
        span: expr.span,
    })
}

/// `joint`, `alternate` or a list of tasks.
fn turns(names: &Names<'_>, expr: &Expr, sink: &mut Sink) -> Option<Turns> {
    const WORDS: [&str; 2] = ["joint", "alternate"];
    match &expr.kind {
        ExprKind::Name(word) if word == "joint" => Some(Turns::Joint),
        ExprKind::Name(word) if word == "alternate" => {
            if names.tasks.len() == 1 {
                sink.push(diagnostic!(ConflictingOptions, expr.span, "tasks alternate, and there is one"; help: "leave `tasks` out"));
                return None;
            }
            Some(Turns::Alternate)
        }
        ExprKind::Name(word) => {
            let help = match names.task(word) {
                Some(_) => format!("write a list: `tasks: [{word}]`"),
                None => format!("{}; or a list of tasks", did_you_mean(word, "words", WORDS)),
            };
            sink.push(diagnostic!(UnknownWord, expr.span, "`tasks` cannot be `{word}`"; help: "{help}"));
            None
        }
        ExprKind::List(items) if !items.is_empty() => {
            let mut tasks: Vec<TaskId> = Vec::new();
            for item in items {
                let ExprKind::Name(name) = &item.kind else {
                    sink.push(diagnostic!(WrongArgument, item.span, "`tasks` lists tasks, found {}", item.describe()));
                    return None;
                };
                let Some(task) = names.task(name).map(TaskId) else {
                    let help = did_you_mean(name, "tasks", names.task_names());
                    sink.push(diagnostic!(UnknownTask, item.span, "no task named `{name}`"; help: "{help}"));
                    return None;
                };
                if tasks.contains(&task) {
                    sink.push(
                        diagnostic!(DuplicateOption, item.span, "`{name}` is listed twice"; help: "list it once"),
                    );
                    return None;
                }
                tasks.push(task);
            }
            tasks.sort();
            Some(Turns::Only(tasks))
        }
        _ => {
            let found = if let ExprKind::List(_) = expr.kind { "an empty list".to_owned() } else { expr.describe() };
            sink.push(diagnostic!(
                WrongArgument, expr.span, "`tasks` takes a word or a list of tasks, found {found}";
                help: "write `joint`, `alternate`, or `[{}]`", names.task_names().next().unwrap_or("click")
            ));
            None
        }
    }
}

/// The names in a list of parts.
fn parts(names: &Names<'_>, option: &str, expr: &Expr, sink: &mut Sink) -> Option<Vec<Name>> {
    let items = match &expr.kind {
        ExprKind::List(items) if !items.is_empty() => items,
        _ => {
            let found = if let ExprKind::List(_) = expr.kind { "an empty list".to_owned() } else { expr.describe() };
            sink.push(diagnostic!(
                WrongArgument, expr.span, "`{option}` takes a list of names, found {found}";
                help: "list lets, tasks (their towers), entities and features (their tables): `{option}: [h]`"
            ));
            return None;
        }
    };
    let found: Vec<_> = items
        .iter()
        .map(|item| match &item.kind {
            ExprKind::Name(name) => part(names, &Name { text: name.clone(), span: item.span }, sink),
            _ => {
                sink.push(diagnostic!(WrongArgument, item.span, "`{option}` lists names, found {}", item.describe()));
                None
            }
        })
        .collect();
    found.into_iter().collect()
}

/// A name that is one of a part.
fn part(names: &Names<'_>, name: &Name, sink: &mut Sink) -> Option<Name> {
    let each = names.towers.iter().any(|tower| tower.name.text == "each");
    match names.find(&name.text) {
        Some((Declared::Rank(_), at)) => {
            sink.push(diagnostic!(
                UnknownName, name.span, "`{}` is a rank, which training does not move", name.text; label(at): "declared here"
            ));
            None
        }
        Some(_) => Some(name.clone()),
        None if name.text == "each" && each => Some(name.clone()),
        None => {
            let lets = names.lets.iter().map(|binding| binding.name.text.as_str());
            let entities = names.entities.iter().map(|entity| entity.name.text.as_str());
            let known = lets.chain(names.task_names()).chain(each.then_some("each")).chain(entities);
            let help = did_you_mean(&name.text, "parts", known.chain(names.feature_names()));
            sink.push(diagnostic!(
                UnknownName, name.span, "no let, task, entity or feature named `{}`", name.text; help: "{help}"
            ));
            None
        }
    }
}

/// `each(h: 0.1, click: 0.5)`.
fn rates(names: &Names<'_>, expr: &Expr, sink: &mut Sink) -> Option<Vec<(Name, Number)>> {
    let Some((_, given)) = expr.as_call().filter(|(called, given)| called.text == "each" && !given.is_empty()) else {
        sink.push(diagnostic!(
            WrongArgument, expr.span, "`lr` takes a factor for each of some parts, found {}", expr.describe();
            help: "write `each(h: 0.1)`; the learning rates are those of `optimizer` and `embeddings`, times the factor"
        ));
        return None;
    };
    let mut rates = Vec::new();
    for argument in given {
        let (Some(name), None) = (&argument.name, &argument.given) else {
            sink.push(diagnostic!(
                ArgumentCount, argument.value.span, "this factor belongs to no part"; help: "write `each(h: 0.1)`"
            ));
            rates.push(None);
            continue;
        };
        let factor = options::number("a factor on the learning rate", Range::POSITIVE, &argument.value, sink);
        rates.push(part(names, name, sink).zip(factor));
    }
    rates.into_iter().collect()
}

/// Reports stages that this model cannot have, and names that hold nothing or the same. The model has no errors.
pub(super) fn check(model: &Model, sink: &mut Sink) {
    let Some(first) = model.train.stages.first() else { return };
    let subnets = model
        .lets
        .iter()
        .filter_map(|binding| super::subnets::calls(&binding.value).first().map(|call| call.name_span));
    if let Some(subnet) = subnets.into_iter().next() {
        sink.push(diagnostic!(
            ConflictingOptions, first.span, "`subnet` trains in stages of its own, whose tasks and masks they decide";
            label(subnet): "this one"; help: "leave `stages` out, and write `epochs`"
        ));
        return;
    }
    let ir = optimize::optimize(lower::lower(model));
    let parts = ir::parts(model, &ir);
    for stage in &model.train.stages {
        if stage.tasks != Turns::Joint {
            turns_fit(model, stage, sink);
        }
        moves_fit(model, &parts, stage, sink);
    }
}

/// Reports what the steps of some tasks alone cannot train.
fn turns_fit(model: &Model, stage: &Stage, sink: &mut Sink) {
    let at = stage.tasks_span.unwrap_or(stage.span);
    if let Weighting::Method(method) = &model.weighting {
        sink.push(diagnostic!(
            ConflictingOptions, at, "`{}` balances the tasks of one step, and this stage trains some of them", method.name;
            help: "leave `tasks` out, or choose `weighting: equal`, `fixed(...)` or `uncertainty`"
        ));
    }
    if let Some(term) = model.terms.first() {
        sink.push(diagnostic!(
            ConflictingOptions, at, "a term of the loss is about two tasks, and this stage trains some of them";
            label(term.span()): "this one"; help: "leave `tasks` out, or leave the term out"
        ));
    }
    let moments = matches!(model.train.embeddings, RowOptimizer::Adam { .. } | RowOptimizer::LazyAdam { .. });
    let own = model.features.iter().find(|feature| feature.reading.own || feature.reading.wide);
    if let (true, Some(feature)) = (moments, own) {
        sink.push(diagnostic!(
            ConflictingOptions, at, "a row of `{}` holds values of each task, and momentum would move those of the others", feature.name.text;
            label(feature.name.span): "declared here"; help: "choose `embeddings: rowwise_adagrad(...)`, `adagrad(...)` or `sgd(...)`"
        ));
    }
}

/// Reports names without parameters or with those of another, and a stage that moves nothing.
fn moves_fit(model: &Model, parts: &[Part], stage: &Stage, sink: &mut Sink) {
    let errors = sink.len();
    let mut find = |name: &Name| {
        let found = parts.iter().find(|part| part.name == name.text);
        if found.is_none() {
            holds_nothing(model, name, sink);
        }
        found
    };
    let (Moves::AllBut(named) | Moves::Only(named)) = &stage.moves;
    let named: Vec<(&Name, Option<&Part>)> = named.iter().map(|name| (name, find(name))).collect();
    let rates: Vec<(&Name, Option<&Part>)> = stage.rates.iter().map(|(name, _)| (name, find(name))).collect();
    for list in [&named, &rates] {
        for (at, (name, part)) in list.iter().enumerate() {
            let overlaps = |(_, other): &&(&Name, Option<&Part>)| other.zip(*part).is_some_and(|(a, b)| meet(a, b));
            if let Some((first, _)) = list[..at].iter().find(overlaps) {
                sink.push(diagnostic!(
                    DuplicateOption, name.span, "what `{}` holds is named already", name.text;
                    label(first.span): "as `{}`", first.text; help: "name each part once"
                ));
            }
        }
    }
    if sink.len() > errors {
        return;
    }
    let held = |part: &Part| {
        let listed = || named.iter().filter_map(|(_, other)| *other);
        match &stage.moves {
            Moves::AllBut(_) => listed().any(|other| meet(part, other)),
            Moves::Only(_) => !listed().any(|other| meet(part, other)),
        }
    };
    for (name, part) in &rates {
        if part.is_some_and(held) {
            sink.push(diagnostic!(
                ConflictingOptions, name.span, "`{}` stands still in this stage, whatever its learning rate", name.text;
                help: "leave the factor out, or let the part move"
            ));
        }
    }
    let trained = |part: &Part| {
        let task = model.tasks.iter().position(|task| task.name.text == part.name);
        match (&stage.tasks, task) {
            (Turns::Only(tasks), Some(task)) => tasks.contains(&TaskId(task)),
            _ => true,
        }
    };
    // Entities and `each` are made of the others.
    let made = |part: &&Part| part.name != "each" && !model.entities.iter().any(|entity| entity.name.text == part.name);
    if parts.iter().filter(made).all(|part| held(part) || !trained(part)) {
        sink.push(diagnostic!(
            ConflictingOptions, stage.span, "nothing moves in this stage"; help: "freeze less, or leave the stage out"
        ));
    }
}

/// Whether two parts hold something in common.
fn meet(a: &Part, b: &Part) -> bool {
    a.shares.iter().any(|share| b.shares.contains(share)) || a.tables.iter().any(|table| b.tables.contains(table))
}

/// Reports a name that holds nothing that is trained.
fn holds_nothing(model: &Model, name: &Name, sink: &mut Sink) {
    let feature = model.features.iter().find(|feature| feature.name.text == name.text);
    let task = model.tasks.iter().position(|task| task.name.text == name.text);
    let shared = feature.and_then(|feature| match feature.kind {
        hir::FeatureKind::Ids { share: Some(owner), .. } => Some(&model.features[owner.0].name.text),
        _ => None,
    });
    let each = |task| {
        model.towers.iter().any(|tower| tower.each && tower.tasks.len() > 1 && tower.tasks.contains(&TaskId(task)))
    };
    let problem = diagnostic!(ConflictingOptions, name.span, "`{}` holds nothing that is trained", name.text);
    sink.push(match (shared, task) {
        (Some(owner), _) => problem.help(format!("it reads the table of `{owner}`: name that")),
        (None, Some(task)) if each(task) => problem
            .help(format!("its tower is one with others' here: name `each`, or write `tower {} = ...;`", name.text)),
        _ => problem.help("leave it out"),
    });
}
