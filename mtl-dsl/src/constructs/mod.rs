//! The sharing constructs: one file each, from its place in the language to its primitives.
//!
//! A construct is its signature (names, defaults, documentation), its type rule, and its lowering.

pub mod adatt;
pub mod aitm;
pub mod bilinear;
pub mod cross_stitch;
pub mod dbmtl;
pub mod dcn;
pub mod deepfm;
pub mod din;
pub mod dot;
pub mod fields;
pub mod fm;
pub mod fwfm;
mod gate_unit;
mod gates;
pub mod home;
pub mod masknet;
pub mod mlp;
pub mod mmoe;
pub mod moe;
pub mod mran;
pub mod mssm;
pub mod mtan;
pub mod nddr;
pub mod pepnet;
pub mod ple;
pub mod poso;
pub mod senet;
pub mod separate;
pub mod sluice;
pub mod snr;
pub mod stem;
pub mod stop;
pub mod subnet;
pub mod wide;

use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Block, Call, Number, Type, Value};
use crate::lower::{Scope, Stream};
use crate::schema::Signature;

/// A block that is called on representations.
#[derive(Debug)]
pub struct Construct {
    /// Its name, options and documentation.
    pub signature: &'static Signature,
    /// What it reads beside its options.
    pub reads: Reads,
    /// The type of its result; none when its inputs or options do not fit, which it reports.
    pub result: fn(&Call, &Context, &mut Vec<Diagnostic>) -> Option<Type>,
    /// For a block that can be a template (`4 * mlp([256])`): the width of its output, given its options.
    pub template: Option<fn(&Options) -> usize>,
    /// Its primitives, written to the block that calls it.
    pub lower: fn(&Call, &[Stream], &mut Scope) -> Stream,
}

/// What a block reads: its values without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// One representation.
    One,
    /// Two of them.
    Two,
    /// Features, or one value of type `fields`.
    Fields,
}

impl Reads {
    /// The least number of values.
    pub fn least(self) -> usize {
        if self == Reads::Two { 2 } else { 1 }
    }

    /// The greatest number of values.
    pub fn most(self) -> usize {
        match self {
            Reads::One => 1,
            Reads::Two => 2,
            Reads::Fields => usize::MAX,
        }
    }
}

/// What a type rule knows of the model.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The number of tasks.
    pub tasks: usize,
}

/// Options of a call or a block, complete.
pub type Options = [(&'static str, Value)];

/// Every construct, in the order of the documentation.
pub static ALL: &[&Construct] = &[
    &mlp::MLP,
    &separate::SEPARATE,
    &cross_stitch::CROSS_STITCH,
    &sluice::SLUICE,
    &nddr::NDDR,
    &moe::MOE,
    &mmoe::MMOE,
    &ple::PLE,
    &ple::CGC,
    &snr::SNR,
    &fields::FIELDS,
    &fields::FLATTEN,
    &wide::WIDE,
    &stop::STOP,
    &adatt::ADATT,
    &stem::STEM,
    &fm::FM,
    &fwfm::FWFM,
    &deepfm::DEEPFM,
    &dcn::DCN,
    &masknet::MASKNET,
    &senet::SENET,
    &bilinear::BILINEAR,
    &din::DIN,
    &mran::MRAN,
    &pepnet::PEPNET,
    &poso::POSO,
    &mtan::MTAN,
    &aitm::AITM,
    &dbmtl::DBMTL,
    &subnet::SUBNET,
    &home::HOME,
    &mssm::MSSM,
    &dot::DOT,
];

/// The construct of this name.
pub fn find(name: &str) -> Option<&'static Construct> {
    ALL.iter().copied().find(|construct| construct.signature.name == name)
}

/// An option of a checked call. Checked calls hold every option of their signature.
pub fn option<'a>(options: &'a Options, name: &str) -> &'a Value {
    let found = options.iter().find(|(option, _)| *option == name);
    &found.unwrap_or_else(|| unreachable!("checked options hold `{name}`")).1
}

/// The number that an option holds.
pub fn number(options: &Options, name: &str) -> Number {
    match option(options, name) {
        Value::Number(number) => *number,
        _ => unreachable!("`{name}` is a number in its signature"),
    }
}

