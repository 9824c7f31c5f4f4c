//! The kinds of tasks.

use super::losses::{BINARY_LOSSES, PAIRWISE_LOSSES, REGRESSION_LOSSES};
use super::{Choice, Parameter, Range, Shape, Signature};
use crate::diagnostic::Code;

const LABEL: Parameter = Parameter::optional(
    "label",
    Shape::Label,
    "The column of the label, or a condition such as `income == \"50000+.\"`; the task's name when left out.",
);
const WHERE: Parameter = Parameter::optional(
    "where",
    Shape::Condition,
    "The sample space: rows outside count neither in the loss nor in the metrics.",
);
const WEIGHT_COLUMN: Parameter =
    Parameter::optional("weight_column", Shape::Column, "The column that weighs the rows.");

/// Calibrations of binary tasks.
pub static CALIBRATIONS: Choice = Choice {
    noun: "calibration",
    plural: "calibrations",
    unknown: Code::UnknownWord,
    of: &[
        Signature { name: "platt", docs: "A line through the logits (Platt, 1999).", positional: 0, parameters: &[] },
        Signature {
            name: "isotonic",
            docs: "The non-decreasing function of least squares.",
            positional: 0,
            parameters: &[],
        },
        Signature {
            name: "temperature",
            docs: "A factor of the logits (Guo et al., ICML 2017).",
            positional: 0,
            parameters: &[],
        },
        Signature {
            name: "down_sampling",
            docs: "No fit: the odds times the rate, which undoes that negative training rows were left out.",
            positional: 0,
            parameters: &[Parameter::required(
                "rate",
                Shape::Number(Range::UP_TO_ONE),
                "The share of the negative training rows that was kept.",
            )],
        },
    ],
};

/// The kinds of tasks.
pub static KINDS: &[Signature] = &[
    Signature {
        name: "binary",
        docs: "The probability of an event.",
        positional: 0,
        parameters: &[
            LABEL,
            WHERE,
            WEIGHT_COLUMN,
            Parameter::number("pos_weight", Range::POSITIVE, 1.0, "Factor of the loss of positive rows."),
            Parameter::sum("loss", &BINARY_LOSSES, "bce", "The loss, or a sum such as `bce + 0.3 * bpr`."),
            Parameter::optional(
                "group",
                Shape::Column,
                "The column whose values group the rows, for losses that compare them. It is also the `group_by` of `train`.",
            ),
            Parameter::optional(
                "through",
                Shape::Tasks,
                "A task with the same condition: the probability is that of the event after that one and that of the event without it, weighed by how likely it is (ESM2, SIGIR 2020).",
            ),
            Parameter::optional(
                "calibrate",
                Shape::Choice(&CALIBRATIONS),
                "How its probability, that of the product for a task given another, is calibrated on the validation rows.",
            ),
        ],
    },
    Signature {
        name: "count",
        docs: "A number of events: the mean of a Poisson distribution, whose logarithm the tower predicts.",
        positional: 0,
        parameters: &[LABEL, WHERE, WEIGHT_COLUMN],
    },
    Signature {
        name: "multiclass",
        docs: "One of several classes, numbered from 0: a logit for each, and their softmax.",
        positional: 0,
        parameters: &[
            LABEL,
            WHERE,
            WEIGHT_COLUMN,
            Parameter::required("classes", Shape::Number(Range::CLASSES), "The number of classes."),
            Parameter::number(
                "smoothing",
                Range::BELOW_ONE,
                0.0,
                "How far labels are moved towards all classes alike.",
            ),
        ],
    },
    Signature {
        name: "ordinal",
        docs: "A level from 1 on, such as a number of stars: one logit, and ordered thresholds that are trained with it.",
        positional: 0,
        parameters: &[
            LABEL,
            WHERE,
            WEIGHT_COLUMN,
            Parameter::required("levels", Shape::Number(Range::LEVELS), "The greatest level."),
        ],
    },
    Signature {
        name: "pairwise",
        docs: "A score that orders the rows of a group: the chosen ones, or those of a higher grade, above the others.",
        positional: 0,
        parameters: &[
            LABEL,
            WHERE,
            WEIGHT_COLUMN,
            Parameter::required(
                "group",
                Shape::Column,
                "The column whose values group the rows: only rows of one group are compared. It is also the `group_by` of `train`.",
            ),
            Parameter::sum("loss", &PAIRWISE_LOSSES, "bpr", "The loss, or a sum such as `bpr + 0.5 * list_net`."),
        ],
    },
    Signature {
        name: "regression",
        docs: "A number, in the unit of its label.",
        positional: 0,
        parameters: &[
            LABEL,
            WHERE,
            WEIGHT_COLUMN,
            Parameter::word(
                "transform",
                &["none", "log1p"],
                "none",
                "Applied to the label before the loss, undone in the prediction.",
            ),
            Parameter::sum("loss", &REGRESSION_LOSSES, "mse", "The loss, or a sum, in the transformed unit."),
        ],
    },
];
