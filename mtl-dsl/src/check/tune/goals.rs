//! Goals and constraints of a search: weighted sums of metrics.

use super::{Scope, items};
use crate::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::check::Sink;
use crate::check::options::{self, Options};
use crate::diagnostic::diagnostic;
use crate::hir::{Compare, Goal, ScoreMetric, TaskId, TaskKind};
use crate::schema::tune::SCORE_METRICS;
use crate::source::Span;
use crate::suggest::did_you_mean;

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

/// Whether two sums order points alike: a positive number times the terms of one are those of the other.
fn alike(a: &Goal, b: &Goal) -> bool {
    let part =
        |of: &Goal, metric: &ScoreMetric| of.terms.iter().find(|(_, own)| same(own, metric)).map(|(factor, _)| *factor);
    let Some(scale) = scale(a, b) else { return false };
    a.terms.len() == b.terms.len()
        && a.terms.iter().all(|(factor, metric)| part(b, metric).is_some_and(|other| near(factor * scale, other)))
}

/// What the first term of one goal is multiplied by in the other, if it is there with the same sign.
fn scale(a: &Goal, b: &Goal) -> Option<f64> {
    let (factor, metric) = a.terms.first()?;
    let (other, _) = b.terms.iter().find(|(_, own)| same(own, metric))?;
    Some(other / factor).filter(|scale| *scale > 0.0)
}

/// Whether two numbers are equal but for rounding.
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

/// Whether two metrics are one, wherever they stand.
fn same(a: &ScoreMetric, b: &ScoreMetric) -> bool {
    let k = |metric: &ScoreMetric| metric.k.map(|k| k.value);
    (a.name, a.task, k(a)) == (b.name, b.task, k(b))
}

impl Scope<'_> {
    pub fn goals(&self, options: &Options<'_>, at: Span, sink: &mut Sink) -> Option<Vec<Goal>> {
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
                    if let Some(first) = goals[..place].iter().find(|other| alike(other, goal)) {
                        sink.push(diagnostic!(
                            DuplicateOption, goal.span, "this goal stands here twice"; label(first.span): "first written here";
                            help: "a factor of a whole goal has no effect: write `maximize` for one goal, or another goal"
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
        let goal = self.finished(left?.scaled(sign).plus(right?.scaled(-sign)), expr, "a constraint", sink)?;
        // Every metric lies from 0 to 1.
        let most: f64 = goal.terms.iter().map(|(factor, _)| factor.max(0.0)).sum();
        let least: f64 = goal.terms.iter().map(|(factor, _)| factor.min(0.0)).sum();
        if most + goal.constant < 0.0 {
            sink.push(diagnostic!(
                OutOfRange, expr.span, "no score keeps this constraint: a metric lies from 0 to 1"; help: "ask for less, as in `auc(click) >= 0.72`"
            ));
            return None;
        }
        if least + goal.constant >= 0.0 {
            sink.push(diagnostic!(
                OutOfRange, expr.span, "every score keeps this constraint: a metric lies from 0 to 1"; help: "ask for more, or leave it out"
            ));
            return None;
        }
        Some(goal)
    }

    /// The constraints of a list, each once.
    pub fn constraints(&self, written: &Expr, sink: &mut Sink) -> Option<Vec<Goal>> {
        let all: Vec<_> = items(written).iter().map(|item| self.constraint(item, sink)).collect();
        if all.is_empty() {
            sink.push(diagnostic!(WrongArgument, written.span, "`subject_to` is empty"; help: "leave it out"));
        }
        let all = all.into_iter().collect::<Option<Vec<Goal>>>()?;
        for (place, goal) in all.iter().enumerate() {
            let equal = |other: &&Goal| {
                alike(other, goal)
                    && scale(other, goal).is_some_and(|scale| near(other.constant * scale, goal.constant))
            };
            if let Some(first) = all[..place].iter().find(equal) {
                sink.push(diagnostic!(
                    DuplicateOption, goal.span, "this constraint stands here twice"; label(first.span): "first written here";
                    help: "leave one out"
                ));
                return None;
            }
        }
        Some(all)
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
}
