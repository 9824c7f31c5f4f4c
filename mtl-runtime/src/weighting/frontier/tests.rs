//! Inner products against their definition: a detached leaf at the experts, and a backward pass for each task.

use burn::tensor::{Device, Tensor, TensorData};

use super::{Place, gramian};
use crate::evaluate::numbers;
use crate::ops::tests::noise;
use crate::ops::{Choice, gather, mix};
use crate::pass::Pass;

const ROWS: usize = 70;

fn draw(seed: u64, shape: [usize; 3]) -> Tensor<3> {
    let (values, shape) = noise(seed, shape);
    Tensor::from_data(TensorData::new(values, shape), &Device::default().autodiff())
}

/// The loss of a task from its stream `[B, 1, d]`: something that no other task has.
fn loss(task: usize, stream: Tensor<3>) -> Tensor<1> {
    let [rows, _, width] = stream.dims();
    let target = draw(100 + task as u64, [rows, 1, width]);
    ((stream * (1.0 + task as f64)).tanh() - target).powf_scalar(2.0).sum()
}

/// The inner products as a pass finds them, from what its towers read.
fn found(pass: &Pass, read: impl FnOnce() -> Vec<Tensor<1>>, tasks: usize) -> Vec<f64> {
    let losses = read();
    let total = losses.into_iter().reduce(|sum, loss| sum + loss).expect("there are tasks");
    let mut gradients = total.backward();
    let frontier = pass.frontier();
    let slopes: Vec<_> = frontier.cuts.iter().map(|cut| cut.leaf.grad_remove(&mut gradients)).collect();
    gramian(&Place::all(&frontier, &slopes), tasks).entries().to_vec()
}

/// The inner products of the tasks' gradients of `leaf`, of the slots that are compared. Each backward pass uses up a graph of its own.
fn defined(leaf: &Tensor<3>, losses: &dyn Fn() -> Vec<Tensor<1>>, compared: &[usize]) -> Vec<f64> {
    let [rows, slots, width] = leaf.dims();
    let of = |task: usize| -> Vec<f32> {
        let loss = losses().swap_remove(task);
        let values = leaf.grad(&loss.backward()).map_or(vec![0.0; rows * slots * width], numbers);
        let slot = |row: usize, slot: &usize| values[(row * slots + slot) * width..][..width].to_vec();
        (0..rows).flat_map(|row| compared.iter().flat_map(move |at| slot(row, at)).collect::<Vec<_>>()).collect()
    };
    let gradients: Vec<Vec<f32>> = (0..losses().len()).map(of).collect();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    gradients.iter().flat_map(|a| gradients.iter().map(|b| dot(a, b)).collect::<Vec<_>>()).collect()
}

fn agree(found: &[f64], defined: &[f64]) {
    assert_eq!(found.len(), defined.len());
    let scale = defined.iter().fold(0.0f64, |top, value| top.max(value.abs()));
    assert!(scale > 0.0);
    for (found, defined) in found.iter().zip(defined) {
        assert!((found - defined).abs() < 1e-5 * scale, "{found} and {defined}");
    }
}

fn each(tasks: usize, streams: Tensor<3>) -> Vec<Tensor<1>> {
    (0..tasks).map(|task| loss(task, streams.clone().narrow(1, task, 1))).collect()
}

/// Streams of experts with these weights: by the pass, and by the definition.
fn check(weights: Tensor<3>, experts: usize, choice: &Choice, compared: &[usize]) {
    let (tasks, experts) = (weights.dims()[1], draw(1, [ROWS, experts, 18]));
    let pass = Pass::training(0, 0).cutting();
    let products = found(
        &pass,
        || each(tasks, pass.represent_each("h", pass.mix("h", weights.clone(), experts.clone(), choice))),
        tasks,
    );
    let leaf = experts.detach().require_grad();
    let plain = || each(tasks, mix(weights.clone(), leaf.clone(), choice));
    agree(&products, &defined(&leaf, &plain, compared));
}

#[test]
fn experts_of_all_tasks() {
    check(draw(2, [ROWS, 3, 4]), 4, &Choice::All, &[0, 1, 2, 3]);
    check(draw(2, [1, 3, 3]), 3, &Choice::All, &[0, 1, 2]);
    check(draw(2, [ROWS, 20, 17]), 17, &Choice::All, &(0..17).collect::<Vec<_>>());
}

