//! What holds of gates and mixtures whatever the numbers (MMoE, Ma et al. 2018; PLE, Tang et al. 2020), and of masks and threads.

use burn::tensor::Tensor;

use super::{close, gradient, noise, tensor, values};
use crate::model::Pass;
use crate::ops::*;

fn random(seed: u64, shape: [usize; 3]) -> Tensor<3> {
    let (data, shape) = noise(seed, shape);
    tensor(&data, shape)
}

#[test]
fn gate_rows_sum_to_one_for_logits_of_any_size() {
    let logits = [1e4, -1e4, 0.0, 3.0, -1e4, -1e4, -1e4, -1e4, 1e4, 1e4, 1e4, 1e4, 88.0, -88.0, 1e-3, 0.0];
    let gates = values(softmax(tensor(&logits, [2, 2, 4])));
    for row in gates.chunks(4) {
        assert!(row.iter().all(|gate| (0.0..=1.0).contains(gate)), "{row:?}");
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row:?}");
    }
    assert_eq!(gates[..4], [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(gates[4..12], [0.25; 8]);
}

#[test]
fn a_constant_added_to_the_logits_changes_nothing() {
    let x = random(1, [5, 2, 8]);
    close("softmax", &values(softmax(x.clone())), &values(softmax(x + 11.0)), 1e-6);
}

#[test]
fn one_hot_gates_select() {
    let experts = random(1, [3, 4, 9]);
    let mut one_hot = vec![-1e4; 3 * 2 * 4];
    (0..3).for_each(|row| (one_hot[row * 8 + 2], one_hot[row * 8 + 4 + 1]) = (1e4, 1e4));
    let mixed = mix(softmax(tensor(&one_hot, [3, 2, 4])), experts.clone(), &Choice::All);
    assert_eq!(values(mixed), values(select(experts, &[2, 1])));
}

#[test]
fn gates_without_weight_average() {
    let (x, experts) = (random(1, [3, 1, 5]), random(2, [3, 4, 9]));
    let gates = softmax(linear(x, Tensor::zeros([2, 5, 4], &experts.device()), None, &[0, 0], Activation::None));
    let mean = experts.clone().mean_dim(1).repeat_dim(1, 2);
    close("mean", &values(mix(gates, experts, &Choice::All)), &values(mean), 1e-6);
}

#[test]
fn experts_may_be_permuted_with_their_gate_columns() {
    let (gates, experts) = (softmax(random(1, [3, 2, 4])), random(2, [3, 4, 9]));
    let order = [2, 0, 3, 1];
    let columns: Vec<_> = order.map(|column| column..column + 1).to_vec();
    let permuted = mix(columns_of(gates.clone(), &columns), select(experts.clone(), &order), &Choice::All);
    close("permuted", &values(permuted), &values(mix(gates, experts, &Choice::All)), 1e-6);
}

fn columns_of(x: Tensor<3>, ranges: &[std::ops::Range<usize>]) -> Tensor<3> {
    concat(ranges.iter().map(|range| narrow(x.clone(), range)).collect())
}

#[test]
fn identical_experts_make_gates_idle() {
    let gates = noise(1, [3, 2, 4]);
    let expert = random(2, [3, 1, 9]);
    let mixed = |x: Tensor<3>| mix(softmax(x), expert.clone().repeat_dim(1, 4), &Choice::All);
    let expected = values(expert.clone().repeat_dim(1, 2));
    close("output", &values(mixed(tensor(&gates.0, gates.1))), &expected, 1e-6);
    let grad = gradient(&[gates], &|x| mixed(x[0].clone()).flatten(0, 2));
    close("gate gradient", &grad[0], &vec![0.0; grad[0].len()], 1e-6);
}

#[test]
fn one_expert_is_a_shared_bottom() {
    let expert = random(1, [3, 1, 9]);
    let mixed = mix(softmax(random(2, [3, 2, 1])), expert.clone(), &Choice::All);
    assert_eq!(values(mixed), values(expert.repeat_dim(1, 2)));
}

#[test]
fn choice_lays_out_own_experts_then_shared() {
    let lists = |tasks, own, shared| match Choice::own_and_shared(tasks, own, shared) {
        Choice::Lists(lists) => lists,
        Choice::All => unreachable!(),
    };
    assert_eq!(lists(2, 2, 3), [[0, 1, 4, 5, 6], [2, 3, 4, 5, 6]]);
    assert_eq!(lists(3, 1, 0), [[0], [1], [2]]);
    assert_eq!(lists(2, 0, 2), [[0, 1], [0, 1]]);
}

#[test]
fn a_choice_is_a_mixture_that_excludes_the_others() {
    // CGC is MMoE whose gate logits of foreign experts are minus infinity.
    let experts = random(1, [3, 6, 9]);
    let own = random(2, [3, 2, 4]);
    let choice = Choice::own_and_shared(2, 2, 2);
    let Choice::Lists(lists) = &choice else { unreachable!() };
    let mut full = vec![-1e9; 3 * 2 * 6];
    for (cell, logit) in values(own.clone()).into_iter().enumerate() {
        let (row, t, column) = (cell / 8, cell / 4 % 2, cell % 4);
        full[row * 12 + t * 6 + lists[t][column]] = logit;
    }
    let cgc = mix(softmax(own), experts.clone(), &choice);
    close("cgc", &values(cgc), &values(mix(softmax(tensor(&full, [3, 2, 6])), experts, &Choice::All)), 1e-6);
}

#[test]
fn own_experts_of_one_task_get_nothing_from_another() {
    let inputs = [noise(1, [3, 2, 3]), noise(2, [3, 5, 4])];
    let grads = gradient(&inputs, &|x| {
        let mixed = mix(softmax(x[0].clone()), x[1].clone(), &Choice::own_and_shared(2, 2, 1));
        select(mixed, &[0]).flatten(0, 2)
    });
    for (at, grad) in grads[1].iter().enumerate() {
        let expert = at / 4 % 5;
        assert_eq!(*grad == 0.0, expert == 2 || expert == 3, "expert {expert}");
    }
}

#[test]
fn pairs_stand_in_the_order_of_a_double_loop() {
    let x = random(1, [2, 4, 3]);
    let data = values(x.clone());
    let cell = |row: usize, slot: usize, i: usize| data[row * 12 + slot * 3 + i];
    let mut dots = Vec::new();
    let mut products = Vec::new();
    for row in 0..2 {
        for i in 0..4 {
            for j in i + 1..4 {
                dots.push((0..3).map(|k| cell(row, i, k) * cell(row, j, k)).sum::<f32>());
                products.extend((0..3).map(|k| cell(row, i, k) * cell(row, j, k)));
            }
        }
    }
    close("dots", &values(pair_dots(x.clone())), &dots, 1e-6);
    close("products", &values(pair_products(x.clone())), &products, 1e-6);
    // The identity of factorisation machines (Rendle, 2010): the pairs' sum is half of squared sum minus sum of squares.
    let sum = gather(x.clone(), &Choice::All);
    let halves = affine(
        add(multiply(sum.clone(), sum), affine(gather(multiply(x.clone(), x.clone()), &Choice::All), -1.0, 0.0)),
        0.5,
        0.0,
    );
    close("fm", &values(sum_width(halves)), &values(sum_width(pair_dots(x))), 1e-5);
}

#[test]
fn attention_is_the_sum_over_slots_weighted_by_likeness() {
    let (q, k, v) = (random(1, [2, 3, 4]), random(2, [2, 5, 4]), random(3, [2, 5, 4]));
    let (qs, ks, vs) = (values(q.clone()), values(k.clone()), values(v.clone()));
    let mut expected = Vec::new();
    for row in 0..2 {
        for query in 0..3 {
            for head in 0..2 {
                let at = |data: &[f32], slots: usize, slot: usize, i: usize| {
                    f64::from(data[(row * slots + slot) * 4 + head * 2 + i])
                };
                let score = |slot| {
                    ((0..2).map(|i| at(&qs, 3, query, i) * at(&ks, 5, slot, i)).sum::<f64>() / 2f64.sqrt()).exp()
                };
                let total: f64 = (0..5).map(score).sum();
                expected.extend(
                    (0..2).map(|i| (0..5).map(|slot| score(slot) / total * at(&vs, 5, slot, i)).sum::<f64>() as f32),
                );
            }
        }
    }
    close("attention", &values(attention(q, k, v, 2)), &expected, 1e-5);
}

#[test]
fn rows_are_hidden_at_their_rate_and_never_when_serving() {
    let ones = || tensor(&[1.0; 60_000], [20_000, 1, 3]);
    let kept = values(drop_rows(ones(), 0.1, &Pass::training(1, 2), "bias"));
    let hidden = kept.chunks(3).filter(|row| row.iter().all(|&x| x == 0.0)).count();
    assert!(kept.chunks(3).all(|row| row.iter().all(|&x| x == row[0]) && (row[0] == 0.0 || row[0] == 1.0)));
    // Four standard deviations of 20,000 draws at 0.1.
    assert!(hidden.abs_diff(2_000) < 170, "{hidden} of 20000 hidden");
    assert_eq!(values(drop_rows(ones(), 0.1, &Pass::serving(), "bias")), values(ones()));
}

#[test]
fn hard_concrete_gates_are_open_as_often_as_their_closed_form() {
    let log_alpha = || tensor(&[0.0; 40_000], [1, 200, 200]);
    for (temperature, expected) in [(2.0 / 3.0, 0.8318), (0.9, 0.8964)] {
        let gates = values(hard_concrete(log_alpha(), temperature, &Pass::training(1, 2), "h"));
        assert!(gates.iter().all(|gate| (0.0..=1.0).contains(gate)));
        let open = gates.iter().filter(|&&gate| gate > 0.0).count() as f64 / 40_000.0;
        // Four standard deviations of 40,000 draws.
        assert!((open - expected).abs() < 0.008, "{open} of {expected} open at {temperature}");
        let chance = values(open_chance(tensor(&[0.0], [1, 1, 1]), temperature))[0];
        assert!((f64::from(chance) - expected).abs() < 1e-4, "{chance}");
        assert_eq!(gates, values(hard_concrete(log_alpha(), temperature, &Pass::training(1, 2), "h")));
        assert_ne!(gates, values(hard_concrete(log_alpha(), temperature, &Pass::training(1, 3), "h")));
    }
    let serving = values(hard_concrete(tensor(&[0.0, 9.0, -9.0], [1, 1, 3]), 0.9, &Pass::serving(), "h"));
    close("serving", &serving, &[0.5, 1.0, 0.0], 1e-6);
}

#[test]
fn no_gradient_passes_a_stop() {
    let grads = gradient(&[noise(1, [2, 2, 3])], &|x| multiply(stop(x[0].clone()), x[0].clone()).flatten(0, 2));
    let plain = gradient(&[noise(1, [2, 2, 3])], &|x| multiply(x[0].clone(), x[0].clone()).flatten(0, 2));
    close("half of the square's", &grads[0], &plain[0].iter().map(|g| g / 2.0).collect::<Vec<_>>(), 1e-6);
}

#[test]
fn dropout_keeps_the_mean_and_is_keyed_by_its_place() {
    let ones = || tensor(&[1.0; 40_000], [100, 4, 100]);
    let draw = |seed, step, site| values(dropout(ones(), 0.25, &Pass::training(seed, step), site));
    let mask = draw(1, 2, "h");
    let dropped = mask.iter().filter(|&&value| value == 0.0).count();
    // Three standard deviations of 40,000 draws at 1/4.
    assert!(dropped.abs_diff(10_000) < 260, "{dropped} of 40000 dropped");
    assert!(mask.iter().all(|&value| value == 0.0 || (value - 4.0 / 3.0).abs() < 1e-6));
    assert_eq!(mask, draw(1, 2, "h"));
    for other in [draw(2, 2, "h"), draw(1, 3, "h"), draw(1, 2, "g")] {
        let both = mask.iter().zip(&other).filter(|(a, b)| **a == 0.0 && **b == 0.0).count();
        assert!(both.abs_diff(2_500) < 150, "{both} of 40000 dropped in both");
    }
    assert_eq!(values(dropout(ones(), 0.25, &Pass::serving(), "h")), [1.0; 40_000]);
    assert_eq!(values(dropout(ones(), 0.0, &Pass::training(1, 2), "h")), [1.0; 40_000]);
}

#[test]
fn threads_do_not_change_a_bit() {
    let inputs = [noise(1, [700, 1, 130]), noise(2, [4, 130, 90]), noise(3, [4, 90, 70])];
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            gradient(&inputs, &|x| {
                let hidden = linear(x[0].clone(), x[1].clone(), None, &[0; 4], Activation::Relu);
                linear(hidden, x[2].clone(), None, &[0, 1, 2, 3], Activation::Relu).flatten(0, 2)
            })
        })
    };
    let alone = run(1);
    assert!(alone == run(2) && alone == run(3));
}

