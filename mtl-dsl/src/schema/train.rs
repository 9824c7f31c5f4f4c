//! The `train` block: optimisers, schedule and selection.

use super::{Choice, Parameter, Range, Shape, Signature};
use crate::diagnostic::Code;

const BETA1: Parameter = Parameter::number("beta1", Range::BELOW_ONE, 0.9, "Decay of the first moment.");
const BETA2: Parameter = Parameter::number("beta2", Range::BELOW_ONE, 0.999, "Decay of the second moment.");
const EPS: Parameter = Parameter::number("eps", Range::POSITIVE, 1e-8, "Added to the root.");

const fn learning_rate(default: f64) -> Parameter {
    Parameter::number("lr", Range::POSITIVE, default, "Learning rate.")
}

/// Optimisers of the dense parameters.
pub static OPTIMIZERS: Choice = Choice {
    noun: "optimizer",
    plural: "optimizers",
    unknown: Code::UnknownOptimizer,
    of: &[
        Signature {
            name: "adam",
            docs: "Adam (Kingma and Ba, ICLR 2015), with decoupled weight decay.",
            positional: 0,
            parameters: &[
                learning_rate(1e-3),
                BETA1,
                BETA2,
                EPS,
                Parameter::number("weight_decay", Range::NOT_NEGATIVE, 0.0, "Decoupled weight decay."),
            ],
        },
        Signature {
            name: "adagrad",
            docs: "AdaGrad (Duchi et al., JMLR 2011).",
            positional: 0,
            parameters: &[learning_rate(0.01), EPS],
        },
        Signature {
            name: "sgd",
            docs: "Stochastic gradient descent.",
            positional: 0,
            parameters: &[
                learning_rate(0.01),
                Parameter::number("momentum", Range::BELOW_ONE, 0.0, "Share of the last step that is kept."),
            ],
        },
    ],
};

/// Optimisers of embedding rows.
pub static ROW_OPTIMIZERS: Choice = Choice {
    noun: "optimizer of embeddings",
    plural: "optimizers of embeddings",
    unknown: Code::UnknownOptimizer,
    of: &[
        Signature {
            name: "rowwise_adagrad",
            docs: "AdaGrad with one accumulator a row, the mean square of its gradient.",
            positional: 0,
            parameters: &[learning_rate(0.05), EPS],
        },
        Signature {
            name: "adam",
            docs: "The trajectory of dense Adam, computed when a row is read.",
            positional: 0,
            parameters: &[learning_rate(1e-3), BETA1, BETA2, EPS],
        },
        Signature {
            name: "lazy_adam",
            docs: "Adam on the rows of the batch; the others stand still.",
            positional: 0,
            parameters: &[learning_rate(1e-3), BETA1, BETA2, EPS],
        },
        Signature {
            name: "adagrad",
            docs: "AdaGrad with an accumulator per value.",
            positional: 0,
            parameters: &[learning_rate(0.05), EPS],
        },
        Signature {
            name: "sgd",
            docs: "Stochastic gradient descent.",
            positional: 0,
            parameters: &[learning_rate(0.05)],
        },
    ],
};

/// The `train` block.
pub static TRAIN: Signature = Signature {
    name: "train",
    docs: "How the model is trained. Every number can be overridden when the program runs.",
    positional: 0,
    parameters: &[
        Parameter::choice("optimizer", &OPTIMIZERS, "adam", "The optimiser of the dense parameters."),
        Parameter::choice("embeddings", &ROW_OPTIMIZERS, "rowwise_adagrad", "The optimiser of the embedding rows."),
        Parameter::number("batch", Range::POSITIVE_WHOLE, 1024.0, "Rows a step."),
        Parameter::number("epochs", Range::POSITIVE_WHOLE, 3.0, "Passes over the training rows."),
        Parameter::optional(
            "stages",
            Shape::Stages,
            "Parts of training one after the other, each with epochs of its own: `[stage(epochs: 2, freeze: [h]), stage(epochs: 1)]`.",
        ),
        Parameter::number("seed", Range::WHOLE, 0.0, "Seed of everything random."),
        Parameter::optional(
            "clip",
            Shape::Number(Range::POSITIVE),
            "Largest global norm of the dense gradient; no limit when left out.",
        ),
        Parameter::optional(
            "patience",
            Shape::Number(Range::POSITIVE_WHOLE),
            "Epochs without a better `best` metric after which training stops; it never stops early when left out.",
        ),
        Parameter::optional(
            "best",
            Shape::Metric,
            "The validation metric that picks the best epoch, of one task or the mean: `auc`, `auc(click)`; a sum of them: \
             `0.7 * auc(click) + 0.3 * auc(like)`; `each` to keep also the best epoch of each task. `auc` when left out; where no task is \
             binary `gauc`, or `rmse` where none is `pairwise`, or `accuracy` where all are `multiclass`.",
        ),
        Parameter::optional(
            "group_by",
            Shape::Column,
            "The column whose values group the rows for `gauc`; the `group` of tasks that compare rows when left out.",
        ),
    ],
};

/// An item of `stages`.
pub static STAGE: Signature = Signature {
    name: "stage",
    docs: "A part of training.",
    positional: 0,
    parameters: &[
        Parameter::required("epochs", Shape::Number(Range::EPOCHS), "Passes over the training rows: `epochs: 2`."),
        Parameter::optional(
            "tasks",
            Shape::Turns,
            "Whose losses train: of all tasks together (`joint`, when left out), of one task a batch in turn (`alternate`), or of a \
             list of tasks.",
        ),
        Parameter::optional(
            "freeze",
            Shape::Parts,
            "What stands still: names of lets, of tasks (their towers), of entities and features (their tables); `each` is `tower each`.",
        ),
        Parameter::optional("train", Shape::Parts, "What alone moves."),
        Parameter::optional(
            "lr",
            Shape::Rates,
            "Factors on the learning rates of parts: `each(h: 0.1, click: 0.5)`; 1 for what is not named.",
        ),
    ],
};

/// The metrics that can pick the best epoch.
pub static METRICS: &[(&str, &str)] = &[
    ("auc", "Area under the ROC curve, of binary tasks; higher is better."),
    ("accuracy", "The share of rows whose most probable class is theirs, of multiclass tasks; higher is better."),
    ("gauc", "AUC within each group of `group_by`, averaged by size, of binary and pairwise tasks; higher is better."),
    ("logloss", "Cross-entropy, of binary and multiclass tasks; lower is better."),
    ("rmse", "Root of the mean squared error, of regressions; lower is better."),
    ("loss", "The training objective on validation rows; lower is better."),
];
