//! Tasks of several classes: what their metrics are means of.

use super::Metric;
use super::columns::Columns;
use super::means::{CLASS_ACCURACY, CLASS_LOGLOSS, Mean};
use crate::error::EvalError;

/// The mean that a metric of several classes is, and the column that it is of.
pub(crate) fn of_own(metric: Metric, columns: Columns) -> Result<(Mean, Vec<f32>), EvalError> {
    let mean = match metric {
        Metric::Logloss => CLASS_LOGLOSS,
        Metric::Accuracy => CLASS_ACCURACY,
        _ => {
            return Err(EvalError::new(format!("`{metric}` of {} classes", columns.classes))
                .remedy("classes have logloss and accuracy"));
        }
    };
    let column = match metric {
        Metric::Logloss => own(columns, |row, class| row[class])?,
        _ => own(columns, |row, class| f32::from(u8::from(most(row).0 == class)))?,
    };
    Ok((mean, column))
}

/// The greatest probability of each row, `[rows, classes]` row-major, and whether it is that of the row's class: 1 or 0, NaN where the
/// row does not count.
pub fn confidence(columns: Columns) -> Result<(Vec<f32>, Vec<f32>), EvalError> {
    let hits = own(columns, |row, class| f32::from(u8::from(most(row).0 == class)))?;
    let hits = hits.into_iter().enumerate().map(|(row, hit)| if columns.counts(row) { hit } else { f32::NAN });
    Ok((columns.predictions.chunks_exact(columns.classes.max(1)).map(|row| most(row).1).collect(), hits.collect()))
}

/// What `of` says of each row that counts, from its probabilities and its class; NaN where one of the probabilities is.
fn own(columns: Columns, of: impl Fn(&[f32], usize) -> f32) -> Result<Vec<f32>, EvalError> {
    columns.of_one_length()?;
    let classes = columns.classes;
    let value = |(i, row): (usize, &[f32])| {
        let class = columns.labels[i];
        match () {
            () if !columns.counts(i) => Ok(0.0),
            () if !(class.fract() == 0.0 && (0.0..classes as f32).contains(&class)) => {
                Err(EvalError::new(format!("a label is no class from 0 to {}", classes - 1)).at_row(i))
            }
            () if row.iter().any(|p| p.is_nan()) => Ok(f32::NAN),
            () => Ok(of(row, class as usize)),
        }
    };
    columns.predictions.chunks_exact(classes.max(1)).enumerate().map(value).collect()
}

/// The most probable class, the first of equals, and its probability.
fn most(row: &[f32]) -> (usize, f32) {
    let greater = |most: (usize, f32), (class, p): (usize, &f32)| if *p > most.1 { (class, *p) } else { most };
    row.iter().enumerate().fold((0, f32::NEG_INFINITY), greater)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::Bootstrap;

    const ROWS: [f32; 9] = [0.7, 0.2, 0.1, 0.2, 0.2, 0.6, 0.4, 0.4, 0.2];

    fn columns<'a>(labels: &'a [f32], weights: Option<&'a [f32]>) -> Columns<'a> {
        Columns::new(&ROWS, labels).classes(3).weights(weights)
    }

    #[test]
    fn classes_are_told_by_the_most_probable_one() {
        let close = |metric: Metric, columns: Columns, expected: f64| {
            for found in [metric.of(columns), metric.prepare(columns).map(|prepared| prepared.value())] {
                let found = found.unwrap().unwrap();
                assert!((found - expected).abs() < 1e-6, "{found} {expected}");
            }
        };
        close(Metric::Accuracy, columns(&[0.0, 1.0, 1.0], None), 1.0 / 3.0);
        close(Metric::Accuracy, columns(&[0.0, f32::NAN, 0.0], Some(&[1.0, 1.0, 3.0])), 1.0);
        close(Metric::Logloss, columns(&[0.0, 2.0, f32::NAN], Some(&[3.0, 1.0, 1.0])), 0.395_212_6);
        assert_eq!(Metric::Accuracy.of(columns(&[f32::NAN; 3], None)).unwrap(), None);
    }

    #[test]
    fn what_is_no_class_is_refused() {
        assert_eq!(Metric::Accuracy.of(columns(&[0.0, 3.0, 0.0], None)).unwrap_err().row(), Some(1));
        assert!(Metric::Accuracy.of(columns(&[0.0; 3], None).classes(2)).is_err());
        assert!(Metric::Logloss.of(columns(&[0.0; 3], Some(&[1.0]))).is_err());
        assert!(Metric::Logloss.of(columns(&[0.0; 3], Some(&[-1.0, 1.0, 1.0]))).is_err());
        for metric in [Metric::Auc, Metric::Rmse, Metric::Mrr] {
            assert!(metric.of(columns(&[0.0; 3], None)).is_err() && metric.prepare(columns(&[0.0; 3], None)).is_err());
        }
        let wrong = [0.5, f32::NAN, 0.5, 0.5];
        let of = |labels: &[f32]| Metric::Accuracy.of(Columns::new(&wrong, labels).classes(2));
        assert_eq!(of(&[0.0, 1.0]).unwrap_err().row(), Some(0));
        // A row without a label may hold anything.
        assert_eq!(of(&[f32::NAN, 0.0]).unwrap(), Some(1.0));
    }

    #[test]
    fn classes_have_intervals_and_differences() {
        let labels: Vec<f32> = (0..300).map(|i| (i % 3) as f32).collect();
        let probabilities: Vec<f32> =
            (0..300).flat_map(|i| if i % 4 == 0 { [0.2, 0.2, 0.6] } else { [0.5, 0.3, 0.2] }).collect();
        let columns = Columns::new(&probabilities, &labels).classes(3);
        let bootstrap = Bootstrap::new(100, 1);
        let found = bootstrap.interval(Metric::Accuracy, columns).unwrap().unwrap();
        assert!(found.low < found.value && found.value < found.high && found.value == 1.0 / 3.0, "{found:?}");
        let none = bootstrap.difference(Metric::Logloss, columns, &probabilities).unwrap().unwrap();
        assert_eq!((none.value, none.low, none.high), (0.0, 0.0, 0.0));
        assert!(bootstrap.difference(Metric::Logloss, columns, &labels).is_err());
    }

    #[test]
    fn confidence_is_that_of_the_most_probable_class() {
        let (confidence, hits) = confidence(columns(&[0.0, 1.0, f32::NAN], None)).unwrap();
        assert_eq!(confidence, [0.7, 0.6, 0.4]);
        assert!(hits[0] == 1.0 && hits[1] == 0.0 && hits[2].is_nan());
    }
}
