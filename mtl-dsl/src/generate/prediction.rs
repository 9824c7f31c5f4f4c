//! Predictions with a name for each task: `FeedPrediction` of one row, `FeedPredictions` of many.

use super::{Generator, names};
use crate::hir::{Predicted, RegressionLoss, ScoreInput, TaskId, TaskKind, conditional_name};
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
                let field = self.ident(&conditional_name(name, given), task.name.span);
                let name = format!("{name} | {given}");
                outputs.push(Output { field, docs: format!("P({name})."), name });
            }
        }
        outputs
    }

    /// What scores read beside predictions, in the order of the model's inputs.
    pub(super) fn more_inputs(&self) -> Vec<Output> {
        let mut taken: Vec<String> = self.outputs().iter().map(|output| output.field.to_string()).collect();
        let mut more = Vec::new();
        for input in self.model.score_inputs() {
            let name = self.input_name(input);
            let (word, span, docs) = match input {
                ScoreInput::Calibrated(task) => {
                    let of = &self.ir.tasks[task.0];
                    let docs = format!("P({of}) after the calibration of `{of}`.");
                    (format!("calibrated_{of}"), self.model.tasks[task.0].name.span, docs)
                }
                ScoreInput::Position(of) => {
                    let word = self.predicted_field(of);
                    let docs = format!("The place of `{}` within the request: 1 is the greatest.", self.predicted(of));
                    (format!("rank_of_{word}"), self.model.tasks[of.task.0].name.span, docs)
                }
                ScoreInput::Number(number) => {
                    let number = &self.model.numbers[number];
                    (
                        names::field(&number.name.text),
                        number.name.span,
                        format!("Feature `{name}`, as its column has it."),
                    )
                }
                ScoreInput::Prediction(_) => continue,
            };
            let mut field = word;
            while taken.contains(&field) {
                field.push('_');
            }
            taken.push(field.clone());
            more.push(Output { field: self.ident(&field, span), name, docs });
        }
        more
    }

    /// `buy` or `buy | click`.
    fn predicted(&self, Predicted { task, conditional }: Predicted) -> String {
        let name = &self.ir.tasks[task.0];
        match self.model.tasks[task.0].given.filter(|_| conditional) {
            Some(given) => format!("{name} | {}", self.ir.tasks[given.0]),
            None => name.clone(),
        }
    }

    fn predicted_field(&self, Predicted { task, conditional: is }: Predicted) -> String {
        let name = &self.ir.tasks[task.0];
        match self.model.tasks[task.0].given.filter(|_| is) {
            Some(given) => conditional_name(name, &self.ir.tasks[given.0]),
            None => names::field(name),
        }
    }

    /// An input as it is written in a formula.
    pub(super) fn input_name(&self, input: ScoreInput) -> String {
        match input {
            ScoreInput::Prediction(of) => self.predicted(of),
            ScoreInput::Calibrated(TaskId(task)) => format!("calibrated({})", self.ir.tasks[task]),
            ScoreInput::Position(of) => format!("rank_of({})", self.predicted(of)),
            ScoreInput::Number(number) => self.model.numbers[number].name.text.clone(),
        }
    }

    /// The field of an input, and its place in the row.
    pub(super) fn input(&self, input: ScoreInput) -> (Ident, usize) {
        let (name, outputs) = (self.input_name(input), self.outputs());
        let more = self.more_inputs();
        let mut all = outputs.into_iter().chain(more).enumerate();
        let found = all.find(|(_, output)| output.name == name);
        found.map_or_else(|| (super::ident("unknown"), 0), |(place, output)| (output.field, place))
    }

    pub(super) fn prediction_items(&self) -> Vec<TokenStream> {
        let (one, many) = (self.own_type("Prediction"), self.own_type("Predictions"));
        let outputs = self.outputs();
        let fields: Vec<&Ident> = outputs.iter().map(|output| &output.field).collect();
        let docs: Vec<TokenStream> = outputs.iter().map(|output| super::docs(&output.docs)).collect();
        let names: Vec<&String> = outputs.iter().map(|output| &output.name).collect();
        let more = self.more_inputs();
        let (more_fields, more_names): (Vec<&Ident>, Vec<&String>) =
            more.iter().map(|output| (&output.field, &output.name)).unzip();
        let more_docs: Vec<TokenStream> = more.iter().map(|output| super::docs(&output.docs)).collect();
        let all: Vec<&Ident> = fields.iter().chain(&more_fields).copied().collect();
        let indices: Vec<_> = (0..all.len()).map(names::whole).collect();
        let about = super::docs(match more.is_empty() {
            true => "The predictions of one row.",
            false => "The predictions of one row, and what else its scores read.",
        });
        let input = (!more.is_empty()).then(|| {
            quote! { let input = |name: &str| predictions.input(name).unwrap_or_default().to_vec(); }
        });
        let (first, blank) = (fields[0], super::text::blank(self.printed));
        vec![
            quote! {
                #about
                #[derive(Debug, Clone, Copy, PartialEq)]
                pub struct #one { #(#docs pub #fields: f64,)* #(#more_docs pub #more_fields: f64),* }
            },
            quote! {
                impl Default for #one {
                    /// Nothing is known: every number is missing, which is NaN.
                    fn default() -> Self {
                        Self { #(#all: f64::NAN),* }
                    }
                }
            },
            quote! {
                /// What is known of a row that has it in the order of the fields.
                fn prediction(row: &[f64]) -> #one {
                    #one { #(#all: row[#indices]),* }
                }
            },
            quote! {
                /// The predictions of many rows.
                #[derive(Debug, Clone, Default, PartialEq)]
                pub struct #many { #(#docs pub #fields: Vec<f32>,)* #(#more_docs pub #more_fields: Vec<f64>),* }
            },
            quote! {
                impl From<&Predictions> for #many {
                    /// The model's predictions by their names.
                    fn from(predictions: &Predictions) -> Self {
                        let task = |name: &str| predictions.task(name).unwrap_or_default().to_vec();
                        #input
                        Self { #(#fields: task(#names),)* #(#more_fields: input(#more_names)),* }
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
                        #one {
                            #(#fields: f64::from(self.#fields[row]),)*
                            #(#more_fields: self.#more_fields[row]),*
                        }
                    }
                }
            },
        ]
    }
}
