//! `ple`: progressive layered extraction, and `cgc`, one level of it (Tang et al., RecSys 2020).

use super::gates::{self, GATE, GATE_DROPOUT, GATE_INPUT, Gate};
use super::mlp::Layers;
use super::{Construct, Context, Options, Reads, block, option, template_width, vec_input, warn_single_expert};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Block, Call, Type, Value};
use crate::ir::{Choice, NodeId, Scale, Size, Slot};
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Parameter, Shape, Signature};

/// `ple(x, levels: [level(shared: 4 * mlp([256]), each: 2 * mlp([256])), ...])`.
pub static PLE: Construct =
    Construct { signature: &PLE_SIGNATURE, reads: Reads::One, result: ple_result, template: None, lower: lower_ple };

/// `cgc(x, shared: 4 * mlp([256]), each: 2 * mlp([256]))`.
pub static CGC: Construct =
    Construct { signature: &CGC_SIGNATURE, reads: Reads::One, result: cgc_result, template: None, lower: lower_cgc };

const EXPERTS: [Parameter; 2] = [
    Parameter::optional("shared", Shape::Block { may_be_empty: true }, "Experts of all tasks."),
    Parameter::optional("each", Shape::Block { may_be_empty: true }, "Experts of each task."),
];

static PLE_SIGNATURE: Signature = Signature {
    name: "ple",
    docs: "Levels of shared and task-owned experts. At each level a task's gate mixes its own experts and the shared ones, and \
           below the last level the shared stream's gate mixes all of them.",
    positional: 0,
    parameters: &[
        Parameter::required("levels", Shape::Groups(&LEVEL), "The levels, from the input up: `[level(...), ...]`."),
        GATE,
        GATE_INPUT,
        GATE_DROPOUT,
    ],
};

static LEVEL: Signature = Signature { name: "level", docs: "One level of `ple`.", positional: 0, parameters: &EXPERTS };

static CGC_SIGNATURE: Signature = Signature {
    name: "cgc",
    docs: "One level of `ple`: a task's gate mixes its own experts and the shared ones.",
    positional: 0,
    parameters: &[EXPERTS[0], EXPERTS[1], GATE, GATE_INPUT, GATE_DROPOUT],
};

/// `vec` to `each vec`, as wide as an expert of the last level.
fn ple_result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    let Value::Groups(levels) = option(&call.options, "levels") else { return None };
    let mut width = None;
    for level in levels {
        width = Some(level_width(call, level, sink)?);
    }
    gates::check(call, levels.iter().map(|level| level_experts(level)).min()?, sink)?;
    width.map(Type::EachVec)
}

/// How many experts a task's gate chooses from.
fn level_experts(level: &Options) -> usize {
    ["shared", "each"].iter().filter_map(|name| block(level, name)).map(|group| group.count.value as usize).sum()
}

fn cgc_result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    let width = level_width(call, &call.options, sink)?;
    gates::check(call, level_experts(&call.options), sink)?;
    Some(Type::EachVec(width))
}

/// The width of a level's experts: shared and owned ones are mixed, so they must agree.
fn level_width(call: &Call, level: &Options, sink: &mut Vec<Diagnostic>) -> Option<usize> {
    let groups: Vec<_> = ["shared", "each"].iter().filter_map(|name| block(level, name)).collect();
    let (present, empty): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| group.count.value > 0.0);
    if present.is_empty() {
        let span = empty.first().map_or(call.name_span, |group| group.span);
        sink.push(diagnostic!(
            NoExperts, span, "this level of `{}` has no experts", call.construct;
            help: "write `shared: n * mlp(...)`, `each: n * mlp(...)`, or both"
        ));
        return None;
    }
    for group in empty {
        sink.push(diagnostic!(
            UnusedExperts, group.span, "a group of no experts has no effect";
            help: "leave the group out"
        ));
    }
    let (first, rest) = present.split_first()?;
    let width = template_width(first);
    for other in rest {
        agree(first, other, sink)?;
    }
    if rest.is_empty() && first.count.value == 1.0 {
        warn_single_expert(first, sink);
    }
    Some(width)
}

