//! A feed simulator: users scroll through short videos, and the true probability of everything they do is known.
//!
//! A user opens a request at some hour in some tab and is shown [`POSITIONS`] videos. Whether they click depends on their
//! activity, on the taste of their age for the video's category, on author, video and user as such, on tab and hour, and on the
//! position: the lower, the less they look. After a click come a long view, a like, the time watched and perhaps a purchase.
//!
//! | columns | |
//! |---|---|
//! | `user_id`, `user_active_degree`, `age_range`, `history` | the user; the history holds the last [`HISTORY`] clicked videos, latest last |
//! | `video_id`, `author_id`, `category`, `duration_ms` | the video |
//! | `tab`, `hour`, `position` | the context; position 0 is the top |
//! | `is_click`, `long_view`, `is_like`, `purchase` | labels, 0 or 1; without a click all others are 0 |
//! | `play_time_ms` | label; missing without a click |

use std::collections::VecDeque;

use crate::column::{Bags, Column, Labels, Numbers};
use crate::error::DataError;
use crate::ids::Ids;
use crate::rng::Rng;
use crate::table::Table;

/// Videos shown in one request.
pub const POSITIONS: usize = 10;
/// Videos in a user's history.
pub const HISTORY: usize = 20;

const ACTIVITY: [&str; 4] = ["low", "middle", "high", "full"];
const AGES: [&str; 6] = ["0-17", "18-24", "25-34", "35-44", "45-59", "60+"];
const CATEGORIES: [&str; 12] = [
    "animals",
    "comedy",
    "dance",
    "drama",
    "food",
    "games",
    "music",
    "news",
    "sports",
    "style",
    "technology",
    "travel",
];
const TABS: usize = 4;
/// Videos of one author, on average.
const VIDEOS_BY_AUTHOR: usize = 10;
/// Width of the users' own tastes.
const TASTES: usize = 4;
/// Beyond 32 bits and the whole numbers of a float, as the ids of large systems are.
const FIRST_VIDEO: i64 = 9_007_199_254_740_993;

/// The size of a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedOptions {
    /// Users.
    pub users: usize,
    /// Videos.
    pub videos: usize,
    /// Rows: videos shown.
    pub rows: usize,
    /// Everything depends on it and the three numbers above alone.
    pub seed: u64,
}

impl Default for FeedOptions {
    fn default() -> Self {
        Self { users: 2_000, videos: 1_000, rows: 200_000, seed: 7 }
    }
}

/// Simulated rows in the order of time, and their true probabilities.
#[derive(Debug, Clone)]
pub struct Simulation {
    /// What a model may see: features and labels.
    pub table: Table,
    truth: [Vec<f32>; 4],
}

/// The label columns whose true probabilities are known.
pub const EVENTS: [&str; 4] = ["is_click", "long_view", "is_like", "purchase"];

impl Simulation {
    /// The true probability of a label of [`EVENTS`] in each row, over all rows (that of a purchase is that of the click and
    /// the purchase).
    pub fn probabilities(&self, label: &str) -> Option<&[f32]> {
        EVENTS.iter().position(|event| *event == label).map(|event| &self.truth[event][..])
    }

    /// The best AUC that any model can reach for a label on these rows: that of the true probabilities. None if the rows hold
    /// one class.
    pub fn best_auc(&self, label: &str, rows: &[u32]) -> Result<Option<f64>, DataError> {
        let truth = self.probabilities(label).ok_or_else(|| {
            DataError::new("has no true probability")
                .in_column(label)
                .remedy(format!("those that have: {}", EVENTS.join(", ")))
        })?;
        let labels = self.table.numbers(label)?;
        let scores: Vec<f32> = rows.iter().map(|&row| truth[row as usize]).collect();
        let labels: Vec<f32> = rows.iter().map(|&row| labels[row as usize] as f32).collect();
        mtl_eval::metrics::auc(&scores, &labels, None).map_err(|error| DataError::new(error.to_string()))
    }
}

struct User {
    activity: usize,
    age: usize,
    /// On the click, and on the purchase.
    effect: [f64; 2],
    tastes: [f64; TASTES],
    history: VecDeque<i64>,
}