#[test]
fn an_empty_batch_is_no_special_case() {
    let weight = random(1, [2, 3, 4]);
    let x = Tensor::<3>::zeros([0, 2, 3], &weight.device()).require_grad();
    let y = linear(x.clone(), weight.require_grad(), None, &[1, 0], Activation::Relu);
    assert_eq!(y.dims(), [0, 2, 4]);
    let grads = y.sum().backward();
    assert_eq!(x.grad(&grads).expect("a leaf").dims(), [0, 2, 3]);
}

#[test]
#[should_panic(expected = "3 members read [0, 2, 0] of 2 slots")]
fn a_group_reads_slots_that_exist() {
    linear(random(1, [2, 2, 3]), random(2, [3, 3, 4]), None, &[0, 2, 0], Activation::None);
}

#[test]
fn a_mixture_of_probabilities_stays_between_them_for_logits_of_any_size() {
    let p = |z: f32| 1.0 / (1.0 + (-f64::from(z)).exp());
    for [between, task, otherwise] in [
        [0.3, 1.0, -2.0],
        [-1.5, 0.5, 0.5],
        [40.0, 2.0, -3.0],
        [-40.0, 2.0, -3.0],
        [0.0, -60.0, -90.0],
        [0.0, 90.0, 60.0],
    ] {
        let found = values(through(tensor(&[between, task, otherwise], [1, 3]), &[[1, 0, 2]], 2));
        assert_eq!(found[0], between);
        let expected = p(between) * p(task) + (1.0 - p(between)) * p(otherwise);
        assert!((p(found[1]) - expected).abs() < 1e-6, "{found:?}");
        let (low, high) = (task.min(otherwise), task.max(otherwise));
        assert!(found[1] >= low - 1e-4 && found[1] <= high + 1e-4, "{found:?}");
    }
}

