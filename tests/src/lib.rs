//! Support of the end-to-end tests: goldens and networks with given parameters.
//!
//! Typed columns are complete or do not compile. With every label column:
//!
//! ```
//! mtl_runtime::mtl! {
//!     model Feed {
//!         features user { user_id: id(buckets: 100, dim: 4) }
//!         task click: binary(label: is_click);
//!         task like: binary(label: is_like);
//!         tower each = mlp(user, [8]);
//!     }
//! }
//! let labels = FeedLabels { is_click: vec![1.0, 0.0].into(), is_like: vec![0.0, 0.0].into() };
//! assert_eq!(labels.into_table().unwrap().rows(), 2);
//! ```
//!
//! and with one left out:
//!
//! ```compile_fail,E0063
//! mtl_runtime::mtl! {
//!     model Feed {
//!         features user { user_id: id(buckets: 100, dim: 4) }
//!         task click: binary(label: is_click);
//!         task like: binary(label: is_like);
//!         tower each = mlp(user, [8]);
//!     }
//! }
//! let labels = FeedLabels { is_click: vec![1.0, 0.0].into() };
//! ```

pub mod training;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mtl_runtime::__private::burn;
use mtl_runtime::__private::burn::module::{ModuleVisitor, Param};
use mtl_runtime::__private::burn::tensor::{Device, Tensor, TensorData};
use mtl_runtime::data::Rng;
use mtl_runtime::init::Init;
use mtl_runtime::model::Pass;
use mtl_runtime::{Model, Predictor, loss, parameters};
use serde::Deserialize;

/// A tensor of a golden file, row-major.
#[derive(Debug, Clone, Deserialize)]
pub struct Array {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values.
    pub data: Vec<f64>,
}

impl Array {
    /// The values as the runtime has them.
    pub fn f32(&self) -> Vec<f32> {
        self.data.iter().map(|&value| value as f32).collect()
    }

    /// Two arrays one after the other along the first axis.
    pub fn followed_by(&self, other: &Array) -> Array {
        assert_eq!(self.shape[1..], other.shape[1..]);
        let mut shape = self.shape.clone();
        shape[0] += other.shape[0];
        Array { shape, data: self.data.iter().chain(&other.data).copied().collect() }
    }
}

/// What a script of `goldens/` wrote of one network.
#[derive(Debug, Clone, Deserialize)]
pub struct Golden {
    /// Input `[B, D]`.
    pub x: Array,
    /// Labels `[B, T]`.
    pub labels: Array,
    /// Weights `[B, T]`, 0 where a row has no label.
    pub weights: Array,
    /// Logits `[B, T]`.
    pub logits: Array,
    /// Losses `[T]`.
    pub losses: Array,
    /// The gradient of the losses' sum with respect to the input.
    pub x_grad: Array,
    /// Parameters by path.
    pub parameters: Arrays,
    /// Their gradients.
    pub gradients: Arrays,
    /// The group of each row, `[B]`; without them all rows are one group.
    #[serde(default)]
    pub groups: Vec<u64>,
}

/// A golden of `goldens/` by name.
pub fn golden(name: &str) -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the golden exists")).expect("the golden is well-formed")
}

/// Arrays by path.
pub type Arrays = BTreeMap<String, Array>;

/// Logits, losses and the gradient of every parameter against a golden; `layout` puts its arrays under the paths of our network. The
/// goldens are in f64, so the tolerance is what f32 sums of this size can lose.
pub fn check_golden<M: Model>(golden: &Golden, layout: &dyn Fn(&Arrays) -> Arrays) {
    const TOLERANCE: f32 = 1e-5;
    let mut left = layout(&golden.parameters);
    let network = with(network::<M>(0), |path, shape| {
        let array = left.remove(path).unwrap_or_else(|| panic!("the golden has no parameter {path}"));
        assert_eq!(array.shape, shape, "{path}");
        Some(array.f32())
    });
    assert!(left.is_empty(), "parameters that the network lacks: {:?}", left.keys());

    let x = golden.x.f32();
    assert_close("logits", &logits(&network, &x), &golden.logits.f32(), TOLERANCE);
    let tasks = vec![1.0; golden.losses.data.len()];
    let (labels, weights) = (golden.labels.f32(), golden.weights.f32());
    let found = gradients_in_groups(&network, &x, &labels, &weights, &golden.groups, &tasks);
    assert_close("losses", &found.losses, &golden.losses.f32(), TOLERANCE);
    let expected = layout(&golden.gradients);
    assert!(found.of.keys().eq(expected.keys()));
    for (path, gradient) in &found.of {
        assert_close(path, gradient, &expected[path].f32(), TOLERANCE);
    }
}

/// A folder of real data, or `None` with a loud word that the test is skipped.
pub fn real_data(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if !folder.is_dir() {
        eprintln!("SKIPPED: this test needs the data set {name} in {}", folder.display());
        return None;
    }
    Some(folder)
}

/// A network at its start under a seed, on a device that records gradients.
pub fn network<M: Model>(seed: u64) -> M {
    M::new(&M::default_config(), &Init::new(seed, &Device::default().autodiff()))
}

/// The network with other parameters: `value` gets a path and a shape, and keeps what is there by giving `None`.
pub fn with<M: Model>(network: M, mut value: impl FnMut(&str, &[usize]) -> Option<Vec<f32>>) -> M {
    let now: BTreeMap<String, Vec<f32>> = values(&network);
    parameters::replace(network, |path, shape| Ok(value(path, shape).unwrap_or_else(|| now[path].clone()))).unwrap()
}

