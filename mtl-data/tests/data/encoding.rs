//! Encoding: what becomes which row of which table, which label counts, and what is refused.

use crate::shared::{binary, category, number, schema};
use mtl_data::schema::*;
use mtl_data::{Bags, Column, DataError, Encoder, FeatureValues, Ids, Labels, Numbers, ReadOptions, Table};

fn table(columns: Vec<(&str, Column)>) -> Table {
    Table::from_columns(columns).unwrap()
}

fn ids(values: Vec<Option<i64>>) -> Column {
    Ids::from(values).into()
}

fn with_rows(mut feature: Feature, new_rows: Rows, new_unseen: Unseen) -> Feature {
    if let FeatureKind::Id { rows, unseen, .. } | FeatureKind::Ids { rows, unseen, .. } = &mut feature.kind {
        (*rows, *unseen) = (new_rows, new_unseen);
    }
    feature
}

fn history(share: Option<&str>, max_len: usize) -> Feature {
    let kind = FeatureKind::Ids {
        words: false,
        rows: Rows::Vocabulary { min_count: 1 },
        dim: 8,
        unseen: Unseen::Own,
        init: 0.01,
        share: share.map(str::to_owned),
        max_len,
        pool: Pool::Mean,
    };
    Feature { kind, ..category("history") }
}

fn one(feature: Feature) -> Schema {
    schema(vec![feature], vec![])
}

fn is(column: &str, value: f64) -> Condition {
    Condition::Compare { column: column.to_owned(), op: Compare::Equal, value: Constant::Number(value) }
}

fn label(column: &str) -> Label {
    Label::Column(column.to_owned())
}

fn encoded(schema: &Schema, train: &Table, test: &Table) -> FeatureValues {
    Encoder::fit(schema, train).unwrap().encode(test).unwrap().features.remove(0)
}

#[test]
fn missing_unseen_and_known_ids_have_their_rows() {
    let train = table(vec![("id", ids(vec![Some(9), Some(-4), None, Some(9)]))]);
    let test = table(vec![("id", ids(vec![None, Some(5), Some(-4), Some(9)]))]);
    let vocabulary = |min_count| Rows::Vocabulary { min_count };
    let own = one(with_rows(category("id"), vocabulary(1), Unseen::Own));
    assert_eq!(encoded(&own, &train, &test), FeatureValues::Id(vec![0, 1, 2, 3]));
    assert_eq!(Encoder::fit(&own, &train).unwrap().table_rows(0), 4);
    let missing = one(with_rows(category("id"), vocabulary(1), Unseen::Missing));
    assert_eq!(encoded(&missing, &train, &test), FeatureValues::Id(vec![0, 0, 1, 2]));
    // -4 occurs once: too rare.
    let frequent = one(with_rows(category("id"), vocabulary(2), Unseen::Own));
    assert_eq!(encoded(&frequent, &train, &test), FeatureValues::Id(vec![0, 1, 1, 2]));
    let error = Encoder::fit(&one(with_rows(category("id"), vocabulary(3), Unseen::Own)), &train).unwrap_err();
    assert!(error.message().contains("no value occurs 3 times"), "{error}");
}

#[test]
fn buckets_take_every_id_and_agree_between_kinds_of_columns() {
    let schema = one(with_rows(category("id"), Rows::Buckets(7), Unseen::Own));
    let integers = table(vec![("id", ids((0..100).map(Some).chain([None]).collect()))]);
    let texts: Vec<String> = (0..100).map(|i| i.to_string()).collect();
    let texts = table(vec![("id", Ids::from(texts.into_iter().map(Some).chain([None]).collect::<Vec<_>>()).into())]);
    let encoder = Encoder::fit(&schema, &integers).unwrap();
    assert_eq!(encoder.table_rows(0), 8);
    let rows = encoder.encode(&integers).unwrap().features.remove(0);
    assert_eq!(rows, encoder.encode(&texts).unwrap().features.remove(0));
    let FeatureValues::Id(rows) = rows else { panic!("ids") };
    assert_eq!(rows[100], 0);
    assert!((1..=7).all(|bucket| rows[..100].contains(&bucket)) && rows.iter().all(|&row| row <= 7));
}

