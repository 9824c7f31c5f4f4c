//! The main job: simulate a feed, train `specs/feed.mtl` on it, measure it against what is reachable, rank one request.
//!
//! `feed` does all of it; `feed train`, `evaluate`, `predict` and `describe` are the model's application.

use std::process::ExitCode;

use mtl_data::simulator::{FeedOptions, POSITIONS};
use mtl_examples::feed::Feed as Data;
use mtl_runtime::report::TextTable;
use mtl_runtime::{Error, Result, Trained, Trainer, app, mtl_file, output, say};

mtl_file!("../specs/feed.mtl");

/// Enough impressions for the tastes behind them to be learned.
const ROWS: usize = 600_000;
const MODEL: &str = "Feed.mtl.safetensors";
const REPORT: &str = "feed.report.html";

/// The size of the simulation.
#[derive(clap::Args)]
struct Size {
    /// Users
    #[arg(long, default_value_t = FeedOptions::default().users)]
    users: usize,
    /// Videos
    #[arg(long, default_value_t = FeedOptions::default().videos)]
    videos: usize,
    /// Impressions
    #[arg(long, default_value_t = ROWS)]
    rows: usize,
}

impl Size {
    /// Refuses sizes that no machine holds.
    fn options(&self) -> Result<FeedOptions> {
        for (name, size, most) in
            [("users", self.users, 10_000_000), ("videos", self.videos, 10_000_000), ("rows", self.rows, 200_000_000)]
        {
            if size > most {
                return Err(Error::config(format!("`--{name} {size}` is more than {most}")));
            }
        }
        Ok(FeedOptions { users: self.users, videos: self.videos, rows: self.rows, ..FeedOptions::default() })
    }
}

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        return app::<Feed>()
            .name("feed")
            .data(|size: &Size| Ok::<_, Error>(Data::simulate(&size.options()?)?.splits()))
            .main();
    }
    match main_job().and_then(|()| output::finish()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn main_job() -> Result<()> {
    let options = FeedOptions { rows: ROWS, ..FeedOptions::default() };
    mtl_runtime::alloc::keep_memory();
    let data = Data::simulate(&options)?;
    say!("simulated {} impressions of {} videos to {} users\n", options.rows, options.videos, options.users);
    let trained = Trainer::<Feed>::new(FeedConfig::new(), data.splits()).checkpoint(MODEL).verbose(true).fit()?;
    show_quality(&data, &trained)?;
    show_ranking(&data, &trained)?;
    std::fs::write(REPORT, trained.report.to_html()).map_err(|error| Error::io(REPORT.as_ref(), error))?;
    say!("saved {MODEL}; its report is {REPORT}: open it in a browser\n");
    say!("next:  cargo run --bin feed -- describe");
    say!("       cargo run --bin feed -- train --set train.epochs=5 --set h.level_1.shared=4");
    say!("       cargo run --bin feed -- predict --model {MODEL} --split test --out predictions.csv");
    Ok(())
}

/// Test metrics, and how far the AUC is from that of the true probabilities.
fn show_quality(data: &Data, trained: &Trained<Feed>) -> Result<()> {
    let Some(test) = trained.report.split.get("test") else { return Ok(()) };
    say!("\ntest\n{}", test.table());
    let mut table = TextTable::new(["task", "AUC", "best reachable", "gap"]);
    for (task, label) in [("click", "is_click"), ("long_view", "long_view"), ("like", "is_like"), ("buy", "purchase")] {
        let best = data.simulation.best_auc(label, &data.rows[2])?;
        if let (Some(auc), Some(best)) = (test.tasks.get(task).and_then(|metrics| metrics.auc), best) {
            table.row([task.to_owned(), format!("{auc:.4}"), format!("{best:.4}"), format!("{:.4}", best - auc)]);
        }
    }
    say!("what the simulator's true probabilities would reach\n{table}");
    Ok(())
}

/// The last request of the test rows: its videos in the order of the score.
fn show_ranking(data: &Data, trained: &Trained<Feed>) -> Result<()> {
    let rows = &data.rows[2];
    let request = data.simulation.table.take(&rows[rows.len() - POSITIONS..]);
    let predictions = trained.predictor.predict(&request)?;
    let (Some(scores), videos) = (predictions.rank("score"), request.ids("video_id")?) else { return Ok(()) };
    let user = request.ids("user_id")?.text(0).unwrap_or_default().into_owned();
    let categories = request.ids("category")?;
    let column = |task: &str, row: usize| f64::from(predictions.task(task).map_or(f32::NAN, |values| values[row]));

    let mut order: Vec<usize> = (0..request.rows()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let mut table =
        TextTable::new(["rank", "video", "category", "click", "long_view", "like", "buy", "watch s", "score"]);
    for (place, &row) in order.iter().enumerate() {
        let text = |ids: &mtl_data::Ids| ids.text(row).unwrap_or_default().into_owned();
        let percent = |task: &str| format!("{:.1} %", 100.0 * column(task, row));
        table.row([
            (place + 1).to_string(),
            text(videos),
            text(categories),
            percent("click"),
            percent("long_view"),
            percent("like"),
            percent("buy"),
            format!("{:.1}", column("watch", row) / 1000.0),
            format!("{:.3}", scores[row]),
        ]);
    }
    say!("one request of user {user}, ranked by `score`\n{table}");
    Ok(())
}
