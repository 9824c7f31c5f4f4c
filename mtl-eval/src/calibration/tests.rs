use proptest::prelude::*;

use super::*;
use crate::metrics::{auc, pcoc};

/// Predictions, and labels that happen with a probability `truth` of them.
fn drawn(n: usize, truth: impl Fn(f64) -> f64) -> (Vec<f32>, Vec<f32>) {
    let mut state = 7u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    (0..n)
        .map(|_| {
            let p = 0.01 + 0.98 * uniform();
            (p as f32, if uniform() < truth(p) { 1.0 } else { 0.0 })
        })
        .unzip()
}

#[test]
fn calibrated_predictions_stay() {
    let (p, y) = drawn(200_000, |p| p);
    match Method::Platt.fit(&p, &y, None).unwrap() {
        Calibrator::Platt { slope, offset } => assert!((slope - 1.0).abs() < 0.02 && offset.abs() < 0.02),
        other => panic!("{other}"),
    }
    match Method::Temperature.fit(&p, &y, None).unwrap() {
        Calibrator::Temperature { temperature } => assert!((temperature - 1.0).abs() < 0.02),
        other => panic!("{other}"),
    }
    let isotonic = Method::Isotonic.fit(&p, &y, None).unwrap();
    assert!((1..100).all(|i| (isotonic.apply(f64::from(i) / 100.0) - f64::from(i) / 100.0).abs() < 0.05));
}

#[test]
fn a_line_through_the_logits_is_found_again() {
    let (p, y) = drawn(200_000, |p| logistic::sigmoid(0.5 * logistic::logit(p) - 1.0));
    match Method::Platt.fit(&p, &y, None).unwrap() {
        Calibrator::Platt { slope, offset } => {
            assert!((slope - 0.5).abs() < 0.01 && (offset + 1.0).abs() < 0.02, "{slope} {offset}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn down_sampling_is_undone() {
    let found = Method::DownSampling(0.1).fit(&[], &[], None).unwrap();
    // Of 100 rows 10 are positive: with a tenth of the 90 others kept, 10 of 19.
    assert!((found.apply(10.0 / 19.0) - 0.1).abs() < 1e-12);
    assert!((found.apply(0.3) - logistic::sigmoid(logistic::logit(0.3) + 0.1f64.ln())).abs() < 1e-12);
    assert_eq!((found.apply(0.0), found.apply(1.0)), (0.0, 1.0));
    for rate in [0.0, -1.0, 1.5, f64::NAN] {
        assert!(Method::DownSampling(rate).fit(&[], &[], None).is_err());
    }
}

#[test]
fn hard_rows_have_finite_answers() {
    for method in [Method::Platt, Method::Temperature, Method::Isotonic] {
        assert!(method.fit(&[0.5], &[f32::NAN], None).is_err());
        assert!(method.fit(&[1.5], &[1.0], None).is_err());
        for (p, y) in [
            (vec![0.0, 1.0], vec![0.0, 1.0]),
            (vec![1.0, 0.0], vec![0.0, 1.0]),
            (vec![0.9, 0.8, 0.2], vec![0.0, 0.0, 1.0]),
            (vec![0.5; 3], vec![1.0; 3]),
            (vec![0.2, 0.7], vec![0.0; 2]),
        ] {
            let found = method.fit(&p, &y, None).unwrap();
            let values: Vec<f64> = (0..=100).map(|i| found.apply(f64::from(i) / 100.0)).collect();
            assert!(values.iter().all(|p| (0.0..=1.0).contains(p)), "{found} {values:?}");
            assert!(values.is_sorted(), "{found}");
        }
    }
}

#[test]
fn isotonic_pools_violators() {
    let found = Method::Isotonic.fit(&[0.1, 0.2, 0.2, 0.4, 0.6], &[0.0, 1.0, 1.0, 0.0, 1.0], None).unwrap();
    let values = [0.0, 0.1, 0.2, 0.4, 0.5, 0.6, 1.0].map(|p| found.apply(f64::from(p as f32)));
    let expected = [0.0, 0.0, 2.0 / 3.0, 2.0 / 3.0, 5.0 / 6.0, 1.0, 1.0];
    assert!(values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{values:?}");
}

proptest! {
    #[test]
    fn platt_keeps_auc_and_every_calibration_the_order(
        rows in prop::collection::vec((1u32..100, any::<bool>(), 1u8..4), 2..60)
    ) {
        let p: Vec<f32> = rows.iter().map(|row| row.0 as f32 / 100.0).collect();
        let y: Vec<f32> = rows.iter().map(|row| f32::from(row.1)).collect();
        let w: Vec<f32> = rows.iter().map(|row| f32::from(row.2)).collect();
        for method in [Method::Platt, Method::Temperature, Method::Isotonic, Method::DownSampling(0.2)] {
            let found = method.fit(&p, &y, Some(&w)).unwrap();
            let values: Vec<f64> = (0..=1000).map(|i| found.apply(f64::from(i) / 1000.0)).collect();
            prop_assert!(values.is_sorted());
            let text = serde_json::to_string(&found).unwrap();
            // JSON keeps all but the last bits.
            let read: Calibrator = serde_json::from_str(&text).unwrap();
            prop_assert!((read.apply(0.3) - found.apply(0.3)).abs() < 1e-9);
            if method != Method::Isotonic {
                // As f64: the slope may be small, and f32 would make ties.
                let rank = |values: Vec<f64>| -> Vec<f32> {
                    values.iter().map(|v| values.iter().filter(|other| *other < v).count() as f32).collect()
                };
                let after = rank(p.iter().map(|&p| found.apply(f64::from(p))).collect());
                prop_assert_eq!(auc(&p, &y, Some(&w)).unwrap(), auc(&after, &y, Some(&w)).unwrap());
            }
        }
    }

    #[test]
    fn isotonic_has_the_mean_of_the_labels_and_is_idempotent(
        rows in prop::collection::vec((0u32..30, any::<bool>(), 1u8..4), 1..80)
    ) {
        let p: Vec<f32> = rows.iter().map(|row| row.0 as f32 / 29.0).collect();
        let y: Vec<f32> = rows.iter().map(|row| f32::from(row.1)).collect();
        let w: Vec<f32> = rows.iter().map(|row| f32::from(row.2)).collect();
        let once = Method::Isotonic.fit(&p, &y, Some(&w)).unwrap().column(&p);
        if let Some(pcoc) = pcoc(&once, &y, Some(&w)).unwrap() {
            prop_assert!((pcoc - 1.0).abs() < 1e-6);
        }
        let twice = Method::Isotonic.fit(&once, &y, Some(&w)).unwrap().column(&once);
        prop_assert!(once.iter().zip(&twice).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
