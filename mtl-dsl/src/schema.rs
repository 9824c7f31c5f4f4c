//! The vocabulary of the language: which kinds, options, words and functions exist, with their defaults and documentation.
//!
//! The grammar knows punctuation only. The checker, the did-you-mean and the documentation read these tables.

pub mod distill;
pub mod features;
pub mod functions;
pub mod items;
pub mod losses;
pub mod tasks;
pub mod train;
pub mod tune;
pub mod weightings;

/// Something that is called by name with options: a kind of feature, a block, an optimiser, ...
#[derive(Debug)]
pub struct Signature {
    /// Its name in a spec.
    pub name: &'static str,
    /// One sentence.
    pub docs: &'static str,
    /// How many of the first parameters may be given without their name.
    pub positional: usize,
    /// Its options in the order of their documentation.
    pub parameters: &'static [Parameter],
}

/// An option of a [`Signature`].
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub shape: Shape,
    /// What it is when it is not written.
    pub default: Default,
    /// One sentence.
    pub docs: &'static str,
}

/// What an option takes.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A number of this range.
    Number(Range),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of layer widths: `[256, 128]`.
    Widths,
    /// A group of blocks: `4 * mlp([256])`.
    Block {
        /// True where `0 *` makes sense.
        may_be_empty: bool,
    },
    /// A list of calls of this signature: `[level(...), level(...)]`.
    Groups(&'static Signature),
    /// A column of the data: a name, or a text where the column's name is no name of mtl.
    Column,
    /// A column, or a condition on columns.
    Label,
    /// A condition on tasks, features and columns.
    Condition,
    /// The name of a feature.
    Feature,
    /// One of the signatures of a [`Choice`].
    Choice(&'static Choice),
    /// One of the signatures, or a sum of several, each with a factor: `bce + 0.3 * jrc`.
    Sum(&'static Choice),
    /// A metric, maybe of one task: `auc(click)`.
    Metric,
    /// A weighting of the tasks' losses.
    Weighting,
    /// A representation.
    Input,
    /// A list of tasks: `[click, buy]`.
    Tasks,
    /// A list of lists of tasks: `[[click, like], [buy]]`.
    TaskGroups,
    /// A list of pairs of tasks: `[buy | click, buy | like]`.
    Relations,
    /// A list of `stage(...)`.
    Stages,
    /// Whose a step is: `joint`, `alternate`, or a list of tasks.
    Turns,
    /// A list of parts of the model: `[h, click, user_id]`.
    Parts,
    /// A number for each of some parts: `each(h: 0.1, click: 0.5)`.
    Rates,
    /// A list of pairs of tasks without an order: `[(click, like), (click, follow)]`.
    Pairs,
}

/// Alternatives that are calls: optimisers, losses.
#[derive(Debug)]
pub struct Choice {
    /// What the alternatives are called in a message, in the singular.
    pub noun: &'static str,
    /// And in the plural.
    pub plural: &'static str,
    /// The code of the error for a name that is none of them.
    pub unknown: crate::diagnostic::Code,
    /// The alternatives.
    pub of: &'static [Signature],
}

/// What an option is when it is not written.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// It must be written.
    Required,
    /// Nothing; or something that depends on other options, as its documentation says.
    Absent,
    /// This number.
    Number(f64),
    /// This word, or this alternative with its own defaults.
    Word(&'static str),
}

/// The numbers that an option takes.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// True for whole numbers only.
    pub whole: bool,
    /// The least number.
    pub low: f64,
    /// False when `low` itself is not in the range.
    pub low_included: bool,
    /// The greatest number.
    pub high: f64,
    /// False when `high` itself is not in the range.
    pub high_included: bool,
    /// The range in words: "a positive whole number".
    pub words: &'static str,
}

/// The last whole number that no other one is rounded to as an f64.
pub(crate) const LAST_WHOLE: f64 = 9_007_199_254_740_991.0;

impl Range {
    /// 1, 2, 3, ...
    pub const POSITIVE_WHOLE: Range = Range::whole(1.0, "a positive whole number");
    /// Widths of layers and embeddings, and numbers of blocks.
    pub const SIZE: Range = Range { high: 1_048_576.0, ..Range::whole(1.0, "a whole number from 1 to 1_048_576") };
    /// Numbers of blocks in a group that may be empty.
    pub const COUNT: Range = Range { high: 1_048_576.0, ..Range::whole(0.0, "a whole number from 0 to 1_048_576") };
    /// Rows of a table: they are counted in 32 bits.
    pub const ROWS: Range =
        Range { high: 4_000_000_000.0, ..Range::whole(1.0, "a whole number from 1 to 4_000_000_000") };
    /// 0, 1, 2, ...
    pub const WHOLE: Range = Range::whole(0.0, "a whole number that is not negative");
    /// Above 0.
    pub const POSITIVE: Range = Range::real(0.0, false, f64::MAX, true, "a number above 0");
    /// 0 or above.
    pub const NOT_NEGATIVE: Range = Range::real(0.0, true, f64::MAX, true, "a number that is not negative");
    /// Any number.
    pub const ANY: Range = Range::real(f64::MIN, true, f64::MAX, true, "a number");
    /// 0 to 1.
    pub const UNIT: Range = Range::real(0.0, true, 1.0, true, "a number from 0 to 1");
    /// Above 0, below 1.
    pub const BETWEEN: Range = Range::real(0.0, false, 1.0, false, "a number above 0 and below 1");
    /// Powers of the mean between a count's variance and that of a gamma distribution.
    pub const TWEEDIE: Range = Range::real(1.0, false, 2.0, false, "a number above 1 and below 2");
    /// 0 or above, below 1.
    pub const BELOW_ONE: Range = Range::real(0.0, true, 1.0, false, "a number from 0 to below 1");

    /// Epochs of a stage.
    pub const EPOCHS: Range = Range { high: 100_000.0, ..Range::whole(1.0, "a whole number from 1 to 100_000") };
    /// Classes of a multiclass task.
    pub const CLASSES: Range = Range { high: 1000.0, ..Range::whole(2.0, "a whole number from 2 to 1000") };
    /// Levels of an ordinal task.
    pub const LEVELS: Range = Range { high: 100.0, ..Range::whole(3.0, "a whole number from 3 to 100") };
    /// Above 0, up to 1.
    pub const UP_TO_ONE: Range = Range::real(0.0, false, 1.0, true, "a number above 0 and up to 1");

    pub(crate) const fn whole(low: f64, words: &'static str) -> Range {
        Range { whole: true, low, low_included: true, high: LAST_WHOLE, high_included: true, words }
    }

    pub(crate) const fn real(
        low: f64,
        low_included: bool,
        high: f64,
        high_included: bool,
        words: &'static str,
    ) -> Range {
        Range { whole: false, low, low_included, high, high_included, words }
    }

    /// Whether `value` is one of these numbers.
    pub fn contains(&self, value: f64) -> bool {
        let above = if self.low_included { value >= self.low } else { value > self.low };
        let below = if self.high_included { value <= self.high } else { value < self.high };
        above && below && (!self.whole || value.fract() == 0.0)
    }
}

impl Parameter {
    /// An option that must be written.
    pub const fn required(name: &'static str, shape: Shape, docs: &'static str) -> Parameter {
        Parameter { name, shape, default: Default::Required, docs }
    }

    /// An option that may be left out.
    pub const fn optional(name: &'static str, shape: Shape, docs: &'static str) -> Parameter {
        Parameter { name, shape, default: Default::Absent, docs }
    }

    /// A number with a default.
    pub const fn number(name: &'static str, range: Range, default: f64, docs: &'static str) -> Parameter {
        Parameter { name, shape: Shape::Number(range), default: Default::Number(default), docs }
    }

    /// One of some words, with a default.
    pub const fn word(
        name: &'static str,
        words: &'static [&'static str],
        default: &'static str,
        docs: &'static str,
    ) -> Parameter {
        Parameter { name, shape: Shape::Word(words), default: Default::Word(default), docs }
    }

    /// One of some alternatives, with a default.
    pub const fn choice(
        name: &'static str,
        choice: &'static Choice,
        default: &'static str,
        docs: &'static str,
    ) -> Parameter {
        Parameter { name, shape: Shape::Choice(choice), default: Default::Word(default), docs }
    }

    /// One or several of some alternatives, with a default.
    pub const fn sum(
        name: &'static str,
        choice: &'static Choice,
        default: &'static str,
        docs: &'static str,
    ) -> Parameter {
        Parameter { name, shape: Shape::Sum(choice), default: Default::Word(default), docs }
    }
}

impl Signature {
    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}
