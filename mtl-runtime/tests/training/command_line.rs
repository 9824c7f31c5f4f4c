//! The application on files.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use mtl_runtime::app;
use mtl_runtime::data::{Column, Table};
use mtl_runtime::report::Report;

use crate::tiny::{Tiny, folder, rows, splits};

fn run(arguments: &[&str]) -> bool {
    let code = app::<Tiny>().main_from(std::iter::once("tiny").chain(arguments.iter().copied()));
    format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
}

/// A table as CSV; NaN is an empty field.
fn csv(table: &Table, columns: &[&str], path: &Path) {
    let mut text = columns.join(",") + "\n";
    for row in 0..table.rows() {
        let field = |name: &&str| match table.column(name).unwrap() {
            Column::Ids(ids) => ids.text(row).unwrap_or_default().into_owned(),
            Column::Bags(bags) => {
                let ids = bags.range(row).map(|i| bags.ids().text(i).unwrap_or_default().into_owned());
                ids.collect::<Vec<_>>().join(" ")
            }
            Column::Numbers(numbers) if numbers.0[row].is_nan() => String::new(),
            Column::Numbers(numbers) => numbers.0[row].to_string(),
        };
        text += &(columns.iter().map(field).collect::<Vec<_>>().join(",") + "\n");
    }
    fs::write(path, text).unwrap();
}

