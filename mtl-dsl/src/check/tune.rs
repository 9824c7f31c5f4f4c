//! The `tune` block: what is made large, under which constraints, by which parameters of a rank.

mod goals;

use super::options::{self, Options};
use super::{Sink, reads};
use crate::ast::{Expr, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{Rank, Search, Task, Train, Tune};
use crate::resolve::{Declared, Names};
use crate::schema::tune::TUNE;
use crate::source::Span;
use crate::suggest::did_you_mean;

/// The most points that a search evaluates.
const MOST: f64 = 1e7;

/// The block, if there is one; none outside when something is wrong.
pub(super) fn check(
    names: &Names<'_>,
    tasks: &[Option<Task>],
    ranks: &[Option<Rank>],
    train: Option<&Train>,
    sink: &mut Sink,
) -> Option<Option<Tune>> {
    let Some(block) = names.tune else { return Some(None) };
    let options = options::read(&TUNE, options::entries(&block.entries), block.word.span, sink)?;
    let scope = Scope { names, tasks, ranks, train };
    let rank = scope.rank(&options, block.word.span, sink);
    let goals = scope.goals(&options, block.word.span, sink);
    let constraints = match options.expr("subject_to") {
        None => Some(Vec::new()),
        Some(written) => scope.constraints(written, sink),
    };
    let params = rank.and_then(|rank| scope.params(rank, &options, block.word.span, sink));
    let (rank, goals, constraints, params) = (rank?, goals?, constraints?, params?);
    let method = method(options.choice("method"), params.len(), sink)?;
    Some(Some(Tune { rank, goals, constraints, method, params }))
}

fn method((name, options): (&str, &Options<'_>), params: usize, sink: &mut Sink) -> Option<Search> {
    Some(match name {
        "cma_es" => Search::CmaEs { evaluations: options.number("evaluations") },
        "random" => Search::Random { evaluations: options.number("evaluations") },
        _ => {
            let steps = options.number("steps");
            if steps.value.powf(params as f64) > MOST {
                sink.push(diagnostic!(
                    OutOfRange, steps.span, "{} values of each of {params} parameters are more than {MOST} points", steps.value;
                    help: "write fewer `steps`, name fewer `params`, or choose `cma_es`"
                ));
                return None;
            }
            Search::Grid { steps }
        }
    })
}

/// The items of a list, or what stands alone.
fn items(expr: &Expr) -> &[Expr] {
    match &expr.kind {
        ExprKind::List(items) => items,
        _ => std::slice::from_ref(expr),
    }
}

struct Scope<'a> {
    names: &'a Names<'a>,
    tasks: &'a [Option<Task>],
    ranks: &'a [Option<Rank>],
    /// None where the `train` block is wrong, and what depends on it is left alone.
    train: Option<&'a Train>,
}

impl Scope<'_> {
    fn rank(&self, options: &Options<'_>, at: Span, sink: &mut Sink) -> Option<usize> {
        let known = || self.names.ranks.iter().map(|rank| rank.name.text.as_str());
        let Some(written) = options.expr("rank") else {
            let [_] = self.names.ranks[..] else {
                let help = did_you_mean("", "ranks", known());
                sink.push(match self.names.ranks.len() {
                    0 => diagnostic!(UnknownRank, at, "there is no rank to tune"; help: "declare one, such as `rank score {{ param w = 1.0 in 0.0..5.0; w * click }}`"),
                    count => diagnostic!(MissingOption, at, "`tune` needs `rank`: there are {count}"; help: "{help}"),
                });
                return None;
            };
            return Some(0);
        };
        let ExprKind::Name(name) = &written.kind else {
            sink.push(diagnostic!(WrongArgument, written.span, "`rank` takes a rank, found {}", written.describe()));
            return None;
        };
        match self.names.find(name) {
            Some((Declared::Rank(rank), _)) => Some(rank),
            _ => {
                let help = did_you_mean(name, "ranks", known());
                sink.push(diagnostic!(UnknownRank, written.span, "no rank named `{name}`"; help: "{help}"));
                None
            }
        }
    }

    /// The parameters to tune, as ranks and their parameters by position.
    fn params(&self, rank: usize, options: &Options<'_>, at: Span, sink: &mut Sink) -> Option<Vec<(usize, usize)>> {
        self.ranks[rank].as_ref()?;
        let read = reads::closure(self.ranks, rank)?;
        let all: Vec<(usize, usize)> = read
            .iter()
            .flat_map(|of| (0..self.ranks[*of].as_ref().map_or(0, |rank| rank.params.len())).map(move |at| (*of, at)))
            .collect();
        let param = |(rank, at): (usize, usize)| &self.ranks[rank].as_ref().expect("a rank that was read").params[at];
        let moves = |of: &(usize, usize)| !param(*of).request && param(*of).low.value < param(*of).high.value;
        let title = &self.names.ranks[rank].name.text;
        let Some(written) = options.expr("params") else {
            let params: Vec<_> = all.into_iter().filter(moves).collect();
            if params.is_empty() {
                let at = options.written("rank").unwrap_or(at);
                let fusion = self.ranks[rank].as_ref().and_then(|rank| rank.fusion.as_ref());
                let problem = diagnostic!(NothingToTune, at, "`{title}` has no parameter to tune");
                sink.push(match fusion {
                    Some(fusion) => {
                        let task = &self.names.tasks[fusion.target.0].name.text;
                        problem.help(format!(
                            "a learned score is fitted: tune a rank that reads it, such as `rank tuned {{ param w = 1.0 in 0.0..5.0; {title} + w * {task} }}`"
                        ))
                    }
                    None => problem.help("write `param w = 1.0 in 0.0..5.0;` into the rank; a `request` is set by each request"),
                });
                return None;
            }
            return Some(params);
        };
        let mut params: Vec<((usize, usize), Span)> = Vec::new();
        let errors = sink.len();
        for item in items(written) {
            let ExprKind::Name(name) = &item.kind else {
                sink.push(diagnostic!(
                    WrongArgument,
                    item.span,
                    "`params` holds names of parameters, found {}",
                    item.describe()
                ));
                continue;
            };
            let named = |of: &&(usize, usize)| param(**of).name.text == *name;
            let named: Vec<(usize, usize)> = all.iter().filter(named).copied().collect();
            let own = named.iter().find(|of| of.0 == rank);
            let Some(found) = own.or(named.first()).copied() else {
                let known = all.iter().filter(|of| moves(of)).map(|of| param(*of).name.text.as_str());
                let help = did_you_mean(name, "parameters", known);
                sink.push(diagnostic!(UnknownName, item.span, "`{title}` has no parameter `{name}`"; help: "{help}"));
                continue;
            };
            let declared = param(found).name.span;
            if own.is_none() && named.len() > 1 {
                sink.push(diagnostic!(
                    ConflictingOptions, item.span, "several ranks that `{title}` reads have a parameter `{name}`";
                    label(declared): "one is declared here"; help: "give them names of their own"
                ));
            } else if param(found).request {
                sink.push(diagnostic!(
                    WrongArgument, item.span, "each request sets `{name}`, and nothing tunes it"; label(declared): "declared here"
                ));
            } else if !moves(&found) {
                sink.push(diagnostic!(
                    NothingToTune, item.span, "the range of `{name}` is one number"; label(declared): "declared here"
                ));
            } else if let Some((_, first)) = params.iter().find(|(other, _)| *other == found) {
                sink.push(diagnostic!(
                    DuplicateOption, item.span, "`{name}` stands here twice"; label(*first): "first written here"
                ));
            }
            params.push((found, item.span));
        }
        if params.is_empty() && sink.len() == errors {
            sink.push(diagnostic!(
                NothingToTune, written.span, "`params` is empty"; help: "leave it out to tune all parameters of `{title}`"
            ));
        }
        (sink.len() == errors).then(|| params.into_iter().map(|(param, _)| param).collect())
    }
}