#[test]
fn a_bag_shares_the_table_of_its_owner() {
    let schema = schema(vec![history(Some("video"), 2), category("video")], vec![]);
    let bags = |rows: Vec<Vec<i64>>| Column::from(Bags::from(rows));
    let train = table(vec![("video", ids(vec![Some(5), Some(7)])), ("history", bags(vec![vec![], vec![5, 6]]))]);
    let encoder = Encoder::fit(&schema, &train).unwrap();
    assert_eq!((encoder.table_of(0), encoder.table_of(1)), (Some(1), Some(1)));
    // 5, 6 (from the history) and 7; unseen ids go to the owner's row for them: that of missing ones.
    assert_eq!((encoder.table_rows(0), encoder.table_rows(1)), (4, 4));
    let test = table(vec![("video", ids(vec![Some(7), Some(6)])), ("history", bags(vec![vec![5, 6, 7], vec![8]]))]);
    let features = encoder.encode_features(&test).unwrap().features;
    assert_eq!(features[0], FeatureValues::Ids { offsets: vec![0, 2, 3], rows: vec![2, 3, 0] });
    assert_eq!(features[1], FeatureValues::Id(vec![3, 2]));

    for other in ["nobody", "history"] {
        let schema = mtl_data::schema::Schema { features: vec![history(Some(other), 2)], ..schema.clone() };
        assert!(Encoder::fit(&schema, &train).is_err(), "{other}");
    }
}

#[test]
fn an_indicator_marks_missing_numbers() {
    let mut feature = number("x", Transform::None);
    let t = table(vec![("x", Numbers::from(vec![Some(1.0), Some(3.0), None]).into())]);
    let values = vec![-1.0, 1.0, 0.0];
    assert_eq!(encoded(&one(feature.clone()), &t, &t), FeatureValues::Number { values: values.clone(), missing: None });
    if let FeatureKind::Number { missing, .. } = &mut feature.kind {
        *missing = MissingNumber::Indicator;
    }
    let missing = Some(vec![0.0, 0.0, 1.0]);
    assert_eq!(encoded(&one(feature), &t, &t), FeatureValues::Number { values, missing });
}

#[test]
fn statistics_come_from_the_training_rows_alone() {
    let schema = schema(vec![category("id"), number("x", Transform::Log1p)], vec![]);
    let train = table(vec![("id", ids(vec![Some(1), Some(2)])), ("x", Numbers(vec![0.0, 1.0]).into())]);
    let encoder = Encoder::fit(&schema, &train).unwrap();
    let json = serde_json::to_string(&encoder).unwrap();
    for test in [vec![Some(1), Some(3)], vec![Some(77), None]] {
        encoder.encode(&table(vec![("id", ids(test)), ("x", Numbers(vec![1e6, 2e6]).into())])).unwrap();
    }
    assert_eq!(serde_json::to_string(&encoder).unwrap(), json);
    assert_eq!(serde_json::from_str::<Encoder>(&json).unwrap(), encoder);
}

#[test]
fn labels_are_masked_by_missing_values_and_sample_spaces() {
    let mut buy = binary("buy", label("bought"));
    buy.sample_space = Some(is("clicked", 1.0));
    buy.weight_column = Some("w".to_owned());
    let high = binary("high", Label::Where(is("price", 2.0)));
    let schema = Schema { group_by: Some("user".to_owned()), ..schema(vec![], vec![buy, high]) };
    let t = table(vec![
        ("bought", Labels::from(vec![Some(1.0), Some(0.0), None, Some(0.5), Some(1.0)]).into()),
        ("clicked", ids(vec![Some(1), Some(0), Some(1), Some(1), None])),
        ("w", Numbers(vec![2.0, -1.0, f64::NAN, 0.0, f64::NAN]).into()),
        ("price", Numbers(vec![2.0, 1.0, f64::NAN, 2.0, 3.0]).into()),
        ("user", ids(vec![Some(1), Some(2), Some(1), Some(3), Some(3)])),
    ]);
    let data = Encoder::fit(&schema, &t).unwrap().encode(&t).unwrap();
    let shown: Vec<Vec<String>> = data.labels.iter().map(|l| l.iter().map(f32::to_string).collect()).collect();
    assert_eq!(shown, [["1", "NaN", "NaN", "0.5", "NaN"], ["1", "0", "NaN", "1", "0"]]);
    // Weights of rows that do not count are not looked at.
    assert_eq!((data.weights[0].as_ref().unwrap()[0], data.weights[0].as_ref().unwrap()[3]), (2.0, 0.0));
    assert_eq!(data.weights[1], None);
    let groups = data.groups.unwrap();
    assert!(groups[0] == groups[2] && groups[3] == groups[4] && groups[0] != groups[1] && groups[1] != groups[3]);
}

