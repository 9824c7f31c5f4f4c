//! `expect score order (buy: 1, like: 0) > (buy: 0, like: 1);`: an order of two sets of predictions, whatever else is predicted.
//!
//! The named predictions lie where the two sides say, each side for itself. Every other prediction that the score reads is the same on both
//! sides, and lies anywhere or where `in (...)` says. Parameters have their defaults, those of a request any value in their range.

use super::Sink;
use super::bisect::{Outcome, Verdict, bisect, points};
use super::evaluate::{self, holds};
use super::inputs::{self, Inputs};
use super::interval::{Interval, ZERO, short};
use super::intervals::{self, Pass, Region};
use super::reads;
use super::slopes::Bounds;
use super::trends::value_of;
use crate::ast::{self, Argument, BinaryOp, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{Compare, Expect, ExpectSide, Rank, ScoreInput};
use crate::resolve::Declared;
use crate::suggest::did_you_mean;

/// Checks the orders; each gives an expectation at the place where it holds by least. None when one is wrong.
pub(super) fn check(inputs: Inputs<'_>, ranks: &[Option<Rank>], sink: &mut Sink) -> Option<Vec<Expect>> {
    let scope = Scope { inputs, ranks };
    let orders: Vec<_> = inputs.names.orders.iter().map(|order| scope.order(order, sink)).collect();
    orders.into_iter().collect()
}

struct Scope<'a> {
    inputs: Inputs<'a>,
    ranks: &'a [Option<Rank>],
}

type Ranges = Vec<(ScoreInput, Interval)>;

