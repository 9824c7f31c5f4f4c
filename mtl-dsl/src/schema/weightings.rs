//! The weightings of the tasks' losses, and of their gradients.

use super::{Default, Parameter, Range, Shape, Signature};

/// A weighting.
#[derive(Debug)]
pub struct Weighting {
    /// Its name and options.
    pub signature: Signature,
    /// What it needs of a step.
    pub needs: Needs,
    /// Whether it takes logarithms or ratios of losses, which must be above 0 then.
    pub positive: bool,
}

impl Weighting {
    const fn positive(self) -> Weighting {
        Weighting { signature: self.signature, needs: self.needs, positive: true }
    }
}

/// What a weighting needs of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The values of the losses.
    Losses,
    /// The inner products of the tasks' gradients.
    Products,
    /// The tasks' gradients at what towers read, value by value.
    Representation,
    /// The tasks' gradients, value by value, of the same parameters in every step.
    Parameters,
}

const POSITIVE: Shape = Shape::Number(Range::POSITIVE);

const fn number(name: &'static str, range: Range, default: f64, docs: &'static str) -> Parameter {
    Parameter::number(name, range, default, docs)
}

const LR: Parameter = number("lr", Range::POSITIVE, 0.025, "Learning rate of the weights.");
const WINDOW: Parameter = Parameter::optional(
    "window",
    Shape::Number(Range::POSITIVE_WHOLE),
    "Steps between two updates; an epoch without it.",
);

const fn losses(name: &'static str, docs: &'static str, parameters: &'static [Parameter]) -> Weighting {
    Weighting { signature: Signature { name, docs, positional: 0, parameters }, needs: Needs::Losses, positive: false }
}

const fn gradients(name: &'static str, docs: &'static str, parameters: &'static [Parameter]) -> Weighting {
    Weighting {
        signature: Signature { name, docs, positional: 0, parameters },
        needs: Needs::Products,
        positive: false,
    }
}

const fn parameters(name: &'static str, docs: &'static str, parameters: &'static [Parameter]) -> Weighting {
    Weighting {
        signature: Signature { name, docs, positional: 0, parameters },
        needs: Needs::Parameters,
        positive: false,
    }
}

