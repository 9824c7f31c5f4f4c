//! What the analysis accepts has a value, and the value lies in the interval.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, RngSeed, TestRng, TestRunner};

use super::*;
use crate::check::evaluate::{self, Leaves};
use crate::check::inputs::plain;
use crate::hir::{BinaryLoss, Label, Name, Number, Predicted, RegressionLoss, ScoreFn, ScoreLet, TaskId};
use crate::source::Span;

/// Two probabilities and a regression.
fn tasks() -> Vec<Option<Task>> {
    let task = |text: &str, kind| {
        let name = Name { text: text.to_owned(), span: Span::default() };
        let label = Label::Column(text.to_owned());
        Some(Task {
            name,
            docs: String::new(),
            kind,
            label,
            sample_space: None,
            weight_column: None,
            given: None,
            through: None,
            group: None,
            losses: vec![],
            calibration: None,
        })
    };
    let binary = || TaskKind::Binary { loss: BinaryLoss::Bce { pos_weight: number(1.0), smoothing: None } };
    let regression = TaskKind::Regression { log1p: false, loss: RegressionLoss::Mse };
    vec![task("a", binary()), task("b", binary()), task("c", regression)]
}

/// One parameter between -1 and 2.
fn params() -> Vec<Param> {
    let name = Name { text: "p".to_owned(), span: Span::default() };
    let ends = (number(-1.0), number(2.0));
    vec![Param { name, docs: String::new(), default: number(0.5), low: ends.0, high: ends.1, request: false }]
}

fn number(value: f64) -> Number {
    Number { value, span: Span::default() }
}

fn node(kind: ScoreKind) -> ScoreExpr {
    ScoreExpr { kind, span: Span::default() }
}

fn rank(lets: Vec<ScoreExpr>, score: ScoreExpr) -> Option<Rank> {
    let name = |text: &str| Name { text: text.to_owned(), span: Span::default() };
    let part = |value| ScoreLet { name: name("part"), docs: String::new(), value };
    let lets = lets.into_iter().map(part).collect();
    Some(Rank { name: name("r"), docs: String::new(), params: params(), lets, score, fusion: None })
}

/// Two probabilities, a regression, a calibrated probability, a place and a number.
const INPUTS: [ScoreInput; 6] = [
    plain(0),
    plain(1),
    plain(2),
    ScoreInput::Calibrated(TaskId(0)),
    ScoreInput::Position(Predicted { task: TaskId(1), conditional: false }),
    ScoreInput::Number(0),
];

/// A formula of the inputs, a parameter and `more`.
fn any_score(more: Vec<ScoreKind>) -> impl Strategy<Value = ScoreExpr> {
    let constants = prop::sample::select(vec![-2.0, -1.0, -0.5, 0.0, 1e-6, 0.5, 1.0, 2.0, 3.0]);
    let leaf = prop_oneof![
        constants.prop_map(|value| node(ScoreKind::Number(value))),
        prop::sample::select(INPUTS.to_vec()).prop_map(|input| node(ScoreKind::Input(input))),
        prop::sample::select([vec![ScoreKind::Param(0)], more].concat()).prop_map(node),
    ];
    let ops = [ScoreOp::Add, ScoreOp::Subtract, ScoreOp::Multiply, ScoreOp::Divide, ScoreOp::Power];
    let compares = [
        Compare::Equal,
        Compare::NotEqual,
        Compare::Less,
        Compare::LessOrEqual,
        Compare::Greater,
        Compare::GreaterOrEqual,
    ];
    let unary = [ScoreFn::Log, ScoreFn::Log1p, ScoreFn::Exp, ScoreFn::Sqrt, ScoreFn::Sigmoid];
    let several = [ScoreFn::Min, ScoreFn::Max, ScoreFn::Sum, ScoreFn::Product];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let inner = inner.boxed();
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            1 => inner.clone().prop_map(|operand| node(ScoreKind::Negate(Box::new(operand)))),
            1 => (prop::sample::select(INPUTS.to_vec()), boxed())
                .prop_map(|(input, default)| node(ScoreKind::Default(input, default))),
            4 => (prop::sample::select(ops.to_vec()), boxed(), boxed())
                .prop_map(|(op, left, right)| node(ScoreKind::Binary(op, left, right))),
            2 => (prop::sample::select(compares.to_vec()), boxed(), boxed(), boxed(), boxed()).prop_map(
                |(op, left, right, then, otherwise)| node(ScoreKind::If { op, left, right, then, otherwise })
            ),
            2 => (prop::sample::select(unary.to_vec()), inner.clone())
                .prop_map(|(function, of)| node(ScoreKind::Call(function, vec![of]))),
            2 => (inner.clone(), inner.clone(), prop::sample::select(several.to_vec()))
                .prop_map(|(a, b, function)| node(ScoreKind::Call(function, vec![a, b]))),
            1 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(x, low, high)| node(ScoreKind::Call(ScoreFn::Clamp, vec![x, low, high]))),
        ]
    })
}

