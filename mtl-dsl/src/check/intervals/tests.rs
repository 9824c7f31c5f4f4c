//! What the analysis accepts has a value, and the value lies in the interval.

use proptest::prelude::*;

use super::*;
use crate::check::expects::Prediction;
use crate::hir::{BinaryLoss, Label, Name, Number, RegressionLoss, TaskId};
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
        })
    };
    let binary = || TaskKind::Binary { loss: BinaryLoss::Bce { pos_weight: number(1.0), smoothing: None } };
    let regression = TaskKind::Regression { log1p: false, loss: RegressionLoss::Mse };
    vec![task("a", binary()), task("b", binary()), task("c", regression)]
}

/// One parameter between -1 and 2.
fn params() -> Vec<Param> {
    let name = Name { text: "p".to_owned(), span: Span::default() };
    vec![Param { name, docs: String::new(), default: number(0.5), low: number(-1.0), high: number(2.0) }]
}

fn number(value: f64) -> Number {
    Number { value, span: Span::default() }
}

fn node(kind: ScoreKind) -> ScoreExpr {
    ScoreExpr { kind, span: Span::default() }
}

fn any_score() -> impl Strategy<Value = ScoreExpr> {
    let constants = prop::sample::select(vec![-2.0, -1.0, -0.5, 0.0, 1e-6, 0.5, 1.0, 2.0, 3.0]);
    let leaf = prop_oneof![
        constants.prop_map(|value| node(ScoreKind::Number(value))),
        (0usize..3).prop_map(|task| node(ScoreKind::Task(TaskId(task)))),
        Just(node(ScoreKind::Param(0))),
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
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let inner = inner.boxed();
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            1 => inner.clone().prop_map(|operand| node(ScoreKind::Negate(Box::new(operand)))),
            4 => (prop::sample::select(ops.to_vec()), boxed(), boxed())
                .prop_map(|(op, left, right)| node(ScoreKind::Binary(op, left, right))),
            2 => (prop::sample::select(compares.to_vec()), boxed(), boxed(), boxed(), boxed()).prop_map(
                |(op, left, right, then, otherwise)| node(ScoreKind::If { op, left, right, then, otherwise })
            ),
            2 => (prop::sample::select(unary.to_vec()), inner.clone())
                .prop_map(|(function, of)| node(ScoreKind::Call(function, vec![of]))),
            1 => (inner.clone(), inner.clone(), prop::bool::ANY).prop_map(|(a, b, least)| {
                node(ScoreKind::Call(if least { ScoreFn::Min } else { ScoreFn::Max }, vec![a, b]))
            }),
            1 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(x, low, high)| node(ScoreKind::Call(ScoreFn::Clamp, vec![x, low, high]))),
        ]
    })
}

/// Whether every part of a score that is computed is finite: overflow is not what the analysis is about.
fn finite(score: &ScoreExpr, params: &[f64], at: &dyn Fn(Prediction) -> f64) -> bool {
    let value = |score: &ScoreExpr| evaluate::evaluate(score, params, at);
    let of = |score: &ScoreExpr| finite(score, params, at);
    let parts = match &score.kind {
        ScoreKind::Negate(operand) => of(operand),
        ScoreKind::Binary(_, left, right) => of(left) && of(right),
        ScoreKind::If { op, left, right, then, otherwise } => {
            of(left) && of(right) && of(if evaluate::holds(*op, value(left), value(right)) { then } else { otherwise })
        }
        ScoreKind::Call(_, arguments) => arguments.iter().all(of),
        _ => true,
    };
    parts && !value(score).is_infinite()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_score_is_a_number_in_its_interval(
        score in any_score(),
        a in prop_oneof![Just(0.0), Just(1.0), 0.0..1.0],
        b in prop_oneof![Just(0.0), Just(1.0), 0.0..1.0],
        c in prop_oneof![Just(0.0), -10.0..10.0],
        p in prop_oneof![Just(-1.0), Just(0.0), Just(2.0), -1.0..2.0],
    ) {
        let mut sink = Sink::new();
        let (tasks, params) = (tasks(), params());
        let interval = Scope { tasks: &tasks, params: &params, known: Vec::new() }.interval(&score, &mut sink);
        prop_assert_eq!(interval.is_some(), sink.is_empty());
        let at = |(task, _): Prediction| [a, b, c][task.0];
        if let Some(interval) = interval && finite(&score, &[p], &at) {
            let value = evaluate::evaluate(&score, &[p], &at);
            let slack = 1e-9 * (1.0 + value.abs());
            prop_assert!(!value.is_nan());
            prop_assert!(interval.low - slack <= value && value <= interval.high + slack, "{value} is not in {interval}");
        }
    }
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