impl Scope<'_> {
    fn order(&self, order: &ast::Order, sink: &mut Sink) -> Option<Expect> {
        let name = &order.rank;
        let Some((Declared::Rank(rank), _)) = self.inputs.names.find(&name.text) else {
            let known = self.inputs.names.ranks.iter().map(|rank| rank.name.text.as_str());
            let help = did_you_mean(&name.text, "ranks", known);
            sink.push(diagnostic!(UnknownRank, name.span, "no rank named `{}`", name.text; help: "{help}"));
            return None;
        };
        if matches!(order.op, Compare::Equal | Compare::NotEqual) {
            sink.push(diagnostic!(
                MisplacedExpression, order.span, "an order is `>`, `>=`, `<` or `<=`, found `{}`", order.op.symbol();
                help: "write `expect {} order (a: 1) > (a: 0);`", name.text
            ));
            return None;
        }
        if let Some(learned) = reads::learned(self.ranks, rank).first() {
            let (score, learned, at) = (&name.text, &learned.name.text, learned.name.span);
            sink.push(diagnostic!(
                UnprovedOrder, order.span, "`{learned}` is fitted after training: no order of it can be shown before"; label(at): "learned here";
                help: "state points, which are compared after the fit: `expect {score}(...) > {score}(...);`"
            ));
            return None;
        }
        if order.left.is_empty() && order.right.is_empty() {
            let read = reads::inputs(self.ranks, rank).first().map(|of| self.inputs.label(*of));
            let of = read.unwrap_or("click".to_owned());
            sink.push(diagnostic!(
                ExpectArguments, order.span, "an order is about predictions, and this names none";
                help: "write `expect {} order ({of}: 1) {} ({of}: 0);`", name.text, order.op.symbol()
            ));
            return None;
        }
        let errors = sink.len();
        let closure = reads::closure(self.ranks, rank)?;
        let read = reads::inputs(self.ranks, rank);
        let ranges = [&order.left, &order.right, &order.within].map(|list| self.ranges(rank, &read, list, sink));
        let [left, right, within] = &ranges;
        for (own, other, list) in [(left, right, &order.left), (right, left, &order.right)] {
            for (at, (of, _)) in own.iter().enumerate() {
                if !other.iter().any(|(named, _)| named == of) && sink.len() == errors {
                    let span = inputs::place(&list[at]);
                    sink.push(diagnostic!(
                        ExpectArguments, span, "the other side says nothing of `{}`", self.inputs.label(*of);
                        help: "give it there too; what neither side names is the same on both"
                    ));
                }
            }
        }
        for (of, _) in within.iter().filter(|(of, _)| left.iter().any(|(named, _)| named == of)) {
            sink.push(diagnostic!(
                ExpectArguments, order.span, "`{}` has a range of its own on each side", self.inputs.label(*of);
                help: "write it there, as in `({}: 0.2..1)`", self.inputs.label(*of)
            ));
        }
        if sink.len() > errors {
            return None;
        }
        let requests = closure.iter().flat_map(|at| self.requests(*at)).collect();
        let shared: Vec<ScoreInput> =
            read.iter().copied().filter(|of| !left.iter().any(|(named, _)| named == of)).collect();
        let anywhere = shared.iter().map(|of| {
            let said = within.iter().find(|(named, _)| named == of);
            said.map_or_else(|| intervals::declared(self.inputs.tasks, *of), |(_, range)| *range)
        });
        let start: Vec<Interval> = left.iter().chain(right).map(|(_, range)| *range).chain(anywhere).collect();
        let named = [left, right].map(|side| side.iter().map(|(of, _)| *of).collect::<Vec<_>>());
        let present = left.iter().chain(within).map(|(of, _)| *of).collect();
        let proof = Proof { scope: self, rank, closure, named, shared, requests, present, op: order.op };
        proof.run(order, start, sink)
    }

    /// The ranges of predictions that a rank reads.
    fn ranges(&self, rank: usize, read: &[ScoreInput], list: &[Argument], sink: &mut Sink) -> Ranges {
        let mut ranges = Ranges::new();
        for argument in list {
            let Some(input) = self.inputs.argument(argument, sink) else { continue };
            let Some(range) = self.range(argument, input, sink) else { continue };
            let (text, name) = (self.inputs.label(input), inputs::place(argument));
            if ranges.iter().any(|(other, _)| *other == input) {
                sink.push(diagnostic!(DuplicateOption, name, "`{text}` is given twice"));
            } else if !read.contains(&input) {
                let rank = &self.inputs.names.ranks[rank].name.text;
                sink.push(diagnostic!(ExpectArguments, name, "`{rank}` does not read `{text}`"; help: "leave it out"));
            } else {
                ranges.push((input, range));
            }
        }
        ranges
    }

    fn range(&self, argument: &Argument, of: ScoreInput, sink: &mut Sink) -> Option<Interval> {
        let value = &argument.value;
        let ends = match &value.kind {
            ExprKind::Binary(BinaryOp::Range, low, high) => low.as_number().zip(high.as_number()),
            _ => value.as_number().map(|value| (value, value)),
        };
        let Some((low, high)) = ends else {
            let found = value.describe();
            sink.push(diagnostic!(
                WrongArgument, value.span, "a prediction is a number or a range, found {found}"; help: "write `buy: 0.5` or `buy: 0.2..1`"
            ));
            return None;
        };
        if low > high {
            sink.push(diagnostic!(
                OutOfRange, value.span, "this interval is empty: {} is above {}", short(low), short(high);
                help: "write the least value first"
            ));
            return None;
        }
        let possible = intervals::declared(self.inputs.tasks, of);
        if !possible.contains(low) || !possible.contains(high) {
            sink.push(diagnostic!(
                OutOfRange,
                value.span,
                "`{}` lies in {possible}, and this is no part of that",
                self.inputs.label(of)
            ));
            return None;
        }
        Some(Interval { low, high })
    }

    fn requests(&self, rank: usize) -> Vec<((usize, usize), Interval)> {
        let params = self.ranks[rank].iter().flat_map(|rank| rank.params.iter().enumerate());
        params.filter(|(_, param)| param.request).map(|(at, param)| ((rank, at), intervals::param(param))).collect()
    }
}

/// The search for a proof. A cell holds the ranges of the left side, the right side, what is shared, and the request.
struct Proof<'a> {
    scope: &'a Scope<'a>,
    rank: usize,
    closure: Vec<usize>,
    named: [Vec<ScoreInput>; 2],
    shared: Vec<ScoreInput>,
    requests: Vec<((usize, usize), Interval)>,
    /// What the order says where it lies, so that it is not missing.
    present: Vec<ScoreInput>,
    op: Compare,
}

/// Predictions of both sides, and their scores.
struct Point {
    at: Vec<f64>,
    scores: [f64; 2],
}

