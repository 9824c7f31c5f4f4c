//! Features: kinds, tables, and who shares whose.

use super::Sink;
use super::options::{self, Options};
use crate::ast::{Entry, Expr, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{Feature, FeatureId, FeatureKind, Number, Pool, Reading, Rows};
use crate::resolve::{Declared, Names};
use crate::schema::features::KINDS;
use crate::source::Span;
use crate::suggest::did_you_mean;

/// The features in the order of [`Names::features`]; none where one is wrong.
pub(super) fn check(names: &Names<'_>, sink: &mut Sink) -> Vec<Option<Feature>> {
    let mut features = Vec::new();
    let mut shares = Vec::new();
    for (at, (entity, entry)) in names.features.iter().enumerate() {
        let Some((kind, options)) = read(entry, sink) else {
            features.push(None);
            continue;
        };
        let share = if matches!(kind, "ids" | "text") { options.expr("share") } else { None };
        let feature = |kind| Feature {
            name: entry.name.clone(),
            docs: entry.docs.clone(),
            entity: names.entities[*entity].name.text.clone(),
            column: options.column("column").unwrap_or_else(|| entry.name.text.clone()),
            kind,
            reading: Reading::default(),
        };
        let kind = match share {
            Some(owner) => shared_bag(kind, &options, owner, sink),
            None => own_kind(kind, &options, entry, sink),
        };
        features.push(kind.map(feature));
        if let Some(owner) = share {
            shares.push((at, owner));
        }
    }
    for (at, owner) in shares {
        features[at] = features[at].take().and_then(|feature| share(names, &features, at, feature, owner, sink));
    }
    features
}

fn read<'a>(entry: &'a Entry, sink: &mut Sink) -> Option<(&'static str, Options<'a>)> {
    let kinds = || KINDS.iter().map(|kind| kind.name);
    let Some((called, given)) = entry.value.as_call() else {
        let help = did_you_mean("", "kinds of features", kinds());
        let found = entry.value.describe();
        sink.push(diagnostic!(WrongArgument, entry.value.span, "a feature has a kind, found {found}"; help: "{help}"));
        return None;
    };
    let Some(kind) = KINDS.iter().find(|kind| kind.name == called.text) else {
        let help = did_you_mean(&called.text, "kinds of features", kinds());
        sink.push(diagnostic!(UnknownKind, called.span, "no kind of feature named `{}`", called.text; help: "{help}"));
        return None;
    };
    let given = options::arguments(given, sink);
    Some((kind.name, options::read(kind, given, called.span, sink)?))
}

fn own_kind(kind: &str, options: &Options<'_>, entry: &Entry, sink: &mut Sink) -> Option<FeatureKind> {
    let at = entry.value.as_call().map_or(entry.value.span, |(called, _)| called.span);
    Some(match kind {
        "number" => FeatureKind::Number {
            log1p: options.word("transform") == "log1p",
            standard: options.word("scale") == "standard",
            indicator: options.word("missing") == "indicator",
        },
        "category" => FeatureKind::Id {
            category: true,
            rows: Rows::Vocabulary { min_count: min_count(options, at) },
            dim: options.number("dim"),
            unseen_is_missing: options.word("unseen") == "missing",
            init: options.number("init"),
        },
        "id" => FeatureKind::Id {
            category: false,
            rows: rows(kind, options, at, sink)?,
            dim: options.number("dim"),
            unseen_is_missing: options.word("unseen") == "missing",
            init: options.number("init"),
        },
        _ => {
            let rows = rows(kind, options, at, sink);
            let Some(dim) = options.maybe_number("dim") else {
                sink.push(
                    diagnostic!(MissingOption, at, "`{kind}` needs `dim` or `share`"; help: "the width of the embedding"),
                );
                return None;
            };
            FeatureKind::Ids {
                words: kind == "text",
                rows: rows?,
                dim,
                unseen_is_missing: options.word("unseen") == "missing",
                init: options.maybe_number("init").unwrap_or(Number { value: 0.01, span: at }),
                share: None,
                max_len: options.number("max_len"),
                pool: pool(options),
            }
        }
    })
}

/// `buckets` or `vocab`, and what goes with each.
fn rows(kind: &str, options: &Options<'_>, at: Span, sink: &mut Sink) -> Option<Rows> {
    match (options.maybe_number("buckets"), options.written("vocab")) {
        (Some(_), Some(vocab)) => {
            conflict(
                vocab,
                "`vocab` and `buckets` are two answers to one question: leave one out",
                options,
                "buckets",
                sink,
            );
            None
        }
        (Some(buckets), None) => {
            for (option, why) in [
                ("min_count", "hashed values need no count: `min_count` belongs to `vocab: auto`"),
                ("unseen", "every value has a bucket, so none is unseen: `unseen` belongs to `vocab: auto`"),
            ] {
                if let Some(span) = options.written(option) {
                    conflict(span, why, options, "buckets", sink);
                }
            }
            Some(Rows::Buckets(buckets))
        }
        (None, Some(_)) => Some(Rows::Vocabulary { min_count: min_count(options, at) }),
        (None, None) => {
            sink.push(diagnostic!(
                MissingOption, at, "`{kind}` needs `buckets` or `vocab`";
                help: "`vocab: auto` gives every value of the training data a row, `buckets: n` hashes values into n rows"
            ));
            None
        }
    }
}

