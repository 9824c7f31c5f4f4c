//! Milliseconds of one training step (forward, backward, optimiser) of three networks, on random input.
//!
//! `RAYON_NUM_THREADS=1 taskset -c 1 cargo bench --profile dev -p mtl-runtime --bench step [-- NAME...]`: the networks of
//! `specs/census_*.mtl`, 1024 rows, without embedding tables and batching.

use std::time::Instant;

use burn::module::{Module, ModuleDisplay};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use mtl_runtime::config::OptimizerConfig;
use mtl_runtime::data::Rng;
use mtl_runtime::data::schema::{Label, Schema, Task, TaskKind};
use mtl_runtime::init::{Init, members};
use mtl_runtime::loss::task_losses;
use mtl_runtime::nn::{Activation, Linear};
use mtl_runtime::ops::{Choice, logits, mix, softmax, stack};
use mtl_runtime::optim::DenseOptimizer;
use mtl_runtime::weighting::Weighting;

const ROWS: usize = 1024;
const WIDTH: usize = 263;
const TASKS: usize = 2;

fn group(init: &Init, path: &str, count: usize, d_in: usize, d_out: usize, bias: bool) -> Linear {
    init.linear(&members(path, count), d_in, d_out, bias)
}

/// A network: `[B, 1, 263]` to one representation per task, `[B, T, 128]` or `[B, 1, 128]`.
trait Body: Module + ModuleDisplay {
    fn new(init: &Init) -> Self;
    fn forward(&self, x: Tensor<3>) -> Tensor<3>;
}

#[derive(Module, Debug)]
struct SharedBottom {
    first: Linear,
    second: Linear,
}

impl Body for SharedBottom {
    fn new(init: &Init) -> Self {
        Self { first: group(init, "first", 1, WIDTH, 256, true), second: group(init, "second", 1, 256, 128, true) }
    }
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.second.forward(self.first.forward(x, Activation::Relu), Activation::Relu)
    }
}

#[derive(Module, Debug)]
struct Mmoe {
    first: Linear,
    second: Linear,
    gates: Linear,
}

impl Body for Mmoe {
    fn new(init: &Init) -> Self {
        Self {
            first: group(init, "first", 8, WIDTH, 256, true),
            second: group(init, "second", 8, 256, 128, true),
            gates: group(init, "gates", TASKS, WIDTH, 8, false),
        }
    }
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let experts = self.second.forward(self.first.forward(x.clone(), Activation::Relu), Activation::Relu);
        mix(softmax(self.gates.forward(x, Activation::None)), experts, &Choice::All)
    }
}

#[derive(Module, Debug)]
struct Ple {
    experts_1: Linear,
    gates_1: Linear,
    shared_gate_1: Linear,
    experts_2: Linear,
    gates_2: Linear,
}

impl Body for Ple {
    fn new(init: &Init) -> Self {
        let streams = vec![0, 0, 1, 1, 2, 2, 2, 2];
        Self {
            experts_1: group(init, "experts_1", 8, WIDTH, 128, true),
            gates_1: group(init, "gates_1", TASKS, WIDTH, 6, false),
            shared_gate_1: group(init, "shared_gate_1", 1, WIDTH, 8, false),
            experts_2: group(init, "experts_2", 8, 128, 128, true).reading(streams),
            gates_2: group(init, "gates_2", TASKS, 128, 6, false).reading(vec![0, 1]),
        }
    }
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let own_and_shared = Choice::own_and_shared(TASKS, 2, 4);
        let experts = self.experts_1.forward(x.clone(), Activation::Relu);
        let tasks = softmax(self.gates_1.forward(x.clone(), Activation::None));
        let shared = softmax(self.shared_gate_1.forward(x, Activation::None));
        let streams = stack(vec![mix(tasks, experts.clone(), &own_and_shared), mix(shared, experts, &Choice::All)]);
        let experts = self.experts_2.forward(streams.clone(), Activation::Relu);
        let tasks = softmax(self.gates_2.forward(streams, Activation::None));
        mix(tasks, experts, &own_and_shared)
    }
}

