//! The schema function: features and tasks with the numbers of a configuration.

use super::{Generator, ident, names};
use crate::hir::{
    BinaryLoss, Compare, Condition, Constant, Feature, FeatureKind, Label, Pool, RegressionLoss, ScoreInput, Summand,
    Task, TaskKind,
};
use proc_macro2::TokenStream;
use quote::quote;

impl Generator<'_> {
    pub(super) fn schema_fn(&self) -> TokenStream {
        let (config, name) = (self.own_type("Config"), &self.model.name.text);
        let features = self.model.features.iter().map(|feature| self.feature(feature));
        let tasks = self.model.tasks.iter().map(|task| self.task(task));
        let scores = self.score_columns();
        quote! {
            fn schema(config: &#config) -> schema::Schema {
                schema::Schema {
                    model: #name.into(),
                    features: Vec::from([#(#features),*]),
                    tasks: Vec::from([#(#tasks),*]),
                    group_by: config.train.group_by.clone(),
                    scores: #scores,
                }
            }
        }
    }

    /// The columns that scores read.
    fn score_columns(&self) -> TokenStream {
        let numbers = self.model.scored_numbers().into_iter().map(|number| {
            let (name, column) = (&number.name.text, &number.column);
            quote! { (#name.into(), #column.into()) }
        });
        let numbers: Vec<TokenStream> = numbers.collect();
        let positions = self.model.score_inputs().iter().any(|input| matches!(input, ScoreInput::Position(_)));
        match numbers.is_empty() && !positions {
            true => quote! { schema::ScoreColumns::default() },
            false => quote! { schema::ScoreColumns { numbers: Vec::from([#(#numbers),*]), positions: #positions } },
        }
    }

    /// A feature with what is read of it beside its embedding.
    fn feature(&self, feature: &Feature) -> TokenStream {
        let plain = self.plain_feature(feature);
        let own = feature.reading.own.then(|| quote! { .with_own(&TASKS) });
        let wide = feature.reading.wide.then(|| quote! { .with_wide(&TASKS) });
        let train_only = feature.reading.train_only.then(|| quote! { .train_only() });
        quote! { #plain #own #wide #train_only }
    }

    fn plain_feature(&self, feature: &Feature) -> TokenStream {
        let (entity, name, column) = (&feature.entity, &feature.name.text, &feature.column);
        let numbers = |name: &str| {
            let field = ident(&names::field(name));
            quote! { config.features.#field }
        };
        let own = numbers(name);
        match &feature.kind {
            FeatureKind::Id { unseen_is_missing, .. } => {
                let unseen = unseen(*unseen_is_missing);
                quote! { entries::id(#entity, #name, #column, #own.table(), #unseen) }
            }
            FeatureKind::Ids { words, unseen_is_missing, share, pool, .. } => {
                let owner = share.map(|id| &self.model.features[id.0].name.text);
                let table = owner.map_or(own.clone(), |owner| numbers(owner));
                let share = owner.map_or(quote! { None }, |owner| quote! { Some(#owner) });
                let (unseen, pool) = (unseen(*unseen_is_missing), pool_path(*pool));
                let kind = ident(if *words { "text" } else { "ids" });
                quote! { entries::#kind(#entity, #name, #column, #table.table(), #unseen, #share, #own.max_len, #pool) }
            }
            FeatureKind::Number { log1p, standard, indicator } => {
                let transform = transform(*log1p);
                let scale = ident(if *standard { "Standard" } else { "None" });
                let missing = ident(if *indicator { "Indicator" } else { "Mean" });
                quote! {
                    entries::number(
                        #entity, #name, #column, #transform, schema::Scale::#scale, schema::MissingNumber::#missing
                    )
                }
            }
        }
    }

    fn task(&self, task: &Task) -> TokenStream {
        let name = &task.name.text;
        let field = ident(&names::field(name));
        let label = match &task.label {
            Label::Column(column) => quote! { entries::column(#column) },
            Label::Where(of) => {
                let of = condition(of);
                quote! { schema::Label::Where(#of) }
            }
        };
        let plain = match &task.kind {
            kind if !task.losses.is_empty() => {
                let kind = task.losses.iter().find(|of| of.kind == *kind).map(|of| kind_of(task, of));
                quote! { entries::task(#name, #kind, #label) }
            }
            TaskKind::Binary { loss: BinaryLoss::Bce { smoothing: None, .. } } => {
                quote! { entries::binary(#name, config.tasks.#field.pos_weight, #label) }
            }
            TaskKind::Binary { loss } => {
                let (loss, numbers): (_, &[_]) = match loss {
                    BinaryLoss::Bce { .. } => ("Bce", &["pos_weight", "smoothing"]),
                    BinaryLoss::Focal { .. } => ("Focal", &["gamma", "alpha"]),
                    BinaryLoss::Jrc { .. } => ("Jrc", &["alpha"]),
                };
                let (loss, numbers) = (ident(loss), numbers.iter().map(|number| ident(number)).collect::<Vec<_>>());
                let numbers = numbers.iter().map(|number| quote! { #number: config.tasks.#field.#number });
                quote! { entries::binary_with(#name, schema::BinaryLoss::#loss { #(#numbers),* }, #label) }
            }
            TaskKind::Ordinal { levels } => {
                let levels = names::whole(levels.value as usize);
                quote! { entries::ordinal(#name, #levels, #label) }
            }
            TaskKind::Multiclass { classes, .. } => {
                let classes = names::whole(classes.value as usize);
                quote! { entries::multiclass(#name, #classes, config.tasks.#field.smoothing, #label) }
            }
            TaskKind::Pairwise => quote! { entries::pairwise(#name, #label) },
            TaskKind::Listwise { .. } => quote! { entries::listwise(#name, config.tasks.#field.temperature, #label) },
            TaskKind::Regression { log1p, loss } => {
                let transform = transform(*log1p);
                let (loss, number) = match loss {
                    RegressionLoss::Mse => ("Mse", None),
                    RegressionLoss::Huber { .. } => ("Huber", Some("delta")),
                    RegressionLoss::LogCosh => ("LogCosh", None),
                    RegressionLoss::Quantile { .. } => ("Quantile", Some("q")),
                    RegressionLoss::Poisson => ("Poisson", None),
                    RegressionLoss::Tweedie { .. } => ("Tweedie", Some("power")),
                    RegressionLoss::WeightedLogistic => ("WeightedLogistic", None),
                    RegressionLoss::Ziln => ("Ziln", None),
                };
                let (loss, number) = (ident(loss), number.map(ident));
                let number = number.map(|number| quote! { { #number: config.tasks.#field.#number } });
                let loss = quote! { schema::RegressionLoss::#loss #number };
                quote! { entries::regression(#name, #transform, #loss, #label) }
            }
        };
        let space = task.sample_space.as_ref().map(|of| {
            let of = condition(of);
            quote! { sample_space: Some(#of), }
        });
        let weight = task.weight_column.as_ref().map(|column| quote! { weight_column: Some(#column.into()), });
        let given = task.given.map(|given| {
            let given = names::whole(given.0);
            quote! { given: Some(#given), }
        });
        let losses = (!task.losses.is_empty()).then(|| {
            let summands = task.losses.iter().map(|of| {
                let (kind, name, weight) = (kind_of(task, of), of.name, ident(&format!("{}_weight", of.name)));
                quote! { entries::summand(#name, config.tasks.#field.#weight, #kind) }
            });
            quote! { losses: Vec::from([#(#summands),*]), }
        });
        if space.is_none() && weight.is_none() && given.is_none() && losses.is_none() {
            return plain;
        }
        quote! { schema::Task { #space #weight #given #losses ..#plain } }
    }
}

/// The kind of a summand, with its numbers from the configuration.
fn kind_of(task: &Task, of: &Summand) -> TokenStream {
    let field = ident(&names::field(&task.name.text));
    let number = |name: &str| {
        let from = ident(&summand_field(of.name, name));
        quote! { config.tasks.#field.#from }
    };
    match &of.kind {
        TaskKind::Binary { loss } => {
            let loss = match loss {
                BinaryLoss::Bce { smoothing, .. } => {
                    let (weight, smoothing) = (number("pos_weight"), smoothing.map(|_| number("smoothing")));
                    let smoothing = smoothing.unwrap_or_else(|| quote! { 0.0 });
                    quote! { Bce { pos_weight: #weight, smoothing: #smoothing } }
                }
                BinaryLoss::Focal { .. } => {
                    let (gamma, alpha) = (number("gamma"), number("alpha"));
                    quote! { Focal { gamma: #gamma, alpha: #alpha } }
                }
                BinaryLoss::Jrc { .. } => {
                    let alpha = number("alpha");
                    quote! { Jrc { alpha: #alpha } }
                }
            };
            quote! { schema::TaskKind::Binary { loss: schema::BinaryLoss::#loss } }
        }
        TaskKind::Listwise { .. } => {
            let temperature = number("temperature");
            quote! { schema::TaskKind::Listwise { temperature: #temperature } }
        }
        TaskKind::Regression { log1p, loss } => {
            let transform = transform(*log1p);
            let loss = match loss {
                RegressionLoss::Huber { .. } => {
                    let delta = number("delta");
                    quote! { Huber { delta: #delta } }
                }
                RegressionLoss::LogCosh => quote! { LogCosh },
                _ => quote! { Mse },
            };
            quote! { schema::TaskKind::Regression { transform: #transform, loss: schema::RegressionLoss::#loss } }
        }
        _ => quote! { schema::TaskKind::Pairwise },
    }
}

/// The field of a summand's number, which no other summand has.
pub(super) fn summand_field(summand: &str, number: &str) -> String {
    if number == "pos_weight" { number.to_owned() } else { format!("{summand}_{number}") }
}

fn unseen(missing: bool) -> TokenStream {
    let word = ident(if missing { "Missing" } else { "Own" });
    quote! { schema::Unseen::#word }
}

fn transform(log1p: bool) -> TokenStream {
    let word = ident(if log1p { "Log1p" } else { "None" });
    quote! { schema::Transform::#word }
}

fn pool_path(pool: Pool) -> TokenStream {
    let word = ident(match pool {
        Pool::Mean => "Mean",
        Pool::Sum => "Sum",
        Pool::Max => "Max",
        Pool::None => "None",
    });
    quote! { schema::Pool::#word }
}

fn condition(of: &Condition) -> TokenStream {
    match of {
        Condition::Compare { column, op, value } => {
            let op = ident(match op {
                Compare::Equal => "Equal",
                Compare::NotEqual => "NotEqual",
                Compare::Less => "Less",
                Compare::LessOrEqual => "LessOrEqual",
                Compare::Greater => "Greater",
                Compare::GreaterOrEqual => "GreaterOrEqual",
            });
            let value = match value {
                Constant::Number(number) => names::real(*number),
                Constant::Text(text) => quote! { #text },
            };
            quote! { entries::compare(#column, schema::Compare::#op, #value) }
        }
        Condition::And(a, b) => {
            let (a, b) = (condition(a), condition(b));
            quote! { entries::and(#a, #b) }
        }
        Condition::Or(a, b) => {
            let (a, b) = (condition(a), condition(b));
            quote! { entries::or(#a, #b) }
        }
        Condition::Not(a) => {
            let a = condition(a);
            quote! { entries::not(#a) }
        }
    }
}
