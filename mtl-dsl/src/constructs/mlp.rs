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

/// The nonlinearity of a stack of layers.
pub const ACTIVATION: Parameter = Parameter::word(
    "activation",
    &["relu", "gelu", "tanh", "sigmoid", "leaky_relu", "swish", "none"],
    "relu",
    "Applied after every layer.",
);
/// The dropout of a stack of layers.
pub const DROPOUT: Parameter =
    Parameter::number("dropout", Range::BELOW_ONE, 0.0, "Share of the activations set to 0 while training.");
/// The normalisation of a stack of layers.
pub const NORM: Parameter =
    Parameter::word("norm", &["none", "layer"], "none", "Normalisation between a layer and its activation.");
/// The widths of a block that is layers itself.
pub const LAYERS: Parameter = Parameter::required("layers", Shape::Widths, "Widths of the layers.");

static SIGNATURE: Signature = Signature {
    name: "mlp",
    docs: "Fully connected layers. On a `vec` one block; on an `each vec` one block per task. Every layer, the last one too, is \
           linear, then norm, activation and dropout.",
    positional: 1,
    parameters: &[Parameter::required("hidden", Shape::Widths, "Widths of the layers."), ACTIVATION, DROPOUT, NORM],
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
    numbers(options, "hidden")
}

/// The widths that an option holds; empty when it was left out.
pub fn numbers<'a>(options: &'a Options, name: &str) -> &'a [Number] {
    match option(options, name) {
        Value::None => &[],
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
        Layers::from_options(widths, options, prefix, scope)
    }

    /// The layers of a block with an option `layers`, whose widths are multiples of `share` (a number of subspaces, say): the field
    /// holds a `share`-th of each.
    pub fn of_block(options: &Options, share: usize, scope: &mut Scope) -> Layers {
        let share_of = |width: &Number| Number { value: (width.value / share as f64).floor(), ..*width };
        let shares: Vec<Number> = numbers(options, "layers").iter().map(share_of).collect();
        let docs = if share == 1 { "Widths of the layers." } else { "Widths of each subspace of the layers." };
        let widths = scope.widths("layers", docs, &shares).into_iter().map(|width| width.times(share)).collect();
        Layers::from_options(widths, options, "", scope)
    }

    fn from_options(widths: Vec<Size>, options: &Options, prefix: &str, scope: &mut Scope) -> Layers {
        let dropout = dropout(options, prefix, scope);
        let activation = Activation::from_word(word(options, "activation"));
        Layers { widths, activation, dropout, norm: word(options, "norm") == "layer" }
    }

    /// Layers of these widths, without norm and dropout.
    pub fn of(widths: Vec<Size>, activation: Activation) -> Layers {
        Layers { widths, activation, dropout: None, norm: false }
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

    /// The same without normalisation inside the layers.
    pub fn without_norm(self) -> Layers {
        Layers { norm: false, ..self }
    }

    /// The same with a norm and swish.
    pub fn normed(&self) -> Layers {
        Layers { norm: true, activation: Activation::Swish, ..self.clone() }
    }

    /// The widths of the layers.
    pub fn widths(&self) -> &[Size] {
        &self.widths
    }

    /// The layers of every member on its slot of `input`. Parameters are named `{part}_{layer}`.
    pub fn apply(&self, part: &str, members: &[Member], input: NodeId, scope: &mut Scope) -> NodeId {
        let mut value = input;
        let mut members = members.to_vec();
        for layer in 1..=self.widths.len() {
            value = self.apply_one(layer, part, &members, value, scope);
            members.iter_mut().filter(|member| member.slot != Slot::Every).for_each(|member| member.slot = Slot::Own);
        }
        value
    }

    /// The same layers of every member, with the same parameters, on two inputs.
    pub fn apply_tied(&self, part: &str, members: &[Member], inputs: [NodeId; 2], scope: &mut Scope) -> [NodeId; 2] {
        let [mut a, mut b] = inputs;
        let mut members = members.to_vec();
        for layer in 1..=self.widths.len() {
            a = scope.linear(part, Some(layer), &members, a, self.widths[layer - 1].clone(), true);
            b = scope.again(a, b);
            if self.norm {
                a = scope.norm(part, layer, a);
                b = scope.again(a, b);
            }
            [a, b] = [a, b].map(|value| scope.activate(part, self.activation, value));
            if let Some(rate) = &self.dropout {
                // Each side drops activations of its own.
                a = scope.dropout(part, layer, rate, a);
                b = scope.dropout(&format!("{part}_again"), layer, rate, b);
            }
            members.iter_mut().for_each(|member| member.slot = Slot::Own);
        }
        [a, b]
    }

    /// One layer, counted from 1.
    pub fn apply_one(&self, layer: usize, part: &str, members: &[Member], input: NodeId, scope: &mut Scope) -> NodeId {
        let value = scope.linear(part, Some(layer), members, input, self.widths[layer - 1].clone(), true);
        self.finish(layer, part, value, scope)
    }

    /// What follows a linear map in a layer: norm, activation, dropout.
    pub fn finish(&self, layer: usize, part: &str, linear: NodeId, scope: &mut Scope) -> NodeId {
        let mut value = linear;
        if self.norm {
            value = scope.norm(part, layer, value);
        }
        value = scope.activate(part, self.activation, value);
        match &self.dropout {
            Some(rate) => scope.dropout(part, layer, rate, value),
            None => value,
        }
    }
}