impl Proof<'_> {
    fn run(&self, order: &ast::Order, mut start: Vec<Interval>, sink: &mut Sink) -> Option<Expect> {
        start.extend(self.requests.iter().map(|(_, range)| *range));
        let mut hardest: Option<Point> = None;
        let judge = |cell: &[Interval]| {
            let Some(cell) = self.possible(cell) else { return Verdict::Holds };
            let tried = points(&cell).into_iter().chain(self.ends(&cell));
            for at in tried.filter(|at| self.is_possible(at)) {
                let Some(point) = self.point(at) else { continue };
                if !holds(self.op, point.scores[0], point.scores[1]) {
                    return Verdict::Fails(point);
                }
                if hardest.as_ref().is_none_or(|least| self.margin(point.scores) < self.margin(least.scores)) {
                    hardest = Some(point);
                }
            }
            let strict = matches!(self.op, Compare::Greater | Compare::Less);
            match self.least_margin(&cell) {
                least if least > 0.0 || (least == 0.0 && !strict) => Verdict::Holds,
                least => Verdict::Open(-least),
            }
        };
        let span = order.span;
        match bisect(start, reads::size(self.scope.ranks, &self.closure), judge) {
            Outcome::Holds => {}
            Outcome::Fails(Point { at, scores }) => {
                sink.push(diagnostic!(
                    FalseExpect, span, "this order does not hold: {} {} {}",
                    short(scores[0]), self.op.symbol(), short(scores[1]);
                    help: "that is the case at {}", self.words(&at);
                    help: "change the rank, the defaults of its parameters, or the predictions that the order is about"
                ));
                return None;
            }
            Outcome::Open => {
                sink.push(diagnostic!(
                    UnprovedOrder, span, "this order could be neither shown nor refuted";
                    help: "say where the predictions lie: a range for those that are named, `in (other: 0..0.5)` for the others"
                ));
                return None;
            }
        }
        let Some(Point { at, .. }) = hardest else {
            sink.push(diagnostic!(
                UnprovedOrder, span, "no predictions are as this order says";
                help: "a chained task is at most as probable as the task that it is given"
            ));
            return None;
        };
        let [left, right] = [0, 1].map(|side| ExpectSide::Rank { rank: self.rank, at: self.side(side, &at) });
        Some(Expect { left, op: self.op, right, text: order.text.clone(), span })
    }

    /// One side at its low ends and the other at its high ones.
    fn ends(&self, cell: &[Interval]) -> [Vec<f64>; 2] {
        let (left, named) = (self.named[0].len(), self.named[0].len() + self.named[1].len());
        [true, false].map(|low| {
            let side = |(at, range): (usize, &Interval)| match at {
                at if at >= named => range.middle(),
                at if (at < left) == low => range.low,
                _ => range.high,
            };
            cell.iter().enumerate().map(side).collect()
        })
    }

    /// Where the predictions of a side begin in a cell.
    fn start(&self, side: usize) -> usize {
        if side == 0 { 0 } else { self.named[0].len() }
    }

    /// The part of a cell for one side.
    fn side<T: Copy>(&self, side: usize, cell: &[T]) -> Vec<(ScoreInput, T)> {
        let shared = &cell[self.named[0].len() + self.named[1].len()..];
        let own = self.named[side].iter().zip(&cell[self.start(side)..]);
        own.chain(self.shared.iter().zip(shared)).map(|(of, value)| (*of, *value)).collect()
    }

    /// The part of a cell that a request sets.
    fn request<'c, T>(&self, cell: &'c [T]) -> &'c [T] {
        &cell[cell.len() - self.requests.len()..]
    }

    fn point(&self, at: Vec<f64>) -> Option<Point> {
        let keys: Vec<(usize, usize)> = self.requests.iter().map(|(of, _)| *of).collect();
        let param = |rank, index| match keys.contains(&(rank, index)) {
            true => value_of(&keys, self.request(&at), (rank, index)),
            false => evaluate::default(self.scope.ranks, rank, index),
        };
        let score = |side| {
            let (of, values): (Vec<_>, Vec<_>) = self.side(side, &at).into_iter().unzip();
            evaluate::rank(self.scope.ranks, self.rank, &param, &|prediction| value_of(&of, &values, prediction))
        };
        let scores = [score(0)?, score(1)?];
        Some(Point { at, scores })
    }

    /// How much more the side is that should be more.
    fn margin(&self, [left, right]: [f64; 2]) -> f64 {
        match self.op {
            Compare::Less | Compare::LessOrEqual => right - left,
            _ => left - right,
        }
    }

    /// A bound of the margin over a cell: from the values of both sides, and from the slope on the way from one to the other, in which
    /// what both sides share has no part.
    fn least_margin(&self, cell: &[Interval]) -> f64 {
        let more = usize::from(matches!(self.op, Compare::Less | Compare::LessOrEqual));
        let [one, other] = [self.side(more, cell), self.side(1 - more, cell)];
        let named =
            self.named[more].iter().map(|of| (*of, find(&one, *of).minus(find(&other, *of)))).collect::<Vec<_>>();
        let between = one.iter().map(|(of, range)| (*of, range.join(find(&other, *of)))).collect();
        let way = self.bounds(cell, between, &named).map_or(f64::NEG_INFINITY, |bounds| bounds.slope.low);
        let [one, other] = [one, other].map(|side| self.bounds(cell, side, &[]));
        match one.zip(other) {
            Some((one, other)) => way.max(one.value.minus(other.value).low),
            None => way,
        }
    }

    /// The bounds of the score where the predictions lie so, with its slope where they move so.
    fn bounds(&self, cell: &[Interval], inputs: Ranges, moves: &[(ScoreInput, Interval)]) -> Option<Bounds> {
        let requests = self.requests.iter().zip(self.request(cell)).map(|((of, _), range)| (*of, *range));
        let present = self.present.clone();
        let region = Region { inputs, params: self.defaults().chain(requests).collect(), present };
        let pass = Pass { tasks: self.scope.inputs.tasks, ranks: self.scope.ranks, region: &region, moves };
        pass.accepted(&self.closure)
    }

    /// The parameters that no request sets, at their defaults.
    fn defaults(&self) -> impl Iterator<Item = ((usize, usize), Interval)> {
        self.closure.iter().flat_map(|rank| {
            let params = self.scope.ranks[*rank].iter().flat_map(|rank| rank.params.iter().enumerate());
            params
                .filter(|(_, param)| !param.request)
                .map(|(at, param)| ((*rank, at), Interval::point(param.default.value)))
        })
    }

    /// The part of a cell in which chained tasks are at most as probable as what they are given; none where that is empty.
    fn possible(&self, cell: &[Interval]) -> Option<Vec<Interval>> {
        let mut cell = cell.to_vec();
        for (less, more) in self.chains() {
            cell[less].high = cell[less].high.min(cell[more].high);
            cell[more].low = cell[more].low.max(cell[less].low);
            if cell[less].is_empty() || cell[more].is_empty() {
                return None;
            }
        }
        Some(cell)
    }

    fn is_possible(&self, at: &[f64]) -> bool {
        self.chains().all(|(less, more)| at[less] <= at[more])
    }

    /// Places of a cell that hold a chained task and the task that it is given.
    fn chains(&self) -> impl Iterator<Item = (usize, usize)> {
        let places: Vec<usize> = (0..self.named[0].len() + self.named[1].len() + self.shared.len()).collect();
        [0, 1].into_iter().flat_map(move |side| {
            let side = self.side(side, &places);
            let place = |of| side.iter().find(|(other, _)| *other == of).map(|(_, at)| *at);
            let above = |of: ScoreInput| self.scope.inputs.before(of).find_map(place);
            side.iter().filter_map(|(of, at)| Some((*at, above(*of)?))).collect::<Vec<_>>()
        })
    }

    /// A point for a person.
    fn words(&self, at: &[f64]) -> String {
        let list = |side: usize, range: std::ops::Range<usize>| {
            let all = self.side(side, at);
            all[range]
                .iter()
                .map(|(of, value)| format!("{}: {}", self.scope.inputs.label(*of), short(*value)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut words: Vec<String> =
            [0, 1].iter().map(|side| format!("({})", list(*side, 0..self.named[*side].len()))).collect();
        let mut others = vec![list(0, self.named[0].len()..self.named[0].len() + self.shared.len())];
        for (((rank, param), _), value) in self.requests.iter().zip(self.request(at)) {
            others.push(format!(
                "{}: {}",
                self.scope.inputs.names.ranks[*rank].params[*param].name.text,
                short(*value)
            ));
        }
        others.retain(|words| !words.is_empty());
        if !others.is_empty() {
            words.push(format!("({})", others.join(", ")));
        }
        match words.as_slice() {
            [left, right, both] => format!("{left} and {right}, with {both} on both sides"),
            _ => words.join(" and "),
        }
    }
}

/// The range of a prediction.
fn find(ranges: &[(ScoreInput, Interval)], of: ScoreInput) -> Interval {
    ranges.iter().find(|(other, _)| *other == of).map_or(ZERO, |(_, range)| *range)
}
