//! Predictions with a name for each task: `FeedPrediction` of one row, `FeedPredictions` of many.

use super::{Generator, names};
use crate::hir::{RegressionLoss, TaskKind};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// A predicted value of a row, in the runtime's order.
pub(super) struct Output {
    /// Its field.
    pub field: Ident,
    /// Its name in the runtime.
    name: String,
    /// What it is.
    docs: String,
}

impl Generator<'_> {
    /// For each task its prediction, and after a chained task's the conditional probability.
    pub(super) fn outputs(&self) -> Vec<Output> {
        let mut outputs = Vec::new();
        for task in &self.model.tasks {
            let name = &task.name.text;
            if let TaskKind::Multiclass { .. } = task.kind {
                outputs.extend((0..task.numbers()).map(|class| {
                    let field = self.ident(&format!("{name}_{class}"), task.name.span);
                    Output { field, name: format!("{name}_{class}"), docs: format!("P({name} = {class}).") }
                }));
                continue;
            }
            let docs = match (&task.kind, task.given) {
                (TaskKind::Binary { .. }, None) => format!("P({name})."),
                (TaskKind::Binary { .. }, Some(given)) => {
                    format!("P({name}) = P({}) P({name} | {0}).", self.ir.tasks[given.0])
                }
                (TaskKind::Ordinal { levels }, _) => format!("Expected `{name}`, from 1 to {}.", levels.value),
                (TaskKind::Pairwise | TaskKind::Listwise { .. } | TaskKind::Multiclass { .. }, _) => {
                    format!("Score of `{name}`: what is larger within a group comes first.")
                }
                (TaskKind::Regression { loss: RegressionLoss::Poisson, .. }, _) => {
                    format!("Expected number of `{name}`.")
                }
                (TaskKind::Regression { loss: RegressionLoss::Ziln, .. }, _) => {
                    format!("Expected `{name}`, in the label's unit.")
                }
                (TaskKind::Regression { .. }, _) => format!("Predicted `{name}`, in the label's unit."),
            };
            outputs.push(Output { field: self.ident(&names::field(name), task.name.span), name: name.clone(), docs });
            if let Some(given) = task.given {
                let given = &self.ir.tasks[given.0];
                let field = self.ident(&conditional(name, given), task.name.span);
                let name = format!("{name} | {given}");
                outputs.push(Output { field, docs: format!("P({name})."), name });
            }
        }
        outputs
    }

    pub(super) fn prediction_items(&self) -> Vec<TokenStream> {
        let (one, many) = (self.own_type("Prediction"), self.own_type("Predictions"));
        let outputs = self.outputs();
        let fields: Vec<&Ident> = outputs.iter().map(|output| &output.field).collect();
        let docs: Vec<TokenStream> = outputs.iter().map(|output| super::docs(&output.docs)).collect();
        let names: Vec<&String> = outputs.iter().map(|output| &output.name).collect();
        let indices: Vec<_> = (0..outputs.len()).map(names::whole).collect();
        let (first, blank) = (fields[0], super::text::blank(self.printed));
        vec![
            quote! {
                /// The predictions of one row.
                #[derive(Debug, Clone, Copy, Default, PartialEq)]
                pub struct #one { #(#docs pub #fields: f64),* }
            },
            quote! {
                /// The predictions of a row that has them in the order of the fields.
                fn prediction(row: &[f64]) -> #one {
                    #one { #(#fields: row[#indices]),* }
                }
            },
            quote! {
                /// The predictions of many rows.
                #[derive(Debug, Clone, Default, PartialEq)]
                pub struct #many { #(#docs pub #fields: Vec<f32>),* }
            },
            quote! {
                impl From<&Predictions> for #many {
                    /// The model's predictions by their names.
                    fn from(predictions: &Predictions) -> Self {
                        let task = |name: &str| predictions.task(name).unwrap_or_default().to_vec();
                        Self { #(#fields: task(#names)),* }
                    }
                }
            },
            quote! {
                impl #many {
                    /// The number of rows.
                    pub fn rows(&self) -> usize {
                        self.#first.len()
                    }
                    #blank
                    /// The predictions of one row. Panics if there is no such row.
                    pub fn row(&self, row: usize) -> #one {
                        #one { #(#fields: f64::from(self.#fields[row])),* }
                    }
                }
            },
        ]
    }
}

/// `buy_given_click`.
pub(super) fn conditional(task: &str, given: &str) -> String {
    format!("{task}_given_{given}")
}
