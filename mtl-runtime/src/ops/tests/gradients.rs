//! Every primitive: gradient against differences in both forms, and both forms against each other.

use burn::tensor::Tensor;
use mtl_data::Slots;

use super::super::{activation, dropout, linear, mix, norm, softmax};
use super::{Function, check_gradient, check_same, noise};
use crate::model::Pass;
use crate::ops::*;

fn flat(x: Tensor<3>) -> Tensor<1> {
    x.flatten(0, 2)
}

/// `[1, a, b]` to `[a, b]`.
fn matrix(x: Tensor<3>) -> Tensor<2> {
    x.squeeze_dim(0)
}

fn check_both(name: &str, inputs: &[(Vec<f32>, [usize; 3])], kernel: Function, portable: Function) {
    check_gradient(name, inputs, kernel);
    check_gradient(&format!("{name}, portable"), inputs, portable);
    check_same(name, inputs, kernel, portable);
}

const ALL: [Activation; 8] = [
    Activation::None,
    Activation::Relu,
    Activation::Gelu,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::LeakyRelu,
    Activation::Swish,
    Activation::Softplus,
];

type Make = fn(u64, [usize; 3]) -> (Vec<f32>, [usize; 3]);

/// Odd multiples of 1/2: a sum of five products of two of them is an odd multiple of 1/4, at least that far from a kink at 0.
fn odd_halves(seed: u64, shape: [usize; 3]) -> (Vec<f32>, [usize; 3]) {
    let (data, shape) = noise(seed, shape);
    (data.into_iter().map(|z| z.clamp(-1.4, 1.4).floor() + 0.5).collect(), shape)
}

/// Multiples of 1/2: added to such a sum, it stays odd.
fn halves(seed: u64, shape: [usize; 3]) -> (Vec<f32>, [usize; 3]) {
    let (data, shape) = noise(seed, shape);
    (data.into_iter().map(|z| z.round() / 2.0).collect(), shape)
}

#[test]
fn activations() {
    for activation in ALL {
        check_both(
            &format!("{activation:?}"),
            &[noise(1, [5, 3, 7])],
            &|x| flat(activate(x[0].clone(), activation)),
            &|x| flat(activation::portable(x[0].clone(), activation)),
        );
    }
}

#[test]
fn grouped_linear() {
    // One slot read by all members; one slot for each; slots shared, skipped and out of order.
    let cases: [(usize, &[usize]); 3] = [(1, &[0, 0, 0]), (3, &[0, 1, 2]), (4, &[3, 0, 3])];
    for (slots, reads) in cases {
        for activation in ALL {
            let kinked = matches!(activation, Activation::Relu | Activation::LeakyRelu);
            let (factor, bias): (Make, Make) = if kinked { (odd_halves, halves) } else { (noise, noise) };
            let inputs = [factor(1, [4, slots, 5]), factor(2, [3, 5, 6]), bias(3, [1, 3, 6])];
            let name = format!("linear reading {reads:?}, {activation:?}");
            let with_bias = |x: &[Tensor<3>]| (x[0].clone(), x[1].clone(), Some(matrix(x[2].clone())));
            check_both(
                &name,
                &inputs,
                &|x| {
                    let (x, weight, bias) = with_bias(&x);
                    flat(linear(x, weight, bias, reads, activation))
                },
                &|x| {
                    let (x, weight, bias) = with_bias(&x);
                    flat(linear::portable(x, weight, bias, reads, activation))
                },
            );
            check_both(
                &format!("{name}, without bias"),
                &inputs[..2],
                &|x| flat(linear(x[0].clone(), x[1].clone(), None, reads, activation)),
                &|x| flat(linear::portable(x[0].clone(), x[1].clone(), None, reads, activation)),
            );
        }
    }
}

