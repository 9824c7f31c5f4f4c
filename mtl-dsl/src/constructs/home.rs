//! `home`: a hierarchy of experts of all tasks, of categories of tasks and of single tasks (Wang et al., 2024).

use super::mlp::{Layers, numbers};
use super::ple::{agree, alike};
use super::{Construct, Context, Reads, block, number, task_groups, template_width, vec_input, word};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Block, Call, Type};
use crate::ir::{Activation, Choice, LinearStart, NodeId, Pick, Scale, Size, Slot};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `home(x, categories: [[click, like]], meta: 2 * mlp([64]), shared: 2 * mlp([64]), category: 2 * mlp([64]), each: 1 * mlp([64]))`.
pub static HOME: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

const EXPERTS: Shape = Shape::Block { may_be_empty: false };

static SIGNATURE: Signature = Signature {
    name: "home",
    docs: "Two levels of experts with normed outputs. Below, each category of tasks mixes experts of its own and those of all tasks; \
           above, each task mixes its own experts, its category's and those of all tasks. Gates of low rank scale what each group of \
           experts reads, and gates of their own add each group's experts once more (Wang et al., \"HoME: Hierarchy of Multi-Gate \
           Experts for Multi-Task Learning at Kuaishou\", 2024).",
    positional: 0,
    parameters: &[
        Parameter::required(
            "categories",
            Shape::TaskGroups,
            "Categories of tasks: `[[click, like], [buy]]`; a task that is not named is a category of its own.",
        ),
        Parameter::required("meta", EXPERTS, "Experts below, of all tasks and of each category: `2 * mlp([64])`."),
        Parameter::required("shared", EXPERTS, "Experts above of all tasks."),
        Parameter::required("category", EXPERTS, "Experts above of each category."),
        Parameter::required("each", EXPERTS, "Experts above of each task."),
        Parameter::number("rank", Range::SIZE, 8.0, "Rank of the gates on what experts read."),
    ],
};

/// `vec` to `each vec`, as wide as an expert of the upper level.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    let mut groups = Vec::new();
    for name in ["meta", "shared", "category", "each"] {
        groups.push(block(&call.options, name)?);
    }
    for group in &groups {
        without_effect(group, sink)?;
    }
    for other in &groups[2..] {
        agree(groups[1], other, sink)?;
    }
    Some(Type::EachVec(template_width(groups[1])))
}

/// Reports what the norm and swish of an expert's last layer stand in for, where there is no other layer.
fn without_effect(group: &Block, sink: &mut Vec<Diagnostic>) -> Option<()> {
    let activation = word(&group.options, "activation");
    let written = match (word(&group.options, "norm"), activation) {
        ("layer", _) => "norm",
        (_, "relu" | "swish") => return Some(()),
        _ => "activation",
    };
    if numbers(&group.options, "hidden").len() > 1 {
        return Some(());
    }
    sink.push(diagnostic!(
        ConflictingOptions, group.span, "the last layer of an expert of `home` has a norm and swish, so `{written}` has no effect";
        help: "leave `{written}` out, or write a hidden layer before: `mlp([128, 64])`"
    ));
    None
}

/// The lower level on what all tasks share; where a tower line has copies of it, on their mean.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let tasks = scope.copies(&inputs[0]).unwrap_or_else(|| scope.tasks());
    let categories = categories(call, &tasks);
    let rank = scope.count("rank", "Rank of the gates on what experts read.", number(&call.options, "rank"));
    let input = super::ple::common(&inputs[0], scope);
    let (shared, own) = lower_meta(call, &categories, input, &rank, &mut scope.inner("meta"));
    let both = scope.concat("meta", vec![shared, own]);
    let value = lower_tasks(call, (&tasks, &categories), [shared, both], &rank, scope);
    Stream { value, tasks: Some(tasks) }
}

/// The tasks of each category, as far as they are among `tasks`.
fn categories(call: &Call, tasks: &[usize]) -> Vec<Vec<usize>> {
    let named = task_groups(&call.options, "categories").unwrap_or_default();
    let alone = tasks.iter().filter(|task| !named.iter().any(|group| group.contains(task))).map(|task| vec![*task]);
    let here = named.iter().map(|group| tasks.iter().copied().filter(|task| group.contains(task)).collect());
    here.chain(alone).filter(|group: &Vec<usize>| !group.is_empty()).collect()
}

/// Whose the members of a category are: named after its tasks.
fn owner(category: &[usize], scope: &Scope) -> Owner {
    match category {
        [task] => Owner::Task(*task),
        _ => Owner::Named(category.iter().map(|task| scope.task_name(*task)).collect::<Vec<_>>().join("_")),
    }
}

