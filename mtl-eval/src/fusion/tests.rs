use proptest::prelude::*;

use super::fit::Loss;
use super::network::{Network, sigmoid};
use super::*;
use crate::random::Generator;

const ACTIVATIONS: [Activation; 5] =
    [Activation::Relu, Activation::LeakyRelu, Activation::Tanh, Activation::Sigmoid, Activation::Swish];
const TARGETS: [Target; 4] = [Target::Event, Target::Number, Target::Logarithm, Target::Amount];

fn options(widths: &[usize]) -> Options {
    Options { widths: widths.to_vec(), activation: Activation::Relu, epochs: 60, lr: 0.02, l2: 1e-4 }
}

/// Rows of two numbers from -1 to 1, and the label that a function makes of them and of noise.
struct Data {
    inputs: Vec<f64>,
    labels: Vec<f32>,
}

const NAMES: [&str; 2] = ["a", "b"];
const KINDS: [Input; 2] = [Input::Number, Input::Number];

impl Data {
    fn of(rows: usize, seed: u64, label: impl Fn([f64; 2], f64) -> f64) -> Self {
        let mut random = Generator::new(seed);
        let (mut inputs, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let x = [2.0 * random.uniform() - 1.0, 2.0 * random.uniform() - 1.0];
            inputs.extend(x);
            labels.push(label(x, random.uniform()) as f32);
        }
        Self { inputs, labels }
    }

    fn rows(&self) -> Rows<'_> {
        Rows { names: &NAMES, kinds: &KINDS, inputs: &self.inputs, labels: &self.labels, weights: None, groups: None }
    }

    fn scores(&self, fusion: &Fusion) -> Vec<f64> {
        self.inputs.chunks_exact(2).map(|row| fusion.score([row[0], row[1]])).collect()
    }
}

fn event(p: f64, noise: f64) -> f64 {
    f64::from(u8::from(noise < p))
}

/// Events that depend on whether both inputs have one sign.
fn crossed(rows: usize, seed: u64) -> Data {
    Data::of(rows, seed, |[a, b], noise| event(if a * b > 0.0 { 0.9 } else { 0.1 }, noise))
}

fn auc(scores: &[f64], labels: &[f32]) -> f64 {
    let (mut better, mut pairs) = (0.0, 0.0);
    for (a, x) in scores.iter().zip(labels).filter(|(_, label)| **label > 0.5).map(|(a, _)| (a, 1.0)) {
        for b in scores.iter().zip(labels).filter(|(_, label)| **label < 0.5).map(|(b, _)| b) {
            pairs += x;
            better += if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            };
        }
    }
    better / pairs
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for (at, activation) in ACTIVATIONS.into_iter().enumerate() {
        for widths in [vec![], vec![4], vec![5, 3]] {
            for target in TARGETS {
                let mut random = Generator::new(at as u64);
                let mut network = Network::random(3, widths.clone(), activation, &mut random);
                network.values.iter_mut().for_each(|value| *value += 0.1 * random.normal());
                let (inputs, label) = ([0.3, -1.2, 0.7], 0.4);
                let loss = Loss { target, center: -0.3 };
                let mut gradient = vec![0.0; network.values.len()];
                let output = network.backward(&inputs, &mut gradient, |output| 2.0 * loss.slope(output, label));
                assert_eq!(output, network.output(&inputs));
                for (at, found) in gradient.iter().enumerate() {
                    let value = |step: f64| {
                        let mut moved = network.clone();
                        moved.values[at] += step;
                        2.0 * loss.value(moved.output(&inputs), label)
                    };
                    let slope = (value(1e-5) - value(-1e-5)) / 2e-5;
                    assert!((slope - found).abs() < 1e-7 * (1.0 + slope.abs()), "{activation:?} {target:?} {at}");
                }
            }
        }
    }
}

