//! MMoE and PLE against the same networks in PyTorch (`goldens/mixtures.py`).

use mtl_runtime::mtl;
use mtl_tests::{Arrays, check_golden, golden};

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

#[test]
fn mmoe_agrees_with_pytorch() {
    check_golden::<SmallMmoe>(&golden("mmoe"), &Arrays::clone);
}

#[test]
fn ple_agrees_with_pytorch() {
    check_golden::<SmallPle>(&golden("ple"), &grouped);
}

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
