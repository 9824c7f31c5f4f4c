use proptest::prelude::*;

use super::*;
use crate::error::EvalError;

type Result<T> = std::result::Result<T, EvalError>;

fn cube(n: usize, low: f64, high: f64, start: f64) -> Space {
    Space::new(vec![Variable { low, high, start }; n]).unwrap()
}

fn found(space: &Space, evaluations: usize, seed: u64, f: impl Fn(&[f64]) -> f64 + Sync) -> Found {
    let method = Method::CmaEs { evaluations };
    let value = |point: &[f64]| Ok::<_, EvalError>(Value { objectives: vec![f(point)], violation: 0.0 });
    search(space, method, seed, value, |_| ()).unwrap()
}

fn assert_near(point: &[f64], optimum: &[f64], within: f64) {
    let far = point.iter().zip(optimum).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
    assert!(far < within, "{point:?} is {far} from {optimum:?}");
}

fn sphere(optimum: &[f64]) -> impl Fn(&[f64]) -> f64 + Sync + '_ {
    move |point| -point.iter().zip(optimum).map(|(x, y)| (x - y).powi(2)).sum::<f64>()
}

#[test]
fn cma_es_finds_the_middle_of_a_sphere() {
    for n in [1, 2, 5, 20] {
        let optimum: Vec<f64> = (0..n).map(|i| 0.3 * i as f64 - 1.5).collect();
        let space = cube(n, -10.0, 10.0, 4.0);
        for seed in 0..3 {
            let best = found(&space, 300 + 500 * n, seed, sphere(&optimum)).best;
            assert_near(&best.point, &optimum, 1e-4);
        }
    }
}

#[test]
fn cma_es_finds_an_optimum_at_a_corner() {
    let space = Space::new(vec![
        Variable { low: 0.0, high: 5.0, start: 2.0 },
        Variable { low: 0.5, high: 5.0, start: 2.0 },
        Variable { low: -1.0, high: 3.0, start: 0.0 },
    ]);
    // Outside of the box: its nearest point is a corner, an end and an inner value.
    let best = found(&space.unwrap(), 2_000, 1, |x| -(x[0] + 1.0).powi(2) - x[1] - (x[2] - 1.0).powi(2)).best;
    assert_near(&best.point, &[0.0, 0.5, 1.0], 1e-3);
}

#[test]
fn cma_es_follows_the_valley_of_rosenbrock() {
    let valley =
        |x: &[f64]| -x.windows(2).map(|x| 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2)).sum::<f64>();
    let best = found(&cube(2, -5.0, 10.0, -1.2), 3_000, 0, valley).best;
    assert_near(&best.point, &[1.0, 1.0], 1e-3);
    let best = found(&cube(6, -5.0, 10.0, -1.2), 20_000, 3, valley).best;
    assert_near(&best.point, &[1.0; 6], 1e-2);
}

#[test]
fn cma_es_adapts_to_a_rotated_ellipsoid() {
    // Axes of lengths 1 to 1000 along a rotation of the plane of each pair of neighbours.
    let n = 6;
    let optimum: Vec<f64> = (0..n).map(|i| 0.5 - 0.2 * i as f64).collect();
    let ellipsoid = |x: &[f64]| {
        let mut y: Vec<f64> = x.iter().zip(&optimum).map(|(x, y)| x - y).collect();
        for i in 0..n - 1 {
            let (sin, cos) = (0.7 + i as f64).sin_cos();
            (y[i], y[i + 1]) = (cos * y[i] - sin * y[i + 1], sin * y[i] + cos * y[i + 1]);
        }
        -y.iter().enumerate().map(|(i, y)| 10f64.powf(6.0 * i as f64 / (n - 1) as f64) * y * y).sum::<f64>()
    };
    let best = found(&cube(n, -4.0, 4.0, 2.0), 12_000, 0, ellipsoid).best;
    assert_near(&best.point, &optimum, 1e-4);
}