/// Groups of experts, one for each owner, all of one size.
struct Groups<'a> {
    /// Before the names of their parameters; with its `_`.
    part: &'a str,
    owners: Vec<Owner>,
    /// Experts of each.
    count: Size,
    /// The same under the spec's own numbers.
    written: f64,
    layers: Layers,
}

impl Groups<'_> {
    fn members(&self) -> Vec<Member> {
        self.owners.iter().map(|owner| Member { owner: owner.clone(), count: None, slot: Slot::Own }).collect()
    }

    /// The experts' outputs: each group reads its slot of `input`, or the only one, scaled by a gate of its own.
    fn apply(&self, input: NodeId, rank: &Size, scope: &mut Scope) -> NodeId {
        let (part, members) = (self.part, self.members());
        let width = scope.shape(input).width.clone();
        let down = scope.linear(&format!("{part}feature_down"), None, &members, input, rank.clone(), false);
        // From 0, where the gate is 1.
        let start = LinearStart::Within { bound: Scale::Constant(0.0), share: 1.0 };
        let up = scope.linear_from(&format!("{part}feature_up"), None, &members, down, width, false, start);
        let gate = scope.activate("feature_gate", Activation::Sigmoid, up);
        let gate = scope.affine("feature_gate", gate, Scale::Constant(2.0), 0.0);
        let read = scope.multiply("read", input, gate);
        let slot = |position| if members.len() == 1 { Slot::Own } else { Slot::At(position) };
        let mut experts: Vec<Member> = (members.iter().enumerate())
            .map(|(at, member)| Member { count: Some(self.count.clone()), slot: slot(at), ..member.clone() })
            .collect();
        let (part, last) = (format!("{part}experts"), self.layers.widths().len());
        let mut value = read;
        for layer in 1..=last {
            let layers = if layer == last { self.layers.normed() } else { self.layers.clone() };
            value = layers.apply_one(layer, &part, &experts, value, scope);
            experts.iter_mut().for_each(|member| member.slot = Slot::Own);
        }
        value
    }

    /// The sums of each group's own experts, weighted by a gate on `input`: a softmax, or for a single expert a sigmoid.
    fn once_more(&self, input: NodeId, experts: NodeId, scope: &mut Scope) -> NodeId {
        let part = format!("{}self_gate", self.part);
        let logits = scope.linear(&part, None, &self.members(), input, self.count.clone(), false);
        let gates = match self.written > 1.0 {
            true => {
                let gates = scope.softmax(&part, logits);
                scope.watch_gate(&part, &self.members(), gates)
            }
            false => scope.activate(&part, Activation::Sigmoid, logits),
        };
        let choice = self.own(&part, scope);
        scope.mix("once_more", gates, experts, choice)
    }

    /// A row for each group, of its own experts.
    fn own(&self, name: &str, scope: &Scope) -> Choice {
        let pick = Pick::OwnAndShared { own: self.count.clone(), shared: Size::constant(0) };
        match self.owners.len() {
            1 => Choice::All,
            rows => scope.choice(&format!("{name}_choice"), Size::constant(rows), pick),
        }
    }
}

/// What the lower level makes of all tasks' experts alone, and of each category's and theirs.
fn lower_meta(
    call: &Call,
    categories: &[Vec<usize>],
    input: NodeId,
    rank: &Size,
    scope: &mut Scope,
) -> (NodeId, NodeId) {
    let Some(meta) = block(&call.options, "meta") else { unreachable!("the experts are required") };
    let count = scope.count("experts", "Experts of all tasks, and of each category.", meta.count);
    let layers = Layers::read(&meta.options, "", scope);
    let group =
        |part, owners| Groups { part, owners, count: count.clone(), written: meta.count.value, layers: layers.clone() };
    let shared = group("shared_", vec![Owner::All]);
    let own = group("", categories.iter().map(|category| owner(category, scope)).collect());
    let shared_experts = shared.apply(input, rank, scope);
    let own_experts = own.apply(input, rank, scope);

    let again = shared.once_more(input, shared_experts, scope);
    // A gate over a single expert would be 1.
    let mixed = match shared.written > 1.0 {
        true => {
            let gate = gate("shared_gate", &shared.members(), input, count.clone(), scope);
            scope.mix("shared", gate, shared_experts, Choice::All)
        }
        false => shared_experts,
    };
    let of_all = scope.add("shared", vec![mixed, again]);

    let experts = scope.stack("experts", vec![own_experts, shared_experts]);
    let gates = gate("gates", &own.members(), input, count.clone().times(2), scope);
    let choice = scope.own_and_shared(Size::constant(categories.len()), count.clone(), count.clone());
    let mixed = scope.mix("mixed", gates, experts, choice);
    let again = own.once_more(input, own_experts, scope);
    (of_all, scope.add("categories", vec![mixed, again]))
}