/// A rank that is read by a second one with a part of its own.
fn any_ranks() -> impl Strategy<Value = Vec<Option<Rank>>> {
    let first = any_score(Vec::new());
    let part = any_score(vec![ScoreKind::Rank(0)]);
    let second = any_score(vec![ScoreKind::Let(0), ScoreKind::Rank(0)]);
    (first, part, second).prop_map(|(first, part, second)| vec![rank(Vec::new(), first), rank(vec![part], second)])
}

/// What can be known of a row, and the parameters of the two ranks.
type Point = ([f64; 6], [f64; 2]);

fn any_point() -> impl Strategy<Value = Point> {
    let probability = || prop_oneof![Just(0.0f32), Just(1.0), Just(f32::MIN_POSITIVE), Just(0.5), 0.0f32..1.0];
    let predicted = prop_oneof![Just(0.0f32), Just(f32::MAX), Just(f32::MIN), -10.0f32..10.0, -1e6f32..1e6];
    let calibrated = prop_oneof![Just(0.0), Just(1.0), Just(f64::from_bits(1)), 0.0..1.0];
    let place = prop_oneof![Just(1.0), Just(1.5), Just(ROWS), (2u32..2000).prop_map(|twice| f64::from(twice) / 2.0)];
    let largest = f64::from(f32::MAX);
    let number = prop_oneof![Just(0.0), Just(largest), Just(-largest), Just(f64::from_bits(1)), -1e3..1e3];
    let param = || prop_oneof![Just(-1.0), Just(0.0), Just(2.0), -1.0..2.0];
    let known = (probability(), probability(), predicted, calibrated, place, number);
    (known, (param(), param()))
        .prop_map(|((a, b, c, d, e, f), (p, q))| ([f64::from(a), f64::from(b), f64::from(c), d, e, f], [p, q]))
}

fn known_at(known: &[f64; 6], input: ScoreInput) -> f64 {
    INPUTS.iter().position(|of| *of == input).map_or(f64::NAN, |place| known[place])
}

/// The inputs that are never read without a default.
fn optional(ranks: &[Option<Rank>]) -> Vec<usize> {
    let mut needed = Vec::new();
    ranks.iter().flatten().for_each(|rank| {
        rank.visit(&mut |node| needed.extend(node.kind.input().filter(|(_, needed)| *needed).map(|(input, _)| input)));
    });
    (0..INPUTS.len()).filter(|place| !needed.contains(&INPUTS[*place])).collect()
}

fn value(ranks: &[Option<Rank>], (known, params): &Point) -> f64 {
    let at = |input| known_at(known, input);
    evaluate::rank(ranks, ranks.len() - 1, &|rank, _| params[rank], &at).unwrap()
}

/// The largest number on the way to a score, and 1 at least.
fn largest(ranks: &[Option<Rank>], (known, params): &Point) -> f64 {
    let (mut largest, mut values) = (1.0_f64, Vec::new());
    for (at, rank) in ranks.iter().flatten().enumerate() {
        let known = |input| known_at(known, input);
        let mut leaves = Leaves { at: &known, params: &|_| params[at], lets: Vec::new(), ranks: &values };
        let mut look = |score: &ScoreExpr, leaves: &Leaves<'_>| {
            score.visit(&mut |node| {
                let value = evaluate::evaluate(node, leaves).abs();
                largest = largest.max(if value.is_finite() { value } else { 0.0 });
            });
            evaluate::evaluate(score, leaves)
        };
        for part in &rank.lets {
            let value = look(&part.value, &leaves);
            leaves.lets.push(value);
        }
        let score = look(&rank.score, &leaves);
        values.push(score);
    }
    largest
}

/// The bounds of the last rank over a region, if all are accepted.
fn bounds(
    ranks: &[Option<Rank>],
    region: &Region,
    moves: &[(ScoreInput, Interval)],
    sink: &mut Sink,
) -> Option<Bounds> {
    let (tasks, mut bounds) = (tasks(), Vec::new());
    for at in 0..ranks.len() {
        let found = Pass { tasks: &tasks, ranks, region, moves }.rank(at, &bounds, sink);
        bounds.push(found);
    }
    bounds.into_iter().collect::<Option<Vec<_>>>()?.pop()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The law of the analysis: what compiles is a finite number. About one formula in four compiles, so that these are 130 000 points.
    #[test]
    fn an_accepted_score_is_a_finite_number_in_its_interval(
        ranks in any_ranks(),
        points in prop::collection::vec((any_point(), prop::array::uniform6(prop::bool::weighted(0.3))), 24),
    ) {
        let mut sink = Sink::new();
        let found = bounds(&ranks, &Region::default(), &[], &mut sink);
        prop_assert_eq!(found.is_some(), sink.is_empty());
        if let Some(Bounds { value: interval, .. }) = found {
            for (point, missing) in &points {
                let mut point = *point;
                optional(&ranks).into_iter().filter(|place| missing[*place]).for_each(|place| point.0[place] = f64::NAN);
                let value = value(&ranks, &point);
                prop_assert!(value.is_finite(), "{value}, though it was said to lie in {interval}");
                prop_assert!(interval.contains(value), "{value:?} is not in {interval:?}");
            }
        }
    }

}

