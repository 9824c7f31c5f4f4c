//! KuaiRand-Pure (Gao et al., CIKM 2022): two weeks of the standard log, joined with users and videos, split by day.

use std::path::Path;

use mtl_data::{DataError, Ids, ReadOptions, Table};

/// Last day of the training rows and of the validation rows; later days are the test rows.
const LAST_DAYS: [i64; 2] = [20_220_504, 20_220_506];

/// Training (to 4 May), validation (5 and 6 May) and test rows (7 and 8 May) from the folder of the data set.
///
/// Exact duplicates in the log are dropped; `hour` is the hour of the impression.
pub fn tables(folder: &Path) -> Result<[Table; 3], DataError> {
    let read = |name: &str| Ok(Table::read(folder.join(name), &ReadOptions::default())?.table);
    let log = Table::concat(&[
        read("log_standard_20220425-20220430.csv.gz")?,
        read("log_standard_20220501-20220508.csv.gz")?,
    ])?
    .drop_duplicates();
    let dates = log.numbers("date")?.into_owned();
    let hours: Vec<Option<i64>> = log.numbers("hourmin")?.iter().map(|time| Some((time / 100.0) as i64)).collect();
    let rows = log
        .with_column("hour", Ids::from(hours))?
        .left_join(&read("user_features_pure.csv.gz")?, "user_id")?
        .left_join(&read("video_features_basic_pure.csv.gz")?, "video_id")?;

    let of_days = |from: i64, to: i64| {
        let mask: Vec<bool> = dates.iter().map(|&day| (from as f64) < day && day <= to as f64).collect();
        rows.filter(&mask)
    };
    Ok([of_days(0, LAST_DAYS[0])?, of_days(LAST_DAYS[0], LAST_DAYS[1])?, of_days(LAST_DAYS[1], i64::MAX)?])
}