struct Video {
    author: usize,
    category: usize,
    /// Log of the duration, standardised.
    length: f64,
    duration_ms: f64,
    /// On the click, the long view, the like and the purchase.
    effect: [f64; 4],
    tastes: [f64; TASTES],
}

/// What stays the same over a simulation.
struct World {
    users: Vec<User>,
    videos: Vec<Video>,
    /// Taste of an age for a category: click, like, purchase.
    tastes: [[[f64; CATEGORIES.len()]; AGES.len()]; 3],
}

/// Simulates a feed. An error without users or videos.
pub fn feed(options: &FeedOptions) -> Result<Simulation, DataError> {
    if options.users == 0 || options.videos == 0 {
        return Err(DataError::new("a feed needs at least one user and one video"));
    }
    let mut world = World::draw(options);
    let mut rng = Rng::keyed(options.seed, "feed.rows");
    let mut log = Log::default();
    while log.user.len() < options.rows {
        let user = rng.below(options.users as u64) as usize;
        let (tab, hour) = (rng.below(TABS as u64) as usize, rng.below(24) as usize);
        let before = world.users[user].history.clone();
        for position in 0..POSITIONS.min(options.rows - log.user.len()) {
            // The smaller of two draws: earlier videos are shown more often.
            let video = rng.below(options.videos as u64).min(rng.below(options.videos as u64)) as usize;
            let shown = Shown { user, video, tab, hour, position };
            log.add(&world, &shown, &before, &mut rng);
            if log.labels[0].last() == Some(&1.0) {
                let history = &mut world.users[user].history;
                history.push_back(FIRST_VIDEO + video as i64);
                if history.len() > HISTORY {
                    history.pop_front();
                }
            }
        }
    }
    log.finish(&world)
}

struct Shown {
    user: usize,
    video: usize,
    tab: usize,
    hour: usize,
    position: usize,
}

impl World {
    fn draw(options: &FeedOptions) -> Self {
        let mut rng = Rng::keyed(options.seed, "feed.world");
        let tastes = std::array::from_fn(|_| std::array::from_fn(|_| std::array::from_fn(|_| 1.2 * rng.normal())));
        let authors: Vec<f64> = (0..options.videos.div_ceil(VIDEOS_BY_AUTHOR)).map(|_| 0.8 * rng.normal()).collect();
        let videos = (0..options.videos).map(|_| {
            let author = rng.below(authors.len() as u64) as usize;
            let length = rng.normal();
            Video {
                author,
                category: rng.below(CATEGORIES.len() as u64) as usize,
                length,
                duration_ms: (20_000.0 * (0.7 * length).exp()).round(),
                effect: [
                    authors[author] + 0.3 * rng.normal(),
                    0.5 * authors[author] + 0.3 * rng.normal(),
                    0.8 * authors[author] + 0.3 * rng.normal(),
                    0.4 * rng.normal(),
                ],
                tastes: std::array::from_fn(|_| rng.normal()),
            }
        });
        let videos: Vec<Video> = videos.collect();
        let users = (0..options.users).map(|_| {
            let activity = rng.below(ACTIVITY.len() as u64) as usize;
            User {
                activity,
                age: rng.below(AGES.len() as u64) as usize,
                effect: [0.5 * (activity as f64 - 1.5) + 0.15 * rng.normal(), 0.5 * rng.normal()],
                tastes: std::array::from_fn(|_| 0.05 * rng.normal()),
                history: VecDeque::new(),
            }
        });
        Self { users: users.collect(), videos, tastes }
    }

    /// The probability of a click, and given one those of a long view, a like and a purchase.
    fn probabilities(&self, shown: &Shown) -> [f64; 4] {
        let (user, video) = (&self.users[shown.user], &self.videos[shown.video]);
        let taste = |kind: usize| self.tastes[kind][user.age][video.category];
        let own: f64 = user.tastes.iter().zip(&video.tastes).map(|(u, v)| u * v).sum();
        let evening = (std::f64::consts::TAU * (shown.hour as f64 - 20.0) / 24.0).cos();
        let tab = [0.5, 0.0, -0.2, -0.6][shown.tab];
        let click = -0.3 + user.effect[0] + video.effect[0] + taste(0) + own + tab + 0.25 * evening
            - 0.15 * shown.position as f64;
        let long = 0.4 + video.effect[1] + 0.6 * taste(0) - 0.7 * video.length;
        let like = -2.6 + video.effect[2] + 0.5 * taste(0) + 0.7 * taste(1);
        let buy = -2.8 + user.effect[1] + video.effect[3] + taste(2);
        [click, long, like, buy].map(|logit| 1.0 / (1.0 + (-logit).exp()))
    }

