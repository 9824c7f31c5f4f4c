//! `increasing in click;` and `decreasing in report;`: the sign of a score's slope.

use super::bisect::{Outcome, Verdict, bisect, points};
use super::inputs::Inputs;
use super::interval::{Interval, ONE, ZERO, short};
use super::intervals::{self, Pass, Region};
use super::reads;
use super::{Sink, evaluate};
use crate::diagnostic::diagnostic;
use crate::hir::{Rank, ScoreInput};
use crate::source::Span;

/// Checks what the ranks say of themselves.
pub(super) fn check(inputs: Inputs<'_>, ranks: &[Option<Rank>], sink: &mut Sink) {
    for (at, rank) in inputs.names.ranks.iter().enumerate() {
        let mut seen: Vec<ScoreInput> = Vec::new();
        for (of, rises) in rank.trends.iter().flat_map(|trend| trend.of.iter().map(|of| (of, trend.rises))) {
            let Some(input) = inputs.expr(of, sink) else { continue };
            if seen.contains(&input) {
                sink.push(diagnostic!(DuplicateOption, of.span, "`{}` is named twice", inputs.label(input)));
                continue;
            }
            seen.push(input);
            if ranks[at].is_some() {
                let trend = Trend { inputs, ranks, at, input, rises };
                trend.check(of.span, sink);
            }
        }
    }
}

/// What a score is said to do.
struct Trend<'a> {
    inputs: Inputs<'a>,
    ranks: &'a [Option<Rank>],
    at: usize,
    input: ScoreInput,
    rises: bool,
}

/// Two predictions between which the score goes the other way, and what else was predicted.
struct Witness {
    from: (f64, f64),
    to: (f64, f64),
    others: Vec<String>,
}