#[test]
fn linear_of_strided_inputs() {
    let inputs = [noise(1, [3, 2, 8]), noise(2, [2, 6, 4])];
    let strided = |x: &[Tensor<3>]| {
        let turned = x[1].clone().swap_dims(1, 2);
        (x[0].clone().slice([0..3, 0..2, 2..6]), turned)
    };
    check_both(
        "linear of a slice by a transpose",
        &inputs,
        &|x| {
            let (x, weight) = strided(&x);
            flat(linear(x, weight, None, &[1, 0], Activation::Tanh))
        },
        &|x| {
            let (x, weight) = strided(&x);
            flat(linear::portable(x, weight, None, &[1, 0], Activation::Tanh))
        },
    );
}

/// Logits far enough apart that no difference changes which are the greatest.
#[test]
fn softmax_of_the_greatest_logits() {
    let logits: Vec<f32> = (0..60).map(|at| (at * 7 % 5) as f32 * 0.7 - 1.0 + at as f32 * 1e-3).collect();
    for k in [1, 2, 5, 9] {
        check_gradient(&format!("top {k}"), &[(logits.clone(), [4, 3, 5])], &|x| flat(top_k(x[0].clone(), k)));
    }
}

/// Bits of codes within the step, and beyond it.
#[test]
fn selectors_of_experts() {
    for experts in [2, 3, 4, 5] {
        let count = bits(experts);
        let codes: Vec<f32> = (0..6 * count).map(|at| (at * 5 % 9) as f32 * 0.17 - 0.68).collect();
        let codes = [(codes, [3, 2, count])];
        let name = |what: &str| format!("{what} of {experts}");
        check_gradient(&name("selectors"), &codes, &|x| flat(selectors(x[0].clone(), experts, 1.1)));
        check_gradient(&name("entropy"), &codes, &|x| entropy(selectors(x[0].clone(), experts, 4.0)));
        if !experts.is_power_of_two() {
            check_gradient(&name("lost"), &codes, &|x| lost(selectors(x[0].clone(), experts, 4.0)));
        }
    }
}

/// The noise is that of its place, so it is held fixed.
#[test]
fn noisy_logits_and_their_load() {
    let pass = Pass::training(3, 14);
    let logits: Vec<f32> = (0..40).map(|at| (at * 7 % 5) as f32 * 0.7 - 1.0 + at as f32 * 1e-3).collect();
    let deviations: Vec<f32> = (0..40).map(|at| 0.05 + (at * 3 % 4) as f32 * 0.01).collect();
    let inputs = [(logits, [4, 2, 5]), (deviations, [4, 2, 5])];
    check_gradient("noisy", &inputs, &|x| flat(noisy(x[0].clone(), x[1].clone(), &pass, "h")));
    check_gradient("noisy top", &inputs, &|x| flat(top_k(noisy(x[0].clone(), x[1].clone(), &pass, "h"), 2)));
    let wide = [inputs[0].clone(), (inputs[1].0.iter().map(|x| x * 20.0).collect(), inputs[1].1)];
    let apart = super::tensor(&inputs[0].0, inputs[0].1) * 3.0;
    check_gradient("load", &wide, &|x| flat(top_chance(x[0].clone(), apart.clone() + x[0].clone(), x[1].clone(), 2)));
    check_gradient("imbalance", &wide[1..], &|x| imbalance(x[0].clone()));
}

#[test]
fn dropout_of_gates() {
    let pass = Pass::training(3, 14);
    check_gradient("drop_gates", &[noise(1, [4, 3, 5])], &|x| flat(drop_gates(softmax(x[0].clone()), 0.4, &pass, "h")));
}

#[test]
fn softmax_of_gates() {
    check_both("softmax", &[noise(1, [4, 3, 5])], &|x| flat(softmax(x[0].clone())), &|x| {
        flat(softmax::portable(x[0].clone()))
    });
}

#[test]
fn mixtures() {
    let chosen = Choice::Lists(vec![vec![2, 0, 2], vec![1, 2, 3]]);
    for (choice, weights) in [(Choice::All, [4, 2, 5]), (chosen, [4, 2, 3])] {
        check_both(
            &format!("mix of {choice:?}"),
            &[noise(1, weights), noise(2, [4, 5, 19])],
            &|x| flat(mix(x[0].clone(), x[1].clone(), &choice)),
            &|x| flat(mix::portable(x[0].clone(), x[1].clone(), &choice)),
        );
    }
}

