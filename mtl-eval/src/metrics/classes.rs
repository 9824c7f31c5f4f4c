//! Metrics of a task of several classes, from the probability of each.

use super::Columns;
use super::columns::Labels;
use crate::error::EvalError;

/// The share of rows whose most probable class is theirs, the first of equals; from probabilities `[rows, classes]`, row-major. None
/// without rows.
pub fn class_accuracy(
    probabilities: &[f32],
    classes: usize,
    labels: &[f32],
    weights: Option<&[f32]>,
) -> Result<Option<f64>, EvalError> {
    mean("accuracy", probabilities, classes, labels, weights, |row, class| {
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        f64::from(u8::from(row.iter().position(|p| *p == most) == Some(class)))
    })
}

/// The mean of `-log` of the probability of each row's class, clipped at `1e-7`; from probabilities `[rows, classes]`, row-major. None
/// without rows.
pub fn class_logloss(
    probabilities: &[f32],
    classes: usize,
    labels: &[f32],
    weights: Option<&[f32]>,
) -> Result<Option<f64>, EvalError> {
    mean("logloss", probabilities, classes, labels, weights, |row, class| -f64::from(row[class]).max(1e-7).ln())
}

fn mean(
    name: &str,
    probabilities: &[f32],
    classes: usize,
    labels: &[f32],
    weights: Option<&[f32]>,
    f: impl Fn(&[f32], usize) -> f64,
) -> Result<Option<f64>, EvalError> {
    if probabilities.len() != labels.len() * classes {
        let expected = labels.len() * classes;
        return Err(EvalError::new(format!(
            "{} probabilities for {expected} of {classes} classes",
            probabilities.len()
        )));
    }
    // A sum is NaN where one of the row's probabilities is.
    let sums: Vec<f32> = probabilities.chunks_exact(classes.max(1)).map(|row| row.iter().sum()).collect();
    Columns::new(&sums, labels).weights(weights).checked(name, Labels::Any)?;
    let (mut sum, mut total) = (0.0, 0.0);
    for (i, row) in probabilities.chunks_exact(classes.max(1)).enumerate() {
        let (class, weight) = (labels[i], weights.map_or(1.0, |weights| f64::from(weights[i])));
        if class.is_nan() || weight == 0.0 {
            continue;
        }
        if !(class.fract() == 0.0 && (0.0..classes as f32).contains(&class)) {
            return Err(EvalError::new(format!("a label is no class from 0 to {}", classes - 1)).at_row(i));
        }
        sum += weight * f(row, class as usize);
        total += weight;
    }
    Ok((total > 0.0).then(|| sum / total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_told_by_the_most_probable_one() {
        let rows = [0.7, 0.2, 0.1, 0.2, 0.2, 0.6, 0.4, 0.4, 0.2];
        let close = |found: Option<f64>, expected: f64| assert!((found.unwrap() - expected).abs() < 1e-6, "{found:?}");
        close(class_accuracy(&rows, 3, &[0.0, 1.0, 1.0], None).unwrap(), 1.0 / 3.0);
        close(class_accuracy(&rows, 3, &[0.0, f32::NAN, 0.0], Some(&[1.0, 1.0, 3.0])).unwrap(), 1.0);
        close(class_logloss(&rows, 3, &[0.0, 2.0, f32::NAN], Some(&[3.0, 1.0, 1.0])).unwrap(), 0.395_212_6);
        assert_eq!(class_accuracy(&rows, 3, &[f32::NAN; 3], None).unwrap(), None);
        assert!(class_accuracy(&rows, 3, &[3.0, 0.0, 0.0], None).is_err());
        assert!(class_accuracy(&rows, 2, &[0.0; 3], None).is_err());
    }
}
