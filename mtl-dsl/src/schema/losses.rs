//! The losses of tasks and the weightings between them.

use super::{Choice, Parameter, Range, Shape, Signature};
use crate::diagnostic::Code;

const BPR: Signature = Signature {
    name: "bpr",
    docs: "`-log sigma` of the difference of each pair of a positive and a negative row of one group (Rendle et al., UAI 2009).",
    positional: 0,
    parameters: &[],
};

const LIST_NET: Signature = Signature {
    name: "list_net",
    docs: "The cross-entropy of the softmax of the labels and that of the scores over the rows of a group (Cao et al., ICML 2007).",
    positional: 0,
    parameters: &[Parameter::number(
        "temperature",
        Range::POSITIVE,
        1.0,
        "What labels are divided by: the smaller, the more the largest one counts.",
    )],
};

/// Losses of pairwise tasks.
pub static PAIRWISE_LOSSES: Choice =
    Choice { noun: "loss", plural: "losses of `pairwise` tasks", unknown: Code::UnknownLoss, of: &[BPR, LIST_NET] };

/// Losses of binary tasks.
pub static BINARY_LOSSES: Choice = Choice {
    noun: "loss",
    plural: "losses of `binary` tasks",
    unknown: Code::UnknownLoss,
    of: &[
        Signature {
            name: "bce",
            docs: "Binary cross-entropy of the logit.",
            positional: 0,
            parameters: &[Parameter::number(
                "smoothing",
                Range::BELOW_ONE,
                0.0,
                "How far labels are moved towards one half.",
            )],
        },
        Signature {
            name: "focal",
            docs: "Cross-entropy in which rows count less the better they are predicted (Lin et al., ICCV 2017).",
            positional: 0,
            parameters: &[
                Parameter::number("gamma", Range::NOT_NEGATIVE, 2.0, "How much less; 0 is a weighted cross-entropy."),
                Parameter::number(
                    "alpha",
                    Range::BETWEEN,
                    0.25,
                    "The share of positive rows' loss, beside that of the others.",
                ),
            ],
        },
        Signature {
            name: "jrc",
            docs: "The cross-entropy, and that of a softmax over the rows of a group, of the logits of each row's own class (Sheng et al., KDD 2023).",
            positional: 0,
            parameters: &[Parameter::number(
                "alpha",
                Range::BETWEEN,
                0.5,
                "The share of the cross-entropy, beside that of the group.",
            )],
        },
        BPR,
        LIST_NET,
    ],
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
        Signature {
            name: "log_cosh",
            docs: "The logarithm of the error's hyperbolic cosine: half the square near 0, linear far away.",
            positional: 0,
            parameters: &[],
        },
        Signature {
            name: "quantile",
            docs: "The loss of a quantile: what is predicted lies above a share `q` of the labels (Koenker and Bassett, 1978).",
            positional: 0,
            parameters: &[Parameter::required("q", Shape::Number(Range::BETWEEN), "The share of labels below.")],
        },
        Signature {
            name: "tweedie",
            docs: "The likelihood of amounts of which many are 0, from the logarithm of their mean (Tweedie, 1984).",
            positional: 0,
            parameters: &[Parameter::number(
                "power",
                Range::TWEEDIE,
                1.5,
                "The variance is the mean to this power: near 1 a count, near 2 a gamma distribution.",
            )],
        },
        Signature {
            name: "weighted_logistic",
            docs: "A cross-entropy in which rows above 0 weigh their label: the odds are the mean (Covington et al., RecSys 2016).",
            positional: 0,
            parameters: &[],
        },
        Signature {
            name: "ziln",
            docs: "Whether there is an amount, and the lognormal density of what it is, from three towers (Wang, Liu and Miao, 2019).",
            positional: 0,
            parameters: &[],
        },
    ],
};