/// The number that an option holds, if it was written.
pub fn maybe_number(options: &Options, name: &str) -> Option<Number> {
    match option(options, name) {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

/// The alternative that an option holds, and its options.
pub fn choice<'a>(options: &'a Options, name: &str) -> (&'static str, &'a Options) {
    match option(options, name) {
        Value::Choice(name, options) => (name, options),
        _ => unreachable!("`{name}` is one of several alternatives in its signature"),
    }
}

/// The groups of tasks that an option holds; none when it was left out.
pub fn task_groups(options: &Options, name: &str) -> Option<Vec<Vec<usize>>> {
    match option(options, name) {
        Value::TaskGroups(groups) => {
            Some(groups.iter().map(|group| group.iter().map(|task| task.0).collect()).collect())
        }
        _ => None,
    }
}

/// The word that an option holds.
pub fn word(options: &Options, name: &str) -> &'static str {
    match option(options, name) {
        Value::Word(word) => word,
        _ => unreachable!("`{name}` is a word in its signature"),
    }
}

/// The group of blocks that an option holds; none when it was left out.
pub fn block<'a>(options: &'a Options, name: &str) -> Option<&'a Block> {
    match option(options, name) {
        Value::Block(block) => Some(block),
        _ => None,
    }
}

/// The width of a template's output.
pub fn template_width(block: &Block) -> usize {
    let template = find(block.construct).and_then(|construct| construct.template);
    template.map_or(0, |width| width(&block.options))
}

/// The width of the call's first input, which must be one vector for all tasks.
fn vec_input(call: &Call, sink: &mut Vec<Diagnostic>) -> Option<usize> {
    shared_input(call, 0, sink)
}

/// The width of this input of the call, which must be one vector for all tasks.
fn shared_input(call: &Call, position: usize, sink: &mut Vec<Diagnostic>) -> Option<usize> {
    let input = &call.inputs[position];
    match input.ty {
        Type::Vec(width) => Some(width),
        other => {
            let help = match other {
                Type::EachVec(_) => {
                    "give it what all tasks share, such as `concat(...)` of features or a `let` made by `mlp` from one"
                }
                Type::Fields { .. } => "`flatten(...)` makes one vector of fields",
                _ => "give it a vector, such as `concat(...)` of features",
            };
            sink.push(diagnostic!(
                TypeMismatch, input.span, "`{}` reads a `vec`, but this is `{other}`", call.construct;
                label(call.name_span): "reads one vector for all tasks"; help: "{help}"
            ));
            None
        }
    }
}

/// The width of the call's first input, which must be a vector, for all tasks or for each.
fn vector_input(call: &Call, sink: &mut Vec<Diagnostic>) -> Option<usize> {
    let input = &call.inputs[0];
    if input.ty.is_vector() {
        return Some(input.ty.width());
    }
    let help = match input.ty {
        Type::Fields { .. } => "`flatten(...)` makes one vector of fields",
        Type::Seq { .. } => "`din(history, query: video_id)` makes one vector of a sequence",
        _ => "give it a vector, such as `concat(...)` of features",
    };
    sink.push(diagnostic!(
        TypeMismatch, input.span, "`{}` reads a vector, but this is `{}`", call.construct, input.ty;
        label(call.name_span): "reads `vec` or `each vec`"; help: "{help}"
    ));
    None
}

/// The fields that a call reads: how many, and how wide.
fn fields_input(call: &Call) -> (usize, usize) {
    match call.inputs[0].ty {
        Type::Fields { count, width } => (count, width),
        _ => unreachable!("the checker makes fields of what such a block reads"),
    }
}

/// Reports a single field, which has nothing to interact with.
fn several_fields(call: &Call, sink: &mut Vec<Diagnostic>) -> Option<()> {
    if fields_input(call).0 > 1 {
        return Some(());
    }
    sink.push(diagnostic!(
        TypeMismatch, call.inputs[0].span, "`{}` reads several fields, but this is `{}`", call.construct, call.inputs[0].ty;
        label(call.name_span): "makes something of each pair of fields"; help: "give it more features: `{}(user, item)`", call.construct
    ));
    None
}

/// The position, among the call's inputs, of the representation that an option holds.
fn input(options: &Options, name: &str) -> usize {
    match option(options, name) {
        Value::Input(position) => *position,
        _ => unreachable!("`{name}` is a representation in its signature"),
    }
}

/// Reports a gate that has nothing to choose from.
fn warn_single_expert(block: &Block, sink: &mut Vec<Diagnostic>) {
    sink.push(diagnostic!(
        UnusedGate, block.span, "a gate over a single expert is always 1";
        help: "write more experts (`4 * mlp(...)`), or call the block itself"
    ));
}