#[test]
fn layer_normalisation() {
    check_both(
        "layer norm",
        &[noise(1, [4, 2, 19]), noise(2, [1, 2, 19]), noise(3, [1, 2, 19])],
        &|x| flat(layer_norm(x[0].clone(), matrix(x[1].clone()), matrix(x[2].clone()))),
        &|x| flat(norm::portable(x[0].clone(), matrix(x[1].clone()), matrix(x[2].clone()))),
    );
}

#[test]
fn dropout_of_a_step() {
    let pass = Pass::training(3, 14);
    check_both("dropout", &[noise(1, [4, 3, 5])], &|x| flat(dropout(x[0].clone(), 0.3, &pass, "h")), &|x| {
        flat(dropout::portable(x[0].clone(), &dropout::Mask::of(0.3, &pass, "h")))
    });
}

#[test]
fn rearrangements() {
    let inputs = [noise(1, [2, 3, 4]), noise(2, [2, 1, 2]), noise(3, [2, 3, 1])];
    check_gradient("concat", &inputs, &|x| flat(concat(x)));
    check_gradient("stack", &[noise(1, [2, 3, 4]), noise(2, [2, 1, 4])], &|x| flat(stack(x)));
    for slots in [&[0, 1, 2][..], &[1, 2], &[2, 0, 2]] {
        check_gradient("select", &inputs[..1], &|x| flat(select(x[0].clone(), slots)));
    }
    let views = [
        vec![vec![0..1, 1..4]],
        vec![vec![0..1, 1..3]],
        vec![vec![3..4, 0..1]],
        vec![vec![0..2], vec![1..3], vec![0..1, 3..4]],
    ];
    for view in views {
        let slots = Slots::new(view);
        check_gradient("columns", &[noise(1, [3, 1, 4])], &|x| flat(columns(x[0].clone(), &slots)));
    }
    check_gradient("reshape", &[noise(1, [2, 3, 4])], &|x| flat(reshape(x[0].clone(), 6)));
    check_gradient("transpose", &[noise(1, [2, 3, 4])], &|x| flat(transpose(x[0].clone())));
    check_gradient("narrow", &[noise(1, [2, 3, 4])], &|x| flat(narrow(x[0].clone(), &(1..3))));
    check_gradient("stack of a value", &[noise(1, [3, 2, 4]), noise(2, [1, 1, 4])], &|x| flat(stack(x)));
    check_gradient("concat of a value", &[noise(1, [3, 2, 4]), noise(2, [1, 1, 2])], &|x| flat(concat(x)));
    check_gradient("logits", &[noise(1, [2, 2, 1]), noise(2, [2, 1, 1])], &|x| {
        logits(vec![(x[0].clone(), &[2, 0]), (x[1].clone(), &[1])], 3).flatten(0, 1)
    });
}