/// The parameters' values by path.
pub fn values<M: Model>(network: &M) -> BTreeMap<String, Vec<f32>> {
    parameters::parameters(network).into_iter().map(|parameter| (parameter.path, parameter.values)).collect()
}

/// Every trained value by path, tables as `table.NAME`.
pub fn trained_values<M: Model>(trained: &Predictor<M>) -> BTreeMap<String, Vec<f32>> {
    let mut all = values(trained.network());
    all.extend(trained.embeddings().tables().map(|table| (format!("table.{}", table.name), table.values.to_vec())));
    all
}

/// Normal numbers of a name.
pub fn normal(name: &str, count: usize) -> Vec<f32> {
    let mut rng = Rng::keyed(5, name);
    (0..count).map(|_| rng.normal() as f32).collect()
}

/// How many rows [`rows`] and [`labels`] have.
pub const ROWS: usize = 7;

/// The input matrix of a network, `[ROWS, width]` row-major.
pub fn rows<M: Model>() -> Vec<f32> {
    normal("rows", ROWS * width::<M>())
}

/// Labels of binary tasks, `[ROWS, tasks]` row-major.
pub fn labels(tasks: usize) -> Vec<f32> {
    (0..ROWS * tasks).map(|at| f32::from(u8::from(at * 7 % 3 == 0))).collect()
}

/// The greatest absolute value.
pub fn max_abs(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |max, value| max.max(value.abs()))
}

/// What training adds to the loss, by name, and all of the loss: the sum of the tasks' and of the penalties.
pub fn trained<M: Model>(network: &M, x: &[f32], step: u64) -> (Vec<(&'static str, f32)>, Tensor<1>) {
    let pass = Pass::training(3, step);
    let found = network.forward(input::<M>(x), &pass);
    let schema = M::schema(&M::default_config());
    let all = loss::task_losses(&schema, found, &labels(2), &[1.0; ROWS * 2]).sum();
    let penalties = pass.penalties();
    let added = penalties.iter().map(|(name, penalty)| (*name, numbers(penalty.clone().inner())[0])).collect();
    (added, penalties.into_iter().fold(all, |all, (_, penalty)| all + penalty))
}

/// The width of a model's input.
pub fn width<M: Model>() -> usize {
    M::schema(&M::default_config()).width()
}

/// Logits `[B, T]`, row-major, of input rows.
pub fn logits<M: Model>(network: &M, x: &[f32]) -> Vec<f32> {
    numbers(network.forward(input::<M>(x), &Pass::serving()))
}

/// Input rows as a tensor.
pub fn input<M: Model>(x: &[f32]) -> Tensor<3> {
    let width = width::<M>();
    Tensor::from_data(TensorData::new(x.to_vec(), [x.len() / width, 1, width]), &Device::default().autodiff())
}

/// A tensor's values, row-major.
pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("f32")
}

/// Losses and gradients of one pass.
pub struct Gradients {
    /// The tasks' losses, `[T]`.
    pub losses: Vec<f32>,
    /// The gradient of their weighted sum by the parameter's path; zeros where it does not arrive.
    pub of: BTreeMap<String, Vec<f32>>,
    /// The gradient of the input, as the rows.
    pub x: Vec<f32>,
}

/// The gradient of `sum_t task_weights[t] * loss_t` for rows `x` with labels and row weights `[B, T]`.
pub fn gradients<M: Model>(network: &M, x: &[f32], labels: &[f32], weights: &[f32], task_weights: &[f32]) -> Gradients {
    gradients_in_groups(network, x, labels, weights, &[], task_weights)
}

/// The same for rows in groups, `[B]`.
pub fn gradients_in_groups<M: Model>(
    network: &M,
    x: &[f32],
    labels: &[f32],
    weights: &[f32],
    groups: &[u64],
    task_weights: &[f32],
) -> Gradients {
    let x = input::<M>(x).require_grad();
    let losses = loss::grouped_losses(
        &M::schema(&M::default_config()),
        network.forward(x.clone(), &Pass::training(0, 0)),
        labels,
        weights,
        groups,
    );
    let factors = Tensor::<1>::from_data(TensorData::new(task_weights.to_vec(), [task_weights.len()]), &x.device());
    let found = (losses.clone() * factors).sum().backward();
    let of = collect(network, &found);
    let x = x.grad(&found).map_or_else(Vec::new, numbers);
    Gradients { losses: numbers(losses), of, x }
}

/// The gradient of a loss by the parameter's path; zeros where it does not arrive.
pub fn gradients_of<M: Model>(network: &M, loss: Tensor<1>) -> BTreeMap<String, Vec<f32>> {
    collect(network, &loss.backward())
}

fn collect<M: Model>(network: &M, found: &burn::tensor::Gradients) -> BTreeMap<String, Vec<f32>> {
    let mut visitor = Collect { gradients: found, path: Vec::new(), of: BTreeMap::new() };
    network.visit(&mut visitor);
    visitor.of
}

struct Collect<'a> {
    gradients: &'a burn::tensor::Gradients,
    path: Vec<String>,
    of: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let gradient = value.grad(self.gradients).map_or_else(|| vec![0.0; value.shape().num_elements()], numbers);
        self.of.insert(self.path.join("."), gradient);
    }
}

/// Asserts that two lists are equal up to `tolerance`, relative to the largest of them and to 1.
pub fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0, |scale: f32, value| scale.max(value.abs()));
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance * scale, "{what}[{at}]: {found}, expected {expected}");
    }
}
