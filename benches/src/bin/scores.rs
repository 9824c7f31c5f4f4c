//! What a score costs when it is served: nanoseconds for each candidate, of the compiled function alone.

use std::hint::black_box;
use std::time::Instant;

use mtl_data::Rng;
use mtl_runtime::mtl_file;

mtl_file!("../specs/fusion_x_2026.mtl");

/// Candidates of a request.
const ROWS: usize = 1000;

fn main() {
    let mut rng = Rng::keyed(1, "candidates");
    let rows: Vec<FusionX2026Prediction> = (0..ROWS).map(|_| candidate(&mut rng)).collect();
    let ranks = FusionX2026Config::new().ranks;
    let mut scores = vec![0.0; ROWS];
    let times = (0..200).map(|_| {
        let start = Instant::now();
        for _ in 0..10 {
            let rows = black_box(&rows[..]);
            FusionX2026Prediction::score_all(rows, &ranks.score, &ranks.weighted, &mut scores)
                .expect("nothing is missing");
            black_box(&scores);
        }
        start.elapsed().as_secs_f64() * 1e9 / (10 * ROWS) as f64
    });
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    println!("X, August 2026: {:.1} ns a candidate (median of {}; {:.1} at best)", times[100], times.len(), times[0]);
}

fn candidate(rng: &mut Rng) -> FusionX2026Prediction {
    FusionX2026Prediction {
        favorite: rng.unit(),
        reply: rng.unit(),
        retweet: rng.unit(),
        photo_expand: rng.unit(),
        video_open: rng.unit(),
        click: rng.unit(),
        open_link: rng.unit(),
        profile_click: rng.unit(),
        share: rng.unit(),
        share_by_message: rng.unit(),
        share_by_link: rng.unit(),
        dwell: rng.unit(),
        quote: rng.unit(),
        quoted_click: rng.unit(),
        follow_author: rng.unit(),
        post_unexplored: rng.unit(),
        quality_view: rng.unit(),
        dwell_time: 30.0 * rng.unit(),
        not_interested: rng.unit(),
        block_author: rng.unit(),
        mute_author: rng.unit(),
        report: rng.unit(),
        not_dwelled: rng.unit(),
    }
}
