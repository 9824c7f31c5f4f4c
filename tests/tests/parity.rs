//! MMoE and PLE against the same networks in PyTorch (`goldens/make.py`): logits, losses, and the gradient of every parameter and of
//! the input. The goldens are in f64, so the tolerance is what f32 sums of this size can lose.

use std::collections::BTreeMap;

use mtl_runtime::__private::burn::module::{ModuleVisitor, Param};
use mtl_runtime::__private::burn::tensor::{Device, Gradients, Tensor, TensorData};
use mtl_runtime::init::Init;
use mtl_runtime::loss::task_losses;
use mtl_runtime::model::Pass;
use mtl_runtime::{Model, mtl, parameters};
use mtl_tests::{Array, Golden, golden};

mtl! {
    model SmallMmoe {
        features x {
            a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
        }
        task first: binary;
        task second: binary;
        let h = mmoe(x, experts: 3 * mlp([4, 3]));
        tower each = mlp(h, [2]);
    }
}

mtl! {
    model SmallPle {
        features x {
            a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
        }
        task first: binary;
        task second: binary;
        let h = ple(x, levels: [
            level(shared: 1 * mlp([4]), each: 2 * mlp([4])),
            level(shared: 1 * mlp([3]), each: 2 * mlp([3])),
        ]);
        tower each = mlp(h, [2]);
    }
}

const TOLERANCE: f64 = 1e-5;

#[test]
fn mmoe_agrees_with_pytorch() {
    let golden = golden("mmoe");
    check::<SmallMmoe>(&golden, &|arrays| arrays.clone());
}

#[test]
fn ple_agrees_with_pytorch() {
    let golden = golden("ple");
    check::<SmallPle>(&golden, &grouped);
}

/// The arrays of `golden` under the paths of our network, whose own and shared experts of a level are one group.
fn grouped(arrays: &BTreeMap<String, Array>) -> BTreeMap<String, Array> {
    let mut out: BTreeMap<String, Array> = BTreeMap::new();
    for (path, array) in arrays {
        match path.split('.').collect::<Vec<_>>()[..] {
            ["h", level, "own", part] => {
                let shared = &arrays[&format!("h.{level}.shared.{part}")];
                out.insert(format!("h.{level}_experts_1.{part}"), array.followed_by(shared));
            }
            ["h", _, "shared", _] => {}
            ["h", level, gate, part] => drop(out.insert(format!("h.{level}_{gate}.{part}"), array.clone())),
            _ => drop(out.insert(path.clone(), array.clone())),
        }
    }
    out
}

fn check<M: Model>(golden: &Golden, layout: &dyn Fn(&BTreeMap<String, Array>) -> BTreeMap<String, Array>) {
    let device = Device::default().autodiff();
    let config = M::default_config();
    let mut left = layout(&golden.parameters);
    let network = parameters::replace(M::new(&config, &Init::new(0, &device)), |path, shape| {
        let array = left.remove(path).unwrap_or_else(|| panic!("the golden has no parameter {path}"));
        assert_eq!(array.shape, shape, "{path}");
        Ok(array.f32())
    })
    .unwrap();
    assert!(left.is_empty(), "parameters that the network lacks: {:?}", left.keys());

    let [rows, width] = [golden.x.shape[0], golden.x.shape[1]];
    let x = Tensor::<3>::from_data(TensorData::new(golden.x.f32(), [rows, 1, width]), &device).require_grad();
    let logits = network.forward(x.clone(), &Pass::training(0, 0));
    close("logits", values(logits.clone()), &golden.logits);
    let losses = task_losses(&M::schema(&config), logits, &golden.labels.f32(), &golden.weights.f32());
    close("losses", values(losses.clone()), &golden.losses);

    let gradients = losses.sum().backward();
    close("gradient of x", values(x.grad(&gradients).unwrap()), &golden.x_grad);
    let mut seen = Seen { gradients: &gradients, expected: layout(&golden.gradients), path: Vec::new() };
    network.visit(&mut seen);
    assert!(seen.expected.is_empty(), "no gradient for {:?}", seen.expected.keys());
}

/// Compares the gradient of every parameter that is visited.
struct Seen<'a> {
    gradients: &'a Gradients,
    expected: BTreeMap<String, Array>,
    path: Vec<String>,
}

impl ModuleVisitor for Seen<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let gradient = param.val().grad(self.gradients).unwrap_or_else(|| panic!("{path} has no gradient"));
        let expected = self.expected.remove(&path).unwrap_or_else(|| panic!("the golden has no gradient of {path}"));
        close(&path, values(gradient), &expected);
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn close(what: &str, found: Vec<f32>, expected: &Array) {
    assert_eq!(found.len(), expected.data.len(), "{what}");
    let scale = expected.data.iter().fold(1.0, |scale: f64, value| scale.max(value.abs()));
    for (at, (found, expected)) in found.iter().zip(&expected.data).enumerate() {
        assert!((f64::from(*found) - expected).abs() <= TOLERANCE * scale, "{what}[{at}]: {found}, expected {expected}");
    }
}
