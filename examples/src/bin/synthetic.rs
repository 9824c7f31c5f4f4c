//! The synthetic study of the MMoE paper (Ma et al., KDD 2018, section 5.1): how a shared bottom, one-gate and multi-gate mixtures of
//! experts bear tasks that are less and less related.
//!
//! `synthetic --runs 20 --svg docs/synthetic.svg` prints the mean loss of each model for each relatedness, and draws its course.

use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use mtl_data::synthetic::{Pair, PairOptions};
use mtl_runtime::report::TextTable;
use mtl_runtime::{Error, Model, Result, Splits, Trainer, mtl_file};
use plotters::prelude::*;

mtl_file!("../specs/synthetic_shared_bottom.mtl");
mtl_file!("../specs/synthetic_omoe.mtl");
mtl_file!("../specs/synthetic_mmoe.mtl");

/// The synthetic study of the MMoE paper
#[derive(Parser)]
struct Options {
    /// Runs of each model for each relatedness, each with data and initial values of its own
    #[arg(long, default_value_t = 20)]
    runs: u64,
    /// Training rows
    #[arg(long, default_value_t = 10_000)]
    rows: usize,
    /// Epochs
    #[arg(long, default_value_t = 12)]
    epochs: usize,
    /// The cosines of the two tasks' weights, as the paper's correlations
    #[arg(long, value_delimiter = ',', default_values_t = [1.0, 0.9, 0.5])]
    cosines: Vec<f64>,
    /// The length of the tasks' weights: the paper leaves it open
    #[arg(long, default_value_t = 0.3)]
    scale: f64,
    /// The number of sines: the paper leaves it open
    #[arg(long, default_value_t = 5)]
    sines: usize,
    /// Draws the validation loss over the epochs to this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

const MODELS: [&str; 3] = ["shared bottom", "OMoE", "MMoE"];
const HELD_OUT: usize = 1_000;

/// What the runs of one model at one relatedness gave.
#[derive(Debug, Clone, Default)]
struct Curve {
    /// The loss on test rows at the end, by run.
    last: Vec<f64>,
    /// The loss on validation rows, by run and epoch.
    course: Vec<Vec<f64>>,
}

fn main() -> ExitCode {
    match study(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn study(options: &Options) -> Result<()> {
    mtl_runtime::alloc::keep_memory();
    let style =
        ProgressStyle::with_template("{wide_bar} {pos}/{len} runs, {eta} left").expect("the template is well-formed");
    let bar = ProgressBar::new(options.runs * (options.cosines.len() * MODELS.len()) as u64).with_style(style);
    let mut curves = vec![vec![Curve::default(); MODELS.len()]; options.cosines.len()];
    let mut correlations = vec![0.0; options.cosines.len()];
    for (at, &cosine) in options.cosines.iter().enumerate() {
        for run in 0..options.runs {
            let pair = Pair::draw(
                PairOptions { dim: 100, scale: options.scale, cosine, sines: options.sines, noise: 0.1 },
                run,
            )?;
            correlations[at] += pair.label_correlation() / options.runs as f64;
            let rows = pair.sample(options.rows + 2 * HELD_OUT, run)?;
            let cut = |range: Range<usize>| rows.take(&range.map(|row| row as u32).collect::<Vec<_>>());
            let splits = Splits {
                train: cut(0..options.rows),
                validation: cut(options.rows..options.rows + HELD_OUT),
                test: Some(cut(options.rows + HELD_OUT..options.rows + 2 * HELD_OUT)),
            };
            // Losses are in units of the labels' variance, which differs from run to run.
            let unit = pair.label_variance();
            let mut note = |model: usize, found: (f64, Vec<f64>)| {
                curves[at][model].last.push(found.0 / unit);
                curves[at][model].course.push(found.1.into_iter().map(|loss| loss / unit).collect());
                bar.inc(1);
            };
            let mut config = SyntheticSharedBottomConfig::new();
            (config.train.seed, config.train.epochs) = (run, options.epochs);
            note(0, trained::<SyntheticSharedBottom>(config, &splits)?);
            let mut config = SyntheticOmoeConfig::new();
            (config.train.seed, config.train.epochs) = (run, options.epochs);
            note(1, trained::<SyntheticOmoe>(config, &splits)?);
            let mut config = SyntheticMmoeConfig::new();
            (config.train.seed, config.train.epochs) = (run, options.epochs);
            note(2, trained::<SyntheticMmoe>(config, &splits)?);
        }
    }
    bar.finish_and_clear();
    let mut table =
        TextTable::new(["cosine", "correlation of labels", "model", "test loss / label variance", "deviation"]);
    for ((cosine, correlation), curves) in options.cosines.iter().zip(&correlations).zip(&curves) {
        for (model, curve) in MODELS.iter().zip(curves) {
            let (mean, deviation) = spread(&curve.last);
            table.row([
                format!("{cosine}"),
                format!("{correlation:.3}"),
                (*model).to_owned(),
                format!("{mean:.4}"),
                format!("{deviation:.4}"),
            ]);
        }
    }
    println!("mean over {} runs (seeds 0 to {}), sum of both tasks\n{table}", options.runs, options.runs - 1);
    match &options.svg {
        None => Ok(()),
        Some(path) => {
            draw(path, &options.cosines, &curves).map_err(|error| Error::config(format!("{}: {error}", path.display())))
        }
    }
}

/// The loss on test rows, and that on validation rows after each epoch.
fn trained<M: Model>(config: M::Config, splits: &Splits) -> Result<(f64, Vec<f64>)> {
    let report = Trainer::<M>::new(config, splits.clone()).fit()?.report;
    let course = report.epochs.iter().filter_map(|epoch| epoch.validation.as_ref()?.loss).collect();
    let test = report.split.get("test").and_then(|split| split.loss);
    test.map(|loss| (loss, course)).ok_or_else(|| Error::config("no test loss"))
}

fn spread(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (values.len() as f64 - 1.0).max(1.0)).sqrt())
}

/// A panel for each model, as in the paper's figure 4: the mean loss over the epochs, a line for each relatedness.
fn draw(
    path: &std::path::Path,
    cosines: &[f64],
    curves: &[Vec<Curve>],
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let means: Vec<Vec<Vec<f64>>> = curves
        .iter()
        .map(|models| {
            models
                .iter()
                .map(|curve| {
                    let epochs = curve.course.first().map_or(0, Vec::len);
                    (0..epochs)
                        .map(|epoch| spread(&curve.course.iter().map(|run| run[epoch]).collect::<Vec<_>>()).0)
                        .collect()
                })
                .collect()
        })
        .collect();
    let all = || means.iter().flatten().flatten().copied();
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    let epochs = means[0][0].len();
    let root = SVGBackend::new(path, (1050, 360)).into_drawing_area();
    root.fill(&WHITE)?;
    for (model, area) in root.split_evenly((1, MODELS.len())).into_iter().enumerate() {
        let mut chart = ChartBuilder::on(&area)
            .caption(MODELS[model], ("sans-serif", 18))
            .margin(10)
            .x_label_area_size(36)
            .y_label_area_size(52)
            .build_cartesian_2d(1f64..epochs as f64, (0.95 * low)..(1.05 * high))?;
        chart
            .configure_mesh()
            .x_desc("epoch")
            .y_desc("validation loss / label variance")
            .light_line_style(WHITE)
            .draw()?;
        for (at, cosine) in cosines.iter().enumerate() {
            let color = Palette99::pick(at).to_rgba();
            let line = means[at][model].iter().enumerate().map(|(epoch, loss)| ((epoch + 1) as f64, *loss));
            chart
                .draw_series(LineSeries::new(line, color.stroke_width(2)))?
                .label(format!("p = {cosine}"))
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
        }
        chart.configure_series_labels().background_style(WHITE.mix(0.8)).draw()?;
    }
    root.present()?;
    Ok(())
}
