//! The gates of mixtures of experts: the options `gate` and `gate_input`.

use super::{Options, option};
use crate::diagnostic::{Code, Diagnostic, diagnostic};
use crate::hir::{Call, Number, Type, Value};
use crate::ir::{NodeId, Size};
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

/// Reports a `k` beyond `experts`, the fewest that one gate chooses from, and what no gate can read.
pub(super) fn check(call: &Call, experts: usize, sink: &mut Vec<Diagnostic>) -> Option<()> {
    if let Some(k) = k(&call.options).filter(|k| k.value > experts as f64) {
        sink.push(diagnostic!(
            OutOfRange, k.span, "`top_k` cannot choose {} of {experts} experts", k.value;
            help: "write a number up to {experts}, or more experts"
        ));
        return None;
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
    k: Option<Size>,
}

impl Gate {
    /// Reads the option `gate`.
    pub fn read(options: &Options, scope: &mut Scope) -> Gate {
        let k = k(options);
        Gate { k: k.map(|k| scope.count("top_k", "Experts to which a gate gives a weight.", k)) }
    }

    /// Gates over `experts` columns, linear in their input and without bias (as in the papers), one per member.
    pub fn apply(&self, part: &str, members: &[Member], input: NodeId, experts: Size, scope: &mut Scope) -> NodeId {
        let logits = scope.linear(part, None, members, input, experts, false);
        let gate = match &self.k {
            Some(k) => scope.top_k(part, logits, k.clone()),
            None => scope.softmax(part, logits),
        };
        scope.watch_gate(part, gate)
    }
}

fn k(options: &Options) -> Option<Number> {
    let Value::Choice("top_k", options) = option(options, "gate") else { return None };
    Some(super::number(options, "k"))
}