#[derive(Module, Debug)]
struct Network<B: Body> {
    body: B,
    tower: Linear,
    head: Linear,
    weighting: Weighting,
}

impl<B: Body> Network<B> {
    fn new(init: &Init) -> Self {
        Self {
            body: B::new(init),
            tower: group(init, "tower", TASKS, 128, 64, true),
            head: group(init, "head", TASKS, 64, 1, true),
            weighting: Weighting::equal(TASKS),
        }
    }
    fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let tower = self.tower.forward(self.body.forward(x), Activation::Relu);
        logits(vec![(self.head.forward(tower, Activation::None), &[0, 1])], TASKS)
    }
}

fn schema() -> Schema {
    let task = |name: &str| Task {
        name: name.into(),
        kind: TaskKind::binary(1.0),
        label: Label::Column(name.into()),
        sample_space: None,
        weight_column: None,
        given: None,
        losses: vec![],
    };
    Schema {
        model: "Bench".into(),
        features: vec![],
        tasks: vec![task("a"), task("b")],
        group_by: None,
        scores: Default::default(),
    }
}

fn measure<B: Body>(name: &str, steps: usize) {
    let device = Device::flex().autodiff();
    let schema = schema();
    let mut model = Network::<B>::new(&Init::new(1, &device));
    let mut optimizer = DenseOptimizer::new(&OptimizerConfig::adam(1e-3), None);
    let mut rng = Rng::new(2);
    let x: Vec<f32> = (0..ROWS * WIDTH).map(|_| rng.normal() as f32 * 0.3).collect();
    let labels: Vec<f32> = (0..ROWS * TASKS).map(|_| f32::from(rng.chance(0.2))).collect();
    let weights = vec![1.0; ROWS * TASKS];
    let mut times: Vec<[f64; 4]> = Vec::new();
    let mut last = 0.0;
    for _ in 0..steps + 5 {
        let start = Instant::now();
        let input = Tensor::<3>::from_data(TensorData::new(x.clone(), [ROWS, 1, WIDTH]), &device).require_grad();
        let losses = task_losses(&schema, model.forward(input.clone()), &labels, &weights);
        let loss = model.weighting.combine(losses, &[true; TASKS]);
        let forward = start.elapsed().as_secs_f64();
        last = loss.clone().into_scalar::<f32>();
        let mut grads = loss.backward();
        let input_grad = input.grad_remove(&mut grads).expect("the input is a leaf").into_data();
        assert_eq!(input_grad.num_elements(), ROWS * WIDTH);
        let backward = start.elapsed().as_secs_f64();
        let grads = GradientsParams::from_grads(grads, &model);
        model = optimizer.step(model, grads);
        let all = start.elapsed().as_secs_f64();
        times.push([forward, backward - forward, all - backward, all].map(|seconds| 1e3 * seconds));
    }
    let median = |phase: usize| {
        let mut phase: Vec<f64> = times[5..].iter().map(|time| time[phase]).collect();
        phase.sort_by(f64::total_cmp);
        (phase[phase.len() / 2], phase[0])
    };
    let [(forward, _), (backward, _), (update, _), (all, least)] = [0, 1, 2, 3].map(median);
    println!(
        "{name:14} forward {forward:6.2}  backward {backward:6.2}  optimiser {update:5.2}  step {all:6.2} ms (least {least:6.2}), \
         loss {last:.5}"
    );
}

/// What glibc would give back to the system after each step, and fault in again, it keeps.
fn keep_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            fn mallopt(parameter: i32, value: i32) -> i32;
        }
        const TRIM_THRESHOLD: i32 = -1;
        const MMAP_THRESHOLD: i32 = -3;
        // SAFETY: glibc's own function, called before any thread is started.
        unsafe {
            mallopt(MMAP_THRESHOLD, 1 << 30);
            mallopt(TRIM_THRESHOLD, i32::MAX);
        }
    }
}

fn main() {
    keep_memory();
    let names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    if wanted("shared-bottom") {
        measure::<SharedBottom>("shared-bottom", 60);
    }
    if wanted("mmoe") {
        measure::<Mmoe>("mmoe", 30);
    }
    if wanted("ple") {
        measure::<Ple>("ple", 40);
    }
}
