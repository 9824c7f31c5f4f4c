//! The gates of mixtures of experts: the options `gate`, `gate_input` and `gate_dropout`.

use super::{Options, choice, number, option};
use crate::diagnostic::{Code, Diagnostic, diagnostic};
use crate::hir::{Call, Type, Value};
use crate::ir::{Choice as Slots, LinearStart, NodeId, Penalty, Pick, Rate, Scale, Size};
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Choice, Parameter, Range, Shape, Signature};

/// The kinds of gates.
static GATES: Choice = Choice {
    noun: "gate",
    plural: "gates",
    unknown: Code::UnknownWord,
    of: &[
        Signature { name: "softmax", docs: "Weighs every expert.", positional: 0, parameters: &[] },
        Signature {
            name: "top_k",
            docs: "A softmax over the `k` greatest logits; the other experts have no weight (Shazeer et al., ICLR 2017).",
            positional: 1,
            parameters: &[Parameter {
                name: "k",
                shape: Shape::Number(Range::SIZE),
                default: crate::schema::Default::Required,
                docs: "How many experts have a weight.",
            }],
        },
        Signature {
            name: "noisy_top_k",
            docs: "`top_k` of logits with trained normal noise while training, and penalties on experts that are used unevenly (Shazeer et \
                   al., ICLR 2017).",
            positional: 1,
            parameters: &[
                Parameter::number("k", Range::SIZE, 2.0, "How many experts have a weight."),
                Parameter::number(
                    "balance",
                    Range::NOT_NEGATIVE,
                    0.01,
                    "Weight of the squared coefficients of variation of the experts' importance and load.",
                ),
            ],
        },
        Signature {
            name: "dselect_k",
            docs: "The mixture of `k` selectors, each of which comes to choose a single expert by its binary code (Hazimeh et al., NeurIPS \
                   2021).",
            positional: 1,
            parameters: &[
                Parameter::number(
                    "k",
                    Range::SIZE,
                    2.0,
                    "Selectors, and so the most experts that have a weight in the end.",
                ),
                Parameter::number("gamma", Range::POSITIVE, 1.0, "Width of the smooth step between a bit's 0 and 1."),
                Parameter::number("entropy", Range::NOT_NEGATIVE, 1e-6, "Weight of the selectors' entropy."),
            ],
        },
    ],
};

/// The option `gate`.
pub(super) const GATE: Parameter = Parameter::choice("gate", &GATES, "softmax", "How logits become weights.");

/// The option `gate_input`.
pub(super) const GATE_INPUT: Parameter = Parameter::optional(
    "gate_input",
    Shape::Input,
    "What the gates read, where it is not what the experts read: the features under a shared layer, say.",
);

/// The option `gate_dropout`.
pub(super) const GATE_DROPOUT: Parameter = Parameter::number(
    "gate_dropout",
    Range::BELOW_ONE,
    0.0,
    "Share of a gate's weights set to 0 while training, never all of them; the others make up for it.",
);

/// Reports a `k` beyond `experts`, the fewest that one gate chooses from, what has no effect, and what no gate can read.
pub(super) fn check(call: &Call, experts: usize, sink: &mut Vec<Diagnostic>) -> Option<()> {
    let (gate, options) = choice(&call.options, "gate");
    if gate != "softmax" {
        let k = number(options, "k");
        if k.value > experts as f64 {
            sink.push(diagnostic!(
                OutOfRange, k.span, "`{gate}` cannot choose {} of {experts} experts", k.value;
                help: "write a number up to {experts}, or more experts"
            ));
            return None;
        }
        if gate == "dselect_k" && experts == 1 {
            sink.push(diagnostic!(
                OutOfRange, k.span, "`dselect_k` chooses from two experts or more";
                help: "write more experts, or leave `gate` out"
            ));
            return None;
        }
        let dropout = number(&call.options, "gate_dropout");
        if gate != "dselect_k" && k.value == 1.0 && dropout.value > 0.0 {
            sink.push(diagnostic!(
                ConflictingOptions, dropout.span, "a gate never loses all of its weights, so `gate_dropout` has no effect on one";
                label(k.span): "one expert has a weight"; help: "write a greater `k`, or leave `gate_dropout` out"
            ));
            return None;
        }
    }
    if let Value::Input(position) = option(&call.options, "gate_input") {
        let input = &call.inputs[*position];
        if !matches!(input.ty, Type::Vec(_)) {
            sink.push(diagnostic!(
                TypeMismatch, input.span, "a gate reads a `vec`, but this is `{}`", input.ty;
                label(call.name_span): "its gates read one vector for all tasks";
                help: "give it what all tasks share, such as `concat(...)` of features"
            ));
            return None;
        }
    }
    Some(())
}

/// What the gates of a call read, if it is not its input.
pub(super) fn input<'s>(call: &Call, inputs: &'s [Stream]) -> Option<&'s Stream> {
    match option(&call.options, "gate_input") {
        Value::Input(position) => Some(&inputs[*position]),
        _ => None,
    }
}

/// A kind of gate with its numbers in the configuration.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    kind: Kind,
    dropout: Option<Rate>,
}

#[derive(Debug, Clone)]
enum Kind {
    Softmax,
    TopK { k: Size },
    NoisyTopK { k: Size, balance: Option<Scale> },
    DselectK { k: Size, gamma: Rate, entropy: Option<Scale> },
}

