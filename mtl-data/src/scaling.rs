//! What a number goes through before the network: transform, then scale, with statistics of the training rows.

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::schema::{Scale, Transform};
use crate::table::Table;

/// `(transform(x) - shift) / scale`; a missing number becomes `missing`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    transform: Transform,
    shift: f64,
    scale: f64,
    missing: f64,
}

impl Scaling {
    /// Fits to the rows of a column. A constant column is scaled by 1 and becomes 0.
    pub(crate) fn fit(table: &Table, column: &str, transform: Transform, scale: Scale) -> Result<Self, DataError> {
        let mut values = transformed(table, column, transform)?;
        values.retain(|value| !value.is_nan());
        let (Some(&first), n) = (values.first(), values.len() as f64) else {
            return Err(DataError::new("has no value in the training rows")
                .in_column(column)
                .remedy("drop the feature"));
        };
        let (mean, deviation) = if values.iter().all(|&value| value == first) {
            (first, 0.0) // Exactly: the sum of equal values rounds.
        } else {
            let mean = values.iter().sum::<f64>() / n;
            (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt())
        };
        Ok(match scale {
            Scale::None => Self { transform, shift: 0.0, scale: 1.0, missing: mean },
            Scale::Standard => {
                Self { transform, shift: mean, scale: if deviation > 0.0 { deviation } else { 1.0 }, missing: 0.0 }
            }
        })
    }

    /// The scaled values of a column (NaN replaced), and whether each was missing.
    pub(crate) fn apply(&self, table: &Table, column: &str) -> Result<(Vec<f32>, Vec<bool>), DataError> {
        let values = transformed(table, column, self.transform)?;
        let scaled = |value: &f64| if value.is_nan() { self.missing } else { (value - self.shift) / self.scale };
        Ok((
            values.iter().map(|value| scaled(value) as f32).collect(),
            values.iter().map(|value| value.is_nan()).collect(),
        ))
    }
}

fn transformed(table: &Table, column: &str, transform: Transform) -> Result<Vec<f64>, DataError> {
    let mut values = table.numbers(column)?.into_owned();
    if transform == Transform::Log1p {
        if let Some(row) = values.iter().position(|&value| value <= -1.0) {
            return Err(log1p_error(table, column, row, values[row]));
        }
        values.iter_mut().for_each(|value| *value = value.ln_1p());
    }
    Ok(values)
}

/// A value that has no `log(1 + x)`.
pub(crate) fn log1p_error(table: &Table, column: &str, row: usize, value: f64) -> DataError {
    let error = DataError::new("log1p needs values above -1").in_column(column).with_value(value);
    table.place(error, row).remedy("correct the value, or leave the transform out")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Numbers;

    fn table(values: Vec<Option<f64>>) -> Table {
        Table::from_columns([("x", Numbers::from(values))]).unwrap()
    }

    #[test]
    fn standard_scaling_uses_the_population_deviation() {
        let t = table(vec![Some(1.0), Some(3.0), None]);
        let scaling = Scaling::fit(&t, "x", Transform::None, Scale::Standard).unwrap();
        assert_eq!(scaling.apply(&t, "x").unwrap(), (vec![-1.0, 1.0, 0.0], vec![false, false, true]));
    }

    #[test]
    fn unscaled_missing_becomes_the_transformed_mean() {
        let t = table(vec![Some(0.0), Some(std::f64::consts::E - 1.0), None]);
        let scaling = Scaling::fit(&t, "x", Transform::Log1p, Scale::None).unwrap();
        assert_eq!(scaling.apply(&t, "x").unwrap().0, [0.0, 1.0, 0.5]);
    }

    #[test]
    fn a_constant_column_becomes_zero() {
        let t = table(vec![Some(0.1); 1000]);
        let scaling = Scaling::fit(&t, "x", Transform::None, Scale::Standard).unwrap();
        assert!(scaling.apply(&t, "x").unwrap().0.iter().all(|&value| value == 0.0));
        assert_eq!(scaling.apply(&table(vec![Some(1.1)]), "x").unwrap().0, [1.0]);
    }

    #[test]
    fn log1p_of_minus_one_names_the_row() {
        let error = Scaling::fit(&table(vec![Some(0.0), Some(-1.0)]), "x", Transform::Log1p, Scale::None).unwrap_err();
        assert_eq!((error.column(), error.value(), error.row()), (Some("x"), Some("-1"), Some(1)));
    }

    #[test]
    fn a_column_without_values_is_an_error() {
        assert!(Scaling::fit(&table(vec![None, None]), "x", Transform::None, Scale::None).is_err());
    }
}
