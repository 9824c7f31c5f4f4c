//! The default of `train`: the spec's entries.

use super::{Generator, ident, names};
use crate::hir::{Metric, MetricKind, Moves, Number, Optimizer, RowOptimizer, Stage, Turns};
use proc_macro2::TokenStream;
use quote::quote;

impl Generator<'_> {
    pub(super) fn train_default(&self) -> TokenStream {
        let train = &self.model.train;
        let (optimizer, embeddings) = (optimizer(&train.optimizer), row_optimizer(&train.embeddings));
        let best = self.best();
        let whole = |number: &Number| names::whole(number.value as usize);
        // With stages, epochs are the sum of theirs.
        let epochs = if train.stages.is_empty() { whole(&train.epochs) } else { names::whole(0) };
        let (batch, seed) = (whole(&train.batch), whole(&train.seed));
        let stages = (!train.stages.is_empty()).then(|| {
            let stages = train.stages.iter().map(|stage| self.stage(stage));
            quote! { .with_stages(Vec::from([#(#stages),*])) }
        });
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
                    #stages
                    .with_seed(#seed)
                    #clip
                    #patience
                    .with_best(#best)
                    #group_by
            }
        }
    }
    fn best(&self) -> TokenStream {
        let train = &self.model.train;
        let metric = |metric: &Metric| {
            let kind = ident(match metric.kind {
                MetricKind::Auc => "Auc",
                MetricKind::Gauc => "Gauc",
                MetricKind::Logloss => "Logloss",
                MetricKind::Rmse => "Rmse",
                MetricKind::Accuracy => "Accuracy",
                MetricKind::Loss => "Loss",
            });
            match metric.task {
                None => quote! { Best::new(BestMetric::#kind) },
                Some(task) => {
                    let task = &self.ir.tasks[task.0];
                    quote! { Best::of(BestMetric::#kind, #task) }
                }
            }
        };
        let terms = train.best.iter().map(|(factor, of)| {
            let (of, factor) = (metric(of), (factor.value != 1.0).then(|| names::real(factor.value)));
            let times = factor.map(|factor| quote! { .times(#factor) });
            quote! { #of #times }
        });
        let sum = terms.reduce(|sum, term| quote! { #sum.plus(#term) });
        let each = train.best_of_each.then(|| quote! { .and_of_each() });
        quote! { #sum #each }
    }

    fn stage(&self, stage: &Stage) -> TokenStream {
        let epochs = names::whole(stage.epochs.value as usize);
        let tasks = match &stage.tasks {
            Turns::Joint => None,
            Turns::Alternate => Some(quote! { StageTasks::Alternate }),
            Turns::Only(tasks) => {
                let tasks = tasks.iter().map(|task| &self.ir.tasks[task.0]);
                Some(quote! { StageTasks::only(&[#(#tasks),*]) })
            }
        };
        let tasks = tasks.map(|tasks| quote! { .with_tasks(#tasks) });
        let (Moves::AllBut(listed) | Moves::Only(listed)) = &stage.moves;
        let listed: Vec<&str> = listed.iter().map(|name| name.text.as_str()).collect();
        let moves = match &stage.moves {
            _ if listed.is_empty() => None,
            Moves::AllBut(_) => Some(quote! { .freezing(&[#(#listed),*]) }),
            Moves::Only(_) => Some(quote! { .training(&[#(#listed),*]) }),
        };
        let rates = (!stage.rates.is_empty()).then(|| {
            let rates = stage.rates.iter().map(|(name, factor)| {
                let (name, factor) = (&name.text, names::real(factor.value));
                quote! { (#name, #factor) }
            });
            quote! { .with_rates(&[#(#rates),*]) }
        });
        quote! { StageConfig::new(#epochs) #tasks #moves #rates }
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
