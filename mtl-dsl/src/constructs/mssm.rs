//! `mssm`: networks of tasks joined unit by unit, each on fields of its choice (Ding et al., SIGIR 2021).

use super::mlp::{ACTIVATION, DROPOUT, LAYERS, Layers, NORM, numbers};
use super::snr::{SPARSITY, TEMPERATURE, sparse, temperature};
use super::{Construct, Context, Reads, number};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Type};
use crate::ir::{Choice, NodeId, Pick, Rate, Size, Slot, ValueInit};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Signature};

/// `mssm(user, item, layers: [64, 32])`.
pub static MSSM: Construct = Construct { signature: &SIGNATURE, reads: Reads::Fields, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "mssm",
    docs: "A network of each task whose first layer reads the fields through gates, and whose other layers read the layers below of all \
           tasks through a gate for each unit. The gates are learned to be open or shut (hard concrete). (Ding et al., \"MSSM: A \
           Multiple-level Sparse Sharing Model for Efficient Multi-Task Learning\", SIGIR 2021.)",
    positional: 0,
    parameters: &PARAMETERS,
};

const PARAMETERS: [Parameter; 6] = [LAYERS, SPARSITY, TEMPERATURE, ACTIVATION, DROPOUT, NORM];

/// Fields to `each vec`.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    temperature(call, sink)?;
    numbers(&call.options, "layers").last().map(|width| Type::EachVec(width.value as usize))
}

/// In a tower, the networks of its tasks.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let tasks = scope.line_tasks();
    let layers = Layers::of_block(&call.options, 1, scope);
    let temperature = scope.rate("temperature", "Temperature of the gates.", number(&call.options, "temperature"));
    let network = Network { tasks: &tasks, temperature };
    let mut open = Vec::new();
    let mut value = inputs[0].value;
    for (width, layer) in layers.widths().iter().zip(1..) {
        value = network.layer(layer, value, width, &mut open, scope);
        value = layers.finish(layer, "hidden", value, scope);
    }
    Stream { value: sparse(call, value, open, scope), tasks: Some(tasks) }
}

/// What all layers have in common.
struct Network<'a> {
    tasks: &'a [usize],
    temperature: Rate,
}

impl Network<'_> {
    /// The linear map of one layer: `v_t = sum_f z_tf W_tf e_f + b_t` of fields, above `v_t = sum_s z_ts * W_ts u_s + b_t` with a gate for
    /// each unit. Notes the expected number of open gates.
    fn layer(&self, layer: usize, below: NodeId, width: &Size, open: &mut Vec<NodeId>, scope: &mut Scope) -> NodeId {
        let rows = Size::constant(self.tasks.len());
        let from = scope.shape(below).slots.clone();
        // All that a task reads, task after task.
        let repeated = scope.stack("repeated", vec![below; self.tasks.len()]);
        let (part, members) = match layer {
            1 => ("fields".to_owned(), self.members(Some(from.clone()))),
            _ => (format!("cells_{layer}"), self.pairs(scope)),
        };
        let sent = scope.linear(&part, None, &members, repeated, width.clone(), false);
        let choice = match self.tasks {
            [_] => Choice::All,
            _ => {
                let pick = Pick::OwnAndShared { own: from.clone(), shared: Size::constant(0) };
                scope.choice(&format!("{part}_choice"), rows, pick)
            }
        };
        let value = if layer == 1 {
            let gates = self.gates(&part, &self.members(None), from, open, scope);
            scope.mix("hidden", gates, sent, choice)
        } else {
            let gates = self.gates(&part, &members, width.clone(), open, scope);
            let gated = scope.multiply("gated", sent, gates);
            scope.gather("hidden", gated, choice)
        };
        let start = ValueInit::Constant(0.0);
        let bias = scope.value(&format!("{part}_bias"), &self.members(None), width.clone(), start);
        scope.add("hidden", vec![value, bias])
    }

    fn members(&self, count: Option<Size>) -> Vec<Member> {
        let member = |task: &usize| Member { owner: Owner::Task(*task), count: count.clone(), slot: Slot::Own };
        self.tasks.iter().map(member).collect()
    }

    /// One for each task and each task that it reads, named after both.
    fn pairs(&self, scope: &Scope) -> Vec<Member> {
        let name = |to: usize, from: usize| format!("{}.{}", scope.task_name(to), scope.task_name(from));
        let pairs = self.tasks.iter().flat_map(|to| self.tasks.iter().map(move |from| name(*to, *from)));
        pairs.map(|name| Member { owner: Owner::Named(name), count: None, slot: Slot::Own }).collect()
    }

    fn gates(&self, part: &str, members: &[Member], width: Size, open: &mut Vec<NodeId>, scope: &mut Scope) -> NodeId {
        let log_alpha = scope.value(&format!("{part}_log_alpha"), members, width, ValueInit::Constant(0.0));
        super::snr::note_open(log_alpha, &self.temperature, open, scope);
        scope.hard_concrete(part, &self.temperature, log_alpha)
    }
}