#[test]
fn train_evaluate_predict_describe() {
    let folder = folder("app");
    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let splits = splits();
    let all = ["user", "item", "history", "age", "click", "watch", "buy"];
    csv(&splits.train, &all, &folder.join("train.csv"));
    csv(&splits.validation, &all, &folder.join("validation.csv"));
    csv(splits.test.as_ref().unwrap(), &all, &folder.join("test.csv"));
    csv(&rows(20, 9), &all[..4], &folder.join("unlabelled.csv"));
    let (train, validation, test) = (at("train.csv"), at("validation.csv"), at("test.csv"));
    let (model, json, page) = (at("tiny.mtl.safetensors"), at("run.json"), at("run.html"));
    let data = ["--train", &train, "--validation", &validation, "--test", &test];

    let options = ["train", "--out", &model, "--json", &json, "--report", &page, "--set", "train.epochs=2"];
    assert!(run(&[&options[..], &data].concat()));
    let report: Report = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!((report.model.as_str(), report.seed, report.epochs.len()), ("Tiny", 1, 2));
    let text: serde_json::Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert!(text["split"]["test"]["tasks"]["click"]["auc"].is_f64());
    assert!(text["split"]["test"]["tasks"]["watch"].get("auc").is_none());
    assert!(text["split"]["validation"]["ranks"]["score"]["click"]["auc"].is_f64());
    assert!(text["seconds"]["train"].is_f64() && text["parameters"].is_u64() && text["rows_per_second"].is_f64());

    // What is drawn: every row in the histogram of its task, the scores with their parameters, the spec.
    assert_eq!(report.rows.get("test"), Some(&splits.test.as_ref().unwrap().rows()));
    let pictures = report.pictures.get("test").unwrap();
    let labelled = report.split.get("test").unwrap().tasks.get("click").unwrap().rows;
    let drawn = pictures.predictions.get("click").unwrap().counts.iter().flat_map(|(_, counts)| counts).sum::<usize>();
    let binned = pictures.reliability.get("click").unwrap().raw.iter().map(|bin| bin.count).sum::<usize>();
    assert_eq!((drawn, binned), (labelled, labelled));
    assert!(pictures.reliability.get("watch").is_none() && pictures.predictions.get("watch").is_some());
    assert!(pictures.scores.get("score").is_some());
    assert_eq!(report.ranks[0].name, "score");
    assert!(report.spec.contains("model Tiny"));
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("<h2>Curves</h2>") && html.contains("<h2>Spec</h2>"));

    let evaluated = at("evaluated.json");
    let files = ["--json", &evaluated, "--report", &page, "--validation", &validation, "--test", &test];
    assert!(run(&[&["evaluate", "--model", &model][..], &files].concat()));
    assert!(fs::read_to_string(&page).unwrap().contains("<h2>Distributions</h2>"));
    let again: Report = serde_json::from_slice(&fs::read(&evaluated).unwrap()).unwrap();
    assert_eq!(again.split, report.split);

    let (input, out, out2) = (at("unlabelled.csv"), at("predictions.csv"), at("predictions2.csv"));
    assert!(run(&["predict", "--model", &model, "--input", &input, "--out", &out]));
    let lines: Vec<String> = fs::read_to_string(&out).unwrap().lines().map(str::to_owned).collect();
    assert_eq!((lines[0].as_str(), lines.len()), ("click,watch,buy,buy | click,score", 21));
    assert!(lines[1..].iter().all(|line| line.split(',').all(|field| field.parse::<f64>().is_ok_and(f64::is_finite))));
    assert!(run(&["predict", "--model", &model, "--split", "test", "--test", &test, "--out", &out2]));
    assert_eq!(fs::read_to_string(&out2).unwrap().lines().count(), 601);
    assert!(run(&["describe"]) && run(&["describe", "--model", &model]) && run(&["describe", "--set", "hidden.0=32"]));

    assert!(run(&[&["train", "--resume", "--out", &model, "--set", "train.epochs=3"][..], &data].concat()));

    for wrong in [
        &["predict", "--model", &model][..],
        &["predict", "--model", &model, "--input", &input, "--test", &test],
        &["predict", "--model", &model, "--split", "validation", "--test", &test],
        &["predict", "--model", &at("nowhere"), "--input", &input],
        &["evaluate", "--model", &model],
        &["evaluate", "--model", &model, "--train", &train],
        &["evaluate", "--model", &model, "--test", &test, "--set", "buy_powr=2"],
        &["train", "--out", &model],
        &["train", "--out", &model, "--train", &at("nowhere.csv")],
        &["train", "--out", &model, "--train", &train, "--set", "train.epoch=2"],
        &["train", "--out", &model, "--train", &train, "--delimiter", "é"],
        &["describe", "--set", "buy_power=-1"],
        &["serve"],
        &[],
    ] {
        assert!(!run(wrong), "{wrong:?}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_is_written_over_and_no_option_is_ignored() {
    let folder = folder("apart");
    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (splits, all) = (splits(), ["user", "item", "history", "age", "click", "watch", "buy"]);
    csv(&splits.train, &all, &folder.join("train.csv"));
    csv(&rows(splits.train.rows(), 77), &all, &folder.join("other.csv"));
    csv(&splits.validation, &all, &folder.join("validation.csv"));
    let (train, other, validation) = (at("train.csv"), at("other.csv"), at("validation.csv"));
    let (model, x, link) = (at("model"), at("x"), at("link"));
    assert!(run(&["train", "--train", &train, "--out", &model, "--set", "train.epochs=1"]));
    let before = fs::read(&model).unwrap();
    let evaluate = ["evaluate", "--model", &model, "--validation", &validation];
    let resume = ["train", "--resume", "--out", &model, "--set", "train.epochs=2", "--train"];
    for wrong in [
        &["train", "--train", &train, "--out", &model, "--json", &model][..],
        &[&evaluate[..], &["--json", &model]].concat(),
        &[&evaluate[..], &["--json", &x, "--report", &x]].concat(),
        &[&evaluate[..], &["--json", &at("nowhere/x")]].concat(),
        &[&evaluate[..], &["--set", "train.epochs=3"]].concat(),
        &["predict", "--model", &model, "--input", &train, "--out", &train],
        &["predict", "--model", &model, "--input", &train, "--set", "hidden.0=3", "--out", &x],
        &["describe", "--set", "hidden.0=4000000000"],
        &[&resume[..], &[&other]].concat(),
        &[&resume[..], &[&train, "--stop-after", "1"]].concat(),
    ] {
        assert!(!run(wrong), "{wrong:?}");
    }
    assert!(fs::read(&model).unwrap() == before && !Path::new(&x).exists());

    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&model, &link).unwrap();
        assert!(run(&["train", "--resume", "--out", &link, "--set", "train.epochs=2", "--train", &train]));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "what the link names is replaced");
        assert!(fs::read(&model).unwrap() != before);
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_program_gives_its_own_data() {
    #[derive(clap::Args)]
    struct Size {
        /// Rows to make
        #[arg(long)]
        rows: usize,
    }
    let folder = folder("own-data");
    let model = folder.join("model").to_string_lossy().into_owned();
    let source = |size: &Size| -> Result<_, mtl_runtime::Error> {
        Ok(mtl_runtime::Splits { train: rows(size.rows, 1), validation: rows(200, 2), test: None })
    };
    let code = app::<Tiny>().data(source).main_from([
        "tiny",
        "train",
        "--rows",
        "500",
        "--out",
        &model,
        "--set",
        "train.epochs=1",
    ]);
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    let out = folder.join("out").to_string_lossy().into_owned();
    let predict = ["tiny", "predict", "--model", &model, "--rows", "500", "--split", "validation", "--out", &out];
    let code = |arguments: &[&str]| format!("{:?}", app::<Tiny>().data(source).main_from(arguments.iter().copied()));
    assert_eq!(code(&predict), format!("{:?}", ExitCode::SUCCESS));
    let foreign = [&predict[..], &["--delimiter", ";"]].concat();
    assert_ne!(code(&foreign), format!("{:?}", ExitCode::SUCCESS), "an option of `--input`, and there is none");
    #[derive(clap::Args)]
    struct Clashing {
        /// An option that `train` has for something else
        #[arg(long)]
        json: Option<usize>,
    }
    let clashing = move |size: &Clashing| source(&Size { rows: size.json.unwrap_or(500) });
    let code = app::<Tiny>().data(clashing).main_from(["tiny", "describe"]);
    assert_ne!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    let code = app::<Tiny>().data(source).main_from(["tiny", "train", "--out", &model]);
    assert_ne!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    fs::remove_dir_all(folder).unwrap();
}