impl Trend<'_> {
    fn check(&self, span: Span, sink: &mut Sink) {
        let (score, prediction) = (&self.inputs.names.ranks[self.at].name.text, self.inputs.label(self.input));
        let Some(order) = reads::closure(self.ranks, self.at) else { return };
        let read = reads::inputs(self.ranks, self.at);
        let Some(place) = read.iter().position(|of| *of == self.input) else {
            let problem = diagnostic!(NotMonotone, span, "`{score}` does not read `{prediction}`");
            sink.push(match self.derived(&read) {
                Some(derived) => problem.help(format!("it reads `{derived}`, an input of its own: name that")),
                None => problem.help("leave it out, or use it in the score"),
            });
            return;
        };
        if let Some(learned) = self.learned() {
            let (name, way) = (&learned.name.text, if self.rises { "increasing" } else { "decreasing" });
            sink.push(diagnostic!(
                NotMonotone, span, "`{name}` is fitted after training, and may rise or fall in `{prediction}`"; label(learned.name.span): "learned here";
                help: "leave out `{way} in {prediction}`, or state points, which are compared after the fit: `expect {score}(...) > {score}(...);`"
            ));
            return;
        }
        let params: Vec<(usize, usize)> = order.iter().flat_map(|at| self.params(*at)).collect();
        let mut start: Vec<Interval> = read.iter().map(|of| intervals::declared(self.inputs.tasks, *of)).collect();
        start.extend(params.iter().map(|of| self.interval(*of)));
        let Some(whole) = self.slope(&order, &read, &params, &start) else { return };
        let judge = |cell: &[Interval]| match self.slope(&order, &read, &params, cell) {
            Some(slope) if self.sign(slope).low >= 0.0 => Verdict::Holds,
            slope => match self.witness(&read, &params, cell, place) {
                Some(witness) => Verdict::Fails(witness),
                None => Verdict::Open(slope.map_or(f64::MAX, |slope| -self.sign(slope).low)),
            },
        };
        let (way, other) = if self.rises { ("rise", "falls") } else { ("fall", "rises") };
        match bisect(start, reads::size(self.ranks, &order), judge) {
            Outcome::Holds => {}
            Outcome::Fails(Witness { from, to, others }) => {
                let others = if others.is_empty() { String::new() } else { format!(", where {}", others.join(", ")) };
                sink.push(diagnostic!(
                    NotMonotone, span, "`{score}` does not always {way} in `{prediction}`: its slope lies in {whole}";
                    help: "it {other} from {} at {} to {} at {}{others}", short(from.1), short(from.0), short(to.1), short(to.0)
                ));
            }
            Outcome::Open => sink.push(diagnostic!(
                NotMonotone, span, "that `{score}` {way}s in `{prediction}` could not be shown: its slope lies in {whole}";
                help: "write the formula so that `{prediction}` stands in it once, or bound its parts by `clamp`"
            )),
        }
    }

    /// A learned rank that reads the prediction, which no formula says how.
    fn learned(&self) -> Option<&Rank> {
        let reads = |rank: &&Rank| {
            let mut found = false;
            rank.visit(&mut |node| found |= node.kind.input().is_some_and(|(of, _)| of == self.input));
            found
        };
        reads::learned(self.ranks, self.at).into_iter().find(reads)
    }

    /// What is read of the same task in another form.
    fn derived(&self, read: &[ScoreInput]) -> Option<String> {
        let ScoreInput::Prediction(of) = self.input else { return None };
        let same = |input: &&ScoreInput| match **input {
            ScoreInput::Calibrated(task) => task == of.task,
            ScoreInput::Position(other) => other == of,
            _ => false,
        };
        read.iter().find(same).map(|input| self.inputs.label(*input))
    }

    fn params(&self, rank: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let count = self.ranks[rank].as_ref().map_or(0, |rank| rank.params.len());
        (0..count).map(move |param| (rank, param))
    }

    fn interval(&self, (rank, param): (usize, usize)) -> Interval {
        self.ranks[rank].as_ref().map_or(ZERO, |rank| intervals::param(&rank.params[param]))
    }

    fn slope(
        &self,
        order: &[usize],
        read: &[ScoreInput],
        params: &[(usize, usize)],
        cell: &[Interval],
    ) -> Option<Interval> {
        let inputs = read.iter().copied().zip(cell.iter().copied()).collect();
        let params = params.iter().copied().zip(cell[read.len()..].iter().copied()).collect();
        let region = Region { inputs, params, present: Vec::new() };
        let pass = Pass { tasks: self.inputs.tasks, ranks: self.ranks, region: &region, moves: &[(self.input, ONE)] };
        pass.accepted(order).map(|bounds| bounds.slope)
    }

    /// A slope as that of a score that rises.
    fn sign(&self, slope: Interval) -> Interval {
        if self.rises { slope } else { slope.negated() }
    }

    /// The ends of a cell, if the score goes the wrong way between them.
    fn witness(
        &self,
        read: &[ScoreInput],
        params: &[(usize, usize)],
        cell: &[Interval],
        place: usize,
    ) -> Option<Witness> {
        let Interval { low, high } = cell[place];
        points(cell).into_iter().find_map(|mut point| {
            let mut value = |at: f64| {
                point[place] = at;
                let param = |rank, index| value_of(params, &point[read.len()..], (rank, index));
                evaluate::rank(self.ranks, self.at, &param, &|of| value_of(read, &point, of))
            };
            let (before, after) = (value(low)?, value(high)?);
            let fall = if self.rises { before - after } else { after - before };
            // A learned score has no value yet.
            if fall.is_nan() || fall <= 1e-9 * (before.abs() + after.abs()) {
                return None;
            }
            let named = read.iter().map(|of| self.inputs.label(*of));
            let names = named
                .chain(params.iter().map(|(rank, at)| self.inputs.names.ranks[*rank].params[*at].name.text.clone()));
            let others = names.zip(&point).enumerate().filter(|(at, _)| *at != place);
            let others = others.map(|(_, (name, value))| format!("{name} is {}", short(*value))).collect();
            Some(Witness { from: (low, before), to: (high, after), others })
        })
    }
}

/// The value that belongs to a key.
pub(super) fn value_of<K: PartialEq>(keys: &[K], values: &[f64], key: K) -> f64 {
    keys.iter().zip(values).find(|(of, _)| **of == key).map_or(f64::NAN, |(_, value)| *value)
}