#[test]
fn restarts_leave_a_local_optimum() {
    // Rastrigin's function: a local optimum near every whole number.
    let many = |x: &[f64]| -x.iter().map(|x| x * x - 10.0 * (std::f64::consts::TAU * x).cos()).sum::<f64>();
    let best = found(&cube(2, -5.0, 5.0, 3.0), 10_000, 2, many).best;
    assert_near(&best.point, &[0.0, 0.0], 1e-2);
}

#[test]
fn plateaus_do_not_hold_the_search() {
    let stairs = |x: &[f64]| -x.iter().map(|x| (8.0 * (x - 0.7).abs()).floor()).sum::<f64>();
    let best = found(&cube(3, 0.0, 5.0, 4.0), 2_000, 5, stairs).best;
    assert_eq!(best.value.objectives, [0.0]);
}

#[test]
fn a_variable_over_orders_of_magnitude_is_seen_by_its_logarithm() {
    let space = Space::new(vec![Variable { low: 1e-3, high: 1e3, start: 1.0 }]).unwrap();
    assert_near(&space.value(&[0.5]), &[1.0], 1e-12);
    assert_near(&space.unit(&[0.1]), &[1.0 / 3.0], 1e-12);
    let best = found(&space, 300, 0, |x| -(x[0].ln() - 0.005f64.ln()).abs()).best;
    assert!((best.point[0] / 0.005 - 1.0).abs() < 1e-3, "{best:?}");
    // From 0: most of the view is near the start.
    let space = Space::new(vec![Variable { low: 0.0, high: 500.0, start: 2.0 }]).unwrap();
    assert_eq!((space.value(&[0.0]), space.value(&[1.0])), (vec![0.0], vec![500.0]));
    assert!(space.value(&[0.5])[0] < 50.0);
}

#[test]
fn constraints_come_first() {
    // The best of x + y within a circle, from far outside.
    let value = |x: &[f64]| -> Result<Value> {
        Ok(Value { objectives: vec![x[0] + x[1]], violation: (x[0].hypot(x[1]) - 1.0).max(0.0) })
    };
    let space = cube(2, -5.0, 5.0, 4.0);
    let found = search(&space, Method::CmaEs { evaluations: 3_000 }, 0, value, |_| ()).unwrap();
    assert_eq!(found.best.value.violation, 0.0);
    assert_near(&found.best.point, &[0.5f64.sqrt(); 2], 0.02);
    // Where no point keeps them, the nearest one is best, and there is no front.
    let never = |x: &[f64]| -> Result<Value> { Ok(Value { objectives: vec![x[0]], violation: 1.0 + x[0].abs() }) };
    let found = search(&space, Method::CmaEs { evaluations: 500 }, 0, never, |_| ()).unwrap();
    assert!(found.best.point[0].abs() < 1e-3 && found.front.is_empty());
}

#[test]
fn the_default_stays_where_nothing_is_better() {
    for method in [Method::CmaEs { evaluations: 100 }, Method::Random { evaluations: 100 }, Method::Grid { steps: 5 }] {
        let value = |_: &[f64]| Ok::<_, EvalError>(Value { objectives: vec![1.0], violation: 0.0 });
        let found = search(&cube(2, 0.0, 1.0, 0.25), method, 0, value, |_| ()).unwrap();
        assert_eq!(found.best, found.start);
    }
}

#[test]
fn each_method_evaluates_what_it_says() {
    let space = cube(2, 0.0, 1.0, 0.25);
    for (method, count) in [
        (Method::CmaEs { evaluations: 1 }, 1),
        (Method::CmaEs { evaluations: 103 }, 103),
        (Method::Random { evaluations: 77 }, 77),
        (Method::Grid { steps: 7 }, 50),
    ] {
        let (mut told, asked) = (0, std::sync::atomic::AtomicUsize::new(0));
        let value = |x: &[f64]| {
            asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok::<_, EvalError>(Value { objectives: vec![x[0], -x[0]], violation: 0.0 })
        };
        let found = search(&space, method, 3, value, |done| told = done).unwrap();
        assert_eq!((found.evaluations, asked.into_inner(), told), (count, count, count), "{method:?}");
        assert_eq!(method.evaluations(2), count);
    }
    assert_eq!(Method::Grid { steps: 10 }.evaluations(40), usize::MAX);
}