/// Reports experts of one level that end in different widths.
pub(super) fn agree(first: &Block, other: &Block, sink: &mut Vec<Diagnostic>) -> Option<()> {
    let width = template_width(first);
    if template_width(other) == width {
        return Some(());
    }
    sink.push(diagnostic!(
        WidthMismatch, other.span, "experts of one level must end in one width, but these end in {}", template_width(other);
        label(first.span): "these end in {width}";
        help: "a gate adds their outputs: make the last widths equal"
    ));
    None
}

/// The levels from the input up. Below the top the shared stream goes on as one more slot after the tasks', as long as a level
/// above has shared experts to read it.
fn lower_ple(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let Value::Groups(levels) = option(&call.options, "levels") else { unreachable!("levels are required") };
    let tasks = scope.copies(&inputs[0]).unwrap_or_else(|| scope.tasks());
    let any_shared = levels.iter().any(|level| group(level, "shared").is_some());
    let mut streams = Streams::of(&inputs[0], any_shared, scope);
    let (gate, read) = (Gate::read(&call.options, scope), gates::input(call, inputs));
    for (position, options) in levels.iter().enumerate() {
        let above = &levels[position + 1..];
        let goes_on = above.iter().any(|level| group(level, "shared").is_some());
        let mut scope = scope.inner(&format!("level_{}", position + 1));
        streams = lower_level(options, &tasks, &streams, (&gate, read), goes_on, &mut scope);
    }
    Stream { value: streams.value, tasks: Some(tasks) }
}

fn lower_cgc(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let tasks = scope.copies(&inputs[0]).unwrap_or_else(|| scope.tasks());
    let streams = Streams::of(&inputs[0], group(&call.options, "shared").is_some(), scope);
    let (gate, read) = (Gate::read(&call.options, scope), gates::input(call, inputs));
    let streams = lower_level(&call.options, &tasks, &streams, (&gate, read), false, scope);
    Stream { value: streams.value, tasks: Some(tasks) }
}

/// What a level reads: a slot per task, and after them maybe that of the shared stream.
pub(super) struct Streams {
    pub value: NodeId,
    /// Whose the slots are; `None`: one slot that all read.
    pub own: Option<Vec<usize>>,
    /// The slot of the shared stream, where it is not the only one.
    pub shared: Option<usize>,
}

impl Streams {
    /// The streams that enter the first level. Where every task of a tower line has its own copy of the input, shared experts read the
    /// mean of the copies.
    pub fn of(input: &Stream, shared: bool, scope: &mut Scope) -> Streams {
        let own = input.tasks.clone();
        match own.as_ref().map_or(1, Vec::len) {
            copies if copies > 1 && shared => {
                let common = common(input, scope);
                let value = scope.stack("streams", vec![input.value, common]);
                Streams { value, own, shared: Some(copies) }
            }
            _ => Streams { value: input.value, own, shared: None },
        }
    }

    fn slot(&self, task: Option<usize>) -> Slot {
        let position = match task {
            Some(task) => self.own.as_ref().and_then(|own| own.iter().position(|other| *other == task)),
            None => self.shared,
        };
        position.map_or(Slot::Own, Slot::At)
    }

    pub fn member(&self, task: Option<usize>, count: Option<Size>) -> Member {
        Member { owner: task.into(), count, slot: self.slot(task) }
    }
}

/// What shared experts read: where every task of a tower line has its own copy of the input, the mean of the copies.
pub(super) fn common(input: &Stream, scope: &mut Scope) -> NodeId {
    let copies = input.tasks.as_ref().map_or(1, Vec::len);
    if copies == 1 {
        return input.value;
    }
    let sum = scope.gather("common", input.value, Choice::All);
    scope.affine("common", sum, Scale::Constant(1.0 / copies as f64), 0.0)
}