    /// The time watched after a click, in ms: log-normal around the video's length and the taste for it.
    fn play_time(&self, shown: &Shown, long: bool, rng: &mut Rng) -> f64 {
        let (user, video) = (&self.users[shown.user], &self.videos[shown.video]);
        let share = 0.2 * self.tastes[0][user.age][video.category] + if long { 0.0 } else { -1.2 };
        (video.duration_ms * (share + 0.3 * rng.normal()).exp()).round()
    }
}

/// The columns under construction.
#[derive(Default)]
struct Log {
    user: Vec<usize>,
    video: Vec<usize>,
    /// Tab, hour, position.
    context: [Vec<i64>; 3],
    history: Vec<i64>,
    history_ends: Vec<usize>,
    labels: [Vec<f64>; 4],
    play_time: Vec<f64>,
    truth: [Vec<f32>; 4],
}

impl Log {
    fn add(&mut self, world: &World, shown: &Shown, history: &VecDeque<i64>, rng: &mut Rng) {
        let probabilities = world.probabilities(shown);
        let happens = probabilities.map(|probability| rng.chance(probability));
        let time = world.play_time(shown, happens[1], rng);
        for event in 0..EVENTS.len() {
            let (happened, probability) = match event {
                0 => (happens[0], probabilities[0]),
                _ => (happens[0] && happens[event], probabilities[0] * probabilities[event]),
            };
            self.labels[event].push(f64::from(u8::from(happened)));
            self.truth[event].push(probability as f32);
        }
        self.play_time.push(if happens[0] { time } else { f64::NAN });
        self.user.push(shown.user);
        self.video.push(shown.video);
        for (column, value) in self.context.iter_mut().zip([shown.tab, shown.hour, shown.position]) {
            column.push(value as i64);
        }
        self.history.extend(history);
        self.history_ends.push(self.history.len());
    }

    fn finish(self, world: &World) -> Result<Simulation, DataError> {
        let user = |f: &dyn Fn(&User) -> &'static str| {
            Ids::from(self.user.iter().map(|&u| f(&world.users[u])).collect::<Vec<_>>())
        };
        let video =
            |f: &dyn Fn(&Video) -> i64| Ids::from(self.video.iter().map(|&v| f(&world.videos[v])).collect::<Vec<_>>());
        let category = self.video.iter().map(|&v| CATEGORIES[world.videos[v].category]).collect::<Vec<_>>();
        let duration = self.video.iter().map(|&v| world.videos[v].duration_ms).collect::<Vec<_>>();
        let mut columns: Vec<(&str, Column)> = vec![
            ("user_id", Ids::from(self.user.iter().map(|&u| 1 + u as i64).collect::<Vec<_>>()).into()),
            ("user_active_degree", user(&|user| ACTIVITY[user.activity]).into()),
            ("age_range", user(&|user| AGES[user.age]).into()),
            ("history", Bags::from_ends(self.history_ends.iter().copied(), Ids::from(self.history)).into()),
            ("video_id", Ids::from(self.video.iter().map(|&v| FIRST_VIDEO + v as i64).collect::<Vec<_>>()).into()),
            ("author_id", video(&|video| 1 + video.author as i64).into()),
            ("category", Ids::from(category).into()),
            ("duration_ms", Numbers(duration).into()),
        ];
        columns
            .extend(["tab", "hour", "position"].into_iter().zip(self.context.map(|values| Ids::from(values).into())));
        columns.extend(EVENTS.into_iter().zip(self.labels.map(|labels| Labels(labels).into())));
        columns.push(("play_time_ms", Labels(self.play_time).into()));
        Ok(Simulation { table: Table::from_columns(columns)?, truth: self.truth })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Simulation {
        feed(&FeedOptions { users: 200, videos: 100, rows: 20_000, seed: 1 }).unwrap()
    }