#[test]
fn a_chained_event_without_its_condition_is_a_warning_with_a_count() {
    let mut buy = binary("buy", label("buy"));
    buy.given = Some(0);
    let schema = schema(vec![], vec![binary("click", label("click")), buy]);
    let labels = |values: Vec<f64>| Column::from(Labels(values));
    let t = table(vec![("click", labels(vec![1.0, 0.0, 0.0, f64::NAN])), ("buy", labels(vec![1.0, 1.0, 0.0, 1.0]))]);
    let warnings = Encoder::fit(&schema, &t).unwrap().encode(&t).unwrap().warnings;
    assert_eq!(warnings, ["`buy` is given `click`, but 1 rows have a larger label of `buy` than of `click`"]);
}

fn refused(task: Task, columns: Vec<(&str, Column)>) -> DataError {
    let (schema, t) = (schema(vec![], vec![task]), table(columns));
    Encoder::fit(&schema, &t).unwrap().encode(&t).unwrap_err()
}

#[test]
fn wrong_labels_and_weights_name_row_column_and_value() {
    let numbers = |values: Vec<f64>| Column::from(Numbers(values));
    let error = refused(binary("click", label("y")), vec![("y", numbers(vec![1.0, 2.0]))]);
    assert_eq!((error.row(), error.column(), error.value()), (Some(1), Some("y"), Some("2")));
    let kind = TaskKind::Regression { transform: Transform::Log1p, loss: RegressionLoss::Mse };
    let error = refused(Task { kind, ..binary("watch", label("y")) }, vec![("y", numbers(vec![0.0, -3.0]))]);
    assert_eq!((error.row(), error.value()), (Some(1), Some("-3")));
    let kind = TaskKind::Regression { transform: Transform::None, loss: RegressionLoss::Poisson };
    let error = refused(Task { kind, ..binary("clicks", label("y")) }, vec![("y", numbers(vec![0.0, 0.5, -1.0]))]);
    assert_eq!((error.row(), error.column(), error.value()), (Some(2), Some("y"), Some("-1")));
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        let task = Task { weight_column: Some("w".to_owned()), ..binary("click", label("y")) };
        let error = refused(task, vec![("y", numbers(vec![1.0])), ("w", numbers(vec![weight]))]);
        assert_eq!((error.row(), error.column()), (Some(0), Some("w")), "{weight}");
    }
    let error = refused(binary("click", label("z")), vec![("y", numbers(vec![1.0]))]);
    assert_eq!((error.column(), error.help()), (Some("z"), Some("the columns are: y")));
}

#[test]
fn columns_of_the_wrong_kind_name_the_remedy() {
    let t = table(vec![("id", Numbers(vec![1.0]).into()), ("history", ids(vec![Some(1)]))]);
    let error = Encoder::fit(&one(category("id")), &t).unwrap_err();
    assert!(error.to_string().contains("holds numbers, and ids are needed"), "{error}");
    let error = Encoder::fit(&one(history(None, 5)), &t).unwrap_err();
    assert!(error.to_string().contains("`lists` of the read options"), "{error}");
    let missing = Schema { group_by: Some("history".to_owned()), ..schema(vec![], vec![]) };
    let t = table(vec![("history", ids(vec![Some(1), None]))]);
    assert_eq!(Encoder::fit(&missing, &t).unwrap().encode(&t).unwrap_err().row(), Some(1));
    assert!(Encoder::fit(&missing, &t.take(&[])).is_err());
}

