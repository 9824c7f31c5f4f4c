//! `separate`: a network of its own for each task, or for each group of tasks, maybe tied by a penalty.

use super::mlp::Layers;
use super::{Construct, Context, Reads, block, choice, number, task_groups, template_width, vector_input};
use crate::diagnostic::{Code, Diagnostic, diagnostic};
use crate::hir::{Call, Type};
use crate::ir::{Penalty, Size};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Choice, Parameter, Range, Shape, Signature};

/// `separate(x, mlp([256, 128]), tie: l2(0.01))`.
pub static SEPARATE: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "separate",
    docs: "A network for each task, or for each group of tasks, that shares nothing but its start from one input. `tie` pulls the networks \
           together (Duong et al., ACL 2015; Yang and Hospedales, ICLR workshop 2017).",
    positional: 1,
    parameters: &[
        Parameter::required("block", Shape::Block { may_be_empty: false }, "The network: `mlp([256, 128])`."),
        Parameter::optional(
            "groups",
            Shape::TaskGroups,
            "Tasks that share one network: `[[click, like], [buy]]`; a task that is not named has its own.",
        ),
        Parameter::choice("tie", &TIES, "none", "What training adds to the loss."),
    ],
};

const WEIGHT: Parameter = Parameter::required("weight", Shape::Number(Range::NOT_NEGATIVE), "Its factor.");

static TIES: Choice = Choice {
    noun: "tie",
    plural: "ties",
    unknown: Code::UnknownWord,
    of: &[
        Signature { name: "none", docs: "Nothing.", positional: 0, parameters: &[] },
        Signature {
            name: "l2",
            docs: "The squared distance of each pair of networks, weights and biases.",
            positional: 1,
            parameters: &[WEIGHT],
        },
        Signature {
            name: "trace_norm",
            docs: "The trace norm, layer by layer, of the matrix whose columns are the networks' weights.",
            positional: 1,
            parameters: &[WEIGHT],
        },
    ],
};

/// `vec` or `each vec` to `each vec`.
fn result(call: &Call, context: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    let input = &call.inputs[0];
    vector_input(call, sink)?;
    let template = block(&call.options, "block")?;
    if template.count.value != 1.0 {
        sink.push(diagnostic!(
            WrongArgument, template.span, "`separate` takes one network, and every task has it once";
            help: "write `mlp([256])` without a number in front"
        ));
        return None;
    }
    let groups = task_groups(&call.options, "groups");
    if let (Some(groups), Type::EachVec(_)) = (&groups, input.ty)
        && groups.iter().any(|group| group.len() > 1)
    {
        sink.push(diagnostic!(
            TypeMismatch, input.span, "tasks of one group read one `vec`, but this is `{}`", input.ty;
            help: "give groups a `vec`, or leave `groups` out"
        ));
        return None;
    }
    let networks = context.tasks - groups.iter().flatten().map(|group| group.len() - 1).sum::<usize>();
    let (tie, _) = choice(&call.options, "tie");
    if tie != "none" && networks < 2 {
        sink.push(diagnostic!(
            UnusedExperts, call.name_span, "`tie` has no effect on a single network"; help: "leave `tie` out"
        ));
    }
    Some(Type::EachVec(template_width(template)))
}

/// One group of networks; in a tower those of its tasks, where groups are single tasks.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let input = &inputs[0];
    let tasks = scope.copies(input).unwrap_or_else(|| scope.tasks());
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for group in task_groups(&call.options, "groups").unwrap_or_default() {
        groups.push(tasks.iter().copied().filter(|task| group.contains(task)).collect());
    }
    let alone = tasks.iter().filter(|task| !groups.iter().any(|group| group.contains(task))).map(|task| vec![*task]);
    let groups: Vec<Vec<usize>> =
        groups.iter().cloned().chain(alone.collect::<Vec<_>>()).filter(|group| !group.is_empty()).collect();
    let members: Vec<Member> = groups
        .iter()
        .map(|group| match group[..] {
            [task] => scope.member_of(task, input),
            _ => {
                let names: Vec<&str> = group.iter().map(|task| scope.task_name(*task)).collect();
                Member { owner: Owner::Named(names.join("_")), count: None, slot: scope.slot_of(group[0], input) }
            }
        })
        .collect();
    let Some(template) = block(&call.options, "block") else { unreachable!("the network is required") };
    let layers = Layers::read(&template.options, "", scope);
    let mut value = layers.apply("hidden", &members, input.value, scope);
    let (tie, options) = choice(&call.options, "tie");
    if tie != "none" && groups.len() > 1 {
        let weight = scope.real("tie", "Weight of the penalty that ties the networks.", number(options, "weight"));
        let params = scope.params("hidden");
        let kind = if tie == "l2" { Penalty::Distance(params) } else { Penalty::TraceNorm(params) };
        value = scope.penalty("tie", kind, weight, vec![value]);
    }
    let slot = |task: &usize| groups.iter().position(|group| group.contains(task));
    let slots: Vec<usize> = tasks.iter().filter_map(slot).collect();
    if !slots.iter().copied().eq(0..groups.len()) {
        value = scope.select("own", value, slots);
    }
    debug_assert!(scope.shape(value).slots == Size::constant(tasks.len()));
    Stream { value, tasks: Some(tasks) }
}
