//! The projection on the simplex: numbers of at least 0 with a given sum.

/// The point of the simplex `{x : x >= 0, sum x = total}` nearest to a point: `max(v - theta, 0)`, with the `theta`
/// found from the sorted values.
///
/// `total` is positive. A value that is infinite or not a number gives values that are not numbers.
pub fn project(values: &[f64], total: f64) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut theta) = (0.0, 0.0);
    for (k, value) in sorted.iter().enumerate() {
        sum += value;
        let candidate = (sum - total) / (k + 1) as f64;
        if *value > candidate || k == 0 {
            theta = candidate;
        }
    }
    values.iter().map(|value| if value.is_nan() { f64::NAN } else { (value - theta).max(0.0) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_of_the_simplex_stays() {
        assert_eq!(project(&[0.25, 0.75], 1.0), [0.25, 0.75]);
    }

    #[test]
    fn what_lies_outside_comes_to_the_nearest_face() {
        assert_eq!(project(&[2.0, 0.0, -1.0], 1.0), [1.0, 0.0, 0.0]);
        assert_eq!(project(&[1.0, 1.0], 1.0), [0.5, 0.5]);
        assert_eq!(project(&[1.0, 0.5], 0.5), [0.5, 0.0]);
    }
}
