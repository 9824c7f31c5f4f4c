//! The `tune` block: what is made large, under which constraints, by which parameters of a rank.

use super::options::{self, Options};
use super::{Sink, reads};
use crate::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::diagnostic::diagnostic;
use crate::hir::{Compare, Goal, Rank, ScoreMetric, Search, Task, TaskId, TaskKind, Train, Tune};
use crate::resolve::{Declared, Names};
use crate::schema::tune::{SCORE_METRICS, TUNE};
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
        Some(written) => {
            let all: Vec<_> = items(written).iter().map(|item| scope.constraint(item, sink)).collect();
            if all.is_empty() {
                sink.push(diagnostic!(WrongArgument, written.span, "`subject_to` is empty"; help: "leave it out"));
            }
            all.into_iter().collect()
        }
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

/// A weighted sum of metrics, while it is read.
#[derive(Default)]
struct Sum {
    terms: Vec<(f64, ScoreMetric)>,
    constant: f64,
}

impl Sum {
    fn scaled(mut self, factor: f64) -> Self {
        self.terms.iter_mut().for_each(|(own, _)| *own *= factor);
        self.constant *= factor;
        self
    }

    /// Terms of one metric become one.
    fn plus(mut self, other: Self) -> Self {
        for (factor, metric) in other.terms {
            match self.terms.iter_mut().find(|(_, own)| same(own, &metric)) {
                Some((own, _)) => *own += factor,
                None => self.terms.push((factor, metric)),
            }
        }
        self.constant += other.constant;
        self
    }
}

/// Whether two metrics are one, wherever they stand.
fn same(a: &ScoreMetric, b: &ScoreMetric) -> bool {
    let k = |metric: &ScoreMetric| metric.k.map(|k| k.value);
    (a.name, a.task, k(a)) == (b.name, b.task, k(b))
}

