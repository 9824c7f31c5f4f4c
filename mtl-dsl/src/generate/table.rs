//! Typed columns: `FeedFeatures` and `FeedLabels`. A column left out does not compile.

use super::{Generator, docs, ident, names};
use crate::hir::{Condition, Constant, FeatureKind, Label};
use proc_macro2::TokenStream;
use quote::quote;

/// A column of a typed table.
struct Column {
    /// The column's name in the data.
    column: String,
    /// The field's name.
    field: String,
    /// Its type.
    ty: Type,
    /// What reads it.
    readers: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Ids,
    Bags,
    Numbers,
    Labels,
}

impl Generator<'_> {
    pub(super) fn table_items(&self) -> Vec<TokenStream> {
        let features = self.feature_columns();
        let labels = self.label_columns(&features);
        let mut items = self.table("Features", "The columns that the features are read from.", &features);
        items.extend(self.table(
            "Labels",
            "The columns that only training and evaluation read: labels and what they depend on.",
            &labels,
        ));
        items
    }

    fn table(&self, part: &str, about: &str, columns: &[Column]) -> Vec<TokenStream> {
        let (name, about) = (self.own_type(part), docs(about));
        let fields = columns.iter().map(|column| {
            let docs = docs(&format!("Column `{}`: {}.", column.column, column.readers.join(", ")));
            let (field, ty) = (ident(&column.field), column.ty.path());
            quote! { #docs pub #field: #ty }
        });
        let pairs = columns.iter().map(|column| {
            let (name, field) = (&column.column, ident(&column.field));
            quote! { (#name, Column::from(self.#field)) }
        });
        let pairs: Vec<TokenStream> = pairs.collect();
        let methods = self.members(vec![
            quote! {
                /// The columns as a table; an error if their lengths differ.
                pub fn into_table(self) -> Result<Table, DataError> {
                    Table::from_columns([#(#pairs),*])
                }
            },
            quote! {
                /// The columns added to a table of as many rows, such as that of the labels.
                pub fn add_to(self, table: Table) -> Result<Table, DataError> {
                    [#(#pairs),*].into_iter().try_fold(table, |table, (name, column)| table.with_column(name, column))
                }
            },
        ]);
        vec![
            quote! {
                #about
                #[derive(Debug, Clone)]
                pub struct #name { #(#fields),* }
            },
            quote! { impl #name { #methods } },
        ]
    }

    fn feature_columns(&self) -> Vec<Column> {
        let mut columns = Vec::new();
        for feature in &self.model.features {
            let ty = match feature.kind {
                FeatureKind::Id { .. } | FeatureKind::Ids { words: true, .. } => Type::Ids,
                FeatureKind::Ids { words: false, .. } => Type::Bags,
                FeatureKind::Number { .. } => Type::Numbers,
            };
            let reader = format!("feature `{}`", feature.name.text);
            add(&mut columns, &feature.column, names::field(&feature.name.text), ty, reader);
        }
        for number in self.model.scored_numbers() {
            let name = &number.name.text;
            add(&mut columns, &number.column, names::field(name), Type::Numbers, format!("scores, as `{name}`"));
        }
        columns
    }

    fn label_columns(&self, features: &[Column]) -> Vec<Column> {
        let mut columns = Vec::new();
        let mut new = |column: &str, ty, reader: String| {
            if features.iter().all(|feature| feature.column != column) {
                add(&mut columns, column, names::column(column), ty, reader);
            }
        };
        for task in &self.model.tasks {
            let name = &task.name.text;
            match &task.label {
                Label::Column(column) => new(column, Type::Labels, format!("label of `{name}`")),
                Label::Where(condition) => {
                    compared(condition, &mut |column, ty| new(column, ty, format!("label of `{name}`")));
                }
            }
            if let Some(column) = &task.weight_column {
                new(column, Type::Numbers, format!("weights of `{name}`"));
            }
        }
        for task in &self.model.tasks {
            let reader = format!("sample space of `{}`", task.name.text);
            if let Some(space) = &task.sample_space {
                compared(space, &mut |column, ty| new(column, ty, reader.clone()));
            }
        }
        if let Some(column) = &self.model.train.group_by {
            new(column, Type::Ids, "groups of rows".to_owned());
        }
        columns
    }
}

/// Adds a column, or a reader of one that is known.
fn add(columns: &mut Vec<Column>, column: &str, field: String, ty: Type, reader: String) {
    match columns.iter_mut().find(|known| known.column == column) {
        Some(known) => {
            // Ids keep what the data holds, and are numbers where they look like ones.
            if known.ty != ty && known.ty != Type::Labels {
                known.ty = Type::Ids;
            }
            if !known.readers.contains(&reader) {
                known.readers.push(reader);
            }
        }
        None => {
            let mut field = field;
            while columns.iter().any(|known| known.field == field) {
                field.push('_');
            }
            columns.push(Column { column: column.to_owned(), field, ty, readers: vec![reader] });
        }
    }
}

/// The columns that a condition compares, with the type that its constants need.
fn compared(condition: &Condition, each: &mut dyn FnMut(&str, Type)) {
    match condition {
        Condition::Compare { column, value: Constant::Number(_), .. } => each(column, Type::Numbers),
        Condition::Compare { column, value: Constant::Text(_), .. } => each(column, Type::Ids),
        Condition::And(a, b) | Condition::Or(a, b) => {
            compared(a, each);
            compared(b, each);
        }
        Condition::Not(a) => compared(a, each),
    }
}

impl Type {
    fn path(self) -> TokenStream {
        match self {
            Type::Ids => quote! { Ids },
            Type::Bags => quote! { Bags },
            Type::Numbers => quote! { Numbers },
            Type::Labels => quote! { Labels },
        }
    }
}
