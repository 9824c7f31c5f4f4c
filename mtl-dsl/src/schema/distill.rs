//! The `distill` block.

use super::{Parameter, Range, Shape, Signature};

/// The `distill` block.
pub static DISTILL: Signature = Signature {
    name: "distill",
    docs: "Who teaches tasks while training: each other (CrossDistil, AAAI 2022), or a saved model.",
    positional: 0,
    parameters: &[
        Parameter::optional(
            "pairs",
            Shape::Pairs,
            "Pairs of binary tasks that help each other: `[(click, like), ...]`.",
        ),
        Parameter::optional(
            "teacher",
            Shape::Tasks,
            "Tasks that learn from a saved model, which is given when training: `[click, like]`.",
        ),
        Parameter::number(
            "temperature",
            Range::POSITIVE,
            1.0,
            "What the logits of teacher and task are divided by before they are compared.",
        ),
        Parameter::number(
            "weight",
            Range::UNIT,
            0.5,
            "The share of the teachers in a task's loss; the label has the rest.",
        ),
        Parameter::word(
            "correct",
            &["true", "false"],
            "true",
            "Whether a teacher that contradicts the label is moved to `margin`.",
        ),
        Parameter::number(
            "margin",
            Range::ANY,
            0.0,
            "The logit that a corrected positive has at least, and a negative at most.",
        ),
        Parameter::number(
            "comparisons",
            Range::POSITIVE,
            1.0,
            "Factor of the comparisons that train the teachers of pairs, beside the tasks' losses.",
        ),
        Parameter::number(
            "partners",
            Range::SIZE,
            16.0,
            "How many rows of the smaller of two cells each row of the larger one is compared with.",
        ),
        Parameter::optional("warm_up", Shape::Number(Range::EPOCHS), "First epochs, in which the share grows from 0."),
    ],
};
