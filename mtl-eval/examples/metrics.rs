//! The time that each metric takes on many rows: `cargo run -p mtl-eval --example metrics [ROWS]`.

use std::time::Instant;

use mtl_eval::bootstrap::Bootstrap;
use mtl_eval::metrics::{Columns, Metric};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: usize = std::env::args().nth(1).map_or(Ok(10_000_000), |rows| rows.parse())?;
    let mut state = 1u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 24) as f32
    };
    let predictions: Vec<f32> = (0..rows).map(|_| uniform()).collect();
    let labels: Vec<f32> = predictions.iter().map(|p| if uniform() < *p { 1.0 } else { 0.0 }).collect();
    let seconds: Vec<f32> = predictions.iter().map(|p| 100.0 * p * uniform()).collect();
    let groups: Vec<u64> = (0..rows).map(|_| (uniform() * (rows as f32 / 50.0)) as u64).collect();
    let all = "auc gauc logloss ne pcoc ece accuracy rmse mae xauc ndcg@10 map@10 recall@10 hit_rate@10 mrr";
    println!("{rows} rows, {} threads", rayon::current_num_threads());
    for metric in all.split(' ') {
        let metric: Metric = metric.parse()?;
        let labels = if metric.of_events() || metric.needs_groups() { &labels } else { &seconds };
        let start = Instant::now();
        let value = metric.of(Columns::new(&predictions, labels).groups(Some(&groups)))?;
        println!(
            "{:12} {:>8.2} s  {:.4}",
            metric.to_string(),
            start.elapsed().as_secs_f64(),
            value.unwrap_or(f64::NAN)
        );
    }
    let draws = 100;
    for (metric, groups) in [("logloss", None), ("auc", None), ("gauc", Some(&groups[..])), ("auc", Some(&groups[..]))]
    {
        let start = Instant::now();
        let columns = Columns::new(&predictions, &labels).groups(groups);
        let found = Bootstrap::new(draws, 1).interval(metric.parse()?, columns)?;
        let drawn = if groups.is_some() { "groups" } else { "rows" };
        println!("{metric:12} {:>8.2} s  {draws} draws of {drawn}: {found:?}", start.elapsed().as_secs_f64());
    }
    Ok(())
}
