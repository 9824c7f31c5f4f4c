//! `subnet`: one network of which each task has a part, found by pruning.

use super::mlp::numbers;
use super::{Construct, Context, Options, Reads, block, choice, number, template_width, vector_input, word};
use crate::diagnostic::{Code, Diagnostic, diagnostic};
use crate::hir::{Call, Number, Type};
use crate::ir::{Activation, MaskMethod, MaskSearch};
use crate::lower::{Scope, Stream};
use crate::schema::{Choice, Parameter, Range, Shape, Signature};

/// `subnet(x, mlp([256, 128]), masks: magnitude(keep: 0.3, rounds: 10))`.
pub static SUBNET: Construct = Construct { signature: &SIGNATURE, reads: Reads::One, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "subnet",
    docs: "One network with a mask on its weights for each task: what masks have in common is shared, the rest is the task's own (Sun et \
           al., \"Learning Sparse Sharing Architectures for Multiple Tasks\", AAAI 2020). Training finds the masks, then trains the \
           subnetworks together.",
    positional: 1,
    parameters: &[
        Parameter::required("block", Shape::Block { may_be_empty: false }, "The network: `mlp([256, 128])`."),
        Parameter::choice("masks", &MASKS, "magnitude", "How masks are found and their weights trained."),
    ],
};

const SHARE: Range = Range::real(0.0, false, 1.0, false, "a number between 0 and 1");
const ROUNDS: Range = Range { high: 100.0, ..Range::whole(1.0, "a whole number from 1 to 100") };
const EPOCHS: Range = Range { high: 1_000.0, ..Range::whole(1.0, "a whole number from 1 to 1_000") };
const WARM_UP: Range = Range { high: 1_000.0, ..Range::whole(0.0, "a whole number up to 1_000") };

const KEEP: &str = "Share of the weights that the last round keeps.";
const EPOCH_DOCS: &str = "Epochs of training, for the task alone, in each round.";
const WARM_UP_DOCS: &str = "Epochs in which all tasks train the whole network, before masks are looked for; their end is where rewinding leads.";
const LEAST_DOCS: &str = "The least share of weights that a mask must have pruned to be chosen.";
const REWIND: Parameter = Parameter::word(
    "rewind",
    &["true", "false"],
    "true",
    "Whether each round starts from the values of the start; else it goes on with those that the round before has trained.",
);
/// `batch`: every task takes a step on every batch; `split`: the tasks take batches in turn; `together`: one step for all.
const fn turns(default: &'static str) -> Parameter {
    Parameter::word(
        "turns",
        &["batch", "split", "together"],
        default,
        "Whose step it is once the masks are found: each task's on every batch, the next task's on the next batch, or that of the sum of losses.",
    )
}

static MASKS: Choice = Choice {
    noun: "search for masks",
    plural: "searches for masks",
    unknown: Code::UnknownWord,
    of: &[
        Signature {
            name: "magnitude",
            docs: "Rounds of training and of pruning the least weights of all layers together, for each task by itself (Sun et al., AAAI 2020).",
            positional: 0,
            parameters: &[
                Parameter::number("keep", SHARE, 0.3, KEEP),
                Parameter::number("rounds", ROUNDS, 10.0, "Rounds of pruning."),
                Parameter::number("warm_up", WARM_UP, 1.0, WARM_UP_DOCS),
                Parameter::number("epochs", EPOCHS, 1.0, EPOCH_DOCS),
                Parameter::number("least_pruned", Range::BELOW_ONE, 0.0, LEAST_DOCS),
                REWIND,
                turns("batch"),
            ],
        },
        Signature {
            name: "lottery",
            docs: "The same from the initial values, in few rounds, and then in turns of batches (Xiao et al., \"LT4REC\", 2020).",
            positional: 0,
            parameters: &[
                Parameter::number("keep", SHARE, 0.2, KEEP),
                Parameter::number("rounds", ROUNDS, 4.0, "Rounds of pruning."),
                Parameter::number("warm_up", WARM_UP, 0.0, WARM_UP_DOCS),
                Parameter::number("epochs", EPOCHS, 1.0, EPOCH_DOCS),
                Parameter::number("least_pruned", Range::BELOW_ONE, 0.0, LEAST_DOCS),
                REWIND,
                turns("split"),
            ],
        },
        Signature {
            name: "contrastive",
            docs: "Rounds that prune a share of each layer, then steps that also part a task's subnetwork from the network without the shared \
                   weights (Bai et al., \"CSRec\", WWW 2022).",
            positional: 0,
            parameters: &[
                Parameter::number("prune", SHARE, 0.1, "Share of a layer's kept weights that a round prunes."),
                Parameter::number("rounds", ROUNDS, 9.0, "Rounds of pruning."),
                Parameter::number("warm_up", WARM_UP, 1.0, WARM_UP_DOCS),
                Parameter::number("epochs", EPOCHS, 1.0, EPOCH_DOCS),
                Parameter::number("least_pruned", Range::BELOW_ONE, 0.4, LEAST_DOCS),
                REWIND,
                Parameter::number(
                    "contrast",
                    Range::NOT_NEGATIVE,
                    1.0,
                    "Weight of the loss of what is left without the shared weights.",
                ),
                Parameter::number(
                    "margin",
                    Range::POSITIVE,
                    0.5,
                    "By how much that loss is to exceed the subnetwork's, in the unit of the loss; a greater distance moves nothing.",
                ),
            ],
        },
    ],
};