#[test]
fn a_grid_holds_its_ends_and_the_best_of_its_points() {
    let space = Space::new(vec![Variable { low: 0.0, high: 2.0, start: 0.7 }; 2]).unwrap();
    let value = |x: &[f64]| Ok::<_, EvalError>(Value { objectives: vec![-(x[0] - 2.0).abs() - x[1]], violation: 0.0 });
    let found = search(&space, Method::Grid { steps: 5 }, 0, value, |_| ()).unwrap();
    assert_eq!(found.best.point, [2.0, 0.0]);
}

#[test]
fn an_error_ends_the_search() {
    let value = |x: &[f64]| {
        if x[0] > 0.5 { Err(EvalError::new("no")) } else { Ok(Value { objectives: vec![x[0]], violation: 0.0 }) }
    };
    let method = Method::CmaEs { evaluations: 200 };
    assert_eq!(search(&cube(1, 0.0, 1.0, 0.4), method, 0, value, |_| ()).unwrap_err(), EvalError::new("no"));
}

#[test]
fn the_seed_decides_whatever_the_threads() {
    let run = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let space = cube(3, 0.0, 5.0, 1.0);
        let value = |x: &[f64]| {
            Ok::<_, EvalError>(Value { objectives: vec![(3.0 * x[0]).sin() + x[1], -x[1] * x[2]], violation: 0.0 })
        };
        pool.install(|| search(&space, Method::CmaEs { evaluations: 600 }, seed, value, |_| ()).unwrap())
    };
    assert_eq!(run(1, 7), run(4, 7));
    assert_ne!(run(2, 7).front, run(2, 8).front);
}

#[test]
fn the_front_of_two_circles_is_the_line_between_their_middles() {
    // Two distances: the front is the segment from (1, 1) to (3, 2).
    let value = |x: &[f64]| {
        let to = |a: f64, b: f64| -(x[0] - a).hypot(x[1] - b);
        Ok::<_, EvalError>(Value { objectives: vec![to(1.0, 1.0), to(3.0, 2.0)], violation: 0.0 })
    };
    let whole = 5f64.sqrt();
    let space = cube(2, 0.0, 5.0, 4.5);
    let best = |method| {
        let found = search(&space, method, 0, value, |_| ()).unwrap();
        for point in &found.front {
            let sum: f64 = point.value.objectives.iter().sum();
            assert!(sum <= -whole + 1e-12, "nothing is nearer to both: {point:?}");
        }
        let objectives: Vec<Vec<f64>> = found.front.iter().map(|point| point.value.objectives.clone()).collect();
        let (first, last) = (&objectives[0], objectives.last().unwrap());
        (hypervolume(&objectives, &[-whole, -whole]), first[1], last[0])
    };
    // The triangle under the line.
    let most = whole * whole / 2.0;
    let (volume, second, first) = best(Method::CmaEs { evaluations: 4_000 });
    assert!(volume > 0.95 * most && volume <= most, "{volume} of {most}");
    assert!(first > -0.02 && second > -0.02, "the ends are the best of each objective: {first} {second}");
    let (random, ..) = best(Method::Random { evaluations: 4_000 });
    assert!(random < volume);
}

