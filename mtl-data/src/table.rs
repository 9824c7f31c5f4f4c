//! A table: named columns of equal length.

use std::borrow::Cow;

use crate::column::{Bags, Column, Numbers};
use crate::error::DataError;
use crate::ids::Ids;
use crate::origins::Origins;

/// Named columns of equal length, and where each row came from.
#[derive(Debug, Clone, Default)]
pub struct Table {
    names: Vec<String>,
    columns: Vec<Column>,
    pub(crate) origins: Origins,
}

impl Table {
    /// A table of these columns. The names are distinct, the lengths equal, otherwise it is an error.
    pub fn from_columns<N, C>(columns: impl IntoIterator<Item = (N, C)>) -> Result<Self, DataError>
    where
        N: Into<String>,
        C: Into<Column>,
    {
        let mut columns = columns.into_iter().map(|(name, column)| (name.into(), column.into()));
        let Some((name, column)) = columns.next() else { return Ok(Self::default()) };
        let first = Self { origins: Origins::none(column.len()), names: vec![name], columns: vec![column] };
        columns.try_fold(first, |table, (name, column)| table.with_column(name, column))
    }

    /// As [`Table::from_columns`], for rows whose origin is known; the names are distinct and the lengths equal.
    pub(crate) fn from_parts(names: Vec<String>, columns: Vec<Column>, origins: Origins) -> Self {
        debug_assert!(columns.iter().all(|column| column.len() == origins.len()));
        Self { names, columns, origins }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.origins.len()
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The columns with their names.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.names.iter().map(String::as_str).zip(&self.columns)
    }

    /// True if there is a column of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// A column by name; an error lists what exists.
    pub fn column(&self, name: &str) -> Result<&Column, DataError> {
        match self.names.iter().position(|known| known == name) {
            Some(index) => Ok(&self.columns[index]),
            None => Err(unknown_column(name, &self.names)),
        }
    }

    /// A column of ids.
    pub fn ids(&self, name: &str) -> Result<&Ids, DataError> {
        match self.column(name)? {
            Column::Ids(ids) => Ok(ids),
            other => Err(DataError::new(format!("holds {}, and ids are needed", other.kind()))
                .in_column(name)
                .remedy("read it as ids: leave it out of the `numbers` and `lists` of the read options")),
        }
    }

    /// A column of bags of ids.
    pub fn bags(&self, name: &str) -> Result<&Bags, DataError> {
        match self.column(name)? {
            Column::Bags(bags) => Ok(bags),
            other => Err(DataError::new(format!("holds {}, and lists of ids are needed", other.kind()))
                .in_column(name)
                .remedy("name it in the `lists` of the read options")),
        }
    }

    /// A column as numbers, NaN where missing: numbers as they are, integers, and texts that are numbers.
    pub fn numbers(&self, name: &str) -> Result<Cow<'_, [f64]>, DataError> {
        match self.column(name)? {
            Column::Numbers(Numbers(values)) => Ok(Cow::Borrowed(values)),
            Column::Ids(Ids::Integers(integers)) => {
                Ok(integers.iter().map(|value| value.map_or(f64::NAN, |value| value as f64)).collect())
            }
            Column::Ids(Ids::Text(text)) => {
                let parsed: Vec<Option<f64>> = text.dictionary().iter().map(|entry| number(entry)).collect();
                let value = |row: usize| match text.code(row) {
                    None => Ok(f64::NAN),
                    Some(code) => parsed[code].ok_or_else(|| {
                        let error = DataError::new("not a number").in_column(name).with_value(&text.dictionary()[code]);
                        self.place(error, row)
                            .remedy("correct the value, or add it to the `missing` of the read options")
                    }),
                };
                (0..text.len()).map(value).collect::<Result<Vec<f64>, _>>().map(Cow::Owned)
            }
            Column::Bags(_) => Err(DataError::new("holds lists of ids, and numbers are needed").in_column(name)),
        }
    }

    /// The table with one more column.
    pub fn with_column(mut self, name: impl Into<String>, column: impl Into<Column>) -> Result<Self, DataError> {
        let (name, column) = (name.into(), column.into());
        if self.has(&name) {
            return Err(DataError::new("a column of this name exists already").in_column(name));
        }
        if self.names.is_empty() && self.rows() == 0 {
            self.origins = Origins::none(column.len());
        }
        if column.len() != self.rows() {
            let message = format!("has {} rows, and the other columns have {}", column.len(), self.rows());
            return Err(DataError::new(message).in_column(name));
        }
        self.names.push(name);
        self.columns.push(column);
        Ok(self)
    }

    /// The table with these columns only, in this order.
    pub fn select(&self, names: &[&str]) -> Result<Self, DataError> {
        let columns = names.iter().map(|name| self.column(name).cloned()).collect::<Result<Vec<_>, _>>()?;
        let mut table = Self { origins: self.origins.clone(), ..Self::default() };
        for (name, column) in names.iter().zip(columns) {
            table = table.with_column(*name, column)?;
        }
        Ok(table)
    }

    /// These rows, in this order.
    pub fn take(&self, rows: &[u32]) -> Self {
        Self {
            names: self.names.clone(),
            columns: self.columns.iter().map(|column| column.take(rows)).collect(),
            origins: self.origins.take(rows),
        }
    }

    /// The rows for which the mask is true. An error if the mask has another length.
    pub fn filter(&self, mask: &[bool]) -> Result<Self, DataError> {
        if mask.len() != self.rows() {
            return Err(DataError::new(format!("a mask of {} rows for a table of {}", mask.len(), self.rows())));
        }
        let rows: Vec<u32> = (0..mask.len()).filter(|&row| mask[row]).map(|row| row as u32).collect();
        Ok(self.take(&rows))
    }

    /// The rows of all tables, one after the other. All have the same columns, in the order of the first.
    pub fn concat(tables: &[Self]) -> Result<Self, DataError> {
        let Some(first) = tables.first() else { return Ok(Self::default()) };
        for other in tables {
            for name in &other.names {
                first.column(name)?;
            }
        }
        let mut columns = Vec::with_capacity(first.columns.len());
        for name in &first.names {
            let parts = tables.iter().map(|table| table.column(name)).collect::<Result<Vec<_>, _>>()?;
            let column = Column::concat(&parts).ok_or_else(|| {
                let kinds: Vec<&str> = parts.iter().map(|part| part.kind()).collect();
                DataError::new(format!("the tables hold {} in it", kinds.join(", "))).in_column(name)
            })?;
            columns.push(column);
        }
        Ok(Self::from_parts(first.names.clone(), columns, Origins::concat(tables.iter().map(|table| &table.origins))))
    }

    /// The error, placed at the file and line that a row came from.
    pub(crate) fn place(&self, error: DataError, row: usize) -> DataError {
        self.origins.place(error, row)
    }
}

/// A finite number.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value: &f64| value.is_finite())
}

pub(crate) fn unknown_column(name: &str, known: &[String]) -> DataError {
    DataError::new("no such column").in_column(name).remedy(format!("the columns are: {}", known.join(", ")))
}
