//! The codes of diagnostics: each a kebab-case name, a severity and a paragraph.

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The spec compiles, but something in it has no effect.
    Warning,
    /// The spec does not compile.
    Error,
}

impl Severity {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Declares the codes: variant, name, severity; the documentation is available at run time.
macro_rules! codes {
    ($($(#[doc = $docs:literal])+ $variant:ident = $name:literal, $severity:ident;)+) => {
        /// What kind of message a diagnostic is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $docs])+ $variant,)+ }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$variant,)+];

            /// Its kebab-case name.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)+ }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity,)+ }
            }

            /// What it means, in a paragraph.
            pub fn docs(self) -> &'static str {
                match self { $(Code::$variant => concat!($($docs, "\n"),+),)+ }
            }
        }
    };
}

codes! {
    /// The text does not follow the grammar: something else was expected at this place. Statements end in `;`, entries are
    /// separated by `,`, and an entry is written `name: value`.
    Syntax = "syntax", Error;
    /// A bracket, a text or a comment is opened and never closed; or a bracket closes nothing, or closes one of another kind.
    UnclosedDelimiter = "unclosed-delimiter", Error;
    /// A character or a literal that is no token of mtl. Every token of mtl is a token of Rust: comments are `//` and `/* */`,
    /// texts stand in double quotes, names are ASCII.
    UnexpectedCharacter = "unexpected-character", Error;
    /// The text is nested deeper, or larger, than any spec a person writes. The limits keep the compiler's stack safe.
    Limit = "limit", Error;
    /// A statement begins with a word that is none of the language's items.
    UnknownItem = "unknown-item", Error;

    /// The text holds no model. A spec is one `model NAME { ... }`.
    NoModel = "no-model", Error;
    /// The text holds more than one model. A spec is one `model NAME { ... }`; another model goes into another file.
    SeveralModels = "several-models", Error;
    /// A model without tasks predicts nothing.
    NoTasks = "no-tasks", Error;
    /// A block that may stand once stands twice: `loss`, `distill`, `train` or `tune`.
    DuplicateBlock = "duplicate-block", Error;
    /// A `features` block without features: its name would stand for nothing.
    EmptyEntity = "empty-entity", Error;

    /// Two things have one name. Entities, features, tasks, lets and ranks share one set of names, so that a name means one thing
    /// everywhere; a rank's parameters may not take any of them either.
    DuplicateName = "duplicate-name", Error;
    /// Names become Rust names: a model is `UpperCamelCase`, everything else `snake_case`.
    NameStyle = "name-style", Error;
    /// A name that the language needs for itself, or one that generated code makes of other names: the parameters of a tower, the
    /// prediction of a class, `buy_given_click`.
    ReservedName = "reserved-name", Error;
    /// A name in an expression that nothing declares there. Representations read entities, features and lets; ranks read tasks,
    /// earlier ranks, and their own parameters and `let`s.
    UnknownName = "unknown-name", Error;
    /// A task's name that no `task` line declares.
    UnknownTask = "unknown-task", Error;
    /// A feature's name that no `features` block declares.
    UnknownFeature = "unknown-feature", Error;
    /// A condition reads something that is neither a task nor a feature. A column of the data that is no feature is written
    /// `column("name")`.
    UnknownColumn = "unknown-column", Error;
    /// A `let` or a rank reads itself or one that comes later. A model is computed from top to bottom.
    UseBeforeDeclaration = "use-before-declaration", Error;

    /// A kind of feature or task that does not exist.
    UnknownKind = "unknown-kind", Error;
    /// A block or function that does not exist.
    UnknownFunction = "unknown-function", Error;
    /// An option that this kind, block or section does not have.
    UnknownOption = "unknown-option", Error;
    /// A word that an option does not know.
    UnknownWord = "unknown-word", Error;
    /// A loss that does not exist.
    UnknownLoss = "unknown-loss", Error;
    /// A weighting of the tasks' losses that does not exist.
    UnknownWeighting = "unknown-weighting", Error;
    /// An optimiser that does not exist.
    UnknownOptimizer = "unknown-optimizer", Error;
    /// A metric that does not exist.
    UnknownMetric = "unknown-metric", Error;

    /// One option is written twice.
    DuplicateOption = "duplicate-option", Error;
    /// An option that has no default is missing.
    MissingOption = "missing-option", Error;
    /// Two options that contradict each other, or of which one makes the other meaningless.
    ConflictingOptions = "conflicting-options", Error;
    /// A value of the wrong kind: a text where a number belongs, a call where a name belongs.
    WrongArgument = "wrong-argument", Error;
    /// Too few or too many values without a name.
    ArgumentCount = "argument-count", Error;
    /// A number outside the range that makes sense.
    OutOfRange = "out-of-range", Error;

    /// `share` names a feature that has no table of embeddings of its own.
    NoTableToShare = "no-table-to-share", Error;
    /// A task's label is read from a column that is also a feature: the model would be shown the answer.
    LabelIsFeature = "label-is-feature", Error;
    /// A loss that belongs to another kind of task.
    LossMismatch = "loss-mismatch", Error;
    /// Tasks that are `given` each other in a circle: none of their probabilities is defined.
    GivenCycle = "given-cycle", Error;
    /// `given` joins two probabilities, so both tasks must be `binary`.
    GivenNotBinary = "given-not-binary", Error;
    /// Part of a condition that has no truth value, such as a bare column, a task of several classes, or a comparison of two constants.
    NotACondition = "not-a-condition", Error;

    /// A representation of one type where another is needed: `vec[d]` is one vector for all tasks, `each vec[d]` one per task.
    TypeMismatch = "type-mismatch", Error;
    /// Layers or experts whose widths must agree do not.
    WidthMismatch = "width-mismatch", Error;
    /// `concat` of nothing has no width.
    EmptyConcat = "empty-concat", Error;
    /// One `concat` reads a feature twice.
    DuplicateInput = "duplicate-input", Error;
    /// A block was given no representation to read, or a template was given one.
    MisplacedInput = "misplaced-input", Error;
    /// A level that has neither shared experts nor experts of each task.
    NoExperts = "no-experts", Error;
    /// A form of expression that has no meaning at this place.
    MisplacedExpression = "misplaced-expression", Error;
    /// A task has no tower: nothing would predict it.
    MissingTower = "missing-tower", Error;
    /// Two towers for one task.
    DuplicateTower = "duplicate-tower", Error;

    /// A task's loss has a weight below zero: training would make that task worse.
    NegativeWeight = "negative-weight", Error;
    /// A metric that the task, or every task, has no value for: `auc` belongs to `binary`, `rmse` to `regression`.
    MetricMismatch = "metric-mismatch", Error;
    /// `gauc` and its like are averages over groups of rows, and `rank_of` a place within one; `group_by` does not say which rows are a group.
    MissingGroup = "missing-group", Error;

    /// A parameter's interval is empty, or its default lies outside.
    ParamInterval = "param-interval", Error;
    /// `a | b` where `a` is not `given b`.
    NotConditional = "not-conditional", Error;
    /// A power whose base may be negative, with an exponent that is no whole number: it would not be a number.
    NegativeBase = "negative-base", Error;
    /// A logarithm of something that may be zero or negative. A probability may be zero.
    LogDomain = "log-domain", Error;
    /// A square root of something that may be negative.
    SqrtDomain = "sqrt-domain", Error;
    /// A division by something that may be zero, or zero to a power that may be negative.
    DivisionByZero = "division-by-zero", Error;
    /// A value of a score that may be too large for a 64-bit float.
    Overflow = "overflow", Error;
    /// A score that does not rise where its rank says `increasing in`, or does not fall where it says `decreasing in`: for some
    /// predictions and parameters it goes the other way, or that it never does could not be shown.
    NotMonotone = "not-monotone", Error;
    /// An `expect RANK order` that could neither be shown nor refuted for every prediction that it is about. Nothing can be shown of a score
    /// that is learned, before it is fitted.
    UnprovedOrder = "unproved-order", Error;
    /// An `expect` or a `tune` block names a rank that no `rank` item declares.
    UnknownRank = "unknown-rank", Error;
    /// A `tune` block finds no parameter to search: the rank, and those that it reads, have none whose range holds more than one value.
    NothingToTune = "nothing-to-tune", Error;
    /// An `expect` does not give a prediction that the rank reads, or gives one that it does not read.
    ExpectArguments = "expect-arguments", Error;
    /// An `expect` does not hold under the defaults of the parameters; one about an order, for some of the predictions it is about; one
    /// about a learned score, whatever is fitted.
    FalseExpect = "false-expect", Error;

    /// A feature that no tower reads, directly or through a `let`. It is left out of the model.
    UnusedFeature = "unused-feature", Warning;
    /// A `let` that no tower reads, or one of a rank that its score does not read. It is left out of the model.
    UnusedLet = "unused-let", Warning;
    /// A parameter that its rank's score does not read.
    UnusedParam = "unused-param", Warning;
    /// `tower each` where every task has a tower of its own.
    UnusedTower = "unused-tower", Warning;
    /// A group of experts that has no members, or that no gate reaches.
    UnusedExperts = "unused-experts", Warning;
    /// A softmax gate over a single expert is always 1: its parameters have no effect.
    UnusedGate = "unused-gate", Warning;
    /// A `warm_up` that is as long as training: the weighting, or the whole share of the teachers, never begins.
    EndlessWarmUp = "endless-warm-up", Warning;
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