#[test]
fn own_experts_are_not_compared() {
    check(draw(2, [ROWS, 3, 4]), 8, &Choice::own_and_shared(3, 2, 2), &[6, 7]);
    // The third task does not reach what the others share.
    let choice = Choice::Lists(vec![vec![0, 1], vec![1, 2], vec![2, 3]]);
    check(draw(2, [ROWS, 3, 2]), 4, &choice, &[1, 2]);
}

#[test]
fn sums_of_the_same_experts_add_up() {
    let (gates, experts) = (draw(2, [ROWS, 2, 5]), draw(1, [ROWS, 5, 7]));
    let own = Choice::own_and_shared(2, 2, 0);
    let pass = Pass::training(0, 0).cutting();
    let products = found(
        &pass,
        || {
            let mixed = pass.mix("h", gates.clone(), experts.clone(), &Choice::All);
            let own = pass.gather("h", experts.clone().narrow(1, 0, 4), &own);
            each(2, pass.represent_each("h", mixed + own))
        },
        2,
    );
    let leaf = experts.clone().detach().require_grad();
    let mixed = || mix(gates.clone(), leaf.clone(), &Choice::All) + gather(leaf.clone().narrow(1, 0, 4), &own);
    agree(&products, &defined(&leaf, &|| each(2, mixed()), &[0, 1, 2, 3, 4]));
}

#[test]
fn streams_without_common_experts_are_compared_position_by_position() {
    let streams = draw(3, [ROWS, 2, 6]);
    let pass = Pass::training(0, 0).cutting();
    let alone = Choice::own_and_shared(2, 1, 0);
    let products = found(
        &pass,
        || each(2, pass.represent_each("h", pass.mix("h", draw(4, [ROWS, 2, 1]), streams.clone(), &alone))),
        2,
    );
    let leaf = mix(draw(4, [ROWS, 2, 1]), streams, &alone).detach().require_grad();
    let plain = each(2, leaf.clone());
    // Each task's gradient is that of its own slot.
    let values: Vec<Vec<f32>> = plain
        .into_iter()
        .zip(0..)
        .map(|(loss, task)| numbers(leaf.grad(&loss.backward()).expect("it is read").narrow(1, task, 1)))
        .collect();
    let dot =
        |s: usize, t: usize| values[s].iter().zip(&values[t]).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    agree(&products, &[dot(0, 0), dot(0, 1), dot(1, 0), dot(1, 1)]);
}

#[test]
fn towers_of_single_tasks_meet_at_the_value_that_they_read() {
    let vector = draw(5, [ROWS, 1, 6]);
    let fields = draw(6, [ROWS, 3, 4]);
    let read = |vector: [Tensor<3>; 2], fields: [Tensor<3>; 2]| {
        let wide = |fields: Tensor<3>| fields.reshape([ROWS, 1, 12]);
        let [a, b] = vector;
        let [c, d] = fields;
        vec![loss(0, a.clone()) + loss(0, wide(c) * 0.3), loss(1, b.clone() * 2.0) + loss(1, wide(d)) + loss(2, b)]
    };
    let pass = Pass::training(0, 0).cutting();
    let products = found(
        &pass,
        || {
            let vectors = [0, 1].map(|task| pass.represent("v", vector.clone(), &[task]));
            let fields = [0, 1].map(|task| pass.represent("f", fields.clone(), &[task]));
            // A second tower of the second task reads the vector once more.
            let again = pass.represent("v", vector.clone(), &[1]);
            let mut losses = read(vectors, fields);
            losses[1] = losses[1].clone() + loss(3, again);
            losses
        },
        2,
    );
    let (v, f) = (vector.detach().require_grad(), fields.detach().require_grad());
    let plain = || {
        let mut losses = read([v.clone(), v.clone()], [f.clone(), f.clone()]);
        losses[1] = losses[1].clone() + loss(3, v.clone());
        losses
    };
    let sum: Vec<f64> =
        defined(&v, &plain, &[0]).iter().zip(defined(&f, &plain, &[0, 1, 2])).map(|(a, b)| a + b).collect();
    agree(&products, &sum);
}