/// The `loss` block.
pub static LOSS: Signature = Signature {
    name: "loss",
    docs: "How the tasks' losses become one.",
    positional: 0,
    parameters: &[
        Parameter {
            name: "weighting",
            shape: Shape::Weighting,
            default: super::Default::Word("equal"),
            docs: "How the losses, or their gradients, become one step.",
        },
        Parameter::optional(
            "normalize",
            Shape::Word(&["sum", "mean"]),
            "The scale to which weights are brought: those of a sum, about 1 each, or those of a mean, about 1 together.",
        ),
        Parameter::optional(
            "at",
            Shape::Word(&["representation", "parameters"]),
            "Where gradients are compared: at what towers read (the default), or at the parameters that tasks share.",
        ),
        Parameter::optional(
            "scale_towers",
            Shape::Word(&["true", "false"]),
            "Whether weights of gradients also scale what a task has for itself; they do not without it.",
        ),
        Parameter::optional("warm_up", Shape::Number(Range::EPOCHS), "First epochs with equal weights."),
        Parameter::optional(
            "floor",
            Shape::Weighting,
            "The least weight: a number for all tasks, or `each(click: 0.1, like: 0.2)`.",
        ),
        Parameter::optional(
            "cap",
            Shape::Weighting,
            "The greatest weight: a number for all tasks, or `each(click: 1.0, like: 5.0)`.",
        ),
        Parameter::optional(
            "order",
            Shape::Weighting,
            "Probabilities in order: `hinge(buy <= click, weight: 0.6)`, or a list of them.",
        ),
        Parameter::optional(
            "causal",
            Shape::Weighting,
            "A conditional probability learned over the entire space: `ips(task: buy)`, `dr(task: buy)` or `dcmt(task: buy)`.",
        ),
    ],
};

/// `order`'s entries. The comparison is written before the options.
pub static HINGE: Signature = Signature {
    name: "hinge",
    docs: "The mean over rows of what one task's probability exceeds another's by (the behavioural expectation calibrator of AITM, KDD 2021).",
    positional: 0,
    parameters: &[Parameter::number("weight", Range::NOT_NEGATIVE, 0.6, "Factor of the term.")],
};

const TASK: Parameter =
    Parameter::required("task", Shape::Tasks, "A task with a condition: `buy`, where `buy` is `given click`.");
const CLIP: Parameter =
    Parameter::number("clip", Range::UP_TO_ONE, 0.1, "The least propensity: no weight exceeds its inverse.");
const WEIGHT: Parameter = Parameter::number("weight", Range::NOT_NEGATIVE, 1.0, "Factor of the term.");

/// The alternatives of `causal`.
pub static CAUSAL: &[Signature] = &[
    Signature {
        name: "ips",
        docs: "The loss of the conditional probability where its condition happened, over the probability that it does (ESCM2-IPS, SIGIR 2022).",
        positional: 0,
        parameters: &[TASK, CLIP, WEIGHT],
    },
    Signature {
        name: "dr",
        docs: "As `ips`, of the error that a second tower leaves unpredicted, which is more robust (ESCM2-DR, SIGIR 2022).",
        positional: 0,
        parameters: &[TASK, CLIP, WEIGHT],
    },
    Signature {
        name: "dcmt",
        docs: "A second tower predicts the opposite outcome where the condition did not happen (DCMT, ICDE 2023).",
        positional: 0,
        parameters: &[
            TASK,
            CLIP,
            WEIGHT,
            Parameter::number(
                "counterfactual",
                Range::NOT_NEGATIVE,
                0.001,
                "Factor of the distance of the two probabilities' sum from 1.",
            ),
        ],
    },
];

/// The kind of task that has this loss.
pub fn kind_of(loss: &str) -> Option<&'static str> {
    let has = |choice: &Choice| choice.of.iter().any(|of| of.name == loss);
    match () {
        () if has(&PAIRWISE_LOSSES) => Some("pairwise"),
        () if has(&BINARY_LOSSES) => Some("binary"),
        () if has(&REGRESSION_LOSSES) => Some("regression"),
        () => None,
    }
}