#[test]
fn a_schema_says_which_columns_to_read_and_how() {
    let mut task = binary("click", label("y"));
    task.sample_space = Some(is("shown", 1.0));
    task.weight_column = Some("w".to_owned());
    let features = vec![
        category("video"),
        history(Some("video"), 5),
        number("x", Transform::None),
        number("video", Transform::None),
    ];
    let schema = Schema { group_by: Some("user".to_owned()), ..schema(features, vec![task]) };
    let options = ReadOptions::for_schema(&schema);
    assert_eq!(options.columns.unwrap(), ["video", "history", "x", "y", "shown", "w", "user"]);
    assert_eq!(
        (options.numbers, options.lists),
        (vec!["x".into(), "y".into(), "w".into()], vec!["history".to_owned()])
    );
    assert_eq!(ReadOptions::for_features(&schema).columns.unwrap(), ["video", "history", "x"]);
}

fn text(name: &str, share: Option<&str>, rows: Rows, unseen: Unseen) -> Feature {
    let Feature { kind: FeatureKind::Ids { dim, init, share, max_len, pool, .. }, .. } = history(share, 3) else {
        unreachable!()
    };
    let kind = FeatureKind::Ids { words: true, rows, dim, unseen, init, share, max_len, pool };
    Feature { kind, ..category(name) }
}

fn texts(values: &[Option<&str>]) -> Column {
    Ids::from(values.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()).into()
}

#[test]
fn the_words_of_a_text_are_its_ids() {
    let train = table(vec![("a", texts(&[Some("Soft, very SOFT fabric"), Some("fabric 12")]))]);
    let test = table(vec![("a", texts(&[Some("12 soft new fabric"), None, Some("?!"), Some("very")]))]);
    // The fourth word of a training row earns no row: nobody reads it. In order: 12, fabric (of the second row), soft, very.
    let vocabulary = Rows::Vocabulary { min_count: 1 };
    let offsets = vec![0, 3, 3, 3, 4];
    for (unseen, rows) in [(Unseen::Own, vec![2, 4, 1, 5]), (Unseen::Missing, vec![1, 3, 0, 4])] {
        let schema = one(text("a", None, vocabulary, unseen));
        assert_eq!(encoded(&schema, &train, &test), FeatureValues::Ids { offsets: offsets.clone(), rows });
    }
    let FeatureValues::Ids { rows, .. } = encoded(&one(text("a", None, Rows::Buckets(9), Unseen::Own)), &train, &test)
    else {
        panic!("words")
    };
    let bucket = |word: &str| 1 + (mtl_data::Id::parse(word).hash64() % 9) as u32;
    assert_eq!(rows, ["12", "soft", "new", "very"].map(bucket));
    let rare = one(text("a", None, Rows::Vocabulary { min_count: 3 }, Unseen::Own));
    assert!(Encoder::fit(&rare, &train).is_err());
}

#[test]
fn texts_share_a_table_and_are_read_as_texts() {
    let vocabulary = Rows::Vocabulary { min_count: 1 };
    let schema = schema(
        vec![text("a", None, vocabulary, Unseen::Own), text("b", Some("a"), vocabulary, Unseen::Own)],
        Vec::new(),
    );
    let csv = "a,b\nred dress,Blue dress\n,red\n";
    let read = Table::read_from(csv.as_bytes(), "t.csv", &ReadOptions::for_schema(&schema)).unwrap();
    let encoder = Encoder::fit(&schema, &read.table).unwrap();
    assert_eq!(encoder.table_of(1), Some(0));
    let features = encoder.encode(&read.table).unwrap().features;
    // blue, dress, red.
    assert_eq!(features[0], FeatureValues::Ids { offsets: vec![0, 2, 2], rows: vec![4, 3] });
    assert_eq!(features[1], FeatureValues::Ids { offsets: vec![0, 2, 3], rows: vec![2, 3, 4] });
}
