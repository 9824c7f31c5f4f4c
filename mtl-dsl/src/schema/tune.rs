//! The `tune` block: how the parameters of a score are searched.

use super::{Choice, Parameter, Range, Shape, Signature};
use crate::diagnostic::Code;

const EVALUATIONS: Range = Range { high: 10_000_000.0, ..Range::whole(1.0, "a whole number from 1 to 10_000_000") };
const STEPS: Range = Range { high: 10_000.0, ..Range::whole(2.0, "a whole number from 2 to 10_000") };

/// How points are chosen.
pub static METHODS: Choice = Choice {
    noun: "method",
    plural: "methods",
    unknown: Code::UnknownFunction,
    of: &[
        Signature {
            name: "cma_es",
            docs: "Evolution of a normal distribution whose covariance is adapted (Hansen and Ostermeier, 2001), with restarts.",
            positional: 0,
            parameters: &[Parameter::number("evaluations", EVALUATIONS, 2000.0, "How many points are evaluated.")],
        },
        Signature {
            name: "random",
            docs: "Points at random.",
            positional: 0,
            parameters: &[Parameter::number("evaluations", EVALUATIONS, 2000.0, "How many points are evaluated.")],
        },
        Signature {
            name: "grid",
            docs: "All combinations of evenly spaced values.",
            positional: 0,
            parameters: &[Parameter::number(
                "steps",
                STEPS,
                11.0,
                "Values of each parameter, the ends of its range included.",
            )],
        },
    ],
};

/// The `tune` block.
pub static TUNE: Signature = Signature {
    name: "tune",
    docs: "How the parameters of a score are searched, on validation rows, when the program's `tune` runs.",
    positional: 0,
    parameters: &[
        Parameter::optional("rank", Shape::Metric, "The rank to tune; the only one when left out."),
        Parameter::optional(
            "maximize",
            Shape::Metric,
            "A weighted sum of metrics of the score: `0.6 * gauc(buy) + 0.4 * auc(like)`.",
        ),
        Parameter::optional(
            "pareto",
            Shape::Metric,
            "Two or three such sums, between which the front is explored: `[gauc(buy), gauc(like)]`.",
        ),
        Parameter::optional("subject_to", Shape::Metric, "What the score must keep: `auc(click) >= 0.72`, or a list."),
        Parameter::choice("method", &METHODS, "cma_es", "How points are chosen."),
        Parameter::optional(
            "params",
            Shape::Metric,
            "The parameters to tune: `[like_weight]`; all of the rank, and of the ranks that it reads, when left out.",
        ),
    ],
};

const TASK: Parameter = Parameter::required("task", Shape::Metric, "The task whose labels the score is to order.");
const BY: Parameter =
    Parameter::optional("by", Shape::Column, "The column that groups rows, which is the model's `group_by`.");
const K: Parameter =
    Parameter::number("k", Range::POSITIVE_WHOLE, 10.0, "How many rows of a group count, the best first.");

/// Metrics of a score against the labels of a task. Higher is better.
pub static SCORE_METRICS: &[Signature] = &[
    Signature { name: "auc", docs: "Area under the ROC curve, of binary tasks.", positional: 1, parameters: &[TASK] },
    Signature {
        name: "gauc",
        docs: "AUC within each group, averaged by size, of binary and pairwise tasks.",
        positional: 1,
        parameters: &[TASK, BY],
    },
    Signature {
        name: "ndcg",
        docs: "Discounted gain of the first `k` of each group over the most that it could be, of binary, pairwise and ordinal tasks.",
        positional: 1,
        parameters: &[TASK, BY, K],
    },
    Signature {
        name: "map",
        docs: "Mean over each group's relevant rows of the precision at their places up to `k`, of binary and pairwise tasks.",
        positional: 1,
        parameters: &[TASK, BY, K],
    },
    Signature {
        name: "recall",
        docs: "Share of each group's relevant rows that are among its first `k`, of binary and pairwise tasks.",
        positional: 1,
        parameters: &[TASK, BY, K],
    },
    Signature {
        name: "hit_rate",
        docs: "Share of the groups with a relevant row among their first `k`, of binary and pairwise tasks.",
        positional: 1,
        parameters: &[TASK, BY, K],
    },
    Signature {
        name: "mrr",
        docs: "Mean over the groups of one over the place of the first relevant row, of binary and pairwise tasks.",
        positional: 1,
        parameters: &[TASK, BY],
    },
    Signature {
        name: "xauc",
        docs: "Share of pairs of rows that are in the order of their labels, of regressions and ordinal tasks.",
        positional: 1,
        parameters: &[TASK],
    },
];