    fn column(simulation: &Simulation, name: &str) -> Vec<f64> {
        simulation.table.numbers(name).unwrap().into_owned()
    }

    #[test]
    fn labels_happen_as_often_as_the_truth_says() {
        let simulation = small();
        for label in EVENTS {
            let happened: f64 = column(&simulation, label).iter().sum();
            let truth = simulation.probabilities(label).unwrap();
            let expected: f64 = truth.iter().map(|&p| f64::from(p)).sum();
            let deviation: f64 = truth.iter().map(|&p| f64::from(p * (1.0 - p))).sum::<f64>().sqrt();
            assert!((happened - expected).abs() < 4.0 * deviation, "{label}: {happened} {expected}");
        }
    }

    #[test]
    fn everything_follows_a_click() {
        let simulation = small();
        let click = column(&simulation, "is_click");
        for label in ["long_view", "is_like", "purchase"] {
            assert!(column(&simulation, label).iter().zip(&click).all(|(label, click)| label <= click), "{label}");
        }
        let watched = column(&simulation, "play_time_ms");
        assert!(watched.iter().zip(&click).all(|(time, click)| time.is_nan() == (*click == 0.0)));
    }

    #[test]
    fn the_history_holds_the_videos_clicked_before() {
        let simulation = small();
        let (users, videos) = (simulation.table.ids("user_id").unwrap(), simulation.table.ids("video_id").unwrap());
        let (click, history) = (column(&simulation, "is_click"), simulation.table.bags("history").unwrap());
        // The last row of a user whose request before was a full one.
        let row = simulation.table.rows() - 1;
        let before = row - row % POSITIONS;
        let clicked = (0..before).filter(|&r| users.get(r) == users.get(row) && click[r] == 1.0);
        let mut expected: Vec<_> = clicked.map(|r| videos.get(r)).collect();
        expected.drain(..expected.len().saturating_sub(HISTORY));
        assert!(!expected.is_empty());
        assert_eq!(history.range(row).map(|i| history.ids().get(i)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_top_is_clicked_more_than_the_bottom() {
        let simulation = small();
        let (click, position) = (column(&simulation, "is_click"), column(&simulation, "position"));
        let rate = |p: f64| {
            let rows: Vec<f64> = click.iter().zip(&position).filter(|(_, q)| **q == p).map(|(c, _)| *c).collect();
            rows.iter().sum::<f64>() / rows.len() as f64
        };
        assert!(
            rate(0.0) > rate(4.0) + 0.05 && rate(4.0) > rate(9.0) + 0.05,
            "{} {} {}",
            rate(0.0),
            rate(4.0),
            rate(9.0)
        );
    }

    #[test]
    fn the_truth_beats_a_noisy_copy_of_itself() {
        let simulation = small();
        let rows: Vec<u32> = (0..20_000).collect();
        let labels: Vec<f32> = column(&simulation, "is_click").iter().map(|&y| y as f32).collect();
        let mut rng = Rng::new(9);
        let truth = simulation.probabilities("is_click").unwrap();
        let noisy: Vec<f32> = truth.iter().map(|p| p + 0.1 * rng.normal() as f32).collect();
        let best = simulation.best_auc("is_click", &rows).unwrap().unwrap();
        assert!(best > mtl_eval::metrics::auc(&noisy, &labels, None).unwrap().unwrap() + 0.005, "{best}");
        assert!(simulation.best_auc("play_time_ms", &rows).is_err());
    }

    #[test]
    fn the_seed_decides_everything() {
        let options = FeedOptions { users: 20, videos: 20, rows: 215, seed: 4 };
        let (a, b) = (feed(&options).unwrap(), feed(&options).unwrap());
        assert_eq!(a.table.rows(), 215);
        assert!(a.table.columns().zip(b.table.columns()).all(|((_, a), (_, b))| a.len() == 215
            && (0..215).all(|r| {
                let both = Column::concat(&[a, b]).unwrap();
                both.same(r, 215 + r)
            })));
        let c = feed(&FeedOptions { seed: 5, ..options }).unwrap();
        assert_ne!(a.table.column("is_click").unwrap(), c.table.column("is_click").unwrap());
        assert!(feed(&FeedOptions { users: 0, ..options }).is_err());
    }
}