/// Every weighting with options, in the order of the documentation. `equal`, `fixed` and `uncertainty` stand before them.
pub static METHODS: &[Weighting] = &[
    losses(
        "dwa",
        "Weights by how fast each loss falls (Liu, Johns and Davison, CVPR 2019).",
        &[number("temperature", Range::POSITIVE, 2.0, "The greater, the more alike the weights."), WINDOW],
    )
    .positive(),
    losses("rlw", "A random weight for each task in each step (Lin et al., TMLR 2022).", &[]),
    losses("gls", "The geometric mean of the losses (Chennupati et al., CVPR workshops 2019).", &[]).positive(),
    losses("log_loss", "The sum of the losses' logarithms.", &[]).positive(),
    losses(
        "famo",
        "Weights under which all logarithms of losses fall alike (Liu et al., NeurIPS 2023).",
        &[
            LR,
            number("decay", Range::NOT_NEGATIVE, 0.001, "Decay of the weights' logits."),
            number("every", Range::POSITIVE_WHOLE, 1.0, "Losses are taken again after each of so many steps."),
        ],
    )
    .positive(),
    losses(
        "stch",
        "The loss that is worst beside its own after the first epochs, smoothly (Lin et al., ICML 2024).",
        &[
            number("mu", Range::POSITIVE, 1.0, "The smaller, the more the worst task has alone."),
            number("first", Range::EPOCHS, 4.0, "Epochs, or windows, whose losses are the measure."),
            WINDOW,
        ],
    )
    .positive(),
    losses(
        "imtl_l",
        "Trained weights under which every weighted loss is 1 (Liu et al., ICLR 2021).",
        &[number("lr", Range::POSITIVE, 0.001, "Learning rate of the weights.")],
    )
    .positive(),
    gradients(
        "gradnorm",
        "Trained weights under which gradients have lengths that fit the rates of training (Chen et al., ICML 2018).",
        &[number("alpha", Range::NOT_NEGATIVE, 1.5, "How much slower tasks are favoured."), LR],
    )
    .positive(),
    gradients(
        "mgda",
        "The shortest sum of gradients (Sener and Koltun, NeurIPS 2018).",
        &[Parameter::word(
            "by",
            &["none", "norm", "loss", "both"],
            "none",
            "What gradients are divided by before the search: their norm, their loss, both.",
        )],
    ),
    gradients("pcgrad", "Gradients without their parts against others (Yu et al., NeurIPS 2020).", &[]),
    gradients(
        "gradvac",
        "Gradients brought to the usual angles between them (Wang et al., ICLR 2021).",
        &[number("beta", Range::BELOW_ONE, 0.01, "How fast the usual angles follow.")],
    ),
    gradients(
        "cagrad",
        "The step best for the worst task near the mean (Liu et al., NeurIPS 2021).",
        &[number("c", Range::NOT_NEGATIVE, 0.4, "How far from the mean the step may be.")],
    ),
    gradients("imtl", "Equal projections on all gradients (IMTL-G, Liu et al., ICLR 2021).", &[]),
    gradients(
        "nash",
        "The bargain of the tasks (Navon et al., ICML 2022).",
        &[
            Parameter {
                name: "max_norm",
                shape: POSITIVE,
                default: Default::Number(1.0),
                docs: "The greatest length of the step where gradients are compared.",
            },
            number("every", Range::POSITIVE_WHOLE, 1.0, "Steps for which weights are kept."),
        ],
    ),
    gradients(
        "aligned",
        "Gradients made orthogonal and equally long (Senushkin et al., CVPR 2023).",
        &[Parameter::word("scale", &["min", "median", "rmse"], "min", "Which singular value is the common length.")],
    ),
    gradients("upgrad", "The mean of gradients that no task's stands against (Quinton and Rey, 2024).", &[]),
    gradients(
        "fairgrad",
        "A step that is fair between the tasks (Ban and Ji, ICML 2024).",
        &[number(
            "alpha",
            // Powers beyond are out of reach of its solver.
            Range::real(0.05, true, 20.0, true, "a number from 0.05 to 20"),
            1.0,
            "1 is the bargain of `nash`; greater is nearer to the worst task's best.",
        )],
    ),
    gradients(
        "pe_ltr",
        "The shortest sum of gradients with a least weight for each task (Lin et al., RecSys 2019).",
        &[Parameter::optional(
            "floors",
            Shape::Weighting,
            "The least weights: `each(buy: 0.3)`; 0 for a task not named.",
        )],
    ),
    gradients(
        "metabalance",
        "Gradients of the other tasks as long as the target's (He et al., WWW 2022).",
        &[
            Parameter::required("target", Shape::Tasks, "The task that matters: `target: buy`."),
            number("relax", Range::UNIT, 0.7, "0 leaves a gradient as it is, 1 makes it as long as the target's."),
            number("beta", Range::BELOW_ONE, 0.9, "Decay of the remembered lengths."),
            Parameter::word(
                "strategy",
                &["both", "shrink", "enlarge"],
                "both",
                "Which gradients are changed: longer ones, shorter ones, both.",
            ),
        ],
    ),
    parameters(
        "db_mtl",
        "Remembered gradients of logarithms, brought to one length (Lin et al., 2023).",
        &[
            number("beta", Range::BELOW_ONE, 0.9, "How much is remembered."),
            number("sigma", Range::NOT_NEGATIVE, 0.0, "How fast that falls with the steps."),
        ],
    )
    .positive(),
    parameters(
        "excess_mtl",
        "Weights for the tasks farthest from their optimum (He et al., ICML 2024).",
        &[number("eta", Range::POSITIVE, 0.01, "How fast weights move.")],
    ),
    Weighting {
        signature: Signature {
            name: "graddrop",
            docs: "Values of gradients kept by their sign, at random (Chen et al., NeurIPS 2020).",
            positional: 0,
            parameters: &[number("leak", Range::UNIT, 0.0, "The share of a gradient that is never dropped.")],
        },
        needs: Needs::Representation,
        positive: false,
    },
    parameters(
        "moco",
        "The shortest sum of tracked gradients (Fernando et al., ICLR 2023).",
        &[
            number("beta", Range::UP_TO_ONE, 0.5, "First rate of tracking."),
            number("gamma", Range::POSITIVE, 0.1, "First rate of the weights."),
        ],
    ),
];

/// The names of all weightings.
pub fn names() -> impl Iterator<Item = &'static str> {
    ["equal", "fixed", "uncertainty"].into_iter().chain(METHODS.iter().map(|of| of.signature.name))
}