/// One level: own and shared experts on their streams, one gate per task over its own experts and the shared ones and, where the
/// shared stream goes on, a gate of its own over all experts.
fn lower_level(
    options: &Options,
    tasks: &[usize],
    streams: &Streams,
    (gate, read): (&Gate, Option<&Stream>),
    goes_on: bool,
    scope: &mut Scope,
) -> Streams {
    let (own, shared) = (group(options, "each"), group(options, "shared"));
    let own_count = own.map_or(Size::constant(0), |group| scope.count("each", "Experts of each task.", group.count));
    let shared_count = shared.map_or(Size::constant(0), |group| scope.count("shared", "Shared experts.", group.count));
    let (own_layers, shared_layers) = layers(own, shared, scope);

    let mut parts = Vec::new();
    if let Some(layers) = own_layers {
        let members: Vec<_> = tasks.iter().map(|task| streams.member(Some(*task), Some(own_count.clone()))).collect();
        parts.push(layers.apply("own", &members, streams.value, scope));
    }
    if let Some(layers) = shared_layers {
        parts.push(layers.apply("shared", &[streams.member(None, Some(shared_count.clone()))], streams.value, scope));
    }
    let experts = match parts[..] {
        [only] => only,
        _ => scope.stack("experts", parts),
    };

    let raw = read.map(|read| Streams { value: read.value, own: read.tasks.clone(), shared: None });
    let read = raw.as_ref().unwrap_or(streams);
    let gates: Vec<_> = tasks.iter().map(|task| read.member(Some(*task), None)).collect();
    let gates = gate.apply("gates", &gates, read.value, own_count.clone().plus(&shared_count), scope);
    let choice = match own {
        Some(_) => scope.own_and_shared(Size::constant(tasks.len()), own_count.clone(), shared_count.clone()),
        None => Choice::All,
    };
    let mixed = scope.mix("mixed", gates, experts, choice);
    if !goes_on {
        return Streams { value: mixed, own: Some(tasks.to_vec()), shared: None };
    }
    let all = own_count.times(tasks.len()).plus(&shared_count);
    let gate = gate.apply("shared_gate", &[read.member(None, None)], read.value, all, scope);
    let shared = scope.mix("shared", gate, experts, Choice::All);
    let value = scope.stack("streams", vec![mixed, shared]);
    Streams { value, own: Some(tasks.to_vec()), shared: Some(tasks.len()) }
}

/// The layers of both groups. Blocks that are written alike share their numbers, `hidden` and `dropout`; otherwise each has its own,
/// but for the `width` of their outputs, which a gate adds up.
pub(super) fn layers(
    own: Option<&Block>,
    shared: Option<&Block>,
    scope: &mut Scope,
) -> (Option<Layers>, Option<Layers>) {
    match (own, shared) {
        (Some(own), Some(shared)) if alike(own, shared) => {
            let layers = Layers::read(&own.options, "", scope);
            (Some(layers.clone()), Some(layers))
        }
        (Some(own), Some(shared)) => {
            let width = Layers::last(&own.options, scope);
            let mut read =
                |block: &Block, prefix| Layers::read_below(&block.options, prefix, Some(width.clone()), scope);
            (Some(read(own, "each_")), Some(read(shared, "shared_")))
        }
        (own, shared) => {
            let mut read = |block: &Block| Layers::read(&block.options, "", scope);
            (own.map(&mut read), shared.map(&mut read))
        }
    }
}

/// Whether two blocks say the same, wherever they stand.
pub(super) fn alike(a: &Block, b: &Block) -> bool {
    let same = |(a, b): (&(&str, Value), &(&str, Value))| match (&a.1, &b.1) {
        (Value::Number(a), Value::Number(b)) => a.value == b.value,
        (Value::Numbers(a), Value::Numbers(b)) => a.iter().map(|n| n.value).eq(b.iter().map(|n| n.value)),
        (a, b) => a == b,
    };
    a.construct == b.construct && a.options.iter().zip(&b.options).all(same)
}

/// A group that has blocks.
pub(super) fn group<'a>(options: &'a Options, name: &str) -> Option<&'a Block> {
    block(options, name).filter(|group| group.count.value > 0.0)
}
