//! Settings that a spec could not have: refused before training, with their place.

use mtl_runtime::config::apply_setting;
use mtl_runtime::train::check;
use mtl_runtime::{Model, mtl};

mtl! { model Mixture {
    features x { a: number, b: number, c: number }
    task one: binary; task two: binary;
    let h = ple(x, levels: [level(shared: 2 * mlp([4]), each: 1 * mlp([4]))], gate: top_k(2));
    tower each = h;
} }

mtl! { model Relations {
    features x { a: id(buckets: 10, dim: 4), b: id(buckets: 10, dim: 4) }
    task one: binary; task two: binary;
    let h = mran(x, heads: 2, dim: 6);
    tower each = h;
} }

fn refused<M: Model>(setting: &str) -> String {
    let mut config = M::default_config();
    check::<M>(&config).unwrap();
    apply_setting(&mut config, setting).unwrap();
    check::<M>(&config).expect_err("a network that cannot be").to_string()
}

#[test]
fn numbers_keep_to_one_another() {
    let message = refused::<Mixture>("h.top_k=4");
    assert!(message.contains("h.top_k is 4, but there are 3 to choose from"), "{message}");
    let message = refused::<Relations>("h.heads=4");
    assert!(message.contains("h.heads is 4, but it must divide the width of 6"), "{message}");
    let message = refused::<Relations>("features.b.dim=5");
    assert!(message.contains("features.b.dim makes a field of 5 columns, but `a` has 4"), "{message}");
}
