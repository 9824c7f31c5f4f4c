//! `ple`: progressive layered extraction, and `cgc`, one level of it (Tang et al., RecSys 2020).

use super::{Construct, Options, block, option, template_width, vec_input, warn_single_expert};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, Type, Value};
use crate::schema::{Parameter, Shape, Signature};

/// `ple(x, levels: [level(shared: 4 * mlp([256]), each: 2 * mlp([256])), ...])`.
pub static PLE: Construct = Construct { signature: &PLE_SIGNATURE, result: ple_result, template: None };

/// `cgc(x, shared: 4 * mlp([256]), each: 2 * mlp([256]))`.
pub static CGC: Construct = Construct { signature: &CGC_SIGNATURE, result: cgc_result, template: None };

const EXPERTS: [Parameter; 2] = [
    Parameter::optional("shared", Shape::Block { may_be_empty: true }, "Experts of all tasks."),
    Parameter::optional("each", Shape::Block { may_be_empty: true }, "Experts of each task."),
];

static PLE_SIGNATURE: Signature = Signature {
    name: "ple",
    docs: "Levels of shared and task-owned experts. At each level a task's gate mixes its own experts and the shared ones, and \
           below the last level the shared stream's gate mixes all of them.",
    positional: 0,
    parameters: &[Parameter::required("levels", Shape::Groups(&LEVEL), "The levels, from the input up: `[level(...), ...]`.")],
};

static LEVEL: Signature =
    Signature { name: "level", docs: "One level of `ple`.", positional: 0, parameters: &EXPERTS };

static CGC_SIGNATURE: Signature = Signature {
    name: "cgc",
    docs: "One level of `ple`: a task's gate mixes its own experts and the shared ones.",
    positional: 0,
    parameters: &EXPERTS,
};

/// `vec` to `each vec`, as wide as an expert of the last level.
fn ple_result(call: &Call, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    let Value::Groups(levels) = option(&call.options, "levels") else { return None };
    let mut width = None;
    for level in levels {
        width = Some(level_width(call, level, sink)?);
    }
    width.map(Type::EachVec)
}

fn cgc_result(call: &Call, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vec_input(call, sink)?;
    level_width(call, &call.options, sink).map(Type::EachVec)
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
        if template_width(other) != width {
            sink.push(diagnostic!(
                WidthMismatch, other.span, "experts of one level must end in one width, but these end in {}", template_width(other);
                label(first.span): "these end in {width}";
                help: "a gate adds their outputs: make the last widths equal"
            ));
            return None;
        }
    }
    if rest.is_empty() && first.count.value == 1.0 {
        warn_single_expert(first, sink);
    }
    Some(width)
}
