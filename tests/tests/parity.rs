//! MMoE and PLE against the same networks in PyTorch (`goldens/make.py`): logits, losses, and the gradient of every parameter. The
//! goldens are in f64, so the tolerance is what f32 sums of this size can lose.

use std::collections::BTreeMap;

use mtl_runtime::{Model, mtl};
use mtl_tests::{Array, Golden, assert_close, golden, gradients, logits, network, with};

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

const TOLERANCE: f32 = 1e-5;

#[test]
fn mmoe_agrees_with_pytorch() {
    check::<SmallMmoe>(&golden("mmoe"), &BTreeMap::clone);
}

#[test]
fn ple_agrees_with_pytorch() {
    check::<SmallPle>(&golden("ple"), &grouped);
}

type Arrays = BTreeMap<String, Array>;

/// The arrays under the paths of our network, whose own and shared experts of a level are one group.
fn grouped(arrays: &Arrays) -> Arrays {
    let mut out = Arrays::new();
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

fn check<M: Model>(golden: &Golden, layout: &dyn Fn(&Arrays) -> Arrays) {
    let mut left = layout(&golden.parameters);
    let network = with(network::<M>(0), |path, shape| {
        let array = left.remove(path).unwrap_or_else(|| panic!("the golden has no parameter {path}"));
        assert_eq!(array.shape, shape, "{path}");
        Some(array.f32())
    });
    assert!(left.is_empty(), "parameters that the network lacks: {:?}", left.keys());

    let x = golden.x.f32();
    assert_close("logits", &logits(&network, &x), &golden.logits.f32(), TOLERANCE);
    let found = gradients(&network, &x, &golden.labels.f32(), &golden.weights.f32(), &[1.0, 1.0]);
    assert_close("losses", &found.losses, &golden.losses.f32(), TOLERANCE);
    let expected = layout(&golden.gradients);
    assert!(found.of.keys().eq(expected.keys()));
    for (path, gradient) in &found.of {
        assert_close(path, gradient, &expected[path].f32(), TOLERANCE);
    }
}
