use super::*;
use crate::EvalError;

mod brute;

const SCORES: [f32; 5] = [0.9, 0.5, 0.5, 0.5, 0.1];
const LABELS: [f32; 5] = [1.0, 1.0, 0.0, 0.0, 0.0];

fn close(found: Result<Option<f64>, EvalError>, expected: f64) {
    let found = found.unwrap().unwrap();
    assert!((found - expected).abs() < 1e-6, "{found} {expected}");
}

#[test]
fn a_tie_counts_one_half() {
    close(auc(&SCORES, &LABELS, None), 0.833_333_333);
    close(auc(&[0.0, -0.0], &[1.0, 0.0], None), 0.5);
}

#[test]
fn weights_count_rows_that_often() {
    close(auc(&SCORES, &LABELS, Some(&[1.0; 5])), 0.833_333_333);
    // Pairs: 3 * 5. The first positive wins 5, the tied one 2 * (2 / 2 + 3).
    close(auc(&SCORES, &LABELS, Some(&[1.0, 2.0, 1.0, 1.0, 3.0])), 13.0 / 15.0);
}

#[test]
fn undefined_is_none_and_nan_is_an_error() {
    assert_eq!(auc(&[0.1, 0.2], &[1.0, 1.0], None).unwrap(), None);
    assert_eq!(auc(&[], &[], None).unwrap(), None);
    assert_eq!(logloss(&[0.5], &[f32::NAN], None).unwrap(), None);
    assert_eq!(pcoc(&[0.5], &[0.0], None).unwrap(), None);
    assert_eq!(gauc(&[0.1, 0.2], &[1.0, 0.0], None, &[1, 2], GroupWeight::Rows).unwrap(), None);
    let error = rmse(&[0.5, f32::NAN], &[1.0, 1.0], None).unwrap_err();
    assert_eq!(error.row(), Some(1));
    assert!(auc(&[0.5], &[1.0, 0.0], None).is_err());
    assert!(auc(&[0.5, 0.5], &[2.0, 0.0], None).is_err());
    assert!(gauc(&[0.5], &[1.0], None, &[], GroupWeight::Rows).is_err());
}

#[test]
fn rows_without_label_or_weight_do_not_count() {
    let scores = [f32::NAN, 0.9, 0.5, 0.5, 0.5, 0.1, f32::NAN];
    let labels = [f32::NAN, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    close(auc(&scores, &labels, Some(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0])), 0.833_333_333);
}

#[test]
fn gauc_weighs_groups_by_rows_and_leaves_out_one_class() {
    // Group 1: AUC 1 over 2 rows; group 2: AUC 0 over 4 rows, 1 positive; group 3: one class.
    let scores = [0.9, 0.1, 0.1, 0.2, 0.3, 0.4, 0.5];
    let labels = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let result = gauc(&scores, &labels, None, &[1, 1, 2, 2, 2, 2, 3], GroupWeight::Rows).unwrap().unwrap();
    assert!((result.value - 2.0 / 6.0).abs() < 1e-12);
    assert_eq!((result.groups_used, result.groups, result.rows_used, result.rows), (2, 3, 6, 7));
}

#[test]
fn goldens() {
    close(logloss(&[0.8, 0.3], &[1.0, 0.0], None), -(0.8f64.ln() + 0.7f64.ln()) / 2.0);
    close(logloss(&[0.8, 0.3], &[1.0, 0.0], Some(&[3.0, 1.0])), -(3.0 * 0.8f64.ln() + 0.7f64.ln()) / 4.0);
    // Clipped, not infinite.
    close(logloss(&[0.0], &[1.0], None), -(1e-7f64.ln()));
    close(logloss(&[1.0], &[0.0], None), -(1e-7f64.ln()));
    close(pcoc(&[0.5, 0.3, 0.4], &[1.0, 0.0, 0.0], None), 1.2);
    close(pcoc(&[0.5, 0.3, 0.4], &[1.0, 0.0, 0.0], Some(&[1.0, 2.0, 0.0])), 1.1);
    close(rmse(&[1.0, 2.0], &[2.0, 4.0], None), 2.5f64.sqrt());
}