#[test]
fn a_smooth_step_has_its_values_at_any_width() {
    for gamma in [0.1, 1.0, 7.0] {
        let at = |t: f64| tensor(&[(t * gamma) as f32], [1, 1, 1]);
        for (t, expected) in
            [(-0.6, 0.0), (-0.5, 0.0), (-0.25, 0.15625), (0.0, 0.5), (0.25, 0.84375), (0.5, 1.0), (9.0, 1.0)]
        {
            close("step", &values(selectors(at(t), 2, gamma)), &[1.0 - expected, expected], 1e-6);
        }
    }
}

#[test]
fn selectors_weigh_each_expert_by_its_code() {
    // 5 of the 8 codes of three bits.
    let step = [0.15625, 0.5, 0.84375];
    let weights = values(selectors(tensor(&[-0.25, 0.0, 0.25], [1, 1, 3]), 5, 1.0));
    for (expert, weight) in weights.iter().enumerate() {
        let bit = |b: usize| if expert >> b & 1 == 1 { step[b] } else { 1.0 - step[b] };
        assert!((weight - bit(0) * bit(1) * bit(2)).abs() < 1e-6, "{expert}: {weights:?}");
    }
    let sums = |experts| values(selectors(random(1, [9, 2, bits(experts)]), experts, 2.0).sum_dim(2));
    close("all codes", &sums(8), &[1.0; 18], 1e-6);
    assert!(sums(5).iter().all(|sum| (0.0..=1.0 + 1e-6).contains(sum)) && sums(5).iter().any(|sum| *sum < 0.9));
    // Far from the step each selector has chosen one expert.
    let sure = values(selectors(tensor(&[9.0, -9.0, -9.0, 9.0], [1, 2, 2]), 4, 1.0));
    assert_eq!(sure, [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert!(values(entropy(tensor(&sure, [1, 2, 4])))[0].abs() < 1e-5);
    close("ln 4", &values(entropy(tensor(&[0.25; 4], [1, 1, 4]))), &[4f32.ln()], 1e-4);
}

#[test]
fn what_no_expert_gets_is_lost() {
    assert_eq!(values(lost(random(1, [3, 2, 4]))), [0.0]);
    close("nothing", &values(lost(tensor(&[0.2, 0.3, 0.5], [1, 1, 3]))), &[0.0], 1e-6);
    close("half", &values(lost(tensor(&[0.2, 0.3, 0.0], [1, 1, 3]))), &[1.0], 5e-3);
    assert!(values(lost(tensor(&[0.0; 3], [1, 1, 3])))[0].is_finite());
}

#[test]
fn noise_is_keyed_by_its_place_and_has_its_deviations() {
    let (zeros, twos) = (|| tensor(&[0.0; 40_000], [100, 4, 100]), || tensor(&[2.0; 40_000], [100, 4, 100]));
    let draw = |seed, step, site| values(noisy(zeros(), twos(), &Pass::training(seed, step), site));
    let noise = draw(1, 2, "h");
    let deviation = (noise.iter().map(|x| x * x).sum::<f32>() / 40_000.0).sqrt();
    // Four standard errors of 40,000 draws.
    assert!((deviation - 2.0).abs() < 0.03, "{deviation}");
    assert_eq!(noise, draw(1, 2, "h"));
    for other in [draw(2, 2, "h"), draw(1, 3, "h"), draw(1, 2, "g")] {
        assert_ne!(noise, other);
    }
    let logits = random(1, [3, 2, 4]);
    assert_eq!(values(noisy(logits.clone(), random(2, [3, 2, 4]), &Pass::serving(), "h")), values(logits));
}

#[test]
fn the_load_is_how_often_new_noise_puts_an_expert_on_top() {
    let (logits, drawn) = ([0.3f32, -0.2, 0.1, 0.0], [0.5f32, -0.4, 0.2, 0.3]);
    let chance =
        values(top_chance(tensor(&logits, [1, 1, 4]), tensor(&drawn, [1, 1, 4]), tensor(&[0.5; 4], [1, 1, 4]), 2));
    let mut rng = mtl_data::Rng::new(3);
    for expert in 0..4 {
        let mut others: Vec<f32> = (0..4).filter(|other| *other != expert).map(|other| drawn[other]).collect();
        others.sort_by(|a, b| b.total_cmp(a));
        let on_top = (0..20_000).filter(|_| logits[expert] + 0.5 * rng.normal() as f32 > others[1]).count();
        let share = on_top as f32 / 20_000.0;
        // Four standard deviations at most.
        assert!((chance[expert] - share).abs() < 0.015, "{expert}: {} and {share}", chance[expert]);
    }
    let all = top_chance(tensor(&logits, [1, 1, 4]), tensor(&drawn, [1, 1, 4]), tensor(&[0.5; 4], [1, 1, 4]), 4);
    assert_eq!(values(all), [1.0; 4]);
}

#[test]
fn imbalance_is_the_squared_coefficient_of_variation() {
    // Sums 1 and 3: mean 2, variance 1. Equal sums in the second slot.
    let used = tensor(&[0.5, 1.0, 0.4, 0.6, 0.5, 2.0, 0.6, 0.4], [2, 2, 2]);
    close("a quarter", &values(imbalance(used)), &[0.25], 1e-6);
}

#[test]
fn gates_lose_weights_at_their_rate_and_never_all() {
    let gates = || softmax(random(4, [5_000, 2, 3]));
    let before = values(gates());
    let after = values(drop_gates(gates(), 0.3, &Pass::training(1, 2), "h"));
    let mut lost = 0;
    for (before, after) in before.chunks(3).zip(after.chunks(3)) {
        assert!((after.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        lost += after.iter().filter(|weight| **weight == 0.0).count();
        let ratios: Vec<f32> = before.iter().zip(after).filter(|(_, a)| **a > 0.0).map(|(b, a)| a / b).collect();
        assert!(ratios.iter().all(|ratio| *ratio >= 1.0 - 1e-5 && (ratio / ratios[0] - 1.0).abs() < 1e-4));
    }
    // 0.3 of the weights but for gates that would lose all: 0.3 - 0.027, by four standard deviations of 30,000 draws.
    assert!((lost as f64 / 30_000.0 - 0.273).abs() < 0.011, "{lost} of 30000");
    assert_eq!(values(drop_gates(gates(), 0.3, &Pass::serving(), "h")), before);
    assert_ne!(after, values(drop_gates(gates(), 0.3, &Pass::training(1, 3), "h")));
    assert_eq!(values(drop_gates(tensor(&[0.0; 3], [1, 1, 3]), 0.3, &Pass::training(1, 2), "h")), [0.0; 3]);
}