impl Scope<'_> {
    fn rank(&self, options: &Options<'_>, at: crate::source::Span, sink: &mut Sink) -> Option<usize> {
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

    fn goals(&self, options: &Options<'_>, at: crate::source::Span, sink: &mut Sink) -> Option<Vec<Goal>> {
        match (options.expr("maximize"), options.expr("pareto")) {
            (Some(one), None) => Some(vec![self.goal(one, sink)?]),
            (None, Some(several)) => {
                let items = items(several);
                if !(2..=3).contains(&items.len()) {
                    sink.push(diagnostic!(
                        WrongArgument, several.span, "`pareto` takes two or three goals, found {}", items.len();
                        help: "write `pareto: [gauc(buy), gauc(like)]`, or `maximize` for one"
                    ));
                    return None;
                }
                let goals: Vec<_> = items.iter().map(|item| self.goal(item, sink)).collect();
                let goals = goals.into_iter().collect::<Option<Vec<Goal>>>()?;
                for (place, goal) in goals.iter().enumerate() {
                    let equal = |other: &&Goal| {
                        let pair = |((a, x), (b, y)): (&(f64, ScoreMetric), &(f64, ScoreMetric))| a == b && same(x, y);
                        other.terms.len() == goal.terms.len() && other.terms.iter().zip(&goal.terms).all(pair)
                    };
                    if let Some(first) = goals[..place].iter().find(equal) {
                        sink.push(diagnostic!(
                            DuplicateOption, goal.span, "this goal stands here twice"; label(first.span): "first written here"
                        ));
                        return None;
                    }
                }
                Some(goals)
            }
            (Some(_), Some(second)) => {
                sink.push(diagnostic!(
                    ConflictingOptions, second.span, "`maximize` asks for one point, and `pareto` for a front"; help: "leave one out"
                ));
                None
            }
            (None, None) => {
                sink.push(diagnostic!(
                    MissingOption, at, "`tune` needs `maximize`, or `pareto`";
                    help: "write what the score is to be good at: `maximize: gauc(click)`"
                ));
                None
            }
        }
    }

    fn goal(&self, expr: &Expr, sink: &mut Sink) -> Option<Goal> {
        let sum = self.sum(expr, sink)?;
        self.finished(sum, expr, "a goal", sink)
    }

    /// `left >= right` as what must not be negative.
    fn constraint(&self, expr: &Expr, sink: &mut Sink) -> Option<Goal> {
        let ExprKind::Binary(BinaryOp::Compare(op @ (Compare::GreaterOrEqual | Compare::LessOrEqual)), left, right) =
            &expr.kind
        else {
            sink.push(diagnostic!(
                MisplacedExpression, expr.span, "a constraint is `>=` or `<=` between metrics and numbers, found {}", expr.describe();
                help: "write `auc(click) >= 0.72`"
            ));
            return None;
        };
        let (left, right) = (self.sum(left, sink), self.sum(right, sink));
        let sign = if *op == Compare::GreaterOrEqual { 1.0 } else { -1.0 };
        self.finished(left?.scaled(sign).plus(right?.scaled(-sign)), expr, "a constraint", sink)
    }

    /// Reports a sum in which no metric is left, or one that is too large.
    fn finished(&self, sum: Sum, expr: &Expr, what: &str, sink: &mut Sink) -> Option<Goal> {
        let Sum { terms, constant } = sum;
        if !constant.is_finite() || terms.iter().any(|(factor, _)| !factor.is_finite()) {
            sink.push(diagnostic!(Overflow, expr.span, "a number of this is infinite"));
            return None;
        }
        if terms.is_empty() {
            let help = did_you_mean("", "metrics", SCORE_METRICS.iter().map(|metric| metric.name));
            sink.push(diagnostic!(MisplacedExpression, expr.span, "{what} is about metrics, and this has none"; help: "{help}"));
            return None;
        }
        if let Some((_, metric)) = terms.iter().find(|(factor, _)| *factor == 0.0) {
            let task = &self.names.tasks[metric.task.0].name.text;
            sink.push(diagnostic!(MisplacedExpression, expr.span, "`{}({task})` has no part in this: its factor is 0", metric.name; help: "leave it out"));
            return None;
        }
        Some(Goal { terms, constant, span: expr.span })
    }

    fn sum(&self, expr: &Expr, sink: &mut Sink) -> Option<Sum> {
        if let Some(constant) = expr.as_number() {
            return Some(Sum { terms: Vec::new(), constant });
        }
        match &expr.kind {
            ExprKind::Unary(UnaryOp::Negate, operand) => Some(self.sum(operand, sink)?.scaled(-1.0)),
            ExprKind::Binary(op @ (BinaryOp::Add | BinaryOp::Subtract), left, right) => {
                let (left, right) = (self.sum(left, sink), self.sum(right, sink));
                let sign = if *op == BinaryOp::Add { 1.0 } else { -1.0 };
                Some(left?.plus(right?.scaled(sign)))
            }
            ExprKind::Binary(op @ (BinaryOp::Multiply | BinaryOp::Divide), left, right) => {
                let (left, right) = (self.sum(left, sink), self.sum(right, sink));
                let (left, right) = (left?, right?);
                match (left.terms.is_empty(), right.terms.is_empty(), op) {
                    (_, true, BinaryOp::Divide) if right.constant == 0.0 => {
                        sink.push(diagnostic!(DivisionByZero, expr.span, "this divides by 0"));
                        None
                    }
                    (_, true, BinaryOp::Divide) => Some(left.scaled(1.0 / right.constant)),
                    (_, true, _) => Some(left.scaled(right.constant)),
                    (true, _, BinaryOp::Multiply) => Some(right.scaled(left.constant)),
                    _ => {
                        sink.push(diagnostic!(
                            MisplacedExpression, expr.span, "metrics are added with factors, not {} each other",
                            if *op == BinaryOp::Divide { "divided by" } else { "multiplied with" };
                            help: "write `0.6 * gauc(buy) + 0.4 * gauc(like)`"
                        ));
                        None
                    }
                }
            }
            ExprKind::Call(_) | ExprKind::Name(_) => {
                Some(Sum { terms: vec![(1.0, self.metric(expr, sink)?)], constant: 0.0 })
            }
            _ => {
                sink.push(diagnostic!(
                    MisplacedExpression, expr.span, "this is a weighted sum of metrics, found {}", expr.describe();
                    help: "write `0.6 * gauc(buy) + 0.4 * gauc(like)`"
                ));
                None
            }
        }
    }

    /// `gauc(click, by: user_id)`.
    fn metric(&self, expr: &Expr, sink: &mut Sink) -> Option<ScoreMetric> {
        let (called, given) = expr.as_call()?;
        let Some(metric) = SCORE_METRICS.iter().find(|metric| metric.name == called.text) else {
            let help = did_you_mean(&called.text, "metrics", SCORE_METRICS.iter().map(|metric| metric.name));
            sink.push(
                diagnostic!(UnknownMetric, called.span, "no metric of scores named `{}`", called.text; help: "{help}"),
            );
            return None;
        };
        let options = options::read(metric, options::arguments(given, sink), called.span, sink)?;
        let written = options.expr("task")?;
        let ExprKind::Name(name) = &written.kind else {
            sink.push(diagnostic!(WrongArgument, written.span, "a metric is of a task, found {}", written.describe()));
            return None;
        };
        let Some(task) = self.names.task(name) else {
            let help = did_you_mean(name, "tasks", self.names.task_names());
            sink.push(diagnostic!(UnknownTask, written.span, "no task named `{name}`"; help: "{help}"));
            return None;
        };
        let (fits, needs): (fn(&TaskKind) -> bool, _) = match metric.name {
            "auc" => (|kind| matches!(kind, TaskKind::Binary { .. }), "`binary`"),
            "ndcg" => (
                |kind| !matches!(kind, TaskKind::Regression { .. } | TaskKind::Multiclass { .. }),
                "`binary`, `pairwise` and `ordinal`",
            ),
            "xauc" => (
                |kind| matches!(kind, TaskKind::Regression { .. } | TaskKind::Ordinal { .. }),
                "`regression` and `ordinal`",
            ),
            _ => (|kind| matches!(kind, TaskKind::Binary { .. } | TaskKind::Pairwise), "`binary` and `pairwise`"),
        };
        if !fits(&self.tasks[task].as_ref()?.kind) {
            sink.push(diagnostic!(
                MetricMismatch, expr.span, "`{}` is a metric of {needs} tasks, and `{name}` is none", metric.name;
                label(self.names.tasks[task].name.span): "declared here"
            ));
            return None;
        }
        let has = |name: &str| metric.parameter(name).is_some();
        if has("by") {
            let grouped = self.train?.group_by.as_ref();
            match (grouped, options.column("by")) {
                (None, _) => {
                    sink.push(diagnostic!(
                        MissingGroup, called.span, "`{}` needs `group_by`", metric.name;
                        help: "name the column that groups rows in `train`: `group_by: user_id`"
                    ));
                    return None;
                }
                (Some(column), Some(by)) if *column != by => {
                    let at = options.written("by").unwrap_or(called.span);
                    sink.push(diagnostic!(
                        ConflictingOptions, at, "the rows are grouped by `{column}`, and by `{by}` here";
                        help: "write one column for `by` and the `group_by` of `train`, or leave `by` out"
                    ));
                    return None;
                }
                _ => {}
            }
        }
        Some(ScoreMetric { name: metric.name, task: TaskId(task), k: has("k").then(|| options.number("k")) })
    }

    /// The parameters to tune, as ranks and their parameters by position.
    fn params(
        &self,
        rank: usize,
        options: &Options<'_>,
        at: crate::source::Span,
        sink: &mut Sink,
    ) -> Option<Vec<(usize, usize)>> {
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
                sink.push(diagnostic!(
                    NothingToTune, at, "`{title}` has no parameter to tune";
                    help: "write `param w = 1.0 in 0.0..5.0;` into the rank; a `request` is set by each request"
                ));
                return None;
            }
            return Some(params);
        };
        let mut params: Vec<((usize, usize), crate::source::Span)> = Vec::new();
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
