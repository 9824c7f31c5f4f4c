//! `evaluate`: chosen metrics, intervals, slices and changes against a baseline, on the command line and as a library.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use mtl_eval::metrics::{self, Columns, Metric};
use mtl_runtime::report::Report;
use mtl_runtime::{Baseline, Evaluation, Predictor, app, mtl};
use mtl_tests::normal;
use mtl_tests::training::folder;

mtl! { model Shop {
    features x { a: number, b: number }
    task click: binary;
    task buy: binary given click;
    task watch: regression;
    tower each = mlp(x, [8]);
    rank score { param w = 1.0 in 0.0..5.0; click + w * buy }
    train { epochs: 3, batch: 64, group_by: user, optimizer: adam(lr: 0.02) }
} }

/// Rows of 20 users in 3 countries, of which one is rare.
fn rows(name: &str, rows: usize) -> String {
    let x = normal(name, 4 * rows);
    let mut csv = String::from("user,country,a,b,click,buy,watch\n");
    for (at, row) in x.chunks(4).enumerate() {
        let click = row[0] + row[2] > 0.0;
        let buy = click && row[1] > 0.0;
        let country = if at % 200 == 7 { "fr" } else { ["de", "at"][at % 2] };
        let watch = row[0].abs() + 0.1 * row[3];
        let (click, buy) = (u8::from(click), u8::from(buy));
        csv += &format!("{},{country},{},{},{click},{buy},{watch}\n", at % 20, row[0], row[1]);
    }
    csv
}

fn run(arguments: &[&str]) -> bool {
    let code = app::<Shop>().main_from(std::iter::once("shop").chain(arguments.iter().copied()));
    format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
}

