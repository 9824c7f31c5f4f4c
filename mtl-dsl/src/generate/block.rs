//! Blocks: a struct of parameters, its `new` and its `forward`.

use super::{Generator, docs, ident, names, text};
use crate::ir::{
    Activation, Block, Choice, Graph, Linear, LinearStart, Members, Node, NodeId, Op, ParamKind, Penalty, Pick, Role,
    Scale, Size, Slot, Symbol, ValueInit,
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
        let methods = self.members(vec![tasks, self.block_new(block, index, &constants), self.block_forward(block)]);
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
                ParamKind::Value(value) => {
                    let (members, width) = (self.member_paths(&value.members), block_size(&value.width));
                    let start = value_init(&value.init);
                    quote! { init.value(#members, #width, #start) }
                }
            };
            quote! { #field: #value }
        });
        let constants = constants.iter().map(|constant| &constant.init);
        quote! {
            fn new(#config init: &Init, #(#widths: usize),*) -> Self {
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
        };
        quote! { init.linear(#members, #input, #output, #bias) #start #reading }
    }

    /// Whether a block's `forward` needs to know the circumstances of the pass.
    pub(super) fn needs_pass(block: &Block) -> bool {
        let needs = |op: &Op| {
            matches!(
                op,
                Op::Dropout { .. }
                    | Op::DropRows { .. }
                    | Op::HardConcrete { .. }
                    | Op::Gate { .. }
                    | Op::Penalty { .. }
            )
        };
        block.graph.nodes.iter().any(|node| needs(&node.op))
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

    fn block_forward(&self, block: &Block) -> TokenStream {
        let graph = &block.graph;
        let arguments: Vec<Ident> = block.arguments().map(|node| ident(&names::local(&node.name))).collect();
        let pass = Self::needs_pass(block).then(|| quote! { , pass: &Pass });
        let inputs: Vec<String> = block.arguments().map(|node| format!("`{} {}`", node.name, node.shape)).collect();
        let about = docs(&format!("{} to `{}`.", inputs.join(", "), graph[graph.output].shape));
        // A parameter's value needs no rows, so a block without arguments has them from its values alone.
        let body = self.straight_line(graph, &|node, inputs| primitive(block, node, inputs));
        quote! {
            #about
            pub fn forward(&self, #(#arguments: Tensor<3>),* #pass) -> Tensor<3> { #body }
        }
    }

    /// One statement per node, named after it; a value is cloned while a later node reads it.
    pub(super) fn straight_line(
        &self,
        graph: &Graph,
        emit: &dyn Fn(&Node, &[TokenStream]) -> TokenStream,
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
            let value = emit(node, &inputs);
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

/// The expression of a primitive of a block.
fn primitive(block: &Block, node: &Node, inputs: &[TokenStream]) -> TokenStream {
    let first = inputs.first();
    let param = |index: usize| ident(&block.params[index].name.to_string());
    let choice = |choice: &Choice| match choice {
        Choice::All => quote! { Choice::All },
        Choice::Lists { name, .. } => {
            let field = ident(name);
            quote! { self.#field }
        }
    };
    match &node.op {
        Op::Value { param: index } => {
            let param = param(*index);
            quote! { self.#param.get() }
        }
        Op::Linear { param: index, activation } => {
            let (param, activation) = (param(*index), activation_path(*activation));
            quote! { self.#param.forward(#first, #activation) }
        }
        Op::Norm { param: index } => {
            let param = param(*index);
            quote! { self.#param.forward(#first) }
        }
        Op::Activate(activation) => {
            let activation = activation_path(*activation);
            quote! { activate(#first, #activation) }
        }
        Op::Dropout { rate, site } => {
            let field = ident(&rate_field(&rate.path.fields));
            quote! { dropout(#first, self.#field, pass, #site) }
        }
        Op::DropRows { rate, site } => {
            let field = ident(&rate_field(&rate.path.fields));
            quote! { drop_rows(#first, self.#field, pass, #site) }
        }
        Op::HardConcrete { temperature, site } => {
            let field = ident(&rate_field(&temperature.path.fields));
            quote! { hard_concrete(#first, self.#field, pass, #site) }
        }
        Op::OpenChance { temperature } => {
            let field = ident(&rate_field(&temperature.path.fields));
            quote! { open_chance(#first, self.#field) }
        }
        Op::Softmax => quote! { softmax(#first) },
        Op::TopK { k } => {
            let k = ident(&k_field(k));
            quote! { top_k(#first, self.#k) }
        }
        Op::Gate { name } => quote! { pass.gate(#name, #first) },
        Op::Mix(of) => {
            let choice = choice(of);
            quote! { mix(#(#inputs),*, &#choice) }
        }
        Op::Gather(of) => {
            let choice = choice(of);
            quote! { gather(#first, &#choice) }
        }
        Op::Add => quote! { add(#(#inputs),*) },
        Op::Multiply => quote! { multiply(#(#inputs),*) },
        Op::Affine { factor, shift } => {
            let (factor, shift) = (scale(factor), names::real(*shift));
            quote! { affine(#first, #factor, #shift) }
        }
        Op::Stop => quote! { stop(#first) },
        // The block knows sizes when it is made; here they are read off the values.
        Op::Reshape { name } => match node.shape.slots.is_constant() {
            true => {
                let slots = names::whole(node.shape.slots.value());
                quote! { reshape(#first, #slots) }
            }
            false => {
                let field = ident(&slots_field(name));
                quote! { reshape(#first, self.#field) }
            }
        },
        Op::Transpose => quote! { transpose(#first) },
        Op::Narrow { name, .. } => {
            let field = ident(&columns_field(name));
            quote! { narrow(#first, &self.#field) }
        }
        Op::SumWidth => quote! { sum_width(#first) },
        Op::MeanWidth => quote! { mean_width(#first) },
        Op::ScaledDots => quote! { scaled_dots(#(#inputs),*) },
        Op::PairDots => quote! { pair_dots(#first) },
        Op::PairProducts => quote! { pair_products(#first) },
        Op::Attention { name, .. } => {
            let field = ident(&heads_field(name));
            quote! { attention(#(#inputs),*, self.#field) }
        }
        Op::Penalty { kind, weight, name } => {
            let weight = scale(weight);
            let params = |list: &[usize]| -> Vec<TokenStream> {
                let of = |index: &usize| {
                    let param = param(*index);
                    quote! { &self.#param }
                };
                list.iter().map(of).collect()
            };
            match kind {
                Penalty::Distance(list) => {
                    let params = params(list);
                    quote! { pass.penalty(#name, #weight, #first, || distance(&[#(#params),*])) }
                }
                Penalty::TraceNorm(list) => {
                    let params = params(list);
                    quote! { pass.penalty(#name, #weight, #first, || trace_norm(&[#(#params),*])) }
                }
                Penalty::Orthogonal { params: list, subspaces } => {
                    let (params, subspaces) = (params(list), names::whole(*subspaces));
                    quote! { pass.penalty(#name, #weight, #first, || orthogonality(&[#(#params),*], #subspaces)) }
                }
                Penalty::Mean => {
                    let of = &inputs[1];
                    quote! { pass.penalty(#name, #weight, #first, || mean(#of)) }
                }
            }
        }
        Op::Concat => quote! { concat(vec![#(#inputs),*]) },
        Op::Stack => quote! { stack(vec![#(#inputs),*]) },
        Op::Select(slots) => {
            let slots = slots.iter().map(|slot| names::whole(*slot));
            quote! { select(#first, &[#(#slots),*]) }
        }
        Op::Argument
        | Op::Columns { .. }
        | Op::Block(_)
        | Op::TrainOnly(_)
        | Op::Head(_)
        | Op::Levels { .. }
        | Op::Through(_)
        | Op::Logits(_) => {
            unreachable!("stands in the model's own graph")
        }
    }
}

/// A factor: a number, or a field.
fn scale(scale: &Scale) -> TokenStream {
    match scale {
        Scale::Constant(value) => names::real(*value),
        Scale::Config(rate) => {
            let field = ident(&rate_field(&rate.path.fields));
            quote! { self.#field }
        }
    }
}

/// A number where a block is made: a literal, or one of its configuration.
fn start_number(scale: &Scale) -> TokenStream {
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

fn activation_path(activation: Activation) -> TokenStream {
    let name = ident(&names::pascal(activation.word()));
    quote! { Activation::#name }
}

/// A field of a block that is no parameter: numbers that `forward` needs.
struct Constant {
    field: TokenStream,
    init: TokenStream,
}

/// What `forward` needs of the configuration, each once: rates, choices, sizes.
fn constants(block: &Block) -> Vec<Constant> {
    let mut constants: Vec<(String, Constant)> = Vec::new();
    let mut add = |name: String, constant: &dyn Fn(&Ident) -> Constant| {
        if constants.iter().all(|(known, _)| *known != name) {
            let field = ident(&name);
            constants.push((name, constant(&field)));
        }
    };
    let number = |about: &'static str, path: &crate::ir::ConfigPath| {
        let path = super::config::access(path);
        move |field: &Ident| Constant {
            field: quote! { #[doc = #about] pub #field: f64 },
            init: quote! { #field: #path },
        }
    };
    let size = |about: &'static str, size: &Size| {
        let size = block_size(size);
        move |field: &Ident| Constant {
            field: quote! { #[doc = #about] #field: usize },
            init: quote! { #field: #size },
        }
    };
    for node in &block.graph.nodes {
        match &node.op {
            Op::Dropout { rate, .. } => {
                add(
                    rate_field(&rate.path.fields),
                    &number(" Share of the activations set to 0 while training.", &rate.path),
                );
            }
            Op::DropRows { rate, .. } => {
                add(rate_field(&rate.path.fields), &number(" Share of the rows set to 0 while training.", &rate.path));
            }
            Op::HardConcrete { temperature, .. } | Op::OpenChance { temperature } => {
                add(rate_field(&temperature.path.fields), &number(" Temperature of gates.", &temperature.path));
            }
            Op::Affine { factor: Scale::Config(rate), .. } => {
                add(rate_field(&rate.path.fields), &number(" A factor.", &rate.path));
            }
            Op::Penalty { weight: Scale::Config(rate), .. } => {
                add(rate_field(&rate.path.fields), &number(" Weight of a penalty.", &rate.path));
            }
            Op::Reshape { name } if !node.shape.slots.is_constant() => {
                add(slots_field(name), &size(" Slots of a value.", &node.shape.slots));
            }
            Op::TopK { k } => add(k_field(k), &size(" Experts to which a gate gives a weight.", k)),
            Op::Attention { heads, name } => add(heads_field(name), &size(" Heads of attention.", heads)),
            _ => {}
        }
    }
    for node in &block.graph.nodes {
        match &node.op {
            Op::Mix(Choice::Lists { name, rows, pick }) | Op::Gather(Choice::Lists { name, rows, pick }) => {
                add(name.clone(), &|field| {
                    let rows = block_size(rows);
                    let lists = match pick {
                        Pick::OwnAndShared { own, shared } => {
                            let (own, shared) = (block_size(own), block_size(shared));
                            quote! { Choice::own_and_shared(#rows, #own, #shared) }
                        }
                        Pick::Foreign { own } => {
                            let own = block_size(own);
                            quote! { Choice::foreign(#rows, #own) }
                        }
                        Pick::Strided { count } => {
                            let count = block_size(count);
                            quote! { Choice::strided(#rows, #count) }
                        }
                    };
                    Constant {
                        field: quote! {
                            /// Which slots each result is made of.
                            #[module(skip)]
                            #field: Choice
                        },
                        init: quote! { #field: #lists },
                    }
                });
            }
            Op::Narrow { start, name } => add(columns_field(name), &|field| {
                let (start, width) = (block_size(start), block_size(&node.shape.width));
                Constant {
                    field: quote! {
                        /// Columns of a value.
                        #[module(skip)]
                        #field: std::ops::Range<usize>
                    },
                    init: quote! {
                        #field: {
                            let start = #start;
                            start..start + #width
                        }
                    },
                }
            }),
            _ => {}
        }
    }
    constants.into_iter().map(|(_, constant)| constant).collect()
}

fn slots_field(name: &str) -> String {
    format!("{name}_slots")
}

fn columns_field(name: &str) -> String {
    format!("{name}_columns")
}

/// The field of the configuration that a size is, within its block.
fn k_field(k: &Size) -> String {
    let path = k.symbols().find_map(|symbol| match symbol {
        Symbol::Config(path) => Some(rate_field(&path.fields)),
        _ => None,
    });
    path.unwrap_or_else(|| "top_k".to_owned())
}

fn heads_field(name: &str) -> String {
    format!("{name}_heads")
}

/// `level_1_dropout`.
fn rate_field(path: &[String]) -> String {
    path.join("_")
}

/// True if something that a block is made with depends on the width of the argument with this variable.
pub(super) fn uses_width(block: &Block, argument: &Ident) -> bool {
    let depends = |size: &Size| {
        size.symbols().any(|symbol| matches!(symbol, Symbol::Width(name) if *argument == names::local(name)))
    };
    let params = block.params.iter().any(|param| match &param.kind {
        ParamKind::Linear(linear) => depends(&linear.input) || depends(&linear.output) || depends(&linear.size()),
        ParamKind::Norm { slots, width } => depends(slots) || depends(width),
        ParamKind::Value(value) => depends(&value.size()) || depends(&value.width),
    });
    params
        || block.graph.nodes.iter().any(|node| match &node.op {
            Op::Reshape { .. } => !node.shape.slots.is_constant() && depends(&node.shape.slots),
            Op::Narrow { start, .. } => depends(start) || depends(&node.shape.width),
            Op::Attention { heads, .. } => depends(heads),
            Op::TopK { k } => depends(k),
            Op::Mix(Choice::Lists { rows, pick, .. }) | Op::Gather(Choice::Lists { rows, pick, .. }) => {
                depends(rows)
                    || match pick {
                        Pick::OwnAndShared { own, shared } => depends(own) || depends(shared),
                        Pick::Foreign { own } => depends(own),
                        Pick::Strided { count } => depends(count),
                    }
            }
            _ => false,
        })
}

/// A size in terms of a block's `config` and its arguments' widths.
fn block_size(size: &Size) -> TokenStream {
    super::model::size(size, &|symbol| match symbol {
        Symbol::Config(path) => super::config::access(path),
        Symbol::Width(name) => {
            let name = ident(&names::local(name));
            quote! { #name }
        }
        Symbol::Slots(_) => unreachable!("no parameter has a size of the length of a sequence"),
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