/// `vec` or `each vec` to `each vec`.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    vector_input(call, sink)?;
    let template = block(&call.options, "block")?;
    if template.count.value != 1.0 {
        sink.push(diagnostic!(
            WrongArgument, template.span, "`subnet` takes one network, of which every task has a part";
            help: "write `mlp([256])` without a number in front"
        ));
        return None;
    }
    if word(&template.options, "norm") != "none" {
        sink.push(diagnostic!(
            ConflictingOptions, template.span, "a network of `subnet` has no norm"; help: "leave `norm` out: what a mask cuts off would shift every unit"
        ));
        return None;
    }
    let (_, masks) = choice(&call.options, "masks");
    let pruned = 1.0 - kept(&call.options);
    let least = number(masks, "least_pruned");
    if least.value > pruned + 1e-9 {
        sink.push(diagnostic!(
            OutOfRange, least.span, "no round prunes {} of the weights: the last one has pruned {pruned:.3}", least.value;
            help: "lower `least_pruned`, or prune more"
        ));
        return None;
    }
    Some(Type::EachVec(template_width(template)))
}

/// The share of the weights that the last round keeps.
fn kept(options: &Options) -> f64 {
    match choice(options, "masks") {
        ("contrastive", masks) => (1.0 - number(masks, "prune").value).powf(number(masks, "rounds").value),
        (_, masks) => number(masks, "keep").value,
    }
}

/// One stack of layers, with a mask for each task of the line.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let Some(template) = block(&call.options, "block") else { unreachable!("the network is required") };
    let options = &template.options;
    let widths = scope.widths("hidden", "Widths of the layers.", numbers(options, "hidden"));
    let rate: Number = number(options, "dropout");
    let dropout =
        (rate.value > 0.0).then(|| scope.rate("dropout", "Share of the activations set to 0 while training.", rate));
    let activation = Activation::from_word(word(options, "activation"));
    let (method, masks) = choice(&call.options, "masks");
    let mut inner = scope.inner("masks");
    let prune = match method {
        "contrastive" => {
            inner.rate("prune", "Share of a layer's kept weights that a round prunes.", number(masks, "prune"))
        }
        _ => inner.rate("keep", KEEP, number(masks, "keep")),
    };
    let rounds = inner.count("rounds", "Rounds of pruning.", number(masks, "rounds"));
    let warm_up = inner.count("warm_up", "Epochs of all tasks before masks are looked for.", number(masks, "warm_up"));
    let epochs = inner.count("epochs", EPOCH_DOCS, number(masks, "epochs"));
    let least_pruned = inner.rate("least_pruned", LEAST_DOCS, number(masks, "least_pruned"));
    let method = match method {
        "contrastive" => MaskMethod::Contrastive {
            contrast: inner.rate(
                "contrast",
                "Weight of the loss without the shared weights.",
                number(masks, "contrast"),
            ),
            margin: inner.rate(
                "margin",
                "By how much that loss is to exceed the subnetwork's.",
                number(masks, "margin"),
            ),
        },
        _ => MaskMethod::Magnitude { turns: word(masks, "turns") },
    };
    let rewind = word(masks, "rewind") == "true";
    let search = MaskSearch { method, prune, rounds, warm_up, epochs, least_pruned, rewind };
    let tasks = scope.line_tasks();
    let value = scope.subnets("hidden", &tasks, &inputs[0], &widths, activation, dropout, search);
    Stream { value, tasks: Some(tasks) }
}
