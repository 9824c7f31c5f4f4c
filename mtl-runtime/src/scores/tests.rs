use super::*;

#[test]
fn equal_predictions_share_the_middle_of_their_places() {
    let groups = [7, 3, 7, 7, 3, 7, 7];
    assert_eq!(positions(&[0.1, 0.5, 0.9, 0.4, 0.2, 0.4, 0.4], &groups), [5.0, 1.0, 1.0, 3.0, 2.0, 3.0, 3.0]);
    assert_eq!(positions(&[0.0, -0.0], &[1, 1]), [1.5, 1.5]);
    assert_eq!(positions(&[], &[]), [0.0; 0]);
}

/// The place is 1 and the number of greater values, and half of the equal ones.
#[test]
fn places_are_counted() {
    let mut rng = mtl_data::Rng::keyed(4, "places");
    let values: Vec<f32> = (0..500).map(|_| (rng.normal() * 4.0).round() as f32).collect();
    let groups: Vec<u64> = (0..500).map(|row| row * row % 7).collect();
    let places = positions(&values, &groups);
    for row in 0..values.len() {
        let count = |is: &dyn Fn(f32) -> bool| {
            (0..values.len()).filter(|&other| groups[other] == groups[row] && is(values[other])).count() as f64
        };
        let expected = 1.0 + count(&|other| other > values[row]) + (count(&|other| other == values[row]) - 1.0) / 2.0;
        assert_eq!(places[row], expected);
    }
}

#[test]
fn a_task_without_calibrator_is_as_predicted() {
    let mut calibrators = Calibrators::default();
    assert_eq!(calibrators.apply("click", 0.25), 0.25);
    calibrators.set("click", Calibrator::DownSampling { rate: 0.5 });
    let expected = 0.125 / 0.875;
    assert_eq!((calibrators.apply("click", 0.25), calibrators.apply("like", 0.25)), (expected, 0.25));
}