/// The upper level: of what all tasks share, and of that beside each category's.
fn lower_tasks(
    call: &Call,
    (tasks, categories): (&[usize], &[Vec<usize>]),
    [common, both]: [NodeId; 2],
    rank: &Size,
    scope: &mut Scope,
) -> NodeId {
    let templates = ["each", "category", "shared"].map(|name| block(&call.options, name));
    let [Some(each), Some(category), Some(shared)] = templates else { unreachable!("the experts are required") };
    let docs = ["Experts of each task.", "Experts of each category.", "Experts of all tasks."];
    let names = ["each", "category", "shared"];
    let written = [each, category, shared];
    let counts: Vec<Size> = (0..3).map(|at| scope.count(names[at], docs[at], written[at].count)).collect();
    let layers = layers(&written, &names, scope);
    let group = |at: usize, part, owners| Groups {
        part,
        owners,
        count: counts[at].clone(),
        written: written[at].count.value,
        layers: layers[at].clone(),
    };
    let own = group(0, "", tasks.iter().map(|task| Owner::Task(*task)).collect());
    let of_category = group(1, "category_", categories.iter().map(|category| owner(category, scope)).collect());
    let of_all = group(2, "shared_", vec![Owner::All]);

    let place = |task: &usize| categories.iter().position(|category| category.contains(task));
    let places: Vec<usize> = tasks.iter().filter_map(place).collect();
    let to_tasks = |name: &str, value: NodeId, scope: &mut Scope| match places.iter().copied().eq(0..categories.len()) {
        true => value,
        false => scope.select(name, value, places.clone()),
    };
    let read = to_tasks("read", both, scope);
    let own_experts = own.apply(read, rank, scope);
    let shared_experts = of_all.apply(common, rank, scope);
    // Each task's category's experts, task after task.
    let theirs = of_category.apply(both, rank, scope);
    let theirs = scope.reshape("category", theirs, Size::constant(categories.len()));
    let theirs = to_tasks("category", theirs, scope);
    let theirs = scope.reshape("category_of_task", theirs, counts[1].clone().times(tasks.len()));

    let near = counts[0].clone().plus(&counts[2]);
    let gates = gate("gates", &own.members(), read, near.clone().plus(&counts[1]), scope);
    let first = scope.narrow("near", gates, Size::constant(0), near.clone());
    let experts = scope.stack("experts", vec![own_experts, shared_experts]);
    let rows = Size::constant(tasks.len());
    let choice = scope.own_and_shared(rows.clone(), counts[0].clone(), counts[2].clone());
    let mixed = scope.mix("mixed", first, experts, choice);
    let rest = scope.narrow("far", gates, near, counts[1].clone());
    let choice = match tasks {
        [_] => Choice::All,
        _ => {
            let pick = Pick::OwnAndShared { own: counts[1].clone(), shared: Size::constant(0) };
            scope.choice("category_choice", rows, pick)
        }
    };
    let lent = scope.mix("lent", rest, theirs, choice);
    let again = own.once_more(read, own_experts, scope);
    scope.add("mixed", vec![mixed, lent, again])
}

/// A softmax that is linear in its input.
fn gate(part: &str, members: &[Member], input: NodeId, experts: Size, scope: &mut Scope) -> NodeId {
    let logits = scope.linear(part, None, members, input, experts, false);
    let gates = scope.softmax(part, logits);
    scope.watch_gate(part, members, gates)
}

/// The layers of each group. Blocks that are written alike share their numbers; otherwise each has its own, but for the width of their
/// outputs.
fn layers(blocks: &[&Block; 3], names: &[&str; 3], scope: &mut Scope) -> Vec<Layers> {
    if alike(blocks[0], blocks[1]) && alike(blocks[0], blocks[2]) {
        return vec![Layers::read(&blocks[0].options, "", scope); 3];
    }
    let width = Layers::last(&blocks[0].options, scope);
    let read = |(block, name): (&&Block, &&str)| {
        Layers::read_below(&block.options, &format!("{name}_"), Some(width.clone()), scope)
    };
    blocks.iter().zip(names).map(read).collect()
}
