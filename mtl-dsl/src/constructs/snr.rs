//! `snr`: layers of sub-networks whose connections are learned (Ma et al., AAAI 2019).

use super::mlp::{ACTIVATION, DROPOUT, LAYERS, Layers, NORM, numbers};
use super::{Construct, Context, Reads, number, vec_input, word};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, Type};
use crate::ir::{Choice, NodeId, Penalty, Pick, Rate, Size, Slot, ValueInit};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Range, Signature};

/// `snr(x, layers: [256, 128], subnets: 4, route: trans)`.
pub static SNR: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "snr",
    docs: "Layers of sub-networks, joined by gates that are learned to be open or shut (hard concrete), up to a stream for each task. `trans` \
           sends a linear map along each connection, `aver` the activations as they are (Ma et al., AAAI 2019).",
    positional: 0,
    parameters: &[
        LAYERS,
        Parameter::number("subnets", Range::SIZE, 4.0, "Sub-networks of a layer."),
        Parameter::word("route", &["trans", "aver"], "trans", "What goes along a connection."),
        SPARSITY,
        TEMPERATURE,
        ACTIVATION,
        DROPOUT,
        NORM,
    ],
};

/// The weight of what is open.
pub(super) const SPARSITY: Parameter =
    Parameter::number("sparsity", Range::NOT_NEGATIVE, 1e-4, "Weight of the expected number of open connections.");
/// The temperature of gates.
pub(super) const TEMPERATURE: Parameter =
    Parameter::number("temperature", Range::POSITIVE, 0.9, "Temperature of the gates' distribution, at most 1.");

/// `vec` to `each vec`.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    temperature(call, sink)?;
    numbers(&call.options, "layers").last().map(|width| Type::EachVec(width.value as usize))
}

/// Reports a temperature that no gate can have.
pub(super) fn temperature(call: &Call, sink: &mut Vec<Diagnostic>) -> Option<()> {
    let temperature = number(&call.options, "temperature");
    if temperature.value <= 1.0 {
        return Some(());
    }
    sink.push(diagnostic!(
        OutOfRange,
        temperature.span,
        "`temperature` must be above 0 and at most 1, found {}",
        temperature.value
    ));
    None
}

/// What all connections of a call have in common.
struct Routes {
    trans: bool,
    temperature: Rate,
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let input = &inputs[0];
    let tasks = scope.copies(input).unwrap_or_else(|| scope.tasks());
    let layers = Layers::of_block(&call.options, 1, scope);
    let count = scope.count("subnets", "Sub-networks of a layer.", number(&call.options, "subnets"));
    let temperature = scope.rate("temperature", "Temperature of the gates.", number(&call.options, "temperature"));
    let routes = Routes { trans: word(&call.options, "route") == "trans", temperature };
    let subnets = |slot| [Member { owner: Owner::All, count: Some(count.clone()), slot }];
    let mut open = Vec::new();
    let mut value = layers.apply_one(1, "hidden", &subnets(Slot::Own), input.value, scope);
    for (layer, width) in layers.widths().iter().enumerate().skip(1) {
        let part = format!("route_{layer}");
        value = match routes.trans {
            true => {
                let routed = routes.apply(&part, &subnets(Slot::Own), &count, width, value, &mut open, scope);
                layers.finish(layer + 1, "hidden", routed, scope)
            }
            false => {
                let below = layers.widths()[layer - 1].clone();
                let routed = routes.apply(&part, &subnets(Slot::Own), &count, &below, value, &mut open, scope);
                layers.apply_one(layer + 1, "hidden", &subnets(Slot::Own), routed, scope)
            }
        };
    }
    let own: Vec<Member> =
        tasks.iter().map(|task| Member { owner: Owner::Task(*task), count: None, slot: Slot::Own }).collect();
    let width = layers.widths().last().cloned().unwrap_or(Size::constant(0));
    value = routes.apply("route_tasks", &own, &count, &width, value, &mut open, scope);
    Stream { value: sparse(call, value, open, scope), tasks: Some(tasks) }
}

/// `value`, and the penalty on the expected numbers of open connections.
pub(super) fn sparse(call: &Call, value: NodeId, open: Vec<NodeId>, scope: &mut Scope) -> NodeId {
    let sparsity = number(&call.options, "sparsity");
    if sparsity.value == 0.0 {
        return value;
    }
    let weight = scope.real("sparsity", "Weight of the expected number of open connections.", sparsity);
    let total = scope.add("open", open);
    scope.penalty("sparsity", Penalty::Mean, weight, vec![value, total])
}

/// Notes the expected number of open gates.
pub(super) fn note_open(log_alpha: NodeId, temperature: &Rate, open: &mut Vec<NodeId>, scope: &mut Scope) {
    let chances = scope.open_chance("chances", temperature, log_alpha);
    let chances = scope.sum_width("chances", chances);
    open.push(scope.gather("open", chances, Choice::All));
}

impl Routes {
    /// `v_i = sum_j z_ij W_ij u_j` (trans) or `v_i = sum_j z_ij u_j` (aver) for each of `to`; notes the expected number of open
    /// connections.
    #[allow(clippy::too_many_arguments)]
    fn apply(
        &self,
        part: &str,
        to: &[Member],
        from: &Size,
        width: &Size,
        value: NodeId,
        open: &mut Vec<NodeId>,
        scope: &mut Scope,
    ) -> NodeId {
        let rows: Size = to.iter().map(|member| member.count.clone().unwrap_or(Size::constant(1))).sum();
        let log_alpha = scope.value(&format!("{part}_log_alpha"), to, from.clone(), ValueInit::Constant(0.0));
        let gates = scope.hard_concrete(part, &self.temperature, log_alpha);
        note_open(log_alpha, &self.temperature, open, scope);
        if !self.trans {
            return scope.mix("routed", gates, value, Choice::All);
        }
        let subnets = [Member { owner: Owner::All, count: Some(from.clone()), slot: Slot::Own }];
        let sent = scope.linear(part, None, &subnets, value, rows.product(width), false);
        let sent = scope.reshape(&format!("{part}_sent"), sent, from.product(&rows));
        let choice = scope.choice(&format!("{part}_choice"), rows, Pick::Strided { count: from.clone() });
        let routed = scope.mix("routed", gates, sent, choice);
        let bias = scope.value(&format!("{part}_bias"), to, width.clone(), ValueInit::Constant(0.0));
        scope.add("routed", vec![routed, bias])
    }
}
