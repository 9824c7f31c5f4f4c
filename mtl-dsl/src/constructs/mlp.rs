//! `mlp`: a stack of fully connected layers.

use super::{Construct, Context, Options, Reads, number, option, vector_input, word};
use crate::diagnostic::Diagnostic;
use crate::hir::{Call, Number, Type, Value};
use crate::ir::{Activation, NodeId, Rate, Size, Slot};
use crate::lower::{Member, Scope, Stream};
use crate::schema::{Parameter, Range, Shape, Signature};

/// `mlp(x, [256, 128])`.
pub static MLP: Construct =
    Construct { signature: &SIGNATURE, reads: Reads::One, result, template: Some(width), lower };

static SIGNATURE: Signature = Signature {
    name: "mlp",
    docs: "Fully connected layers. On a `vec` one block; on an `each vec` one block per task. Every layer, the last one too, is \
           linear, then norm, activation and dropout.",
    positional: 1,
    parameters: &[
        Parameter::required("hidden", Shape::Widths, "Widths of the layers."),
        Parameter::word(
            "activation",
            &["relu", "gelu", "tanh", "sigmoid", "leaky_relu", "swish", "none"],
            "relu",
            "Applied after every layer.",
        ),
        Parameter::number("dropout", Range::BELOW_ONE, 0.0, "Share of the activations set to 0 while training."),
        Parameter::word("norm", &["none", "layer"], "none", "Normalisation between a layer and its activation."),
    ],
};

/// As its input, with the width of the last layer.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    let width = width(&call.options);
    vector_input(call, sink)?;
    Some(match call.inputs[0].ty {
        Type::EachVec(_) => Type::EachVec(width),
        _ => Type::Vec(width),
    })
}

fn width(options: &Options) -> usize {
    hidden(options).last().map_or(0, |width| width.value as usize)
}

fn hidden(options: &Options) -> &[Number] {
    match option(options, "hidden") {
        Value::Numbers(widths) => widths,
        _ => unreachable!("widths are a list of numbers"),
    }
}

/// One block for all tasks, or one per task: in a tower, and on an `each vec`.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let input = &inputs[0];
    let layers = Layers::read(&call.options, "", scope);
    let tasks = scope.copies(input);
    let members: Vec<Member> = match &tasks {
        Some(tasks) => tasks.iter().map(|task| scope.member_of(*task, input)).collect(),
        None => vec![Member::shared(Slot::Own)],
    };
    Stream { value: layers.apply("hidden", &members, input.value, scope), tasks }
}

/// The rate of dropout as a field, where there is any.
fn dropout(options: &Options, prefix: &str, scope: &mut Scope) -> Option<Rate> {
    let rate = number(options, "dropout");
    let field = format!("{prefix}dropout");
    (rate.value > 0.0).then(|| scope.rate(&field, "Share of the activations set to 0 while training.", rate))
}

/// The layers of a block or of a group of blocks, with their numbers in the configuration.
#[derive(Debug, Clone)]
pub struct Layers {
    widths: Vec<Size>,
    activation: Activation,
    dropout: Option<Rate>,
    norm: bool,
}

impl Layers {
    /// Reads the options of an `mlp`; its numbers become fields named `{prefix}hidden`, `{prefix}dropout`.
    pub fn read(options: &Options, prefix: &str, scope: &mut Scope) -> Layers {
        Layers::read_below(options, prefix, None, scope)
    }

    /// As [`Layers::read`]; with a width for the last layer, the field holds those below it.
    pub fn read_below(options: &Options, prefix: &str, last: Option<Size>, scope: &mut Scope) -> Layers {
        let own = hidden(options);
        let own = &own[..own.len().saturating_sub(usize::from(last.is_some()))];
        let mut widths = match own {
            [] => Vec::new(),
            own => scope.widths(&format!("{prefix}hidden"), "Widths of the layers.", own),
        };
        widths.extend(last);
        let dropout = dropout(options, prefix, scope);
        let activation = Activation::from_word(word(options, "activation"));
        Layers { widths, activation, dropout, norm: word(options, "norm") == "layer" }
    }

    /// Layers of these widths with the options `activation` and `dropout`; without norm.
    pub fn of_widths(options: &Options, widths: Vec<Size>, scope: &mut Scope) -> Layers {
        let activation = Activation::from_word(word(options, "activation"));
        Layers { widths, activation, dropout: dropout(options, "", scope), norm: false }
    }

    /// The same activation and dropout with other widths.
    pub fn with_widths(&self, widths: Vec<Size>) -> Layers {
        Layers { widths, ..self.clone() }
    }

    /// The width of the last layer as a field of its own, `width`.
    pub fn last(options: &Options, scope: &mut Scope) -> Size {
        let last = hidden(options).last();
        last.map_or(Size::constant(0), |last| scope.count("width", "Width of the experts' outputs.", *last))
    }

    /// The layers of every member on its slot of `input`. Parameters are named `{part}_{layer}`.
    pub fn apply(&self, part: &str, members: &[Member], input: NodeId, scope: &mut Scope) -> NodeId {
        let mut value = input;
        let mut members = members.to_vec();
        for (width, layer) in self.widths.iter().zip(1..) {
            value = scope.linear(part, Some(layer), &members, value, width.clone(), true);
            if self.norm {
                value = scope.norm(part, layer, value);
            }
            value = scope.activate(part, self.activation, value);
            if let Some(rate) = &self.dropout {
                value = scope.dropout(part, layer, rate, value);
            }
            members.iter_mut().filter(|member| member.slot != Slot::Every).for_each(|member| member.slot = Slot::Own);
        }
        value
    }
}
