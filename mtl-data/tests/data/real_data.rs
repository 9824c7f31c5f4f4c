//! The rows of Census-Income and KuaiRand-Pure that the reference baseline sees: the same counts, positives and table rows.

use std::path::Path;

use crate::shared::{binary, category, number, real_data, schema};
use mtl_data::schema::*;
use mtl_data::split;
use mtl_data::{Dataset, Encoder, Header, Ids, ReadOptions, Table};
use mtl_eval::metrics;

const CENSUS: [&str; 42] = [
    "age",
    "class_of_worker",
    "industry",
    "occupation",
    "education",
    "wage_per_hour",
    "enrolled_in_education",
    "marital_status",
    "major_industry",
    "major_occupation",
    "race",
    "hispanic_origin",
    "sex",
    "union_member",
    "unemployment_reason",
    "employment",
    "capital_gains",
    "capital_losses",
    "dividends",
    "tax_filer",
    "previous_region",
    "previous_state",
    "household",
    "household_summary",
    "weight",
    "migration_msa",
    "migration_region",
    "migration_within_region",
    "same_house_last_year",
    "previous_sunbelt",
    "employer_size",
    "parents_present",
    "birth_country_father",
    "birth_country_mother",
    "birth_country",
    "citizenship",
    "own_business",
    "veterans_questionnaire",
    "veterans_benefits",
    "weeks_worked",
    "year",
    "income",
];

fn census_schema() -> Schema {
    let is = |column: &str, value: &str| {
        let (column, value) = (column.to_owned(), Constant::Text(value.to_owned()));
        Label::Where(Condition::Compare { column, op: Compare::Equal, value })
    };
    let feature = |name: &str| match name {
        "age" | "employer_size" | "weeks_worked" => Some(number(name, Transform::None)),
        "wage_per_hour" | "capital_gains" | "capital_losses" | "dividends" => Some(number(name, Transform::Log1p)),
        "marital_status" | "weight" | "income" => None,
        _ => Some(category(name)),
    };
    let tasks =
        vec![binary("income", is("income", "50000+.")), binary("never_married", is("marital_status", "Never married"))];
    schema(CENSUS.iter().filter_map(|name| feature(name)).collect(), tasks)
}

fn positives(dataset: &Dataset) -> Vec<usize> {
    dataset.labels.iter().map(|labels| labels.iter().filter(|&&label| label == 1.0).count()).collect()
}

fn total_rows(encoder: &Encoder) -> usize {
    (0..encoder.schema().features.len()).map(|feature| encoder.table_rows(feature)).sum()
}

#[test]
fn census_rows_agree_with_the_baseline() {
    let Some(folder) = real_data("census_income_kdd") else { return };
    let schema = census_schema();
    let options = ReadOptions {
        header: Header::Names(CENSUS.map(str::to_owned).to_vec()),
        trim: true,
        ..ReadOptions::for_schema(&schema)
    };
    let read = |name: &str| Table::read(folder.join(name), &options).unwrap().table;
    let (train, test) = (read("census-income.data.gz"), read("census-income.test.gz"));
    let validation = split::smallest(test.rows(), test.rows() / 2, 2018);
    let rest: Vec<bool> = validation.iter().map(|chosen| !chosen).collect();

    let encoder = Encoder::fit(&schema, &train).unwrap();
    assert_eq!((schema.width(), total_rows(&encoder)), (263, 520));
    let encode = |table: &Table| encoder.encode(table).unwrap();
    let (train, validation, test) =
        (encode(&train), encode(&test.filter(&validation).unwrap()), encode(&test.filter(&rest).unwrap()));
    assert_eq!((train.rows, validation.rows, test.rows), (199_523, 49_881, 49_881));
    assert_eq!(positives(&train), [12_382, 86_485]);
    assert_eq!(positives(&validation), [3_103, 21_528]);
    assert_eq!(positives(&test), [3_083, 21_615]);
}

fn kuairand(folder: &Path) -> [Table; 3] {
    let read = |name: &str| Table::read(folder.join(name), &ReadOptions::default()).unwrap().table;
    let log =
        Table::concat(&[read("log_standard_20220425-20220430.csv.gz"), read("log_standard_20220501-20220508.csv.gz")])
            .unwrap();
    assert_eq!(log.rows(), 228_329);
    let log = log.drop_duplicates();
    let integers = |name: &str| log.ids(name).unwrap().as_integers().unwrap().clone();
    let hour: Vec<Option<i64>> = integers("hourmin").iter().map(|time| time.map(|time| time / 100)).collect();
    let date = integers("date");
    let day = |from: i64, to: i64| date.iter().map(|date| date.is_some_and(|d| (from..=to).contains(&d))).collect();
    let splits: [Vec<bool>; 3] = [day(0, 20220504), day(20220505, 20220506), day(20220507, i64::MAX)];
    let all = log.with_column("hour", Ids::from(hour)).unwrap();
    let all = all.left_join(&read("user_features_pure.csv.gz"), "user_id").unwrap();
    let all = all.left_join(&read("video_features_basic_pure.csv.gz"), "video_id").unwrap();
    splits.map(|mask| all.filter(&mask).unwrap())
}

fn kuairand_schema() -> Schema {
    let mut categories: Vec<String> =
        "user_id video_id author_id music_id tag video_type upload_type upload_dt music_type \
        tab hour user_active_degree is_live_streamer is_video_author follow_user_num_range fans_user_num_range \
        friend_user_num_range register_days_range"
            .split_whitespace()
            .map(str::to_owned)
            .collect();
    categories.extend((0..18).map(|i| format!("onehot_feat{i}")));
    let numbers = "duration_ms follow_user_num fans_user_num friend_user_num register_days server_width server_height";
    let numbers = numbers.split_whitespace().map(|name| number(name, Transform::Log1p));
    let task = |name: &str| binary(name, Label::Column(name.to_owned()));
    let mut schema = schema(
        categories.iter().map(|name| category(name)).chain(numbers).collect(),
        ["is_click", "long_view", "is_like"].map(task).to_vec(),
    );
    schema.group_by = Some("user_id".to_owned());
    schema
}

#[test]
fn kuairand_rows_agree_with_the_baseline() {
    let Some(folder) = real_data("kuairand_pure_subset") else { return };
    let [train, validation, test] = kuairand(&folder);
    assert_eq!([train.rows(), validation.rows(), test.rows()], [167_281, 26_683, 28_905]);

    let schema = kuairand_schema();
    let encoder = Encoder::fit(&schema, &train).unwrap();
    assert_eq!((schema.width(), total_rows(&encoder), encoder.table_rows(0)), (295, 43_710, 24_077));
    let encode = |table: &Table| encoder.encode(table).unwrap();
    assert_eq!(positives(&encode(&train)), [75_453, 53_219, 2_964]);
    assert_eq!(positives(&encode(&validation)), [11_567, 8_064, 402]);
    let test = encode(&test);
    assert_eq!(positives(&test), [13_050, 9_239, 508]);

    // The users with both classes do not depend on the scores: constant ones give each an AUC of one half.
    let groups = test.groups.as_ref().unwrap();
    let used = |labels: &Vec<f32>| {
        metrics::gauc(&vec![0.0; test.rows], labels, None, groups, metrics::GroupWeight::Rows).unwrap().unwrap()
    };
    let gauc: Vec<_> = test.labels.iter().map(used).collect();
    assert_eq!(gauc.iter().map(|gauc| gauc.groups_used).collect::<Vec<_>>(), [3_866, 3_510, 284]);
    assert!(gauc.iter().all(|gauc| gauc.value == 0.5));
}