proptest! {
    // Rounding can be worth any amount where a root or a power of almost nothing follows, so the formulas are always the same.
    #![proptest_config(ProptestConfig {
        cases: 20_000, failure_persistence: None, rng_seed: RngSeed::Fixed(5), ..ProptestConfig::default()
    })]

    /// Between two points the score goes no farther than its slope on the way says: what `increasing in` and orders rest on.
    #[test]
    fn a_slope_bounds_every_difference(
        ranks in any_ranks(), from in any_point(), other in any_point(), moving in prop::array::uniform6(prop::bool::ANY),
    ) {
        let mut to = from;
        let (mut region, mut moves) = (Region::default(), Vec::new());
        for place in (0..INPUTS.len()).filter(|place| moving[*place]) {
            to.0[place] = other.0[place];
            let [start, end] = [from, to].map(|point| point.0[place]);
            let of = INPUTS[place];
            region.inputs.push((of, Interval::point(start).join(Interval::point(end))));
            moves.push((of, Interval::point(end - start)));
        }
        if bounds(&ranks, &Region::default(), &[], &mut Sink::new()).is_none() {
            return Ok(());
        }
        let Some(found) = bounds(&ranks, &region, &moves, &mut Sink::new()) else { return Ok(()) };
        let (start, end) = (value(&ranks, &from), value(&ranks, &to));
        let slack = 1e-9 * (largest(&ranks, &from) + largest(&ranks, &to));
        let (rise, Interval { low, high }) = (end - start, found.slope);
        prop_assert!(low - slack <= rise && rise <= high + slack, "{start} to {end}, but the slope lies in {:?}", found.slope);
    }
}

/// Formulas at a thousand points each, until so many points were looked at.
fn sample(points: usize) {
    let mut runner =
        TestRunner::new_with_rng(ProptestConfig::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (all, mut looked, mut state) = (tasks(), 0, 1_u64);
    // Numbers of a splitmix generator: the ends of a range as often as what lies between them.
    let mut random = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
    };
    while looked < points {
        let ranks = any_ranks().new_tree(&mut runner).unwrap().current();
        let Some(found) = bounds(&ranks, &Region::default(), &[], &mut Sink::new()) else { continue };
        let optional = optional(&ranks);
        for _ in 0..1000 {
            let mut within = |low: f64, high: f64| match random() {
                share if share < 0.15 => low,
                share if share > 0.85 => high,
                share => low + (high - low) * (share - 0.15) / 0.7,
            };
            let mut known = [0.0; INPUTS.len()];
            for (place, known) in known.iter_mut().enumerate() {
                let Interval { low, high } = declared(&all, INPUTS[place]);
                let near = within(0.0, 1.0) < 0.5 && low < 0.0;
                *known = if near { within(-10.0, 10.0) } else { within(low, high) };
                if matches!(INPUTS[place], ScoreInput::Prediction(_)) {
                    *known = f64::from(*known as f32);
                }
                if optional.contains(&place) && within(0.0, 1.0) < 0.3 {
                    *known = f64::NAN;
                }
            }
            let point = (known, [within(-1.0, 2.0), within(-1.0, 2.0)]);
            let value = value(&ranks, &point);
            assert!(found.value.contains(value), "{value} of {ranks:?} at {point:?} is not in {:?}", found.value);
        }
        looked += 1000;
    }
}

#[test]
fn a_million_points_lie_in_their_intervals() {
    sample(1_000_000);
}

#[test]
#[ignore = "minutes: run it when the analysis has changed"]
fn a_hundred_million_points_lie_in_their_intervals() {
    sample(100_000_000);
}

#[test]
fn comparisons_narrow_what_they_compare() {
    let score = |text: &str| {
        let text = format!("model A {{ features u {{ x: number }} task a: binary; tower a = u; rank r = {text}; }}");
        crate::compile(&crate::Source::new("a.mtl", text)).map(|_| ()).map_err(|words| words[0].code)
    };
    assert_eq!(score("if a > 0 { log(a) } else { 0 }"), Ok(()));
    assert_eq!(score("if a != 0 { 1 / a } else { 0 }"), Ok(()));
    assert_eq!(score("if a != 0.5 { 1 / a } else { 0 }"), Err(crate::Code::DivisionByZero));
    assert_eq!(score("if 0.5 <= a { sqrt(a - 0.5) } else { sqrt(0.5 - a) }"), Ok(()));
    assert_eq!(score("if a >= 0 { log(a) } else { 0 }"), Err(crate::Code::LogDomain));
    assert_eq!(score("if a > 0 { 0 } else { log(a) }"), Err(crate::Code::LogDomain));
    assert_eq!(score("if a > 2 { log(a - 5) } else { a }"), Ok(()), "the branch is never taken");
}
