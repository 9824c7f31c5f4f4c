//! Charts at their limits, numbers as people read them, specs in colour.

use super::chart::{Dot, HeatMap, LineChart, Scatter, Series, heat_map, histogram, line_chart, scatter};
use super::element::{classed, element};
use super::number::{count, duration, percent, short, tick};
use super::spec::coloured;
use crate::report::Distribution;

fn line(points: &[(f64, f64)]) -> Option<String> {
    let series = vec![Series { name: "a".into(), points: points.to_vec() }];
    line_chart(&LineChart { title: "t", series, ..LineChart::default() }).map(|chart| chart.to_string())
}

/// The paths of lines.
fn paths(chart: &str) -> Vec<&str> {
    chart.split(" d=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn a_line_chart_as_it_is_written() {
    let chart = line(&[(1.0, 0.5), (2.0, 1.0), (3.0, 0.0)]).unwrap();
    assert_eq!(paths(&chart), ["M50 105L215 10L380 200"]);
    assert!(
        chart
            .starts_with("<figure class=\"card\"><figcaption>t</figcaption><div class=\"scroll\"><svg class=\"chart\"")
    );
    assert!(
        chart.contains("<title>a, epoch 2.0: 1.0</title>") || chart.contains("<title>a, epoch 2: 1</title>"),
        "{chart}"
    );
}

#[test]
fn a_line_has_gaps_where_values_are_none() {
    let chart = line(&[(1.0, 0.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, f64::INFINITY), (5.0, 0.5)]).unwrap();
    assert_eq!(paths(&chart)[0].matches('M').count(), 3);
    assert_eq!(chart.matches("<circle").count(), 3);
}

#[test]
fn charts_of_nothing_are_none() {
    assert_eq!((line(&[]), line(&[(1.0, f64::NAN)])), (None, None));
    assert!(scatter(&Scatter::default()).is_none());
    let dot = Dot { x: f64::NAN, y: 1.0, text: String::new(), size: 1.0 };
    assert!(scatter(&Scatter { kinds: vec![("a".into(), vec![dot])], ..Scatter::default() }).is_none());
    assert!(histogram("t", "x", &Distribution::default()).is_none());
    let empty = Distribution { counts: [("a", vec![0, 0])].into_iter().collect(), ..Distribution::default() };
    assert!(histogram("t", "x", &empty).is_none());
    let map = heat_map(&HeatMap { title: "t", most: 1.0, ..HeatMap::default() }).to_string();
    assert!(!map.contains("NaN") && !map.contains("<rect"));
}

#[test]
fn extreme_values_stay_within_the_chart() {
    let cases: [&[(f64, f64)]; 6] = [
        &[(1.0, 3.0)],
        &[(1.0, f64::MAX), (2.0, f64::MIN)],
        &[(1.0, 1e-320), (2.0, 3e-320)],
        &[(1.0, 1e12), (2.0, 1e12 + 1.0)],
        &[(1.0, 0.0), (2.0, 0.0)],
        &[(1e18, 1.0), (2e18, 2.0)],
    ];
    for points in cases {
        let chart = line(points).unwrap();
        assert!(!chart.contains("NaN") && !chart.contains("inf"), "{chart}");
        for number in paths(&chart)[0].split(['M', 'L', ' ']).filter(|text| !text.is_empty()) {
            assert!((0.0..=400.0).contains(&number.parse::<f64>().unwrap()), "{points:?}: {number}");
        }
    }
    let huge = Distribution::of([("a", vec![-f64::MAX, f64::MAX])]).unwrap();
    let drawn = histogram("t", "x", &huge).unwrap().to_string();
    assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
}

#[test]
fn fifty_series_are_told_apart_as_far_as_colours_and_dashes_go() {
    let series = |at: usize| Series { name: format!("task {at}"), points: vec![(1.0, 0.0), (2.0, at as f64)] };
    let chart = line_chart(&LineChart { title: "t", series: (0..50).map(series).collect(), ..LineChart::default() });
    let chart = chart.unwrap().to_string();
    let lines: std::collections::BTreeSet<&str> =
        chart.split("<path class=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!((lines.len(), chart.matches("class=\"entry\"").count()), (32, 50));
}