fn report(path: &str) -> Report {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A trained model in a folder of its own: the folder, the model's file, the test rows, the training's report.
fn trained(name: &str) -> (PathBuf, [String; 3]) {
    let folder = folder(name);
    let at = |file: &str| folder.join(file).to_string_lossy().into_owned();
    fs::write(at("train.csv"), rows("train", 500)).unwrap();
    fs::write(at("test.csv"), rows("test", 400)).unwrap();
    let files = [at("model"), at("test.csv"), at("train.json")];
    let [model, test, json] = &files;
    assert!(run(&["train", "--train", &at("train.csv"), "--test", test, "--out", model, "--json", json]));
    (folder, files)
}

#[test]
fn the_usual_metrics_and_chosen_ones() {
    let (folder, [model, test, json]) = trained("evaluation-metrics");
    let usual = report(&json);
    let split = usual.split.get("test").unwrap();
    let named = |task: &str| -> Vec<String> {
        split.tasks.get(task).unwrap().more.iter().map(|(name, _)| name.to_owned()).collect()
    };
    assert_eq!(named("click"), ["ne", "ece", "ndcg@10"]);
    assert_eq!(named("watch"), ["mae", "xauc"]);
    let rank = split.ranks.get("score").unwrap().get("click").unwrap();
    assert!(
        rank.auc.is_some() && rank.gauc.is_some() && rank.get(Metric::Ndcg(10)).is_some() && rank.logloss.is_none()
    );
    let table = split.table().to_string();
    assert!(["auc", "ne", "ece", "ndcg@10", "mae", "xauc", "score by buy"].iter().all(|word| table.contains(word)));

    let out = folder.join("chosen.json").to_string_lossy().into_owned();
    let chosen = "auc,ndcg@3,rmse,gauc_by_positives";
    assert!(run(&["evaluate", "--model", &model, "--test", &test, "--metrics", chosen, "--json", &out]));
    let chosen = report(&out);
    let click = chosen.split.get("test").unwrap().tasks.get("click").unwrap();
    assert_eq!(click.auc, split.tasks.get("click").unwrap().auc);
    assert!(click.logloss.is_none() && click.rmse.is_some());
    assert_eq!(click.more.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["ndcg@3", "gauc_by_positives"]);

    // The numbers are those of the metrics on the predictions.
    let predictor = Predictor::<Shop>::load(&model).unwrap();
    let table = mtl_runtime::data::Table::read(&test, &mtl_runtime::data::ReadOptions::for_schema(predictor.schema()));
    let table = table.unwrap().table;
    let labels: Vec<f32> = table.numbers("click").unwrap().iter().map(|&x| x as f32).collect();
    let predictions = predictor.predict(&table).unwrap();
    let ne = metrics::normalized_entropy(predictions.task("click").unwrap(), &labels, None).unwrap();
    assert_eq!(predictor.evaluate(&table).unwrap().tasks.get("click").unwrap().get(Metric::NormalizedEntropy), ne);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn slices_are_the_metrics_of_their_rows() {
    let (folder, [model, test, _]) = trained("evaluation-slices");
    let out = folder.join("slices.json").to_string_lossy().into_owned();
    let arguments = ["evaluate", "--model", &model, "--test", &test, "--json", &out];
    // A column that the model does not read, and one that it groups by.
    assert!(run(&[&arguments[..], &["--slices", "country,user"]].concat()));
    let found = report(&out);
    let split = found.split.get("test").unwrap();
    let country = split.slices.get("country").unwrap();
    assert_eq!(country.iter().map(|(value, _)| value).collect::<Vec<_>>(), ["de", "at", "fr"]);
    assert_eq!(country.iter().map(|(_, of)| of.get("click").unwrap().rows).sum::<usize>(), 400);
    assert!(country.get("fr").unwrap().get("score by click").is_some());
    assert_eq!(split.slices.get("user").unwrap().iter().count(), 20);

    let text = fs::read_to_string(&test).unwrap();
    let german = text.lines().enumerate().filter(|(at, line)| *at == 0 || line.contains(",de,"));
    let german: Vec<&str> = german.map(|(_, line)| line).collect();
    let alone = folder.join("german.csv").to_string_lossy().into_owned();
    fs::write(&alone, german.join("\n") + "\n").unwrap();
    assert!(run(&["evaluate", "--model", &model, "--test", &alone, "--json", &out]));
    let alone = report(&out);
    let (a, b) = (alone.split.get("test").unwrap().tasks.get("click").unwrap(), country.get("de").unwrap());
    // Rows stand in other batches, so their predictions are rounded otherwise.
    let (a, b) = (a.clone(), b.get("click").unwrap());
    let near = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() < 1e-6;
    assert!(
        a.rows == b.rows && near(a.auc, b.auc) && near(a.logloss, b.logloss) && near(a.gauc, b.gauc),
        "{a:?} {b:?}"
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn changes_against_a_report_and_against_predictions() {
    let (folder, [model, test, json]) = trained("evaluation-baseline");
    let at = |file: &str| folder.join(file).to_string_lossy().into_owned();
    let (saved, out) = (at("saved.csv"), at("out.json"));
    let evaluate = ["evaluate", "--model", &model, "--test", &test, "--json", &out];
    assert!(run(&[&evaluate[..], &["--save-predictions", &saved, "--bootstrap", "50"]].concat()));
    let own = report(&out);
    let intervals = &own.split.get("test").unwrap().intervals;
    let auc = intervals.get("click").unwrap().get("auc").unwrap();
    assert!(auc.low < auc.value && auc.value < auc.high);
    assert_eq!(Some(auc.value), own.split.get("test").unwrap().tasks.get("click").unwrap().auc);

    // The same model: no change, and no noise in none.
    assert!(run(&[&evaluate[..], &["--baseline", &saved]].concat()));
    let none = report(&out);
    for (_, of) in none.split.get("test").unwrap().changes.iter() {
        for (_, change) in of.iter() {
            let difference = change.difference.unwrap();
            assert_eq!((difference.value, difference.low, difference.high), (0.0, 0.0, 0.0));
        }
    }

    // Another weight of the rank changes the rank, and no task.
    let other = ["--set", "ranks.score.w=5", "--baseline", &saved, "--bootstrap", "50"];
    assert!(run(&[&evaluate[..], &other].concat()));
    let other = report(&out);
    let changes = &other.split.get("test").unwrap().changes;
    assert_eq!(changes.get("click").unwrap().get("auc").unwrap().difference.unwrap().value, 0.0);
    let change = changes.get("score by click").unwrap().get("auc").unwrap();
    let interval = change.difference.unwrap();
    assert!(interval.value != 0.0 && interval.low <= interval.value && interval.value <= interval.high);
    assert!(other.split.get("test").unwrap().change_table().unwrap().to_string().contains("from"));

    // Against the report the differences are the same, without intervals.
    let other = ["--set", "ranks.score.w=5", "--baseline", &json];
    assert!(run(&[&evaluate[..], &other].concat()));
    let plain = report(&out);
    let changes = &plain.split.get("test").unwrap().changes;
    let of = changes.get("score by click").unwrap().get("auc").unwrap();
    assert!(of.difference.is_none() && (of.value - of.baseline - interval.value).abs() < 1e-12);
    assert!(plain.split.get("test").unwrap().delta_m().unwrap().abs() < 1e-9);

    // Other rows, files that are neither, options that cannot be.
    fs::write(at("other.csv"), rows("other", 400)).unwrap();
    fs::write(at("nothing"), "").unwrap();
    fs::write(at("short.csv"), "split,click,click label\ntest,0.5\n").unwrap();
    for wrong in [
        &["--test", &at("other.csv"), "--baseline", &saved][..],
        &["--test", &test, "--baseline", &at("nothing")],
        &["--test", &test, "--baseline", &at("short.csv")],
        &["--test", &test, "--baseline", &at("nowhere")],
        &["--validation", &test, "--baseline", &json],
        &["--test", &test, "--metrics", "ndgc@10"],
        &["--test", &test, "--bootstrap", "1"],
        &["--test", &test, "--slices", "planet"],
    ] {
        assert!(!run(&[&["evaluate", "--model", &model][..], wrong].concat()), "{wrong:?}");
    }
    fs::remove_dir_all(folder).unwrap();
}

mtl! { model Plain {
    features x { a: number, b: number }
    task watch: regression;
    tower watch = mlp(x, [4]);
} }

#[test]
fn metrics_that_apply_nowhere_are_refused() {
    let folder = folder("evaluation-plain");
    let at = |file: &str| folder.join(file).to_string_lossy().into_owned();
    fs::write(at("rows.csv"), rows("plain", 100)).unwrap();
    let run = |arguments: &[&str]| {
        let code = app::<Plain>().main_from(std::iter::once("plain").chain(arguments.iter().copied()));
        format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
    };
    let (model, data) = (at("model"), at("rows.csv"));
    assert!(run(&["train", "--train", &data, "--out", &model, "--set", "train.epochs=1"]));
    let evaluate = ["evaluate", "--model", &model, "--test", &data, "--metrics"];
    assert!(run(&[&evaluate[..], &["mae"]].concat()));
    for wrong in ["auc", "ndcg@10", "gauc", "pcoc", "logloss"] {
        assert!(!run(&[&evaluate[..], &[wrong]].concat()), "{wrong}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn as_a_library() {
    let (folder, [model, test, json]) = trained("evaluation-library");
    let predictor = Predictor::<Shop>::load(&model).unwrap();
    let options = mtl_runtime::data::ReadOptions::for_schema(predictor.schema());
    let table = mtl_runtime::data::Table::read(&test, &options).unwrap().table;
    let evaluation = Evaluation {
        metrics: vec![Metric::Auc],
        bootstrap: Some(20),
        baseline: Some(Baseline::read(&json).unwrap()),
        ..Evaluation::default()
    };
    let split = predictor.evaluate_with(&evaluation, "test", &table, None).unwrap();
    assert_eq!(split.changes.get("click").unwrap().iter().count(), 1);
    assert_eq!(split, predictor.evaluate_with(&evaluation, "test", &table, None).unwrap());
    let labels: Vec<f32> = table.numbers("click").unwrap().iter().map(|&x| x as f32).collect();
    let predictions = predictor.predict(&table).unwrap();
    let auc = Metric::Auc.of(Columns::new(predictions.task("click").unwrap(), &labels)).unwrap();
    assert_eq!(split.tasks.get("click").unwrap().auc, auc);
    fs::remove_dir_all(folder).unwrap();
}

mtl! { model Shelf {
    features x { a: number, b: number }
    task click: binary(calibrate: platt);
    task genre: multiclass(classes: 3, where: click);
    task watch: regression;
    tower each = mlp(x, [8]);
    rank score = calibrated(click);
    train { epochs: 3, batch: 64, group_by: user, optimizer: adam(lr: 0.02) }
} }

/// The same rows, with a genre.
fn genres(name: &str, count: usize) -> String {
    let genre = |line: &str| {
        let numbers: Vec<f64> = line.split(',').skip(2).take(2).map(|number| number.parse().unwrap()).collect();
        if numbers[1] > 0.5 { 2 } else { usize::from(numbers[0] > 0.0) }
    };
    let text = rows(name, count);
    let mut lines = text.lines();
    let header = format!("{},genre\n", lines.next().unwrap());
    lines.fold(header, |csv, line| csv + &format!("{line},{}\n", genre(line)))
}

fn run_shelf(arguments: &[&str]) -> bool {
    let code = app::<Shelf>().main_from(std::iter::once("shelf").chain(arguments.iter().copied()));
    format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
}

#[test]
fn several_classes_are_measured_as_other_tasks_are() {
    let folder = folder("evaluation-classes");
    let at = |file: &str| folder.join(file).to_string_lossy().into_owned();
    fs::write(at("train.csv"), genres("train", 500)).unwrap();
    fs::write(at("test.csv"), genres("test", 400)).unwrap();
    let (model, test, out, saved) = (at("model"), at("test.csv"), at("out.json"), at("saved.csv"));
    let train = ["train", "--train", &at("train.csv"), "--validation", &test, "--test", &test, "--out", &model];
    assert!(run_shelf(&[&train[..], &["--json", &out]].concat()));
    let trained = report(&out);
    let epoch = trained.epochs.last().unwrap();
    assert!(epoch.line(3).contains("genre loss") && epoch.line(3).contains(" accuracy 0."), "{}", epoch.line(3));
    let evaluate = ["evaluate", "--model", &model, "--test", &test, "--json", &out];
    let more = ["--slices", "country", "--bootstrap", "50", "--save-predictions", &saved];
    assert!(run_shelf(&[&evaluate[..], &more].concat()));
    let found = report(&out);
    let split = found.split.get("test").unwrap();
    let order: Vec<&str> = split.tasks.iter().map(|(task, _)| task).collect();
    assert_eq!(order, ["click", "click calibrated", "genre", "watch"]);
    let genre = split.tasks.get("genre").unwrap();
    let usual = trained.split.get("test").unwrap();
    assert_eq!((&split.tasks, &split.ranks, split.loss), (&usual.tasks, &usual.ranks, usual.loss));
    assert_eq!(found.pictures, trained.pictures);

    // The numbers are those of the predictions, in the task's own sample space.
    let predictor = Predictor::<Shelf>::load(&model).unwrap();
    let options = mtl_runtime::data::ReadOptions::for_schema(predictor.schema());
    let table = mtl_runtime::data::Table::read(&test, &options).unwrap().table;
    let predictions = predictor.predict(&table).unwrap();
    let classes: Vec<&[f32]> = (0..3).map(|class| predictions.task(&format!("genre_{class}")).unwrap()).collect();
    let (clicks, labels) = (table.numbers("click").unwrap(), table.numbers("genre").unwrap());
    let rows: Vec<usize> = (0..400).filter(|&row| clicks[row] == 1.0).collect();
    let right = rows.iter().filter(|&&row| {
        let best = (0..3).max_by(|&a, &b| classes[a][row].total_cmp(&classes[b][row])).unwrap();
        best == labels[row] as usize
    });
    assert_eq!((genre.rows, genre.accuracy), (rows.len(), Some(right.count() as f64 / rows.len() as f64)));
    let loss: f64 = rows.iter().map(|&row| -f64::from(classes[labels[row] as usize][row]).ln()).sum();
    assert!((genre.logloss.unwrap() - loss / rows.len() as f64).abs() < 1e-9);

    // Intervals, slices and pictures.
    let intervals = split.intervals.get("genre").unwrap();
    for (metric, value) in [("accuracy", genre.accuracy), ("logloss", genre.logloss)] {
        let interval = intervals.get(metric).unwrap();
        assert!(interval.low < interval.value && interval.value < interval.high, "{metric}");
        assert!((interval.value - value.unwrap()).abs() < 1e-12, "{metric}");
    }
    let of_slices = split.slices.get("country").unwrap().iter().map(|(_, of)| of.get("genre").unwrap());
    let (mut right, mut all) = (0.0, 0);
    for of in of_slices {
        right += of.accuracy.unwrap_or(0.0) * of.rows as f64;
        all += of.rows;
    }
    assert!(all == genre.rows && (right / all as f64 - genre.accuracy.unwrap()).abs() < 1e-9);
    let pictures = found.pictures.get("test").unwrap();
    let bins = &pictures.reliability.get("genre").unwrap().raw;
    let mean = bins.iter().map(|bin| bin.weight * bin.label).sum::<f64>() / genre.rows as f64;
    assert!((mean - genre.accuracy.unwrap()).abs() < 1e-6, "how often the most probable class is right");
    assert!(pictures.predictions.get("genre").is_some());
    assert!(!pictures.reliability.get("click").unwrap().calibrated.is_empty());
    assert!(pictures.reliability.get("click calibrated").is_none());

    // A baseline of itself changes nothing; a column of each class is in its file.
    let header = fs::read_to_string(&saved).unwrap();
    let header = header.lines().next().unwrap();
    assert_eq!(
        header,
        "split,click,click label,click calibrated,click calibrated label,genre_0,genre_1,genre_2,genre label,watch,watch label,\
         score by click,score by click label"
    );
    assert!(run_shelf(&[&evaluate[..], &["--baseline", &saved]].concat()));
    let same = report(&out);
    for (_, change) in same.split.get("test").unwrap().changes.get("genre").unwrap().iter() {
        assert_eq!(change.difference.map(|of| (of.value, of.low, of.high)), Some((0.0, 0.0, 0.0)));
    }
    // Another model of the same rows, against its predictions and against its report.
    let other = at("other");
    let train = ["train", "--train", &at("train.csv"), "--out", &other, "--set", "train.epochs=1"];
    assert!(run_shelf(&[&train[..], &["--validation", &test]].concat()));
    let evaluate = ["evaluate", "--model", &other, "--test", &test, "--json", &out, "--baseline", &saved];
    assert!(run_shelf(&evaluate));
    let changed = report(&out);
    let change = changed.split.get("test").unwrap().changes.get("genre").unwrap().get("logloss").unwrap().to_owned();
    assert!(change.value != change.baseline && change.difference.unwrap().value == change.value - change.baseline);
    assert!(changed.split.get("test").unwrap().delta_m().is_some());

    // Metrics by name, and files that name other columns.
    let metrics = ["evaluate", "--model", &model, "--test", &test, "--json", &out, "--metrics", "accuracy,ece"];
    assert!(run_shelf(&metrics));
    let chosen = report(&out);
    let chosen = chosen.split.get("test").unwrap();
    assert_eq!(chosen.tasks.get("genre").unwrap().logloss, None);
    assert_eq!(chosen.tasks.get("genre").unwrap().accuracy, genre.accuracy);
    for wrong in
        ["split,genre_0,genre_2,genre label", "split,genre,genre_1,genre label", "split,genre_0,genre_1", "split"]
    {
        fs::write(at("wrong.csv"), format!("{wrong}\ntest,0.5,0.5,0\n")).unwrap();
        assert!(
            !run_shelf(&["evaluate", "--model", &model, "--test", &test, "--baseline", &at("wrong.csv")]),
            "{wrong}"
        );
    }
    // Two classes in place of three are no baseline.
    let two: String = fs::read_to_string(&saved).unwrap().lines().fold(String::new(), |text, line| {
        let fields: Vec<&str> = line.split(',').collect();
        text + &format!("{},{},{},{}\n", fields[0], fields[5], fields[6], fields[8])
    });
    fs::write(at("two.csv"), two).unwrap();
    assert!(!run_shelf(&["evaluate", "--model", &model, "--test", &test, "--baseline", &at("two.csv")]));
    fs::remove_dir_all(folder).unwrap();
}