impl Gate {
    /// Reads the options `gate` and `gate_dropout`.
    pub fn read(options: &Options, scope: &mut Scope) -> Gate {
        let (name, of) = choice(options, "gate");
        let top_k =
            |scope: &mut Scope| scope.count("top_k", "Experts to which a gate gives a weight.", number(of, "k"));
        let kind = match name {
            "top_k" => Kind::TopK { k: top_k(scope) },
            "noisy_top_k" => {
                let k = top_k(scope);
                Kind::NoisyTopK { k, balance: weight(of, "balance", "Weight of uneven importance and load.", scope) }
            }
            "dselect_k" => {
                let k = scope.count("selectors", "Selectors of a gate.", number(of, "k"));
                let gamma = scope.rate("gamma", "Width of the selectors' smooth step.", number(of, "gamma"));
                Kind::DselectK { k, gamma, entropy: weight(of, "entropy", "Weight of the selectors' entropy.", scope) }
            }
            _ => Kind::Softmax,
        };
        let dropout = number(options, "gate_dropout");
        let docs = "Share of the gates' weights set to 0 while training.";
        let dropout = (dropout.value > 0.0).then(|| scope.rate("gate_dropout", docs, dropout));
        Gate { kind, dropout }
    }

    /// Gates over `experts` columns, linear in their input and without bias (as in the papers), one per member.
    pub fn apply(&self, part: &str, members: &[Member], input: NodeId, experts: Size, scope: &mut Scope) -> NodeId {
        let mut gate = match &self.kind {
            Kind::Softmax => {
                let logits = scope.linear(part, None, members, input, experts, false);
                scope.softmax(part, logits)
            }
            Kind::TopK { k } => {
                let logits = scope.linear(part, None, members, input, experts, false);
                scope.top_k(part, logits, k.clone())
            }
            Kind::NoisyTopK { k, balance } => noisy(part, members, input, experts, (k, balance.as_ref()), scope),
            Kind::DselectK { k, gamma, entropy } => {
                select(part, members, input, experts, (k, gamma, entropy.as_ref()), scope)
            }
        };
        if let Some(rate) = &self.dropout {
            gate = scope.drop_gates(part, rate, gate);
        }
        scope.watch_gate(part, members, gate)
    }
}

/// The weight of a penalty, where there is one.
fn weight(options: &Options, name: &str, docs: &str, scope: &mut Scope) -> Option<Scale> {
    let weight = number(options, name);
    (weight.value > 0.0).then(|| scope.real(name, docs, weight))
}

/// `top_k(x W + noise * softplus(x V))`. Both maps start at 0, where all experts are as likely.
fn noisy(
    part: &str,
    members: &[Member],
    input: NodeId,
    experts: Size,
    (k, balance): (&Size, Option<&Scale>),
    scope: &mut Scope,
) -> NodeId {
    let zero = LinearStart::Within { bound: Scale::Constant(0.0), share: 1.0 };
    let logits = scope.linear_from(part, None, members, input, experts.clone(), false, zero.clone());
    let deviation = format!("{part}_noise");
    let deviations = scope.linear_from(&deviation, None, members, input, experts, false, zero);
    let deviations = scope.activate(&deviation, crate::ir::Activation::Softplus, deviations);
    let drawn = scope.noise(&format!("{part}_drawn"), logits, deviations);
    let gate = scope.top_k(part, drawn, k.clone());
    let Some(weight) = balance else { return gate };
    let gate = scope.penalty(&format!("{part}_importance"), Penalty::Imbalance, weight.clone(), vec![gate, gate]);
    let load = Penalty::Load { k: k.clone() };
    scope.penalty(&format!("{part}_load"), load, weight.clone(), vec![gate, logits, drawn, deviations])
}

/// `sum_i softmax(x A)_i r(x Z_i)`, where `r` is a selector's weight of each expert.
fn select(
    part: &str,
    members: &[Member],
    input: NodeId,
    experts: Size,
    (k, gamma, entropy): (&Size, &Rate, Option<&Scale>),
    scope: &mut Scope,
) -> NodeId {
    let codes = format!("{part}_codes");
    let start = LinearStart::Within { bound: Scale::Config(gamma.clone()), share: 0.01 };
    let bits = scope.linear_from(&codes, None, members, input, k.product(&experts.bits()), false, start);
    let gates = scope.shape(bits).slots.clone();
    let bits = scope.reshape(&codes, bits, gates.product(k));
    let mut selectors = scope.selectors(&format!("{part}_selectors"), bits, gamma, experts);
    if let Some(weight) = entropy {
        let inputs = vec![selectors, selectors];
        selectors = scope.penalty(&format!("{part}_entropy"), Penalty::Entropy, weight.clone(), inputs);
    }
    // Without experts behind every code, nothing else keeps a selector from choosing none.
    let inputs = vec![selectors, selectors];
    selectors = scope.penalty(&format!("{part}_lost"), Penalty::Lost, Scale::Constant(1.0), inputs);
    let start = LinearStart::Within { bound: Scale::Constant(0.05), share: 1.0 };
    let weights = format!("{part}_weights");
    let logits = scope.linear_from(&weights, None, members, input, k.clone(), false, start);
    let weights = scope.softmax(&weights, logits);
    let choice = match gates.is(1) {
        true => Slots::All,
        false => {
            let pick = Pick::OwnAndShared { own: k.clone(), shared: Size::constant(0) };
            scope.choice(&format!("{part}_choice"), gates, pick)
        }
    };
    scope.mix(part, weights, selectors, choice)
}
