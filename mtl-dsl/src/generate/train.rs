//! The default of `train`: the spec's entries.

use super::{Generator, ident, names};
use crate::hir::{MetricKind, Number, Optimizer, RowOptimizer};
use proc_macro2::TokenStream;
use quote::quote;

impl Generator<'_> {
    pub(super) fn train_default(&self) -> TokenStream {
        let train = &self.model.train;
        let (optimizer, embeddings) = (optimizer(&train.optimizer), row_optimizer(&train.embeddings));
        let metric = ident(match train.best.kind {
            MetricKind::Auc => "Auc",
            MetricKind::Gauc => "Gauc",
            MetricKind::Logloss => "Logloss",
            MetricKind::Rmse => "Rmse",
            MetricKind::Accuracy => "Accuracy",
            MetricKind::Loss => "Loss",
        });
        let best = match train.best.task {
            None => quote! { Best::new(BestMetric::#metric) },
            Some(task) => {
                let task = &self.ir.tasks[task.0];
                quote! { Best::of(BestMetric::#metric, #task) }
            }
        };
        let whole = |number: &Number| names::whole(number.value as usize);
        let (batch, epochs, seed) = (whole(&train.batch), whole(&train.epochs), whole(&train.seed));
        let clip = train.clip.as_ref().map(|clip| {
            let clip = names::real(clip.value);
            quote! { .with_clip(Some(#clip)) }
        });
        let patience = train.patience.as_ref().map(|patience| {
            let patience = whole(patience);
            quote! { .with_patience(Some(#patience)) }
        });
        let group_by = train.group_by.as_ref().map(|column| quote! { .with_group_by(Some(#column.into())) });
        quote! {
            /// The spec's `train` entries.
            fn default_train() -> TrainConfig {
                TrainConfig::new()
                    .with_optimizer(#optimizer)
                    .with_embeddings(#embeddings)
                    .with_batch(#batch)
                    .with_epochs(#epochs)
                    .with_seed(#seed)
                    #clip
                    #patience
                    .with_best(#best)
                    #group_by
            }
        }
    }
}

fn optimizer(optimizer: &Optimizer) -> TokenStream {
    let real = |number: &Number| names::real(number.value);
    match optimizer {
        Optimizer::Adam { lr, beta1, beta2, eps, weight_decay } => {
            let [lr, beta1, beta2, eps, weight_decay] = [lr, beta1, beta2, eps, weight_decay].map(real);
            quote! {
                OptimizerConfig::Adam { lr: #lr, beta1: #beta1, beta2: #beta2, epsilon: #eps, weight_decay: #weight_decay }
            }
        }
        Optimizer::Adagrad { lr, eps } => {
            let [lr, eps] = [lr, eps].map(real);
            quote! { OptimizerConfig::Adagrad { lr: #lr, epsilon: #eps } }
        }
        Optimizer::Sgd { lr, momentum } => {
            let [lr, momentum] = [lr, momentum].map(real);
            quote! { OptimizerConfig::Sgd { lr: #lr, momentum: #momentum } }
        }
    }
}

fn row_optimizer(optimizer: &RowOptimizer) -> TokenStream {
    let real = |number: &Number| names::real(number.value);
    let adam = |name: &str, numbers: [&Number; 4]| {
        let (name, [lr, beta1, beta2, eps]) = (ident(name), numbers.map(real));
        quote! { RowOptimizerConfig::#name { lr: #lr, beta1: #beta1, beta2: #beta2, epsilon: #eps } }
    };
    let adagrad = |name: &str, numbers: [&Number; 2]| {
        let (name, [lr, eps]) = (ident(name), numbers.map(real));
        quote! { RowOptimizerConfig::#name { lr: #lr, epsilon: #eps } }
    };
    match optimizer {
        RowOptimizer::RowwiseAdagrad { lr, eps } => adagrad("RowwiseAdagrad", [lr, eps]),
        RowOptimizer::Adam { lr, beta1, beta2, eps } => adam("Adam", [lr, beta1, beta2, eps]),
        RowOptimizer::LazyAdam { lr, beta1, beta2, eps } => adam("LazyAdam", [lr, beta1, beta2, eps]),
        RowOptimizer::Adagrad { lr, eps } => adagrad("Adagrad", [lr, eps]),
        RowOptimizer::Sgd { lr } => {
            let lr = real(lr);
            quote! { RowOptimizerConfig::Sgd { lr: #lr } }
        }
    }
}