#[test]
fn sums_and_products() {
    // Each axis repeated on either side.
    for (a, b) in [([3, 2, 4], [3, 2, 4]), ([3, 1, 4], [3, 2, 1]), ([1, 2, 4], [3, 2, 4]), ([3, 2, 4], [1, 1, 4])] {
        let inputs = [noise(1, a), noise(2, b)];
        check_gradient("add", &inputs, &|x| flat(add(x[0].clone(), x[1].clone())));
        check_gradient("multiply", &inputs, &|x| flat(multiply(x[0].clone(), x[1].clone())));
    }
    let x = [noise(1, [3, 4, 5])];
    check_gradient("affine", &x, &|x| flat(affine(x[0].clone(), 2.0, -1.0)));
    check_gradient("sum_width", &x, &|x| flat(sum_width(x[0].clone())));
    check_gradient("mean_width", &x, &|x| flat(mean_width(x[0].clone())));
    let pair = [noise(1, [3, 4, 5]), noise(2, [3, 4, 5])];
    check_gradient("scaled_dots", &pair, &|x| flat(scaled_dots(x[0].clone(), x[1].clone())));
    let steps = [noise(5, [1, 6, 3]), noise(6, [1, 1, 2])];
    check_gradient("levels", &steps, &|x| levels(matrix(x[0].clone()), x[1].clone(), 1).flatten(0, 1));
    let mixed = [noise(5, [1, 6, 4])];
    check_gradient("through", &mixed, &|x| through(matrix(x[0].clone()), &[[1, 0, 3]], 3).flatten(0, 1));
    check_gradient("mean", &x, &|x| mean(x[0].clone()));
    check_gradient("pair_dots", &x, &|x| flat(pair_dots(x[0].clone())));
    check_gradient("pair_products", &x, &|x| flat(pair_products(x[0].clone())));
    check_gradient("gather", &x, &|x| flat(gather(x[0].clone(), &Choice::strided(2, 2))));
    check_gradient("gather all", &x, &|x| flat(gather(x[0].clone(), &Choice::All)));
    let pass = Pass::training(3, 14);
    check_gradient("drop_rows", &x, &|x| flat(drop_rows(x[0].clone(), 0.4, &pass, "bias")));
    let shared = [noise(1, [1, 2, 5]), noise(2, [3, 5, 4])];
    check_gradient("mix of one row's weights", &shared, &|x| flat(mix(x[0].clone(), x[1].clone(), &Choice::All)));
}

#[test]
fn gates_that_are_drawn() {
    for pass in [Pass::training(3, 14), Pass::serving()] {
        check_gradient("hard_concrete", &[noise(1, [1, 3, 4])], &|x| {
            flat(hard_concrete(x[0].clone(), 0.9, &pass, "h"))
        });
    }
}

#[test]
fn chances_of_open_gates() {
    check_gradient("open_chance", &[noise(1, [1, 3, 4])], &|x| flat(open_chance(x[0].clone(), 0.9)));
}

#[test]
fn attention_of_heads() {
    let inputs = [noise(1, [2, 3, 6]), noise(2, [2, 4, 6]), noise(3, [2, 4, 6])];
    for heads in [1, 2, 3] {
        check_gradient("attention", &inputs, &|x| flat(attention(x[0].clone(), x[1].clone(), x[2].clone(), heads)));
    }
}

#[test]
fn a_chain_of_layers_and_gates() {
    // A small MMoE: what one kernel saves is what the next one reads.
    let inputs = [noise(1, [3, 1, 5]), noise(2, [4, 5, 6]), noise(3, [4, 6, 3]), noise(4, [2, 5, 4])];
    check_gradient("mmoe", &inputs, &|x| {
        let experts = linear(x[0].clone(), x[1].clone(), None, &[0; 4], Activation::Tanh);
        let experts = linear(experts, x[2].clone(), None, &[0, 1, 2, 3], Activation::Sigmoid);
        let gates = softmax(linear(x[0].clone(), x[3].clone(), None, &[0; 2], Activation::None));
        flat(mix(gates, experts, &Choice::All))
    });
}

#[test]
fn masked_linear() {
    // Masks of three tasks: all of the weights, some, and others that overlap them.
    let masks: Vec<f32> = (0..90).map(|at| if at < 30 || at % 3 == 0 || at % 7 == 1 { 1.0 } else { 0.0 }).collect();
    for slots in [1, 3] {
        let inputs = [noise(1, [4, slots, 5]), noise(2, [1, 5, 6]), noise(3, [1, 1, 6])];
        let forward = |x: Vec<Tensor<3>>| {
            let [x, weight, bias]: [Tensor<3>; 3] = x.try_into().expect("three");
            let masks = super::tensor::<3>(&masks, [3, 5, 6]);
            let param = |tensor| burn::module::Param::initialized(burn::module::ParamId::new(), tensor);
            let bias = burn::module::Param::initialized(burn::module::ParamId::new(), matrix(bias));
            let map = crate::nn::MaskedLinear { weight: param(weight), bias, masks: param(masks) };
            flat(map.forward(x, Activation::Tanh))
        };
        check_gradient(&format!("masked linear, {slots} slots"), &inputs, &forward);
    }
}
