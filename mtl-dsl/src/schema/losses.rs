//! The losses of tasks and the weightings between them.

use super::{Choice, Parameter, Range, Shape, Signature};
use crate::diagnostic::Code;

/// Losses of binary tasks.
pub static BINARY_LOSSES: Choice = Choice {
    noun: "loss",
    plural: "losses of `binary` tasks",
    unknown: Code::UnknownLoss,
    of: &[Signature { name: "bce", docs: "Binary cross-entropy of the logit.", positional: 0, parameters: &[] }],
};

/// Losses of regressions.
pub static REGRESSION_LOSSES: Choice = Choice {
    noun: "loss",
    plural: "losses of `regression` tasks",
    unknown: Code::UnknownLoss,
    of: &[
        Signature { name: "mse", docs: "The squared error.", positional: 0, parameters: &[] },
        Signature {
            name: "huber",
            docs: "Half the squared error up to `delta`, linear beyond.",
            positional: 0,
            parameters: &[Parameter::number("delta", Range::POSITIVE, 1.0, "Where the square ends.")],
        },
    ],
};

/// The `loss` block.
pub static LOSS: Signature = Signature {
    name: "loss",
    docs: "How the tasks' losses become one.",
    positional: 0,
    parameters: &[Parameter {
        name: "weighting",
        shape: Shape::Weighting,
        default: super::Default::Word("equal"),
        docs: "`equal`, `fixed(task: weight, ...)` or `uncertainty`.",
    }],
};

/// The weightings.
pub static WEIGHTINGS: &[(&str, &str)] = &[
    ("equal", "The plain sum."),
    ("fixed", "A factor per task: `fixed(click: 1.0, like: 4.0)`; a task that is not named has 1."),
    ("uncertainty", "A trained log-variance per task (Kendall et al., CVPR 2018)."),
];

/// The kind of task that has this loss.
pub fn kind_of(loss: &str) -> Option<&'static str> {
    let has = |choice: &Choice| choice.of.iter().any(|of| of.name == loss);
    match () {
        () if has(&BINARY_LOSSES) => Some("binary"),
        () if has(&REGRESSION_LOSSES) => Some("regression"),
        () => None,
    }
}
