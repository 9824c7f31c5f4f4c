//! The kinds of features.

use super::{Parameter, Range, Shape, Signature};

const COLUMN: Parameter =
    Parameter::optional("column", Shape::Column, "The column it is read from; the feature's name when left out.");
const BUCKETS: Parameter = Parameter::optional(
    "buckets",
    Shape::Number(Range::ROWS),
    "Rows of the table; values are hashed into them. Either this or `vocab`.",
);
const VOCAB: Parameter = Parameter::optional(
    "vocab",
    Shape::Word(&["auto"]),
    "`auto`: a row for every value of the training data. Either this or `buckets`.",
);
const DIM: Parameter = Parameter::required("dim", Shape::Number(Range::SIZE), "Width of the embedding.");
const MIN_COUNT: Parameter = Parameter::optional(
    "min_count",
    Shape::Number(Range::POSITIVE_WHOLE),
    "Occurrences in the training data that earn a value its row; 1 when left out. For learned vocabularies.",
);
const INIT: Parameter =
    Parameter::number("init", Range::NOT_NEGATIVE, 0.01, "Standard deviation of the table's initial values.");
const UNSEEN: Parameter = Parameter::word(
    "unseen",
    &["own", "missing"],
    "own",
    "Where values go that the training data did not hold: to a row of their own, or to that of missing values.",
);

const SHARE: Parameter = Parameter::optional(
    "share",
    Shape::Feature,
    "The feature whose table is read; it decides rows, `dim`, `unseen` and `init`.",
);
const BAG_DIM: Parameter =
    Parameter::optional("dim", Shape::Number(Range::SIZE), "Width of the embedding; needed without `share`.");
const BAG_UNSEEN: Parameter =
    Parameter::optional("unseen", Shape::Word(&["own", "missing"]), "As for `id`; `own` when left out.");
const BAG_INIT: Parameter =
    Parameter::optional("init", Shape::Number(Range::NOT_NEGATIVE), "As for `id`; 0.01 when left out.");
const POOL: Parameter = Parameter::word(
    "pool",
    &["mean", "sum", "max", "none"],
    "mean",
    "How the embeddings of a bag become one; `none` keeps the sequence for `din`.",
);

/// The kinds of features.
pub static KINDS: &[Signature] = &[
    Signature {
        name: "id",
        docs: "One id a row, looked up in a table of embeddings.",
        positional: 0,
        parameters: &[COLUMN, BUCKETS, VOCAB, DIM, MIN_COUNT, UNSEEN, INIT],
    },
    Signature {
        name: "category",
        docs: "An id of few values, with a vocabulary learned from the training data.",
        positional: 0,
        parameters: &[COLUMN, DIM, MIN_COUNT, UNSEEN, INIT],
    },
    Signature {
        name: "ids",
        docs: "A bag of ids a row, pooled to one embedding.",
        positional: 0,
        parameters: &[
            COLUMN,
            SHARE,
            BUCKETS,
            VOCAB,
            BAG_DIM,
            MIN_COUNT,
            BAG_UNSEEN,
            BAG_INIT,
            Parameter::number("max_len", Range::POSITIVE_WHOLE, 50.0, "Only the last `max_len` ids of a row are read."),
            POOL,
        ],
    },
    Signature {
        name: "text",
        docs: "The words of a text, pooled to one embedding: runs of letters and digits, in lower case.",
        positional: 0,
        parameters: &[
            COLUMN,
            SHARE,
            BUCKETS,
            VOCAB,
            BAG_DIM,
            MIN_COUNT,
            BAG_UNSEEN,
            BAG_INIT,
            Parameter::number(
                "max_len",
                Range::POSITIVE_WHOLE,
                100.0,
                "Only the first `max_len` words of a row are read.",
            ),
            POOL,
        ],
    },
    Signature {
        name: "number",
        docs: "A number.",
        positional: 0,
        parameters: &[
            COLUMN,
            Parameter::word("transform", &["none", "log1p"], "none", "Applied first: `log(1 + x)`."),
            Parameter::word(
                "scale",
                &["none", "standard"],
                "standard",
                "Applied second: minus the mean, over the standard deviation of the training data.",
            ),
            Parameter::word(
                "missing",
                &["mean", "indicator"],
                "indicator",
                "A missing number becomes the training mean; `indicator` adds a column that is 1 there.",
            ),
        ],
    },
];
