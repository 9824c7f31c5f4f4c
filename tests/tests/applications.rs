//! Whole trainings through the library: the simulated feed against what is reachable, KuaiRand and Census against the reference
//! baseline. Small runs of few epochs; the README's table has the full ones.

use mtl_data::simulator::FeedOptions;
use mtl_examples::feed::Feed as Data;
use mtl_examples::{census, kuairand};
use mtl_runtime::report::Report;
use mtl_runtime::{Model, Splits, Trainer, mtl_file};
use mtl_tests::real_data;

mtl_file!("../specs/feed.mtl");
mtl_file!("../specs/kuairand_shared_bottom.mtl");
mtl_file!("../specs/census_shared_bottom.mtl");

fn trained<M: Model>(config: M::Config, splits: Splits) -> Report {
    Trainer::<M>::new(config, splits).fit().expect("the training ends").report
}

fn test_auc(report: &Report, task: &str) -> f64 {
    let test = report.split.get("test").expect("test rows");
    test.tasks.get(task).and_then(|metrics| metrics.auc).unwrap_or_else(|| panic!("an AUC of {task}"))
}

#[test]
fn the_feed_comes_near_what_is_reachable_and_repeats_itself() {
    let data = Data::simulate(&FeedOptions { rows: 150_000, ..FeedOptions::default() }).unwrap();
    let mut config = FeedConfig::new();
    config.train.epochs = 3;
    let report = trained::<Feed>(config.clone(), data.splits());
    let best = data.simulation.best_auc("is_click", &data.rows[2]).unwrap().unwrap();
    let auc = test_auc(&report, "click");
    assert!(auc <= best + 0.01, "no model beats the truth by more than chance: {auc} {best}");
    assert!(auc > best - 0.04, "click AUC {auc}, and {best} is reachable");
    let again = trained::<Feed>(config, data.splits());
    assert_eq!(auc.to_bits(), test_auc(&again, "click").to_bits());
}

/// The baseline's mean over three seeds is .7268, .7200 and .7875.
#[test]
fn kuairand_agrees_with_the_baseline() {
    let Some(folder) = real_data("kuairand_pure_subset") else { return };
    let [train, validation, test] = kuairand::tables(&folder).unwrap();
    assert_eq!([train.rows(), validation.rows(), test.rows()], [167_281, 26_683, 28_905]);
    let report = trained::<KuairandSharedBottom>(
        KuairandSharedBottomConfig::new(),
        Splits { train, validation, test: Some(test) },
    );
    for (task, baseline, below) in
        [("is_click", 0.7268, 0.003), ("long_view", 0.7200, 0.003), ("is_like", 0.7875, 0.008)]
    {
        let auc = test_auc(&report, task);
        assert!(auc > baseline - below, "{task}: {auc}, baseline {baseline}");
    }
}

/// One epoch of ten: the baseline's logistic regression has .9448 and .9942.
#[test]
fn census_learns_in_one_epoch() {
    let Some(folder) = real_data("census_income_kdd") else { return };
    let mut config = CensusSharedBottomConfig::new();
    config.train.epochs = 1;
    let [train, validation, test] = census::tables(&folder, &CensusSharedBottom::schema(&config)).unwrap();
    assert_eq!([train.rows(), validation.rows(), test.rows()], [199_523, 49_881, 49_881]);
    let report = trained::<CensusSharedBottom>(config, Splits { train, validation, test: Some(test) });
    assert!(test_auc(&report, "income") > 0.935 && test_auc(&report, "never_married") > 0.990);
}