/// Without layers it is a logistic regression with a penalty, which Newton's method solves.
#[test]
fn without_layers_it_is_the_regression_that_newton_finds() {
    let data = Data::of(3000, 1, |[a, b], noise| event(sigmoid(0.5 + 1.5 * a - 2.0 * b), noise));
    let (l2, n) = (0.02, data.labels.len() as f64);
    // One group: nothing can be held out.
    let groups = vec![7; data.labels.len()];
    let rows = Rows { groups: Some(&groups), ..data.rows() };
    let fusion = Fusion::fit(&rows, Target::Event, &Options { epochs: 400, l2, ..options(&[]) }, 3).unwrap();
    assert_eq!(fusion.summary().unwrap().held, 0);
    assert_eq!(fusion.summary().unwrap().epoch, 400, "the last one");

    let column = |at: usize| {
        let x: Vec<f64> = data.inputs.iter().skip(at).step_by(2).copied().collect();
        let mean = x.iter().sum::<f64>() / n;
        let deviation = (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        x.into_iter().map(|x| (x - mean) / deviation).collect::<Vec<f64>>()
    };
    let (a, b) = (column(0), column(1));
    let mut w = [0.0; 3];
    for _ in 0..50 {
        let (mut g, mut h) = ([l2 * w[0], l2 * w[1], 0.0], [[l2, 0.0, 0.0], [0.0, l2, 0.0], [0.0; 3]]);
        for ((a, b), y) in a.iter().zip(&b).zip(&data.labels) {
            let x = [*a, *b, 1.0];
            let p = 1.0 / (1.0 + (-(w[0] * a + w[1] * b + w[2])).exp());
            for i in 0..3 {
                g[i] += (p - f64::from(*y)) * x[i] / n;
                (0..3).for_each(|j| h[i][j] += p * (1.0 - p) * x[i] * x[j] / n);
            }
        }
        let step = solve(h, g);
        (0..3).for_each(|i| w[i] -= step[i]);
    }
    let fitted = fusion.0.as_ref().unwrap();
    let found = [fitted.network.values[0], fitted.network.values[1], fitted.network.values[2] + fitted.center];
    assert!(found.iter().zip(w).all(|(found, w)| (found - w).abs() < 2e-3), "{found:?} {w:?}");
}

/// Cramer's rule.
fn solve(h: [[f64; 3]; 3], g: [f64; 3]) -> [f64; 3] {
    let determinant = |m: [[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    std::array::from_fn(|column| {
        let mut replaced = h;
        (0..3).for_each(|row| replaced[row][column] = g[row]);
        determinant(replaced) / determinant(h)
    })
}

#[test]
fn layers_learn_what_no_weighted_sum_can_say() {
    let (data, test) = (crossed(3000, 1), crossed(1000, 2));
    let fit = |widths: &[usize]| Fusion::fit(&data.rows(), Target::Event, &options(widths), 0).unwrap();
    let of = |fusion: &Fusion| auc(&test.scores(fusion), &test.labels);
    let (sum, layers) = (of(&fit(&[])), of(&fit(&[16])));
    assert!(sum < 0.6 && layers > 0.87, "{sum} {layers}");
    assert_eq!(fit(&[16, 8]).widths(), [16, 8]);
}

#[test]
fn amounts_keep_their_mean_and_numbers_their_range() {
    // Four of five are 0, the others lie far apart.
    let data = Data::of(6000, 3, |[a, _], noise| if noise < 0.8 { 0.0 } else { (2.0 + 2.0 * a + noise).exp() });
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let labels: Vec<f64> = data.labels.iter().map(|label| f64::from(*label)).collect();
    let most = labels.iter().copied().fold(0.0, f64::max);
    for target in [Target::Number, Target::Logarithm, Target::Amount] {
        let fusion = Fusion::fit(&data.rows(), target, &options(&[8]), 0).unwrap();
        let scores = data.scores(&fusion);
        let ratio = mean(&scores) / mean(&labels);
        match target {
            Target::Logarithm => assert!(ratio < 0.6, "the mean of logarithms is less: {ratio}"),
            _ => assert!((ratio - 1.0).abs() < 0.05, "{target:?} {ratio}"),
        }
        for a in [f64::MIN, -1e38, -5.0, 0.0, 5.0, 1e38, f64::MAX] {
            assert!((0.0..=most).contains(&fusion.score([a, -a])), "{target:?} at {a}");
        }
    }
}

#[test]
fn what_does_not_count_does_not_matter() {
    let data = crossed(400, 1);
    let groups: Vec<u64> = (0..400).map(|row| row / 4).collect();
    let weights: Vec<f32> = (0..400).map(|row| 1.0 + (row % 3) as f32).collect();
    let fit = |rows: &Rows<'_>| Fusion::fit(rows, Target::Event, &options(&[4]), 0).unwrap();
    let plain = Rows { groups: Some(&groups), weights: Some(&weights), ..data.rows() };
    let fitted = fit(&plain);
    let (mut inputs, mut labels, mut more, mut of) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in 0..400 {
        // Rows without a label, or without a weight, between the others.
        inputs.extend([f64::NAN, 1e9, data.inputs[2 * row], data.inputs[2 * row + 1], 3.0, f64::INFINITY]);
        labels.extend([f32::NAN, data.labels[row], 1.0]);
        more.extend([1.0, weights[row], 0.0]);
        of.extend([9_000, groups[row], 1]);
    }
    let mixed = Rows { inputs: &inputs, labels: &labels, weights: Some(&more), groups: Some(&of), ..data.rows() };
    assert_eq!(fit(&mixed), fitted);
    // Weights are relative; and they do matter.
    let twice: Vec<f32> = weights.iter().map(|weight| 2.0 * weight).collect();
    assert_eq!(fit(&Rows { weights: Some(&twice), ..plain }), fitted);
    assert_ne!(fit(&Rows { weights: None, ..plain }), fitted);
    assert_ne!(fit(&Rows { groups: None, ..plain }), fitted);
    assert_eq!(fitted.summary().unwrap().rows, 400);
}

#[test]
fn the_same_seed_gives_the_same_bits_and_every_option_counts() {
    let data = crossed(600, 1);
    let fit = |options: &Options, seed| Fusion::fit(&data.rows(), Target::Event, options, seed).unwrap();
    let base = options(&[4]);
    let fitted = fit(&base, 5);
    assert_eq!(fit(&base, 5), fitted);
    assert_ne!(fit(&base, 6), fitted);
    for other in [
        Options { widths: vec![5], ..base.clone() },
        Options { activation: Activation::Tanh, ..base.clone() },
        Options { epochs: 3, ..base.clone() },
        Options { lr: 0.001, ..base.clone() },
        Options { l2: 0.01, ..base.clone() },
    ] {
        assert_ne!(fit(&other, 5), fitted, "{other:?}");
    }
    let spread = |fusion: &Fusion| {
        let scores = data.scores(fusion);
        scores.iter().copied().fold(0.0, f64::max) - scores.iter().copied().fold(1.0, f64::min)
    };
    let flat = fit(&Options { l2: 10.0, ..base.clone() }, 5);
    assert!(spread(&flat) < 0.1 * spread(&fitted), "a strong penalty leaves nearly the mean: {}", spread(&flat));
    let short = fit(&Options { epochs: 1, ..base.clone() }, 5);
    assert!(short.summary().unwrap().loss > fitted.summary().unwrap().loss);
}

#[test]
fn the_epoch_is_chosen_by_rows_that_were_held_out() {
    // Pure noise: the longer it learns, the worse it gets.
    let data = Data::of(300, 1, |_, noise| event(0.5, noise));
    let of = Options { epochs: 200, lr: 0.05, ..options(&[32]) };
    let fusion = Fusion::fit(&data.rows(), Target::Event, &of, 0).unwrap();
    let Summary { rows, held, epoch, loss } = fusion.summary().unwrap();
    assert!(rows == 300 && (30..100).contains(&held) && epoch < 50 && loss < 0.75, "{:?}", fusion.summary());
    assert!(fusion.to_string().starts_with(&format!("fitted on 300 rows, epoch {epoch} with a loss of 0.")));
    assert_eq!(Fusion::default().to_string(), "not fitted");
}

#[test]
fn data_that_nothing_can_be_learned_from_are_errors() {
    let data = crossed(40, 1);
    let error = |rows: &Rows<'_>, target| Fusion::fit(rows, target, &options(&[4]), 0).unwrap_err().to_string();
    let with = |labels: &[f32], target| error(&Rows { labels, ..data.rows() }, target);
    assert_eq!(with(&[f32::NAN; 40], Target::Event), "no row has a label");
    assert_eq!(error(&Rows { weights: Some(&[0.0; 40]), ..data.rows() }, Target::Event), "no row has a label");
    assert_eq!(with(&[1.0; 40], Target::Event), "every label is 1: there is nothing to learn");
    assert_eq!(with(&[0.0; 40], Target::Amount), "every label is 0: there is nothing to learn");
    let mut labels = data.labels.clone();
    labels[7] = -1.0;
    assert_eq!(with(&labels, Target::Event), "the label -1 is not a label of 0 to 1 in row 7");
    assert_eq!(with(&labels, Target::Amount), "the label -1 is not a number that is not negative in row 7");
    assert_eq!(with(&labels, Target::Logarithm), "the label -1 is not a number above -1 in row 7");
    labels[7] = f32::INFINITY;
    assert_eq!(with(&labels, Target::Number), "the label inf is not a number in row 7");
    let change = |row: usize, x: f64| {
        let mut inputs = data.inputs.clone();
        inputs[row] = x;
        error(&Rows { inputs: &inputs, ..data.rows() }, Target::Event)
    };
    assert_eq!(change(21, f64::NAN), "`b` is NaN in row 10");
    assert_eq!(change(20, f64::INFINITY), "`a` is inf in row 10");
    let constant: Vec<f64> = data.inputs.chunks(2).flat_map(|row| [row[0], 0.3]).collect();
    let still = Fusion::fit(&Rows { inputs: &constant, ..data.rows() }, Target::Event, &options(&[4]), 0).unwrap();
    assert_eq!(still.still(), [1]);
    assert_eq!(
        still.score([0.4, 0.3]).to_bits(),
        still.score([0.4, 0.9]).to_bits(),
        "what said nothing counts for nothing"
    );
    assert!((1..20).any(|x| still.score([f64::from(x) / 20.0, 0.3]) != still.score([0.0, 0.3])));
    assert_eq!(Fusion::try_from(String::from(still.clone())).unwrap(), still);
    let short = Rows { weights: Some(&[1.0]), ..data.rows() };
    assert!(error(&short, Target::Event).starts_with("1 weights for "));
    let endless = vec![f32::INFINITY; data.labels.len()];
    let endless = Rows { weights: Some(&endless), ..data.rows() };
    assert_eq!(error(&endless, Target::Event), "a weight is no number that is not negative in row 0");
    let fit = |options: Options| Fusion::fit(&data.rows(), Target::Event, &options, 0).unwrap_err().to_string();
    assert_eq!(fit(Options { epochs: 0, ..options(&[4]) }), "0 epochs: at least 1");
    assert_eq!(fit(options(&[4, 0])), "a layer of width 0: from 1 to 128");
    assert_eq!(fit(options(&[129])), "a layer of width 129: from 1 to 128");
    assert_eq!(fit(Options { lr: 0.0, ..options(&[4]) }), "a learning rate of 0: a number above 0");
    assert_eq!(fit(Options { l2: -1.0, ..options(&[4]) }), "an l2 of -1: a number that is not negative");
    let wild = Options { lr: 1e300, ..options(&[4]) };
    assert!(fit(wild).ends_with("lower `lr`"));
}

#[test]
fn a_fusion_is_read_back_bit_for_bit() {
    let data = crossed(300, 1);
    for (widths, activation) in [(vec![], Activation::Relu), (vec![7, 3], Activation::Swish)] {
        let of = Options { activation, epochs: 3, ..options(&widths) };
        let fusion = Fusion::fit(&data.rows(), Target::Event, &of, 0).unwrap();
        let text = serde_json::to_string(&fusion).unwrap();
        let read: Fusion = serde_json::from_str(&text).unwrap();
        assert_eq!(read, fusion);
        let bits = |fusion: &Fusion| data.scores(fusion).into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(&fusion));
        let text = String::from(fusion);
        let words: Vec<&str> = text.split(' ').collect();
        for cut in 1..words.len() {
            assert!(Fusion::try_from(words[..cut].join(" ")).is_err(), "cut after {cut} words");
        }
        assert!(Fusion::try_from(format!("{text} 0.5")).is_err());
        assert!(Fusion::try_from(text.replace("fusion-1", "fusion-2")).is_err());
    }
    let none = serde_json::to_string(&Fusion::default()).unwrap();
    assert_eq!((none.as_str(), serde_json::from_str::<Fusion>(&none).unwrap()), ("\"\"", Fusion::default()));
}

proptest! {
    /// Whatever is read is a fusion or an error.
    #[test]
    fn no_text_makes_a_panic(text in "(fusion-1 )?[a-z0-9. -]{0,60}") {
        let _ = Fusion::try_from(text);
    }

    /// Scores are finite for every input, NaN for a missing one, and a probability stays one.
    #[test]
    fn scores_are_finite(a in any::<f64>(), b in any::<f64>(), seed in 0_u64..4) {
        let data = crossed(60, seed);
        let of = Options { epochs: 2, ..options(&[3]) };
        let mut kinds = [Input::Number, Input::Amount, Input::Probability];
        kinds.rotate_left(seed as usize % 3);
        let rows = Rows { kinds: &kinds[..2], ..data.rows() };
        let fusion = Fusion::fit(&rows, Target::Event, &of, seed).unwrap();
        let score = fusion.score([a, b]);
        if a.is_nan() || b.is_nan() {
            prop_assert!(score.is_nan());
        } else {
            prop_assert!((0.0..=1.0).contains(&score), "{score}");
        }
        prop_assert!(fusion.score([a]).is_nan() && fusion.score([a, b, 0.0]).is_nan());
        prop_assert!(Fusion::default().score([a, b]).is_nan());
    }
}