#[test]
fn gauc_by_each_rule() {
    let scores = [0.9, 0.1, 0.1, 0.2, 0.3, 0.4];
    let labels = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
    // AUC 1 with 2 rows and 1 positive; AUC 1/2 with 4 rows and 2 positives.
    let of = |rule| gauc(&scores, &labels, None, &[1, 1, 2, 2, 2, 2], rule).unwrap().unwrap().value;
    assert!((of(GroupWeight::Rows) - (2.0 + 2.0) / 6.0).abs() < 1e-12);
    assert!((of(GroupWeight::Positives) - (1.0 + 1.0) / 3.0).abs() < 1e-12);
    assert!((of(GroupWeight::None) - 0.75).abs() < 1e-12);
    let weights = [2.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    let found = gauc(&scores, &labels, Some(&weights), &[1, 1, 2, 2, 2, 2], GroupWeight::Positives).unwrap().unwrap();
    assert!((found.value - (2.0 + 1.0) / 4.0).abs() < 1e-12);
}

#[test]
fn goldens_of_lists() {
    let scores = [0.4, 0.3, 0.2, 0.1];
    let labels = [0.0, 1.0, 1.0, 0.0];
    let of = |metric: &str| {
        let columns = Columns::new(&scores, &labels).groups(Some(&[7; 4]));
        metric.parse::<Metric>().unwrap().of(columns).unwrap().unwrap()
    };
    for (metric, expected) in [
        ("ndcg@3", 0.693_426),
        ("map@4", (0.5 + 2.0 / 3.0) / 2.0),
        ("map@2", 0.25),
        ("recall@2", 0.5),
        ("hit_rate@1", 0.0),
        ("hit_rate@2", 1.0),
        ("mrr", 0.5),
    ] {
        assert!((of(metric) - expected).abs() < 1e-6, "{metric} {}", of(metric));
    }
}

#[test]
fn lists_without_a_relevant_row_are_left_out_and_bad_options_refused() {
    let (scores, labels, groups) = ([0.1, 0.2, 0.3], [1.0, 0.0, 0.0], [1, 1, 2]);
    let of = |metric: ListMetric, labels: &[f32]| metric.of(Columns::new(&scores, labels).groups(Some(&groups)));
    let found = of(ListMetric::Recall(2), &labels).unwrap().unwrap();
    assert_eq!((found.value, found.groups_used, found.groups, found.rows_used, found.rows), (1.0, 1, 2, 2, 3));
    assert_eq!(of(ListMetric::Mrr, &[0.0; 3]).unwrap(), None);
    assert!(of(ListMetric::Ndcg(0), &labels).is_err());
    assert!(of(ListMetric::Ndcg(3), &[-1.0, 0.0, 0.0]).is_err());
    assert!(Metric::Mrr.of(Columns::new(&scores, &labels)).is_err());
    assert!(auc(&[0.1, 0.2], &[1.0, 0.0], Some(&[-1.0, 1.0])).is_err());
    assert!(rmse(&[0.1], &[f32::INFINITY], None).is_err());
}

#[test]
fn more_goldens() {
    // The entropy of a mean of 1/4, and a constant that says so.
    close(normalized_entropy(&[0.25; 4], &[1.0, 0.0, 0.0, 0.0], None), 1.0);
    assert_eq!(normalized_entropy(&[0.5], &[1.0], None).unwrap(), None);
    close(mae(&[1.0, 2.0], &[2.0, 4.0], None), 1.5);
    close(accuracy(&[0.5, 0.4, 0.9], &[1.0, 1.0, 1.0], None), 2.0 / 3.0);
    // Pairs: (1, 2) right, (1, 3) tied, (2, 3) wrong; the second 3 adds a right one, a right one and a skipped one.
    close(xauc(&[0.1, 0.5, 0.1, 0.9], &[1.0, 2.0, 3.0, 3.0], None), 3.5 / 5.0);
    assert_eq!(xauc(&[0.1, 0.2], &[1.0, 1.0], None).unwrap(), None);
}

#[test]
fn multi_auc_of_two_cells_is_auc() {
    close(multi_auc(&SCORES, &LABELS, None, false), 0.833_333_333);
    close(multi_auc(&SCORES, &LABELS, None, true), 0.833_333_333);
    // Perfect order of four cells.
    let cells = [3.0, 2.0, 1.0, 0.0, 0.0];
    close(multi_auc(&[0.9, 0.8, 0.7, 0.6, 0.5], &cells, None, false), 1.0);
    close(multi_auc(&[0.9, 0.8, 0.7, 0.6, 0.5], &cells, None, true), 1.0);
    // Cells 0, 1, 2 with 2, 1, 1 rows; only the pair (1, 2) is wrong.
    let scores = [0.1, 0.2, 0.9, 0.8];
    close(multi_auc(&scores, &[0.0, 0.0, 1.0, 2.0], None, false), 2.0 / 3.0);
    close(multi_auc(&scores, &[0.0, 0.0, 1.0, 2.0], None, true), 6.0 / 8.0);
    assert_eq!(multi_auc(&[0.5], &[1.0], None, false).unwrap(), None);
}

#[test]
fn gains_over_a_baseline() {
    let gain = |value, baseline, higher_is_better| Gain { value, baseline, higher_is_better };
    let tasks = [vec![gain(0.77, 0.7, true)], vec![gain(0.9, 1.0, false), gain(2.0, 2.0, true)]];
    assert!((delta_m(&tasks).unwrap() - 7.5).abs() < 1e-9);
    assert_eq!(delta_m(&[]), None);
    assert_eq!(delta_m(&[vec![gain(1.0, 0.0, true)]]), None);
    assert_eq!(delta_m(&[vec![]]), None);
    assert!((relative_improvement(0.77, 0.75).unwrap() - 8.0).abs() < 1e-9);
    assert_eq!(relative_improvement(0.7, 0.5), None);
}

#[test]
fn names_are_read_as_they_are_written() {
    for name in [
        "auc",
        "gauc",
        "gauc_by_positives",
        "gauc_by_groups",
        "logloss",
        "ne",
        "pcoc",
        "ece",
        "ece@15",
        "accuracy",
        "rmse",
        "mae",
        "xauc",
        "ndcg@10",
        "map@5",
        "recall@1",
        "hit_rate@3",
        "mrr",
    ] {
        assert_eq!(name.parse::<Metric>().unwrap().to_string(), name);
    }
    for name in ["", "AUC", "ndcg", "ndcg@0", "ndcg@x", "auc@3", "ece@0"] {
        assert!(name.parse::<Metric>().is_err(), "{name}");
    }
}
