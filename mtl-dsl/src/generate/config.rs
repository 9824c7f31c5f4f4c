//! Configuration structs: every number of the spec as a field with its default.

use super::schema::summand_field;
use super::{Generator, docs, ident, names};
use crate::hir::{self, BinaryLoss, Calibration, FeatureKind, RegressionLoss, Rows, TaskKind};
use crate::ir::{Block, Config, ConfigPath, ConfigValue};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

mod ranks;

/// A field of a configuration struct.
pub(super) struct Field {
    pub docs: String,
    pub name: String,
    pub ty: TokenStream,
    pub default: TokenStream,
}

impl Generator<'_> {
    pub(super) fn config_items(&self) -> Vec<TokenStream> {
        let model = &self.model.name.text;
        let mut items = Vec::new();
        let mut fields = Vec::new();
        let mut add = |(field, inner): (Field, Vec<TokenStream>)| {
            fields.push(field);
            items.extend(inner);
        };
        let about = "Numbers of the features: `features.NAME.dim` and so on.";
        self.group("features", about, "FeaturesConfig", self.feature_fields()).map(&mut add);
        let about = "Numbers of the tasks' losses: `tasks.NAME.pos_weight` and so on.";
        self.group("tasks", about, "TasksConfig", self.task_fields()).map(&mut add);
        let about = "The shares of negative training rows that were kept: `down_sampling.NAME`.";
        self.group("down_sampling", about, "DownSamplingConfig", self.down_sampling_fields()).map(&mut add);
        let sums: Vec<TokenStream> = self.sum_items();
        for (block, part) in self.ir.blocks.iter().zip(&self.names.blocks) {
            self.block_field(block, part).map(&mut add);
        }
        self.group("loss", "Weights of the tasks' losses: `loss.NAME`.", "LossConfig", self.loss_fields())
            .map(&mut add);
        if let Some(field) = self.distill_field() {
            add((field, Vec::new()));
        }
        let about = "Parameters of the scores: `ranks.NAME.PARAM`.";
        self.group("ranks", about, "RanksConfig", self.rank_fields()).map(&mut add);
        fields.push(Field {
            docs: "Optimisers, batches, epochs.".into(),
            name: "train".into(),
            ty: quote! { TrainConfig },
            default: quote! { default_train() },
        });
        let about = format!("Every number of `{model}`, by the path it has in the spec.");
        let whole = self.config_struct("Config", &about, fields);
        let (config, network) = (self.own_type("Config"), self.own_type(""));
        let init = quote! {
            impl #config {
                /// A network with every parameter at its initial value, which depends on `train.seed` and its path alone.
                pub fn init(&self, device: &Device) -> #network {
                    #network::new(self, &Init::new(self.train.seed, device))
                }
            }
        };
        [whole, init].into_iter().chain(items).chain(sums).chain([self.train_default()]).collect()
    }

    /// A field that is a struct of these fields, if there are any, and the struct.
    fn group(&self, name: &str, about: &str, ty: &str, inner: Vec<Field>) -> Option<(Field, Vec<TokenStream>)> {
        if inner.is_empty() {
            return None;
        }
        let item = self.config_struct(ty, about, inner);
        Some((self.struct_field(name, about, ty), vec![item]))
    }

    /// The field of a block's numbers, if it has any, and its structs.
    fn block_field(&self, block: &Block, part: &str) -> Option<(Field, Vec<TokenStream>)> {
        if block.config.fields.is_empty() {
            return None;
        }
        let (ty, mut items) = (format!("{part}Config"), Vec::new());
        self.block_config(&ty, &block.name, &block.config, &mut items);
        Some((self.struct_field(&names::local(&block.name), &format!("Numbers of `{}`.", block.name), &ty), items))
    }

    fn struct_field(&self, name: &str, about: &str, ty: &str) -> Field {
        let ty = self.own_type(ty);
        Field { docs: about.to_owned(), name: name.to_owned(), default: quote! { #ty::new() }, ty: quote! { #ty } }
    }

    fn config_struct(&self, ty: &str, about: &str, fields: Vec<Field>) -> TokenStream {
        let (name, about) = (self.own_type(ty), docs(about));
        let fields = fields.into_iter().map(|field| {
            let (docs, name, ty) = (docs(&field.docs), ident(&field.name), field.ty);
            let default = attribute(field.default);
            quote! { #docs #[config(default = #default)] pub #name: #ty }
        });
        quote! {
            #about
            #[derive(Config, Debug, PartialEq)]
            pub struct #name { #(#fields),* }
        }
    }

    /// The struct of a block's numbers, before those of its groups.
    fn block_config(&self, ty: &str, path: &str, config: &Config, items: &mut Vec<TokenStream>) {
        let mut inner = Vec::new();
        let fields = config.fields.iter().map(|field| {
            let (ty, default) = match &field.value {
                ConfigValue::Count(n) => (quote! { usize }, names::whole(*n).to_token_stream()),
                ConfigValue::Rate(rate) | ConfigValue::Real(rate) => (quote! { f64 }, names::real(*rate)),
                ConfigValue::Widths(widths) => {
                    let count = names::whole(widths.len());
                    let widths = widths.iter().map(|width| names::whole(*width));
                    (quote! { [usize; #count] }, quote! { [#(#widths),*] })
                }
                ConfigValue::Group(group) => {
                    let part = format!("{}{}Config", ty.trim_end_matches("Config"), names::pascal(&field.name));
                    self.block_config(&part, &format!("{path}.{}", field.name), group, &mut inner);
                    let ty = self.own_type(&part);
                    (quote! { #ty }, quote! { #ty::new() })
                }
            };
            Field { docs: field.docs.clone(), name: field.name.clone(), ty, default }
        });
        let fields = fields.collect();
        items.push(self.config_struct(ty, &format!("Numbers of `{path}`."), fields));
        items.extend(inner);
    }

    fn feature_fields(&self) -> Vec<Field> {
        self.model.features.iter().filter_map(feature_field).collect()
    }

    fn task_fields(&self) -> Vec<Field> {
        let field = |task: &hir::Task| {
            if !task.losses.is_empty() {
                let about = format!("Task `{}`.", task.name.text);
                return Some(self.struct_field(&names::field(&task.name.text), &about, &sum_type(task)));
            }
            let (ty, numbers) = match &task.kind {
                TaskKind::Binary { loss } => match loss {
                    BinaryLoss::Bce { pos_weight, smoothing: None } => (quote! { BinaryConfig }, vec![pos_weight]),
                    BinaryLoss::Bce { pos_weight, smoothing: Some(smoothing) } => {
                        (quote! { SmoothedConfig }, vec![pos_weight, smoothing])
                    }
                    BinaryLoss::Focal { gamma, alpha } => (quote! { FocalConfig }, vec![gamma, alpha]),
                    BinaryLoss::Jrc { alpha } => (quote! { entries::JrcConfig }, vec![alpha]),
                },
                TaskKind::Regression { loss, .. } => match loss {
                    RegressionLoss::Huber { delta } => (quote! { HuberConfig }, vec![delta]),
                    RegressionLoss::Quantile { q } => (quote! { QuantileConfig }, vec![q]),
                    RegressionLoss::Tweedie { power } => (quote! { TweedieConfig }, vec![power]),
                    RegressionLoss::Mse
                    | RegressionLoss::LogCosh
                    | RegressionLoss::Poisson
                    | RegressionLoss::WeightedLogistic
                    | RegressionLoss::Ziln => return None,
                },
                TaskKind::Multiclass { smoothing, .. } => (quote! { entries::MulticlassConfig }, vec![smoothing]),
                TaskKind::Listwise { temperature } => (quote! { entries::ListNetConfig }, vec![temperature]),
                TaskKind::Ordinal { .. } | TaskKind::Pairwise => return None,
            };
            let values = numbers.into_iter().map(|number| names::real(number.value));
            let name = &task.name.text;
            Some(Field {
                docs: format!("Task `{name}`."),
                name: names::field(name),
                default: quote! { #ty::new(#(#values),*) },
                ty,
            })
        };
        self.model.tasks.iter().filter_map(field).collect()
    }

    fn down_sampling_fields(&self) -> Vec<Field> {
        let field = |task: &hir::Task| {
            let Some(Calibration::DownSampling(rate)) = task.calibration else { return None };
            Some(Field {
                docs: format!("That of `{}`.", task.name.text),
                name: names::field(&task.name.text),
                ty: quote! { f64 },
                default: names::real(rate.value),
            })
        };
        self.model.tasks.iter().filter_map(field).collect()
    }

    /// The structs of tasks whose loss is a sum: a weight and the numbers of each summand.
    fn sum_items(&self) -> Vec<TokenStream> {
        let item = |task: &hir::Task| {
            let mut fields = Vec::new();
            for of in &task.losses {
                let mut add = |docs: &str, number: &str, value: f64| {
                    fields.push(Field {
                        docs: docs.to_owned(),
                        name: summand_field(of.name, number),
                        ty: quote! { f64 },
                        default: names::real(value),
                    });
                };
                add(&format!("Factor of `{}`.", of.name), "weight", of.weight.value);
                match &of.kind {
                    TaskKind::Binary { loss: BinaryLoss::Bce { pos_weight, smoothing } } => {
                        add("Factor of the positive rows' loss.", "pos_weight", pos_weight.value);
                        if let Some(smoothing) = smoothing {
                            add("How far labels are moved towards one half.", "smoothing", smoothing.value);
                        }
                    }
                    TaskKind::Binary { loss: BinaryLoss::Focal { gamma, alpha } } => {
                        add("The greater, the less rows count that are predicted well.", "gamma", gamma.value);
                        add("The share of the positive rows' loss.", "alpha", alpha.value);
                    }
                    TaskKind::Binary { loss: BinaryLoss::Jrc { alpha } } => {
                        add("The share of the cross-entropy.", "alpha", alpha.value);
                    }
                    TaskKind::Listwise { temperature } => {
                        add("What labels are divided by.", "temperature", temperature.value);
                    }
                    TaskKind::Regression { loss: RegressionLoss::Huber { delta }, .. } => {
                        add("Where the square ends.", "delta", delta.value);
                    }
                    _ => {}
                }
            }
            let about = format!("Numbers of the loss of `{}`, a sum.", task.name.text);
            self.config_struct(&sum_type(task), &about, fields)
        };
        self.model.tasks.iter().filter(|task| !task.losses.is_empty()).map(item).collect()
    }
}

/// The part of a type's name that is the numbers of a task whose loss is a sum.
pub(super) fn sum_type(task: &hir::Task) -> String {
    format!("{}SumConfig", names::pascal(&task.name.text))
}

/// The numbers of a feature, if it has any.
fn feature_field(feature: &hir::Feature) -> Option<Field> {
    let rows = |rows: &Rows| match rows {
        Rows::Buckets(n) => ("Buckets", names::whole(n.value as usize)),
        Rows::Vocabulary { min_count } => ("Vocabulary", names::whole(min_count.value as usize)),
    };
    let (ty, default) = match &feature.kind {
        FeatureKind::Id { rows: of, dim, init, .. } => {
            let ((kind, first), dim, init) = (rows(of), names::whole(dim.value as usize), names::real(init.value));
            let ty = ident(&format!("{kind}Config"));
            (quote! { #ty }, quote! { #ty::new(#first, #dim, #init) })
        }
        FeatureKind::Ids { share: Some(_), max_len, .. } => {
            let max_len = names::whole(max_len.value as usize);
            (quote! { SharedBagConfig }, quote! { SharedBagConfig::new(#max_len) })
        }
        FeatureKind::Ids { rows: of, dim, init, max_len, .. } => {
            let ((kind, first), dim, init) = (rows(of), names::whole(dim.value as usize), names::real(init.value));
            let (ty, max_len) = (ident(&format!("{kind}BagConfig")), names::whole(max_len.value as usize));
            (quote! { #ty }, quote! { #ty::new(#first, #dim, #init, #max_len) })
        }
        FeatureKind::Number { .. } => return None,
    };
    let name = &feature.name.text;
    Some(Field { docs: format!("Feature `{name}`."), name: names::field(name), ty, default })
}

/// The value of a `default` attribute: a literal as it is, an expression as a text.
fn attribute(default: TokenStream) -> TokenStream {
    let mut tokens = default.clone().into_iter();
    if let (Some(proc_macro2::TokenTree::Literal(literal)), None) = (tokens.next(), tokens.next()) {
        return quote! { #literal };
    }
    let text = default.to_string().replace(" :: ", "::").replace(" (", "(").replace("( ", "(").replace(" )", ")");
    let text = text.replace(" ,", ",").replace("- ", "-");
    quote! { #text }
}

/// `config.level_1.hidden[0]`.
pub(super) fn access(path: &ConfigPath) -> TokenStream {
    let fields = path.fields.iter().map(|field| ident(field));
    let index = path.index.map(|index| {
        let index = names::whole(index);
        quote! { [#index] }
    });
    quote! { config #(.#fields)* #index }
}
