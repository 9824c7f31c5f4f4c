//! Blocks: a struct of parameters, its `new` and its `forward`.

use super::constants::{Constant, constants, uses_width};
use super::{Generator, docs, ident, names, text};
use crate::ir::{
    Block, Graph, Linear, LinearStart, Masked, Members, Node, NodeId, Op, ParamKind, Role, Scale, Size, Slot, Symbol,
    ValueInit,
};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

impl Generator<'_> {
    /// The struct of a block and its methods.
    pub(super) fn block_items(&self, block: &Block, index: usize) -> Vec<TokenStream> {
        let name = self.type_named(&self.names.blocks[index], block.span);
        let docs = docs(&self.block_docs(block));
        let params = block.params.iter().map(|param| {
            let (field, docs) = (ident(&param.name.to_string()), super::docs(&self.param_docs(&param.kind)));
            match param.kind {
                ParamKind::Linear(_) => quote! { #docs pub #field: Linear },
                ParamKind::Norm { .. } => quote! { #docs pub #field: LayerNorm },
                ParamKind::Value(_) => quote! { #docs pub #field: Value },
                ParamKind::Masked(_) => quote! { #docs pub #field: MaskedLinear },
            }
        });
        let constants = constants(block);
        let fields = constants.iter().map(|constant| &constant.field);
        let tasks = match &block.role {
            Role::Let => TokenStream::new(),
            Role::Tower(tasks) => {
                let names: Vec<&str> = tasks.iter().map(|task| self.ir.tasks[*task].as_str()).collect();
                let about = super::docs(&format!("Its tasks: {}.", names.join(", ")));
                let tasks = tasks.iter().map(|task| names::whole(*task));
                quote! { #about pub const TASKS: &[usize] = &[#(#tasks),*]; }
            }
        };
        let methods =
            vec![tasks, self.block_new(block, index, &constants), self.block_forward(block, index), compact(block)];
        let methods = self.members(methods);
        vec![
            quote! {
                #docs
                #[derive(Module, Debug)]
                pub struct #name { #(#params,)* #(#fields,)* }
            },
            quote! { impl #name { #methods } },
        ]
    }

    /// What the spec says about a block, and its types.
    pub(super) fn block_docs(&self, block: &Block) -> String {
        let line = match &block.role {
            Role::Let => format!("let {} = {}", block.name, self.excerpt(block.span)),
            Role::Tower(_) => format!("{} = {}", block.name.replacen("tower_", "tower ", 1), self.excerpt(block.span)),
        };
        let inputs: Vec<String> = block.arguments().map(|node| format!("`{} {}`", node.name, node.shape)).collect();
        let output = &block.graph[block.graph.output].shape;
        let types = format!("{} to `{output}`", inputs.join(", "));
        let about = text::wrap(&format!("`{line}`: {types}."));
        match block.docs.is_empty() {
            true => about,
            false => format!("{}\n\n{about}", block.docs),
        }
    }

    fn param_docs(&self, kind: &ParamKind) -> String {
        match kind {
            ParamKind::Norm { slots, width } => format!("`[{slots}, {width}]`: layer norm."),
            ParamKind::Masked(masked) => {
                format!("`[{}, {}]`, and a mask for each of {} tasks.", masked.input, masked.output, masked.tasks)
            }
            ParamKind::Value(value) => {
                let shape = format!("`[{}, {}]`", value.size(), value.width);
                match &value.members[..] {
                    [_] => format!("{shape}."),
                    members => format!("{shape}: {}.", members.iter().map(owner).collect::<Vec<_>>().join(", ")),
                }
            }
            ParamKind::Linear(linear) => {
                let shape = format!("`[{}, {}, {}]`", linear.size(), linear.input, linear.output);
                match &linear.members[..] {
                    [only] if only.count.is_some() || only.path.matches('.').count() == 1 => format!("{shape}."),
                    _ => format!("{shape}: {}.", linear.members.iter().map(owner).collect::<Vec<_>>().join(", ")),
                }
            }
        }
    }

    fn block_new(&self, block: &Block, index: usize, constants: &[Constant]) -> TokenStream {
        let config = self.type_named(&format!("{}Config", self.names.blocks[index]), block.span);
        let config = (!block.config.fields.is_empty()).then(|| quote! { config: &#config, });
        let widths =
            block.arguments().map(|node| ident(&names::local(&node.name))).filter(|name| uses_width(block, name));
        let params = block.params.iter().map(|param| {
            let field = ident(&param.name.to_string());
            let value = match &param.kind {
                ParamKind::Linear(linear) => self.linear_new(linear),
                ParamKind::Norm { slots, width } => {
                    let (slots, width) = (block_size(slots), block_size(width));
                    quote! { init.layer_norm(#slots, #width) }
                }
                ParamKind::Masked(Masked { path, tasks, input, output }) => {
                    let (tasks, input, output) = (names::whole(*tasks), block_size(input), block_size(output));
                    quote! { init.masked_linear(#path, #tasks, #input, #output) }
                }
                ParamKind::Value(value) => {
                    let (members, width) = (self.member_paths(&value.members), block_size(&value.width));
                    let start = value_init(&value.init);
                    quote! { init.value(#members, #width, #start) }
                }
            };
            quote! { #field: #value }
        });
        let init = (!block.params.is_empty()).then(|| quote! { init: &Init, });
        let constants = constants.iter().map(|constant| &constant.init);
        quote! {
            fn new(#config #init #(#widths: usize),*) -> Self {
                Self { #(#params,)* #(#constants,)* }
            }
        }
    }

    /// The expression that makes a grouped linear map.
    fn linear_new(&self, linear: &Linear) -> TokenStream {
        let members = self.member_paths(&linear.members);
        let (input, output, bias) = (block_size(&linear.input), block_size(&linear.output), linear.bias);
        let reading = reading(&linear.members);
        let start = match &linear.start {
            LinearStart::Uniform => None,
            LinearStart::Blocks { own, other } => {
                let (own, other) = (start_number(own), start_number(other));
                Some(quote! { .starting_as_blocks(#own, #other) })
            }
            LinearStart::Within { bound, share } => {
                let bound = start_number(bound);
                let share = (*share != 1.0).then(|| names::real(*share)).map(|share| quote! { #share * });
                Some(quote! { .starting_within(#share #bound) })
            }
        };
        quote! { init.linear(#members, #input, #output, #bias) #start #reading }
    }

    /// Whether a block's `forward` needs to know the circumstances of the pass.
    pub(super) fn needs_pass(&self, index: usize) -> bool {
        let needs = |op: &Op| {
            matches!(
                op,
                Op::Dropout { .. }
                    | Op::DropRows { .. }
                    | Op::HardConcrete { .. }
                    | Op::Noise { .. }
                    | Op::DropGates { .. }
                    | Op::Gate { .. }
                    | Op::Penalty { .. }
                    | Op::Subnets { .. }
            )
        };
        self.ir.blocks[index].graph.nodes.iter().any(|node| needs(&node.op)) || self.mixtures(index).is_some()
    }

    /// The paths of a group's members, as a reference to a list.
    fn member_paths(&self, members: &[Members]) -> TokenStream {
        let [only] = members else {
            if let Some(prefix) = task_prefix(members) {
                let tasks = members.iter().map(|member| &member.path[prefix.len() + 1..]);
                let tasks = match tasks.clone().eq(self.ir.tasks.iter().map(String::as_str)) {
                    true => quote! { &TASKS },
                    false => quote! { &[#(#tasks),*] },
                };
                return quote! { &task_members(#prefix, #tasks) };
            }
            let parts = members.iter().map(|member| {
                let path = &member.path;
                match &member.count {
                    Some(count) => {
                        let count = block_size(count);
                        quote! { members(#path, #count) }
                    }
                    None => quote! { vec![#path.to_string()] },
                }
            });
            return quote! { &[#(#parts),*].concat() };
        };
        let path = &only.path;
        match &only.count {
            Some(count) => {
                let count = block_size(count);
                quote! { &members(#path, #count) }
            }
            None => quote! { &[#path.to_string()] },
        }
    }

    fn block_forward(&self, block: &Block, index: usize) -> TokenStream {
        let graph = &block.graph;
        let arguments: Vec<Ident> = block.arguments().map(|node| ident(&names::local(&node.name))).collect();
        let pass = self.needs_pass(index).then(|| quote! { , pass: &Pass });
        let inputs: Vec<String> = block.arguments().map(|node| format!("`{} {}`", node.name, node.shape)).collect();
        let about = docs(&format!("{} to `{}`.", inputs.join(", "), graph[graph.output].shape));
        // A parameter's value needs no rows, so a block without arguments has them from its values alone.
        let mixtures = self.mixtures(index);
        let body = self.straight_line(graph, &|id, _, inputs| self.step(block, &mixtures, id, inputs));
        quote! {
            #about
            pub fn forward(&self, #(#arguments: Tensor<3>),* #pass) -> Tensor<3> { #body }
        }
    }

    /// One statement per node, named after it; a value is cloned while a later node reads it.
    pub(super) fn straight_line(
        &self,
        graph: &Graph,
        emit: &dyn Fn(NodeId, &Node, &[TokenStream]) -> TokenStream,
    ) -> TokenStream {
        let locals = locals(graph);
        let mut left = graph.uses();
        let mut statements = Vec::new();
        for (id, node) in graph.nodes.iter().enumerate() {
            if node.op == Op::Argument {
                continue;
            }
            let inputs: Vec<TokenStream> =
                node.inputs.iter().map(|input| take(&locals[input.0], &mut left[input.0])).collect();
            let value = emit(NodeId(id), node, &inputs);
            if NodeId(id) == graph.output {
                statements.push(value);
                break;
            }
            let (name, comment) = (&locals[id], text::comment(self.printed, &node.shape.to_string()));
            statements.push(quote! { let #name = #value; #comment });
        }
        if graph[graph.output].op == Op::Argument {
            let name = &locals[graph.output.0];
            statements.push(quote! { #name });
        }
        quote! { #(#statements)* }
    }
}

/// What prepares a block of subnetworks for serving.
fn compact(block: &Block) -> TokenStream {
    let Some((params, activation)) = block.subnets() else { return TokenStream::new() };
    let layers = params.iter().map(|index| ident(&block.params[*index].name.to_string()));
    let activation = super::primitive::activation_path(activation);
    quote! {
        /// Leaves out what no subnetwork has: from now on the masks stand still.
        fn compact(&mut self) { self.subnets = Compacted::of(&[#(&self.#layers),*], #activation); }
    }
}

/// Whose a group's members are: a task's, or what their part of the block is called.
fn owner(members: &Members) -> String {
    let name = match members.path.splitn(3, '.').collect::<Vec<_>>()[..] {
        [_, part] => part.trim_end_matches(|c: char| c == '_' || c.is_ascii_digit()).rsplit('_').next().unwrap_or(part),
        [.., task] => task,
        [] => "",
    };
    match &members.count {
        Some(count) if count.value() > 1 => format!("{count} {name}"),
        _ => name.to_owned(),
    }
}

/// A value for one more reader.
fn take(name: &Ident, left: &mut usize) -> TokenStream {
    *left -= 1;
    match left {
        0 => quote! { #name },
        _ => quote! { #name.clone() },
    }
}

/// The variable of each node: its name, unless a value of that name is still to be read.
fn locals(graph: &Graph) -> Vec<Ident> {
    let last_reader = |id: usize| {
        let readers = graph.nodes.iter().enumerate().filter(|(_, node)| node.inputs.contains(&NodeId(id)));
        readers.map(|(reader, _)| reader).max()
    };
    let mut names: Vec<String> = Vec::new();
    for (id, node) in graph.nodes.iter().enumerate() {
        let wanted = names::local(&node.name);
        let busy = |name: &str| {
            names
                .iter()
                .enumerate()
                .any(|(other, taken)| taken == name && last_reader(other).is_some_and(|reader| reader > id))
        };
        let counted = (2..).map(|n| format!("{wanted}_{n}"));
        let mut candidates = std::iter::once(wanted.clone()).chain(counted);
        names.push(candidates.find(|name| !busy(name)).unwrap_or_default());
    }
    names.iter().map(|name| ident(name)).collect()
}

/// A number where a block is made: a literal, or one of its configuration.
pub(super) fn start_number(scale: &Scale) -> TokenStream {
    match scale {
        Scale::Constant(value) => names::real(*value),
        Scale::Config(rate) => super::config::access(&rate.path),
    }
}

/// The start of a value: of a whole value, or of its diagonal.
fn value_init(init: &ValueInit) -> TokenStream {
    match init {
        ValueInit::Constant(value) => {
            let value = names::real(*value);
            quote! { Start::Constant(#value) }
        }
        ValueInit::Normal(deviation) => {
            let deviation = names::real(*deviation);
            quote! { Start::Normal(#deviation) }
        }
        ValueInit::Uniform(bound) => {
            let bound = names::real(*bound);
            quote! { Start::Uniform(#bound) }
        }
        ValueInit::Diagonal { own, other, units } => {
            let (own, other) = (start_number(own), start_number(other));
            quote! { Start::Diagonal { own: #own, other: #other, units: #units } }
        }
    }
}

/// A size in terms of a block's `config` and its arguments' widths.
pub(super) fn block_size(size: &Size) -> TokenStream {
    super::model::size(size, &|symbol| match symbol {
        Symbol::Config(path) => super::config::access(path),
        Symbol::Width(name) => {
            let name = ident(&names::local(name));
            quote! { #name }
        }
        Symbol::Slots(_) => unreachable!("no parameter has a size of the length of a sequence"),
        Symbol::Bits(_) => unreachable!("a call of its own"),
    })
}

/// What all paths have in common, if each is `prefix.TASK`.
fn task_prefix(members: &[Members]) -> Option<&str> {
    let prefix = |member: &Members| member.path.rsplit_once('.').map(|(prefix, _)| prefix.len());
    let first = members.first()?;
    let length = prefix(first)?;
    let same = |member: &Members| {
        member.count.is_none() && prefix(member) == Some(length) && member.path[..length] == first.path[..length]
    };
    members.iter().all(same).then(|| &first.path[..length])
}

/// `.reading(...)`, where members do not read the slot of their own position.
fn reading(members: &[Members]) -> Option<TokenStream> {
    let slots: Vec<usize> = members
        .iter()
        .filter_map(|member| match member.slot {
            Slot::At(slot) => Some(slot),
            Slot::Own | Slot::Every => None,
        })
        .collect();
    if members.iter().any(|member| member.slot == Slot::Every) {
        return Some(quote! { .for_every_slot() });
    }
    let single = members.iter().all(|member| member.count.is_none());
    if slots.len() != members.len() || single && slots.iter().copied().eq(0..members.len()) {
        return None;
    }
    let slots = slots.iter().map(|slot| names::whole(*slot));
    if single {
        return Some(quote! { .reading(vec![#(#slots),*]) });
    }
    let parts = slots.zip(members).map(|(slot, member)| {
        let size = block_size(&member.size());
        quote! { vec![#slot; #size] }
    });
    Some(match members.len() {
        1 => quote! { .reading(#(#parts)*) },
        _ => quote! { .reading([#(#parts),*].concat()) },
    })
}