#[test]
fn directions_are_each_objective_and_then_between_them() {
    let three = pareto::directions(3, 13);
    assert_eq!(three.len(), 13);
    assert_eq!(three[..3], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    assert!(three.iter().all(|of| (of.iter().sum::<f64>() - 1.0).abs() < 1e-12));
    assert_eq!(pareto::directions(2, 5), [[1.0, 0.0], [0.0, 1.0], [0.25, 0.75], [0.5, 0.5], [0.75, 0.25]]);
    assert_eq!(pareto::directions(2, 1).len(), 3);
}

#[test]
fn a_picture_is_a_file_that_holds_its_points() {
    let point = |x: f64, y: f64| Point { objectives: vec![x, y], title: "w = <1>".to_owned() };
    let picture = Picture {
        objectives: vec!["gauc(a)".to_owned(), "gauc(b)".to_owned()],
        front: vec![point(0.5, 0.75), point(0.625, 0.7)],
        start: point(0.5, 0.7),
    };
    let svg = picture.svg();
    assert_eq!(svg.matches("<circle").count(), 3);
    assert!(svg.contains("w = &lt;1&gt;") && svg.contains("gauc(b)") && !svg.contains("NaN"));
    let alone = Picture { front: Vec::new(), ..picture };
    assert!(!alone.svg().contains("NaN") && !alone.svg().contains("inf"));
}

fn points(objectives: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    // Few values, so that ties happen.
    prop::collection::vec(prop::collection::vec((0..8).prop_map(f64::from), objectives), 0..24)
}

fn front(points: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut front = Front::default();
    for point in points {
        front.insert(Candidate { point: point.clone(), value: Value { objectives: point.clone(), violation: 0.0 } });
    }
    front.sorted().into_iter().map(|candidate| candidate.point).collect()
}

/// The volume by counting cells.
fn cells(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    let (mut at, mut count) = (vec![0_usize; reference.len()], 0.0);
    loop {
        let middle: Vec<f64> = at.iter().zip(reference).map(|(i, r)| r + *i as f64 + 0.5).collect();
        count += f64::from(u8::from(points.iter().any(|point| point.iter().zip(&middle).all(|(x, m)| x > m))));
        let Some(next) = at.iter().position(|i| *i < 8) else { return count };
        at[next] += 1;
        at[..next].fill(0);
    }
}

proptest! {
    #[test]
    fn members_of_a_front_do_not_dominate_each_other_and_dominate_the_rest(points in points(3)) {
        let front = front(&points);
        for a in &front {
            prop_assert!(points.contains(a));
            prop_assert!(front.iter().all(|b| !dominates(a, b)));
        }
        for point in &points {
            prop_assert!(front.iter().any(|member| member == point || dominates(member, point)));
        }
        let mut reversed = points.clone();
        reversed.reverse();
        prop_assert_eq!(front, self::front(&reversed));
    }

    #[test]
    fn a_volume_is_the_number_of_its_cells(two in points(2), three in points(3), low in 0..4) {
        let low = f64::from(low);
        prop_assert!((hypervolume(&two, &[low; 2]) - cells(&two, &[low; 2])).abs() < 1e-9);
        prop_assert!((hypervolume(&three, &[low; 3]) - cells(&three, &[low; 3])).abs() < 1e-9);
        // Only the front counts.
        prop_assert_eq!(hypervolume(&front(&two), &[low; 2]), hypervolume(&two, &[low; 2]));
    }

    #[test]
    fn a_spread_keeps_the_ends(points in points(2), count in 2_usize..6) {
        let candidates = front(&points);
        let chosen = spread(&candidates, count);
        prop_assert_eq!(chosen.len(), count.min(candidates.len()));
        prop_assert!(candidates.is_empty() || chosen.contains(&0) && chosen.contains(&(candidates.len() - 1)));
    }

    #[test]
    fn a_space_keeps_its_points(low in -5.0..5.0_f64, width in 0.0..400.0_f64, share in 0.0..1.0_f64, unit in -3.0..3.0_f64) {
        for low in [low, 0.0, 1e-3] {
            let start = (low + share * width).min(low + width);
            let space = Space::new(vec![Variable { low, high: low + width, start }]).unwrap();
            let value = space.value(&[unit])[0];
            prop_assert!((low..=low + width).contains(&value));
            let again = space.value(&space.unit(&[start]))[0];
            prop_assert!((again - start).abs() <= 1e-9 * (1.0 + start.abs()), "{} {}", again, start);
        }
    }
}
