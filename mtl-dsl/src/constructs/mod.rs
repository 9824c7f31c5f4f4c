//! The sharing constructs: one file each, from its place in the language to its primitives.
//!
//! A construct is its signature (names, defaults, documentation), its type rule, and its lowering.

pub mod mlp;
pub mod mmoe;
pub mod moe;
pub mod ple;

use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Block, Call, Number, Type, Value};
use crate::lower::{Scope, Stream};
use crate::schema::Signature;

/// A block that is called on representations.
#[derive(Debug)]
pub struct Construct {
    /// Its name, options and documentation.
    pub signature: &'static Signature,
    /// The type of its result; none when its inputs or options do not fit, which it reports.
    pub result: fn(&Call, &mut Vec<Diagnostic>) -> Option<Type>,
    /// For a block that can be a template (`4 * mlp([256])`): the width of its output, given its options.
    pub template: Option<fn(&Options) -> usize>,
    /// Its primitives, written to the block that calls it.
    pub lower: fn(&Call, &[Stream], &mut Scope) -> Stream,
}

/// Options of a call or a block, complete.
pub type Options = [(&'static str, Value)];

/// Every construct, in the order of the documentation.
pub static ALL: &[&Construct] = &[&mlp::MLP, &moe::MOE, &mmoe::MMOE, &ple::PLE, &ple::CGC];

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

/// The width of the call's only input, which must be one vector for all tasks.
fn vec_input(call: &Call, sink: &mut Vec<Diagnostic>) -> Option<usize> {
    let input = &call.inputs[0];
    match input.ty {
        Type::Vec(width) => Some(width),
        Type::EachVec(_) => {
            sink.push(diagnostic!(
                TypeMismatch, input.span, "`{}` reads a `vec`, but this is `{}`", call.construct, input.ty;
                label(call.name_span): "reads one vector for all tasks";
                help: "give it what all tasks share, such as `concat(...)` of features or a `let` made by `mlp` from one"
            ));
            None
        }
    }
}

/// Reports a gate that has nothing to choose from.
fn warn_single_expert(block: &Block, sink: &mut Vec<Diagnostic>) {
    sink.push(diagnostic!(
        UnusedGate, block.span, "a gate over a single expert is always 1";
        help: "write more experts (`4 * mlp(...)`), or call the block itself"
    ));
}