fn conflict(span: Span, why: &str, options: &Options<'_>, other: &str, sink: &mut Sink) {
    let at = options.written(other).unwrap_or(span);
    sink.push(diagnostic!(ConflictingOptions, span, "{why}"; label(at): "`{other}` is written here"));
}

fn min_count(options: &Options<'_>, at: Span) -> Number {
    options.maybe_number("min_count").unwrap_or(Number { value: 1.0, span: at })
}

fn pool(options: &Options<'_>) -> Pool {
    match options.word("pool") {
        "sum" => Pool::Sum,
        "max" => Pool::Max,
        "none" => Pool::None,
        _ => Pool::Mean,
    }
}

/// A bag that reads another feature's table. Its table is filled in by [`share`], when every owner is known.
fn shared_bag(kind: &str, options: &Options<'_>, owner: &Expr, sink: &mut Sink) -> Option<FeatureKind> {
    let errors = sink.len();
    for option in ["buckets", "vocab", "dim", "min_count", "unseen", "init"] {
        if let Some(span) = options.written(option) {
            conflict(span, &format!("the shared table decides `{option}`: leave it out"), options, "share", sink);
        }
    }
    let nothing = Number { value: 0.0, span: owner.span };
    (sink.len() == errors).then(|| FeatureKind::Ids {
        words: kind == "text",
        rows: Rows::Buckets(nothing),
        dim: nothing,
        unseen_is_missing: false,
        init: nothing,
        share: None,
        max_len: options.number("max_len"),
        pool: pool(options),
    })
}

/// Gives a bag the table of its owner.
fn share(
    names: &Names<'_>,
    features: &[Option<Feature>],
    at: usize,
    mut feature: Feature,
    owner: &Expr,
    sink: &mut Sink,
) -> Option<Feature> {
    let ExprKind::Name(name) = &owner.kind else {
        sink.push(diagnostic!(WrongArgument, owner.span, "`share` takes a feature, found {}", owner.describe()));
        return None;
    };
    let id = match names.find(name) {
        Some((Declared::Feature(id), _)) => id,
        _ => {
            let help = did_you_mean(name, "features", names.feature_names());
            sink.push(diagnostic!(UnknownFeature, owner.span, "no feature named `{name}`"; help: "{help}"));
            return None;
        }
    };
    let is_bag = |entry: &Entry| {
        entry.value.as_call().is_some_and(|(kind, given)| {
            matches!(kind.text.as_str(), "ids" | "text")
                && given.iter().any(|given| given.name.as_ref().is_some_and(|name| name.text == "share"))
        })
    };
    let borrowed = is_bag(names.features[id].1);
    let help = match feature.kind {
        FeatureKind::Ids { words: true, .. } => "share the table of another `text` with its own",
        _ => "share the table of an `id`, a `category`, or an `ids` with its own",
    };
    let mut refuse = |why: &str| {
        sink.push(diagnostic!(
            NoTableToShare, owner.span, "`{name}` {why}";
            label(names.features[id].1.name.span): "declared here"; help: "{help}"
        ));
        None
    };
    if id == at {
        return refuse("is this feature itself");
    }
    if borrowed {
        return refuse("has no table of its own: it shares another");
    }
    let owner = features[id].as_ref()?;
    let FeatureKind::Ids { words, rows, dim, unseen_is_missing, init, share, .. } = &mut feature.kind else {
        return None;
    };
    match &owner.kind {
        FeatureKind::Id { .. } | FeatureKind::Ids { words: false, .. } if *words => {
            return refuse("is a table of ids, and a text reads words");
        }
        FeatureKind::Ids { words: true, .. } if !*words => return refuse("is a table of words, and `ids` reads ids"),
        FeatureKind::Id { rows: r, dim: d, unseen_is_missing: u, init: i, .. }
        | FeatureKind::Ids { rows: r, dim: d, unseen_is_missing: u, init: i, .. } => {
            (*rows, *dim, *unseen_is_missing, *init, *share) = (*r, *d, *u, *i, Some(FeatureId(id)));
        }
        FeatureKind::Number { .. } => return refuse("is a number and has no table"),
    }
    Some(feature)
}

/// The columns of the input matrix that a feature fills.
pub(super) fn width(feature: &Feature) -> usize {
    match &feature.kind {
        FeatureKind::Id { dim, .. } | FeatureKind::Ids { dim, .. } => dim.value as usize,
        FeatureKind::Number { indicator, .. } => 1 + usize::from(*indicator),
    }
}
