//! The network: the struct of its blocks and the runtime's trait.

use super::{Generator, docs, ident, names, text};
use crate::hir::{Calibration, Causal, LossTerm, Weighting};
use crate::ir::{Block, ConfigPath, MaskMethod, Node, Op, Role, Size, Symbol, View};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};

impl Generator<'_> {
    pub(super) fn model_items(&self) -> Vec<TokenStream> {
        let name = self.own_type("");
        let docs = docs(match self.model.docs.is_empty() {
            true => "The network.",
            false => &self.model.docs,
        });
        let blocks = self.ir.blocks.iter().zip(&self.names.blocks).map(|(block, part)| {
            let (field, ty) = (self.ident(&names::local(&block.name), block.span), self.type_named(part, block.span));
            let docs = super::docs(&self.block_docs(block));
            quote! { #docs pub #field: #ty }
        });
        let ranges = self.columns().map(|node| {
            let (field, docs) =
                (ranges_field(node), format!(" Where the columns of `{}` stand in the input.", node.name));
            quote! { #[doc = #docs] #[module(skip)] #field: Slots }
        });
        vec![
            quote! {
                #docs
                #[derive(Module, Debug)]
                pub struct #name {
                    #(#blocks,)*
                    /// How the tasks' losses become one.
                    pub weighting: Weighting,
                    #(#ranges,)*
                }
            },
            self.model_impl(),
        ]
    }

    /// The text of the spec.
    pub(super) fn spec_const(&self) -> TokenStream {
        let spec = text::raw_string(self.source.text());
        quote! { const SPEC: &str = #spec; }
    }

    /// The nodes that read some of the input's columns.
    fn columns(&self) -> impl Iterator<Item = &Node> {
        self.ir.graph.nodes.iter().filter(|node| matches!(node.op, Op::Columns { .. }))
    }

    fn model_impl(&self) -> TokenStream {
        let (name, config) = (self.own_type(""), self.own_type("Config"));
        let title = &self.model.name.text;
        let constants = quote! {
            type Config = #config;
            const NAME: &'static str = #title;
            const SPEC: &'static str = SPEC;
        };
        let default = quote! { fn default_config() -> #config { #config::new() } };
        let train = quote! { fn train(config: &#config) -> &TrainConfig { &config.train } };
        let weighting = quote! { fn weighting(&self) -> &Weighting { &self.weighting } };
        let members = self.members(vec![
            constants,
            default,
            self.schema_fn(),
            train,
            self.new_fn(),
            self.forward_fn(),
            weighting,
            self.terms_fn(),
            self.distill_fn(),
            self.calibrations_fn(),
            self.method_fn(),
            self.subnet_fns(),
            self.parts_fn(),
            self.problems_fn(),
            self.inputs_fn(),
            self.ranks_fn(),
            self.expectations_fn(),
            self.learned_fn(),
            self.tune_fn(),
        ]);
        quote! { impl Model for #name { #members } }
    }

    fn new_fn(&self) -> TokenStream {
        let config = self.own_type("Config");
        let graph = &self.ir.graph;
        let input = graph.nodes.iter().any(|node| self.block_widths(node).any(|size| uses(&size, "input")));
        let columns: Vec<&Node> = self.columns().collect();
        let uncertainty = self.model.weighting == Weighting::Uncertainty;
        let schema =
            (input || uncertainty || !columns.is_empty()).then(|| quote! { let schema = Self::schema(config); });
        let input = input.then(|| quote! { let input = schema.width(); });
        let ranges = columns.iter().map(|node| {
            let (field, width) = (ranges_field(node), ident(&names::local(&node.name)));
            let Op::Columns { names, view, .. } = &node.op else { unreachable!("filtered") };
            let used = graph.nodes.iter().any(|reader| self.block_widths(reader).any(|size| uses(&size, &node.name)));
            let width = used.then(|| quote! { let #width = #field.width(); });
            let view = ident(match view {
                View::Flat => "flat",
                View::Fields => "fields",
                View::Own => "own",
                View::Sequence => "sequence",
                View::Mask => "mask",
                View::Wide => "wide",
            });
            quote! { let #field = schema.#view(&[#(#names),*]); #width }
        });
        let calls = graph.nodes.iter().filter_map(|node| match node.op {
            Op::Block(block) | Op::TrainOnly(block) | Op::Head(block) | Op::Levels { block, .. } => Some((node, block)),
            _ => None,
        });
        let fields = calls.map(|(node, index)| {
            let block = &self.ir.blocks[index];
            let (field, ty) =
                (ident(&names::local(&block.name)), self.type_named(&self.names.blocks[index], block.span));
            let config = (!block.config.fields.is_empty()).then(|| quote! { &config.#field, });
            let widths = self.block_widths(node).map(|width| self.model_size(&width));
            let init = (!block.params.is_empty()).then(|| quote! { init, });
            quote! { #field: #ty::new(#config #init #(#widths),*) }
        });
        let fields: Vec<TokenStream> = fields.collect();
        let weighting = self.weighting_new();
        let kept = columns.iter().map(|node| ranges_field(node));
        // A model without parameters reads neither.
        let blocks = &self.ir.blocks;
        let reads_init = uncertainty || blocks.iter().any(|block| !block.params.is_empty());
        let weighted = matches!(self.model.weighting, Weighting::Fixed(_));
        let reads_config = schema.is_some() || weighted || blocks.iter().any(|block| !block.config.fields.is_empty());
        let argument = |name: &str, read: bool| ident(&format!("{}{name}", if read { "" } else { "_" }));
        let (config_, init) = (argument("config", reads_config), argument("init", reads_init));
        quote! {
            fn new(#config_: &#config, #init: &Init) -> Self {
                #schema #input #(#ranges)*
                Self { #(#fields,)* weighting: #weighting, #(#kept,)* }
            }
        }
    }

    /// The widths that a block's `new` takes, in the model's terms.
    fn block_widths<'s>(&'s self, node: &'s Node) -> impl Iterator<Item = Size> + 's {
        let (block, inputs) = match node.op {
            Op::Block(block) => (Some(&self.ir.blocks[block]), &node.inputs[..]),
            Op::TrainOnly(block) | Op::Head(block) => (Some(&self.ir.blocks[block]), &node.inputs[1..]),
            _ => (None, &[][..]),
        };
        let arguments = block.into_iter().flat_map(|block| block.arguments().map(move |argument| (block, argument)));
        arguments.zip(inputs).filter_map(|((block, argument), input)| {
            let wanted = super::constants::uses_width(block, &ident(&names::local(&argument.name)));
            wanted.then(|| self.ir.graph[*input].shape.width.clone())
        })
    }

    fn model_size(&self, width: &Size) -> TokenStream {
        size(width, &|symbol| match symbol {
            Symbol::Width(name) => {
                let name = ident(&names::local(name));
                quote! { #name }
            }
            Symbol::Slots(_) | Symbol::Bits(_) => {
                unreachable!("no block is made for the length of a sequence or a code")
            }
            Symbol::Config(path) => {
                let mut path = path.clone();
                // The outermost field is a block's, with the name that it has beside the others.
                path.fields[0] = names::local(&path.fields[0]);
                super::config::access(&path)
            }
        })
    }

    fn weighting_new(&self) -> TokenStream {
        match &self.model.weighting {
            Weighting::Equal | Weighting::Method(_) => quote! { Weighting::equal(TASKS.len()) },
            Weighting::Fixed(_) => {
                let names = self.model.tasks.iter().map(|task| ident(&names::field(&task.name.text)));
                quote! { Weighting::fixed(Vec::from([#(config.loss.#names),*])) }
            }
            Weighting::Uncertainty => {
                quote! { Weighting::uncertainty(init, &schema.tasks.iter().map(|task| task.kind).collect::<Vec<_>>()) }
            }
        }
    }

    /// What else the loss holds; nothing for most models.
    fn terms_fn(&self) -> TokenStream {
        if self.model.terms.is_empty() {
            return TokenStream::new();
        }
        let config = self.own_type("Config");
        let mut heads = self.model.tasks.len() + self.further_columns()..;
        let terms = self.model.terms.iter().map(|term| {
            let field = ident(&super::config::term_field(self.model, term));
            match term {
                LossTerm::Order { task, bound, .. } => {
                    let (task, bound) = (names::whole(task.0), names::whole(bound.0));
                    quote! { Term::Order { task: #task, bound: #bound, weight: config.loss.#field } }
                }
                LossTerm::Causal { kind, task, .. } => {
                    let task = names::whole(task.0);
                    let head = kind.head().and_then(|_| heads.next()).map(names::whole);
                    let estimator = match kind {
                        Causal::Ips => quote! { Estimator::Ips },
                        Causal::Dr => quote! { Estimator::Dr { imputation: #head } },
                        Causal::Dcmt { .. } => quote! {
                            Estimator::Dcmt { opposite: #head, counterfactual: config.loss.#field.counterfactual }
                        },
                    };
                    quote! {
                        Term::Causal {
                            task: #task,
                            estimator: #estimator,
                            clip: config.loss.#field.clip,
                            weight: config.loss.#field.weight,
                        }
                    }
                }
            }
        });
        quote! { fn terms(config: &#config) -> Vec<Term> { Vec::from([#(#terms),*]) } }
    }

    /// What tasks teach each other; nothing for most models.
    fn distill_fn(&self) -> TokenStream {
        let Some(distill) = &self.model.distill else { return TokenStream::new() };
        let config = self.own_type("Config");
        let terms = self.model.terms.iter();
        let heads = terms.filter(|term| matches!(term, LossTerm::Causal { kind, .. } if kind.head().is_some())).count();
        let first = self.model.tasks.len() + self.further_columns() + heads;
        let lessons = distill.lessons().enumerate().map(|(at, lesson)| {
            let [task, helper] = [lesson.task, lesson.helper].map(|task| names::whole(task.0));
            let score = names::whole(first + 3 * at);
            quote! { Lesson { task: #task, helper: #helper, score: #score } }
        });
        let correct = distill.correct;
        quote! {
            fn distill(config: &#config) -> Option<Distill> {
                Some(Distill {
                    lessons: Vec::from([#(#lessons),*]),
                    temperature: config.distill.temperature,
                    weight: config.distill.weight,
                    correct: #correct,
                    margin: config.distill.margin,
                    partners: config.distill.partners,
                    warm_up: config.distill.warm_up,
                })
            }
        }
    }

    /// How probabilities of tasks are calibrated; nothing for most models.
    fn calibrations_fn(&self) -> TokenStream {
        let config = self.own_type("Config");
        let calibrations = self.model.tasks.iter().filter_map(|task| {
            let (name, field) = (&task.name.text, ident(&names::field(&task.name.text)));
            let method = match task.calibration? {
                Calibration::Platt => quote! { Platt },
                Calibration::Isotonic => quote! { Isotonic },
                Calibration::Temperature => quote! { Temperature },
                Calibration::DownSampling(_) => quote! { DownSampling(config.down_sampling.#field) },
            };
            Some(quote! { (#name, Calibration::#method) })
        });
        let calibrations: Vec<TokenStream> = calibrations.collect();
        if calibrations.is_empty() {
            return TokenStream::new();
        }
        let sampled = |task: &crate::hir::Task| matches!(task.calibration, Some(Calibration::DownSampling(_)));
        let reads = if self.model.tasks.iter().any(sampled) {
            quote! { config }
        } else {
            quote! { _ }
        };
        quote! {
            fn calibrations(#reads: &#config) -> Vec<(&'static str, Calibration)> { Vec::from([#(#calibrations),*]) }
        }
    }

    /// The columns of logits behind the first of each task.
    fn further_columns(&self) -> usize {
        let further =
            |task: &crate::hir::Task| task.further_levels() + task.further_towers().len() + task.numbers() - 1;
        self.model.tasks.iter().map(further).sum()
    }

    /// The method that is asked for weights in each step; nothing for most models.
    fn method_fn(&self) -> TokenStream {
        let Weighting::Method(method) = &self.model.weighting else { return TokenStream::new() };
        let config = self.own_type("Config");
        let place = match () {
            () if method.at_parameters => quote! { Place::Parameters },
            () => quote! { Place::Representation },
        };
        let scale_towers = method.scale_towers;
        quote! {
            fn method(config: &#config) -> Option<Asked<'_>> {
                Some(Asked { config: &config.loss.weighting, place: #place, scale_towers: #scale_towers })
            }
        }
    }

    /// How masks are found, and what prepares them for serving; nothing for most models.
    fn subnet_fns(&self) -> TokenStream {
        let search = |block: &'_ Block| {
            block.graph.nodes.iter().find_map(|node| match &node.op {
                Op::Subnets { search, params, .. } => Some((search.clone(), params.clone())),
                _ => None,
            })
        };
        let found = self.ir.blocks.iter().find_map(|block| Some((block, search(block)?)));
        let Some((block, (search, params))) = found else { return TokenStream::new() };
        let (config, field) = (self.own_type("Config"), ident(&names::local(&block.name)));
        let layers = params.iter().map(|index| format!("{}.{}", block.name, block.params[*index].name));
        let at = |path: &ConfigPath| super::config::access(&path.within(&names::local(&block.name)));
        let size = |size: &Size| {
            super::model::size(size, &|symbol| match symbol {
                Symbol::Config(path) => at(path),
                _ => unreachable!("a number of the configuration"),
            })
        };
        let [rounds, warm_up, epochs] = [&search.rounds, &search.warm_up, &search.epochs].map(size);
        let (prune, least) = (at(&search.prune.path), at(&search.least_pruned.path));
        let (share, scope, turns, contrast) = match &search.method {
            MaskMethod::Magnitude { turns } => {
                let turns = ident(&names::pascal(turns));
                (quote! { share_of_round(#prune, #rounds) }, quote! { Global }, turns, quote! { None })
            }
            MaskMethod::Contrastive { contrast, margin } => {
                let (weight, margin) = (at(&contrast.path), at(&margin.path));
                let contrast = quote! { Some(Contrast { weight: #weight, margin: #margin }) };
                (prune, quote! { Layer }, ident("Batch"), contrast)
            }
        };
        let rewind = search.rewind;
        quote! {
            fn subnet(config: &#config) -> Option<Subnet> {
                Some(Subnet {
                    layers: &[#(#layers),*],
                    scope: PruningScope::#scope,
                    share: #share,
                    rounds: #rounds,
                    warm_up: #warm_up,
                    epochs: #epochs,
                    least_pruned: #least,
                    rewind: #rewind,
                    turns: Turns::#turns,
                    contrast: #contrast,
                })
            }
            fn compact(&mut self) { self.#field.compact(); }
        }
    }

    /// What stages name; nothing for models without.
    fn parts_fn(&self) -> TokenStream {
        if self.model.train.stages.is_empty() {
            return TokenStream::new();
        }
        let parts = crate::ir::parts(self.model, self.ir).into_iter().map(|part| {
            let (name, tables) = (part.name, part.tables);
            let shares = part.shares.iter().map(|share| {
                let block = names::local(&self.ir.blocks[share.block].name);
                let (at, of) = (names::whole(share.at), names::whole(share.of));
                quote! { (#block, #at, #of) }
            });
            quote! { Part { name: #name, shares: &[#(#shares),*], tables: &[#(#tables),*] } }
        });
        quote! { fn parts() -> &'static [Part] { &[#(#parts),*] } }
    }

    /// What numbers must keep to for one another; nothing for most models.
    fn problems_fn(&self) -> TokenStream {
        let mut problems = Vec::new();
        for block in &self.ir.blocks {
            let inside = |path: &ConfigPath| path.within(&names::local(&block.name));
            let known = |size: &Size| size.symbols().all(|symbol| matches!(symbol, Symbol::Config(_)));
            let tokens = |of: &Size| {
                size(of, &|symbol| match symbol {
                    Symbol::Config(path) => super::config::access(&inside(path)),
                    _ => unreachable!("filtered"),
                })
            };
            let name = |size: &Size| {
                size.symbols().find_map(|symbol| match symbol {
                    Symbol::Config(path) => Some(inside(path).to_string()),
                    _ => None,
                })
            };
            for node in &block.graph.nodes {
                let (check, number) = match &node.op {
                    Op::TopK { k } => (ident("at_most"), k),
                    Op::Attention { heads, .. } => (ident("divides"), heads),
                    _ => continue,
                };
                // The width of the logits, or of the queries.
                let width = &block.graph[node.inputs[0]].shape.width;
                let Some(name) = name(number).filter(|_| known(width) && known(number)) else { continue };
                let (number, width) = (tokens(number), tokens(width));
                problems.push(quote! { #check(#name, #number, #width) });
            }
        }
        for node in self.columns() {
            if let Op::Columns { names, view: View::Fields, .. } = &node.op {
                problems.push(quote! { one_width(&Self::schema(config), &[#(#names),*]) });
            }
        }
        problems.dedup_by_key(|problem| problem.to_string());
        if problems.is_empty() {
            return TokenStream::new();
        }
        let config = self.own_type("Config");
        quote! {
            fn problems(config: &#config) -> Vec<String> { [#(#problems),*].into_iter().flatten().collect() }
        }
    }

    /// The number of columns of logits.
    fn columns_of(&self, node: &Node) -> TokenStream {
        match node.shape.width.value() {
            count if count == self.ir.tasks.len() => quote! { TASKS.len() },
            count => names::whole(count).to_token_stream(),
        }
    }

    fn forward_fn(&self) -> TokenStream {
        let train_only = self.ir.graph.nodes.iter().any(|node| matches!(node.op, Op::TrainOnly(_) | Op::Head(_)));
        let pass =
            ident(if train_only || self.cuts() || (0..self.ir.blocks.len()).any(|index| self.needs_pass(index)) {
                "pass"
            } else {
                "_pass"
            });
        let graph = &self.ir.graph;
        let body = self.straight_line(graph, &|_, node, inputs| match &node.op {
            Op::Columns { .. } => {
                let (input, field) = (&inputs[0], ranges_field(node));
                quote! { columns(#input, &self.#field) }
            }
            Op::Concat => quote! { concat(vec![#(#inputs),*]) },
            Op::Block(index) => {
                let block = &self.ir.blocks[*index];
                let field = ident(&names::local(&block.name));
                let inside = self.needs_pass(*index).then(|| quote! { , #pass });
                let read = self.represented(*index, node, inputs, &pass);
                quote! { self.#field.forward(#(#read),* #inside) }
            }
            Op::TrainOnly(index) => {
                let block = &self.ir.blocks[*index];
                let (field, value) = (ident(&names::local(&block.name)), &inputs[0]);
                let read = self.represented(*index, node, inputs, &pass);
                let inside = self.needs_pass(*index).then(|| quote! { , #pass });
                quote! {
                    if #pass.training { add(#value, self.#field.forward(#(#read),* #inside)) } else { #value }
                }
            }
            Op::Through(mixtures) => {
                let input = &inputs[0];
                let mixtures = mixtures.iter().map(|of| {
                    let [task, between, otherwise] = [of.task, of.between, of.otherwise].map(names::whole);
                    quote! { [#task, #between, #otherwise] }
                });
                let count = self.columns_of(node);
                quote! { through(#input, &[#(#mixtures),*], #count) }
            }
            Op::Levels { block, task } => {
                let (field, input) = (ident(&names::local(&self.ir.blocks[*block].name)), &inputs[0]);
                let task = names::whole(*task);
                quote! { levels(#input, self.#field.forward(), #task) }
            }
            Op::Head(index) => {
                let block = &self.ir.blocks[*index];
                let (field, value) = (ident(&names::local(&block.name)), &inputs[0]);
                let read = self.represented(*index, node, inputs, &pass);
                let inside = self.needs_pass(*index).then(|| quote! { , #pass });
                quote! {
                    if #pass.training { head(#value, self.#field.forward(#(#read),* #inside)) } else { #value }
                }
            }
            Op::Logits(tasks) => {
                let groups = tasks.iter().zip(inputs).zip(&node.inputs).map(|((tasks, input), id)| {
                    let tower = match graph[*id].op {
                        Op::TrainOnly(_) => &graph[graph[*id].inputs[0]].op,
                        ref op => op,
                    };
                    match tower {
                        Op::Block(block) if self.ir.blocks[*block].role == Role::Tower(tasks.clone()) => {
                            let ty = self.type_named(&self.names.blocks[*block], self.ir.blocks[*block].span);
                            quote! { (#input, #ty::TASKS) }
                        }
                        _ => {
                            let tasks = tasks.iter().map(|task| names::whole(*task));
                            quote! { (#input, &[#(#tasks),*][..]) }
                        }
                    }
                });
                let count = self.columns_of(node);
                quote! { logits(Vec::from([#(#groups),*]), #count) }
            }
            _ => unreachable!("stands in a block"),
        });
        quote! { fn forward(&self, input: Tensor<3>, #pass: &Pass) -> Tensor<2> { #body } }
    }
}

/// `user_columns`.
fn ranges_field(node: &Node) -> Ident {
    ident(&format!("{}_columns", node.name))
}

fn uses(size: &Size, width: &str) -> bool {
    size.symbols().any(|symbol| *symbol == Symbol::Width(width.to_owned()))
}

/// A size as an expression: `3 * config.each + config.shared`.
pub(super) fn size(size: &Size, symbol: &dyn Fn(&Symbol) -> TokenStream) -> TokenStream {
    let terms = size.terms.iter().map(|term| {
        let factors = term.factors.iter().map(|factor| match &factor.symbol {
            Symbol::Bits(of) => {
                let of = self::size(of, symbol);
                quote! { bits(#of) }
            }
            plain => symbol(plain),
        });
        let times = (term.times != 1).then(|| names::whole(term.times).into_token_stream());
        let factors = times.into_iter().chain(factors);
        let product = factors.reduce(|a, b| quote! { #a * #b });
        product.unwrap_or_else(|| unreachable!("a term has factors"))
    });
    let constant = (size.constant > 0 || size.terms.is_empty()).then(|| {
        let constant = names::whole(size.constant);
        quote! { #constant }
    });
    let parts: Vec<TokenStream> = terms.chain(constant).collect();
    quote! { #(#parts)+* }
}