#[test]
fn a_histogram_counts_in_per_cent_of_each_kind() {
    let counts = [("many", vec![30, 10]), ("few", vec![1, 3])].into_iter().collect();
    let distribution = Distribution { low: 0.0, high: 1.0, counts, outside: 0.01 };
    let drawn = histogram("t", "x", &distribution).unwrap().to_string();
    let heights =
        |path: &str| path.split(['L', 'M']).filter_map(|p| p.split(' ').nth(1)?.parse().ok()).collect::<Vec<f64>>();
    let (many, few) = (heights(paths(&drawn)[0]), heights(paths(&drawn)[1]));
    assert_eq!((many[1], many[3]), (few[3], few[1]));
    assert!(drawn.contains("1.0 % lie outside") && drawn.contains("many (40)"));
}

#[test]
fn a_map_has_a_colour_for_each_sign_and_no_cell_for_no_number() {
    let map = HeatMap {
        title: "t",
        rows: vec!["r".into()],
        columns: ["a", "b", "c"].map(String::from).to_vec(),
        values: vec![vec![1.0, -0.5, f64::NAN]],
        most: 1.0,
        ..HeatMap::default()
    };
    let drawn = heat_map(&map).to_string();
    assert_eq!((drawn.matches("class=\"warm\"").count(), drawn.matches("class=\"cold\"").count()), (1, 1));
    assert!(drawn.contains("fill-opacity=\"1.00\"") && drawn.contains("fill-opacity=\"0.52\""));
}

#[test]
fn numbers_are_short_and_exact_enough() {
    let written = [0.0, 1.0, 2.5, 0.81234567, 12.0, 123.456, 20163.7, 2.5e6, 1e-7, -0.25, f64::NAN].map(short);
    assert_eq!(
        written,
        ["0", "1", "2.5", "0.8123", "12", "123.5", "20\u{202f}164", "2.50M", "1.00e-7", "-0.25", "not a number"]
    );
    assert_eq!((count(1_234_567), percent(0.5)), ("1\u{202f}234\u{202f}567".into(), "50.0 %".into()));
    assert_eq!([0.05, 41.1, 125.0, 7260.0].map(duration), ["50 ms", "41.1 s", "2 min 05 s", "2 h 01 min"]);
    assert_eq!(tick(0.75, 0.05), "0.75");
    assert_eq!([tick(20_000.0, 1000.0), tick(1.5e6, 5e5), tick(-0.5, 0.5)], ["20k", "1.5M", "-0.5"]);
    assert_eq!([tick(1e-6, 1e-6), tick(1e-20, 1.0)], ["1e-6", "0"]);
}

#[test]
fn colours_change_no_text() {
    let specs = ["task click: binary; // a < b\nrank score { \"text \\\" on\" + 1_000.5e3 }", "\"open", "/ 好 1", ""];
    for spec in specs {
        let drawn = coloured(spec).to_string();
        let (mut text, mut tag) = (String::new(), false);
        for character in drawn.chars() {
            match character {
                '<' => tag = true,
                '>' => tag = false,
                c if !tag => text.push(c),
                _ => {}
            }
        }
        assert_eq!(text, super::element::escaped(spec));
    }
    let drawn = coloured("task a: mlp([8]); // note").to_string();
    for (class, piece) in [("word", "task"), ("call", "mlp"), ("number", "8"), ("comment", "// note")] {
        assert!(drawn.contains(&format!("<span class=\"{class}\">{piece}</span>")), "{drawn}");
    }
}

#[test]
fn elements_escape() {
    let made = classed("p", "a\"b").text("<&>").child(element("br")).to_string();
    assert_eq!(made, "<p class=\"a&quot;b\">&lt;&amp;&gt;<br/></p>");
}
